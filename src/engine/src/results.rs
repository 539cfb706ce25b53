//! Results: the moment a match counts. Exactly once, for ever, whatever is repeated, late or lost in between.
use crate::{
    Call, Engine, EngineError, Principal,
    matches::archive,
    store::{
        ChangeSet, Expect, HistoryRow, Home, Key, KeyRange, MatchRow, Op, OutboxRow, PendingRow, Prediction,
        PushEvent, PushKind, RatingRow, ResultRow, Row, SideChange, Version, Write,
    },
};
use gsm_core::{CommitKey, MatchId, Millis, Mode, PlayerId, Timestamp, limits};
use gsm_rating::{Entrant, Rating, Side, System};
use gsm_session::{MatchResult, MatchState, OutcomeKind, Report, Roster};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Writes of a result commit that are not ratings: the result, the outbox, and room for the store's own.
const RESULT_WRITES_OTHER: usize = 4;
/// Owed follow-ups read at once.
const OUTBOX_PAGE: usize = 256;

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

/// A mean as boards compare and show it: thousandths of a point.
#[must_use]
pub(crate) fn score_of(rating: &Rating) -> i64 {
    (rating.mean * 1_000.0).round() as i64
}

/// What a match does to its players' ratings, in roster order. `before` is grown to the time of the match.
pub(crate) fn rate(
    system: &System,
    roster: &Roster,
    result: &MatchResult,
    before: &[Rating],
) -> Result<Vec<SideChange>, EngineError> {
    let mut ratings = before.iter();
    let entrants: Vec<Vec<Entrant>> = roster
        .sides()
        .iter()
        .map(|side| {
            side.iter()
                .map(|player| Entrant {
                    rating: ratings.next().copied().unwrap_or_else(|| system.initial()),
                    quit: result.quits().binary_search(player).is_ok(),
                })
                .collect()
        })
        .collect();
    let sides: Vec<Side<'_>> =
        entrants.iter().zip(result.places()).map(|(players, place)| Side::new(*place, players)).collect();
    let changes = system.update(&sides).map_err(|e| EngineError::invalid("result", e))?;
    Ok(roster
        .players()
        .zip(changes.into_iter().flatten())
        .map(|(player, change)| SideChange {
            player,
            before: change.before,
            after: change.after,
            expected: change.expected.get(),
            actual: change.actual,
        })
        .collect())
}

/// The rating row after a change.
pub(crate) fn next_row(
    old: Option<&RatingRow>,
    after: Rating,
    result: &MatchResult,
    roster: &Roster,
    player: PlayerId,
    at: Timestamp,
) -> RatingRow {
    let old = old.copied();
    let kind = result.outcome_for(roster, player).map(|o| o.kind);
    let score = score_of(&after);
    let add = |n: u32, is: bool| n.saturating_add(u32::from(is));
    RatingRow {
        rating: after,
        rated_at: old.map_or(at, |row| row.rated_at.max(at)),
        games: add(old.map_or(0, |row| row.games), true),
        wins: add(old.map_or(0, |row| row.wins), kind == Some(OutcomeKind::Win)),
        draws: add(old.map_or(0, |row| row.draws), kind == Some(OutcomeKind::Draw)),
        score,
        reached_at: old.filter(|row| row.score == score).map_or(at, |row| row.reached_at),
    }
}

