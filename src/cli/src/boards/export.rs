//! `gsm boards export`.
use super::board;
use crate::{
    offline::{Offline, existing_dir},
    output::{Draft, Failure, Out, Outcome, grouped, is_unread, note},
};
use clap::{Args, ValueEnum};
use gsm_core::{Label, PlayerId, Timestamp, limits};
use gsm_engine::{BoardConfig, BoardRef, BoardRow, Engine, Part, SeatRef, Source, UnrankedRow, Visibility};
use gsm_ranking::Keys;
use serde_json::json;
use std::{
    io::{BufWriter, Write},
    path::PathBuf,
    sync::Arc,
};

/// How a board is written.
#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// A head and a line a player
    Csv,
    /// A JSON object a line
    Jsonl,
    /// An Apache Parquet file; takes a gsm built with it
    Parquet,
}

/// `gsm boards export`
#[derive(Args)]
#[command(after_help = "Examples:
  gsm boards export --data-dir gsm-data --board duel > duel.csv
  gsm boards export --data-dir gsm-data --board laps --format jsonl --out laps.jsonl
  gsm boards export --data-dir gsm-data --board league --season 3 --cohort 17
  gsm boards export --data-dir gsm-data --board laps --format parquet --out laps.parquet

Columns: rank, player_id, display_name, a value for each column of the board, reached_at (milliseconds since 1970),
games; on a board with cohorts level and cohort too, on one that scores are submitted to metadata. Whom the board does not
rank (too few games, idle, hidden) comes last, with an empty rank; where somebody is hidden or in the shadow a last column
visibility says so. --ranked leaves them out: for lists that others see. What is exported as
CSV or JSON lines can be imported again, with the order of equals of one millisecond where all players are new there. No server may run on the directory.

