//! Values that players bring.
use crate::rng::Rng;
use gsm_rules::{AttributeKind, Value};
use std::collections::BTreeMap;

/// How often a list has a second entry.
const SECOND: f64 = 0.25;
/// How alike the members of a party are: the square of the share of their skill that is the party's.
const ALIKE: f64 = 0.5;

/// Where numbers lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Spread {
    /// Around a mean.
    Normal {
        /// The mean.
        mean: f64,
        /// The standard deviation, 0 or more.
        deviation: f64,
    },
    /// Anywhere between two.
    Uniform {
        /// The least.
        low: f64,
        /// The most, not less than `low`.
        high: f64,
    },
}

/// Words, each with how often it is drawn, relative to the others.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Choices(Vec<(String, f64)>);

/// What values of one attribute players bring.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// A number.
    Number(Spread),
    /// One of a few numbers.
    Numbers(Choices),
    /// One of a few strings.
    Texts(Choices),
    /// One or two of a few strings.
    Lists(Choices),
    /// A number for each of a few names, twice its weight at most.
    Maps(Choices),
}

impl Spread {
    /// Of `normal:MEAN:DEVIATION`, `MEAN:DEVIATION` or `uniform:LOW:HIGH`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let bad = || format!("`{text}` is not MEAN:DEVIATION, normal:MEAN:DEVIATION or uniform:LOW:HIGH");
        let parts: Vec<&str> = text.split(':').collect();
        let number =
            |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite()).ok_or_else(bad);
        match parts.as_slice() {
            [mean, deviation] | ["normal", mean, deviation] => {
                let (mean, deviation) = (number(mean)?, number(deviation)?);
                if deviation < 0.0 { Err(bad()) } else { Ok(Self::Normal { mean, deviation }) }
            }
            ["uniform", low, high] => {
                let (low, high) = (number(low)?, number(high)?);
                if low > high { Err(bad()) } else { Ok(Self::Uniform { low, high }) }
            }
            _ => Err(bad()),
        }
    }

    /// Of a member of a party that has `party`, its own chance: friends are alike.
    pub(crate) fn draw(self, party: &mut Rng, own: &mut Rng) -> f64 {
        match self {
            Self::Normal { mean, deviation } => {
                let z = ALIKE.sqrt() * party.normal() + (1.0 - ALIKE).sqrt() * own.normal();
                mean + deviation * z
            }
            Self::Uniform { low, high } => low + (high - low) * own.unit(),
        }
    }
}

impl Choices {
    /// Of `ranked:7,casual:3`; a name without a weight has 1.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut choices = Self::default();
        for part in text.split(',') {
            let (name, weight) = match part.rsplit_once([':', '=']) {
                Some((name, weight)) => (name, weight.parse().unwrap_or(f64::NAN)),
                None => (part, 1.0),
            };
            if name.is_empty() || !(0.0..=1e9).contains(&weight) {
                return Err(format!("`{part}` is not NAME:WEIGHT with a weight of 0 or more"));
            }
            choices.add(name.to_owned(), weight);
        }
        if choices.0.iter().all(|(_, weight)| *weight == 0.0) {
            return Err(format!("of `{text}` no weight is above 0"));
        }
        Ok(choices)
    }

    /// Adds a word, or to its weight.
    pub fn add(&mut self, name: String, weight: f64) {
        match self.0.iter_mut().find(|(other, _)| *other == name) {
            Some((_, sum)) => *sum += weight,
            None => self.0.push((name, weight)),
        }
    }

    /// The words with their weights.
    #[must_use]
    pub fn all(&self) -> &[(String, f64)] {
        &self.0
    }

    pub(crate) fn draw(&self, rng: &mut Rng) -> Option<&str> {
        let at = rng.weighted(self.0.iter().map(|(_, weight)| *weight))?;
        self.0.get(at).map(|(name, _)| name.as_str())
    }
}

