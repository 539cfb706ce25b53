//! Results: the moment a match counts. Exactly once, for ever, whatever is repeated, late or lost in between.
mod correction;
mod counting;
mod following;

use crate::{
    Call, Engine, EngineError, Principal,
    matches::archive,
    store::{
        ChangeSet, Expect, Home, Key, MatchRow, Op, OutboxRow, PendingRow, Prediction, RatingRow, ResultRow,
        Row, SideChange, Version, Write,
    },
};
use counting::tell_rating;
pub(crate) use counting::{history, next_row, rate};
use gsm_core::{MatchId, Millis, Mode, PlayerId, limits};
use gsm_rating::Rating;
use gsm_session::{MatchResult, MatchState, Report, Roster};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Writes of a result commit that are not ratings: the result, the outbox, the idempotency key, and room for the
/// store's own.
const RESULT_WRITES_OTHER: usize = 4;

/// What must be known of a match to take its result: from its row, or from its own token.
#[derive(Debug, Clone, PartialEq)]
pub struct MatchFacts {
    /// The mode it is rated in.
    pub mode: Mode,
    /// Who played.
    pub roster: Roster,
}

/// A result as it counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResultView {
    /// Which match.
    pub match_id: MatchId,
    /// The row.
    pub row: ResultRow,
}

/// A result about to be committed.
pub(crate) struct Decided {
    pub(crate) id: MatchId,
    pub(crate) row: ResultRow,
    ratings: Vec<Option<(RatingRow, Version)>>,
}

