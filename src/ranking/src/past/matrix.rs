use super::bits::Bits;

/// A sequence of small numbers (symbols) that counts, among the first so many, those of at least some symbol: one
/// level of bits for each bit of a symbol, and two cache lines for each level asked.
///
/// Level by level, the symbols are parted by their bit, zeros first, and otherwise stay in order.
/// Source: F. Claude, G. Navarro, A. Ordóñez, "The wavelet matrix: an efficient wavelet tree for large alphabets"
/// (Information Systems 47, 2015).
#[derive(Clone, Default)]
pub(super) struct Matrix {
    /// From the most significant bit down.
    levels: Vec<Bits>,
}

/// A question under way: among the first `end` symbols, how many are at least `symbol`?
#[derive(Clone, Copy, Default)]
pub(super) struct Walk {
    symbol: u32,
    /// Where those that agree with `symbol` so far are at this level.
    start: usize,
    end: usize,
    found: usize,
}

impl Walk {
    pub(super) fn new(symbol: u32, end: usize) -> Self {
        Self { symbol, start: 0, end, found: 0 }
    }

    /// After the last level, those that agree in all bits are counted too.
    pub(super) fn found(&self) -> usize {
        self.found + self.end.saturating_sub(self.start)
    }

    #[inline]
    fn down(&mut self, level: &Bits, bit: usize) {
        let (start, end) = (level.ones_before(self.start), level.ones_before(self.end));
        if self.symbol >> bit & 1 == 1 {
            (self.start, self.end) = (level.zeros() + start, level.zeros() + end);
        } else {
            self.found += end.saturating_sub(start);
            (self.start, self.end) = (self.start.saturating_sub(start), self.end.saturating_sub(end));
        }
    }
}

impl Matrix {
    /// None of `symbols` is above `greatest`.
    pub(super) fn new(mut symbols: Vec<u32>, greatest: u32) -> Self {
        let mut parted = vec![0; symbols.len()];
        let mut words = Vec::with_capacity(symbols.len().div_ceil(64));
        let mut levels = Vec::new();
        for bit in (0..u32::BITS - greatest.leading_zeros()).rev() {
            words.clear();
            words.extend(symbols.chunks(64).map(|chunk| {
                let word = |word, symbol: &u32| word >> 1 | u64::from(symbol >> bit & 1) << 63;
                chunk.iter().fold(0, word) >> (64 - chunk.len())
            }));
            let level = Bits::new(&words, symbols.len());
            let (mut zero, mut one) = (0, level.zeros());
            for &symbol in &symbols {
                let bit = (symbol >> bit & 1) as usize;
                if let Some(slot) = parted.get_mut(if bit == 1 { one } else { zero }) {
                    *slot = symbol;
                }
                (zero, one) = (zero + 1 - bit, one + bit);
            }
            levels.push(level);
            std::mem::swap(&mut symbols, &mut parted);
        }
        Self { levels }
    }

    /// The symbols in their order.
    pub(super) fn symbols(&self) -> Vec<u32> {
        let len = self.levels.first().map_or(0, Bits::len);
        let mut symbols = vec![0u32; len];
        // Which symbol is at each place of the level.
        let mut order: Vec<u32> = (0..len as u32).collect();
        let mut parted = order.clone();
        for level in &self.levels {
            let (mut zero, mut one) = (0, level.zeros());
            for (order, word) in order.chunks(64).zip(level.words()) {
                for (bit, &at) in order.iter().enumerate() {
                    let bit = (word >> bit & 1) as usize;
                    if let Some(symbol) = symbols.get_mut(at as usize) {
                        *symbol = *symbol << 1 | bit as u32;
                    }
                    if let Some(slot) = parted.get_mut(if bit == 1 { one } else { zero }) {
                        *slot = at;
                    }
                    (zero, one) = (zero + 1 - bit, one + bit);
                }
            }
            std::mem::swap(&mut order, &mut parted);
        }
        symbols
    }

    /// Walks through two matrices of the same shape, several questions side by side, so that their cache misses
    /// overlap.
    pub(super) fn walk(pair: [&Self; 2], walks: [&mut [Walk]; 2]) {
        let ([left, right], [lefts, rights]) = (pair, walks);
        let bits = (0..left.levels.len()).rev();
        for ((left, right), bit) in left.levels.iter().zip(&right.levels).zip(bits) {
            for (one, other) in lefts.iter_mut().zip(rights.iter_mut()) {
                one.down(left, bit);
                other.down(right, bit);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    proptest! {
        #[test]
        fn counts_as_a_scan_does(
            symbols in (1..70_000u32).prop_flat_map(|greatest| vec(0..=greatest, 1..1_500)),
            asked in vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..40),
        ) {
            let greatest = symbols.iter().copied().max().unwrap_or(0);
            let matrix = Matrix::new(symbols.clone(), greatest);
            prop_assert_eq!(&matrix.symbols(), &symbols[..if greatest == 0 { 0 } else { symbols.len() }]);
            let reversed: Vec<u32> = symbols.iter().rev().copied().collect();
            let other = Matrix::new(reversed.clone(), greatest);
            let walks: Vec<Walk> = asked
                .iter()
                .map(|(symbol, end)| Walk::new(symbol.index(greatest as usize + 1) as u32, end.index(symbols.len() + 1)))
                .collect();
            let (mut one, mut two) = (walks.clone(), walks.clone());
            Matrix::walk([&matrix, &other], [&mut one, &mut two]);
            for (list, found) in [(&symbols, &one), (&reversed, &two)] {
                for (walk, found) in walks.iter().zip(found) {
                    let want = list[..walk.end].iter().filter(|&&s| s >= walk.symbol).count();
                    prop_assert_eq!(found.found(), want);
                }
            }
        }
    }
}
