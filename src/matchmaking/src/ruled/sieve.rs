//! What is known of a waiting ticket without a look at it: enough to pass over most of those that cannot join.
use gsm_rules::{Need, Pairwise, Party, RuleSet, Stage, WordColumn};

/// Kinds of players that are known.
const NEEDS_MAX: usize = 8;

/// What a rule set asks that a few bits can tell.
#[derive(Debug, Clone)]
pub(super) struct Sieve {
    region: Option<Region>,
    needs: Vec<Need>,
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
    /// Which needs it has something of.
    gives: u8,
}

/// Nothing is held against it.
impl Default for Traits {
    fn default() -> Self {
        Self { near: [u16::MAX; 2], gives: u8::MAX }
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
    pub(super) fn gives(self, need: usize) -> bool {
        self.gives >> need & 1 == 1
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
        Pairwise::Region { column, max_ms, rule } => Some((column, max_ms, rule)),
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
            if needs.len() < NEEDS_MAX && !needs.iter().any(|known| known.is_of(need)) {
                needs.push(need.clone());
            }
        }
        Self { region: regions.as_ref().and_then(one), needs }
    }

    /// What a ticket brings that is no backfill.
    pub(super) fn traits(&self, party: &Party) -> Traits {
        let mut traits = Traits { gives: 0, ..Traits::default() };
        if let Some(Region { column, limits }) = self.region {
            traits.near = limits.map(|limit| {
                let near = party.entries(column).filter(|(_, ms)| *ms <= limit);
                near.fold(0, |bits, (place, _)| bits | 1 << (place.index() % 16))
            });
        }
        for (at, need) in self.needs.iter().enumerate() {
            traits.gives |= u8::from(need.brings(party) > 0) << at;
        }
        traits
    }

    /// By which limit a stage asks, and the rule that does.
    pub(super) fn limit(&self, stage: &Stage) -> Option<(Limit, usize)> {
        let (of, (_, max_ms, rule)) = self.region.zip(region(stage))?;
        Some((if max_ms <= of.limits[0] { Limit::Strict } else { Limit::Lax }, rule))
    }

    /// How many needs are known.
    pub(super) fn needs(&self) -> usize {
        self.needs.len()
    }

    /// The number of a need, if it is known.
    pub(super) fn need(&self, of: &Need) -> Option<usize> {
        self.needs.iter().position(|known| known.is_of(of))
    }
}