Exit code 0: done; 1: the data directory failed; 2: no such board, or no such format in this build.")]
pub(super) struct Export {
    /// The data directory
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// The board, or a mode for its own
    #[arg(long, value_name = "BOARD")]
    board: String,
    /// A season of the past, from 1, where the board has seasons [default: that under way]
    #[arg(long, value_name = "NUMBER")]
    season: Option<u64>,
    /// One cohort of the season, where the board has cohorts [default: the whole board]
    #[arg(long, value_name = "NUMBER")]
    cohort: Option<u64>,
    /// Leave out who has no rank
    #[arg(long)]
    ranked: bool,
    /// How it is written
    #[arg(long, value_enum, default_value = "csv")]
    format: Format,
    /// Where it goes [default: standard output]; a file that is there is replaced once the new one is whole
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Export {
    pub(super) fn run(self) -> Outcome {
        if matches!(self.format, Format::Parquet) && !cfg!(feature = "parquet") {
            return Err(no_parquet());
        }
        let part = self.cohort.map(Part::Cohort);
        let of = BoardRef { season: self.season, part, ..BoardRef::whole(board(&self.board)?) };
        existing_dir(&self.data_dir)?;
        let runtime = tokio::runtime::Runtime::new().map_err(Failure::failed)?;
        let (written, out) = runtime.block_on(self.export(&of))?;
        if let Some(path) = out {
            note(format_args!("{} players to {}", grouped(written), path.display()));
        }
        Ok(())
    }

    async fn export(self, of: &BoardRef) -> Result<(u64, Option<PathBuf>), Failure> {
        let offline = Offline::existing(&self.data_dir, "an export").await?;
        let written = self.write(&offline, of).await;
        offline.close().await?;
        Ok((written?, self.out))
    }

    async fn write(&self, offline: &Offline, of: &BoardRef) -> Result<u64, Failure> {
        let engine = &offline.engine;
        let of = &engine.of_this_season(of).map_err(Failure::usage)?;
        let config = engine.open_board(of).await.map_err(Failure::usage)?.config().clone();
        // A cohort that there is, before anything is written.
        engine.top(of, 0, 0).await.map_err(Failure::usage)?;
        let Some(path) = &self.out else {
            return self.rows(engine, of, config, Box::new(Out)).await;
        };
        let failed = |e: std::io::Error| Failure::failed(format!("cannot write `{}`: {e}", path.display()));
        let draft = Draft::new(path).map_err(failed)?;
        let out = Box::new(draft.file().map_err(failed)?);
        let written = self.rows(engine, of, config, out).await?;
        draft.keep().map_err(failed)?;
        Ok(written)
    }

    /// Writes all of them; how many there are.
    async fn rows(
        &self,
        engine: &Engine,
        of: &BoardRef,
        config: Arc<BoardConfig>,
        out: Box<dyn Write + Send>,
    ) -> Result<u64, Failure> {
        let failed = |e: std::io::Error| Failure::failed(format!("cannot write: {e}"));
        let unranked = engine.unranked(of).await.map_err(Failure::failed)?;
        let count_of = |seen| grouped(unranked.iter().filter(|row| row.visibility == seen).count() as u64);
        if !unranked.is_empty() {
            let (all, what) =
                (grouped(unranked.len() as u64), if self.ranked { "left out" } else { "written" });
            let (hidden, shadow) = (count_of(Visibility::Hidden), count_of(Visibility::Shadow));
            note(format_args!(
                "without a rank: {all} players, {what}; of them hidden {hidden}, in the shadow {shadow}"
            ));
        }
        let unranked = if self.ranked { Vec::new() } else { unranked };
        let is_told = unranked.iter().any(|row| row.visibility != Visibility::Shown);
        let mut table = self.table(config.clone(), is_told, BufWriter::new(out))?;
        let (mut written, mut offset) = (unranked.len() as u64, 0);
        loop {
            let (rows, players) =
                engine.top(of, offset, limits::PAGE_SIZE_MAX).await.map_err(Failure::failed)?;
            // A page leaves out who is hidden since a payout, and whose place stays.
            written += rows.len() as u64;
            offset += limits::PAGE_SIZE_MAX as u64;
            let rows = if has_metadata(&config) {
                engine.with_metadata(of, rows).await.map_err(Failure::failed)?
            } else {
                rows
            };
            rows.into_iter().try_for_each(|row| table.add(&row.into())).map_err(failed)?;
            if offset >= players || is_unread() {
                break;
            }
        }
        unranked.into_iter().try_for_each(|row| table.add(&row.into())).map_err(failed)?;
        table.end().map_err(failed)?;
        Ok(written)
    }

    fn table(
        &self,
        config: Arc<BoardConfig>,
        has_visibility: bool,
        out: impl Write + Send + 'static,
    ) -> Result<Box<dyn Table>, Failure> {
        let failed = |e: std::io::Error| Failure::failed(format!("cannot write: {e}"));
        match self.format {
            Format::Csv => Ok(Box::new(Lines::csv(config, has_visibility, out).map_err(failed)?)),
            Format::Jsonl => Ok(Box::new(Lines { config, has_visibility, out, line: jsonl })),
            #[cfg(feature = "parquet")]
            Format::Parquet => {
                Ok(Box::new(super::parquet::Parquet::new(out, config, has_visibility).map_err(failed)?))
            }
            #[cfg(not(feature = "parquet"))]
            Format::Parquet => Err(no_parquet()),
        }
    }
}

fn no_parquet() -> Failure {
    Failure::usage(
        "this gsm writes no Parquet\nhint: it was built without default features: cargo build --release -p gsm-cli builds one that does",
    )
}

/// Whether games give entries of the board texts of their own.
pub(super) fn has_metadata(config: &BoardConfig) -> bool {
    config.source == Source::Submissions
}

/// A line of a file.
pub(super) struct Entry {
    pub(super) rank: Option<u64>,
    pub(super) player: PlayerId,
    pub(super) name: Option<Label>,
    keys: Keys,
    pub(super) reached_at: Timestamp,
    pub(super) games: u32,
    pub(super) seat: Option<SeatRef>,
    pub(super) metadata: Option<String>,
    visibility: Visibility,
}

impl Entry {
    /// Who sees the player, where that is not everybody.
    pub(super) fn seen(&self) -> Option<&'static str> {
        match self.visibility {
            Visibility::Shown => None,
            Visibility::Hidden => Some("hidden"),
            Visibility::Shadow => Some("shadow"),
        }
    }
}

