use gsm_core::Timestamp;

/// One change of one player's score on a board. The past of a board is nothing but its steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub at: Timestamp,
    /// The player's score until then; `None` if not on the board.
    pub before: Option<i64>,
    /// The player's score from then on; `None` if not on the board any more.
    pub after: Option<i64>,
}

impl Step {
    /// The step that undoes this one at the same instant.
    pub(super) fn inverse(self) -> Self {
        Self { before: self.after, after: self.before, ..self }
    }

    /// Whether it moves no score.
    pub(super) fn is_still(&self) -> bool {
        self.before == self.after
    }

    /// By how much it changes the number of players.
    pub(super) fn joins(&self) -> i64 {
        i64::from(self.after.is_some()) - i64::from(self.before.is_some())
    }
}

/// Takes out pairs of steps of one instant that undo each other. The order of the rest may change.
pub(super) fn cancel(steps: &mut Vec<Step>) {
    let pair = |step: &Step| (step.before.min(step.after), step.before.max(step.after), step.before);
    steps.sort_unstable_by_key(pair);
    let mut kept: Vec<Step> = Vec::with_capacity(steps.len());
    // Steps of one pair of scores lie together, one direction before the other: each of the second undoes one.
    for step in steps.drain(..) {
        if kept.last() == Some(&step.inverse()) {
            kept.pop();
        } else {
            kept.push(step);
        }
    }
    *steps = kept;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_undone_goes_and_the_rest_stays() {
        let step = |before, after| Step { at: Timestamp::EPOCH, before, after };
        let (up, join) = (step(Some(1), Some(2)), step(None, Some(1)));
        let mut steps = vec![up, join, up.inverse(), up, join.inverse(), up, step(Some(2), Some(3))];
        cancel(&mut steps);
        assert_eq!(steps, [up, up, step(Some(2), Some(3))]);
    }
}
