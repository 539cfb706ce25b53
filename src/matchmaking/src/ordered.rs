//! Numbers as keys of an index.

/// Bits that sort as numbers do: both zeros are one, and what is no number comes last, with infinity.
pub(crate) fn ordered(number: f64) -> u64 {
    let bits = if number.is_nan() { f64::INFINITY } else { number + 0.0 }.to_bits();
    if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }
}

/// The number of such bits.
pub(crate) fn number(ordered: u64) -> f64 {
    f64::from_bits(if ordered >> 63 == 1 { ordered & !(1 << 63) } else { !ordered })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_sort_as_numbers_do() {
        let sorted =
            [f64::NEG_INFINITY, -1e9, -3.5, -f64::MIN_POSITIVE, 0.0, 1e-300, 7.0, 1e9, f64::INFINITY];
        assert!(sorted.windows(2).all(|pair| ordered(pair[0]) < ordered(pair[1])));
        assert!(sorted.iter().all(|&x| number(ordered(x)) == x));
        assert_eq!((ordered(-0.0), ordered(f64::NAN)), (ordered(0.0), ordered(f64::INFINITY)));
    }
}
