//! What becomes of a proposed match.
use gsm_core::Millis;

/// What a ticket answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Accepts,
    Declines,
    Ignores,
}

/// How a proposal ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settled {
    /// How long after it was made.
    pub(crate) after: Millis,
    /// Whether the match begins.
    pub(crate) begins: bool,
    /// Which tickets are out for what they did; otherwise those who wait on do.
    pub(crate) out: Vec<bool>,
}

/// Puts answers together as the engine does: the first to decline ends it, and who had no time to answer before is not
/// to blame; without one, it ends when all have accepted, or at the deadline, for those who are silent.
pub(crate) fn settle(answers: &[(Answer, Millis)]) -> Settled {
    let of = |what| answers.iter().filter(move |(answer, _)| *answer == what).map(|(_, after)| *after);
    if let Some(after) = of(Answer::Declines).min() {
        let out = answers.iter().map(|(answer, at)| *answer == Answer::Declines && *at == after).collect();
        return Settled { after, begins: false, out };
    }
    if let Some(after) = of(Answer::Ignores).max() {
        let out = answers.iter().map(|(answer, _)| *answer == Answer::Ignores).collect();
        return Settled { after, begins: false, out };
    }
    let after = of(Answer::Accepts).max().unwrap_or(Millis::ZERO);
    Settled { after, begins: true, out: vec![false; answers.len()] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Answer::{Accepts, Declines, Ignores};

    fn check(answers: &[(Answer, u64)], after: u64, begins: bool, out: &[bool]) {
        let answers: Vec<_> = answers.iter().map(|(answer, ms)| (*answer, Millis::new(*ms))).collect();
        assert_eq!(settle(&answers), Settled { after: Millis::new(after), begins, out: out.to_vec() });
    }

    #[test]
    fn all_must_accept() {
        check(&[(Accepts, 3), (Accepts, 9)], 9, true, &[false, false]);
        check(&[(Accepts, 3), (Ignores, 20)], 20, false, &[false, true]);
    }

    #[test]
    fn the_first_to_decline_ends_it_and_is_out_alone() {
        check(
            &[(Declines, 5), (Accepts, 9), (Declines, 7), (Ignores, 20)],
            5,
            false,
            &[true, false, false, false],
        );
    }
}
