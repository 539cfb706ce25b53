//! A result voided or corrected: everything that follows from it ends as if it had always been so.
use super::{chain::Link, walk::Walk};
use crate::{
    Call, Engine, EngineError, ResultView,
    jobs::{Sink, Stop},
    penalties::Blame,
    store::{
        ChangeSet, Expect, Forecast, Home, Key, LessonRow, RatingCause, ResultRow, Row, Verdict, Version,
    },
};
use gsm_core::MatchId;
use gsm_session::{MatchResult, Report};
use std::sync::Arc;

/// Writes of a verdict that are not ratings: the result, the idempotency key, the gate, the quarantine with the lesson, what
/// players said, and room for the store's own.
const VERDICT_WRITES_OTHER: usize = 7;

/// What somebody decides about a result.
#[derive(Clone, Copy)]
enum Ruling<'a> {
    Void,
    Correct(&'a Report),
    /// A result in quarantine, or in dispute, counts as it was reported.
    Release,
}

impl Ruling<'_> {
    /// The row as it shall be, or nothing if it is so already.
    fn on(self, row: &ResultRow, call: &Call, reason: &str) -> Result<Option<ResultRow>, EngineError> {
        let (reason, at) = (reason.to_owned(), call.now);
        let is_new = row.waits();
        let ruled = match self {
            Self::Release if !is_new => return Ok(None),
            Self::Release => ResultRow { verdict: Verdict::Counted, ..row.clone() },
            Self::Void => ResultRow { verdict: Verdict::Voided { reason, at }, ..row.clone() },
            Self::Correct(report) => {
                // Whoever corrects places has not said that another variant was played.
                let roster = row.roster.clone().with_variant(row.result.variant().cloned());
                let result = MatchResult::validate(report, &roster).map_err(|e| EngineError::Invalid {
                    field: e.field.clone(),
                    detail: e.fault.to_string(),
                })?;
                let first = row.first_report();
                let reported = (*first != result).then(|| Box::new(first.clone()));
                ResultRow { verdict: Verdict::Corrected { reason, at }, result, reported, ..row.clone() }
            }
        };
        Ok((is_new || ruled.counts() != row.counts() || ruled.result != row.result).then_some(ruled))
    }

    fn cause(self) -> RatingCause {
        match self {
            Self::Void => RatingCause::Void,
            Self::Correct(_) | Self::Release => RatingCause::Correction,
        }
    }
}

impl Engine {
    /// An operator takes a result back: ratings, history, boards and everything rated since end as if the match had
    /// never been played. Its row stays, with what was reported. Doing it again changes nothing; a correction makes
    /// the match count again, in its old place.
    ///
    /// # Errors
    /// [`EngineError::NoResult`] if the match has none yet.
    pub async fn void_result(
        &self,
        call: &Call,
        id: MatchId,
        reason: &str,
    ) -> Result<ResultView, EngineError> {
        self.rule(call, id, Ruling::Void, reason).await
    }

    /// An operator corrects a result: ratings, history, boards and everything rated since end as if the match had
    /// ended like this, in the variant that the result names unless `report` names one. What was reported is kept
    /// beside it. The result that counts already changes nothing.
    ///
    /// # Errors
    /// [`EngineError::NoResult`] if the match has none yet; [`EngineError::Invalid`] if the report is none of this
    /// match.
    pub async fn correct_result(
        &self,
        call: &Call,
        id: MatchId,
        report: &Report,
        reason: &str,
    ) -> Result<ResultView, EngineError> {
        self.rule(call, id, Ruling::Correct(report), reason).await
    }

    /// An operator believes a result that is in quarantine: it counts as it was reported, in its place. Any other
    /// result stays as it is.
    ///
    /// # Errors
    /// [`EngineError::NoResult`] if the match has none yet.
    pub async fn release_result(
        &self,
        call: &Call,
        id: MatchId,
        reason: &str,
    ) -> Result<ResultView, EngineError> {
        self.rule(call, id, Ruling::Release, reason).await
    }

    async fn rule(
        &self,
        call: &Call,
        id: MatchId,
        ruling: Ruling<'_>,
        reason: &str,
    ) -> Result<ResultView, EngineError> {
        let mut tries = self.lines.tries();
        while tries.again().await {
            match self.try_rule(call, id, ruling, reason).await {
                Err(EngineError::Raced(row)) => tries.lost(row),
                Ok(view) => {
                    self.learn_anew_after_ruling(&view.row.mode).await;
                    return Ok(view);
                }
                Err(error) => return Err(error),
            }
        }
        Err(EngineError::Contended)
    }

    async fn try_rule(
        &self,
        call: &Call,
        id: MatchId,
        ruling: Ruling<'_>,
        reason: &str,
    ) -> Result<ResultView, EngineError> {
        match self.replayed(call, Home::Record).await? {
            Some(Some(first)) => return Ok(first),
            Some(None) => return self.result_view(id).await?.ok_or(EngineError::Raced(None)),
            None => {}
        }
        let mode = match self.result_row(id).await? {
            Some(row) => row.mode,
            None if self.live_match(id).await?.is_some() || self.archived_match(id).await?.is_some() => {
                // A stale read must not pass for a match without result.
                let gone = self.is_gone(Key::Result(id)).await?;
                return Err(if gone {
                    EngineError::NoResult { match_id: id }
                } else {
                    EngineError::Raced(None)
                });
            }
            None => return Err(EngineError::Unknown { what: "match" }),
        };
        // Where a store's reads may be stale and its events elsewhere, the gate makes sure of both.
        if self.homes.is_one() {
            match self.rule_at_once(call, id, ruling, reason).await {
                Err(Stop::Large) => {}
                Err(Stop::Failed(EngineError::Raced(row))) => {
                    self.pass_gate(&mode).await?;
                    return Err(EngineError::Raced(row));
                }
                Err(Stop::Failed(error)) => return Err(error),
                Ok(view) => return Ok(view),
            }
        }
        let gate = self.close_gate(&mode).await?;
        let mut sink = Sink::staged(self, gate);
        let prepared = self.prepare_ruling(call, id, ruling, reason, &mut sink).await;
        self.close_job(sink, prepared).await
    }

