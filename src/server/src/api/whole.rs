//! Whole numbers as JSON may have them: `5`, and `5.0` or `5e0`, as answers and many a client write it.
use serde::{Deserialize, Deserializer, de};
use std::fmt;

/// Whole numbers. One beyond the bounds of an `i64` is taken for its end, which is beyond what any board takes.
pub(crate) fn numbers<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<i64>, D::Error> {
    let all: Vec<Whole> = Vec::deserialize(from)?;
    Ok(all.into_iter().map(|Whole(number)| number).collect())
}

struct Whole(i64);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Read).map(Self)
    }
}

struct Read;

impl de::Visitor<'_> for Read {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }
    fn visit_i64<E>(self, number: i64) -> Result<i64, E> {
        Ok(number)
    }
    fn visit_u64<E>(self, number: u64) -> Result<i64, E> {
        Ok(i64::try_from(number).unwrap_or(i64::MAX))
    }
    fn visit_f64<E: de::Error>(self, number: f64) -> Result<i64, E> {
        if number.fract() == 0.0 {
            Ok(number as i64)
        } else {
            Err(E::invalid_value(de::Unexpected::Float(number), &self))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<i64>, serde_json::Error> {
        numbers(&mut serde_json::Deserializer::from_str(text))
    }

    #[test]
    fn a_whole_number_may_be_written_as_a_float() {
        assert_eq!(read("[1, 1.0, 1e3, -0.0, -2.50e1]").unwrap(), [1, 1, 1_000, 0, -25]);
        assert_eq!(read("[18446744073709551615, 1e300, -1e300]").unwrap(), [i64::MAX, i64::MAX, i64::MIN]);
        // As a double has it.
        assert_eq!(read("[9007199254740991.4, 1.00000000000000000001]").unwrap(), [9_007_199_254_740_991, 1]);
        for bad in ["[1.5]", "[\"1\"]", "[null]", "[true]", "1"] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert!(read("[1.5]").unwrap_err().to_string().contains("expected a whole number"));
    }
}
