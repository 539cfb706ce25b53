//! Personal bests: of a mode's boards, from the player's history as it stands now, or the part of it that is of the
//! season; of submissions, from what was seen.
use super::super::{BoardConfig, Direction, Operator, Value, view::View};
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

fn keeps_best(config: &BoardConfig) -> bool {
    config.columns.first().map(|column| column.operator) == Some(Operator::Best)
}

/// The matches of a player's history, as far as bests need them: what was set by hand or by a reset is no best.
struct Matches {
    /// The best, and the match that reached it first.
    best: (i64, u64),
    /// The best of all but the last.
    before: Option<i64>,
    /// The last.
    last: (i64, u64),
}

fn news(config: &BoardConfig, value: i64, before: i64) -> RankNews {
    RankNews::PersonalBest { value: config.shown(0, value), before: config.shown(0, before) }
}

/// What is a best of a board that scores are submitted to: better than all that was seen before. The first is none. An
/// entry that was taken off the board takes its best with it, also where another has come since: where the best is kept,
/// a number is never worse than it was.
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
        Some(old) if keeps_best(config) && is_better(config, old.value, value) => (best, None),
        Some(_) => (told, None),
    }
}

impl Engine {
    /// What is a best of a mode's board: the player's last match is better than all before, and has not been told. The first
    /// is none. Where nothing was `told`, `from_nothing` says that there was nothing to tell of then,
    /// else telling begins with what is now. Costs two reads while the best stays what it is, else the player's history.
    pub(super) async fn best_of_history(
        &self,
        view: &View,
        mode: &Mode,
        player: PlayerId,
        told: Option<Best>,
        from_nothing: bool,
    ) -> Result<(Option<Best>, Option<RankNews>), EngineError> {
        let config = &view.config;
        // An earlier version kept bests of some boards by what was seen: no step has the depth 0.
        let old = told.filter(|old| old.depth > 0);
        if let Some(old) = old
            && self.is_still_best(config, mode, player, old).await?
        {
            return Ok((told, None));
        }
        let Some(Matches { best: (value, depth), before, last: (last, last_depth) }) =
            self.matches_on(view, mode, player).await?
        else {
            return Ok((None, None));
        };
        let told_to = match old {
            Some(old) => old.told,
            None if told.is_none() && from_nothing => 0,
            None => return Ok((Some(Best { value, depth, told: last_depth }), None)),
        };
        let is_new = last_depth > told_to;
        let before = before.filter(|before| is_new && is_better(config, last, *before));
        let told = if before.is_some() { last_depth } else { told_to };
        Ok((Some(Best { value, depth, told }), before.map(|before| news(config, last, before))))
    }

    /// Whether the history still has the match that was the best, and the player is not better now.
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
        let is_there = is_match(&step.step) && of_rating(config, &step.after) == Some(best.value);
        Ok(is_there && now.is_some_and(|now| !is_better(config, now, best.value)))
    }

    /// The player's matches that count on a board: all, or those of the season.
    async fn matches_on(
        &self,
        view: &View,
        mode: &Mode,
        player: PlayerId,
    ) -> Result<Option<Matches>, EngineError> {
        let config = &view.config;
        let is_in =
            |at| view.season.is_none_or(|of| of.starts_at <= at && of.ends_at.is_none_or(|end| at < end));
        let mut matches: Option<Matches> = None;
        self.each(KeyRange::History(mode.clone(), player), |key, found| {
            let (Key::History(_, _, depth), Row::History(row)) = (&key, &*found.row) else {
                return Err(EngineError::damaged(&key));
            };
            let counts = is_match(&row.step) && is_in(row.at);
            let Some(value) = of_rating(config, &row.after).filter(|_| counts) else { return Ok(()) };
            let (last, before) = ((value, *depth), matches.as_ref().map(|matches| matches.best));
            let best = before.filter(|(most, _)| !is_better(config, value, *most)).unwrap_or(last);
            matches = Some(Matches { best, before: before.map(|(most, _)| most), last });
            Ok(())
        })
        .await?;
        Ok(matches)
    }
}

fn is_match(step: &Step) -> bool {
    matches!(step, Step::Match { .. })
}
