//! A model elsewhere: which matches it is asked about, and what becomes of its answers.
//!
//! It is asked once about a match, when the matcher has formed it (a proposal where players are asked to accept) or a server
//! creates it, and what it said is written with the match. Nothing waits for it beyond its own budget and nothing fails
//! because of it: where it does not answer, the mode's own model speaks, and the match says so.
use crate::{
    Engine, QueueConfig,
    pools::Found,
    store::{Forecast, Home, Key, Row, Spoke},
};
use async_trait::async_trait;
use gsm_core::{Mode, PlayerId, TicketId, Timestamp, Variant};
use gsm_matchmaking::Seat;
use gsm_session::Roster;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// A match of two sides that is being formed.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Who meets whom.
    pub sides: [Vec<PlayerId>; 2],
    /// Who came together.
    pub parties: Vec<Vec<PlayerId>>,
    /// The side with the advantage of the game, 0 or 1, where one has it.
    pub home: Option<usize>,
    /// The variant that is to be played.
    pub variant: Option<Variant>,
    /// When.
    pub at: Timestamp,
}

impl Question {
    /// About a roster; none unless it has two sides.
    fn of(roster: &Roster, at: Timestamp) -> Option<Self> {
        let [one, other] = roster.sides() else { return None };
        let sides = [one.clone(), other.clone()];
        let (home, variant) = (roster.home(), roster.variant().cloned());
        Some(Self { sides, parties: roster.parties(), home, variant, at })
    }
}

/// What is predicted of a match of two sides. Chances are `0.0..=1.0` and sum to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Chances {
    /// The first side wins.
    pub win: f64,
    /// Nobody does.
    pub draw: f64,
    /// The second wins.
    pub loss: f64,
    /// The expected score of the first, `win + draw / 2`.
    pub expected: f64,
    /// It is believed to be at least this...
    pub low: f64,
    /// ... and at most this.
    pub high: f64,
    /// The expected lead in points.
    pub margin: Option<f64>,
    /// How close the match is expected to be beside one of equals, which has 1; `0.0..=1.0`.
    pub quality: f64,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// What is predicted.
    pub chances: Chances,
    /// The model that it names.
    pub model: String,
    /// The production variant that spoke, where that is told.
    pub variant: Option<String>,
    /// The id that the call was given, by which what the platform captured of it is found. Kept beside the answer, see
    /// [`HeardOf`].
    #[serde(skip)]
    pub inference: Option<String>,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Miss {
    /// It did not come within the budget.
    Slow,
    /// Nobody was asked: too many calls had failed.
    Resting,
    /// The model answered with an error.
    ModelError,
    /// The platform in front of it did.
    PlatformError,
    /// Nobody could be reached, or the connection was cut.
    Unreachable,
    /// The answer cannot be read.
    Garbled,
    /// The answer cannot be true.
    Lied,
}

impl Miss {
    /// Every one.
    pub const ALL: [Self; 7] = [
        Self::Slow,
        Self::Resting,
        Self::ModelError,
        Self::PlatformError,
        Self::Unreachable,
        Self::Garbled,
        Self::Lied,
    ];

    /// As it is shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Slow => "slow",
            Self::Resting => "resting",
            Self::ModelError => "model_error",
            Self::PlatformError => "platform_error",
            Self::Unreachable => "unreachable",
            Self::Garbled => "garbled",
            Self::Lied => "lied",
        }
    }
}

/// What was heard of a match.
pub type Heard = Result<Reply, Miss>;

/// What was heard of a match that is being formed, as it lies with its proposal until all have accepted: the queue may be
/// changed meanwhile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum HeardOf {
    /// An answer of which is not told to what it was one. Nobody writes that any more.
    #[serde(rename = "Ok")]
    Said(Reply),
    /// The same of none.
    #[serde(rename = "Err")]
    Missed(Miss),
    /// With what had been asked.
    Asked {
        /// What was heard.
        heard: Heard,
        /// The mode.
        mode: Mode,
        /// See [`Question::home`].
        home: Option<usize>,
        /// See [`Question::variant`].
        variant: Option<Variant>,
        /// See [`Reply::inference`].
        inference: Option<String>,
    },
}

