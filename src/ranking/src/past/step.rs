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
    /// Whether it moves no score.
    pub(super) fn is_still(&self) -> bool {
        self.before == self.after
    }

    /// By how much it changes the number of players.
    pub(super) fn joins(&self) -> i64 {
        i64::from(self.after.is_some()) - i64::from(self.before.is_some())
    }
}
