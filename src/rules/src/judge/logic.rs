//! Statements of compound rules.
use super::Check;
use crate::{seat::Seat, stage::Verdict};
use smallvec::SmallVec;
use std::cell::RefCell;

/// Rules of which is kept in place what they say.
const KEPT: usize = 32;

/// What rules say about one candidate. Where statements name rules each is asked once, however many name it.
pub(crate) struct Said<T>(Option<RefCell<SmallVec<[Option<T>; KEPT]>>>);

impl<T: Copy> Said<T> {
    pub(crate) fn new(is_kept: bool) -> Self {
        Self(is_kept.then(RefCell::default))
    }

    /// What a rule says, which `ask` tells the first time.
    #[inline]
    pub(crate) fn get(&self, rule: usize, ask: impl FnOnce() -> T) -> T {
        match &self.0 {
            None => ask(),
            Some(kept) => Self::once(kept, rule, ask),
        }
    }

    #[inline(never)]
    fn once(kept: &RefCell<SmallVec<[Option<T>; KEPT]>>, rule: usize, ask: impl FnOnce() -> T) -> T {
        if let Some(said) = kept.borrow().get(rule).copied().flatten() {
            return said;
        }
        let said = ask();
        let mut kept = kept.borrow_mut();
        if kept.len() <= rule {
            kept.resize(rule + 1, None);
        }
        if let Some(slot) = kept.get_mut(rule) {
            *slot = Some(said);
        }
        said
    }
}

/// The rules of a stage, asked about one complete candidate.
pub(crate) struct Judge<'a> {
    checks: &'a [Check],
    said: Said<Verdict>,
}

impl<'a> Judge<'a> {
    /// `has_logic`: whether a statement is among the rules.
    #[inline]
    pub(crate) fn new(checks: &'a [Check], has_logic: bool) -> Self {
        Self { checks, said: Said::new(has_logic) }
    }

    /// What one of them says; one that does not exist holds. `seats` are the same each time.
    #[inline]
    pub(crate) fn verdict(&self, rule: usize, seats: &[Seat<'_>]) -> Verdict {
        let Some(check) = self.checks.get(rule) else { return Verdict::Holds };
        self.said.get(rule, || check.verdict(seats, self))
    }
}

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
    pub(crate) fn verdict(&self, seats: &[Seat<'_>], judge: &Judge<'_>) -> Verdict {
        match self {
            Self::Rule(rule) => judge.verdict(*rule, seats),
            Self::Not(inner) => match inner.verdict(seats, judge) {
                Verdict::Holds => Verdict::Fails,
                Verdict::Fails => Verdict::Holds,
                Verdict::NoValue => Verdict::NoValue,
            },
            Self::Join(join, parts) => {
                let (mut hold, mut fail) = (0_usize, 0_usize);
                for part in parts {
                    match part.verdict(seats, judge) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_rule_says_is_asked_once_where_it_is_kept() {
        for (is_kept, times) in [(true, 1), (false, 3)] {
            let (said, mut asked) = (Said::new(is_kept), 0);
            let mut ask = |rule| {
                said.get(rule, || {
                    asked += 1;
                    rule == 40
                })
            };
            assert!(ask(40) && ask(40) && ask(40));
            assert_eq!(asked, times);
        }
    }
}
