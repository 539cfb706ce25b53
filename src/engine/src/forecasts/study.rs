//! The model of one mode, and the lessons that it has yet to learn: who commits results waits for nobody who is at the model,
//! and who comes to the model next learns what came meanwhile.
use super::{Lessons, league::League, lesson};
use crate::aside::aside;
use gsm_core::Mode;
use parking_lot::{Mutex, MutexGuard};

/// Lessons of so many players are learnt by who commits them, where nobody is at the model; more are left for who comes next,
/// who leaves his thread to others meanwhile.
const AT_ONCE_MAX: usize = 64;
/// Lessons of so many players wait; beyond, who commits waits as well.
const WAITING_MAX: usize = 1 << 14;

/// A model that is learning.
pub(crate) struct Study {
    mode: Mode,
    league: Mutex<League>,
    waiting: Mutex<Waiting>,
}

/// Lessons by their commits, in the order in which they came.
#[derive(Default)]
struct Waiting {
    lessons: Vec<(u64, Lessons)>,
    /// Of how many players they are.
    players: usize,
}

impl Study {
    pub(super) fn new(mode: Mode, league: League) -> Self {
        Self { mode, league: Mutex::new(league), waiting: Mutex::default() }
    }

    /// The model, with all lessons learnt that came before. Whoever waits for it leaves the thread to other tasks.
    pub(crate) fn lock(&self) -> MutexGuard<'_, League> {
        let mut league = self.league.try_lock().unwrap_or_else(|| aside(|| self.league.lock()));
        self.settle(&mut league);
        league
    }

    /// Takes in the lessons of a commit. Waits for whoever is at the model only where too much waits already.
    pub(super) fn hear(&self, sequence: u64, lessons: Lessons) {
        let of = lessons.iter().filter_map(|(_, row)| lesson(row));
        let players: usize = of.map(|lesson| lesson.roster.players().count()).sum();
        let waiting = {
            let mut waiting = self.waiting.lock();
            waiting.lessons.push((sequence, lessons));
            waiting.players += players;
            waiting.players
        };
        if waiting > WAITING_MAX {
            drop(self.lock());
        } else if waiting <= AT_ONCE_MAX
            && let Some(mut league) = self.league.try_lock()
        {
            self.settle(&mut league);
        }
    }

    fn settle(&self, league: &mut League) {
        loop {
            let waiting = std::mem::take(&mut *self.waiting.lock());
            if waiting.lessons.is_empty() {
                return;
            }
            let mut learn =
                || waiting.lessons.iter().for_each(|(sequence, of)| self.learn(league, *sequence, of));
            if waiting.players > AT_ONCE_MAX { aside(learn) } else { learn() }
        }
    }

    /// Lessons of one commit. What was learnt before, or comes after a later one, is left out: folds may be told again.
    fn learn(&self, league: &mut League, sequence: u64, lessons: &Lessons) {
        if sequence <= league.sequence() {
            return;
        }
        for lesson in lessons.iter().filter_map(|(_, row)| lesson(row)) {
            if league.learn(sequence, lesson) {
                tracing::warn!(
                    mode = %self.mode,
                    matches = league.live().drift.matches(),
                    "results have become less predictable than the model believes"
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{LessonRow, Row};
    use gsm_core::{MatchId, PlayerId, Timestamp};
    use gsm_session::Roster;
    use std::{
        sync::{Arc, mpsc},
        time::Duration,
    };

    /// A free-for-all.
    fn of_players(count: u32) -> Lessons {
        let sides = (0..count).map(|nth| vec![PlayerId::from_u128(u128::from(nth))]).collect();
        let lesson = LessonRow {
            at: Timestamp::EPOCH,
            depth: 0,
            roster: Roster::formed(sides).unwrap(),
            variant: None,
            places: (1..=count).collect(),
            scores: vec![None; count as usize],
            forecast: None,
        };
        vec![(MatchId::from_u128(1), Arc::new(Row::Lesson(Box::new(lesson))))]
    }

    /// Others go on where the one thread that there is comes to a model at which somebody is.
    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn who_waits_for_a_model_leaves_the_thread_to_others() {
        let study = Arc::new(Study::new(Mode::new("duel").unwrap(), League::default()));
        let (theirs, (there, is_there), (go, gone)) = (study.clone(), mpsc::channel(), mpsc::channel());
        let holder = std::thread::spawn(move || {
            let league = theirs.lock();
            there.send(()).unwrap();
            let gone = gone.recv_timeout(Duration::from_secs(10));
            drop(league);
            gone
        });
        is_there.recv().unwrap();
        let (mut tasks, (comes, has_come)) = (tokio::task::JoinSet::new(), mpsc::channel());
        tasks.spawn(async move {
            comes.send(()).unwrap();
            drop(study.lock());
        });
        has_come.recv().unwrap();
        tasks.spawn(async move { go.send(()).unwrap_or_default() });
        tasks.join_all().await;
        assert_eq!(holder.join().unwrap(), Ok(()), "nobody else went on");
    }

    #[test]
    fn who_commits_does_not_wait_for_who_is_at_the_model() {
        let study = Study::new(Mode::new("duel").unwrap(), League::default());
        study.hear(1, of_players(2));
        assert_eq!(study.league.lock().learnt(), 1, "nobody was there");
        let there = study.lock();
        study.hear(2, of_players(2));
        study.hear(3, of_players(3));
        assert_eq!(there.learnt(), 1);
        drop(there);
        assert_eq!(study.lock().learnt(), 3);
        study.hear(3, of_players(2));
        assert_eq!(study.lock().learnt(), 3, "told again");
    }

    #[test]
    fn large_matches_are_learnt_by_who_comes_next_until_too_many_wait() {
        let study = Study::new(Mode::new("crowd").unwrap(), League::default());
        let size = AT_ONCE_MAX as u32 + 1;
        study.hear(1, of_players(size));
        study.hear(2, of_players(2));
        assert_eq!(study.league.lock().learnt(), 0);
        assert_eq!(study.lock().learnt(), 2);
        let fit = (WAITING_MAX as u64) / u64::from(size);
        (0..fit).for_each(|nth| study.hear(3 + nth, of_players(size)));
        assert_eq!(study.league.lock().learnt(), 2);
        study.hear(3 + fit, of_players(size));
        assert_eq!(study.league.lock().learnt(), 3 + fit);
        assert_eq!(study.waiting.lock().players, 0);
    }
}
