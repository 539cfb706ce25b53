//! A version of a rule set, and judging by it.
use crate::{
    columns::{NumberColumn, WordColumn},
    judge::{
        Check,
        hopeless::Partial,
        logic::Judge,
        pairs::pairwise,
        roles::Taken,
        versus::{Rivals, Versus},
    },
    need::{Need, needs},
    pairwise::Pairwise,
    party::Party,
    rule_set::{Algorithm, Rule, TeamSize},
    seat::Seat,
    symbols::{Symbol, Symbols},
    weight::Weight,
};
use gsm_core::Millis;
use std::cmp::Ordering;

/// Different ages at which expansions of one rule set take effect, zero included.
pub const STAGES_MAX: usize = 64;

/// A rule set with the expansions of one age applied. In force from [`Stage::from`] until the next one begins.
#[derive(Debug, Clone)]
pub struct Stage {
    from: Millis,
    teams: Vec<TeamSize>,
    /// The first team of each kind: the others are like it for every rule.
    firsts: Vec<u8>,
    algorithm: Algorithm,
    /// Of all rules.
    checks: Vec<Check>,
    /// The rules that count by themselves and can fail.
    alone: Vec<usize>,
    pairwise: Vec<Pairwise>,
    only_within: Option<(NumberColumn, f64)>,
    deviation: Option<Deviation>,
    needs: Vec<Need>,
    rivals: Rivals,
    /// Whether teams differ in who may sit on them.
    has_team_rules: bool,
    /// Whether a rule is a statement over others.
    has_logic: bool,
    weight: Weight,
    pair_weight: Weight,
    need_weight: Weight,
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
    pub(crate) fn new(
        from: Millis,
        teams: Vec<TeamSize>,
        algorithm: Algorithm,
        checks: Vec<Check>,
        rules: &[Rule],
        firsts: Vec<u8>,
    ) -> Self {
        let can_fail = |(_, check): &(usize, &Check)| !matches!(check, Check::Sort(_) | Check::Always);
        let counts = |at: &usize| rules.get(*at).is_some_and(|rule| rule.counts_alone);
        let alone: Vec<usize> =
            checks.iter().enumerate().filter(can_fail).map(|(at, _)| at).filter(counts).collect();
        // Rules of which each must hold: also those that only an `and` stands over.
        let mut must = alone.clone();
        let mut next = 0;
        while let Some(&rule) = must.get(next) {
            if let Some(Check::Logic(logic)) = checks.get(rule) {
                logic.conjuncts(&mut |rule| {
                    if !must.contains(&rule) {
                        must.push(rule);
                    }
                });
            }
            next += 1;
        }
        let everybody = (0_u8..=u8::MAX).take(teams.len()).collect();
        let pairwise = pairwise(&must, &checks, &everybody, &teams);
        let deviations = must.iter().filter_map(|&rule| {
            let (column, most) = checks.get(rule)?.deviation(&everybody)?;
            Some(Deviation { column, most, rule })
        });
        let deviation = deviations.min_by(|a, b| a.most.total_cmp(&b.most));
        let only_within = match alone.as_slice() {
            [rule] => match checks.get(*rule) {
                Some(Check::Spread { teams, column, allowed })
                    if *teams == everybody && allowed.min <= 0.0 =>
                {
                    Some((*column, allowed.max))
                }
                Some(Check::Batch { column, width }) => Some((*column, *width)),
                _ => None,
            },
            _ => None,
        };
        let needs = needs(&must, &checks, &teams);
        let rivals = Rivals::new(&must, &checks, &everybody);
        let most = |team: &u8| teams.get(usize::from(*team)).map(|size| size.max);
        let has_team_rules = firsts.array_windows().any(|[a, b]| most(a) != most(b))
            || must
                .iter()
                .filter_map(|rule| checks.get(*rule))
                .any(|check| check.chooses_teams(&everybody, &teams));
        let has_logic = checks.iter().any(|check| matches!(check, Check::Logic(_)));
        Self {
            weight: Weight::of_rules(&checks),
            pair_weight: Weight::of_pairs(&pairwise),
            need_weight: Weight::of_needs(needs.iter()),
            has_logic,
            from,
            teams,
            firsts,
            algorithm,
            checks,
            alone,
            pairwise,
            only_within,
            deviation,
            needs,
            rivals,
            has_team_rules,
        }
    }
    pub(crate) fn checks(&self) -> &[Check] {
        &self.checks
    }
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
    /// Most players that a match can have.
    #[must_use]
    pub fn players_max(&self) -> u32 {
        self.teams.iter().map(|size| u32::from(size.max)).sum()
    }
    /// The rules that another stage of the same rule set judges otherwise, by what they ask themselves: indexes into
    /// [`RuleSet::rules`](crate::RuleSet::rules).
    pub fn changed<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = usize> + 'a {
        let both = self.checks.iter().zip(&other.checks).enumerate();
        both.filter(|(_, (mine, theirs))| mine != theirs).map(|(at, _)| at)
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
    /// Whether [`Stage::alone`] has anything to ask.
    #[must_use]
    pub fn has_unary(&self) -> bool {
        self.pairwise.iter().any(|pair| matches!(pair, Pairwise::Unary { .. }))
    }
    /// Where all that the rules ask is that the numbers of all tickets in one column lie so near: that column, and how
    /// near.
    #[must_use]
    pub const fn only_within(&self) -> Option<(NumberColumn, f64)> {
        self.only_within
    }
    /// Where a rule limits the standard deviation of a number over all players: the least limit.
    #[must_use]
    pub const fn deviation(&self) -> Option<Deviation> {
        self.deviation
    }
    /// Players with something that every match of this stage must have.
    #[must_use]
    pub fn needs(&self) -> &[Need] {
        &self.needs
    }
    /// The first team of each kind: teams of one kind lie side by side, and every rule sees them alike.
    #[must_use]
    pub fn kinds(&self) -> &[u8] {
        &self.firsts
    }
    /// Whether some kinds of teams take players whom others do not.
    #[must_use]
    pub const fn has_team_rules(&self) -> bool {
        self.has_team_rules
    }
    /// Whether a ticket may sit on a team, as far as it alone and the team tell.
    #[must_use]
    pub fn may_sit(&self, team: u8, party: &Party) -> bool {
        let fits = self.teams.get(usize::from(team)).is_some_and(|size| size.max >= party.size());
        fits && self.hopeless(&[Seat { team, party }]).is_none()
    }
    /// The columns that the rules read that compare teams.
    #[must_use]
    pub fn versus_columns(&self) -> &[NumberColumn] {
        self.rivals.columns()
    }
    /// The first of those rules.
    #[must_use]
    pub fn versus_rule(&self) -> Option<usize> {
        self.rivals.first()
    }
    /// A part of a match as the rules see it that compare teams; `None` where there are none.
    #[must_use]
    pub fn versus(&self, seats: &[Seat<'_>]) -> Option<Versus<'_>> {
        self.rivals.versus(seats, &self.teams, &self.firsts)
    }
    /// Does every team have as many players as it needs, and not more than it takes, and may every ticket be matched?
    #[must_use]
    pub fn sizes_hold(&self, seats: &[Seat<'_>]) -> bool {
        let mut players = [0_u8; 256];
        for seat in seats {
            if seat.party.never().is_some() || usize::from(seat.team) >= self.teams.len() {
                return false;
            }
            if let Some(count) = players.get_mut(usize::from(seat.team)) {
                *count = count.saturating_add(seat.party.size());
            }
        }
        self.teams.iter().zip(&players).all(|(size, players)| (size.min..=size.max).contains(players))
    }
    /// Whether a match is two players against each other.
    #[must_use]
    pub fn is_duel(&self) -> bool {
        self.teams.len() == 2 && self.teams.iter().all(|size| (size.min, size.max) == (1, 1))
    }
    /// What one rule says about a candidate; compounds included. The result means something for complete candidates.
    ///
    /// `rule` is an index into [`RuleSet::rules`](crate::RuleSet::rules); one that does not exist holds.
    #[must_use]
    pub fn verdict(&self, rule: usize, seats: &[Seat<'_>]) -> Verdict {
        Judge::new(&self.checks, self.has_logic).verdict(rule, seats)
    }
    /// What each rule says about a candidate, in the order of [`RuleSet::rules`](crate::RuleSet::rules).
    pub fn verdicts<'a>(&'a self, seats: &'a [Seat<'a>]) -> impl Iterator<Item = Verdict> + 'a {
        let judge = Judge::new(&self.checks, self.has_logic);
        (0..self.checks.len()).map(move |rule| judge.verdict(rule, seats))
    }
    /// Work units that judging a candidate takes beyond the one that it counts as: none where the rules are few and about
    /// numbers, more the more there are, the more players have a seat, and the longer their lists of strings are, so that a
    /// unit is about as much time whatever is asked. Adds nothing to what is asked; O(seats) where rules read lists.
    #[inline]
    #[must_use]
    pub fn weight(&self, seats: &[Seat<'_>]) -> u32 {
        self.weight.units(seats)
    }
    /// The same of what [`Stage::pairwise`] asks of two tickets, beyond what a look at a ticket counts as.
    #[inline]
    #[must_use]
    pub fn pair_weight(&self, one: &Party, two: &Party) -> u32 {
        self.pair_weight.units(&[one, two].map(|party| Seat { team: 0, party }))
    }
    /// The same of asking what a candidate lacks of all [`Stage::needs`].
    #[inline]
    #[must_use]
    pub fn need_weight(&self, seats: &[Seat<'_>]) -> u32 {
        self.need_weight.units(seats)
    }
    /// So many times as much as where few rules compare teams takes it to ask what they say of a ticket.
    #[must_use]
    pub fn versus_weight(&self) -> u32 {
        1 + self.rivals.values() / 16
    }
    /// Is this candidate a match: do all sizes hold, and all rules that count by themselves?
    #[must_use]
    pub fn holds(&self, seats: &[Seat<'_>]) -> bool {
        let judge = Judge::new(&self.checks, self.has_logic);
        self.sizes_hold(seats) && self.alone.iter().all(|rule| judge.verdict(*rule, seats) != Verdict::Fails)
    }
    /// A rule that fails for this candidate whoever is added to it, in this stage. It may miss some, and is never wrong.
    #[must_use]
    pub fn hopeless(&self, seats: &[Seat<'_>]) -> Option<usize> {
        let partial = Partial::new(seats, &self.teams, &self.checks, self.has_logic);
        self.alone.iter().copied().find(|rule| partial.is_dead(*rule))
    }
    /// Whether one rule fails for this candidate whoever is added to it. It may miss some, and is never wrong.
    #[must_use]
    pub fn is_broken(&self, rule: usize, seats: &[Seat<'_>]) -> bool {
        Partial::new(seats, &self.teams, &self.checks, self.has_logic).is_dead(rule)
    }
    /// A rule that a ticket fails by itself, on whichever team it sits: it waits for another stage.
    #[must_use]
    pub fn alone(&self, party: &Party) -> Option<usize> {
        let on = |team| self.hopeless(&[Seat { team, party }]);
        let mut teams = self.firsts.iter().copied().map(on);
        teams.next().flatten().filter(|_| teams.all(|rule| rule.is_some()))
    }
    /// The roles that the players of a match take by its rules of the type `roles`: of each seat those of its players, in
    /// their order; `None` for players whom no rule gives one. Same seats, same roles. Nothing where there is no such rule.
    #[must_use]
    pub fn roles(&self, seats: &[Seat<'_>]) -> Option<Vec<Vec<Option<Taken>>>> {
        let rules = self.checks.iter().filter_map(|check| match check {
            Check::Roles(roles) => Some(roles.assigned(seats)),
            _ => None,
        });
        // A team has its roles of one rule.
        rules.reduce(|mut all, other| {
            let both = all.iter_mut().flatten().zip(other.into_iter().flatten());
            both.for_each(|(role, other)| *role = role.or(other));
            all
        })
    }
    /// The mean place, from 0, of the roles that players take in their lists ([`Measure::RoleChoice`](crate::Measure)).
    pub(crate) fn role_choice(&self, lists: WordColumn, seats: &[Seat<'_>]) -> f64 {
        let (mut sum, mut players) = (0.0, 0_u32);
        for check in &self.checks {
            let Check::Roles(roles) = check else { continue };
            if roles.lists != lists {
                continue;
            }
            let last = roles.places.len() as u32;
            for taken in roles.assigned(seats).iter().flatten().flatten() {
                sum += f64::from(taken.choice.unwrap_or(last).min(last));
                players += 1;
            }
        }
        if players > 0 { sum / f64::from(players) } else { 0.0 }
    }
    /// Whether a rule gives roles by the players' own lists of a column.
    pub(crate) fn gives_roles_of(&self, lists: WordColumn) -> bool {
        self.checks.iter().any(|check| matches!(check, Check::Roles(roles) if roles.lists == lists))
    }
    /// Whether a rule gives roles.
    #[must_use]
    pub fn has_roles(&self) -> bool {
        self.checks.iter().any(|check| matches!(check, Check::Roles(_)))
    }
    /// The places of a rule of the type `roles`, with how many of a team may be autofilled; nothing of another rule.
    #[must_use]
    pub fn places(&self, rule: usize) -> Option<(&[(Symbol, u32)], u32)> {
        match self.checks.get(rule)? {
            Check::Roles(roles) => Some((&roles.places, roles.autofill)),
            _ => None,
        }
    }
    /// Where a sort rule puts another ticket, seen from the anchor: less comes first, no key comes last.
    ///
    /// Keys of one rule are all numbers or all texts. The first sort rule of a rule set is the primary one.
    #[must_use]
    pub fn sort_key<'s>(
        &self,
        rule: usize,
        anchor: &Party,
        other: &Party,
        symbols: &'s Symbols,
    ) -> Option<SortKey<'s>> {
        match self.checks.get(rule) {
            Some(Check::Sort(sort)) => sort.key(anchor, other, symbols),
            _ => None,
        }
    }
}

/// A limit of the standard deviation of a number over all players of a match.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Deviation {
    /// Of which numbers.
    pub column: NumberColumn,
    /// The limit.
    pub most: f64,
    /// The rule that asks it: an index into [`RuleSet::rules`](crate::RuleSet::rules).
    pub rule: usize,
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
