//! Penalties: what a player has done that spoils the game of others, and for how long that keeps the player out.
//!
//! Each kind of offence climbs a ladder of its own. An offence locks the player out for as long as the step says that
//! it finds the player on, and moves the player one step up; each [`Ladder::forget_after_ms`] without another, counted
//! from the end of the lock, moves the player one step down. How a player stands follows from the offences alone, so
//! one that is taken back leaves no trace.
use gsm_core::{MatchId, Millis, Timestamp, limits};
use serde::{Deserialize, Serialize};

/// What a player can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OffenceKind {
    /// Declined a proposed match, let its time run out, or left the queue while it was proposed.
    Dodge,
    /// Left a match before its end.
    Leave,
    /// Was there and did not play.
    Afk,
}

impl OffenceKind {
    /// In one word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dodge => "dodge",
            Self::Leave => "leave",
            Self::Afk => "afk",
        }
    }
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Dodge, Self::Leave, Self::Afk];
}

/// How locks escalate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ladder {
    /// How long each offence in a row locks the player out; the last for all that follow. 0 only warns.
    pub locks_ms: Vec<Millis>,
    /// How long without an offence until one step is forgotten, from the end of the lock.
    pub forget_after_ms: Millis,
}

impl Ladder {
    /// Refuses what no ladder is, naming the field.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let (steps, longest) = (limits::PENALTY_STEPS_MAX, limits::PENALTY_MS_MAX);
        if self.locks_ms.is_empty() || self.locks_ms.len() > steps {
            return Err(("locks_ms", format!("must be 1 to {steps} lengths in milliseconds")));
        }
        if self.locks_ms.iter().any(|lock| lock.get() > longest) {
            return Err(("locks_ms", format!("each must be 0 to {longest} milliseconds")));
        }
        if self.forget_after_ms == Millis::ZERO || self.forget_after_ms.get() > longest {
            return Err(("forget_after_ms", format!("must be 1 to {longest} milliseconds")));
        }
        Ok(())
    }

    fn steps(&self) -> usize {
        self.locks_ms.len()
    }

    fn lock(&self, step: usize) -> Millis {
        let at = step.min(self.steps().saturating_sub(1));
        self.locks_ms.get(at).copied().unwrap_or_default()
    }
}

/// An offence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offence {
    /// The match it spoiled; of a dodge the one that was proposed. No player has two of one kind in one match.
    pub match_id: MatchId,
    /// When.
    pub at: Timestamp,
}

/// A player's offences of one kind, oldest first, with the ladder that the newest of them is judged by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offences {
    ladder: Ladder,
    of: Vec<Offence>,
}

/// How a player stands on a ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stand {
    /// Offences that are not forgotten, at most as many as the ladder has steps: the step that the next one finds the
    /// player on, as long as the ladder stays.
    pub step: usize,
    /// Until when the player is locked out; `None` where no lock holds.
    pub locked_until: Option<Timestamp>,
}

impl Offences {
    /// None yet.
    #[must_use]
    pub fn new(ladder: Ladder) -> Self {
        Self { ladder, of: Vec::new() }
    }

    /// Adds an offence, by the ladder as it is now; whether it was new. More than
    /// [`limits::OFFENCES_KEPT_MAX`] are not kept: the oldest goes.
    pub fn add(&mut self, offence: Offence, ladder: &Ladder) -> bool {
        if self.of.iter().any(|known| known.match_id == offence.match_id) {
            return false;
        }
        self.judge_by(ladder, offence.at);
        let at = self.of.partition_point(|known| known.at <= offence.at);
        self.of.insert(at, offence);
        if self.of.len() > limits::OFFENCES_KEPT_MAX {
            self.of.remove(0);
        }
        true
    }

    /// Takes an offence back; whether there was one of that match.
    pub fn remove(&mut self, match_id: MatchId) -> bool {
        let before = self.of.len();
        self.of.retain(|offence| offence.match_id != match_id);
        self.of.len() < before
    }

    /// The offences, oldest first.
    #[must_use]
    pub fn list(&self) -> &[Offence] {
        &self.of
    }

    /// How the player stands at `now`. O(offences).
    #[must_use]
    pub fn stand(&self, now: Timestamp) -> Stand {
        let (step, until) = self.climb();
        let step = self.after_forgetting(step, until, now);
        let locked_until = until.filter(|until| *until > now);
        Stand { step, locked_until }
    }

    /// How long an offence at `now` would lock the player out by `ladder`, which judges all there are from then on.
    /// O(offences).
    #[must_use]
    pub fn next_lock(&self, ladder: &Ladder, now: Timestamp) -> Millis {
        let mut judged = self.clone();
        judged.judge_by(ladder, now);
        ladder.lock(judged.stand(now).step)
    }

