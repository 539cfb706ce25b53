//! Results that players report themselves, where their queue asks for it: k of n must say the same.
//!
//! What they say is a row of the record home, which the result commit closes: so a result counts once, and only if as
//! many said so as the queue asks for. What they do not agree on is a result in dispute, which has its place in the
//! order of the mode as one in quarantine has, and waits for an operator.
mod closing;
mod config;
mod followed;
mod reading;

pub(crate) use closing::Closing;
use closing::{Ending, Place, put};
pub use config::{Reports, Silence};
pub use followed::Candour;
pub(crate) use followed::Followed;

use crate::{
    Call, Engine, EngineError, Happening, MatchFacts, Principal, QueueConfig, ResultView,
    events::{Places, Telling, shown},
    matches::tell_match,
    store::{Expect, Home, Key, MatchRow, ReportsRow, ReportsStage, ResultRow, Row, Verdict, Version},
    tickets::ticket_row,
};
use gsm_core::{MatchId, Millis, PlayerId, limits};
use gsm_session::{Accord, MatchResult, MatchState, Report};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How long a match outlives the deadline of its reports, before it is abandoned.
const SETTLING: Millis = Millis::from_secs(60);

/// What the players of a match say of its end, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReportsView {
    /// Which match.
    pub match_id: MatchId,
    /// What they say; `None` where nobody has said anything.
    pub row: Option<ReportsRow>,
    /// The result, once there is one.
    pub result: Option<ResultView>,
}

impl Engine {
    /// Takes what a player says of a match that he plays; it replaces what he said before. Once enough say the same, that
    /// is the result; once that can no longer be, it is in dispute.
    ///
    /// # Errors
    /// [`EngineError::NoPlayerReports`] where a server alone reports; [`EngineError::NoResultNow`] before the match runs
    /// and after it ended otherwise; [`EngineError::Disputed`] and [`EngineError::ResultContradicts`] for another word
    /// once there is a result.
    pub async fn report_as_player(
        &self,
        call: &Call,
        id: MatchId,
        report: &Report,
    ) -> Result<ReportsView, EngineError> {
        let Principal::Player(player) = call.principal else {
            return Err(EngineError::Unknown { what: "match" });
        };
        let mut tries = self.lines.tries_at(&Key::Match(id));
        while tries.again().await {
            match self.try_report_as_player(call, id, player, report).await {
                Err(EngineError::Raced(row)) => tries.lost(row),
                done => return done,
            }
        }
        Err(EngineError::Contended)
    }

    async fn try_report_as_player(
        &self,
        call: &Call,
        id: MatchId,
        player: PlayerId,
        report: &Report,
    ) -> Result<ReportsView, EngineError> {
        let replayed = self.replayed::<Option<ReportsView>>(call, Home::Record).await?;
        if let Some(Some(first)) = replayed {
            return Ok(first);
        }
        let replayed = replayed.is_some();
        let known = self.reports_row(id).await?;
        if let Some(row) = self.result_row(id).await? {
            let known = known.map(|(row, _)| row);
            // A key that was answered once is answered again, whatever was ruled since.
            if !replayed {
                said_already(player, id, report, known.as_ref(), &row)?;
            }
            let view =
                ReportsView { match_id: id, row: known, result: Some(ResultView { match_id: id, row }) };
            if !replayed {
                let kept = ReportsView { result: view.result.as_ref().map(ResultView::kept), ..view.clone() };
                self.answer_alone(call, Home::Record, &[&id], &kept).await?;
            }
            return Ok(view);
        }
        // Embedded, a report rests on the match that runs; scaled out, the record home alone decides.
        let live = if known.is_none() || self.homes.is_one() { self.live_match(id).await? } else { None };
        let (mut row, read) = match (known, &live) {
            (Some((row, read)), _) => (row, Some(read)),
            (None, Some((live, _))) => (self.nothing_said(call, player, live)?, None),
            (None, None) => return Err(self.no_result_for(call, id).await?),
        };
        if row.roster.side_of(player).is_none() {
            return Err(EngineError::Unknown { what: "match" });
        }
        if row.stage != ReportsStage::Open {
            // Then there is a result, and it was read too early.
            return Err(EngineError::Raced(None));
        }
        let result = validated(report, &row)?;
        if replayed || row.voices.of(player).is_some_and(|voice| voice.result == result) {
            let view = ReportsView { match_id: id, row: Some(row), result: None };
            if !replayed {
                self.answer_alone(call, Home::Record, &[&id], &view).await?;
            }
            return Ok(view);
        }
        row.voices.say(player, call.now, result);
        let ending = match row.voices.accord(&row.roster, row.agree as usize) {
            Accord::Open => {
                let live = live.filter(|_| self.homes.is_one()).map(|(_, version)| version);
                return self.keep_reports(call, id, (row, read), live).await;
            }
            Accord::Reached(at) => row.voices.all().get(at).map(|voice| Ending::Counts(voice.result.clone())),
            Accord::Impossible => {
                Some(Ending::Disputed(format!("the players do not agree: {}", row.spoken())))
            }
        };
        let ending = ending.ok_or(EngineError::Raced(None))?;
        self.end_reports(call, id, (row, read), ending, live).await
    }

