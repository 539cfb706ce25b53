//! Those who bring what few bring: where they cannot play with an anchor, nobody else is looked at.
use super::{
    ASIDE_WEIGHT_MAX,
    candidates::Choice,
    search::Counts,
    store::{Key, Store},
    ticket::Waiting,
};
use gsm_rules::{Need, Party, RuleSet, Seat, Stage};
use std::{cell::Cell, ops::Range};

/// Tickets that few are, at most.
const FEW: usize = 64;

/// Of each kind of players that is known and of whom few wait: their tickets.
#[derive(Debug, Clone, Default)]
pub(super) struct Scarce(Vec<(usize, Vec<Key>)>);

/// Kinds of players as a stage asks for them.
enum Wanted<'a> {
    Need(&'a Need),
    /// Who may sit on these teams.
    Teams(Range<u8>),
}

impl<'a> Wanted<'a> {
    fn new(known: usize, stage: &'a Stage, store: &Store) -> Option<Self> {
        let Some(first) = store.sieve().kind(known) else {
            return stage.needs().iter().find(|need| store.sieve().need(need) == Some(known)).map(Self::Need);
        };
        let next = stage.kinds().iter().find(|next| **next > first);
        Some(Self::Teams(first..next.map_or(stage.teams().len() as u8, |next| *next)))
    }
    /// How many of them a match with this ticket lacks.
    fn lacking(&self, stage: &Stage, own: Seat<'_>) -> u32 {
        match self {
            Self::Need(need) => need.lacking(&[own]),
            Self::Teams(teams) => {
                let sizes = teams.clone().filter_map(|team| stage.teams().get(usize::from(team)));
                let least: u32 = sizes.map(|size| u32::from(size.min)).sum();
                let there = if teams.contains(&own.team) { u32::from(own.party.size()) } else { 0 };
                least.saturating_sub(there)
            }
        }
    }
    /// How many of them another ticket would be beside it; a rule that speaks against that, if one does.
    fn brings(
        &self,
        stage: &Stage,
        own: Seat<'_>,
        party: &Party,
        weight: &Cell<u32>,
    ) -> (u32, Option<usize>) {
        let (teams, brings) = match self {
            Self::Need(need) => (0..stage.teams().len() as u8, need.brings(party)),
            Self::Teams(teams) => (teams.clone(), u32::from(party.size())),
        };
        let mut against = None;
        let sits = |team: u8| {
            weight.set(weight.get().saturating_add(stage.weight(&[own, Seat { team, party }])));
            against = stage.hopeless(&[own, Seat { team, party }]);
            against.is_none()
        };
        let may_sit = teams.clone().any(sits);
        (if may_sit { brings } else { 0 }, against)
    }
}

impl Scarce {
    /// Nothing where an index tells who is near.
    pub(super) fn of(set: &RuleSet, store: &Store) -> Self {
        let known = store.sieve().known();
        let has_index = set.stages().iter().all(|stage| store.width(stage).is_some());
        if known == 0 || has_index || set.is_large() || store.has_apart() {
            return Self::default();
        }
        let mut all: Vec<(usize, Vec<Key>)> = (0..known).map(|at| (at, Vec::new())).collect();
        for (key, mark) in store.marks() {
            all.retain_mut(|(at, keys)| {
                if mark.traits.gives(*at) {
                    keys.push(key);
                }
                keys.len() <= FEW
            });
            if all.is_empty() {
                break;
            }
        }
        Self(all)
    }

    pub(super) fn is_idle(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether too few of those who are scarce can play with the anchor, wherever it sits; counts a rule that is why.
    /// `may_come` gives the tickets whose turn has not passed.
    pub(super) fn lacks<'w>(
        &self,
        choice: &Choice<'_>,
        stage: &Stage,
        store: &Store,
        may_come: impl Fn(Key) -> Option<&'w Waiting>,
        counts: &mut Counts,
    ) -> bool {
        let Some(party) = choice.anchor.party() else { return false };
        let mut rule = None;
        let most = choice.weight.get().saturating_add(ASIDE_WEIGHT_MAX);
        let is_lacking = self.0.iter().any(|(known, keys)| {
            let Some(wanted) = Wanted::new(*known, stage, store) else { return false };
            let is_in_reach = |other: &&Waiting| {
                choice.in_stage(other.turn.started_at).is_some()
                    && choice.are_compatible(stage, other, &mut Counts::of(choice.set))
            };
            let others: Vec<&Party> = keys
                .iter()
                .filter_map(|key| may_come(*key))
                .filter(is_in_reach)
                .filter_map(Waiting::party)
                .collect();
            let mut seats = stage.kinds().iter().map(|team| Seat { team: *team, party });
            seats.all(|own| {
                let (mut lacking, mut against) = (wanted.lacking(stage, own), stage.hopeless(&[own]));
                if !stage.may_sit(own.team, party) {
                    rule = against.or(rule);
                    return true;
                }
                for other in &others {
                    if lacking == 0 || choice.weight.get() >= most {
                        return false;
                    }
                    let (brings, why) = wanted.brings(stage, own, other, choice.weight);
                    lacking = lacking.saturating_sub(brings);
                    against = why.or(against);
                }
                rule = against.or(rule);
                lacking > 0
            })
        });
        if let Some(rule) = rule.filter(|_| is_lacking) {
            counts.note(rule, false);
        }
        is_lacking
    }
}
