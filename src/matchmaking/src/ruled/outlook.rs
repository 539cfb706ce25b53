//! Whether what a search has taken can still become a match with the tickets that are left.
//!
//! Rules about a whole match judge choices one by one, of which there are more than anybody can look at. What many of them
//! ask can be asked of the tickets that are left all at once: whether in one location, within one width of the number that
//! the rules limit, there are enough players, enough of those with something that a match must have, and something new.
//! Where there are not, no choice is a match. And where rules compare teams, whether what is left can bring what the
//! rules ask of both ([`Versus`]), and who of it may still sit where. An outlook may be too good, and never too bad.
mod window;

use super::{ASIDE_WEIGHT_MAX, deviation, search::Candidate, sieve::region, store::Store, ticket::Waiting};
use gsm_rules::{
    NumberColumn, Pairwise, Party, Reserve, Seat, Stage, Symbol, VERSUS_COLUMNS_MAX, Versus, WordColumn,
};
use smallvec::SmallVec;
use window::has_enough;

/// Needs that are looked at.
const NEEDS_MAX: usize = 24;
/// Locations that are looked at: where the anchor has more, none is.
const PLACES_MAX: usize = 64;
/// Kinds of teams that are looked at.
const TEAMS_MAX: usize = 4;
/// How often it is asked anew who may sit where, once some may not.
const NARROWINGS: usize = 3;

/// What there is of each candidate.
#[derive(Debug, Clone)]
pub(super) struct Outlook {
    /// The number that the rules limit, how far apart two may be, and the rule.
    band: Option<(NumberColumn, f64, usize)>,
    /// Where the rules limit the standard deviation of that number: the limit, and the most players of a match.
    deviation: Option<(f64, u32)>,
    /// The latencies that the rules limit, the limit, and the rule.
    region: Option<(WordColumn, f64, usize)>,
    /// The first team of each kind.
    kinds: SmallVec<[u8; 8]>,
    /// Locations near enough to the anchor, and how near.
    places: SmallVec<[(Symbol, f64); 8]>,
    /// So far apart may two be there.
    apart_ms: f64,
    seen: Vec<Seen>,
    /// Candidates in the order of their numbers; those without one come last.
    order: Vec<u32>,
}

/// How often searches of a stage asked what teams can have against each other, and how often nothing else had told that a
/// part is dead. It takes longer than all the rest, and of some rules it tells next to nothing.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Worth {
    asked: u32,
    told: u32,
    passed: u32,
}

impl Worth {
    /// Times that are asked before it is judged.
    const TRIALS: u32 = 16;
    /// It is worth asking where one in so many told something; otherwise only one in so many is asked.
    const RARE: u32 = 16;

    fn asks(&mut self) -> bool {
        if self.asked < Self::TRIALS || self.told * Self::RARE >= self.asked {
            return true;
        }
        self.passed = self.passed.wrapping_add(1);
        self.passed.is_multiple_of(Self::RARE)
    }

    fn note(&mut self, told: bool) {
        (self.asked, self.told) = (self.asked + 1, self.told + u32::from(told));
        if self.asked >= 16 * Self::TRIALS {
            (self.asked, self.told) = (self.asked / 2, self.told / 2);
        }
    }
}

/// What is seen of a part of a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    /// It may become a match.
    Fine,
    /// It cannot.
    Bad,
    /// It cannot, as only the rules that compare teams tell.
    BadByVersus,
}

/// What one ticket would bring.
#[derive(Debug, Clone, Copy)]
struct Seen {
    /// NaN: it is as near as one likes.
    number: f64,
    /// In which of the places it may play.
    places: u64,
    gives: Amounts,
    /// In the columns that rules compare teams by; a backfill has none.
    values: Option<[f64; VERSUS_COLUMNS_MAX]>,
}

/// What is counted, in one row: all of it is added up and compared at once.
#[derive(Debug, Clone, Copy)]
struct Amounts([u32; Self::LEN]);

/// Where it stands in the row: players, those who are news, and those who are of the stage.
const PLAYERS: usize = 0;
const NEWS: usize = 1;
const OF_STAGE: usize = 2;
/// Players who may sit on teams of a kind, for each kind.
const TEAMS: std::ops::Range<usize> = 3..3 + TEAMS_MAX;
/// Who brings what is needed, for each need.
const NEEDS: std::ops::RangeFrom<usize> = TEAMS.end..;

impl Amounts {
    const LEN: usize = TEAMS.end + NEEDS_MAX;