    /// The row before anybody has spoken; whether this player may.
    fn nothing_said(
        &self,
        call: &Call,
        player: PlayerId,
        live: &MatchRow,
    ) -> Result<ReportsRow, EngineError> {
        if live.roster.side_of(player).is_none() {
            return Err(EngineError::Unknown { what: "match" });
        }
        let queue = live.queue.as_ref().and_then(|queue| self.views.queues.of_match(queue, &live.mode));
        let Some((queue, rules)) = queue.as_ref().and_then(|of| Some((of, of.reports.as_ref()?))) else {
            return Err(EngineError::NoPlayerReports);
        };
        if live.roster.players().count() > limits::REPORTING_PLAYERS_MAX {
            return Err(EngineError::NoPlayerReports);
        }
        if !live.state.takes_result() {
            return Err(EngineError::NoResultNow { state: live.state.as_str() });
        }
        Ok(ReportsRow {
            mode: live.mode.clone(),
            queue: queue.name.clone(),
            roster: live.roster.clone(),
            agree: rules.agree,
            silence: rules.silence,
            deadline: call.now.saturating_add(rules.deadline_ms),
            voices: Default::default(),
            stage: ReportsStage::Open,
            overruled: Vec::new(),
        })
    }

    /// Keeps what is no result yet.
    async fn keep_reports(
        &self,
        call: &Call,
        id: MatchId,
        (row, read): (ReportsRow, Option<Place>),
        live: Option<Version>,
    ) -> Result<ReportsView, EngineError> {
        let mut changes = self.changes(call, &[&id, &row.mode]);
        // What was said is closed by the commit of the result: nobody begins anew behind it, wherever it lies by then.
        changes.check(Key::Result(id), Expect::Absent);
        if let Some(live) = live {
            changes.check(Key::Match(id), Expect::At(live));
        }
        let is_first = read.is_none();
        put(&mut changes, id, Box::new(row.clone()), read);
        let view = ReportsView { match_id: id, row: Some(row.clone()), result: None };
        self.remember(&mut changes, call, Home::Record, &view)?;
        self.commit(Home::Record, changes).await?;
        // Players are told that somebody has reported. If this fails, the match is kept alive when it would expire.
        if is_first && let Err(error) = self.begin_reporting(id, &row).await {
            tracing::debug!(match_id = %id, %error, "that a match is being reported is told later");
        }
        Ok(view)
    }

