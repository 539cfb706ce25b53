//! What results of a queue are believed: one out of bounds is kept, but moves no rating until an operator has looked.
//!
//! Such a result is in quarantine from its own commit on: it has its place in the order of the mode, as a voided one has,
//! so that what an operator decides later ends as if it had always been so.
use crate::{
    Call, Engine, EngineError, QueueConfig,
    store::{Key, KeyRange, MatchRow, QuarantineRow, Row, Step},
};
use gsm_core::{MatchId, Millis, PlayerId, Timestamp, limits};
use gsm_session::{MatchResult, Roster};
use serde::{Deserialize, Serialize};

/// By how much a reported duration may be longer than the match has been known: clocks of game servers.
const CLOCKS: Millis = Millis::from_secs(60);
const HOUR: Millis = Millis::from_secs(3_600);
/// The most results an hour that a bound may ask for.
const PER_HOUR_MAX: u32 = 1_000;
/// Steps of a history that are read at once, to find so many matches among them: as many, and at least so many...
const HISTORY_PAGE_MIN: usize = 16;
/// ... and how often, at most.
const HISTORY_PAGES_MAX: usize = 16;

/// Bounds of what a queue's results are believed; each is off where it is absent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plausibility {
    /// How long a match is played, in milliseconds: as reported, and as seen from when it was made to its result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<Span<u64>>,
    /// The score of each side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<Span<f64>>,
    /// Rated matches of a player in the mode in any hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matches_per_hour: Option<u32>,
}

/// A least and a most, either of which may be absent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span<T> {
    /// Below is not believed.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub least: Option<T>,
    /// Above is not believed.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub most: Option<T>,
}

const fn none<T>() -> Option<T> {
    None
}

impl<T: PartialOrd + Copy> Span<T> {
    fn is_one(&self) -> bool {
        (self.least.is_some() || self.most.is_some())
            && !self.least.zip(self.most).is_some_and(|(least, most)| least > most)
    }

    fn is_below(&self, value: T) -> bool {
        self.least.is_some_and(|least| value < least)
    }

    fn is_above(&self, value: T) -> bool {
        self.most.is_some_and(|most| value > most)
    }
}

impl Plausibility {
    /// Refuses bounds that are none, naming the field.
    pub(crate) fn validate(&self) -> Result<(), EngineError> {
        let bad =
            |field: &str, detail: &str| Err(EngineError::invalid(format!("plausibility.{field}"), detail));
        const SPAN: &str = "needs `least` or `most`, and `least` is not above `most`";
        if self.duration_ms.is_some_and(|span| !span.is_one()) {
            return bad("duration_ms", SPAN);
        }
        let finite = |span: &Span<f64>| [span.least, span.most].iter().flatten().all(|of| of.is_finite());
        if self.score.is_some_and(|span| !span.is_one() || !finite(&span)) {
            return bad("score", SPAN);
        }
        if self.matches_per_hour.is_some_and(|most| !(1..=PER_HOUR_MAX).contains(&most)) {
            return bad("matches_per_hour", "must be 1 to 1000");
        }
        Ok(())
    }

    /// What is not believed of a result that ended a match `age` after it was made.
    fn doubt(&self, result: &MatchResult, age: Option<Millis>) -> Option<String> {
        if let Some(span) = &self.duration_ms {
            if let Some(age) = age.filter(|age| span.is_below(age.get())) {
                return Some(format!("the result came {} ms after the match was made", age.get()));
            }
            let played = result.duration();
            if let Some(played) = played.filter(|of| span.is_below(of.get()) || span.is_above(of.get())) {
                return Some(format!("the match was played for {} ms", played.get()));
            }
            if let (Some(played), Some(age)) = (played, age)
                && played.get() > age.get().saturating_add(CLOCKS.get())
            {
                let (played, age) = (played.get(), age.get());
                return Some(format!("the match was played for {played} ms, and was made {age} ms ago"));
            }
        }
        let span = self.score.as_ref()?;
        let mut scores = result.scores().iter().flatten();
        let out = scores.find(|score| span.is_below(**score) || span.is_above(**score))?;
        Some(format!("a side scored {out}"))
    }
}

/// A result in quarantine.
#[derive(Debug, Clone, PartialEq)]
pub struct Quarantined {
    /// Which match.
    pub match_id: MatchId,
    /// Where it was played, when it was reported, and why it is not believed.
    pub row: QuarantineRow,
}

impl Engine {
    /// Why a result is not believed, if so.
    pub(crate) async fn doubt(
        &self,
        call: &Call,
        queue: &QueueConfig,
        (result, roster): (&MatchResult, &Roster),
        live: Option<&MatchRow>,
    ) -> Result<Option<String>, EngineError> {
        let Some(bounds) = &queue.plausibility else { return Ok(None) };
        let age = live.map(|row| call.now.since(row.created_at));
        if let Some(doubt) = bounds.doubt(result, age) {
            return Ok(Some(doubt));
        }
        let Some(most) = bounds.matches_per_hour else { return Ok(None) };
        for player in roster.players() {
            if self.played_since(queue, player, call.now.saturating_sub(HOUR), most).await? {
                return Ok(Some(format!("`{player}` ended {most} matches within the last hour")));
            }
        }
        Ok(None)
    }

    /// Whether a player has so many rated matches after an instant.
    async fn played_since(
        &self,
        queue: &QueueConfig,
        player: PlayerId,
        since: Timestamp,
        many: u32,
    ) -> Result<bool, EngineError> {
        let range = KeyRange::History(queue.mode.clone(), player);
        let (many, mut played, mut after) = (many as usize, 0, None);
        let length = many.max(HISTORY_PAGE_MIN);
        for _ in 0..HISTORY_PAGES_MAX {
            // What an operator did stands between the matches.
            let page = self.store(range.home()).list(&range, after.as_ref(), length, true).await?;
            for (_, found) in &page {
                let Row::History(row) = &*found.row else { continue };
                if row.at <= since {
                    return Ok(false);
                }
                played += usize::from(matches!(row.step, Step::Match { .. }));
            }
            if played >= many || page.len() < length {
                return Ok(played >= many);
            }
            after = page.into_iter().next_back().map(|(key, _)| key);
        }
        Ok(false)
    }

    /// Results in quarantine, by match id, at most a page of them after `after`.
    pub async fn quarantine(
        &self,
        after: Option<MatchId>,
        limit: usize,
    ) -> Result<Vec<Quarantined>, EngineError> {
        let (range, after) = (KeyRange::Quarantine, after.map(Key::Quarantine));
        let limit = limit.min(limits::PAGE_SIZE_MAX);
        let page = self.store(range.home()).list(&range, after.as_ref(), limit, false).await?;
        page.into_iter()
            .map(|(key, found)| match (&key, &*found.row) {
                (Key::Quarantine(id), Row::Quarantine(row)) => {
                    Ok(Quarantined { match_id: *id, row: row.clone() })
                }
                _ => Err(EngineError::damaged(&key)),
            })
            .collect()
    }
}
