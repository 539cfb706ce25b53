//! What becomes of what players say of a match with its result, and where it is kept.
use super::{ReportsView, Silence, followed::is_followed};
use crate::{
    Engine, EngineError, ResultView,
    store::{ChangeSet, Expect, Key, ReportsRow, ReportsStage, ResultRow, Row, Verdict, Version},
};
use gsm_core::MatchId;
use gsm_session::MatchResult;

/// What becomes of the reports of a match with its result.
pub(crate) struct Closing {
    /// The row as it is kept: who has spoken, whether they agreed or one alone was believed.
    pub(super) kept: Box<ReportsRow>,
    /// What it was read at; none where there was none.
    read: Option<Place>,
}

/// Where a row was read, and its version there.
pub(super) type Place = (Key, Version);

/// Puts what is said of a match to its place: that from which a start reads as long as something of it is followed, else
/// another one.
pub(super) fn put(changes: &mut ChangeSet, id: MatchId, row: Box<ReportsRow>, read: Option<Place>) {
    let key = if is_followed(&row) { Key::Reports(id) } else { Key::Said(id) };
    let version = match read {
        Some((there, version)) if there == key => Some(version),
        Some((there, version)) => {
            changes.delete(there, version);
            None
        }
        None => {
            // Whoever speaks first does so there.
            if key != Key::Reports(id) {
                changes.check(Key::Reports(id), Expect::Absent);
            }
            None
        }
    };
    changes.replace(key, version, Row::Reports(row));
}

impl Closing {
    /// What the player is told whose report has made the result.
    pub(crate) fn told(&self, result: ResultView) -> ReportsView {
        ReportsView { match_id: result.match_id, row: Some((*self.kept).clone()), result: Some(result) }
    }

    /// How many writes it takes, at most.
    pub(crate) const WRITES: usize = 2;

    /// Adds it to the change set of the result.
    pub(crate) fn add_to(self, id: MatchId, changes: &mut ChangeSet) {
        put(changes, id, self.kept, self.read);
    }
}

/// How the reports of a match end.
pub(super) enum Ending {
    /// It ended as these say.
    Counts(MatchResult),
    /// Not as long as no operator has ruled.
    Disputed(String),
    /// Not at all.
    Void(String),
}

impl ReportsRow {
    /// The row with the result.
    pub(super) fn closed(mut self, verdict: &Verdict, result: &MatchResult, read: Option<Place>) -> Closing {
        let counts = matches!(verdict, Verdict::Counted | Verdict::Corrected { .. });
        self.overruled = if counts { self.voices.against(result).collect() } else { Vec::new() };
        let is_disputed = matches!(verdict, Verdict::Disputed { .. });
        self.stage = if is_disputed { ReportsStage::Disputed } else { ReportsStage::Settled };
        Closing { kept: Box::new(self), read }
    }

    /// Adds what an operator has ruled on the result.
    fn ruled(mut self, ruled: &ResultRow) -> Self {
        if self.stage == ReportsStage::Disputed {
            self.stage = ReportsStage::Ruled;
        }
        self.overruled =
            if ruled.counts() { self.voices.against(&ruled.result).collect() } else { Vec::new() };
        self
    }

    pub(super) fn spoken(&self) -> String {
        format!("{} of {} players have reported", self.voices.all().len(), self.roster.players().count())
    }

    /// What comes of what was said so far, when the time is up.
    pub(super) fn at_deadline(&self) -> Ending {
        let Some(first) = self.voices.most_said() else { return Ending::Void(self.spoken()) };
        if self.voices.contradict() {
            let reason = format!("the players do not agree, and no more have come: {}", self.spoken());
            return Ending::Disputed(reason);
        }
        if self.voices.are_of_all_sides(&self.roster) {
            return Ending::Counts(first.result.clone());
        }
        match self.silence {
            Silence::Count => Ending::Counts(first.result.clone()),
            Silence::Dispute => Ending::Disputed(format!("a side says nothing: {}", self.spoken())),
            Silence::Void => Ending::Void(format!("a side says nothing: {}", self.spoken())),
        }
    }
}

impl Engine {
    /// What becomes of the reports of a match whose server has reported.
    pub(crate) async fn closing_by_server(
        &self,
        id: MatchId,
        result: &MatchResult,
        verdict: &Verdict,
    ) -> Result<Option<Closing>, EngineError> {
        let found = self.reports_row(id).await?;
        Ok(found.map(|(row, read)| row.closed(verdict, result, Some(read))))
    }

    /// Adds to a ruling what it says of who reported the match.
    pub(crate) async fn rule_on_reports(
        &self,
        head: &mut ChangeSet,
        id: MatchId,
        ruled: &ResultRow,
    ) -> Result<(), EngineError> {
        match self.reports_row(id).await? {
            None => {
                head.check(Key::Reports(id), Expect::Absent).check(Key::Said(id), Expect::Absent);
            }
            Some((row, read)) => put(head, id, Box::new(row.ruled(ruled)), Some(read)),
        }
        Ok(())
    }
}
