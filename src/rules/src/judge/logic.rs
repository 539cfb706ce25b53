//! Statements of compound rules.
use super::Check;
use crate::{seat::Seat, stage::Verdict};

/// A statement over rules, by their indexes. Rules come before the compounds that name them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Logic {
    Rule(usize),
    Not(Box<Self>),
    /// At least one part.
    Join(Join, Vec<Self>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Join {
    And,
    Or,
    /// Exactly one.
    Xor,
}

impl Logic {
    /// Parts without a value are left out; with nothing left there is no value.
    pub(crate) fn verdict(&self, seats: &[Seat<'_>], checks: &[Check]) -> Verdict {
        match self {
            Self::Rule(rule) => {
                checks.get(*rule).map_or(Verdict::NoValue, |check| check.verdict(seats, checks))
            }
            Self::Not(inner) => match inner.verdict(seats, checks) {
                Verdict::Holds => Verdict::Fails,
                Verdict::Fails => Verdict::Holds,
                Verdict::NoValue => Verdict::NoValue,
            },
            Self::Join(join, parts) => {
                let (mut hold, mut fail) = (0_usize, 0_usize);
                for part in parts {
                    match part.verdict(seats, checks) {
                        Verdict::Holds => hold += 1,
                        Verdict::Fails => fail += 1,
                        Verdict::NoValue => continue,
                    }
                    match join {
                        Join::And if fail > 0 => return Verdict::Fails,
                        Join::Or if hold > 0 => return Verdict::Holds,
                        Join::Xor if hold > 1 => return Verdict::Fails,
                        _ => {}
                    }
                }
                match (hold + fail, join) {
                    (0, _) => Verdict::NoValue,
                    (_, Join::And) => Verdict::Holds,
                    (_, Join::Or) => Verdict::Fails,
                    (_, Join::Xor) if hold == 1 => Verdict::Holds,
                    (_, Join::Xor) => Verdict::Fails,
                }
            }
        }
    }
    /// The rules that it names.
    pub(crate) fn rules(&self, take: &mut impl FnMut(usize)) {
        match self {
            Self::Rule(rule) => take(*rule),
            Self::Not(inner) => inner.rules(take),
            Self::Join(_, parts) => parts.iter().for_each(|part| part.rules(take)),
        }
    }
    /// The rules of which each must hold (or have no value) for this to hold.
    pub(crate) fn conjuncts(&self, take: &mut impl FnMut(usize)) {
        match self {
            Self::Rule(rule) => take(*rule),
            Self::Join(Join::And, parts) => parts.iter().for_each(|part| part.conjuncts(take)),
            Self::Join(_, parts) => {
                if let [one] = parts.as_slice() {
                    one.conjuncts(take);
                }
            }
            Self::Not(_) => {}
        }
    }
}
