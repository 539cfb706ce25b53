//! Results: the moment a match counts. Exactly once, for ever, whatever is repeated, late or lost in between.
mod adjustment;
pub(crate) mod chain;
pub(crate) mod counting;
mod following;
mod history;
pub(crate) mod reset;
mod verdict;
mod walk;
mod why;

use crate::{
    Call, Engine, EngineError, Principal, QueueConfig,
    boards::tally::Tallies,
    jobs::{Sink, Stop},
    matches::{archive, end_writes},
    penalties::Blame,
    reports::Closing,
    store::{
        ChangeSet, Expect, Home, Key, LessonRow, MatchRow, OutboxRow, Prediction, PushEvent, PushKind,
        QuarantineRow, ResultRow, Row, StandingRow, Verdict, Version,
    },
};
use chain::{Link, Moved, depth_after};
use counting::tell_rating;
use gsm_core::{MatchId, Millis, Mode, PlayerId, QueueName};
use gsm_session::{MatchResult, MatchState, Report, Roster};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Writes of a result commit that are not ratings: the result, the outbox, the idempotency key, the quarantine, the gate's
/// check, and room for the store's own.
const RESULT_WRITES_OTHER: usize = 6;

/// What must be known of a match to take its result: from its row, or from its own token.
#[derive(Debug, Clone, PartialEq)]
pub struct MatchFacts {
    /// The mode it is rated in.
    pub mode: Mode,
    /// The queue that made it, if one did: what it has to say of who left.
    pub queue: Option<QueueName>,
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

impl ResultView {
    /// What is kept of it for a repeat: all that is told of a result, without what only the next rating needs.
    pub(crate) fn kept(&self) -> Self {
        let row = &self.row;
        let row = ResultRow { from: Vec::new(), offsets: Vec::new(), ..row.clone() };
        Self { match_id: self.match_id, row }
    }
}

/// A result about to be committed.
pub(crate) struct Decided {
    id: MatchId,
    row: ResultRow,
    /// Its players as the result leaves them, each with the version of the row as it was found.
    moved: Vec<(Moved, Option<Version>)>,
    /// Entries of boards that count it.
    tallies: Tallies,
    /// What it blames on whom.
    pub(crate) blame: Option<Blame>,
    /// What becomes of what its players said.
    pub(crate) closing: Option<Closing>,
}

impl Engine {
    /// Takes a match's result. The same result again gives it as it stands, and under the call's key the first answer;
    /// another one is refused. A match's own token brings `facts`, so that the record home alone is enough; others' are read from the live home.
    pub async fn report_result(
        &self,
        call: &Call,
        id: MatchId,
        facts: Option<&MatchFacts>,
        report: &Report,
    ) -> Result<ResultView, EngineError> {
        let mut tries = self.lines.tries();
        while tries.again().await {
            match self.try_report_result(call, id, facts, report).await {
                Err(EngineError::Raced(row)) => tries.lost(row),
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
        if !call.principal.may_report(id) {
            return Err(EngineError::Unknown { what: "match" });
        }
        let replayed = self.replayed::<Option<ResultView>>(call, Home::Record).await?;
        if let Some(Some(first)) = replayed {
            return Ok(first);
        }
        // Results are known by their match for ever, also without a key.
        if let Some(row) = self.result_row(id).await? {
            let stands = self.repeated(call, id, row, report).await?;
            if replayed.is_none() {
                self.answer_alone(call, Home::Record, &[&id], &stands.kept()).await?;
            }
            return Ok(stands);
        }
        // Embedded, the end of the match goes into the same commit; scaled out, it follows from the outbox.
        let live = if facts.is_none() || self.homes.is_one() { self.live_match(id).await? } else { None };
        let facts = match (facts, &live) {
            (Some(facts), _) => facts.clone(),
            (None, Some((row, _))) => {
                if !Self::sees_match(call, id, row) {
                    return Err(EngineError::Unknown { what: "match" });
                }
                MatchFacts { mode: row.mode.clone(), queue: row.queue.clone(), roster: row.roster.clone() }
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
        let queue = facts.queue.as_ref();
        let queue = queue.and_then(|queue| self.views.queues.of_match(queue, &facts.mode));
        let verdict = self.first_verdict(call, id, queue.as_deref(), (&result, &facts.roster), &live).await?;
        let blame = self.first_blame(id, queue.as_deref(), (&result, &report.afk), &verdict).await?;
        let closing = match &queue {
            Some(queue) if queue.reports.is_some() => self.closing_by_server(id, &result, &verdict).await?,
            _ => None,
        };
        let decided = Decided { blame, closing, ..self.decide(call, id, &facts, result, verdict).await? };
        self.commit_result(call, decided, live).await
    }

    /// What a new result blames on whom. Who did what in a match that is not believed is not believed either; who was
    /// reported while it ran stays so, but in one that is void.
    pub(crate) async fn first_blame(
        &self,
        id: MatchId,
        queue: Option<&QueueConfig>,
        (result, afk): (&MatchResult, &[PlayerId]),
        verdict: &Verdict,
    ) -> Result<Option<Blame>, EngineError> {
        if let (Verdict::Voided { .. }, Some(penal)) = (verdict, queue.and_then(QueueConfig::penal)) {
            return self.without_early(id, penal).await.map(Some);
        }
        let queue = queue.filter(|_| *verdict == Verdict::Counted);
        Ok(match queue.and_then(|queue| Blame::of(queue, result, afk)) {
            Some(blame) => Some(self.with_early(id, blame).await?),
            None => None,
        })
    }

    /// Whether a result counts at once, or has to be looked at first.
    pub(crate) async fn first_verdict(
        &self,
        call: &Call,
        id: MatchId,
        queue: Option<&QueueConfig>,
        of: (&MatchResult, &Roster),
        live: &Option<(MatchRow, Version)>,
    ) -> Result<Verdict, EngineError> {
        let Some(queue) = queue.filter(|queue| queue.plausibility.is_some()) else {
            return Ok(Verdict::Counted);
        };
        // The match's own token does without the live home; how long ago the match was made is only known there.
        let looked = if live.is_none() { self.live_match(id).await? } else { None };
        let live = live.as_ref().or(looked.as_ref()).map(|(row, _)| row);
        let doubt = self.doubt(call, queue, of, live).await?;
        Ok(doubt.map_or(Verdict::Counted, |reason| Verdict::Quarantined { reason, at: call.now }))
    }

    /// Why a match that is not live takes no result.
    pub(crate) async fn no_result_for(&self, call: &Call, id: MatchId) -> Result<EngineError, EngineError> {
        let Some(row) = self.archived_match(id).await?.filter(|row| Self::sees_match(call, id, row)) else {
            return Ok(EngineError::Unknown { what: "match" });
        };
        // It may have ended by this very result, reported by another call since this one looked for it.
        if self.result_row(id).await?.is_some() {
            return Ok(EngineError::Raced(None));
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
            == *row.first_report();
        if !same {
            return Err(EngineError::ResultContradicts { match_id: id });
        }
        Ok(ResultView { match_id: id, row })
    }

    /// Computes what a valid result does, from its players as they are read now.
    pub(crate) async fn decide(
        &self,
        call: &Call,
        id: MatchId,
        facts: &MatchFacts,
        result: MatchResult,
        verdict: Verdict,
    ) -> Result<Decided, EngineError> {
        let (name, scheme) = self.scheme_of(&facts.mode).await?;
        let players: Vec<PlayerId> = facts.roster.players().collect();
        let found = self.standings(&facts.mode, &players).await?.into_iter();
        let (from, versions): (Vec<_>, Vec<_>) = found.map(Option::unzip).unzip();
        let row = ResultRow { verdict, ..new_row(facts, result, call, name, &from) };
        let link = Link::Result(id, row).found(&scheme, from)?;
        let matches: Vec<_> = players.iter().map(|player| (*player, call.now)).collect();
        let mut tallies = self.match_tallies(&facts.mode, &matches).await?;
        let moved: Vec<_> = link.moved(&scheme).into_iter().zip(versions).collect();
        for (moved, _) in &moved {
            match &moved.history {
                Some(step) => tallies.take(moved.player, step),
                None => tallies.seat(moved.player),
            }
        }
        match link {
            Link::Result(_, row) => Ok(Decided { id, row, moved, tallies, blame: None, closing: None }),
            Link::Adjustment(..) => Err(EngineError::damaged(&Key::Result(id))),
        }
    }

    /// The result commit: result, ratings, history, events and what other homes are owed, all or nothing.
    pub(crate) async fn commit_result(
        &self,
        call: &Call,
        decided: Decided,
        live: Option<(MatchRow, Version)>,
    ) -> Result<ResultView, EngineError> {
        let room = self.store(Home::Record).limits().items_max.saturating_sub(RESULT_WRITES_OTHER);
        // So is what its players said.
        let room = room.saturating_sub(decided.closing.as_ref().map_or(0, |_| Closing::WRITES));
        // So is the end of a match in the same commit, and whoever it held is free by it.
        let ends = live.as_ref().filter(|_| self.homes.is_one()).map_or(0, |(row, _)| end_writes(row));
        let room = room.saturating_sub(ends).max(1);
        let mode = decided.row.mode.clone();
        let (id, owes) = (decided.id, !self.homes.is_one());
        let blamed = decided.blame.as_ref().map_or(0, Blame::writes);
        let view = if decided.moved.len() + decided.tallies.writes() + blamed > room {
            self.commit_large(call, decided, live).await?
        } else {
            let (mut changes, view) =
                self.head_of(call, id, (&decided.row, decided.blame.as_ref()), live).await?;
            self.remember_result(&mut changes, call, &view, decided.closing.as_ref())?;
            if let Some(closing) = decided.closing {
                closing.add_to(id, &mut changes);
            }
            for (moved, version) in decided.moved {
                let rating = Key::Rating(mode.clone(), moved.player);
                changes.replace(rating, version, Row::Rating(moved.after));
                if let Some(step) = moved.history {
                    changes
                        .fold(Key::History(mode.clone(), moved.player, view.row.depth), Row::History(step));
                }
            }
            let turns = decided.tallies.add_to(&mut changes);
            changes.check(Key::Gate(mode.clone()), Expect::Absent);
            let committed = self.commit(Home::Record, changes).await;
            // What holds the gate may wait for it.
            drop(turns);
            match committed {
                Ok(_) => view,
                Err(EngineError::Raced(row)) => {
                    self.pass_gate(&mode).await?;
                    return Err(EngineError::Raced(row));
                }
                Err(other) => return Err(other),
            }
        };
        // The result counts from here on. If the rest fails now, the outbox brings it about later.
        if owes && let Err(error) = self.follow(id).await {
            tracing::debug!(match_id = %id, %error, "what follows a result comes later");
        }
        Ok(view)
    }

    /// A result with more players than a change set has room for: behind the gate, so that it finds its players, and
    /// leaves them, all at one place of their chains.
    async fn commit_large(
        &self,
        call: &Call,
        decided: Decided,
        live: Option<(MatchRow, Version)>,
    ) -> Result<ResultView, EngineError> {
        let Decided { id, row, tallies, blame, closing, .. } = decided;
        // Whoever holds the gate may wait for the turn that they hold.
        drop(tallies);
        let gate = self.close_gate(&row.mode).await?;
        let mut sink = Sink::staged(self, gate);
        let prepared = self.prepare_large(call, id, (row, blame), live, &mut sink).await;
        let prepared = prepared.and_then(|(mut head, view)| {
            self.remember_result(&mut head, call, &view, closing.as_ref())?;
            if let Some(closing) = closing {
                closing.add_to(id, &mut head);
            }
            Ok((head, view))
        });
        self.close_job(sink, prepared).await
    }

    async fn prepare_large(
        &self,
        call: &Call,
        id: MatchId,
        (row, blame): (ResultRow, Option<Blame>),
        live: Option<(MatchRow, Version)>,
        sink: &mut Sink<'_>,
    ) -> Result<(ChangeSet, ResultView), Stop> {
        // Who was read before the gate closed may have moved since.
        let facts = MatchFacts { mode: row.mode, queue: None, roster: row.roster };
        let Decided { row, moved, tallies, .. } =
            self.decide(call, id, &facts, row.result, row.verdict).await?;
        for (moved, version) in moved {
            let rating = Key::Rating(row.mode.clone(), moved.player);
            sink.put(rating, version, Row::Rating(moved.after)).await?;
            let step = Key::History(row.mode.clone(), moved.player, row.depth);
            sink.history(step, moved.history.map(Row::History)).await?;
        }
        tallies.send(sink).await?;
        Ok(self.head_of(call, id, (&row, blame.as_ref()), live).await?)
    }

    /// The result itself, what it blames on whom, who is told, and what other homes are owed; not the ratings.
    async fn head_of(
        &self,
        call: &Call,
        id: MatchId,
        (row, blame): (&ResultRow, Option<&Blame>),
        live: Option<(MatchRow, Version)>,
    ) -> Result<(ChangeSet, ResultView), EngineError> {
        let mut changes = self.changes(call, &[&id, &row.mode]);
        changes.create(Key::Result(id), Row::Result(Box::new(row.clone())));
        if let Verdict::Quarantined { reason, at } | Verdict::Disputed { reason, at } = &row.verdict {
            let (mode, reason) = (row.mode.clone(), reason.clone());
            changes.create(Key::Quarantine(id), Row::Quarantine(QuarantineRow { mode, at: *at, reason }));
        } else if row.counts() {
            let forecast = live.as_ref().and_then(|(live, _)| live.prediction.forecast.as_deref());
            let lesson = LessonRow::new((row.at, row.depth), &row.roster, &row.result, forecast);
            changes.fold(Key::Lesson(row.mode.clone(), id), Row::Lesson(Box::new(lesson)));
        }
        if self.homes.is_one() {
            // Push streams are the live home's: where it is another store, they follow with the end of the match.
            row.changes.iter().for_each(|change| tell_rating(&mut changes, id, &row.mode, change));
            tell_disputed(&mut changes, id, row);
            if let Some((mut ended, version)) = live {
                ended.state = MatchState::Finished;
                ended.changed_at = call.now;
                changes.folds.push(archive(id, &ended));
                self.add_match_end(&mut changes, id, &ended, version).await?;
            }
        } else {
            changes.create(Key::Outbox(id), Row::Outbox(OutboxRow { at: call.now }));
        }
        if let Some(blame) = blame {
            self.add_blame(&mut changes, id, blame, row.at).await?;
        }
        Ok((changes, ResultView { match_id: id, row: row.clone() }))
    }

    /// Keeps the answer for a repeat. A player who has reported is told what the others say, too.
    fn remember_result(
        &self,
        changes: &mut ChangeSet,
        call: &Call,
        view: &ResultView,
        closing: Option<&Closing>,
    ) -> Result<(), EngineError> {
        match (&call.principal, closing) {
            (Principal::Player(_), Some(closing)) => {
                let told = closing.told(view.kept());
                self.remember(changes, call, Home::Record, &told)
            }
            _ => self.remember(changes, call, Home::Record, &view.kept()),
        }
    }

    pub(crate) async fn result_row(&self, id: MatchId) -> Result<Option<ResultRow>, EngineError> {
        let key = Key::Result(id);
        match self.get_one(&key).await?.map(|found| found.row) {
            None => Ok(None),
            Some(row) => match &*row {
                Row::Result(row) => Ok(Some((**row).clone())),
                _ => Err(EngineError::damaged(&key)),
            },
        }
    }

    pub(crate) async fn result_view(&self, id: MatchId) -> Result<Option<ResultView>, EngineError> {
        Ok(self.result_row(id).await?.map(|row| ResultView { match_id: id, row }))
    }
}

/// Tells the players of a match that they do not agree on its result, if it is so.
fn tell_disputed(changes: &mut ChangeSet, id: MatchId, row: &ResultRow) {
    if let Verdict::Disputed { reason, .. } = &row.verdict {
        let at = changes.at;
        for player in row.roster.players() {
            let kind = PushKind::Dispute { match_id: id, reason: reason.clone() };
            changes.event(player, PushEvent { at, kind });
        }
    }
}

/// The row of a new result, before anything follows from it.
pub(crate) fn new_row(
    facts: &MatchFacts,
    result: MatchResult,
    call: &Call,
    system: u64,
    from: &[Option<StandingRow>],
) -> ResultRow {
    ResultRow {
        mode: facts.mode.clone(),
        roster: facts.roster.clone(),
        result,
        at: call.now,
        depth: depth_after(from),
        system,
        from: Vec::new(),
        changes: Vec::new(),
        offsets: Vec::new(),
        call: call.once.map(|once| (once.scope, once.body)),
        verdict: Verdict::Counted,
        reported: None,
    }
}

/// A match of which only the result is kept (an import), as if it had been played here.
pub(crate) fn match_of_result(row: &ResultRow) -> MatchRow {
    MatchRow {
        queue: None,
        mode: row.mode.clone(),
        roster: row.roster.clone(),
        teams: Vec::new(),
        roles: BTreeMap::new(),
        state: MatchState::Finished,
        created_at: row.at,
        changed_at: row.at,
        expires_at: row.at,
        tickets: Vec::new(),
        claimed: false,
        prediction: Prediction { model: String::new(), expected: Vec::new(), forecast: None },
        spread: 0.0,
        wait_ms_max: Millis::ZERO,
        player_sessions: Vec::new(),
        connection: None,
        created_by: None,
    }
}
