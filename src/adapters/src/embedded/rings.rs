//! The push events of every player that can still be resumed from, in memory.
use super::limits;
use gsm_core::{Map, PlayerId, Timestamp, limits::EVENTS_PER_PLAYER_MAX};
use gsm_engine::store::{Cursor, EVENT_RETENTION, EventsSpan, PushEvent};
use std::collections::VecDeque;

/// All players' events.
#[derive(Debug, Default)]
pub(super) struct Rings {
    players: Map<PlayerId, Ring>,
    /// All of them in the order they came, to find the oldest; may name some that are gone already.
    order: VecDeque<(PlayerId, Cursor, Timestamp)>,
    /// The newest event that was let go because its time was over, whoever's it was: who has none left may have had it.
    over: Cursor,
}

/// One player's events.
#[derive(Debug, Default)]
struct Ring {
    events: VecDeque<(Cursor, PushEvent)>,
    /// The newest that was let go because there were too many.
    crowded_out: Cursor,
}

impl Rings {
    /// Where events of commits up to this one are gone already.
    pub(super) fn after_commit(gone: u64) -> Self {
        let over = if gone > 0 { Cursor { sequence: gone, index: u32::MAX } } else { Cursor::default() };
        Self { over, ..Self::default() }
    }

    /// Takes in the events of one commit, and lets go of what nobody can resume from.
    pub(super) fn push<'a>(
        &mut self,
        sequence: u64,
        events: impl IntoIterator<Item = &'a (PlayerId, PushEvent)>,
        now: Timestamp,
    ) {
        for (index, (player, event)) in (0u32..).zip(events) {
            let (cursor, ring) = (Cursor { sequence, index }, self.players.entry(*player).or_default());
            ring.events.push_back((cursor, event.clone()));
            if ring.events.len() > EVENTS_PER_PLAYER_MAX
                && let Some((gone, _)) = ring.events.pop_front()
            {
                ring.crowded_out = gone;
            }
            self.order.push_back((*player, cursor, event.at));
        }
        let oldest = now.saturating_sub(EVENT_RETENTION);
        while let Some(&(player, cursor, at)) = self.order.front() {
            if at >= oldest && self.order.len() <= limits::EVENTS_MAX {
                break;
            }
            self.order.pop_front();
            self.over = self.over.max(cursor);
            let empty = self.players.get_mut(&player).is_some_and(|ring| {
                if ring.events.front().is_some_and(|(front, _)| *front == cursor) {
                    ring.events.pop_front();
                }
                ring.events.is_empty()
            });
            if empty {
                self.players.remove(&player);
            }
        }
    }

    /// A player's events after a cursor, oldest first; expired ones are left out.
    pub(super) fn after(
        &self,
        player: PlayerId,
        after: Cursor,
        limit: usize,
        now: Timestamp,
    ) -> Vec<(Cursor, PushEvent)> {
        let oldest = now.saturating_sub(EVENT_RETENTION);
        let Some(ring) = self.players.get(&player) else { return Vec::new() };
        let new = ring.events.iter().filter(|(cursor, event)| *cursor > after && event.at >= oldest);
        new.take(limit).cloned().collect()
    }

    /// Up to where events of a player may be gone, and the newest of anybody.
    pub(super) fn span(&self, player: PlayerId, now: Timestamp) -> EventsSpan {
        let oldest = now.saturating_sub(EVENT_RETENTION);
        let newest = self.order.back().map_or(self.over, |(_, cursor, _)| *cursor);
        let Some(ring) = self.players.get(&player) else { return EventsSpan { gone: self.over, newest } };
        let over = ring.events.iter().rev().find(|(_, event)| event.at < oldest).map(|(cursor, _)| *cursor);
        let gone = self.over.max(ring.crowded_out).max(over.unwrap_or_default());
        EventsSpan { gone, newest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gsm_core::{MatchId, Millis};
    use gsm_engine::store::{PushKind, RatingCause};

    fn event(player: u128, at: Timestamp) -> (PlayerId, PushEvent) {
        let kind = PushKind::Rating {
            mode: gsm_core::Mode::new("m").expect("name"),
            match_id: MatchId::from_u128(1),
            cause: RatingCause::Result,
            before: gsm_rating(),
            after: gsm_rating(),
        };
        (PlayerId::from_u128(player), PushEvent { at, kind })
    }

    fn gsm_rating() -> gsm_rating::Rating {
        gsm_rating::Rating { mean: 1500.0, deviation: 350.0, volatility: 0.06 }
    }

    fn count(rings: &Rings, player: u128, now: Timestamp) -> usize {
        rings.after(PlayerId::from_u128(player), Cursor::default(), usize::MAX, now).len()
    }

    #[test]
    fn a_player_keeps_the_newest() {
        let (mut rings, now) = (Rings::default(), Timestamp::EPOCH);
        for sequence in 1..=EVENTS_PER_PLAYER_MAX as u64 + 10 {
            rings.push(sequence, &[event(1, now)], now);
        }
        assert_eq!(count(&rings, 1, now), EVENTS_PER_PLAYER_MAX);
        let first = rings.after(PlayerId::from_u128(1), Cursor::default(), 1, now);
        assert_eq!(first[0].0.sequence, 11);
        assert_eq!(rings.span(PlayerId::from_u128(1), now).gone.sequence, 10);
        assert_eq!(rings.span(PlayerId::from_u128(2), now).gone, Cursor::default(), "of others nothing is");
    }

    #[test]
    fn what_expired_is_let_go() {
        let mut rings = Rings::default();
        rings.push(1, &[event(1, Timestamp::EPOCH)], Timestamp::EPOCH);
        let later = Timestamp::EPOCH.saturating_add(EVENT_RETENTION).saturating_add(Millis::new(1));
        assert_eq!(count(&rings, 1, later), 0, "not shown");
        assert_eq!(rings.span(PlayerId::from_u128(1), Timestamp::EPOCH).gone, Cursor::default());
        assert_eq!(rings.span(PlayerId::from_u128(1), later).gone, Cursor { sequence: 1, index: 0 });
        rings.push(2, &[event(2, later)], later);
        assert!(rings.players.len() == 1 && rings.order.len() == 1, "not kept");
        assert_eq!(rings.span(PlayerId::from_u128(1), later).gone, Cursor { sequence: 1, index: 0 });
        let opened = Rings::after_commit(7).span(PlayerId::from_u128(1), later).gone;
        assert!(opened > Cursor { sequence: 7, index: 3 } && opened < Cursor { sequence: 8, index: 0 });
    }
}