/// The history row of one change.
pub(crate) fn history(
    id: MatchId,
    change: &SideChange,
    row: &RatingRow,
    result: &MatchResult,
    roster: &Roster,
) -> HistoryRow {
    let side = roster.side_of(change.player).unwrap_or(0);
    HistoryRow {
        match_id: id,
        before: change.before,
        after: change.after,
        place: result.places().get(side).copied().unwrap_or(1),
        sides: u32::try_from(roster.sides().len()).unwrap_or(u32::MAX),
        expected: change.expected,
        actual: change.actual,
        quit: result.quits().binary_search(&change.player).is_ok(),
        games: row.games,
    }
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
        if let Some(row) = self.result_row(id).await? {
            return self.repeated(call, id, row, report).await;
        }
        // Embedded, the end of the match goes into the same commit; scaled out, it follows from the outbox.
        let live = if facts.is_none() || self.homes.is_one() { self.live_match(id).await? } else { None };
        let facts = match (facts, &live) {
            (Some(facts), _) => facts.clone(),
            (None, Some((row, _))) => {
                if !Self::sees_match(call, id, row) || matches!(call.principal, Principal::Player(_)) {
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
        if self.homes.is_one()
            && live.is_none()
            && let Some(state) = self.ended_state(id).await?
        {
            return Err(EngineError::NoResultNow { state: state.as_str() });
        }
        let result = MatchResult::validate(report, &facts.roster)
            .map_err(|e| EngineError::Invalid { field: e.field.clone(), detail: e.fault.to_string() })?;
        let decided = self.decide(call, id, &facts, result).await?;
        self.commit_result(call, decided, live).await
    }

    /// Why a match that is not live takes no result.
    async fn no_result_for(&self, call: &Call, id: MatchId) -> Result<EngineError, EngineError> {
        Ok(match self.archived_match(id).await? {
            Some(row) if Self::sees_match(call, id, &row) => {
                EngineError::NoResultNow { state: row.state.as_str() }
            }
            _ => EngineError::Unknown { what: "match" },
        })
    }

    /// Answers a report for a match whose result is known.
    async fn repeated(
        &self,
        call: &Call,
        id: MatchId,
        row: ResultRow,
        report: &Report,
    ) -> Result<ResultView, EngineError> {
        let foreign = match &call.principal {
            Principal::Server(_) => {
                self.archived_match(id).await?.is_some_and(|m| !Self::sees_match(call, id, &m))
            }
            Principal::Player(_) | Principal::Anonymous => true,
            _ => false,
        };
        if foreign {
            return Err(EngineError::Unknown { what: "match" });
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
        let before: Vec<Rating> = ratings
            .iter()
            .map(|row| match row {
                Some((row, _)) => system.at(row.rating, Some(row.rated_at), call.now),
                None => system.initial(),
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
        if self.homes.is_one() {
            if let Some((mut ended, version)) = live {
                ended.state = MatchState::Finished;
                ended.changed_at = call.now;
                changes.folds.push(archive(id, &ended));
                self.add_match_end(&mut changes, id, &ended, version).await?;
            }
            if large {
                changes.create(Key::Outbox(id), Row::Outbox(OutboxRow { at: call.now }));
            }
            self.commit(Home::Record, changes).await?;
            if large {
                self.finish_pending(id).await?;
            }
        } else {
            changes.create(Key::Outbox(id), Row::Outbox(OutboxRow { at: call.now }));
            self.commit(Home::Record, changes).await?;
            // The result counts from here on. If the rest fails now, the outbox brings it about later.
            let done = if large { self.finish_pending(id).await } else { Ok(()) };
            let done = if done.is_ok() { self.settle_owed(id).await } else { done };
            if let Err(error) = done {
                tracing::debug!(match_id = %id, %error, "the end of a match follows later");
            }
        }
        row.pending = None;
        Ok(ResultView { match_id: id, row })
    }

    /// Applies the chunks of a large result that have not been applied, each once, and closes it.
    pub(crate) async fn finish_pending(&self, id: MatchId) -> Result<(), EngineError> {
        let key = Key::Result(id);
        loop {
            let Some(found) = self.get_one(&key).await? else { return Err(EngineError::Raced) };
            let Row::Result(row) = &*found.row else { return Err(EngineError::damaged(&key)) };
            let Some(pending) = row.pending else { return Ok(()) };
            for chunk in 0..pending.chunks {
                self.apply_chunk(id, row, pending, chunk).await?;
            }
            let call = Call::system("gsm:ReportResult", self.clock.now());
            let mut changes = self.changes(&call, &[&id]);
            changes.audit = None;
            changes.replace(
                key.clone(),
                Some(found.version),
                Row::Result(ResultRow { pending: None, ..row.clone() }),
            );
            match self.commit(Home::Record, changes).await {
                Ok(_) => return Ok(()),
                Err(EngineError::Raced) => {}
                Err(other) => return Err(other),
            }
        }
    }

    async fn apply_chunk(
        &self,
        id: MatchId,
        result: &ResultRow,
        pending: PendingRow,
        chunk: u32,
    ) -> Result<(), EngineError> {
        let marker = Key::ResultChunk(id, chunk);
        let system = self.views.queues.system_of(&result.mode).unwrap_or_default();
        let first = chunk as usize * pending.chunk as usize;
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            if self.get_one(&marker).await?.is_some() {
                return Ok(());
            }
            let part: Vec<SideChange> =
                result.changes.iter().skip(first).take(pending.chunk as usize).cloned().collect();
            let players: Vec<PlayerId> = part.iter().map(|c| c.player).collect();
            let rows = self.rating_rows(&result.mode, &players).await?;
            let call = Call::system("gsm:ReportResult", result.at);
            let mut changes = self.changes(&call, &[&id]);
            changes.audit = None;
            changes.create(marker.clone(), Row::ResultChunk);
            for (at, (mut change, old)) in part.into_iter().zip(&rows).enumerate() {
                let now = match old {
                    Some((row, _)) => system.at(row.rating, Some(row.rated_at), result.at),
                    None => system.initial(),
                };
                if now != change.before {
                    // Another match counted in between: this one moves the rating from where it is now, against the
                    // others as they were.
                    let mut before: Vec<Rating> = result.changes.iter().map(|c| c.before).collect();
                    if let Some(own) = before.get_mut(first + at) {
                        *own = now;
                    }
                    if let Some(again) =
                        rate(&system, &result.roster, &result.result, &before)?.into_iter().nth(first + at)
                    {
                        change = again;
                    }
                }
                self.add_rating(&mut changes, id, result, &change, old.as_ref());
            }
            match self.commit(Home::Record, changes).await {
                Ok(_) => return Ok(()),
                Err(EngineError::Raced) => {}
                Err(other) => return Err(other),
            }
        }
        Err(EngineError::Contended)
    }

    /// Brings about what other homes are owed; how many there were. Each follow-up can be repeated without harm.
    pub(crate) async fn settle_outbox(&self) -> Result<usize, EngineError> {
        let store = self.store(Home::Record).clone();
        let mut owed = 0;
        loop {
            let page = store.list(&KeyRange::Outbox, None, OUTBOX_PAGE, false).await?;
            if page.is_empty() {
                return Ok(owed);
            }
            let before = owed;
            for (key, _) in page {
                let Key::Outbox(id) = key else { return Err(EngineError::damaged(&key)) };
                self.finish_pending(id).await?;
                match self.settle_owed(id).await {
                    Ok(()) => owed += 1,
                    Err(EngineError::Raced) => {}
                    Err(other) => return Err(other),
                }
            }
            if owed == before {
                // Everything raced or reads were stale: the next turn goes on.
                return Ok(owed);
            }
        }
    }

    /// The end of one match in the document and the live home, then its outbox row.
    async fn settle_owed(&self, id: MatchId) -> Result<(), EngineError> {
        let outbox = Key::Outbox(id);
        let Some(owed) = self.get_one(&outbox).await? else { return Ok(()) };
        let call = Call::system("gsm:FinishMatch", self.clock.now());
        let mut changes = self.changes(&call, &[&id]);
        // Always the same key: whoever does it again, nobody is told twice.
        changes.key = finish_key(id);
        if let Some((mut ended, version)) = self.live_match(id).await? {
            ended.state = MatchState::Finished;
            ended.changed_at = call.now;
            let mut copy = self.changes(&call, &[&id]);
            copy.audit = None;
            copy.writes.push(archive(id, &ended));
            self.commit(Home::Document, copy).await?;
            self.add_match_end(&mut changes, id, &ended, version).await?;
        }
        if let Some(result) = self.result_row(id).await? {
            result.changes.iter().for_each(|change| tell_rating(&mut changes, id, &result.mode, change));
        }
        self.commit(Home::Live, changes).await?;
        let mut done = self.changes(&call, &[&id]);
        done.audit = None;
        done.delete(outbox, owed.version);
        self.commit(Home::Record, done).await?;
        Ok(())
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

    /// An operator sets a rating by hand, with a reason; games and history stay.
    pub async fn set_rating(
        &self,
        call: &Call,
        mode: &Mode,
        player: PlayerId,
        mean: f64,
        deviation: Option<f64>,
        reason: &str,
    ) -> Result<RatingRow, EngineError> {
        if !self.views.queues.has_mode(mode) {
            return Err(EngineError::Unknown { what: "mode" });
        }
        self.player_row(player).await?;
        let system = self.views.queues.system_of(mode).unwrap_or_default();
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            if let Some(first) = self.replayed(call, Home::Record).await? {
                return Ok(first);
            }
            let key = Key::Rating(mode.clone(), player);
            let old = self.rating_rows(mode, &[player]).await?.pop().flatten();
            let before = old.map_or_else(|| system.initial(), |(row, _)| row.rating);
            let after = Rating { mean, deviation: deviation.unwrap_or(before.deviation), ..before };
            let score = score_of(&after);
            let row = RatingRow {
                rating: after,
                rated_at: call.now,
                games: old.map_or(0, |(row, _)| row.games),
                wins: old.map_or(0, |(row, _)| row.wins),
                draws: old.map_or(0, |(row, _)| row.draws),
                score,
                reached_at: call.now,
            };
            let mut changes = self.changes(call, &[&player, mode]);
            if let Some(audit) = &mut changes.audit {
                audit.reason = Some(reason.to_owned());
            }
            changes.replace(key, old.map(|(_, version)| version), Row::Rating(row));
            self.remember(&mut changes, call, Home::Record, &row)?;
            match self.commit(Home::Record, changes).await {
                Ok(_) => return Ok(row),
                Err(EngineError::Raced) => {}
                Err(other) => return Err(other),
            }
        }
        Err(EngineError::Contended)
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

/// The key of the live home's share in the end of a match.
fn finish_key(id: MatchId) -> CommitKey {
    let mut bits = [0u8; 16];
    let mut hasher = blake3::Hasher::new_derive_key("gsm finish match 1");
    hasher.update(&id.as_u128().to_be_bytes()).finalize_xof().fill(&mut bits);
    CommitKey::from_u128(u128::from_be_bytes(bits))
}

fn tell_rating(changes: &mut ChangeSet, id: MatchId, mode: &Mode, change: &SideChange) {
    let kind =
        PushKind::Rating { mode: mode.clone(), match_id: id, before: change.before, after: change.after };
    changes.event(change.player, PushEvent { at: changes.at, kind });
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
