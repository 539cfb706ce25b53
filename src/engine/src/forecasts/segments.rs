//! Parts of matches and of players that figures are told apart by.
use gsm_core::Attribute;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Regions that are told apart; further ones share a part.
const REGIONS_MAX: usize = 64;
/// Parties of more players share a part.
const PARTY_MAX: u32 = 6;
/// Matches up to which a player is new, and from which on experienced.
const NEW_MATCHES: u32 = 10;
const EXPERIENCED_MATCHES: u32 = 100;

/// By what parts are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// Where it is played.
    Region,
    /// How many came together.
    Party,
    /// How many matches were played before.
    Experience,
}

impl Dimension {
    /// Its name, as in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Region => "region",
            Self::Party => "party",
            Self::Experience => "experience",
        }
    }
}

/// One part.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Segment {
    /// By what.
    pub by: Dimension,
    /// Which.
    pub value: String,
}

impl Segment {
    fn new(by: Dimension, value: impl Into<String>) -> Self {
        Self { by, value: value.into() }
    }

    /// The parts of a match, or of a player in it: the region, the size of the party, the matches played before.
    pub(super) fn all(region: Option<&Attribute>, party: u32, games: u32) -> [Self; 3] {
        let region = region.map_or("unknown", Attribute::as_str);
        let party = if party >= PARTY_MAX { format!("{PARTY_MAX}+") } else { party.max(1).to_string() };
        let experience = match games {
            0..NEW_MATCHES => "new",
            NEW_MATCHES..EXPERIENCED_MATCHES => "regular",
            _ => "experienced",
        };
        [
            Self::new(Dimension::Region, region),
            Self::new(Dimension::Party, party),
            Self::new(Dimension::Experience, experience),
        ]
    }
}

/// The sums of each part, of a bounded number of parts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Parts<T>(BTreeMap<Segment, T>);

impl<T> Default for Parts<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Default> Parts<T> {
    /// The sums of a part.
    pub(super) fn of(&mut self, segment: Segment) -> &mut T {
        let is_full = self.0.keys().filter(|of| of.by == Dimension::Region).count() >= REGIONS_MAX;
        let segment = if segment.by == Dimension::Region && is_full && !self.0.contains_key(&segment) {
            Segment::new(Dimension::Region, "other")
        } else {
            segment
        };
        self.0.entry(segment).or_default()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Segment, &T)> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_by_their_borders() {
        let check = |party, games, wanted: [&str; 2]| {
            let [region, party, experience] = Segment::all(None, party, games);
            assert_eq!((region.value.as_str(), region.by), ("unknown", Dimension::Region));
            assert_eq!([party.value.as_str(), experience.value.as_str()], wanted);
        };
        check(0, 9, ["1", "new"]);
        check(5, 10, ["5", "regular"]);
        check(6, 99, ["6+", "regular"]);
        check(40, 100, ["6+", "experienced"]);
    }

    #[test]
    fn regions_are_bounded() {
        let mut parts: Parts<u32> = Parts::default();
        for n in 0..1_000 {
            let region = Attribute::new(&format!("r{n}")).unwrap();
            let [segment, ..] = Segment::all(Some(&region), 1, 0);
            *parts.of(segment) += 1;
        }
        assert_eq!(parts.0.len(), REGIONS_MAX + 1);
        assert_eq!(parts.0[&Segment::new(Dimension::Region, "other")], 1_000 - REGIONS_MAX as u32);
    }
}
