//! What the stores really hold, read past all faults.
use crate::{
    check::locks,
    deed::session_name,
    draw::SESSIONS,
    world::{QUEUES, penalties},
};
use futures::FutureExt;
use gsm_core::{
    AdjustmentId, BoardName, MatchId, Mode, PlayerId, ProposalId, QueueName, TicketId, Timestamp,
};
use gsm_engine::{
    Ban,
    store::{
        AdjustmentRow, Claim, CountingRow, Cursor, EntryRow, GateRow, HistoryRow, Home, Key, KeyRange,
        MatchRow, OffencesRow, PenaltiesRow, PushEvent, ReportsRow, ResultRow, Row, StagedRow, StandingRow,
        Store, TicketRow, Version, Versioned, memory::MemoryStore,
    },
};
use gsm_matchmaking::Proposal;
use gsm_ranking::tier::Bounds;
use gsm_rating::{System, options::Options};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// How a result is rated, as it is kept.
#[derive(Deserialize)]
pub(crate) struct Scheme {
    pub(crate) system: System,
    #[serde(default)]
    pub(crate) options: Options,
}

/// The stores' rows at one moment; no faults may be switched on while it is taken.
pub(crate) struct Truth {
    pub(crate) tickets: BTreeMap<TicketId, TicketRow>,
    pub(crate) claims: BTreeMap<PlayerId, Claim>,
    /// Which backfill waits for each game session, by its name.
    pub(crate) backfills: BTreeMap<String, Claim>,
    pub(crate) proposals: BTreeMap<ProposalId, (QueueName, Proposal)>,
    pub(crate) matches: BTreeMap<MatchId, MatchRow>,
    pub(crate) results: BTreeMap<MatchId, ResultRow>,
    pub(crate) adjustments: BTreeMap<AdjustmentId, AdjustmentRow>,
    pub(crate) ratings: BTreeMap<(Mode, PlayerId), StandingRow>,
    /// How results are rated, system and options, by name.
    pub(crate) schemes: BTreeMap<u64, Scheme>,
    /// Jobs under way.
    pub(crate) gates: BTreeMap<Mode, GateRow>,
    /// What decided jobs have still to write, in order.
    pub(crate) staged: Vec<StagedRow>,
    /// Matches whose end other homes are owed.
    pub(crate) owed: Vec<MatchId>,
    /// Proposals that players dodged, by scope.
    pub(crate) dodges: BTreeMap<(Mode, PlayerId), PenaltiesRow>,
    /// Matches that they left, or were away in.
    pub(crate) leaves: BTreeMap<(Mode, PlayerId), PenaltiesRow>,
    /// What results blame on whom.
    pub(crate) offences: BTreeMap<MatchId, OffencesRow>,
    /// Players whose identity was deleted.
    pub(crate) erased: BTreeSet<PlayerId>,
    /// Bans, those that are over included.
    pub(crate) bans: BTreeMap<PlayerId, Vec<Ban>>,
    /// What players say of their matches, where that is kept.
    pub(crate) reports: BTreeMap<MatchId, ReportsRow>,
    /// Those of them that lie where nothing is followed.
    pub(crate) said: BTreeSet<MatchId>,
    /// Boards that count results of any mode, once decided jobs are carried out.
    pub(crate) counting: BTreeSet<BoardName>,
}

/// Direct reads of the memory stores, one or three.
#[derive(Clone)]
pub(crate) struct Eye(pub(crate) Vec<Arc<MemoryStore>>);

impl Eye {
    fn store(&self, home: Home) -> Option<&Arc<MemoryStore>> {
        match (self.0.as_slice(), home) {
            ([one], _) => Some(one),
            ([record, ..], Home::Record) => Some(record),
            ([_, document, _], Home::Document) => Some(document),
            ([.., live], Home::Live) => Some(live),
            _ => None,
        }
    }

    fn list(&self, range: &KeyRange) -> Vec<(Key, Versioned)> {
        let read = self.store(range.home()).map(|store| store.list(range, None, usize::MAX, false));
        // A healthy memory store answers at once.
        read.and_then(FutureExt::now_or_never).and_then(Result::ok).unwrap_or_default()
    }

