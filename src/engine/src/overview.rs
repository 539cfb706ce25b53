//! What the front page shows: how things stand right now, from memory alone.
use crate::{
    Engine, EngineError,
    store::{PushKind, Row},
};
use gsm_core::{Label, MatchId, Millis, Mode, PlayerId, QueueName, Timestamp};
use gsm_session::OffenceKind;
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

/// Results kept for the front page.
const RECENT_MAX: usize = 50;

/// The last results, followed from the commits.
#[derive(Default)]
pub(crate) struct Recent(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    total: u64,
    last: VecDeque<(MatchId, Arc<Row>)>,
}

impl Recent {
    /// Follows a result: a new one, or what became of it since.
    pub(crate) fn put(&self, id: MatchId, row: &Arc<Row>, new: bool) {
        let mut kept = self.0.lock();
        if let Some((_, known)) = kept.last.iter_mut().find(|(known, _)| *known == id) {
            *known = row.clone();
            return;
        }
        if !new {
            return;
        }
        kept.total += 1;
        kept.last.push_front((id, row.clone()));
        kept.last.truncate(RECENT_MAX);
    }
}

/// Offences as players were told of them.
#[derive(Default)]
pub(crate) struct OffenceCounts(Mutex<BTreeMap<OffenceKind, u64>>);

impl OffenceCounts {
    /// Follows a push event.
    pub(crate) fn follow(&self, kind: &PushKind) {
        if let PushKind::Penalty { offence, lifted: false, .. } = kind {
            *self.0.lock().entry(*offence).or_default() += 1;
        }
    }
}

/// One queue at a glance.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueOverview {
    /// Its name.
    pub queue: QueueName,
    /// Its mode.
    pub mode: Mode,
    /// Tickets waiting.
    pub waiting: usize,
    /// Their players; those of backfills play already.
    pub players: usize,
    /// How long the oldest has waited.
    pub wait_ms_max: Millis,
    /// Proposals that wait for answers.
    pub proposals: usize,
}

/// A result on the front page.
#[derive(Debug, Clone, PartialEq)]
pub struct RecentMatch {
    /// Which match.
    pub match_id: MatchId,
    /// In which mode.
    pub mode: Mode,
    /// When it was reported.
    pub at: Timestamp,
    /// Per player: name, side, place of the side, and the mean before and after.
    pub players: Vec<(PlayerId, Option<Label>, usize, u32, f64, f64)>,
}

/// How things stand.
#[derive(Debug, Clone, PartialEq)]
pub struct Overview {
    /// By queue.
    pub queues: Vec<QueueOverview>,
    /// Matches that have not ended.
    pub running: usize,
    /// Results since this process started.
    pub results: u64,
    /// Offences since this process started, by kind.
    pub penalties: BTreeMap<OffenceKind, u64>,
    /// Modes and the players on their boards.
    pub modes: Vec<(Mode, u64)>,
    /// The last results, newest first.
    pub recent: Vec<RecentMatch>,
}

/// The few numbers that are worth a curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Results since this process started.
    pub results: u64,
    /// Tickets waiting in all queues.
    pub waiting: usize,
    /// Matches that have not ended.
    pub running: usize,
}

impl Engine {
    /// Counters, cheap enough to be read each second.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let queues = self.queues();
        let pools = queues.iter().filter_map(|q| self.views.pools.get(&q.name));
        Counts {
            results: self.views.recent.0.lock().total,
            waiting: pools.map(|pool| pool.waiting()).sum(),
            running: self.views.pools.running_count(),
        }
    }

    /// Every queue at a glance, from memory.
    #[must_use]
    pub fn queue_overviews(&self) -> Vec<QueueOverview> {
        let now = self.clock.now();
        self.queues()
            .into_iter()
            .map(|config| {
                let (waiting, players, wait_ms_max, proposals) =
                    self.views.pools.get(&config.name).map_or((0, 0, Millis::ZERO, 0), |pool| {
                        let state = pool.settled(&self.views.forecasts);
                        let oldest = state.oldest().map_or(Millis::ZERO, |since| now.since(since));
                        (pool.waiting(), state.players(), oldest, pool.open_proposals())
                    });
                QueueOverview {
                    queue: config.name.clone(),
                    mode: config.mode.clone(),
                    waiting,
                    players,
                    wait_ms_max,
                    proposals,
                }
            })
            .collect()
    }

    /// How things stand right now.
    pub async fn overview(&self) -> Result<Overview, EngineError> {
        let queues = self.queue_overviews();
        let (results, last) = {
            let kept = self.views.recent.0.lock();
            (kept.total, kept.last.iter().cloned().collect::<Vec<_>>())
        };
        let mut recent = Vec::with_capacity(last.len());
        for (match_id, row) in last {
            let Row::Result(row) = &*row else { continue };
            if !row.counts() {
                continue;
            }
            let names = self.names(row.roster.players()).await?;
            let players = row
                .changes
                .iter()
                .zip(names)
                .map(|(change, name)| {
                    let side = row.roster.side_of(change.player).unwrap_or(0);
                    let place = row.result.places().get(side).copied().unwrap_or(0);
                    (change.player, name, side, place, change.before.mean, change.after.mean)
                })
                .collect();
            recent.push(RecentMatch { match_id, mode: row.mode.clone(), at: row.at, players });
        }
        Ok(Overview {
            queues,
            running: self.views.pools.running_count(),
            results,
            penalties: self.views.offences.0.lock().clone(),
            modes: self.modes(),
            recent,
        })
    }
}