    /// Goes by another ladder from `at` on, which does not bring back what was forgotten by then.
    fn judge_by(&mut self, ladder: &Ladder, at: Timestamp) {
        if self.ladder == *ladder {
            return;
        }
        let (mut step, mut until, mut forgotten) = (0, None, 0);
        for (nth, offence) in self.of.iter().enumerate().take_while(|(_, offence)| offence.at <= at) {
            (step, until) = self.after(step, until, offence.at);
            if self.after_forgetting(step, until, self.of.get(nth + 1).map_or(at, |next| next.at.min(at)))
                == 0
            {
                forgotten = nth + 1;
            }
        }
        self.of.drain(..forgotten);
        self.ladder.clone_from(ladder);
    }

    /// From when on all is forgotten and over.
    #[must_use]
    pub fn forgotten_at(&self) -> Timestamp {
        let (step, until) = self.climb();
        let span = self.ladder.forget_after_ms.get().saturating_mul(step as u64);
        until.map_or(Timestamp::from_millis(i64::MIN), |until| until.saturating_add(Millis::new(span)))
    }

    /// The step after the last offence, and when its lock ends or ended. One of a clock that is ahead counts at once.
    fn climb(&self) -> (usize, Option<Timestamp>) {
        let (mut step, mut until) = (0, None::<Timestamp>);
        for offence in &self.of {
            (step, until) = self.after(step, until, offence.at);
        }
        (step, until)
    }

    /// The step after one more offence, and when the lock ends then.
    fn after(&self, step: usize, until: Option<Timestamp>, at: Timestamp) -> (usize, Option<Timestamp>) {
        let step = self.after_forgetting(step, until, at);
        let end = at.saturating_add(self.ladder.lock(step));
        // One that comes while a lock holds does not shorten it.
        let until = until.map_or(end, |until| until.max(end));
        ((step + 1).min(self.ladder.steps()), Some(until))
    }

