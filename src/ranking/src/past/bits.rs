const WORDS: usize = 7;
const LINE_BITS: usize = WORDS * 64;
/// Zeros between two hints; a power of two.
const HINT: usize = 1_024;

/// 448 bits with their count directory, in one cache line.
#[derive(Clone, Copy, Default)]
#[repr(C, align(64))]
struct Line {
    /// Ones in all lines before.
    before: u32,
    /// Ones of this line before its words 2, 4 and 6, nine bits each.
    pairs: u32,
    words: [u64; WORDS],
}

impl Line {
    fn new(words: &[u64], before: u32) -> Self {
        let mut line = Self { before, ..Self::default() };
        line.words.iter_mut().zip(words).for_each(|(slot, word)| *slot = *word);
        let mut ones = 0;
        for (at, word) in line.words.iter().enumerate() {
            if at > 0 && at % 2 == 0 {
                line.pairs |= ones << (9 * (at / 2 - 1));
            }
            ones += word.count_ones();
        }
        line
    }

    fn ones(&self) -> u32 {
        self.words.iter().map(|word| word.count_ones()).sum()
    }
}

/// A sequence of up to 2^32 - 1 bits that knows the number of ones before any place: one cache line a question.
#[derive(Clone, Default)]
pub(super) struct Bits {
    lines: Vec<Line>,
    len: usize,
    ones: usize,
}

impl Bits {
    /// Takes the first `len` of the bits in `words`, least significant first; the others must be zero.
    pub(super) fn new(words: &[u64], len: usize) -> Self {
        let mut ones = 0;
        let lines = words
            .chunks(WORDS)
            .map(|words| {
                let line = Line::new(words, ones);
                ones += line.ones();
                line
            })
            .collect();
        Self { lines, len, ones: ones as usize }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn ones(&self) -> usize {
        self.ones
    }

    pub(super) fn zeros(&self) -> usize {
        self.len.saturating_sub(self.ones)
    }

    /// The number of ones among the first `place` bits; all of them past the end.
    #[inline]
    pub(super) fn ones_before(&self, place: usize) -> usize {
        let Some(line) = self.lines.get(place / LINE_BITS) else { return self.ones };
        let place = place % LINE_BITS;
        let word = place / 64;
        let at = |word: usize| line.words.get(word).copied().unwrap_or_default();
        let pairs = (u64::from(line.pairs) << 9 >> (9 * (word / 2))) & 511;
        let whole = if word % 2 == 1 { at(word - 1).count_ones() } else { 0 };
        let part = (at(word) & !(u64::MAX << (place % 64))).count_ones();
        line.before as usize + pairs as usize + (whole + part) as usize
    }

    /// The words in turn, the unused end of the last line included.
    pub(super) fn words(&self) -> impl Iterator<Item = u64> + '_ {
        self.lines.iter().flat_map(|line| line.words)
    }

    fn zeros_before_line(&self, line: usize) -> usize {
        let ones = self.lines.get(line).map_or(self.ones, |line| line.before as usize);
        (line * LINE_BITS).min(self.len).saturating_sub(ones)
    }

    /// Where the zeros number 0, 1024, 2048.. are: what [`zero`](Self::zero) begins with.
    pub(super) fn hints(&self) -> Vec<u32> {
        let mut hints = Vec::with_capacity(self.zeros() / HINT + 1);
        for line in 0..self.lines.len() {
            while hints.len() * HINT < self.zeros_before_line(line + 1) {
                hints.push(line as u32);
            }
        }
        hints
    }

    /// The place of the zero number `count`, from 0; the length if there are fewer.
    pub(super) fn zero(&self, count: usize, hints: &[u32]) -> usize {
        if count >= self.zeros() {
            return self.len;
        }
        let hint = |at: usize| hints.get(at).map_or(self.lines.len(), |&line| line as usize);
        // The zero is in one of the lines `low..=high`.
        let (mut low, mut high) = (hint(count / HINT), hint(count / HINT + 1));
        while low < high {
            let middle = (low + high).div_ceil(2);
            if self.zeros_before_line(middle) <= count { low = middle } else { high = middle - 1 }
        }
        let mut left = count.saturating_sub(self.zeros_before_line(low)) as u32;
        let mut place = low * LINE_BITS;
        for word in self.lines.get(low).map(|line| line.words).unwrap_or_default() {
            let zeros = word.count_zeros();
            if left < zeros {
                return place + select(!word, left);
            }
            left -= zeros;
            place += 64;
        }
        self.len
    }
}

/// The place of the one number `count` of `word`, which must have more.
fn select(mut word: u64, mut count: u32) -> usize {
    let mut place = 0;
    for width in [32, 16, 8, 4, 2, 1] {
        let ones = (word & ((1 << width) - 1)).count_ones();
        if count >= ones {
            count -= ones;
            word >>= width;
            place += width;
        }
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    fn check(words: &[u64], cut: usize) {
        let len = (words.len() * 64).saturating_sub(cut);
        let mut words = words.to_vec();
        if let (Some(last), true) = (words.last_mut(), cut > 0) {
            *last &= u64::MAX >> cut;
        }
        let bits = Bits::new(&words, len);
        let hints = bits.hints();
        let (mut ones, mut zeros) = (0, 0);
        for (place, bit) in (0..len).map(|place| words[place / 64] >> (place % 64) & 1 == 1).enumerate() {
            assert_eq!(bits.ones_before(place), ones);
            if bit {
                ones += 1;
            } else {
                assert_eq!(bits.zero(zeros, &hints), place);
                zeros += 1;
            }
        }
        assert_eq!((bits.ones(), bits.zeros(), bits.len()), (ones, zeros, len));
        assert_eq!((bits.ones_before(len), bits.ones_before(len + 9_999)), (ones, ones));
        assert_eq!(bits.zero(zeros, &hints), len);
    }

    proptest! {
        #[test]
        fn count_and_find_as_a_walk_does(
            words in vec(prop_oneof![Just(0), Just(u64::MAX), any::<u64>()], 0..120),
            cut in 0..64usize,
        ) {
            check(&words, if words.is_empty() { 0 } else { cut });
        }
    }

    /// A long run of ones between two hints, as many equal scores make.
    #[test]
    fn a_zero_far_from_its_hint_is_found() {
        let words: Vec<u64> = (0..400).map(|n| if (20..300).contains(&n) { u64::MAX } else { n }).collect();
        check(&words, 3);
    }
}