impl Values {
    /// Of an option's text, as the kind of the attribute wants it.
    pub fn parse(kind: AttributeKind, text: &str) -> Result<Self, String> {
        Ok(match kind {
            AttributeKind::Number => match (Spread::parse(text), Choices::parse(text)) {
                // `1:3` alone is a mean and a deviation; `0:3,1:1` are numbers with weights.
                (Ok(spread), _) => Self::Number(spread),
                (Err(_), Ok(choices)) if choices.0.iter().all(|(name, _)| finite(name).is_some()) => {
                    Self::Numbers(choices)
                }
                (Err(bad), _) => return Err(format!("{bad}, nor numbers with weights, `0:3,1:1`")),
            },
            AttributeKind::String => Self::Texts(Choices::parse(text)?),
            AttributeKind::StringList => Self::Lists(Choices::parse(text)?),
            AttributeKind::StringNumberMap => Self::Maps(Choices::parse(text)?),
        })
    }

    /// A value; of numbers and strings the dice of the party count as well.
    pub(crate) fn draw(&self, party: &mut Rng, own: &mut Rng) -> Option<Value> {
        Some(match self {
            Self::Number(spread) => Value::Number(spread.draw(party, own)),
            // Friends queue for the same thing.
            Self::Numbers(choices) => Value::Number(finite(choices.draw(party)?)?),
            Self::Texts(choices) => Value::Text(choices.draw(party)?.to_owned()),
            Self::Lists(choices) => {
                let mut list = vec![choices.draw(own)?.to_owned()];
                if own.unit() < SECOND {
                    let second = choices.draw(own)?.to_owned();
                    if !list.contains(&second) {
                        list.push(second);
                    }
                }
                Value::List(list)
            }
            Self::Maps(choices) => {
                let entry = |(name, weight): &(String, f64)| (name.clone(), 2.0 * weight * own.unit());
                Value::Map(choices.0.iter().map(entry).collect::<BTreeMap<_, _>>())
            }
        })
    }
}

fn finite(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spreads_are_read_and_bad_ones_refused() {
        assert_eq!(Spread::parse("25:8"), Ok(Spread::Normal { mean: 25.0, deviation: 8.0 }));
        assert_eq!(Spread::parse("normal:25:8"), Spread::parse("25:8"));
        assert_eq!(Spread::parse("uniform:0:9"), Ok(Spread::Uniform { low: 0.0, high: 9.0 }));
        for bad in ["", "5", "5:-1", "uniform:9:0", "nan:1", "inf:1", "normal:1:2:3"] {
            assert!(Spread::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn choices_are_read_and_bad_ones_refused() {
        assert_eq!(Choices::parse("a:2,b").unwrap().all(), [("a".to_owned(), 2.0), ("b".to_owned(), 1.0)]);
        for bad in ["", "a:", "a:-1", "a:0", ":3", "a:x", "a:nan"] {
            assert!(Choices::parse(bad).is_err(), "{bad}");
        }
        assert!(matches!(Values::parse(AttributeKind::Number, "0:3,1:1"), Ok(Values::Numbers(_))));
        assert!(Values::parse(AttributeKind::Number, "ranked:3").is_err());
    }

    #[test]
    fn members_of_a_party_are_alike_and_players_as_spread_as_asked() {
        let spread = Spread::Normal { mean: 1_500.0, deviation: 300.0 };
        let pair = |n| {
            let of = |member| spread.draw(&mut Rng::of(1, "p", &[n]), &mut Rng::of(1, "m", &[n, member]));
            (of(0) - 1_500.0, of(1) - 1_500.0)
        };
        let pairs: Vec<(f64, f64)> = (0..4_000).map(pair).collect();
        let mean = |of: &dyn Fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / 4_000.0;
        let variance = mean(&|(a, _)| a * a);
        assert!((variance.sqrt() - 300.0).abs() < 10.0, "{variance}");
        assert!((mean(&|(a, b)| a * b) / variance - ALIKE).abs() < 0.06);
    }
}