    /// The whole job as one change set, if it fits into one.
    async fn rule_at_once(
        &self,
        call: &Call,
        id: MatchId,
        ruling: Ruling<'_>,
        reason: &str,
    ) -> Result<ResultView, Stop> {
        let room = self.store(Home::Record).limits().items_max.saturating_sub(VERDICT_WRITES_OTHER);
        let mut sink = Sink::one(self, room);
        let (mut head, view) = self.prepare_ruling(call, id, ruling, reason, &mut sink).await?;
        if let Sink::One { changes, .. } = sink {
            head.merge(changes);
        }
        // What is blamed on whom is no part of the sink's count.
        if head.writes.len() >= self.store(Home::Record).limits().items_max {
            return Err(Stop::Large);
        }
        head.check(Key::Gate(view.row.mode.clone()), Expect::Absent);
        self.commit(Home::Record, head).await?;
        Ok(view)
    }

    /// What a ruling changes: the decision itself as a change set, all that follows into `sink`.
    async fn prepare_ruling(
        &self,
        call: &Call,
        id: MatchId,
        ruling: Ruling<'_>,
        reason: &str,
        sink: &mut Sink<'_>,
    ) -> Result<(ChangeSet, ResultView), Stop> {
        let (row, version) = self.result_at(id).await?.ok_or(EngineError::Raced(None))?;
        let mut head = self.changes(call, &[&id, &row.mode]);
        head.because(reason);
        let on = ruling.on(&row, call, reason)?;
        let blame = match ruling {
            Ruling::Void => None,
            Ruling::Release | Ruling::Correct(_) => {
                let result = on.as_ref().map_or(&row.result, |ruled| &ruled.result);
                let afk: &[_] = if let Ruling::Correct(report) = ruling { &report.afk } else { &[] };
                let queue = self.queue_of_match(id).await?;
                queue.and_then(|queue| Blame::of(&queue, result, afk))
            }
        };
        let blame = match (ruling, blame) {
            // A release that changes nothing says nothing of who did what either. Any other counts as it was reported:
            // who had been named before stays so.
            (Ruling::Release, Some(blame)) if on.is_some() => Some(Some(self.with_early(id, blame).await?)),
            (Ruling::Release, _) => None,
            (_, blame) => Some(blame),
        };
        if let Some(blame) = blame {
            for (player, event) in self.blame_again(&mut head, id, blame, row.at).await? {
                sink.tell(player, event).await?;
            }
        }
        if let Some(ruled) = &on {
            self.rule_on_reports(&mut head, id, ruled).await?;
        }
        if let Some(ruled) = on.as_ref().filter(|_| row.waits()) {
            let key = Key::Quarantine(id);
            let found = self.get_one(&key).await?.ok_or(EngineError::Raced(None))?;
            head.delete(key, found.version);
            if ruled.counts() {
                let foreseen = self.forecast_of(id).await?;
                let lesson =
                    LessonRow::new((row.at, row.depth), &row.roster, &ruled.result, foreseen.as_deref());
                head.fold(Key::Lesson(row.mode.clone(), id), Row::Lesson(Box::new(lesson)));
            }
        }
        let Some(ruled) = on else {
            // As it is already. The record says that it was asked for.
            head.check(Key::Result(id), Expect::At(version));
            let view = ResultView { match_id: id, row };
            self.remember(&mut head, call, Home::Record, &view.kept())?;
            return Ok((head, view));
        };
        let scheme = self.scheme(row.system).await?;
        let mode = row.mode.clone();
        if row.counts() || ruled.counts() {
            self.views.learning.spoil(&mode);
        }
        let old = Link::Result(id, row);
        let (from, place) = (old.from().to_vec(), old.place());
        let new = Link::Result(id, ruled).found(&scheme, from)?;
        let mut walk = Walk::new(self, &mode);
        walk.run(place, old.moved(&scheme), new.moved(&scheme), sink).await?;
        walk.close((id, ruling.cause()), call.now, &scheme.system, sink).await?;
        head.replace(Key::Result(id), Some(version), new.clone().into_row());
        let Link::Result(_, row) = new else { return Err(EngineError::damaged(&Key::Result(id)).into()) };
        let view = ResultView { match_id: id, row };
        self.remember(&mut head, call, Home::Record, &view.kept())?;
        Ok((head, view))
    }

    /// What was predicted of a match when it was formed; nothing of one that was not, or that is kept no longer.
    async fn forecast_of(&self, id: MatchId) -> Result<Option<Box<Forecast>>, EngineError> {
        Ok(self.row_of_match(id).await?.and_then(|row| row.prediction.forecast))
    }

    /// A result's row with its version.
    async fn result_at(&self, id: MatchId) -> Result<Option<(ResultRow, Version)>, EngineError> {
        let key = Key::Result(id);
        let Some(found) = self.get_one(&key).await? else { return Ok(None) };
        match Arc::unwrap_or_clone(found.row) {
            Row::Result(row) => Ok(Some((*row, found.version))),
            _ => Err(EngineError::damaged(&key)),
        }
    }
}
