//! Where a match is played, and where its players are from.
use gsm_core::Attribute;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Regions, as far as they are known.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Regions {
    /// Nothing is.
    #[default]
    Unknown,
    /// That of the match and of all its players.
    One(Attribute),
    /// That of the match, and those of its players in the order of the roster.
    Each(Option<Attribute>, Vec<Option<Attribute>>),
}

/// In a store the first two are what was there before the third: an option of a region.
#[derive(Serialize, Deserialize)]
#[serde(rename = "Regions")]
enum Stored {
    Unknown,
    One(Attribute),
    Each(Option<Attribute>, Vec<Option<Attribute>>),
}

impl Regions {
    /// That of a match, and those of its players in the order of the roster.
    pub(crate) fn new(of_match: Option<Attribute>, players: Vec<Option<Attribute>>) -> Self {
        if players.iter().all(|own| *own == of_match) {
            return of_match.map_or(Self::Unknown, Self::One);
        }
        Self::Each(of_match, players)
    }

    /// That of the match.
    #[must_use]
    pub const fn of_match(&self) -> Option<&Attribute> {
        match self {
            Self::Unknown => None,
            Self::One(region) => Some(region),
            Self::Each(region, _) => region.as_ref(),
        }
    }

    /// That of a player, by the place in the roster.
    #[must_use]
    pub fn of_player(&self, nth: usize) -> Option<&Attribute> {
        match self {
            Self::Unknown => None,
            Self::One(region) => Some(region),
            Self::Each(_, players) => players.get(nth)?.as_ref(),
        }
    }
}

/// As text (answers that are kept for a repeat) it is the region of the match.
impl Serialize for Regions {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() {
            return self.of_match().serialize(to);
        }
        match self.clone() {
            Self::Unknown => Stored::Unknown,
            Self::One(region) => Stored::One(region),
            Self::Each(region, players) => Stored::Each(region, players),
        }
        .serialize(to)
    }
}

impl<'de> Deserialize<'de> for Regions {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        if from.is_human_readable() {
            return Ok(Option::deserialize(from)?.map_or(Self::Unknown, Self::One));
        }
        Ok(match Stored::deserialize(from)? {
            Stored::Unknown => Self::Unknown,
            Stored::One(region) => Self::One(region),
            Stored::Each(region, players) => Self::Each(region, players),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(name: &str) -> Option<Attribute> {
        Some(Attribute::new(name).unwrap())
    }

    #[test]
    fn what_was_stored_before_is_read() {
        for before in [None, region("eu")] {
            let bytes = postcard::to_stdvec(&(&before, 7_u32)).unwrap();
            let (read, behind): (Regions, u32) = postcard::from_bytes(&bytes).unwrap();
            assert_eq!((read.of_match(), read.of_player(3), behind), (before.as_ref(), before.as_ref(), 7));
            assert_eq!(postcard::to_stdvec(&(&read, 7_u32)).unwrap(), bytes);
            let text = serde_json::to_string(&before).unwrap();
            let read: Regions = serde_json::from_str(&text).unwrap();
            assert_eq!((read.of_match(), serde_json::to_string(&read).unwrap()), (before.as_ref(), text));
        }
    }

    #[test]
    fn each_player_has_a_region() {
        let players = vec![region("eu"), None, region("na")];
        let regions = Regions::new(region("eu"), players.clone());
        let read: Regions = postcard::from_bytes(&postcard::to_stdvec(&regions).unwrap()).unwrap();
        assert_eq!(read, regions);
        let of: Vec<Option<Attribute>> = (0..4).map(|nth| read.of_player(nth).cloned()).collect();
        assert_eq!((of, read.of_match()), ([&players[..], &[None]].concat(), region("eu").as_ref()));
        assert_eq!(serde_json::to_string(&regions).unwrap(), r#""eu""#);
        assert_eq!(Regions::new(None, vec![None; 2]), Regions::Unknown);
        assert_eq!(Regions::new(region("eu"), vec![region("eu"); 2]), Regions::One(region("eu").unwrap()));
    }
}