    fn after_forgetting(&self, step: usize, until: Option<Timestamp>, now: Timestamp) -> usize {
        let quiet = until.map_or(Millis::ZERO, |until| now.since(until)).get();
        let steps = quiet.checked_div(self.ladder.forget_after_ms.get()).unwrap_or(0);
        step.saturating_sub(usize::try_from(steps).unwrap_or(usize::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }
    fn ladder(locks: &[u64], forget: u64) -> Ladder {
        let locks_ms = locks.iter().map(|ms| Millis::new(*ms)).collect();
        Ladder { locks_ms, forget_after_ms: Millis::new(forget) }
    }
    fn offence(n: u128, ms: i64) -> Offence {
        Offence { match_id: MatchId::from_u128(n), at: at(ms) }
    }
    /// Offences at these times under a ladder of 0, 10 and 30, forgotten after 100.
    fn done(times: &[i64]) -> Offences {
        let ladder = ladder(&[0, 10, 30], 100);
        let mut offences = Offences::new(ladder.clone());
        for (n, ms) in times.iter().enumerate() {
            assert!(offences.add(offence(n as u128, *ms), &ladder));
        }
        offences
    }
    #[track_caller]
    fn stands(offences: &Offences, now: i64, step: usize, until: Option<i64>) {
        let stand = offences.stand(at(now));
        assert_eq!((stand.step, stand.locked_until), (step, until.map(at)), "{offences:?} at {now}");
    }

    #[test]
    fn the_first_only_warns() {
        stands(&done(&[0]), 0, 1, None);
    }
    #[test]
    fn the_next_lock_is_what_the_next_one_gets() {
        for (times, now) in [(&[0, 1][..], 5), (&[0, 1, 2, 3], 3), (&[0, 1], 150), (&[], 0)] {
            for next in [ladder(&[0, 10, 30], 100), ladder(&[7], 100), ladder(&[1, 2, 3, 400], 50)] {
                let mut offences = done(times);
                let lock = offences.next_lock(&next, at(now));
                offences.add(offence(99, now), &next);
                let ends = at(now).saturating_add(lock);
                let until = offences.stand(at(now)).locked_until;
                assert!(until.is_none_or(|until| until >= ends), "{times:?} {lock:?} {until:?}");
                let alone = times.last().is_none_or(|last| now - last > 60);
                assert!(!alone || until == Some(ends).filter(|ends| *ends > at(now)), "{times:?} {lock:?}");
            }
        }
    }
    #[test]
    fn each_next_one_locks_longer_and_the_last_step_stays() {
        stands(&done(&[0, 1]), 1, 2, Some(11));
        stands(&done(&[0, 1, 20]), 20, 3, Some(50));
        stands(&done(&[0, 1, 20, 60]), 60, 3, Some(90));
    }
    #[test]
    fn a_lock_ends_on_the_millisecond() {
        stands(&done(&[0, 1]), 10, 2, Some(11));
        stands(&done(&[0, 1]), 11, 2, None);
    }
    #[test]
    fn a_step_is_forgotten_so_long_after_the_lock_has_ended() {
        stands(&done(&[0, 1]), 110, 2, None);
        stands(&done(&[0, 1]), 111, 1, None);
        stands(&done(&[0, 1]), 211, 0, None);
        stands(&done(&[0, 1, 150]), 150, 2, Some(160));
    }
    #[test]
    fn the_same_match_counts_once_and_an_offence_taken_back_leaves_no_trace() {
        let mut offences = done(&[0, 1, 20]);
        assert!(!offences.add(offence(1, 30), &ladder(&[0, 10, 30], 100)));
        assert!(offences.remove(MatchId::from_u128(0)) && !offences.remove(MatchId::from_u128(0)));
        stands(&offences, 20, 2, Some(30));
    }
    #[test]
    fn an_offence_of_a_clock_that_is_ahead_counts_at_once() {
        stands(&done(&[0, 99]), 50, 2, Some(109));
    }
    #[test]
    fn what_comes_late_counts_beside_what_is_forgotten_by_now() {
        let mut offences = done(&[0]);
        stands(&offences, 150, 0, None);
        assert!(offences.add(offence(9, 1), &ladder(&[0, 10, 30], 100)));
        stands(&offences, 150, 1, None);
    }
    #[test]
    fn another_ladder_brings_nothing_back() {
        let longer = ladder(&[5, 50, 500], 1_000);
        for (now, step, lock) in [(210, 3, 500), (211, 1, 5)] {
            let mut offences = done(&[0, 1]);
            assert_eq!(offences.next_lock(&longer, at(now)), Millis::new(lock));
            offences.add(offence(9, now), &longer);
            stands(&offences, now, step, Some(now + lock as i64));
        }
        // Nothing was forgotten by the time of one that comes late.
        let mut offences = done(&[0, 500]);
        offences.add(offence(9, 2), &longer);
        assert_eq!(offences.list().len(), 3);
    }
    #[test]
    fn only_so_many_are_kept() {
        let times: Vec<i64> = (0..40).collect();
        let offences = done(&times);
        assert_eq!(offences.list().len(), limits::OFFENCES_KEPT_MAX);
        stands(&offences, 39, 3, Some(69));
    }
    #[test]
    fn a_ladder_has_steps_within_bounds() {
        let longest = limits::PENALTY_MS_MAX;
        assert_eq!(ladder(&[longest; 16], longest).check(), Ok(()));
        for (bad, field) in [
            (ladder(&[], 1), "locks_ms"),
            (ladder(&[0; 17], 1), "locks_ms"),
            (ladder(&[longest + 1], 1), "locks_ms"),
            (ladder(&[0], 0), "forget_after_ms"),
            (ladder(&[0], longest + 1), "forget_after_ms"),
        ] {
            assert_eq!(bad.check().unwrap_err().0, field, "{bad:?}");
        }
    }

    /// The same, millisecond by millisecond.
    fn slow(times: &[i64], locks: &[u64], forget: i64, now: i64) -> (usize, Option<i64>) {
        let (mut step, mut until, mut quiet) = (0usize, None::<i64>, 0);
        for ms in 0..=now {
            match until {
                Some(end) if ms > end => {
                    quiet += 1;
                    if quiet == forget {
                        (step, quiet) = (step.saturating_sub(1), 0);
                    }
                }
                _ => quiet = 0,
            }
            for _ in times.iter().filter(|time| **time == ms) {
                let end = ms + locks[step.min(locks.len() - 1)] as i64;
                until = Some(until.map_or(end, |until| until.max(end)));
                step = (step + 1).min(locks.len());
                quiet = 0;
            }
        }
        (step, until.filter(|until| *until > now))
    }

    proptest! {
        #[test]
        fn stands_as_the_slow_twin_says(
            mut times in prop::collection::vec(0i64..400, 0..12),
            locks in prop::collection::vec(0u64..60, 1..5),
            forget in 1i64..90,
            later in 0i64..300,
        ) {
            times.sort_unstable();
            let now = times.last().copied().unwrap_or(0) + later;
            let ladder = ladder(&locks, forget as u64);
            let mut offences = Offences::new(ladder.clone());
            // Out of order: a correction may come late.
            for (n, ms) in times.iter().enumerate().rev() {
                offences.add(offence(n as u128, *ms), &ladder);
            }
            let stand = offences.stand(at(now));
            let (step, until) = slow(&times, &locks, forget, now);
            prop_assert_eq!((stand.step, stand.locked_until.map(Timestamp::as_millis)), (step, until));
            prop_assert_eq!(offences.stand(offences.forgotten_at()).step, 0);
            prop_assert_eq!(offences.stand(offences.forgotten_at()).locked_until, None);
        }
    }
}