impl Engine {
    /// Takes a match's result. The same result again gives the first answer; another one is refused. A match's own
    /// token brings `facts`, so that the record home alone is enough; others' are read from the live home.
    pub async fn report_result(
        &self,
        call: &Call,
        id: MatchId,
        facts: Option<&MatchFacts>,
        report: &Report,
    ) -> Result<ResultView, EngineError> {
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            match self.try_report_result(call, id, facts, report).await {
                Err(EngineError::Raced) => {}
                done => return done,
            }
        }
        Err(EngineError::Contended)
    }

    async fn try_report_result(
        &self,
        call: &Call,
        id: MatchId,
        facts: Option<&MatchFacts>,
        report: &Report,
    ) -> Result<ResultView, EngineError> {
        let foreign = match &call.principal {
            Principal::Player(_) | Principal::Anonymous => true,
            Principal::Match(own) => *own != id,
            Principal::Server(_) | Principal::Admin(_) | Principal::System => false,
        };
        if foreign {
            return Err(EngineError::Unknown { what: "match" });
        }
        // Results are known by their match for ever; the key only tells whether it was meant for another request.
        let replayed = self.replayed::<()>(call, Home::Record).await?.is_some();
        if let Some(row) = self.result_row(id).await? {
            let first = self.repeated(call, id, row, report).await?;
            if !replayed {
                self.remember_alone(call, Home::Record, &[&id]).await?;
            }
            return Ok(first);
        }
        // Embedded, the end of the match goes into the same commit; scaled out, it follows from the outbox.
        let live = if facts.is_none() || self.homes.is_one() { self.live_match(id).await? } else { None };
        let facts = match (facts, &live) {
            (Some(facts), _) => facts.clone(),
            (None, Some((row, _))) => {
                if !Self::sees_match(call, id, row) {
                    return Err(EngineError::Unknown { what: "match" });
                }
                MatchFacts { mode: row.mode.clone(), roster: row.roster.clone() }
            }
            (None, None) => return Err(self.no_result_for(call, id).await?),
        };
        if let Some((row, _)) = &live
            && !row.state.takes_result()
        {
            return Err(EngineError::NoResultNow { state: row.state.as_str() });
        }
        if self.homes.is_one() && live.is_none() && self.archived_match(id).await?.is_some() {
            return Err(self.no_result_for(call, id).await?);
        }
        let result = MatchResult::validate(report, &facts.roster)
            .map_err(|e| EngineError::Invalid { field: e.field.clone(), detail: e.fault.to_string() })?;
        let decided = self.decide(call, id, &facts, result).await?;
        self.commit_result(call, decided, live).await
    }

    /// Why a match that is not live takes no result.
    async fn no_result_for(&self, call: &Call, id: MatchId) -> Result<EngineError, EngineError> {
        let Some(row) = self.archived_match(id).await?.filter(|row| Self::sees_match(call, id, row)) else {
            return Ok(EngineError::Unknown { what: "match" });
        };
        // It may have ended by this very result, reported by another call since this one looked for it.
        if self.result_row(id).await?.is_some() {
            return Ok(EngineError::Raced);
        }
        Ok(EngineError::NoResultNow { state: row.state.as_str() })
    }

    /// Answers a report for a match whose result is known.
    async fn repeated(
        &self,
        call: &Call,
        id: MatchId,
        row: ResultRow,
        report: &Report,
    ) -> Result<ResultView, EngineError> {
        if matches!(call.principal, Principal::Server(_)) {
            // Its copy may follow a moment after the result.
            let known = match self.archived_match(id).await? {
                Some(row) => Some(row),
                None => self.live_match(id).await?.map(|(row, _)| row),
            };
            if known.is_some_and(|row| !Self::sees_match(call, id, &row)) {
                return Err(EngineError::Unknown { what: "match" });
            }
        }
        if let (Some((scope, body)), Some(once)) = (row.call, call.once)
            && scope == once.scope
            && body != once.body
        {
            return Err(EngineError::IdempotencyMismatch);
        }
        let same = MatchResult::validate(report, &row.roster)
            .map_err(|e| EngineError::Invalid { field: e.field.clone(), detail: e.fault.to_string() })?
            == row.result;
        if !same {
            return Err(EngineError::ResultContradicts { match_id: id });
        }
        if row.pending.is_some() {
            self.finish_pending(id).await?;
        }
        Ok(ResultView { match_id: id, row: ResultRow { pending: None, ..row } })
    }

    /// Computes what a valid result does, from the ratings as they are read now.
    pub(crate) async fn decide(
        &self,
        call: &Call,
        id: MatchId,
        facts: &MatchFacts,
        result: MatchResult,
    ) -> Result<Decided, EngineError> {
        let system = self.views.queues.system_of(&facts.mode).unwrap_or_default();
        let players: Vec<PlayerId> = facts.roster.players().collect();
        let ratings = self.rating_rows(&facts.mode, &players).await?;
        let before: Vec<(Rating, u32)> = ratings
            .iter()
            .map(|row| match row {
                Some((row, _)) => (system.at(row.rating, Some(row.rated_at), call.now), row.games),
                None => (system.initial(), 0),
            })
            .collect();
        let changes = rate(&system, &facts.roster, &result, &before)?;
        let row = ResultRow {
            mode: facts.mode.clone(),
            roster: facts.roster.clone(),
            result,
            at: call.now,
            changes,
            call: call.once.map(|once| (once.scope, once.body)),
            pending: None,
        };
        Ok(Decided { id, row, ratings })
    }

    /// The result commit: result, ratings, history, events and what other homes are owed, all or nothing.
    pub(crate) async fn commit_result(
        &self,
        call: &Call,
        decided: Decided,
        live: Option<(MatchRow, Version)>,
    ) -> Result<ResultView, EngineError> {
        let Decided { id, mut row, ratings } = decided;
        let room = self.store(Home::Record).limits().items_max.saturating_sub(RESULT_WRITES_OTHER).max(1);
        let mut changes = self.changes(call, &[&id, &row.mode]);
        let large = row.changes.len() > room;
        if large {
            let chunks = row.changes.len().div_ceil(room);
            let fit = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
            row.pending = Some(PendingRow { chunk: fit(room), chunks: fit(chunks) });
        } else {
            for (change, old) in row.changes.iter().zip(&ratings) {
                self.add_rating(&mut changes, id, &row, change, old.as_ref());
            }
        }
        changes.create(Key::Result(id), Row::Result(row.clone()));
        self.remember(&mut changes, call, Home::Record, &())?;
        if self.homes.is_one()
            && let Some((mut ended, version)) = live
        {
            ended.state = MatchState::Finished;
            ended.changed_at = call.now;
            changes.folds.push(archive(id, &ended));
            self.add_match_end(&mut changes, id, &ended, version).await?;
        }
        let owes = large || !self.homes.is_one();
        if owes {
            changes.create(Key::Outbox(id), Row::Outbox(OutboxRow { at: call.now }));
        }
        self.commit(Home::Record, changes).await?;
        // The result counts from here on. If the rest fails now, the outbox brings it about later.
        if owes && let Err(error) = self.follow(id).await {
            tracing::debug!(match_id = %id, %error, "what follows a result comes later");
        }
        row.pending = None;
        Ok(ResultView { match_id: id, row })
    }

    pub(crate) async fn result_row(&self, id: MatchId) -> Result<Option<ResultRow>, EngineError> {
        let key = Key::Result(id);
        match self.get_one(&key).await?.map(|found| found.row) {
            None => Ok(None),
            Some(row) => match &*row {
                Row::Result(row) => Ok(Some(row.clone())),
                _ => Err(EngineError::damaged(&key)),
            },
        }
    }

    pub(crate) async fn result_view(&self, id: MatchId) -> Result<Option<ResultView>, EngineError> {
        Ok(self
            .result_row(id)
            .await?
            .map(|row| ResultView { match_id: id, row: ResultRow { pending: None, ..row } }))
    }

    /// Adds one player's share of a result: the rating, its history, the event.
    fn add_rating(
        &self,
        changes: &mut ChangeSet,
        id: MatchId,
        result: &ResultRow,
        change: &SideChange,
        old: Option<&(RatingRow, Version)>,
    ) {
        let player = change.player;
        let row = next_row(
            old.map(|(row, _)| row),
            change.after,
            &result.result,
            &result.roster,
            player,
            result.at,
        );
        let step = history(id, change, &row, &result.result, &result.roster);
        changes.replace(
            Key::Rating(result.mode.clone(), player),
            old.map(|(_, version)| *version),
            Row::Rating(row),
        );
        let op = Op::Put { row: Arc::new(Row::History(step)), expires_at: None };
        let key = Key::History(result.mode.clone(), player, result.at, id);
        changes.folds.push(Write { key, expect: Expect::Any, op });
        // Push streams are the live home's: where it is another store, the event follows with the end of the match.
        if self.homes.is_one() {
            tell_rating(changes, id, &result.mode, change);
        }
    }
}

/// A match of which only the result is kept (an import), as if it had been played here.
pub(crate) fn match_of_result(row: &ResultRow) -> MatchRow {
    MatchRow {
        queue: None,
        mode: row.mode.clone(),
        roster: row.roster.clone(),
        state: MatchState::Finished,
        created_at: row.at,
        changed_at: row.at,
        expires_at: row.at,
        tickets: Vec::new(),
        claimed: false,
        prediction: Prediction { model: String::new(), expected: Vec::new() },
        spread: 0.0,
        wait_ms_max: Millis::ZERO,
        player_sessions: Vec::new(),
        connection: None,
        created_by: None,
    }
}
