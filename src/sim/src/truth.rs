//! What the stores really hold, read past all faults.
use futures::FutureExt;
use gsm_core::{MatchId, Mode, PlayerId, ProposalId, QueueName, TicketId};
use gsm_engine::store::{Claim, HistoryRow, MatchRow, RatingRow, ResultRow, TicketRow, memory::MemoryStore};
use gsm_engine::store::{Cursor, Home, Key, KeyRange, PushEvent, Row, Store, Version, Versioned};
use gsm_matchmaking::Proposal;
use std::{collections::BTreeMap, sync::Arc};

/// The stores' rows at one moment; no faults may be switched on while it is taken.
pub(crate) struct Truth {
    pub(crate) tickets: BTreeMap<TicketId, TicketRow>,
    pub(crate) claims: BTreeMap<PlayerId, Claim>,
    pub(crate) proposals: BTreeMap<ProposalId, (QueueName, Proposal)>,
    pub(crate) matches: BTreeMap<MatchId, MatchRow>,
    pub(crate) results: BTreeMap<MatchId, ResultRow>,
    pub(crate) ratings: BTreeMap<(Mode, PlayerId), (RatingRow, Version)>,
    /// Matches whose end other homes are owed.
    pub(crate) owed: Vec<MatchId>,
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

    /// All events of a player that can still be resumed from.
    pub(crate) fn events(&self, player: PlayerId) -> Vec<(Cursor, PushEvent)> {
        let read = self.store(Home::Live).map(|store| store.events(player, Cursor::default(), usize::MAX));
        read.and_then(FutureExt::now_or_never).and_then(Result::ok).unwrap_or_default()
    }

    /// A match that ended.
    pub(crate) fn archived(&self, id: MatchId) -> Option<MatchRow> {
        let found = self.get(Home::Document, &[Key::Archive(id)]).pop().flatten()?;
        if let Row::Match(row) = &*found.row { Some(row.clone()) } else { None }
    }

    /// A player's history in the order in which it happened.
    pub(crate) fn history(&self, mode: &Mode, player: PlayerId) -> Vec<HistoryRow> {
        let mut steps: Vec<HistoryRow> = self
            .list(&KeyRange::History(mode.clone(), player))
            .into_iter()
            .filter_map(
                |(_, found)| if let Row::History(row) = &*found.row { Some(row.clone()) } else { None },
            )
            .collect();
        steps.sort_by_key(|step| step.games);
        steps
    }

    /// Everything that the invariants speak of.
    pub(crate) fn look(&self, players: &[PlayerId]) -> Truth {
        let mut truth = Truth {
            tickets: BTreeMap::new(),
            claims: BTreeMap::new(),
            proposals: BTreeMap::new(),
            matches: BTreeMap::new(),
            results: BTreeMap::new(),
            ratings: BTreeMap::new(),
            owed: Vec::new(),
        };
        let ranges = [
            KeyRange::Tickets,
            KeyRange::Proposals,
            KeyRange::Matches,
            KeyRange::Results,
            KeyRange::AllRatings,
            KeyRange::Outbox,
        ];
        for (key, found) in ranges.iter().flat_map(|range| self.list(range)) {
            match (key, &*found.row) {
                (Key::Ticket(id), Row::Ticket(row)) => {
                    truth.tickets.insert(id, row.clone());
                }
                (Key::Proposal(id), Row::Proposal(queue, row)) => {
                    truth.proposals.insert(id, (queue.clone(), row.clone()));
                }
                (Key::Match(id), Row::Match(row)) => {
                    truth.matches.insert(id, row.clone());
                }
                (Key::Result(id), Row::Result(row)) => {
                    truth.results.insert(id, row.clone());
                }
                (Key::Rating(mode, player), Row::Rating(row)) => {
                    truth.ratings.insert((mode, player), (*row, found.version));
                }
                (Key::Outbox(id), _) => truth.owed.push(id),
                _ => {}
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
