//! A match has as many players as a little more searching can give it: who sits makes room for a party.
use super::{Outcome, Search, Sight, Taking};
use gsm_rules::Stage;

/// Work units that a search uses to find a match with more players than the one it has.
const FULLER_WORK_MAX: u32 = 1_024;

/// A match that was found, while one with more players is looked for.
#[derive(Debug, Clone)]
pub(super) struct Best {
    pub(super) taken: Vec<Taking>,
    pub(super) players: u32,
    /// How much the search may have used when it stops to look.
    pub(super) until: u32,
}

impl Search {
    /// Whether a match has as many players as one can have.
    pub(in super::super) fn is_full(&self, sight: &Sight<'_>) -> bool {
        let full = sight.set.stages().get(self.stage).map_or(0, Stage::players_max);
        self.filled(sight).iter().sum::<u32>() >= full
    }

    /// Whether more players are taken than in the match that was found.
    pub(super) fn is_fuller(&self, sight: &Sight<'_>) -> bool {
        self.best.as_ref().is_none_or(|best| self.filled(sight).iter().sum::<u32>() > best.players)
    }

    /// Keeps what is taken as the match that was found; whether no other can have more players.
    pub(super) fn keep(&mut self, sight: &Sight<'_>, stage: &Stage, spent: u32) -> bool {
        let players = self.filled(sight).iter().sum();
        let more = self.judging(FULLER_WORK_MAX);
        let until = self.best.as_ref().map_or(spent.saturating_add(more), |best| best.until);
        self.best = Some(Best { taken: self.taken.clone(), players, until });
        let all = self.rest.first().map_or(0, |(players, ..)| players.saturating_add(sight.anchor.size()));
        players >= stage.players_max().min(all)
    }

    /// Ends: with the match that was found, if there is one.
    pub(in super::super) fn end(&mut self, sight: &Sight<'_>) -> Outcome {
        let Some(best) = self.best.take() else { return Outcome::None };
        self.taken = best.taken;
        let id = |taken: Option<usize>| match taken {
            None => Some(sight.anchor.turn.id),
            Some(at) => self.candidates.get(at).map(|candidate| candidate.id),
        };
        Outcome::Found(self.taken.iter().filter_map(|(taken, team)| Some((id(*taken)?, *team))).collect())
    }

    /// Whether it has found a match, and looks for one with more players.
    pub(in super::super) fn has_found(&self) -> bool {
        self.best.is_some()
    }
}