    /// Lets a match wait for those who have not reported.
    pub(crate) async fn begin_reporting(&self, id: MatchId, reports: &ReportsRow) -> Result<(), EngineError> {
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            let Some((mut row, version)) = self.live_match(id).await? else { return Ok(()) };
            let until = row.expires_at.max(reports.deadline.saturating_add(SETTLING));
            if row.state != MatchState::Running && row.expires_at == until {
                return Ok(());
            }
            let call = Call::system("gsm:BeginReporting", self.clock.now());
            let mut changes = self.changes(&call, &[&id]);
            // The record of the report says it.
            changes.audit = None;
            row.expires_at = until;
            if row.state == MatchState::Running {
                (row.state, row.changed_at) = (MatchState::Reporting, call.now);
                tell_match(&mut changes, id, &row);
            }
            changes.replace(Key::Match(id), Some(version), Row::Match(Box::new(row)));
            match self.commit(Home::Live, changes).await {
                Ok(_) => return Ok(()),
                Err(EngineError::Raced(_)) => {}
                Err(other) => return Err(other),
            }
        }
        Err(EngineError::Contended)
    }

    /// Makes of what was said a result, by the commit of every result.
    async fn end_reports(
        &self,
        call: &Call,
        id: MatchId,
        (row, read): (ReportsRow, Option<Place>),
        ending: Ending,
        live: Option<(MatchRow, Version)>,
    ) -> Result<ReportsView, EngineError> {
        let facts =
            MatchFacts { mode: row.mode.clone(), queue: Some(row.queue.clone()), roster: row.roster.clone() };
        let queue = self.views.queues.of_match(&row.queue, &row.mode);
        let most_said =
            || row.voices.most_said().map(|voice| voice.result.clone()).ok_or(EngineError::Raced(None));
        let at = call.now;
        let (result, verdict) = match ending {
            Ending::Counts(result) => {
                let of = (&result, &facts.roster);
                let verdict = self.first_verdict(call, id, queue.as_deref(), of, &live).await?;
                (result, verdict)
            }
            Ending::Disputed(reason) => (most_said()?, Verdict::Disputed { reason, at }),
            Ending::Void(reason) => (most_said()?, Verdict::Voided { reason, at }),
        };
        let blame = self.first_blame(id, queue.as_deref(), (&result, &[]), &verdict).await?;
        let tickets = live.as_ref().map(|(row, _)| row.tickets.clone());
        let closing = row.closed(&verdict, &result, read);
        let kept_row = Some((*closing.kept).clone());
        let mut decided = self.decide(call, id, &facts, result, verdict).await?;
        (decided.blame, decided.closing) = (blame, Some(closing));
        let result = self.commit_result(call, decided, live).await?;
        if let (Verdict::Disputed { reason, .. }, Some(queue)) = (&result.row.verdict, &queue) {
            self.tell_listener(id, queue, reason, tickets).await;
        }
        Ok(ReportsView { match_id: id, row: kept_row, result: Some(result) })
    }

    /// Tells whoever listens outside of a dispute. What cannot be read is left out.
    async fn tell_listener(
        &self,
        id: MatchId,
        queue: &Arc<QueueConfig>,
        reason: &str,
        tickets: Option<Vec<gsm_core::TicketId>>,
    ) {
        if !self.is_heard() {
            return;
        }
        let tickets = match tickets {
            Some(tickets) => tickets,
            None => self.archived_match(id).await.ok().flatten().map(|row| row.tickets).unwrap_or_default(),
        };
        let keys: Vec<Key> = tickets.into_iter().map(Key::Ticket).collect();
        let found = self.get(Home::Live, &keys).await.unwrap_or_default();
        let shown_tickets = keys.iter().zip(found).filter_map(|(key, found)| {
            let (Key::Ticket(id), found) = (key, found?) else { return None };
            Some(shown(*id, ticket_row(key, &found.row).ok()?, &Places::default()))
        });
        let telling = Telling::new(Happening::Disputed(reason.to_owned()), shown_tickets.collect());
        self.publish_of(queue, self.clock.now(), vec![telling.of_match(Some(id))]);
    }

    /// Decides by what was said so far, where the time is up; whether anything was.
    pub(crate) async fn settle_reports(&self, call: &Call, id: MatchId) -> Result<bool, EngineError> {
        let Some((row, read)) = self.reports_row(id).await? else {
            if self.is_gone(Key::Reports(id)).await? {
                self.views.reports.follow(id, None);
            }
            return Ok(false);
        };
        if row.stage != ReportsStage::Open || row.deadline > call.now {
            self.views.reports.follow(id, Some(&row));
            return Ok(false);
        }
        if let Some(result) = self.result_row(id).await? {
            // The match's own server has reported, and had not seen that they began to.
            let mut changes = self.changes(call, &[&id]);
            changes.audit = None;
            row.closed(&result.verdict, &result.result, Some(read)).add_to(id, &mut changes);
            self.commit(Home::Record, changes).await?;
            return Ok(true);
        }
        let live = if self.homes.is_one() { self.live_match(id).await? } else { None };
        let ending = row.at_deadline();
        self.end_reports(call, id, (row, Some(read)), ending, live).await.map(|_| true)
    }
}

fn validated(report: &Report, row: &ReportsRow) -> Result<MatchResult, EngineError> {
    if !report.afk.is_empty() {
        return Err(EngineError::invalid("afk", "a server alone says who was away"));
    }
    MatchResult::validate(report, &row.roster)
        .map_err(|e| EngineError::Invalid { field: e.field.clone(), detail: e.fault.to_string() })
}

/// Whether a report of a match whose result is known says nothing new.
fn said_already(
    player: PlayerId,
    id: MatchId,
    report: &Report,
    known: Option<&ReportsRow>,
    result: &ResultRow,
) -> Result<(), EngineError> {
    if result.roster.side_of(player).is_none() {
        return Err(EngineError::Unknown { what: "match" });
    }
    let said = MatchResult::validate(report, &result.roster)
        .map_err(|e| EngineError::Invalid { field: e.field.clone(), detail: e.fault.to_string() })?;
    let repeats = known.and_then(|row| row.voices.of(player)).is_some_and(|voice| voice.result == said);
    let stands = !matches!(result.verdict, Verdict::Disputed { .. } | Verdict::Voided { .. });
    if repeats || (stands && said.agrees_with(result.first_report())) {
        return Ok(());
    }
    Err(match result.verdict {
        Verdict::Disputed { .. } => EngineError::Disputed { match_id: id },
        Verdict::Voided { .. } => EngineError::NoResultNow { state: MatchState::Finished.as_str() },
        _ => EngineError::ResultContradicts { match_id: id },
    })
}