impl HeardOf {
    fn new(heard: Heard, mode: &Mode, of: &Question) -> Self {
        let inference = heard.as_ref().ok().and_then(|reply| reply.inference.clone());
        Self::Asked { heard, mode: mode.clone(), home: of.home, variant: of.variant.clone(), inference }
    }

    fn inference(&self) -> Option<&str> {
        if let Self::Asked { inference, .. } = self { inference.as_deref() } else { None }
    }

    /// Whether a match of a mode is what was asked about; of its players it is always.
    pub(super) fn fits(&self, in_mode: &Mode, roster: &Roster) -> bool {
        match self {
            Self::Said(_) | Self::Missed(_) => true,
            Self::Asked { mode, home, variant, .. } => {
                (mode, *home, variant.as_ref()) == (in_mode, roster.home(), roster.variant())
            }
        }
    }

    /// What was heard.
    fn answer(&self) -> Result<&Reply, Miss> {
        match self {
            Self::Said(reply) | Self::Asked { heard: Ok(reply), .. } => Ok(reply),
            Self::Missed(miss) | Self::Asked { heard: Err(miss), .. } => Err(*miss),
        }
    }
}

/// A model elsewhere.
#[async_trait]
pub trait RemoteModel: Send + Sync {
    /// Whether it is asked about matches of a mode.
    fn is_asked_of(&self, mode: &Mode) -> bool;

    /// One answer a question, in their order; whatever is missing at the end counts as [`Miss::Garbled`]. Returns within a
    /// budget of its own, and says [`Miss::Slow`] then.
    async fn ask(&self, all: &[Question]) -> Vec<Heard>;
}

impl Engine {
    /// Asks `model` about matches as they are formed, from now on. Only the first one is taken.
    pub fn ask_elsewhere(&self, model: Arc<dyn RemoteModel>) {
        let _ = self.remote.set(model);
    }

    /// Whether anybody elsewhere is asked at all.
    pub(crate) fn asks_elsewhere(&self) -> bool {
        self.remote.get().is_some()
    }

    /// What a model elsewhere says of what a step has found, in one call; nothing of those about which none is asked.
    pub(crate) async fn hear_of_found(
        &self,
        queue: &QueueConfig,
        found: &[Found],
        at: Timestamp,
    ) -> Vec<Option<HeardOf>> {
        if !self.is_asked_elsewhere(&queue.mode) {
            return vec![None; found.len()];
        }
        let parties = self.parties_of(found).await;
        let question = |of: &Found| Question::of(&roster_of(queue, &of.sides, &parties)?, at);
        self.hear(&queue.mode, || found.iter().map(question).collect(), found.len()).await
    }

    /// The same of one match.
    pub(crate) async fn hear_of(&self, mode: &Mode, roster: &Roster, at: Timestamp) -> Option<HeardOf> {
        self.hear(mode, || vec![Question::of(roster, at)], 1).await.pop().flatten()
    }

    fn is_asked_elsewhere(&self, mode: &Mode) -> bool {
        self.remote.get().is_some_and(|remote| remote.is_asked_of(mode))
    }

    /// Of what a step has found, the tickets that are parties: who is on a backfill's did not come together.
    async fn parties_of(&self, found: &[Found]) -> BTreeSet<TicketId> {
        let mut players: BTreeMap<TicketId, usize> = BTreeMap::new();
        for seat in found.iter().flat_map(|of| of.sides.iter().flatten()) {
            *players.entry(seat.ticket).or_default() += 1;
        }
        let of_several: Vec<Key> =
            players.into_iter().filter(|(_, count)| *count > 1).map(|(id, _)| Key::Ticket(id)).collect();
        if of_several.is_empty() {
            return BTreeSet::new();
        }
        // Without them the match is asked about as one of players who came alone.
        let rows = self.get(Home::Live, &of_several).await.unwrap_or_default();
        let mut parties = BTreeSet::new();
        for (key, found) in of_several.iter().zip(rows) {
            if let (Key::Ticket(id), Some(Row::Ticket(row))) = (key, found.as_ref().map(|found| &*found.row))
                && !row.backfill
            {
                parties.insert(*id);
            }
        }
        parties
    }

