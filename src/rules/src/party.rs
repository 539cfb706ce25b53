//! A ticket as the rules see it.
use crate::{
    columns::{NumberColumn, WordColumn},
    symbols::Symbol,
};
use gsm_core::FixedHasher;
use std::hash::Hasher;

/// A ticket, prepared once for judging: a number of players and one cell for each column of its rule set.
///
/// Made by [`RuleSet::prepare`](crate::RuleSet::prepare). With five number attributes and four locations it takes less
/// than 200 bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Party {
    size: u8,
    /// How many columns of numbers.
    numbers: u16,
    never: Option<Never>,
    /// The halves of the numbers; then where each column of symbols begins and the last one ends, counted from the end of
    /// the numbers; then their cells, in which lengths and halves of numbers lie as well. One box: a pool of many
    /// tickets pays for each with memory and with time.
    cells: Box<[Symbol]>,
}

/// Entries that are found sooner one after another than by halves.
const FEW: usize = 8;

/// Why a ticket waits and cannot be matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Never {
    /// A player has no value for a declared attribute that has no default: an index into
    /// [`RuleSet::attributes`](crate::RuleSet::attributes).
    Missing {
        /// The attribute.
        attribute: u16,
    },
    /// There is a latency rule, and no location to which all of the ticket's players have a latency.
    NoLatency,
}

impl Party {
    /// Has what it brings brought into the cache, without waiting for it.
    #[inline]
    pub fn prefetch(&self) {
        // Four bytes each.
        self.cells.iter().step_by(16).for_each(gsm_core::prefetch);
    }

    pub(crate) fn new(size: u8, never: Option<Never>, numbers: &[f64], columns: &[Vec<Symbol>]) -> Self {
        let words = 1 + columns.iter().map(|cells| 1 + cells.len()).sum::<usize>();
        let words = if columns.is_empty() { 0 } else { words };
        let mut cells = Vec::with_capacity(2 * numbers.len() + words);
        cells.extend(numbers.iter().flat_map(|number| halves(*number)));
        if !columns.is_empty() {
            let mut end = columns.len() + 1;
            cells.push(Symbol(end as u32));
            for column in columns {
                end += column.len();
                cells.push(Symbol(end as u32));
            }
        }
        columns.iter().for_each(|column| cells.extend_from_slice(column));
        // A rule set has far fewer columns.
        let numbers = u16::try_from(numbers.len()).unwrap_or(u16::MAX);
        Self { size, numbers, never, cells: cells.into() }
    }
    /// How many players, 1 to 255.
    #[must_use]
    pub const fn size(&self) -> u8 {
        self.size
    }
    /// Why it can never be matched; such a ticket may wait, but must have no seat.
    #[must_use]
    pub const fn never(&self) -> Option<Never> {
        self.never
    }
    /// What each of its players carries in a column of numbers; NaN where nobody has a value.
    #[inline]
    #[must_use]
    pub fn number(&self, column: NumberColumn) -> f64 {
        let at = 2 * usize::from(column.0);
        match self.cells.get(at..at + 2) {
            Some(&[low, high]) if column.0 < self.numbers => number(low, high),
            _ => f64::NAN,
        }
    }
    /// How many cells there are in all columns together.
    #[inline]
    pub(crate) fn all_cells(&self) -> usize {
        self.cells.len()
    }
    /// The cells of a column of symbols, as they lie there.
    #[inline]
    pub(crate) fn cells(&self, column: WordColumn) -> &[Symbol] {
        let words = self.cells.get(2 * usize::from(self.numbers)..).unwrap_or_default();
        let at = usize::from(column.0);
        match (words.get(at), words.get(at + 1)) {
            (Some(begin), Some(end)) => words.get(begin.index()..end.index()).unwrap_or_default(),
            _ => &[],
        }
    }
    /// A column of strings ([`WordSource::Texts`](crate::WordSource::Texts), `Players`): one symbol that all of its
    /// players share, or one each.
    #[inline]
    #[must_use]
    pub fn texts(&self, column: WordColumn) -> &[Symbol] {
        self.cells(column)
    }
    /// A column of sets ([`WordSource::Set`](crate::WordSource::Set)), which each of its players carries; ascending.
    #[inline]
    #[must_use]
    pub fn set(&self, column: WordColumn) -> &[Symbol] {
        self.cells(column)
    }
    /// A column of lists: one for each player, ascending ([`WordSource::Lists`](crate::WordSource::Lists)) or in the
    /// player's order (`Ranked`).
    pub fn lists(&self, column: WordColumn) -> impl Iterator<Item = &[Symbol]> {
        let mut rest = self.cells(column);
        std::iter::from_fn(move || {
            let (len, after) = rest.split_first()?;
            let (list, after) = after.split_at_checked(len.index())?;
            rest = after;
            Some(list)
        })
    }
    /// A column of numbers by name ([`WordSource::Map`](crate::WordSource::Map), `Latency`), ascending by symbol.
    #[inline]
    pub fn entries(&self, column: WordColumn) -> impl Iterator<Item = (Symbol, f64)> {
        self.cells(column).as_chunks::<3>().0.iter().map(|&[key, low, high]| (key, number(low, high)))
    }
    /// The number of such a column under one name. O(log n); of a few they are looked at in turn, which is faster.
    #[inline]
    #[must_use]
    pub fn entry(&self, column: WordColumn, name: Symbol) -> Option<f64> {
        let entries = self.cells(column).as_chunks::<3>().0;
        let entry = if entries.len() <= FEW {
            entries.iter().find(|[key, ..]| *key == name)
        } else {
            entries.binary_search_by_key(&name, |[key, ..]| *key).ok().and_then(|at| entries.get(at))
        };
        entry.map(|&[_, low, high]| number(low, high))
    }
    /// The same for parties that are alike in everything, and hardly ever for others.
    #[must_use]
    pub fn fingerprint(&self) -> u32 {
        let mut hasher = FixedHasher::default();
        hasher.write_u8(self.size);
        self.cells.iter().for_each(|cell| hasher.write_u32(cell.0));
        hasher.finish() as u32
    }
    /// How many bytes it takes, its own included.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(&*self.cells)
    }
}

