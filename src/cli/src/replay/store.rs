//! A history into a data directory: the same decisions and commits as live results, many at once.
use super::{rated::Rated, stopwatch};
use crate::{external, history::Chronicle, offline::Offline, output::Failure};
use gsm_adapters::{Options, State};
use gsm_core::{Label, Mode, PlayerId, RequestKey, Timestamp, Variant};
use gsm_engine::{BoardRef, EngineError, IMPORT_MATCHES_MAX, ImportMatch, ImportPlayer, Imported, Viewer};
use gsm_rating::System;
use gsm_session::{Report, Roster, SideReport, Standings};
use std::{path::Path, time::Duration};

/// Unwritten rows and bytes at which an import waits for the checkpoint.
const ROWS_WAIT: usize = 400_000;
const ROWS_MAX: usize = 500_000;
const BYTES_MAX: usize = 256 << 20;
const CHECKPOINT_ROWS: usize = 150_000;
const CHECKPOINT_BYTES: usize = 96 << 20;
/// Ratings and players kept at hand.
const HOT_ROWS: usize = 1 << 18;
/// Between looks at the checkpoint.
const WAIT: Duration = Duration::from_millis(2);

/// A store that is open for an import.
pub(super) struct Target {
    offline: Offline,
    mode: Mode,
}

/// What an import did.
#[derive(Debug, Clone, serde::Serialize)]
pub(super) struct Done {
    /// Matches that count now.
    pub(super) new: u64,
    /// Matches that counted before.
    pub(super) known: u64,
    /// Players whose rank, score and games on the server's board are those of this file alone.
    pub(super) agree: u64,
    /// The others: the mode has more than the file alone gives.
    pub(super) differ: u64,
    pub(super) seconds: f64,
}

impl Target {
    pub(super) async fn open(dir: &Path, mode: Mode) -> Result<Self, Failure> {
        let options = Options {
            hot_rows_max: HOT_ROWS,
            unwritten_rows_max: ROWS_MAX,
            unwritten_bytes_max: BYTES_MAX,
            checkpoint_rows: CHECKPOINT_ROWS,
            checkpoint_bytes: CHECKPOINT_BYTES,
            ..Offline::options()
        };
        let offline = Offline::open(dir, options, "a replay").await?;
        if let Err(error) = offline.engine.check_new_mode(&mode) {
            offline.close().await?;
            return Err(Failure::usage(error));
        }
        Ok(Self { offline, mode })
    }

    /// The system that the mode's queues name, or the default one.
    pub(super) fn system(&self) -> System {
        self.offline.engine.named_system(&self.mode)
    }

    /// Counts every match, in the order of the file; those that count already change nothing.
    pub(super) async fn import(
        &self,
        history: &Chronicle,
        rated: &Rated,
        each: impl Fn(u64),
    ) -> Result<Done, Failure> {
        let begin = stopwatch();
        let mut ids: Vec<Option<PlayerId>> = vec![None; history.names.len()];
        let (mut new, mut known) = (0, 0);
        let indices: Vec<usize> = (0..history.history.len()).collect();
        for batch in indices.chunks(IMPORT_MATCHES_MAX) {
            self.find_players(history, batch, &mut ids).await?;
            let matches: Vec<ImportMatch> =
                batch.iter().map(|index| self.one(history, *index, &ids)).collect::<Result<_, _>>()?;
            let done = self.patiently(async || self.offline.engine.import_matches(&matches).await).await?;
            let counted = done.iter().filter(|imported| **imported == Imported::New).count() as u64;
            new += counted;
            known += done.len() as u64 - counted;
            each(batch.len() as u64);
        }
        let (agree, differ) = self.compare(rated, &ids);
        Ok(Done { new, known, agree, differ, seconds: begin.elapsed().as_secs_f64() })
    }

    /// Makes the players whom a batch names first.
    async fn find_players(
        &self,
        history: &Chronicle,
        batch: &[usize],
        ids: &mut [Option<PlayerId>],
    ) -> Result<(), Failure> {
        let mut wanted: Vec<(u32, Timestamp)> = Vec::new();
        for index in batch {
            let at = history.history.at(*index);
            let players = history.history.sides(*index).flat_map(|side| side.players);
            let unknown = players.filter(|player| ids.get(**player as usize) == Some(&None));
            wanted.extend(unknown.map(|player| (*player, at)));
        }
        wanted.sort_unstable();
        wanted.dedup_by_key(|(player, _)| *player);
        let players: Vec<ImportPlayer> = wanted
            .iter()
            .map(|(player, at)| import_player(history, *player, *at))
            .collect::<Result<_, _>>()?;
        if players.is_empty() {
            return Ok(());
        }
        let made = self.patiently(async || self.offline.engine.import_players(&players).await).await?;
        for ((player, _), id) in wanted.iter().zip(made) {
            if let Some(slot) = ids.get_mut(*player as usize) {
                *slot = Some(id);
            }
        }
        Ok(())
    }