    fn get(&self, home: Home, keys: &[Key]) -> Vec<Option<Versioned>> {
        let read = self.store(home).map(|store| store.get(keys));
        read.and_then(FutureExt::now_or_never).and_then(Result::ok).unwrap_or_default()
    }

    /// Every row of every store.
    pub(crate) fn rows(&self) -> Vec<(Key, Arc<Row>)> {
        self.0.iter().flat_map(|store| store.rows()).collect()
    }

    /// When a row of the record was written last, as the store counts.
    pub(crate) fn version(&self, key: Key) -> Option<Version> {
        self.get(Home::Record, &[key]).pop().flatten().map(|found| found.version)
    }

    /// All events of a player that can still be resumed from.
    pub(crate) fn events(&self, player: PlayerId) -> Vec<(Cursor, PushEvent)> {
        let read = self.store(Home::Live).map(|store| store.events(player, Cursor::default(), usize::MAX));
        read.and_then(FutureExt::now_or_never).and_then(Result::ok).unwrap_or_default()
    }

    /// A match that ended.
    pub(crate) fn archived(&self, id: MatchId) -> Option<MatchRow> {
        let found = self.get(Home::Document, &[Key::Archive(id)]).pop().flatten()?;
        if let Row::Match(row) = &*found.row { Some((**row).clone()) } else { None }
    }

    /// The entries of some boards.
    pub(crate) fn entries(&self, boards: &[&str]) -> BTreeMap<(BoardName, u64, PlayerId), EntryRow> {
        let ranges = boards.iter().filter_map(|name| BoardName::new(name).ok()).map(KeyRange::AllEntries);
        let rows = ranges.flat_map(|range| self.list(&range));
        rows.filter_map(|(key, found)| match (key, &*found.row) {
            (Key::Entry(name, number, player), Row::Entry(row)) => {
                Some(((name, number, player), row.clone()))
            }
            _ => None,
        })
        .collect()
    }

    /// Who is not seen by everybody on a board, and whether the player himself is shown a rank.
    pub(crate) fn shades(&self, board: &BoardName) -> BTreeMap<PlayerId, bool> {
        let rows = self.list(&KeyRange::ShadesOf(board.clone())).into_iter();
        rows.filter_map(|(key, found)| match (key, &*found.row) {
            (Key::Shade(_, player), Row::Shade(row)) => Some((player, row.shadow)),
            _ => None,
        })
        .collect()
    }

    /// The seats of a board, and who took which last.
    pub(crate) fn seats(&self, board: &BoardName) -> Vec<(Key, Versioned)> {
        let mut rows = self.list(&KeyRange::AllSeats(board.clone()));
        rows.extend(self.list(&KeyRange::AllSeated(board.clone())));
        rows
    }

    /// Where the tiers of a board start, by season.
    pub(crate) fn starts(&self, board: &str) -> BTreeMap<u64, Bounds> {
        let ranges = BoardName::new(board).ok().map(KeyRange::AllStarts);
        let rows = ranges.into_iter().flat_map(|range| self.list(&range));
        rows.filter_map(|(key, found)| match (key, &*found.row) {
            (Key::Starts(_, number), Row::Starts(row)) => Some((number, row.bounds.clone())),
            _ => None,
        })
        .collect()
    }

    /// A player's history by depth.
    pub(crate) fn history(&self, mode: &Mode, player: PlayerId) -> BTreeMap<u64, HistoryRow> {
        let rows = self.list(&KeyRange::History(mode.clone(), player)).into_iter();
        rows.filter_map(|(key, found)| match (key, &*found.row) {
            (Key::History(_, _, depth), Row::History(row)) => Some((depth, row.clone())),
            _ => None,
        })
        .collect()
    }