    async fn hear(
        &self,
        mode: &Mode,
        questions: impl FnOnce() -> Vec<Option<Question>>,
        count: usize,
    ) -> Vec<Option<HeardOf>> {
        let Some(remote) = self.remote.get().filter(|remote| count > 0 && remote.is_asked_of(mode)) else {
            return vec![None; count];
        };
        let questions = questions();
        let asked: Vec<Question> = questions.iter().flatten().cloned().collect();
        if asked.is_empty() {
            return vec![None; count];
        }
        let mut heard = remote.ask(&asked).await.into_iter();
        let of = |question: Option<Question>| {
            question.map(|of| HeardOf::new(heard.next().unwrap_or(Err(Miss::Garbled)), mode, &of))
        };
        questions.into_iter().map(of).collect()
    }
}

/// Who plays whom, of what a step has found, and who came together by one of these tickets: a side without players is none.
fn roster_of(queue: &QueueConfig, sides: &[Vec<Seat>], parties: &BTreeSet<TicketId>) -> Option<Roster> {
    let mut together: BTreeMap<TicketId, Vec<PlayerId>> = BTreeMap::new();
    for seat in sides.iter().flatten().filter(|seat| parties.contains(&seat.ticket)) {
        together.entry(seat.ticket).or_default().push(seat.player);
    }
    let (sides, home) = taken(queue, sides);
    let roster = Roster::formed(sides)
        .and_then(|roster| roster.with_parties(together.values().map(Vec::as_slice)))
        .and_then(|roster| roster.with_home(home))
        .ok()?;
    Some(roster.with_variant(queue.variant.clone()))
}

/// The sides that have players, and which of them is at home.
pub(crate) fn taken(queue: &QueueConfig, sides: &[Vec<Seat>]) -> (Vec<Vec<PlayerId>>, Option<usize>) {
    let is_taken = |side: &&Vec<Seat>| !side.is_empty();
    let home = queue.home.filter(|home| sides.get(*home).as_ref().is_some_and(is_taken));
    let home = home.map(|home| sides.iter().take(home).filter(is_taken).count());
    let players = |side: &Vec<Seat>| side.iter().map(|seat| seat.player).collect();
    (sides.iter().filter(is_taken).map(players).collect(), home)
}

/// Puts what was heard into what the mode's own model predicts. What that looked at stays, for it learns by it.
pub(super) fn spoken(mut own: Forecast, heard: &HeardOf) -> Forecast {
    let Some(inside) = &mut own.inside else { return own };
    match heard.answer() {
        Err(miss) => inside.spoke = Spoke::InsteadFor(miss),
        Ok(Reply { chances: of, model, variant, .. }) => {
            let (model, variant) = (model.clone(), variant.clone());
            let expected = own.expected.first().copied().unwrap_or(0.5);
            inside.spoke = match heard.inference().map(str::to_owned) {
                Some(inference) => Spoke::Called { model, variant, own: expected, inference },
                None => Spoke::Elsewhere { model, variant, own: expected },
            };
            inside.interval = Some([of.low, of.high]);
            inside.margin = of.margin;
            if let Some(shown) = inside.contenders.first_mut() {
                *shown = vec![of.expected];
            }
            own.quality = of.quality;
            own.expected = vec![of.expected, of.loss + of.draw / 2.0];
            own.chances = Some([of.win, of.draw, of.loss]);
        }
    }
    own
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Before it was kept what had been asked, a proposal had the bare answer: it is read as it was written.
    #[test]
    fn what_was_heard_before_is_read() {
        let chances = Chances {
            win: 0.5,
            draw: 0.0,
            loss: 0.5,
            expected: 0.5,
            low: 0.25,
            high: 0.75,
            margin: None,
            quality: 1.0,
        };
        let (model, variant) = ("duel-7".to_owned(), Some("blue".to_owned()));
        let reply = Reply { chances, model, variant, inference: None };
        for heard in [Ok(reply), Err(Miss::Lied)] {
            let bytes = postcard::to_allocvec::<Heard>(&heard).unwrap();
            let read: HeardOf = postcard::from_bytes(&bytes).unwrap();
            assert_eq!(read.answer().cloned(), heard);
            assert!(!matches!(read, HeardOf::Asked { .. }));
        }
    }
}
