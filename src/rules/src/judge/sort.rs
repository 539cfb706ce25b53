//! Sort rules: the order in which other tickets are tried for an anchor.
use crate::{
    columns::{NumberColumn, WordColumn},
    party::Party,
    stage::SortKey,
    symbols::{Symbol, Symbols},
};

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sort {
    pub(crate) by: By,
    /// By the distance to the anchor, or by the value itself?
    pub(crate) distance: bool,
    pub(crate) descending: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Number(NumberColumn),
    Text(WordColumn),
    /// The value of the key that is lowest, or highest, in the anchor's map.
    Map {
        column: WordColumn,
        highest: bool,
    },
}

impl Sort {
    /// Less comes first; none comes last.
    pub(crate) fn key<'s>(&self, anchor: &Party, other: &Party, symbols: &'s Symbols) -> Option<SortKey<'s>> {
        let (mine, theirs) = match self.by {
            By::Number(column) => (anchor.number(column), other.number(column)),
            By::Text(column) => {
                let (mine, theirs) = (anchor.texts(column).first()?, other.texts(column).first()?);
                if !self.distance {
                    return Some(SortKey::Text { text: symbols.text(*theirs), descending: self.descending });
                }
                (0.0, f64::from(u8::from(mine != theirs)))
            }
            By::Map { column, highest } => {
                let (place, mine) = favourite(anchor, column, highest, symbols)?;
                (mine, other.entries(column).find(|(key, _)| *key == place)?.1)
            }
        };
        let value = if self.distance { (theirs - mine).abs() } else { theirs };
        (!value.is_nan()).then_some(SortKey::Number(if self.descending { -value } else { value }))
    }
}

/// The key with the lowest, or highest, value; of equals the first by the alphabet.
fn favourite(party: &Party, column: WordColumn, highest: bool, symbols: &Symbols) -> Option<(Symbol, f64)> {
    party.entries(column).reduce(|best, next| {
        let order = if highest { next.1.total_cmp(&best.1) } else { best.1.total_cmp(&next.1) };
        let by_text = || symbols.text(best.0).cmp(symbols.text(next.0));
        if order.then_with(by_text).is_gt() { next } else { best }
    })
}
