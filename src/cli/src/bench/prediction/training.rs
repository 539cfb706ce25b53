//! A training job of the container, in a process of its own.
use crate::{
    bench::{child::now, machine, report::Figure},
    output::Failure,
};
use gsm_core::SplitMix64;
use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

/// Players of the matches.
const PLAYERS: u64 = 20_000;

/// What the platform puts under /opt/ml.
pub(super) struct Job {
    prefix: PathBuf,
    matches: u64,
}

impl Job {
    /// Duels of players, the better of whom wins three of four.
    pub(super) fn new(dir: &Path, matches: u64) -> Result<Self, Failure> {
        let prefix = dir.join("ml");
        for part in ["input/config", "input/data/train", "model", "output/data"] {
            fs::create_dir_all(prefix.join(part)).map_err(Failure::failed)?;
        }
        let mut text = "match_id,timestamp,team,player_id,rank,score,mode\n".to_owned();
        for number in 1..=matches {
            let dice = SplitMix64::mixed(number);
            let a = dice % PLAYERS;
            let b = (a + 1 + (dice >> 20) % (PLAYERS - 1)) % PLAYERS;
            let a_wins = (a < b) != (dice >> 50).is_multiple_of(4);
            let ranks = if a_wins { [1, 2] } else { [2, 1] };
            for (team, (player, rank)) in [a, b].into_iter().zip(ranks).enumerate() {
                writeln!(text, "{number},{},{team},p{player},{rank},,", number * 60)
                    .map_err(Failure::failed)?;
            }
        }
        fs::write(prefix.join("input/data/train/matches.csv"), text).map_err(Failure::failed)?;
        let channels = r#"{"train":{"TrainingInputMode":"File","RecordWrapperType":"None"}}"#;
        fs::write(prefix.join("input/config/inputdataconfig.json"), channels).map_err(Failure::failed)?;
        Ok(Self { prefix, matches })
    }

    pub(super) fn prefix(&self) -> &Path {
        &self.prefix
    }

    /// How long the job takes, and how much memory.
    pub(super) fn train(&self, trees: u32, has_goals: bool) -> Result<[Figure; 2], Failure> {
        let told = format!(r#"{{"mode":"duel","trees":"{trees}"}}"#);
        fs::write(self.prefix.join("input/config/hyperparameters.json"), told).map_err(Failure::failed)?;
        let gsm = std::env::current_exe().map_err(Failure::failed)?;
        let begin = now();
        let mut child = Command::new(gsm)
            .args(["sagemaker", "train"])
            .env("GSM_ML_PREFIX", &self.prefix)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(Failure::failed)?;
        let mut most_mib: f64 = 0.0;
        let status = loop {
            most_mib =
                most_mib.max(machine::memory(&child.id().to_string(), "VmHWM").unwrap_or(0.0) / 1_048_576.0);
            match child.try_wait().map_err(Failure::failed)? {
                Some(status) => break status,
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        let took = begin.elapsed().as_secs_f64();
        if !status.success() {
            let why = fs::read_to_string(self.prefix.join("output/failure")).unwrap_or_default();
            return Err(Failure::failed(format!("the training job ended with {status}: {why}")));
        }
        let of = format!("{} matches, {trees} trees", crate::output::grouped(self.matches));
        let time = Figure::new(format!("training on {of}"), took, "s");
        let memory = Figure::new(format!("memory at most, {of}"), most_mib, "MiB");
        Ok(if has_goals { [time.at_most(60.0), memory.at_most(2_048.0)] } else { [time, memory] })
    }
}
