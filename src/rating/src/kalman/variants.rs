use crate::Offset;
use gsm_core::{Variant, limits::VARIANTS_PER_PLAYER_MAX};
use serde::{Deserialize, Serialize};

/// A player's offsets in the variants of a mode, those played last: at most [`VARIANTS_PER_PLAYER_MAX`]. In one that is
/// not among them the player is a newcomer ([`crate::System::initial_offset`]).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Offsets(Vec<(Variant, Offset)>);

impl Offsets {
    /// Of one variant. O(kept).
    #[must_use]
    pub fn get(&self, variant: &Variant) -> Option<Offset> {
        self.0.iter().find(|(of, _)| of == variant).map(|(_, offset)| *offset)
    }

    /// The same after a match in `variant`. Of more than are kept, the variant that was not played for most matches
    /// goes. O(kept).
    #[must_use]
    pub fn after(&self, variant: &Variant, offset: Offset) -> Self {
        let others: Vec<_> = self.0.iter().filter(|(of, _)| of != variant).collect();
        let surplus = (others.len() + 1).saturating_sub(VARIANTS_PER_PLAYER_MAX);
        let mut kept: Vec<_> = others.into_iter().skip(surplus).cloned().collect();
        kept.push((variant.clone(), offset));
        Self(kept)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, the variant played last at the end.
    pub fn iter(&self) -> impl Iterator<Item = (&Variant, Offset)> {
        self.0.iter().map(|(variant, offset)| (variant, *offset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn variant(n: u8) -> Variant {
        Variant::new(&format!("map-{n}")).unwrap()
    }

    proptest! {
        /// Against the whole list of matches, searched from its end.
        #[test]
        fn the_variants_played_last_are_kept(played in prop::collection::vec((0u8..24, -9.0..9.0), 0..80)) {
            let mut offsets = Offsets::default();
            for (n, mean) in &played {
                offsets = offsets.after(&variant(*n), Offset { mean: *mean, deviation: 1.0 });
            }
            let mut wanted: Vec<(u8, f64)> = Vec::new();
            for (n, mean) in played.iter().rev() {
                if wanted.len() < VARIANTS_PER_PLAYER_MAX && wanted.iter().all(|(other, _)| other != n) {
                    wanted.push((*n, *mean));
                }
            }
            wanted.reverse();
            let found: Vec<_> = offsets.iter().map(|(of, offset)| (of.clone(), offset.mean)).collect();
            let wanted: Vec<_> = wanted.into_iter().map(|(n, mean)| (variant(n), mean)).collect();
            prop_assert_eq!(&found, &wanted);
            for n in 0..24 {
                let listed = wanted.iter().find(|(of, _)| *of == variant(n)).map(|(_, mean)| *mean);
                prop_assert_eq!(offsets.get(&variant(n)).map(|offset| offset.mean), listed);
            }
        }
    }
}
