//! Who leaves a match may be reported while it runs: then the lock-out begins at once, and not with the result.
use super::{Blame, Penalties};
use crate::{
    Call, Engine, EngineError, QueueConfig,
    store::{Expect, Home, Key},
};
use gsm_core::{MatchId, Mode, PlayerId};
use gsm_session::{MatchState, OffenceKind};
use std::collections::BTreeSet;

impl Engine {
    /// Takes down who has left a match that runs, where its queue asks. The result may name them as well: an offence
    /// counts once a match. Doing it again changes nothing.
    pub async fn report_leavers(
        &self,
        call: &Call,
        id: MatchId,
        players: &[PlayerId],
    ) -> Result<(), EngineError> {
        let mut tries = self.lines.tries();
        while tries.again().await {
            match self.try_report_leavers(call, id, players).await {
                Err(EngineError::Raced(row)) => tries.lost(row),
                done => return done,
            }
        }
        Err(EngineError::Contended)
    }

    async fn try_report_leavers(
        &self,
        call: &Call,
        id: MatchId,
        players: &[PlayerId],
    ) -> Result<(), EngineError> {
        if self.replayed::<()>(call, Home::Record).await?.is_some() {
            return Ok(());
        }
        const NONE: EngineError = EngineError::Unknown { what: "match" };
        if !call.principal.may_report(id) {
            return Err(NONE);
        }
        if self.result_row(id).await?.is_some() {
            return Err(EngineError::NoResultNow { state: MatchState::Finished.as_str() });
        }
        let Some((row, _)) = self.live_match(id).await? else {
            return Err(self.no_result_for(call, id).await?);
        };
        if !Self::sees_match(call, id, &row) {
            return Err(NONE);
        }
        if !row.state.takes_result() {
            return Err(EngineError::NoResultNow { state: row.state.as_str() });
        }
        if let Some(at) = players.iter().position(|player| row.roster.side_of(*player).is_none()) {
            return Err(EngineError::invalid(format!("players[{at}]"), "is not in the match"));
        }
        let mut changes = self.changes(call, &[&id, &row.mode]);
        // From the result on it says who left.
        changes.check(Key::Result(id), Expect::Absent);
        let queue = row.queue.as_ref().and_then(|queue| self.views.queues.of_match(queue, &row.mode));
        let penal = queue.as_deref().and_then(QueueConfig::penal);
        if let Some((scope, rules)) = penal.filter(|(_, rules)| rules.leave.is_some()) {
            let blame = Blame {
                scope,
                rules: rules.clone(),
                of: players.iter().map(|player| (*player, OffenceKind::Leave)).collect(),
                lifts: 0,
            };
            let blame = self.with_early(id, blame).await?;
            let told = self.blame_again(&mut changes, id, Some(blame), call.now).await?;
            // Elsewhere they are told with the end of the match.
            for (player, event) in told.into_iter().filter(|_| self.homes.is_one()) {
                changes.event(player, event);
            }
        }
        self.remember(&mut changes, call, Home::Record, &())?;
        self.commit(Home::Record, changes).await.map(drop)
    }

    /// Takes back what was reported before: a match that is void from the start has nobody who left.
    pub(crate) async fn without_early(
        &self,
        id: MatchId,
        (scope, rules): (Mode, &Penalties),
    ) -> Result<Blame, EngineError> {
        let lifts = self.offences_row(id).await?.map_or(0, |(row, _)| row.of.len());
        Ok(Blame { scope, rules: rules.clone(), of: BTreeSet::new(), lifts })
    }

    /// Adds those who were reported before. Who has left was not away besides.
    pub(crate) async fn with_early(&self, id: MatchId, mut blame: Blame) -> Result<Blame, EngineError> {
        if let Some((row, _)) = self.offences_row(id).await? {
            blame.of.extend(row.of);
            let left: Vec<PlayerId> = blame
                .of
                .iter()
                .filter(|(_, kind)| *kind == OffenceKind::Leave)
                .map(|(player, _)| *player)
                .collect();
            blame.of.retain(|(player, kind)| *kind != OffenceKind::Afk || !left.contains(player));
        }
        Ok(blame)
    }
}