    fn new(players: u32, news: bool, of_stage: bool) -> Self {
        let mut row = [0; Self::LEN];
        (row[PLAYERS], row[NEWS], row[OF_STAGE]) = (players, news.into(), of_stage.into());
        Self(row)
    }
    const fn players(&self) -> u32 {
        self.0[PLAYERS]
    }
    fn teams(&self) -> &[u32] {
        &self.0[TEAMS]
    }
    fn teams_mut(&mut self) -> &mut [u32] {
        &mut self.0[TEAMS]
    }
    fn needs_mut(&mut self) -> &mut [u32] {
        &mut self.0[NEEDS]
    }
    fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(own, other)| *own += other);
    }
    fn take(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(own, other)| *own -= other);
    }
    fn cover(&self, needed: &Self) -> bool {
        self.0.iter().zip(&needed.0).fold(true, |all, (own, needed)| all & (own >= needed))
    }
}

/// What is asked of those who are left, beside their number.
#[derive(Debug, Clone, Copy)]
struct Asked {
    needs: bool,
    versus: bool,
    teams: bool,
    places: bool,
}

impl Asked {
    const ALL: Self = Self { needs: true, versus: true, teams: true, places: true };
}

/// What was taken so far.
pub(super) struct Taken<'a, 's> {
    pub(super) seats: &'a [Seat<'s>],
    /// Which of the candidates are among them.
    pub(super) candidates: &'a [(Option<usize>, u8)],
    /// Players that each team lacks.
    pub(super) missing: SmallVec<[u32; 8]>,
    /// Players for whom there is room on one team.
    pub(super) room: u32,
    pub(super) has_news: bool,
    pub(super) has_of_stage: bool,
}

impl Outlook {
    /// `None` where the rules of the stage ask nothing that can be seen in this way, and where it is too dear to see. Adds to
    /// `used` what judging each candidate weighs.
    pub(super) fn new(
        stage: &Stage,
        anchor: &Waiting,
        candidates: &[Candidate],
        waiting: &Store,
        used: &mut u32,
    ) -> Option<Self> {
        let own = anchor.parties.first()?;
        let deviation = stage.deviation();
        let is_asked = |of: NumberColumn| deviation.is_none_or(|limit| limit.column == of);
        let band = stage.pairwise().iter().find_map(|pair| match *pair {
            Pairwise::Within { column, width, rule } if is_asked(column) => Some((column, width, rule)),
            Pairwise::SameNumber { column, rule } if is_asked(column) => Some((column, 0.0, rule)),
            _ => None,
        });
        let most = stage.teams().iter().map(|size| u32::from(size.max)).sum();
        let deviation = deviation.map(|limit| (limit.most, most));
        let region = region(stage);
        let apart_ms = stage.pairwise().iter().find_map(|pair| match *pair {
            Pairwise::Region { apart_ms, .. } => Some(apart_ms),
            _ => None,
        });
        let apart_ms = apart_ms.unwrap_or(f64::INFINITY);
        let mut places: SmallVec<[(Symbol, f64); 8]> = SmallVec::new();
        if let Some((column, max_ms, _)) = region {
            places.extend(own.entries(column).filter(|(_, ms)| *ms <= max_ms));
        }
        let region = region.filter(|_| places.len() <= PLACES_MAX);
        let kinds = SmallVec::from_slice(stage.kinds());
        let is_blind = band.is_none() && region.is_none() && stage.needs().is_empty() && kinds.len() < 2;
        if is_blind && stage.versus_columns().is_empty() {
            return None;
        }
        let mut outlook = Self {
            band,
            deviation,
            region,
            kinds,
            places,
            apart_ms,
            seen: Vec::with_capacity(candidates.len()),
            order: Vec::new(),
        };
        let teams = outlook.kinds.len() as u32;
        let mut weight = 0_u32;
        for candidate in candidates {
            let ticket = waiting.at(candidate.key.slot);
            if let Some(party) = ticket.and_then(Waiting::party) {
                let seats = [Seat { team: 0, party }];
                weight = weight.saturating_add(teams.saturating_mul(stage.weight(&seats)));
                weight = weight.saturating_add(stage.need_weight(&seats));
            }
            if weight >= ASIDE_WEIGHT_MAX {
                break;
            }
            outlook.seen.push(outlook.see(stage, candidate, ticket));
        }
        *used = used.saturating_add(weight);
        if outlook.seen.len() < candidates.len() {
            return None;
        }
        let mut order: Vec<u32> = (0..outlook.seen.len() as u32).collect();
        let number = |at: &u32| outlook.seen.get(*at as usize).map_or(f64::NAN, |seen| seen.number);
        order.sort_by(|a, b| {
            let (a, b) = (number(a), number(b));
            a.is_nan().cmp(&b.is_nan()).then(a.total_cmp(&b))
        });
        outlook.order = order;
        Some(outlook)
    }

