//! A ticket as the rules see it.
use crate::{
    columns::{NumberColumn, WordColumn},
    symbols::Symbol,
};

/// A ticket, prepared once for judging: a number of players and one cell for each column of its rule set.
///
/// Made by [`RuleSet::prepare`](crate::RuleSet::prepare). With five number attributes and four locations it takes less
/// than 200 bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Party {
    size: u8,
    never: Option<Never>,
    numbers: Box<[f64]>,
    /// Where each column begins and the last one ends, then their cells. Lengths and halves of numbers lie here as well.
    words: Box<[Symbol]>,
}

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
    pub(crate) fn new(size: u8, never: Option<Never>, numbers: Vec<f64>, columns: &[Vec<Symbol>]) -> Self {
        let mut words = Vec::with_capacity(1 + columns.iter().map(|cells| 1 + cells.len()).sum::<usize>());
        if !columns.is_empty() {
            let mut end = columns.len() + 1;
            words.push(Symbol(end as u32));
            for cells in columns {
                end += cells.len();
                words.push(Symbol(end as u32));
            }
        }
        columns.iter().for_each(|cells| words.extend_from_slice(cells));
        Self { size, never, numbers: numbers.into(), words: words.into() }
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
        self.numbers.get(usize::from(column.0)).copied().unwrap_or(f64::NAN)
    }
    /// The cells of a column of symbols, as they lie there.
    #[inline]
    pub(crate) fn cells(&self, column: WordColumn) -> &[Symbol] {
        let at = usize::from(column.0);
        match (self.words.get(at), self.words.get(at + 1)) {
            (Some(begin), Some(end)) => self.words.get(begin.index()..end.index()).unwrap_or_default(),
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
    /// A column of lists ([`WordSource::Lists`](crate::WordSource::Lists)): one for each player, ascending.
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
    /// How many bytes it takes, its own included.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(&*self.numbers) + size_of_val(&*self.words)
    }
}

/// The cells of one list.
pub(crate) fn list_cells(cells: &mut Vec<Symbol>, list: &[Symbol]) {
    cells.push(Symbol(list.len() as u32));
    cells.extend_from_slice(list);
}

/// The cells of one entry of a map.
pub(crate) fn entry_cells(key: Symbol, value: f64) -> [Symbol; 3] {
    let bits = value.to_bits();
    [key, Symbol(bits as u32), Symbol((bits >> 32) as u32)]
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
        let party = Party::new(2, None, vec![1.5], &[lists, vec![b], Vec::new(), entries]);
        assert_eq!(party.lists(WordColumn(0)).collect::<Vec<_>>(), [&[a, c][..], &[]]);
        assert_eq!((party.texts(WordColumn(1)), party.set(WordColumn(2))), (&[b][..], &[][..]));
        assert_eq!(party.entries(WordColumn(3)).collect::<Vec<_>>(), [(a, 61.25), (b, -1.0)]);
        assert_eq!((party.number(NumberColumn(0)), party.number(NumberColumn(1)).is_nan()), (1.5, true));
        assert_eq!(party.texts(WordColumn(4)), []);
    }

    #[test]
    fn five_numbers_and_four_locations_take_less_than_200_bytes() {
        let latencies = (0..4).flat_map(|at| entry_cells(Symbol(at), 40.0)).collect::<Vec<_>>();
        assert!(Party::new(1, None, vec![0.0; 5], &[latencies]).bytes() < 200);
    }
}
