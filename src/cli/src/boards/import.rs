//! `gsm boards import`.
use super::{board, is_there, records};
use crate::{
    history::drawn,
    offline::Offline,
    output::{Failure, Outcome, grouped, say},
};
use clap::{Args, ValueEnum};
use gsm_adapters::Options;
use gsm_core::{BoardName, Label, RequestKey, limits};
use gsm_engine::{Call, ImportPlayer, Submission};
use indicatif::ProgressBar;
use std::path::PathBuf;

/// What a file is.
#[derive(Clone, Copy, ValueEnum)]
enum From {
    /// A head with player_id and score, or value_1, value_2, ..
    Csv,
    /// What Nakama answers when leaderboard records are listed
    Nakama,
    /// What PlayFab answers to GetLeaderboard
    Playfab,
}

/// `gsm boards import`
#[derive(Args)]
#[command(after_help = "Examples:
  gsm boards import --data-dir gsm-data --board laps laps.csv
  gsm boards import --data-dir gsm-data --board points --from nakama page1.json page2.json

The board must be defined, for submissions; its operators count, so that a board of best scores can be given a file
twice. Players are those of the ids in the file, made where new. CSV may have display_name, timestamp (milliseconds since
1970) and metadata as well. No server may run on the directory.

Exit code 0: done; 1: the data directory failed; 2: a file or the board makes no sense, and nothing of that file was
taken.")]
pub(super) struct Import {
    /// The data directory
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// The board
    #[arg(long, value_name = "BOARD")]
    board: String,
    /// What the files are
    #[arg(long, value_enum, default_value = "csv")]
    from: From,
    /// The files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

impl Import {
    pub(super) fn run(self) -> Outcome {
        let name = board(&self.board)?;
        is_there(&self.data_dir)?;
        let runtime = tokio::runtime::Runtime::new().map_err(Failure::failed)?;
        let taken = runtime.block_on(self.import(&name))?;
        say(format_args!("{} scores taken by `{name}`", grouped(taken)));
        Ok(())
    }

    async fn import(&self, name: &BoardName) -> Result<u64, Failure> {
        let offline = Offline::open(&self.data_dir, Options::default(), "an import").await?;
        let taken = self.all(&offline, name).await;
        offline.close().await?;
        taken
    }

    async fn all(&self, offline: &Offline, name: &BoardName) -> Result<u64, Failure> {
        let config = offline.engine.board_config(name).map_err(Failure::usage)?;
        let mut taken = 0;
        for file in &self.files {
            let shown = file.display();
            let wrong = |what: String| Failure::usage(format!("{shown}: {what}"));
            let text = std::fs::read_to_string(file)
                .map_err(|e| Failure::usage(format!("cannot read `{shown}`: {e}")))?;
            let records = match self.from {
                From::Csv => records::csv(&text),
                From::Nakama => records::nakama(&text, config.columns.len()),
                From::Playfab => records::playfab(&text),
            };
            let records = records.map_err(wrong)?;
            let columns = config.columns.len();
            if let Some(record) = records.iter().find(|record| record.values.len() != columns) {
                let found = record.values.len();
                return Err(wrong(format!("has {found} numbers a player, the board has {columns} columns")));
            }
            let bar = drawn(
                ProgressBar::new(records.len() as u64),
                "{bar:40} {human_pos}/{human_len}, {eta} to go",
            );
            for part in records.chunks(limits::PAGE_SIZE_MAX) {
                taken += submit(offline, name, part)
                    .await
                    .map_err(|failure| Failure { text: format!("{shown}: {}", failure.text), ..failure })?;
                bar.inc(part.len() as u64);
            }
            bar.finish_and_clear();
        }
        Ok(taken)
    }
}

async fn submit(offline: &Offline, name: &BoardName, records: &[records::Record]) -> Result<u64, Failure> {
    let engine = &offline.engine;
    let now = engine.clock().now();
    let players: Vec<ImportPlayer> = records
        .iter()
        .map(|record| {
            let external = RequestKey::new(&record.player)
                .map_err(|e| Failure::usage(format!("player `{}`: {e}", record.player)))?;
            let name = record.name.as_deref().and_then(|name| Label::new(name).ok());
            Ok(ImportPlayer { external, name, at: record.at.unwrap_or(now) })
        })
        .collect::<Result<_, Failure>>()?;
    let ids = engine.import_players(&players).await.map_err(Failure::failed)?;
    let submissions: Vec<Submission> = records
        .iter()
        .zip(ids)
        .map(|(record, player)| Submission {
            player,
            values: record.values.clone(),
            at: record.at,
            metadata: record.metadata.clone(),
        })
        .collect();
    let call = Call::system("gsm:SubmitScores", now);
    let taken = engine.submit(&call, name, &submissions).await.map_err(|error| match error {
        gsm_engine::EngineError::Invalid { .. } => Failure::usage(error),
        other => Failure::failed(other),
    })?;
    Ok(taken.len() as u64)
}
