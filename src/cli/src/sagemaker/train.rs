//! `gsm sagemaker train`
use super::{Layout, channels::Channels, config, hyperparameters::Hyperparameters};
use crate::{
    history::Reading,
    model::{Matches, Recipe, figure_line, trained},
    output::{Failure, Outcome, note, say},
};
use clap::Args;
use gsm_adapters::SystemClock;
use gsm_core::Clock as _;
use gsm_ml::{Kept, ModelFile};
use gsm_server::sagemaker::MODEL_SUFFIX;
use std::{
    fs,
    io::Write as _,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};
use tokio::signal::unix::{SignalKind, signal};

/// Characters of the failure file that the platform shows.
const FAILURE_CHARS_MAX: usize = 1_024;
/// What the system answers of a process that SIGTERM ended.
const TERMINATED: i32 = 143;

/// `gsm sagemaker train`
#[derive(Args)]
#[command(after_help = "Examples:
  docker run -v job:/opt/ml IMAGE train
  GSM_ML_PREFIX=job gsm sagemaker train

Reads input/config/{hyperparameters,inputdataconfig,resourceconfig}.json and the channels input/data/train and, if there
is one, input/data/validation (later matches, by which the model is judged). Files are those of `gsm model train`. Writes
model/<mode>.gsmmodel and output/data/metrics.json; prints metrics as `validation:log_loss=0.5942`. On failure writes
output/failure.

Hyperparameters: mode (a name, default `default`), holdout (share of matches that the model is judged by where there is no
validation channel, default 0.2), forgetting (0 to 0.1, default what predicts best), trees (0 to 1000, default 0), players
(`false` keeps the weights alone).

Exit code 0: done; 1: it failed; 2: configuration or a file makes no sense.")]
pub(super) struct Train {
    #[command(flatten)]
    layout: Layout,
    /// The job's name, in the model
    #[arg(long, value_name = "NAME", env = "TRAINING_JOB_NAME", default_value = "local")]
    job: String,
}

impl Train {
    pub(super) fn run(self) -> Outcome {
        // What an earlier job left would speak for this one.
        let failure = self.layout.at("output/failure");
        if let Err(error) = fs::remove_file(&failure)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            note(format_args!("cannot remove `{}`: {error}", failure.display()));
        }
        stop_on_signal(&self.layout)?;
        let done = caught(|| self.train());
        if let Err(failure) = &done {
            write_failure(&self.layout, &failure.text);
        }
        done
    }

    fn train(&self) -> Outcome {
        let told = config(&self.layout.at("input/config/hyperparameters.json")).map_err(Failure::usage)?;
        let told = Hyperparameters::read(told.as_ref()).map_err(Failure::usage)?;
        let channels = Channels::find(&self.layout).map_err(Failure::usage)?;
        if channels.train.is_empty() {
            note(
                "the channel `train` has no files: the model knows what games have in common, and nothing of this one",
            );
        }
        let (matches, holdout) = read(&channels, &told)?;
        let recipe = Recipe { holdout, forgetting: told.forgetting, trees: told.trees, champion: None };
        let mut file = trained(&matches, &recipe, SystemClock::new().now(), &self.job)?;
        file.about.name.clone_from(&self.job);
        let kept = if told.players { Kept::All } else { Kept::Weights };
        let bytes = file.to_bytes(kept).map_err(Failure::failed)?;
        let hash = ModelFile::hash_of(&bytes).map_err(Failure::failed)?;
        let path = self.layout.model().join(format!("{}.{MODEL_SUFFIX}", told.mode));
        put(&path, &bytes)?;
        let metrics = serde_json::to_vec_pretty(&file.about).map_err(Failure::failed)?;
        put(&self.layout.at("output/data/metrics.json"), &metrics)?;
        for line in file.about.metrics.model.iter().flat_map(figure_line) {
            say(line);
        }
        say(format_args!("model {} of {} matches: {}", hash, file.about.window.matches, path.display()));
        Ok(())
    }
}

/// What `work` comes to; a failure where it panics, for the platform tells nothing of a job but what its failure file says.
fn caught(work: impl FnOnce() -> Outcome) -> Outcome {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().copied();
        let text =
            text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no reason told");
        Err(Failure::failed(format!(
            "the training ended in a panic, which is a fault of this program: {text}"
        )))
    })
}

/// The matches, and the share of them that the model is judged by.
fn read(channels: &Channels, told: &Hyperparameters) -> Result<(Matches, f64), Failure> {
    let how = Reading { by_job: true, ..Reading::default() };
    let of = |files: &[std::path::PathBuf]| Matches::of_files(files, told.mode.clone(), how);
    let train = of(&channels.train)?;
    if train.history.is_empty() && !channels.train.is_empty() {
        return Err(Failure::usage("the files of the channel `train` have no match"));
    }
    if channels.validation.is_empty() {
        return Ok((train, told.holdout));
    }
    let later = of(&channels.validation)?;
    let n = train.history.len();
    if n > 0 && !later.history.is_empty() && later.history.at(0) < train.history.at(n - 1) {
        return Err(Failure::usage(
            "the channel `validation` has matches before the end of `train`: a model is judged by what comes later",
        ));
    }
    let all: Vec<_> = channels.train.iter().chain(&channels.validation).cloned().collect();
    let all = of(&all)?;
    // A match that both channels have counts once.
    let m = all.history.len().saturating_sub(n);
    if m == 0 {
        return Err(Failure::usage(
            "the files of the channel `validation` have no match that `train` has not: nothing would judge the model",
        ));
    }
    let share = m as f64 / all.history.len().max(1) as f64;
    Ok((all, share))
}

/// Writes a file whole: the platform packs whatever is there when the job ends.
fn put(path: &Path, bytes: &[u8]) -> Outcome {
    let new = path.with_added_extension("new");
    let written = || -> std::io::Result<()> {
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir)?;
        }
        let mut file = fs::File::create(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)
    };
    written().map_err(|error| Failure::failed(format!("cannot write `{}`: {error}", path.display())))
}

fn write_failure(layout: &Layout, text: &str) {
    let text: String = text.chars().take(FAILURE_CHARS_MAX).collect();
    if let Err(failure) = put(&layout.at("output/failure"), text.as_bytes()) {
        note(failure.text);
    }
}

/// A job that is stopped ends at once: what it has learnt so far is no model.
fn stop_on_signal(layout: &Layout) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Failure::failed)?;
    let mut stop = {
        let _within = runtime.enter();
        signal(SignalKind::terminate()).map_err(Failure::failed)?
    };
    let layout = layout.clone();
    std::thread::spawn(move || {
        if runtime.block_on(stop.recv()).is_some() {
            write_failure(&layout, "stopped by SIGTERM before the model was whole");
            note("gsm: stopped by SIGTERM");
            std::process::exit(TERMINATED);
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_failure_with_a_reason() {
        let works: [fn() -> Outcome; 2] = [|| panic!("at {}", 7), || panic!("at 7")];
        for work in works {
            let failure = caught(work).unwrap_err();
            assert!(failure.code == 1 && failure.text.ends_with(": at 7"), "{}", failure.text);
        }
        assert!(caught(|| Ok(())).is_ok());
        assert_eq!(caught(|| Err(Failure::usage("no"))).unwrap_err().code, 2);
    }
}