    /// Everything that the invariants speak of.
    pub(crate) fn look(&self, players: &[PlayerId]) -> Truth {
        let mut truth = Truth {
            tickets: BTreeMap::new(),
            claims: BTreeMap::new(),
            backfills: BTreeMap::new(),
            proposals: BTreeMap::new(),
            matches: BTreeMap::new(),
            results: BTreeMap::new(),
            adjustments: BTreeMap::new(),
            ratings: BTreeMap::new(),
            schemes: BTreeMap::new(),
            gates: BTreeMap::new(),
            staged: Vec::new(),
            owed: Vec::new(),
            dodges: BTreeMap::new(),
            leaves: BTreeMap::new(),
            offences: BTreeMap::new(),
            erased: BTreeSet::new(),
            bans: BTreeMap::new(),
            reports: BTreeMap::new(),
            said: BTreeSet::new(),
            counting: BTreeSet::new(),
        };
        let ranges = [
            KeyRange::Tickets,
            KeyRange::Proposals,
            KeyRange::Matches,
            KeyRange::Results,
            KeyRange::Adjustments,
            KeyRange::AllRatings,
            KeyRange::Gates,
            KeyRange::Outbox,
            KeyRange::AllDodges,
            KeyRange::AllLeaves,
            KeyRange::AllOffences,
            KeyRange::AllErased,
            KeyRange::AllBans,
            KeyRange::AllReports,
            KeyRange::AllSaid,
        ];
        let mut counting: BTreeMap<Mode, CountingRow> = BTreeMap::new();
        for (key, found) in ranges.iter().flat_map(|range| self.list(range)) {
            match (key, &*found.row) {
                (Key::Erased(player), _) => {
                    truth.erased.insert(player);
                }
                (Key::Bans(player), Row::Bans(row)) => {
                    truth.bans.insert(player, row.clone());
                }
                (Key::Ticket(id), Row::Ticket(row)) => {
                    truth.tickets.insert(id, (**row).clone());
                }
                (Key::Proposal(id), Row::Proposal(queue, row, _)) => {
                    truth.proposals.insert(id, (queue.clone(), (**row).clone()));
                }
                (Key::Match(id), Row::Match(row)) => {
                    truth.matches.insert(id, (**row).clone());
                }
                (Key::Result(id), Row::Result(row)) => {
                    truth.results.insert(id, (**row).clone());
                }
                (Key::Rating(mode, player), Row::Rating(row)) => {
                    truth.ratings.insert((mode, player), row.clone());
                }
                (Key::Adjustment(id), Row::Adjustment(row)) => {
                    truth.adjustments.insert(id, (**row).clone());
                }
                (Key::Gate(mode), Row::Gate(row)) => {
                    truth.gates.insert(mode, row.clone());
                }
                (Key::Dodges(scope, player), Row::Penalties(row)) => {
                    truth.dodges.insert((scope, player), row.clone());
                }
                (Key::Leaves(scope, player), Row::Penalties(row)) => {
                    truth.leaves.insert((scope, player), row.clone());
                }
                (Key::Offences(id), Row::Offences(row)) => {
                    truth.offences.insert(id, row.clone());
                }
                (Key::Reports(id), Row::Reports(row)) => {
                    truth.reports.insert(id, (**row).clone());
                }
                (Key::Said(id), Row::Reports(row)) => {
                    truth.reports.insert(id, (**row).clone());
                    truth.said.insert(id);
                }
                (Key::Outbox(id), _) => truth.owed.push(id),
                _ => {}
            }
        }
        for gate in truth.gates.values() {
            let Some(applied) = gate.applied else { continue };
            let keys: Vec<Key> = (applied..gate.staged).map(|n| Key::Staged(gate.job, n)).collect();
            for found in self.get(Home::Record, &keys).into_iter().flatten() {
                if let Row::Staged(row) = &*found.row {
                    truth.staged.push((**row).clone());
                }
            }
        }
        let modes: Vec<Mode> = QUEUES.iter().filter_map(|name| Mode::new(name).ok()).collect();
        let keys: Vec<Key> = modes.iter().cloned().map(Key::Counting).collect();
        for (mode, found) in modes.into_iter().zip(self.get(Home::Record, &keys)) {
            if let Some(Row::Counting(row)) = found.as_ref().map(|f| &*f.row) {
                counting.insert(mode, row.clone());
            }
        }
        for row in &truth.staged {
            if let StagedRow::Put(Key::Counting(mode), row) = row
                && let Row::Counting(row) = &**row
            {
                counting.insert(mode.clone(), row.clone());
            }
        }
        truth.counting = counting.into_values().flat_map(|row| row.boards.into_keys()).collect();
        // What a job has staged may be rated as nothing before it was.
        let decided = truth.decided();
        let results = decided.results.values().map(|row| row.system);
        let adjustments = decided.adjustments.values().map(|row| row.system);
        let names: BTreeSet<u64> = results.chain(adjustments).collect();
        let keys: Vec<Key> = names.iter().map(|name| Key::System(*name)).collect();
        for (name, found) in names.iter().zip(self.get(Home::Record, &keys)) {
            if let Some(Row::System(json)) = found.as_ref().map(|f| &*f.row)
                && let Ok(scheme) = serde_json::from_str(json)
            {
                truth.schemes.insert(*name, scheme);
            }
        }
        let sessions: Vec<String> = (0..SESSIONS).map(session_name).collect();
        let keys: Vec<Key> = sessions.iter().map(|name| Key::backfill_of(name)).collect();
        for (session, found) in sessions.into_iter().zip(self.get(Home::Live, &keys)) {
            if let Some(Row::Claim(claim)) = found.as_ref().map(|f| &*f.row) {
                truth.backfills.insert(session, *claim);
            }
        }
        let keys: Vec<Key> = players.iter().map(|p| Key::Claim(*p)).collect();
        for (player, found) in players.iter().zip(self.get(Home::Live, &keys)) {
            if let Some(Row::Claim(claim)) = found.as_ref().map(|f| &*f.row) {
                truth.claims.insert(*player, *claim);
            }
        }
        truth
    }
}

