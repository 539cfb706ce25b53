//! Filling a board at once: with all rows of a mode, as they come.
use super::{Brought, State, View, mark};
use crate::{
    boards::facts::{Fact, Facts},
    store::RatingRow,
};
use gsm_core::{PlayerId, Timestamp};
use gsm_ranking::{Board, Builder, Mark, PlayerIds};
use std::sync::Arc;

/// A board that takes in its rows beside the one that is shown.
pub(in crate::boards) struct Filling {
    view: Arc<View>,
    builder: Builder<PlayerIds>,
    facts: Facts,
    active: Vec<(Timestamp, PlayerId)>,
    now: Timestamp,
}

impl Filling {
    /// For a view that is not divided, of about so many players.
    pub(in crate::boards) fn new(view: Arc<View>, players: usize, now: Timestamp) -> Self {
        let builder = Builder::new(view.config.order(), players);
        Self { view, builder, facts: Facts::with_capacity(players), active: Vec::new(), now }
    }

    pub(in crate::boards) fn add(&mut self, player: PlayerId, row: &RatingRow, version: u64) {
        let brought = Brought::of_rating(&self.view.config, row);
        self.add_brought(player, &brought, version);
    }

    pub(super) fn add_brought(&mut self, player: PlayerId, brought: &Brought, version: u64) {
        let config = self.view.config.clone();
        self.add_marked(player, &mark(&config, brought, version, self.now), brought.fact);
        if config.eligibility.idle_days_max > 0 {
            self.active.push((brought.active_at, player));
        }
    }

    /// Takes in a player as a board had him.
    pub(in crate::boards) fn add_marked(&mut self, player: PlayerId, mark: &Mark, fact: Fact) {
        let slot = self.builder.add(player, mark);
        self.facts.put(slot, fact);
    }

    /// Shows what was taken in. `false`, and nothing happens, if the view has heard of players meanwhile.
    pub(in crate::boards) fn finish(self) -> bool {
        let Self { view, builder, facts, active, .. } = self;
        // Commits wait while the view changes: all is made before.
        let whole = builder.finish();
        let last_active = active.iter().map(|(at, player)| (*player, *at)).collect();
        let active = active.into_iter().collect();
        view.state.change(|state| {
            let is_untouched = state.is_untouched();
            if is_untouched {
                (state.active, state.last_active) = (active, last_active);
                state.become_built(whole, facts);
                state.is_filled = true;
            }
            is_untouched
        })
    }
}

impl View {
    /// Gives the players of `most` of the board's numbers, from one on; returns the number to go on from, `None` at the end.
    pub(in crate::boards) fn copy(
        &self,
        from: u32,
        most: u32,
        mut take: impl FnMut(PlayerId, Mark, Fact),
    ) -> Option<u32> {
        self.state.read(|state| {
            let end = from.saturating_add(most).min(state.whole.slots());
            for slot in from..end {
                if let Some((player, mark)) = state.whole.at(slot) {
                    take(player, mark, state.facts.get(slot).unwrap_or_default());
                }
            }
            (end < state.whole.slots()).then_some(end)
        })
    }

    /// Whether no player was ever told of.
    pub(in crate::boards) fn is_untouched(&self) -> bool {
        self.state.read(State::is_untouched)
    }

    /// How many players there are, ranked or not.
    pub(in crate::boards) fn players(&self) -> u64 {
        self.state.read(|state| state.whole.kept_len())
    }

    /// Whether it is one board and no more.
    pub(in crate::boards) fn is_undivided(&self) -> bool {
        self.config.by.is_empty() && self.config.grouping.is_none()
    }
}

impl State {
    /// Whether no player was ever told of.
    pub(super) fn is_untouched(&self) -> bool {
        self.whole.kept_len() == 0 && self.whole.removed() == 0
    }

    /// Takes a board in the place of an empty one.
    pub(super) fn become_built(&mut self, whole: Board, facts: Facts) {
        (self.whole, self.facts) = (whole, facts);
        self.shades.iter().for_each(|(player, seen)| self.whole.set_visibility(*player, *seen));
    }
}
