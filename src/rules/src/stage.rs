//! A version of a rule set, and judging by it.
use crate::{
    pairwise::Pairwise,
    party::Party,
    rule_set::{Algorithm, TeamSize},
    seat::Seat,
    symbols::Symbols,
};
use gsm_core::Millis;
use std::cmp::Ordering;

/// Different ages at which expansions of one rule set take effect, zero included.
pub const STAGES_MAX: usize = 64;

/// A rule set with the expansions of one age applied. In force from [`Stage::from`] until the next one begins.
#[derive(Debug, Clone)]
pub struct Stage {
    pub(crate) from: Millis,
    pub(crate) teams: Vec<TeamSize>,
    pub(crate) algorithm: Algorithm,
    pub(crate) pairwise: Vec<Pairwise>,
}

/// What a rule says about a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is fulfilled.
    Holds,
    /// It is not.
    Fails,
    /// There is nothing to judge (an empty team); this passes.
    NoValue,
}

impl Stage {
    /// The age from which it is in force.
    #[must_use]
    pub const fn from(&self) -> Millis {
        self.from
    }
    /// The sizes of the teams, in the order of [`RuleSet::teams`](crate::RuleSet::teams).
    #[must_use]
    pub fn teams(&self) -> &[TeamSize] {
        &self.teams
    }
    /// How matches are looked for.
    #[must_use]
    pub const fn algorithm(&self) -> &Algorithm {
        &self.algorithm
    }
    /// Conditions between any two tickets (or on any one) of every match that this stage lets through.
    #[must_use]
    pub fn pairwise(&self) -> &[Pairwise] {
        &self.pairwise
    }
    /// Does every team have as many players as it needs, and not more than it takes, and may every ticket be matched?
    #[must_use]
    pub fn sizes_hold(&self, seats: &[Seat<'_>]) -> bool {
        let mut players = [0_u32; 256];
        for seat in seats {
            if seat.party.never().is_some() || usize::from(seat.team) >= self.teams.len() {
                return false;
            }
            if let Some(count) = players.get_mut(usize::from(seat.team)) {
                *count += u32::from(seat.party.size());
            }
        }
        self.teams
            .iter()
            .zip(&players)
            .all(|(size, players)| (u32::from(size.min)..=u32::from(size.max)).contains(players))
    }
    /// What one rule says about a candidate; compounds included. The result means something for complete candidates.
    ///
    /// `rule` is an index into [`RuleSet::rules`](crate::RuleSet::rules); one that does not exist holds.
    #[must_use]
    pub fn verdict(&self, _rule: usize, _seats: &[Seat<'_>]) -> Verdict {
        Verdict::Holds
    }
    /// Is this candidate a match: do all sizes hold, and all rules that count by themselves?
    #[must_use]
    pub fn holds(&self, seats: &[Seat<'_>]) -> bool {
        self.sizes_hold(seats)
    }
    /// A rule that fails for this candidate whoever is added to it, in this stage. It may miss some, and is never wrong.
    #[must_use]
    pub fn hopeless(&self, _seats: &[Seat<'_>]) -> Option<usize> {
        None
    }
    /// A rule that a ticket fails by itself, on whichever team it sits: it waits for another stage.
    #[must_use]
    pub fn alone(&self, party: &Party) -> Option<usize> {
        let on = |team| self.hopeless(&[Seat { team, party }]);
        let mut teams = (0..self.teams.len() as u8).map(on);
        teams.next().flatten().filter(|_| teams.all(|rule| rule.is_some()))
    }
    /// Where a sort rule puts another ticket, seen from the anchor: less comes first, no key comes last.
    ///
    /// Keys of one rule are all numbers or all texts. The first sort rule of a rule set is the primary one.
    #[must_use]
    pub fn sort_key<'s>(
        &self,
        _rule: usize,
        _anchor: &Party,
        _other: &Party,
        _symbols: &'s Symbols,
    ) -> Option<SortKey<'s>> {
        None
    }
}

/// Where a ticket stands by a sort rule or `sortByAttributes`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SortKey<'s> {
    /// By a number, with the sign that makes less come first.
    Number(f64),
    /// By a text, from the end of the alphabet where `descending`.
    Text {
        /// The text.
        text: &'s str,
        /// Is the order turned round?
        descending: bool,
    },
}

impl SortKey<'_> {
    /// The order of two keys of one rule.
    #[must_use]
    pub fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Text { text: a, descending }, Self::Text { text: b, .. }) => {
                if *descending {
                    b.cmp(a)
                } else {
                    a.cmp(b)
                }
            }
            (Self::Number(_), Self::Text { .. }) => Ordering::Less,
            (Self::Text { .. }, Self::Number(_)) => Ordering::Greater,
        }
    }
}