    fn see(&self, stage: &Stage, candidate: &Candidate, ticket: Option<&Waiting>) -> Seen {
        let mut gives = Amounts::new(candidate.players, candidate.is_news, candidate.is_of_stage);
        let Some(party) = ticket.and_then(Waiting::party) else {
            // A backfill: nothing is held against it.
            gives.needs_mut().fill(candidate.players);
            gives.teams_mut().fill(candidate.players);
            return Seen { number: f64::NAN, places: u64::MAX, gives, values: None };
        };
        gives.needs_mut().iter_mut().zip(stage.needs()).for_each(|(gives, need)| *gives = need.brings(party));
        for (gives, team) in gives.teams_mut().iter_mut().zip(&self.kinds) {
            *gives = if stage.may_sit(*team, party) { candidate.players } else { 0 };
        }
        let number = self.band.map_or(f64::NAN, |(column, ..)| party.number(column));
        let mut values = [0.0; VERSUS_COLUMNS_MAX];
        for (value, column) in values.iter_mut().zip(stage.versus_columns()) {
            *value = party.number(*column);
        }
        Seen { number, places: self.bits(party), gives, values: Some(values) }
    }

    fn bits(&self, party: &Party) -> u64 {
        let Some((column, max_ms, _)) = self.region else { return u64::MAX };
        let near = party.entries(column).filter(|(_, ms)| *ms <= max_ms);
        let is_here = |(place, ms): (Symbol, f64)| {
            let near = |own: &(Symbol, f64)| own.0 == place && (own.1 - ms).abs() <= self.apart_ms;
            self.places.iter().position(near)
        };
        let at = near.filter_map(is_here);
        at.fold(0, |bits, at| bits | 1 << at)
    }

    /// Whether no choice of the candidates `from` on makes it a match. Adds to `used` the work that it took.
    pub(super) fn is_dead(
        &self,
        stage: &Stage,
        taken: &Taken<'_, '_>,
        candidates: &[Candidate],
        from: usize,
        (worth, used): (&mut Worth, &mut u32),
    ) -> bool {
        let left = (candidates.len() - from.min(candidates.len())) as u32;
        *used = used.saturating_add(1 + left / 16).saturating_add(stage.need_weight(taken.seats));
        let versus = !stage.versus_columns().is_empty() && worth.asks();
        let look = self.look(stage, taken, candidates, from, Asked { versus, ..Asked::ALL });
        if versus && look != Look::Bad {
            *used = used.saturating_add((left / 4).saturating_mul(stage.versus_weight()));
            worth.note(look == Look::BadByVersus);
        }
        look != Look::Fine
    }

    /// Whether some choice of the candidates may make it a match, as far as nothing but the rules that compare teams is
    /// asked.
    pub(super) fn lets(&self, stage: &Stage, taken: &Taken<'_, '_>, candidates: &[Candidate]) -> bool {
        self.look(stage, taken, candidates, 0, Asked { versus: false, ..Asked::ALL }) == Look::Fine
    }

    /// A rule that nobody who is left can fulfil, where it is dead.
    pub(super) fn blame(
        &self,
        stage: &Stage,
        taken: &Taken<'_, '_>,
        candidates: &[Candidate],
        waiting: &Store,
    ) -> Option<usize> {
        let from = 0;
        let is_bad = |with| self.look(stage, taken, candidates, from, with) != Look::Fine;
        if !is_bad(Asked { needs: false, ..Asked::ALL }) {
            return stage.needs().iter().find(|of| of.lacking(taken.seats) > 0).map(gsm_rules::Need::rule);
        }
        if !is_bad(Asked { needs: false, versus: false, ..Asked::ALL }) {
            return stage.versus_rule();
        }
        if !is_bad(Asked { needs: false, versus: false, teams: false, places: true }) {
            return self.unwanted(stage, candidates, waiting);
        }
        if !is_bad(Asked { needs: false, versus: false, teams: false, places: false }) {
            return self.region.map(|(.., rule)| rule);
        }
        self.band.map(|(.., rule)| rule)
    }

    /// A rule by which somebody may not sit on a team.
    fn unwanted(&self, stage: &Stage, candidates: &[Candidate], waiting: &Store) -> Option<usize> {
        let parties = candidates.iter().filter_map(|of| waiting.at(of.key.slot).and_then(Waiting::party));
        let mut seats =
            parties.flat_map(|party| self.kinds.iter().map(move |team| Seat { team: *team, party }));
        seats.find_map(|seat| stage.hopeless(&[seat]))
    }

