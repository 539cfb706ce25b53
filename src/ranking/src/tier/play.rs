use super::{Bounds, Game, Outcome, Part, PointsRange, Reason, TierEvent, TierState, Tiers};
use gsm_core::{Millis, Timestamp};

const DAY: Millis = Millis::from_secs(86_400);

impl Tiers {
    /// The state of a player who is new to these tiers, or starts anew: before the placement games, or with a place
    /// by the hidden rating if there are none.
    #[must_use]
    pub fn enter(&self, bounds: &Bounds, hidden: i64, now: Timestamp) -> (TierState, Vec<TierEvent>) {
        let state = TierState {
            placement_left: self.config.placement_games,
            division: 0,
            points: 0,
            shield_left: 0,
            decayed_days: 0,
            last_played: now,
        };
        if state.placement_left > 0 { (state, Vec::new()) } else { self.placed(state, bounds, hidden) }
    }

    /// The state after a game, and what happened, in order. Decay until `now` comes first.
    ///
    /// A game moves a player by one division at most. A demoted player keeps what the loss left of the points,
    /// counted from the upper end of the division below. The hidden rating before the game pulls, its move swings;
    /// both together never leave the range of the outcome ([`PointsRange`]; for a draw, between the most that a
    /// loss costs and the most that a win gives).
    #[must_use]
    pub fn apply(
        &self,
        bounds: &Bounds,
        state: TierState,
        game: Game,
        now: Timestamp,
    ) -> (TierState, Vec<TierEvent>) {
        let (mut state, mut events) = self.settle(state, now);
        state.last_played = state.last_played.max(now);
        state.decayed_days = 0;
        if state.placement_left > 0 {
            // A state of another configuration may have more games left than this one asks.
            state.placement_left = state.placement_left.min(self.config.placement_games.max(1)) - 1;
            if state.placement_left > 0 {
                events.push(TierEvent::PlacementPlayed { left: state.placement_left });
                return (state, events);
            }
            return self.placed(state, bounds, game.hidden_after);
        }

        let before = self.position(&state);
        let mut parts = self.parts(bounds, before, game);
        let (division, points) = self.place_at(before);
        let change: i64 = parts.iter().map(|part| i64::from(part.points)).sum();
        let moved = self.moved(division, points, change, state.shield_left);
        let after = moved.position;
        if let Some(reason) = moved.reason {
            parts.push(Part { reason, points: small(after - before - change) });
        }
        events.push(TierEvent::PointsChanged { points: small(after - before), parts });
        state.shield_left = state.shield_left.saturating_sub(1);
        if moved.reason == Some(Reason::Shield) {
            events.push(TierEvent::ShieldUsed { games_left: state.shield_left });
        }
        (state.division, state.points) = self.place_at(after);
        if state.division > division {
            state.shield_left = self.config.demotion_shield_games;
            events.push(TierEvent::Promoted { from: division, to: state.division });
        } else if state.division < division {
            events.push(TierEvent::Demoted { from: division, to: state.division });
        }
        (state, events)
    }

    /// The state after the decay that is due at `now`. Settling twice is settling once at the later time, so that
    /// callers may do it at any read and need not store the answer.
    #[must_use]
    pub fn settle(&self, mut state: TierState, now: Timestamp) -> (TierState, Vec<TierEvent>) {
        let mut events = Vec::new();
        let Some(decay) = &self.config.decay else { return (state, events) };
        let absent = now.since(state.last_played).get() / DAY.get();
        let due = u32::try_from(absent.saturating_sub(u64::from(decay.after_days))).unwrap_or(u32::MAX);
        let days = due.saturating_sub(state.decayed_days);
        if state.placement_left > 0 || days == 0 {
            return (state, events);
        }
        state.decayed_days = due;
        let before = self.position(&state);
        let floor = self.floors.iter().copied().filter(|&floor| floor <= before).max();
        let stop = floor.unwrap_or(0).max(self.decay_stop).min(before);
        let after = (before - i64::from(days) * i64::from(decay.points_per_day)).max(stop);
        if after < before {
            let (from, _) = self.place_at(before);
            (state.division, state.points) = self.place_at(after);
            let points = u32::try_from(before - after).unwrap_or(u32::MAX);
            events.push(TierEvent::Decayed { days, points });
            if state.division < from {
                events.push(TierEvent::Demoted { from, to: state.division });
            }
        }
        (state, events)
    }

    fn placed(&self, state: TierState, bounds: &Bounds, hidden: i64) -> (TierState, Vec<TierEvent>) {
        let (division, points) = self.place_at(self.position_of_rating(bounds, hidden));
        let shield_left = self.config.demotion_shield_games;
        (TierState { division, points, shield_left, ..state }, vec![TierEvent::Placed { division, points }])
    }

    /// What the outcome, the distance to the hidden rating and its move are worth, within the outcome's range.
    fn parts(&self, bounds: &Bounds, position: i64, game: Game) -> Vec<Part> {
        let PointsRange { base: win, least: win_least, most: win_most } = self.config.win;
        let PointsRange { base: loss, least: loss_least, most: loss_most } = self.config.loss;
        let [win, win_least, win_most, loss, loss_least, loss_most] =
            [win, win_least, win_most, loss, loss_least, loss_most].map(i64::from);
        let (base, least, most) = match game.outcome {
            Outcome::Win => (win, win_least, win_most),
            Outcome::Draw => ((win - loss) / 2, -loss_most, win_most),
            Outcome::Loss => (-loss, -loss_most, -loss_least),
        };
        let hidden = self.position_of_rating(bounds, game.hidden_before);
        let hidden_after = self.position_of_rating(bounds, game.hidden_after);
        let pull = (hidden - position) * i64::from(self.config.pull_permille) / 1_000;
        let swing = (hidden_after - hidden) * i64::from(self.config.swing_permille) / 1_000;
        let pulled = (base + pull).clamp(least, most);
        let swung = (pulled + swing).clamp(least, most);
        let mut parts = vec![Part { reason: Reason::Outcome, points: small(base) }];
        for (reason, points) in [(Reason::Pull, pulled - base), (Reason::Swing, swung - pulled)] {
            if points != 0 {
                parts.push(Part { reason, points: small(points) });
            }
        }
        parts
    }

    /// Where `change` leads from a place.
    fn moved(&self, division: u16, points: u32, change: i64, shield_left: u8) -> Moved {
        let per_division = i64::from(self.config.points_per_division);
        let start = i64::from(division) * per_division;
        let wanted = start + i64::from(points) + change;
        let held = |position, reason| Moved { position, reason: Some(reason) };
        let is_top = usize::from(division) >= self.top();
        if wanted < start && self.floors.contains(&start) {
            held(start, Reason::Floor)
        } else if wanted < start && shield_left > 0 {
            held(start, Reason::Shield)
        } else if is_top && wanted > start + self.points_max(self.top()) {
            held(start + self.points_max(self.top()), Reason::Limit)
        } else if !is_top && !self.config.surplus_carries_over && wanted > start + per_division {
            held(start + per_division, Reason::Surplus)
        } else {
            Moved { position: wanted, reason: None }
        }
    }
}

/// Where a change leads, and what kept it from leading further.
struct Moved {
    position: i64,
    reason: Option<Reason>,
}

/// Changes are bounded by twice the points of a division.
fn small(points: i64) -> i32 {
    i32::try_from(points).unwrap_or(if points < 0 { i32::MIN } else { i32::MAX })
}