impl Truth {
    /// Whether a player is locked out of a queue, as a clock that says `now` sees it.
    pub(crate) fn is_locked(&self, queue: &QueueName, player: PlayerId, now: Timestamp) -> bool {
        let Ok(scope) = Mode::new(queue.as_str()) else { return false };
        let key = (scope, player);
        let rows = [self.dodges.get(&key), self.leaves.get(&key)];
        penalties(queue.as_str()).is_some() && rows.into_iter().flatten().any(|row| locks(row, now))
    }

    /// The rows as they are once decided jobs are carried out: a job counts from its decision on.
    pub(crate) fn decided(&self) -> Decided {
        let mut decided = Decided {
            results: self.results.clone(),
            adjustments: self.adjustments.clone(),
            ratings: self.ratings.clone(),
            history: BTreeMap::new(),
        };
        for row in &self.staged {
            match row {
                StagedRow::Put(Key::Result(id), row) => {
                    if let Row::Result(row) = &**row {
                        decided.results.insert(*id, (**row).clone());
                    }
                }
                StagedRow::Put(Key::Adjustment(id), row) => {
                    if let Row::Adjustment(row) = &**row {
                        decided.adjustments.insert(*id, (**row).clone());
                    }
                }
                StagedRow::Put(Key::Rating(mode, player), row) => {
                    if let Row::Rating(row) = &**row {
                        decided.ratings.insert((mode.clone(), *player), row.clone());
                    }
                }
                StagedRow::History(Key::History(mode, player, depth), row) => {
                    let row = row.as_ref().and_then(|row| match &**row {
                        Row::History(row) => Some(row.clone()),
                        _ => None,
                    });
                    decided.history.insert((mode.clone(), *player, *depth), row);
                }
                _ => {}
            }
        }
        decided
    }
}

/// What results, hands and jobs have decided on.
pub(crate) struct Decided {
    pub(crate) results: BTreeMap<MatchId, ResultRow>,
    pub(crate) adjustments: BTreeMap<AdjustmentId, AdjustmentRow>,
    pub(crate) ratings: BTreeMap<(Mode, PlayerId), StandingRow>,
    /// History rows that are still to be put, or removed.
    pub(crate) history: BTreeMap<(Mode, PlayerId, u64), Option<HistoryRow>>,
}
