//! The columns of a board as the one number that a past compares.
use super::super::{BoardConfig, Column, Direction, Value};
use gsm_ranking::{COLUMNS_MAX, Keys};

/// Bits of a number that is not negative.
const BITS: u32 = 63;
/// Bits of a rating, at most: up to two million points.
const RATING_BITS_MAX: u32 = 32;
/// Bits of a rating, at least, where there are several columns: up to 16,000 points.
const RATING_BITS_MIN: u32 = 25;
/// Bits of a count, at least: up to 131,071.
const COUNT_BITS_MIN: u32 = 18;

/// A number is out of the bounds in which a past compares.
#[derive(Debug)]
pub(super) struct TooGreat;

/// Where each column lies, the weightiest first, and whether the smaller number is better.
pub(super) struct Packing(Vec<(u32, bool)>);

impl Packing {
    /// `None` where there are too many columns.
    pub(super) fn new(config: &BoardConfig) -> Option<Self> {
        let is_count = |column: &Column| matches!(column.value, Value::Games | Value::Wins | Value::Draws);
        let counts = u32::try_from(config.columns.iter().filter(|column| is_count(column)).count()).ok()?;
        let ratings = u32::try_from(config.columns.len()).ok()?.checked_sub(counts)?;
        let left = BITS.saturating_sub(RATING_BITS_MAX * ratings);
        let count = left.checked_div(counts).unwrap_or(0).max(COUNT_BITS_MIN);
        let rating = BITS.checked_sub(count * counts)?.checked_div(ratings).unwrap_or(BITS);
        if rating < RATING_BITS_MIN {
            return None;
        }
        let place = |column: &Column| {
            (if is_count(column) { count } else { rating }, column.direction == Direction::Ascending)
        };
        Some(Self(config.columns.iter().map(place).collect()))
    }

    /// What every column takes, up and down; one way it is one less than fits.
    pub(super) fn most(&self) -> i64 {
        self.0.iter().map(|(bits, _)| (1 << (bits - 1)) - 1).min().unwrap_or(i64::MAX)
    }

    /// The greater is better.
    pub(super) fn pack(&self, keys: &Keys) -> Result<i64, TooGreat> {
        self.0.iter().zip(keys.columns()).try_fold(0, |packed: i64, ((bits, ascending), key)| {
            let turned = if *ascending { key.checked_neg() } else { Some(*key) };
            let above = turned.and_then(|turned| turned.checked_add(1 << (bits - 1))).ok_or(TooGreat)?;
            if (above.cast_unsigned() >> bits) != 0 {
                return Err(TooGreat);
            }
            Ok(packed.checked_shl(*bits).unwrap_or(0) | above)
        })
    }

    pub(super) fn unpack(&self, packed: i64) -> Keys {
        let mut keys = [0; COLUMNS_MAX];
        let mut left = packed.cast_unsigned();
        for ((bits, ascending), key) in self.0.iter().zip(&mut keys).rev() {
            let turned = (left & ((1 << bits) - 1)).cast_signed() - (1 << (bits - 1));
            *key = if *ascending { -turned } else { turned };
            left >>= bits;
        }
        keys.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn config(values: &[(Value, Direction)]) -> BoardConfig {
        let columns = values.iter().map(|(value, direction)| Column {
            value: *value,
            direction: *direction,
            ..Column::of_rating()
        });
        let mode = gsm_core::Mode::new("m").unwrap();
        BoardConfig { columns: columns.collect(), ..BoardConfig::of_mode(&mode) }
    }

    const UP: Direction = Direction::Ascending;
    const DOWN: Direction = Direction::Descending;

    #[test]
    fn what_does_not_fit_is_refused() {
        let rating = Value::Rating;
        assert!(
            Packing::new(&config(&[(rating, UP), (Value::Conservative, UP), (Value::Games, UP)])).is_none()
        );
        let counts = [(rating, UP), (Value::Games, UP), (Value::Wins, UP), (Value::Draws, UP)];
        assert!(Packing::new(&config(&counts)).is_none());
        let packing = Packing::new(&config(&counts[..3])).unwrap();
        assert!(packing.pack(&[16_000_000, 131_000, 0, 0, 0].into()).is_ok());
        assert!(packing.pack(&[0, 131_073, 0, 0, 0].into()).is_err());
        assert!(packing.pack(&[i64::MIN, 0, 0, 0, 0].into()).is_err());
    }

    proptest! {
        #[test]
        fn numbers_compare_as_their_columns(
            a in (-9_000_000_i64..9_000_000, 0_i64..100_000, 0_i64..100_000),
            b in (-9_000_000_i64..9_000_000, 0_i64..3, 0_i64..3),
            same in any::<[bool; 2]>(),
            ways in any::<[bool; 3]>(),
        ) {
            let b = (if same[0] { a.0 } else { b.0 }, if same[1] { a.1 } else { b.1 }, b.2);
            let way = |up| if up { UP } else { DOWN };
            let values = [(Value::Rating, way(ways[0])), (Value::Games, way(ways[1])), (Value::Wins, way(ways[2]))];
            for len in 1..=3 {
                let config = config(&values[..len]);
                let packing = Packing::new(&config).unwrap();
                let cut = |of: (i64, i64, i64)| {
                    let mut keys = [of.0, of.1, of.2, 0, 0];
                    keys[len..].fill(0);
                    keys
                };
                let (a, b) = (cut(a), cut(b));
                let packed = [packing.pack(&a.into()).unwrap(), packing.pack(&b.into()).unwrap()];
                let listed = config.columns.iter().zip(a.iter().zip(&b)).map(|(column, (a, b))| column.listed(*a, *b));
                let listed = listed.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then);
                // The better is listed first and has the greater number.
                prop_assert_eq!(packed[1].cmp(&packed[0]), listed);
                prop_assert_eq!(packing.unpack(packed[0]), a.into());
            }
        }
    }
}
