//! Rank at a date: where a player stood on a mode's own board at any past instant, exact.
//!
//! The past of a mode is made of its histories when somebody first asks, and follows commits from then on. What
//! rewrites a history (a result voided or corrected) ends it: it is made anew for the next who asks.
use crate::{
    Engine, EngineError,
    store::{HistoryRow, Key, KeyRange, Row},
};
use gsm_core::{Map, Mode, PlayerId, Timestamp, limits};
use gsm_ranking::{Past, Placed, Sample, Step};
use parking_lot::{Mutex, RwLock};
use std::{collections::BTreeMap, sync::Arc};

/// How often a past is made anew for one question, where histories are rewritten meanwhile.
const TRIES_MAX: usize = 3;
/// Instants of one question.
pub const SERIES_MAX: usize = 500;

/// Where a player stood.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PastRank {
    /// The instant; all that happened at it counts.
    pub at: Timestamp,
    /// `None` if the player was not rated yet.
    pub place: Option<Placed>,
    /// Players rated by then.
    pub players: u64,
}

/// The pasts of the modes that somebody has asked for.
#[derive(Default)]
pub(crate) struct Pasts(RwLock<BTreeMap<Mode, Arc<PastView>>>);

#[derive(Default)]
struct PastView {
    state: Mutex<State>,
    /// One makes it, the others are told so.
    making: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    past: Option<Past>,
    last: Map<PlayerId, Last>,
    /// What commits told while it was being made.
    told: Option<Vec<(PlayerId, u64, HistoryRow)>>,
    /// A history was rewritten meanwhile.
    spoilt: bool,
}

/// A player's last step.
#[derive(Clone, Copy)]
struct Last {
    depth: u64,
    at: Timestamp,
    score: i64,
}

fn score(row: &HistoryRow) -> i64 {
    crate::results::counting::score_of(&row.after)
}

impl State {
    fn end(&mut self) {
        self.past = None;
        self.last = Map::default();
    }

    /// Takes one more step of a player; a step that is not the player's next ends the past.
    fn take(&mut self, player: PlayerId, depth: u64, row: &HistoryRow) {
        let Some(past) = &mut self.past else { return };
        let before = self.last.get(&player).copied();
        if before.is_some_and(|last| depth <= last.depth) {
            // Told twice is no rewriting.
            if before.is_none_or(|last| depth < last.depth || score(row) != last.score) {
                self.end();
            }
            return;
        }
        let last = next(before, depth, row);
        past.append(Step { at: last.at, before: before.map(|last| last.score), after: Some(last.score) });
        self.last.insert(player, last);
    }
}

/// A step after another; a player's steps never step back in time.
fn next(before: Option<Last>, depth: u64, row: &HistoryRow) -> Last {
    Last { depth, at: before.map_or(row.at, |last| last.at.max(row.at)), score: score(row) }
}

impl Pasts {
    fn of(&self, mode: &Mode) -> Arc<PastView> {
        if let Some(view) = self.0.read().get(mode) {
            return view.clone();
        }
        self.0.write().entry(mode.clone()).or_default().clone()
    }

    /// A history has a new row, or lost one.
    pub(crate) fn told(&self, mode: &Mode, player: PlayerId, depth: u64, row: Option<&HistoryRow>) {
        let Some(view) = self.0.read().get(mode).cloned() else { return };
        let mut state = view.state.lock();
        match (row, &mut state.told) {
            (Some(row), Some(told)) => told.push((player, depth, row.clone())),
            (Some(row), None) => state.take(player, depth, row),
            (None, Some(_)) => state.spoilt = true,
            (None, None) => state.end(),
        }
    }
}

impl Engine {
    /// Where a player stood on a mode's own board at each of `instants`, in their order. Players who are hidden now
    /// count as they did then. The first question of a mode reads all its histories; from then on O(log² steps) an
    /// instant, and the player's own history.
    pub async fn rank_at(
        &self,
        mode: &Mode,
        player: PlayerId,
        instants: &[Timestamp],
    ) -> Result<Vec<PastRank>, EngineError> {
        if !(1..=SERIES_MAX).contains(&instants.len()) {
            return Err(EngineError::invalid("instants", format!("must be 1 to {SERIES_MAX}")));
        }
        if self.line(&mode.into())?.config.mode() != Some(mode) {
            return Err(EngineError::invalid(
                "mode",
                "has no past: only the board that a mode has by itself",
            ));
        }
        let view = self.views.pasts.of(mode);
        for _ in 0..TRIES_MAX {
            let steps = self.own_steps(mode, player).await?;
            if let Some(past) = &view.state.lock().past {
                return Ok(places(past, &steps, instants));
            }
            let Ok(_making) = view.making.try_lock() else {
                return Err(EngineError::BoardFilling { board: mode.to_string() });
            };
            self.make_past(mode, &view).await?;
        }
        Err(EngineError::Contended)
    }

    /// A player's steps on a mode's board, oldest first.
    async fn own_steps(&self, mode: &Mode, player: PlayerId) -> Result<Vec<Step>, EngineError> {
        let (mut steps, mut last) = (Vec::new(), None);
        self.each(KeyRange::History(mode.clone(), player), |key, found| {
            let (Key::History(_, _, depth), Row::History(row)) = (&key, &*found.row) else {
                return Err(EngineError::damaged(&key));
            };
            let after = next(last, *depth, row);
            let before = last.map(|last: Last| last.score);
            steps.push(Step { at: after.at, before, after: Some(after.score) });
            last = Some(after);
            Ok(())
        })
        .await?;
        Ok(steps)
    }

    async fn make_past(&self, mode: &Mode, view: &PastView) -> Result<(), EngineError> {
        {
            let mut state = view.state.lock();
            state.end();
            (state.told, state.spoilt) = (Some(Vec::new()), false);
        }
        let (mut steps, mut all): (Vec<Step>, Map<PlayerId, Last>) = (Vec::new(), Map::default());
        let read = self
            .each(KeyRange::Histories(mode.clone()), |key, found| {
                let (Key::History(_, player, depth), Row::History(row)) = (&key, &*found.row) else {
                    return Err(EngineError::damaged(&key));
                };
                let before = all.get(player).copied();
                let after = next(before, *depth, row);
                let before = before.map(|last| last.score);
                steps.push(Step { at: after.at, before, after: Some(after.score) });
                all.insert(*player, after);
                Ok(())
            })
            .await;
        steps.sort_by_key(|step| step.at);
        let mut state = view.state.lock();
        let told = state.told.take().unwrap_or_default();
        read?;
        if !state.spoilt {
            state.past = Some(steps.into_iter().collect());
            state.last = all;
            told.iter().for_each(|(player, depth, row)| state.take(*player, *depth, row));
        }
        Ok(())
    }
}

fn places(past: &Past, steps: &[Step], instants: &[Timestamp]) -> Vec<PastRank> {
    // Nothing is ever taken out of memory, so that no segment is absent.
    let samples = past.series(steps, instants).unwrap_or_default();
    let one = |Sample { at, place, players }| PastRank { at, place, players };
    samples.into_iter().take(limits::PAGE_SIZE_MAX).map(one).collect()
}