    fn look(
        &self,
        stage: &Stage,
        taken: &Taken<'_, '_>,
        candidates: &[Candidate],
        from: usize,
        asked: Asked,
    ) -> Look {
        let mut needed = Amounts::new(taken.missing.iter().sum(), !taken.has_news, !taken.has_of_stage);
        if asked.teams {
            // Teams of one kind lie side by side.
            for (team, missing) in (0_u8..=u8::MAX).zip(&taken.missing) {
                let kind = self.kinds.partition_point(|first| *first <= team).checked_sub(1);
                if let Some(needed) = kind.and_then(|kind| needed.teams_mut().get_mut(kind)) {
                    *needed += missing;
                }
            }
        }
        if asked.needs {
            let needs = needed.needs_mut().iter_mut().zip(stage.needs());
            needs.for_each(|(needed, need)| *needed = need.lacking(taken.seats));
        }
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        let mut common = u64::MAX;
        for seat in taken.seats {
            if let Some((column, ..)) = self.band {
                let number = seat.party.number(column);
                (low, high) = (low.min(number), high.max(number));
            }
        }
        if self.region.is_some() && asked.places {
            common = if self.places.len() == PLACES_MAX { u64::MAX } else { (1 << self.places.len()) - 1 };
            for (at, _) in taken.candidates {
                let seen = at.and_then(|at| self.seen.get(at));
                common &= seen.map_or(u64::MAX, |seen| seen.places);
            }
            if common == 0 {
                return Look::Bad;
            }
        }
        let width = self.band.map_or(f64::INFINITY, |(_, width, _)| width);
        let mut left: SmallVec<[&Seen; 64]> = SmallVec::new();
        for at in &self.order {
            let (Some(seen), Some(candidate)) = (self.seen.get(*at as usize), candidates.get(*at as usize))
            else {
                continue;
            };
            let has_room = candidate.is_apart || candidate.players <= taken.room;
            if (*at as usize) < from || !candidate.waits || !has_room || seen.places & common == 0 {
                continue;
            }
            let is_far = high - seen.number > width || seen.number - low > width;
            if seen.number.is_nan() || low > high || !is_far {
                left.push(seen);
            }
        }
        let places = (self.region.is_some() && asked.places).then_some(common);
        if !has_enough(&left, places, (low, high, width), &needed) {
            return Look::Bad;
        }
        if let (Some((limit, most)), Some((column, ..))) = (self.deviation, self.band)
            && left.iter().all(|seen| !seen.number.is_nan())
        {
            let seats = taken.seats.iter().map(|of| (of.party.number(column), of.party.size().into()));
            let others = left.iter().map(|seen| (seen.number, seen.gives.players()));
            let missing = taken.missing.iter().sum::<u32>() as usize;
            if deviation::is_above(limit, seats, others, missing, most) {
                return Look::Bad;
            }
        }
        let Some(versus) = asked.versus.then(|| stage.versus(taken.seats)).flatten() else {
            return Look::Fine;
        };
        match self.narrowed(&versus, stage, &left) {
            None => Look::BadByVersus,
            Some(kept) => {
                let kept: SmallVec<[&Seen; 64]> = kept.iter().collect();
                if has_enough(&kept, places, (low, high, width), &needed) {
                    Look::Fine
                } else {
                    Look::BadByVersus
                }
            }
        }
    }
}

impl Outlook {
    /// Those who are left as far as rules that compare teams let them sit anywhere; `None` where they let no match be.
    fn narrowed(&self, versus: &Versus<'_>, stage: &Stage, left: &[&Seen]) -> Option<Vec<Seen>> {
        let mut kept: Vec<Seen> = left.iter().map(|seen| **seen).collect();
        if self.kinds.len() > TEAMS_MAX || kept.iter().any(|seen| seen.values.is_none()) {
            return Some(kept);
        }
        for _ in 0..NARROWINGS {
            let mut reserves = [Reserve::EMPTY; TEAMS_MAX];
            for seen in &kept {
                let Some(values) = &seen.values else { continue };
                let sits = reserves.iter_mut().zip(seen.gives.teams()).filter(|(_, players)| **players > 0);
                sits.for_each(|(reserve, _)| reserve.add(values));
            }
            let reserves = reserves.get(..self.kinds.len()).unwrap_or_default();
            if versus.fails(reserves).is_some() {
                return None;
            }
            let mut is_narrower = false;
            kept.retain_mut(|seen| {
                let (Some(values), size) = (seen.values, seen.gives.players()) else { return true };
                for (at, players) in seen.gives.teams_mut().iter_mut().enumerate().take(self.kinds.len()) {
                    let first = self.kinds.get(at).copied().unwrap_or_default();
                    let end = self.kinds.get(at + 1).map_or(stage.teams().len() as u8, |next| *next);
                    let refuses = |team| versus.refuses(team, size, &values, reserves).is_some();
                    if *players > 0 && (first..end).all(refuses) {
                        (*players, is_narrower) = (0, true);
                    }
                }
                seen.gives.teams().iter().any(|players| *players > 0)
            });
            if !is_narrower {
                break;
            }
        }
        Some(kept)
    }
}