/// The cells of one list.
pub(crate) fn list_cells(cells: &mut Vec<Symbol>, list: &[Symbol]) {
    cells.push(Symbol(list.len() as u32));
    cells.extend_from_slice(list);
}

/// The cells of one entry of a map.
pub(crate) fn entry_cells(key: Symbol, value: f64) -> [Symbol; 3] {
    let [low, high] = halves(value);
    [key, low, high]
}

fn halves(value: f64) -> [Symbol; 2] {
    let bits = value.to_bits();
    [Symbol(bits as u32), Symbol((bits >> 32) as u32)]
}

#[inline]
fn number(low: Symbol, high: Symbol) -> f64 {
    f64::from_bits(u64::from(low.0) | u64::from(high.0) << 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_come_back_as_they_went_in() {
        let [a, b, c] = [3, 5, 9].map(Symbol);
        let mut lists = Vec::new();
        list_cells(&mut lists, &[a, c]);
        list_cells(&mut lists, &[]);
        let entries = [entry_cells(a, 61.25), entry_cells(b, -1.0)].concat();
        let party = Party::new(2, None, &[1.5], &[lists, vec![b], Vec::new(), entries]);
        assert_eq!(party.lists(WordColumn(0)).collect::<Vec<_>>(), [&[a, c][..], &[]]);
        assert_eq!((party.texts(WordColumn(1)), party.set(WordColumn(2))), (&[b][..], &[][..]));
        assert_eq!(party.entries(WordColumn(3)).collect::<Vec<_>>(), [(a, 61.25), (b, -1.0)]);
        assert_eq!((party.number(NumberColumn(0)), party.number(NumberColumn(1)).is_nan()), (1.5, true));
        assert_eq!(party.texts(WordColumn(4)), []);
    }

    #[test]
    fn five_numbers_and_four_locations_take_less_than_200_bytes() {
        let latencies = (0..4).flat_map(|at| entry_cells(Symbol(at), 40.0)).collect::<Vec<_>>();
        assert!(Party::new(1, None, &[0.0; 5], &[latencies]).bytes() < 200);
    }
}
