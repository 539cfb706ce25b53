//! A model elsewhere that is asked about formed matches: slow, silent, or short of an answer, as chance has it.
use crate::random::Random;
use async_trait::async_trait;
use gsm_core::{Mode, PlayerId};
use gsm_engine::{Chances, Heard, Miss, Question, RemoteModel, Reply};
use parking_lot::Mutex;
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

/// How often others run before it answers, at most, beside what the weather adds.
const YIELDS_MAX: usize = 6;

/// One node's line to it.
pub(crate) struct Elsewhere {
    pub(crate) random: Mutex<Random>,
    /// What the weather adds.
    pub(crate) yields_max: Arc<AtomicU32>,
}

/// What it says of a match is a function of who plays it, so that an answer that came to another match is seen.
pub(crate) fn says(sides: &[Vec<PlayerId>]) -> Chances {
    let mut mixed = 0_u64;
    for player in sides.iter().flatten() {
        mixed = Random::new(mixed ^ player.as_u128() as u64).next();
    }
    let win = Random::new(mixed).unit();
    let (low, high) = (win / 2.0, (1.0 + win) / 2.0);
    Chances { win, draw: 0.0, loss: 1.0 - win, expected: win, low, high, margin: None, quality: 0.25 }
}

#[async_trait]
impl RemoteModel for Elsewhere {
    fn is_asked_of(&self, _: &Mode) -> bool {
        true
    }

    async fn ask(&self, all: &[Question]) -> Vec<Heard> {
        let most = YIELDS_MAX + self.yields_max.load(Ordering::Relaxed) as usize;
        let yields = self.random.lock().below(most + 1);
        for _ in 0..yields {
            tokio::task::yield_now().await;
        }
        let mut random = self.random.lock();
        if random.chance(0.1) {
            let miss = random.pick(&Miss::ALL).unwrap_or(Miss::Slow);
            return vec![Err(miss); all.len()];
        }
        let reply = |of: &Question| Reply {
            chances: says(&of.sides),
            model: "far".to_owned(),
            variant: None,
            inference: None,
        };
        let answered = if random.chance(0.1) { all.len() - 1 } else { all.len() };
        all.iter().take(answered).map(reply).map(Ok).collect()
    }
}
