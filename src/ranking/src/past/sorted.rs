use super::bits::Bits;

/// Whole numbers in ascending order, equal ones allowed, in about `2 + log2(span / count)` bits each: the low bits
/// of each number as they are, the high bits as distances in unary.
///
/// Source: P. Elias, "Efficient storage and retrieval by content and address of static files" (JACM 21(2), 1974);
/// R. Fano, "On the number of bits required to implement an associative memory" (MIT, 1971).
#[derive(Clone, Default)]
pub(super) struct Sorted {
    least: i64,
    /// Low bits of a number, `0..=63`.
    width: u32,
    low: Vec<u64>,
    /// For each value of the high bits a one for each number that has it, then a zero.
    high: Bits,
    hints: Vec<u32>,
}

impl Sorted {
    /// `numbers` must ascend; at most 2^30 of them.
    pub(super) fn new(numbers: &[i64]) -> Self {
        let (Some(&least), Some(&greatest)) = (numbers.first(), numbers.last()) else {
            return Self::default();
        };
        let span = greatest.abs_diff(least);
        let width = (span / numbers.len() as u64).checked_ilog2().unwrap_or(0);
        let mut low = Packer::new(width, numbers.len());
        let buckets = (span >> width) as usize + 1;
        let len = numbers.len() + buckets;
        let mut high = vec![0u64; len.div_ceil(64)];
        for (at, number) in numbers.iter().enumerate() {
            let above = number.abs_diff(least);
            low.push(above & mask(width));
            let place = (above >> width) as usize + at;
            if let Some(word) = high.get_mut(place / 64) {
                *word |= 1 << (place % 64);
            }
        }
        let high = Bits::new(&high, len);
        Self { least, width, low: low.words, hints: high.hints(), high }
    }

    pub(super) fn len(&self) -> usize {
        self.high.ones()
    }

    /// How many of the numbers are not above `number`. O(log n) at worst, and nearly O(1) where they are spread.
    pub(super) fn up_to(&self, number: i64) -> usize {
        if number < self.least {
            return 0;
        }
        let above = number.abs_diff(self.least);
        let bucket = above >> self.width;
        if bucket >= self.high.zeros() as u64 {
            return self.len();
        }
        let bucket = bucket as usize;
        let mut end = self.high.zero(bucket, &self.hints) - bucket;
        if self.width == 0 {
            return end;
        }
        let before = |bucket: usize| self.high.zero(bucket - 1, &self.hints) + 1 - bucket;
        let mut start = if bucket == 0 { 0 } else { before(bucket) };
        let low = above & mask(self.width);
        while start < end {
            let middle = start.midpoint(end);
            if self.low(middle) <= low { start = middle + 1 } else { end = middle }
        }
        start
    }

    fn low(&self, at: usize) -> u64 {
        let place = at * self.width as usize;
        let word = |at: usize| u128::from(self.low.get(at).copied().unwrap_or_default());
        let pair = word(place / 64) | word(place / 64 + 1) << 64;
        (pair >> (place % 64)) as u64 & mask(self.width)
    }

    /// All of them, ascending.
    pub(super) fn numbers(&self) -> Vec<i64> {
        let mut numbers = Vec::with_capacity(self.len());
        let mut place = 0usize;
        for mut word in self.high.words() {
            while word != 0 {
                let bucket = (place + word.trailing_zeros() as usize).saturating_sub(numbers.len()) as u64;
                let above = bucket << self.width | self.low(numbers.len());
                numbers.push(self.least.wrapping_add_unsigned(above));
                word &= word - 1;
            }
            place += 64;
        }
        numbers
    }
}

/// `bits` ones; `bits` below 64.
const fn mask(bits: u32) -> u64 {
    (1 << bits) - 1
}

/// Appends numbers of `width` bits, below 64, without gaps.
struct Packer {
    words: Vec<u64>,
    width: u32,
    /// Bits used of the last word; 64 means that it is full.
    used: u32,
}

impl Packer {
    fn new(width: u32, count: usize) -> Self {
        Self { words: Vec::with_capacity((count * width as usize).div_ceil(64)), width, used: 64 }
    }

    fn push(&mut self, number: u64) {
        if self.width == 0 {
            return;
        }
        let room = 64 - self.used;
        if let (Some(last), true) = (self.words.last_mut(), room > 0) {
            *last |= number << self.used;
        }
        if room < self.width {
            self.words.push(number >> room);
            self.used = self.width - room;
        } else {
            self.used += self.width;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    fn check(mut numbers: Vec<i64>, asked: &[i64]) {
        numbers.sort_unstable();
        let sorted = Sorted::new(&numbers);
        assert_eq!(sorted.len(), numbers.len());
        assert_eq!(sorted.numbers(), numbers);
        for &near in asked.iter().chain(&numbers) {
            for ask in [near.saturating_sub(1), near, near.saturating_add(1)] {
                assert_eq!(sorted.up_to(ask), numbers.partition_point(|&n| n <= ask), "{ask}");
            }
        }
    }

    proptest! {
        #[test]
        fn equal_a_sorted_list(
            wide in vec(any::<i64>(), 0..300),
            close in vec(-900..900i64, 0..300),
            asked in vec(any::<i64>(), 0..9),
        ) {
            let both = wide.iter().chain(&close).copied().collect();
            check(both, &asked);
            check(wide, &asked);
            check(close, &asked);
        }
    }

    #[test]
    fn ends_ties_and_nothing() {
        check(vec![], &[i64::MIN, 0, i64::MAX]);
        check(vec![i64::MIN, i64::MAX], &[0]);
        check(vec![i64::MAX; 700], &[0]);
        check([vec![0; 5_000], vec![i64::MIN, 7, i64::MAX]].concat(), &[]);
    }

    #[test]
    fn close_numbers_take_few_bits() {
        let numbers: Vec<i64> = (0..100_000).map(|n| n * 4 + n % 3).collect();
        let sorted = Sorted::new(&numbers);
        let bits = sorted.low.len() * 64 + sorted.high.len();
        assert!((300_000..450_000).contains(&bits), "{bits}");
    }
}
