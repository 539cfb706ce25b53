//! Personal bests: of a mode, from the player's history as it stands now; of submissions, from what was seen.
use super::super::{BoardConfig, Direction, Value};
use crate::{
    Engine, EngineError,
    results::chain::standing,
    store::{Best, Home, Key, KeyRange, RankNews, Row, Step},
};
use gsm_core::{Mode, PlayerId};
use gsm_rating::Rating;

/// What a first column shows of a rating; `None` where it shows no rating.
fn of_rating(config: &BoardConfig, rating: &Rating) -> Option<i64> {
    config.columns.first()?.value.of_rating(rating)
}

/// Whether bests of a board can be told: its first column does not just count matches.
pub(super) fn has_bests(config: &BoardConfig) -> bool {
    let first = config.columns.first().map(|column| column.value);
    matches!(first, Some(Value::Rating | Value::Conservative | Value::Submitted))
}

fn is_better(config: &BoardConfig, a: i64, b: i64) -> bool {
    match config.columns.first().map(|column| column.direction) {
        Some(Direction::Ascending) => a < b,
        _ => a > b,
    }
}

/// A player's history, as far as bests need it.
struct Steps {
    /// The best, and the step that reached it first.
    best: (i64, u64),
    /// The best of all steps but the last.
    before: Option<i64>,
    last: Last,
}

/// The last step.
struct Last {
    value: i64,
    depth: u64,
    is_match: bool,
}

fn news(config: &BoardConfig, value: i64, before: i64) -> RankNews {
    RankNews::PersonalBest { value: config.shown(0, value), before: config.shown(0, before) }
}

/// What is a best of a board that scores are submitted to: better than all that was seen before. The first is none. An
/// entry that was taken off the board takes its best with it.
pub(super) fn of_entry(
    config: &BoardConfig,
    told: Option<Best>,
    value: Option<i64>,
) -> (Option<Best>, Option<RankNews>) {
    let Some(value) = value else { return (None, None) };
    let best = Some(Best { value, depth: 0, told: 0 });
    match told {
        None => (best, None),
        Some(old) if is_better(config, value, old.value) => (best, Some(news(config, value, old.value))),
        Some(_) => (told, None),
    }
}

impl Engine {
    /// What is a best of a mode's board: the player's last step is better than all before, was a match, and has not been
    /// told. The first step is none. Costs two reads while the best stays what it is, else the player's history.
    pub(super) async fn best_of_history(
        &self,
        config: &BoardConfig,
        mode: &Mode,
        player: PlayerId,
        told: Option<Best>,
    ) -> Result<(Option<Best>, Option<RankNews>), EngineError> {
        if let Some(old) = told
            && self.is_still_best(config, mode, player, old).await?
        {
            return Ok((told, None));
        }
        let Some(steps) = self.steps(config, mode, player).await? else { return Ok((None, None)) };
        let (value, depth) = steps.best;
        let Some(old) = told else {
            return Ok((Some(Best { value, depth, told: steps.last.depth }), None));
        };
        let last = steps.last;
        let is_new = last.is_match && last.depth > old.told;
        let before = steps.before.filter(|before| is_new && is_better(config, last.value, *before));
        let told = if before.is_some() { last.depth } else { old.told };
        Ok((Some(Best { value, depth, told }), before.map(|before| news(config, last.value, before))))
    }

    /// Whether the history still has the step that was the best, and the player is not better now.
    async fn is_still_best(
        &self,
        config: &BoardConfig,
        mode: &Mode,
        player: PlayerId,
        best: Best,
    ) -> Result<bool, EngineError> {
        let keys = [Key::Rating(mode.clone(), player), Key::History(mode.clone(), player, best.depth)];
        let [rating, step] = &self.get(Home::Record, &keys).await?[..] else { return Ok(false) };
        let (Some(rating), Some(step)) = (rating, step) else { return Ok(false) };
        let [key, ..] = &keys;
        let now = standing(key, rating)?.0.rating.and_then(|row| of_rating(config, &row.rating));
        let Row::History(step) = &*step.row else { return Ok(false) };
        let is_there = of_rating(config, &step.after) == Some(best.value);
        Ok(is_there && now.is_some_and(|now| !is_better(config, now, best.value)))
    }

    async fn steps(
        &self,
        config: &BoardConfig,
        mode: &Mode,
        player: PlayerId,
    ) -> Result<Option<Steps>, EngineError> {
        let mut steps: Option<Steps> = None;
        self.each(KeyRange::History(mode.clone(), player), |key, found| {
            let (Key::History(_, _, depth), Row::History(row)) = (&key, &*found.row) else {
                return Err(EngineError::damaged(&key));
            };
            let Some(value) = of_rating(config, &row.after) else { return Ok(()) };
            let last = Last { value, depth: *depth, is_match: matches!(row.step, Step::Match { .. }) };
            let best = steps.as_ref().map(|steps| steps.best);
            let is_best = best.is_none_or(|(most, _)| is_better(config, value, most));
            steps = Some(Steps {
                best: if is_best { (value, *depth) } else { best.unwrap_or((value, *depth)) },
                before: best.map(|(most, _)| most),
                last,
            });
            Ok(())
        })
        .await?;
        Ok(steps)
    }
}