impl From<BoardRow> for Entry {
    fn from(row: BoardRow) -> Self {
        Self {
            rank: Some(row.rank.get()),
            player: row.player,
            name: row.name,
            keys: row.keys,
            reached_at: row.reached_at,
            games: row.games,
            seat: row.seat,
            metadata: row.metadata,
            visibility: Visibility::Shown,
        }
    }
}

impl From<UnrankedRow> for Entry {
    fn from(row: UnrankedRow) -> Self {
        Self {
            rank: None,
            player: row.player,
            name: row.name,
            keys: row.keys,
            reached_at: row.reached_at,
            games: row.games,
            seat: row.seat,
            metadata: row.metadata,
            visibility: row.visibility,
        }
    }
}

/// A file that takes rows: best first, then those without a rank.
pub(super) trait Table {
    fn add(&mut self, row: &Entry) -> std::io::Result<()>;
    /// Writes what is left.
    fn end(self: Box<Self>) -> std::io::Result<()>;
}

/// A line a row.
struct Lines<W> {
    config: Arc<BoardConfig>,
    /// Whether a column says who is not seen by everybody.
    has_visibility: bool,
    out: W,
    line: fn(&Self, &Entry) -> String,
}

impl<W: Write> Lines<W> {
    fn csv(config: Arc<BoardConfig>, has_visibility: bool, mut out: W) -> std::io::Result<Self> {
        let values: Vec<String> = (1..=config.columns.len()).map(|nth| format!("value_{nth}")).collect();
        let seat = if config.grouping.is_some() { ",level,cohort" } else { "" };
        let metadata = if has_metadata(&config) { ",metadata" } else { "" };
        let visibility = if has_visibility { ",visibility" } else { "" };
        let values = values.join(",");
        writeln!(out, "rank,player_id,display_name,{values},reached_at,games{seat}{metadata}{visibility}")?;
        Ok(Self { config, has_visibility, out, line: csv })
    }
}

impl<W: Write> Table for Lines<W> {
    fn add(&mut self, row: &Entry) -> std::io::Result<()> {
        let line = (self.line)(self, row);
        writeln!(self.out, "{line}")
    }
    fn end(mut self: Box<Self>) -> std::io::Result<()> {
        self.out.flush()
    }
}

/// A number for each column of the board.
pub(super) fn values(config: &BoardConfig, row: &Entry) -> Vec<f64> {
    let keys = row.keys.columns();
    (0..config.columns.len()).zip(keys).map(|(column, key)| config.shown(column, *key)).collect()
}

fn csv<W>(to: &Lines<W>, row: &Entry) -> String {
    let config = &to.config;
    let name = row.name.as_ref().map(|name| super::records::quoted(name.as_str())).unwrap_or_default();
    let values: Vec<String> = values(config, row).iter().map(ToString::to_string).collect();
    let (at, games) = (row.reached_at.as_millis(), row.games);
    let shown = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
    let mut line = format!("{},{},{name},{},{at},{games}", shown(row.rank), row.player, values.join(","));
    if config.grouping.is_some() {
        let level = row.seat.and_then(|of| of.level).map(u64::from);
        let cohort = row.seat.map(|of| of.seat.cohort);
        line.extend([",", &shown(level), ",", &shown(cohort)]);
    }
    if has_metadata(config) {
        line.push(',');
        line.extend(row.metadata.as_deref().map(super::records::quoted));
    }
    if to.has_visibility {
        line.push(',');
        line.extend(row.seen());
    }
    line
}

fn jsonl<W>(to: &Lines<W>, row: &Entry) -> String {
    let config = &to.config;
    let mut line = json!({
        "rank": row.rank,
        "player_id": row.player.to_string(),
        "display_name": row.name.as_ref().map(|name| name.as_str()),
        "values": values(config, row),
        "reached_at": row.reached_at.as_millis(),
        "games": row.games,
    });
    if let Some(of) = row.seat {
        line["cohort"] = of.seat.cohort.into();
        if let Some(level) = of.level {
            line["level"] = level.into();
        }
    }
    if has_metadata(config) {
        line["metadata"] = row.metadata.clone().into();
    }
    if let Some(seen) = row.seen() {
        line["visibility"] = seen.into();
    }
    line.to_string()
}
