//! What is known of a waiting ticket without a look at it: enough to pass over most of those that cannot join.
use gsm_rules::{Need, Pairwise, Party, RuleSet, Stage, WordColumn};

/// Kinds of players that are known.
const KNOWN_MAX: usize = 16;
/// Stages that are asked who may sit on a team; where there are more, anybody may.
const STAGES_ASKED: usize = 8;

/// What a rule set asks that a few bits can tell.
#[derive(Debug, Clone)]
pub(super) struct Sieve {
    region: Option<Region>,
    needs: Vec<Need>,
    /// The first team of each kind that takes players whom others do not.
    kinds: Vec<u8>,
}

/// The latencies that the rules limit, and the limits of the strictest and of the laxest stage.
#[derive(Debug, Clone, Copy)]
struct Region {
    column: WordColumn,
    limits: [f64; 2],
}

/// What a ticket brings, in bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Traits {
    /// Locations within the strictest and the laxest limit. Several may share a bit: who have no bit in common have no
    /// location in common.
    near: [u16; 2],
    /// What it brings of that which is known.
    gives: u16,
}

/// Nothing is held against it.
impl Default for Traits {
    fn default() -> Self {
        Self { near: [u16::MAX; 2], gives: u16::MAX }
    }
}

impl Traits {
    /// Whether the two may have a location in common.
    #[inline]
    pub(super) fn meets(self, other: Self, limit: Limit) -> bool {
        match limit {
            Limit::Strict => self.near[0] & other.near[0] != 0,
            Limit::Lax => self.near[1] & other.near[1] != 0,
        }
    }
    pub(super) fn gives(self, known: usize) -> bool {
        self.gives >> known & 1 == 1
    }
}

/// By which of the limits a stage asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    Strict,
    Lax,
}

/// The latencies that a stage limits, the limit, and the rule that does.
pub(super) fn region(stage: &Stage) -> Option<(WordColumn, f64, usize)> {
    stage.pairwise().iter().find_map(|pair| match *pair {
        Pairwise::Region { column, max_ms, rule, .. } => Some((column, max_ms, rule)),
        _ => None,
    })
}

impl Sieve {
    pub(super) fn new(set: &RuleSet) -> Self {
        let regions: Option<Vec<_>> = set.stages().iter().map(region).collect();
        // All stages ask it of the same latencies, or none is looked at.
        let one = |regions: &Vec<(WordColumn, f64, usize)>| {
            let column = regions.first()?.0;
            let limits = regions.iter().map(|(_, max_ms, _)| *max_ms);
            let limits = [limits.clone().fold(f64::INFINITY, f64::min), limits.fold(0.0, f64::max)];
            regions.iter().all(|region| region.0 == column).then_some(Region { column, limits })
        };
        let mut needs: Vec<Need> = Vec::new();
        for need in set.stages().iter().flat_map(Stage::needs) {
            if needs.len() < KNOWN_MAX && !needs.iter().any(|known| known.is_of(need)) {
                needs.push(need.clone());
            }
        }
        let mut kinds = Vec::new();
        if set.stages().iter().any(Stage::has_team_rules) {
            let all = set.stages().first().map_or(&[][..], Stage::kinds);
            kinds.extend(all.iter().take(KNOWN_MAX - needs.len()));
        }
        Self { region: regions.as_ref().and_then(one), needs, kinds }
    }

    /// What a ticket brings that is no backfill.
    pub(super) fn traits(&self, set: &RuleSet, party: &Party) -> Traits {
        let mut traits = Traits { gives: 0, ..Traits::default() };
        if let Some(Region { column, limits }) = self.region {
            traits.near = limits.map(|limit| {
                let near = party.entries(column).filter(|(_, ms)| *ms <= limit);
                near.fold(0, |bits, (place, _)| bits | 1 << (place.index() % 16))
            });
        }
        for (at, need) in self.needs.iter().enumerate() {
            traits.gives |= u16::from(need.brings(party) > 0) << at;
        }
        for (at, team) in (self.needs.len()..).zip(&self.kinds) {
            let mut asked = set.stages().iter().take(STAGES_ASKED);
            let may_sit = set.stages().len() > STAGES_ASKED || asked.any(|stage| stage.may_sit(*team, party));
            traits.gives |= u16::from(may_sit) << at;
        }
        traits
    }

    /// By which limit a stage asks, and the rule that does.
    pub(super) fn limit(&self, stage: &Stage) -> Option<(Limit, usize)> {
        let (of, (_, max_ms, rule)) = self.region.zip(region(stage))?;
        Some((if max_ms <= of.limits[0] { Limit::Strict } else { Limit::Lax }, rule))
    }

    /// How many kinds of players are known: those of needs, and after them those who may sit on a kind of teams.
    pub(super) fn known(&self) -> usize {
        self.needs.len() + self.kinds.len()
    }

    /// The first team of the kind whose players these are.
    pub(super) fn kind(&self, known: usize) -> Option<u8> {
        self.kinds.get(known.checked_sub(self.needs.len())?).copied()
    }

    /// The number of a need, if it is known.
    pub(super) fn need(&self, of: &Need) -> Option<usize> {
        self.needs.iter().position(|known| known.is_of(of))
    }
}
