//! Players in the variants of a mode.
use crate::blr::Blr;
use crate::experts::WITH_OFFSETS;
use crate::features::{Features, NAMES};
use crate::numeric::ln_1p;
use gsm_core::Map;
use gsm_rating::Offset;
use serde::{Deserialize, Serialize};

/// A player in one variant.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Own {
    games: u32,
    offsets: [Offset; WITH_OFFSETS],
}

impl Own {
    #[cfg(test)]
    pub(crate) fn spoil(&mut self) {
        self.offsets[0].mean = f64::NAN;
    }

    pub(crate) fn is_finite(&self) -> bool {
        self.offsets.iter().all(|offset| offset.is_finite())
    }
}

/// How often players played which variant, and how much better or worse the experts take them to be there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Variants(pub(crate) Map<u64, Own>);

/// One number of two.
const fn key(player: u32, variant: u16) -> u64 {
    (player as u64) << 16 | variant as u64
}

impl Variants {
    /// `ln(1 + matches)`.
    pub(crate) fn experience(&self, player: u32, variant: u16) -> f64 {
        self.0.get(&key(player, variant)).map_or(0.0, |own| ln_1p(f64::from(own.games)))
    }

    pub(crate) fn offset(&self, player: u32, variant: u16, expert: usize) -> Option<Offset> {
        self.0.get(&key(player, variant)).and_then(|own| own.offsets.get(expert)).copied()
    }

    /// After a match; `new` are a newcomer's offsets.
    pub(crate) fn moved(
        &mut self,
        player: u32,
        variant: u16,
        expert: usize,
        offset: Offset,
        new: [Offset; WITH_OFFSETS],
    ) {
        let own = self.0.entry(key(player, variant)).or_insert(Own { games: 0, offsets: new });
        if let Some(slot) = own.offsets.get_mut(expert) {
            *slot = offset;
        }
        // The base is the first to rate a match.
        if expert == 0 {
            own.games = own.games.saturating_add(1);
        }
    }
}

/// What variants change about the weights: little, unless results say so.
const VARIANCE: f64 = 0.001;
const FORGETTING: f64 = 1e-3;
/// Variants beyond this number share the last place.
const VARIANTS_MAX: usize = 64;
/// Which features a variant may weigh in its own way, beside the logit of all variants.
const CHANGED: [&str; SIZE - 1] =
    ["side", "base", "experience", "variant_experience", "momentum", "opponents_now", "win_loss"];
pub(crate) const SIZE: usize = 8;

fn fresh() -> Blr<SIZE> {
    Blr::new([0.0; SIZE], [VARIANCE; SIZE], FORGETTING)
}

/// For every variant, a small regression on top of the one for all.
#[derive(Clone, Debug)]
pub(crate) struct Refinement {
    features: [usize; SIZE - 1],
    blocks: Vec<Blr<SIZE>>,
}

impl Refinement {
    pub(crate) fn new() -> Self {
        let features = CHANGED.map(|name| NAMES.iter().position(|of| *of == name).unwrap_or(0));
        Self { features, blocks: Vec::new() }
    }

    pub(crate) fn blocks(&self) -> &[Blr<SIZE>] {
        &self.blocks
    }

    /// With these; none where there are too many.
    pub(crate) fn with_blocks(blocks: Vec<Blr<SIZE>>) -> Option<Self> {
        (blocks.len() <= VARIANTS_MAX).then(|| Self { blocks, ..Self::new() })
    }

    /// The same under other numbers: `old` tells for each number what it was; none is new.
    pub(crate) fn renumbered(&self, old: impl Iterator<Item = Option<usize>>) -> Self {
        let block = |old: Option<usize>| old.and_then(|old| self.blocks.get(old)).cloned();
        let mut blocks: Vec<Blr<SIZE>> =
            old.take(VARIANTS_MAX).map(|old| block(old).unwrap_or_else(fresh)).collect();
        // Who comes last in a file of many would else be what it was not.
        if blocks.len() == VARIANTS_MAX {
            blocks.pop();
        }
        Self { blocks, ..self.clone() }
    }

    /// Takes over what another knows of a variant. Those that share the last place are left as they are.
    pub(crate) fn take(&mut self, number: usize, from: &Self, known: usize) {
        let last = VARIANTS_MAX - 1;
        let Some(block) = from.blocks.get(known).filter(|_| number < last && known < last) else { return };
        if self.blocks.len() <= number {
            self.blocks.resize_with(number + 1, fresh);
        }
        if let Some(slot) = self.blocks.get_mut(number) {
            slot.clone_from(block);
        }
    }

    fn input(&self, logit: f64, features: &Features) -> [f64; SIZE] {
        let mut x = [logit; SIZE];
        for (x, at) in x.iter_mut().skip(1).zip(self.features) {
            *x = features.values().get(at).copied().unwrap_or_default();
        }
        x
    }

    fn place(variant: u16) -> usize {
        usize::from(variant).min(VARIANTS_MAX - 1)
    }

    /// What the variant adds to the logit of all variants.
    pub(crate) fn extra(&self, logit: f64, features: &Features) -> f64 {
        let block = features.variant().and_then(|variant| self.blocks.get(Self::place(variant)));
        block.map_or(0.0, |block| block.logit(&self.input(logit, features)))
    }

    pub(crate) fn learn(&mut self, logit: f64, features: &Features, y: f64) {
        let Some(at) = features.variant().map(Self::place) else { return };
        if self.blocks.len() <= at {
            self.blocks.resize_with(at + 1, fresh);
        }
        let x = self.input(logit, features);
        if let Some(block) = self.blocks.get_mut(at) {
            block.learn(&x, y, 1.0, logit);
        }
    }
}
