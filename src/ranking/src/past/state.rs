use super::{
    run::Probe,
    sorted::Sorted,
    step::Step,
    wire::{Damage, Reader, Writer},
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

    /// The state after `steps`, which may be in any order. O(players + steps log steps).
    pub(super) fn after(&self, steps: &[Step]) -> Self {
        // The first part of each ascends, which the stable sort makes use of.
        let column = |known: &Sorted, score: fn(&Step) -> Option<i64>| {
            let mut fresh: Vec<i64> = steps.iter().filter_map(score).collect();
            fresh.sort_unstable();
            let mut scores = known.numbers();
            scores.append(&mut fresh);
            scores.sort();
            scores
        };
        let mut come = column(&self.scores, |step| step.after);
        let mut owed = Vec::new();
        let mut gone = column(&self.owed, |step| step.before).into_iter().peekable();
        come.retain(|score| {
            while let Some(missing) = gone.next_if(|gone| gone < score) {
                owed.push(missing);
            }
            gone.next_if_eq(score).is_none()
        });
        owed.extend(gone);
        Self { scores: Sorted::new(&come), owed: Sorted::new(&owed) }
    }

    pub(super) fn write(&self, out: &mut Writer) {
        self.scores.write(out);
        self.owed.write(out);
    }

    pub(super) fn read(input: &mut Reader<'_>) -> Result<Self, Damage> {
        Ok(Self { scores: Sorted::read(input)?, owed: Sorted::read(input)? })
    }
}