    fn one(
        &self,
        history: &Chronicle,
        index: usize,
        ids: &[Option<PlayerId>],
    ) -> Result<ImportMatch, Failure> {
        let number = *history.numbers.get(index).ok_or_else(|| Failure::failed("a match is missing"))?;
        let id = |number: &u32| ids.get(*number as usize).copied().flatten();
        let sides =
            history.history.sides(index).map(|side| side.players.iter().filter_map(id).collect()).collect();
        let standings =
            history.history.sides(index).map(|side| SideReport { place: side.place, score: side.score });
        let failed = |e: &dyn std::fmt::Display| Failure::failed(format!("match {number}: {e}"));
        let parties = history.history.party_sizes(index).flatten().copied().collect();
        let roster = Roster::new(sides).map_err(|e| failed(&e))?.with_party_sizes(parties);
        Ok(ImportMatch {
            number,
            mode: self.mode.clone(),
            roster: roster
                .ok_or_else(|| failed(&"its parties make no sense"))?
                .with_variant(variant(history, index)?),
            report: Report {
                standings: Standings::Sides(standings.collect()),
                quits: Vec::new(),
                afk: Vec::new(),
                duration: None,
                variant: None,
            },
            at: history.history.at(index),
        })
    }

    /// Does `work`, after the checkpoint has made room, and again while the store says that it is busy.
    async fn patiently<T>(&self, work: impl AsyncFn() -> Result<T, EngineError>) -> Result<T, Failure> {
        while self.offline.store.stats().unwritten_rows > ROWS_WAIT
            && self.offline.store.stats().state == State::Ok
        {
            tokio::time::sleep(WAIT).await;
        }
        self.offline.patiently(work).await.map_err(|error| told(&error))
    }

    /// Compares the board that a server will show with what the file alone gives: agreeing and differing players.
    fn compare(&self, rated: &Rated, ids: &[Option<PlayerId>]) -> (u64, u64) {
        let (mut agree, mut differ) = (0, 0);
        for (number, (player, id)) in rated.players.iter().zip(ids).enumerate() {
            let wanted = rated.board.standing(PlayerId::from_u128(number as u128));
            let (Some(id), Some(wanted)) = (id, wanted) else { continue };
            let same =
                self.offline.engine.rank(&BoardRef::from(&self.mode), *id, Viewer::All).is_ok_and(|found| {
                    found.rank == wanted.rank
                        && found.keys.first() == wanted.keys.first()
                        && found.games == player.state.games
                        && found.deviation == player.state.rating.deviation as f32
                });
            if same { agree += 1 } else { differ += 1 }
        }
        (agree, differ)
    }

    /// Writes what is left and gives up the directory.
    pub(super) async fn close(self) -> Result<(), Failure> {
        self.offline.close().await
    }
}

fn told(error: &EngineError) -> Failure {
    let hint = match error {
        EngineError::ResultContradicts { .. } => {
            "this mode was filled from another file: choose another --mode or --data-dir"
        }
        EngineError::Refused(_) | EngineError::NoAnswer(_) => {
            "what was counted stays; make room on the disk and replay the same file again"
        }
        _ => return Failure::failed(error),
    };
    Failure::failed(format!("{error}\nhint: {hint}"))
}

/// The variant of a match of the file; none where it names none.
fn variant(history: &Chronicle, index: usize) -> Result<Option<Variant>, Failure> {
    let name = history.history.variant_name(history.history.variant_of(index));
    let named = if name.is_empty() { None } else { Some(Variant::new(name)) };
    named.transpose().map_err(|error| Failure::usage(format!("mode `{name}` cannot be stored: {error}")))
}

/// The id of a player of the file as the store knows them.
fn external_id(history: &Chronicle, number: u32) -> Result<RequestKey, Failure> {
    let name = history.names.get(number as usize).map(String::as_str).unwrap_or_default();
    external::external_id(name).map_err(Failure::usage)
}

fn import_player(history: &Chronicle, number: u32, at: Timestamp) -> Result<ImportPlayer, Failure> {
    let external = external_id(history, number)?;
    let name = history.names.get(number as usize).map(String::as_str).unwrap_or_default();
    // Where the id can be shown as it is, it is the name.
    let label = if external.as_str() == name { None } else { Label::new(name).ok() };
    Ok(ImportPlayer { external, id: None, name: label, at })
}
