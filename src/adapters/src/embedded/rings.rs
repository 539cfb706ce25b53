//! The push events of every player that can still be resumed from, in memory.
use super::limits;
use gsm_core::{Map, PlayerId, Timestamp, limits::EVENTS_PER_PLAYER_MAX};
use gsm_engine::store::{Cursor, EVENT_RETENTION, PushEvent};
use std::collections::VecDeque;

/// All players' events.
#[derive(Debug, Default)]
pub(super) struct Rings {
    players: Map<PlayerId, VecDeque<(Cursor, PushEvent)>>,
    /// All of them in the order they came, to find the oldest; may name some that are gone already.
    order: VecDeque<(PlayerId, Cursor, Timestamp)>,
}

impl Rings {
    /// Takes in the events of one commit, and lets go of what nobody can resume from.
    pub(super) fn push<'a>(
        &mut self,
        sequence: u64,
        events: impl IntoIterator<Item = &'a (PlayerId, PushEvent)>,
        now: Timestamp,
    ) {
        for (index, (player, event)) in (0u32..).zip(events) {
            let (cursor, ring) = (Cursor { sequence, index }, self.players.entry(*player).or_default());
            ring.push_back((cursor, event.clone()));
            if ring.len() > EVENTS_PER_PLAYER_MAX {
                ring.pop_front();
            }
            self.order.push_back((*player, cursor, event.at));
        }
        let oldest = now.saturating_sub(EVENT_RETENTION);
        while let Some(&(player, cursor, at)) = self.order.front() {
            if at >= oldest && self.order.len() <= limits::EVENTS_MAX {
                break;
            }
            self.order.pop_front();
            let empty = self.players.get_mut(&player).is_some_and(|ring| {
                if ring.front().is_some_and(|(front, _)| *front == cursor) {
                    ring.pop_front();
                }
                ring.is_empty()
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
        let new = ring.iter().filter(|(cursor, event)| *cursor > after && event.at >= oldest);
        new.take(limit).cloned().collect()
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
    }

    #[test]
    fn what_expired_is_let_go() {
        let mut rings = Rings::default();
        rings.push(1, &[event(1, Timestamp::EPOCH)], Timestamp::EPOCH);
        let later = Timestamp::EPOCH.saturating_add(EVENT_RETENTION).saturating_add(Millis::new(1));
        assert_eq!(count(&rings, 1, later), 0, "not shown");
        rings.push(2, &[event(2, later)], later);
        assert!(rings.players.len() == 1 && rings.order.len() == 1, "not kept");
    }
}
