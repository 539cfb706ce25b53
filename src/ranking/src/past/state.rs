use super::{
    run::{Change, Probe},
    sorted::Sorted,
};

/// The scores of all players at some instant, as the steps in the segments tell it.
#[derive(Clone, Default)]
pub(super) struct State {
    scores: Sorted,
    /// Scores that left before they came: their coming is among the late steps. Empty but after corrections.
    owed: Sorted,
}

impl State {
    pub(super) fn players(&self) -> usize {
        self.scores.len()
    }

    pub(super) fn add(&self, probes: &mut [Probe]) {
        for probe in probes {
            for (scores, sign) in [(&self.scores, 1), (&self.owed, -1)] {
                probe.players_sum += sign * scores.len() as i64;
                probe.better_sum += sign * (scores.len() - scores.up_to(probe.score())) as i64;
            }
        }
    }

    /// The state after these changes, by ascending scores. O(players + changes).
    pub(super) fn after(&self, changes: &[Change]) -> Self {
        let (scores, owed) = (self.scores.numbers(), self.owed.numbers());
        let (mut scores, mut owed) = (scores.as_slice(), owed.as_slice());
        let (mut come, mut owe) = (Vec::with_capacity(scores.len() + changes.len()), Vec::new());
        for &(score, change) in changes {
            come.extend_from_slice(split_while(&mut scores, |other| other < score));
            owe.extend_from_slice(split_while(&mut owed, |other| other < score));
            let [have, owing] =
                [&mut scores, &mut owed].map(|list| split_while(list, |other| other == score).len() as i64);
            let players = have - owing + change;
            let list = if players > 0 { &mut come } else { &mut owe };
            list.extend(std::iter::repeat_n(score, players.unsigned_abs() as usize));
        }
        come.extend_from_slice(scores);
        owe.extend_from_slice(owed);
        Self { scores: Sorted::new(&come), owed: Sorted::new(&owe) }
    }
}

/// Takes the first part of `list`, as long as `belongs` holds.
fn split_while<'a>(list: &mut &'a [i64], belongs: impl Fn(i64) -> bool) -> &'a [i64] {
    let end = list.iter().position(|&score| !belongs(score)).unwrap_or(list.len());
    let (first, rest) = list.split_at(end);
    *list = rest;
    first
}
