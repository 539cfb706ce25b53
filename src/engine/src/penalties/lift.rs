//! How a player stands, and penalties lifted by hand.
use super::{FILES, News, files::Files};
use crate::{
    Call, Engine, EngineError, QueueConfig,
    store::{AuditRecord, Home, Key},
};
use gsm_core::{MatchId, Millis, Mode, PlayerId, Timestamp};
use gsm_session::{Offence, OffenceKind, Offences};
use std::{collections::BTreeSet, sync::Arc};

/// How a player stands in a scope, for one kind of offence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PenaltyView {
    /// The scope: a mode, or what queues say.
    pub scope: Mode,
    /// Of which kind.
    pub offence: OffenceKind,
    /// Offences that are not forgotten, at most as many as the ladder of the last one has steps.
    pub step: usize,
    /// Until when the player is locked out, if so.
    pub locked_until: Option<Timestamp>,
    /// How long the next offence would lock the player out, by the ladders as they are now: where queues of the scope have
    /// several, the longest.
    pub next_lock: Millis,
    /// The last offences, oldest first.
    pub offences: Vec<Offence>,
}

impl Engine {
    /// How a player stands, in every scope of a queue, or of one as it was; only what is not forgotten. For the player and trusted
    /// callers.
    pub async fn penalties(&self, call: &Call, player: PlayerId) -> Result<Vec<PenaltyView>, EngineError> {
        let mine = call.principal.player() == Some(player);
        if !(mine || call.principal.is_trusted()) || self.get_one(&Key::Player(player)).await?.is_none() {
            return Err(EngineError::Unknown { what: "player" });
        }
        let mut queues = self.queues();
        let scope_of = |queue: &Arc<QueueConfig>| Some(queue.penal()?.0);
        let mut scopes: BTreeSet<Mode> = queues.iter().filter_map(scope_of).collect();
        let mut gone = self.views.queues.retired();
        gone.retain(|queue| scope_of(queue).is_some_and(|scope| !scopes.contains(&scope)));
        scopes.extend(gone.iter().filter_map(scope_of));
        queues.append(&mut gone);
        let mut views = Vec::new();
        for (home, _) in FILES {
            let files = Files::read(self, home, scopes.iter().map(|scope| (scope, player))).await?;
            for (key, offence, of) in files.each() {
                let (Key::Dodges(scope, _) | Key::Leaves(scope, _)) = key else { continue };
                let stand = of.stand(call.now);
                if stand.step > 0 || stand.locked_until.is_some() {
                    views.push(PenaltyView {
                        scope: scope.clone(),
                        offence,
                        step: stand.step,
                        locked_until: stand.locked_until,
                        next_lock: next_lock(&queues, (scope, offence), of, call.now),
                        offences: of.list().to_vec(),
                    });
                }
            }
        }
        views.sort_by(|a, b| (&a.scope, a.offence).cmp(&(&b.scope, b.offence)));
        Ok(views)
    }

    /// An operator takes a player's offences in a scope back, or those of one match: the player stands as if there had
    /// been none. Doing it again changes nothing.
    pub async fn lift_penalties(
        &self,
        call: &Call,
        player: PlayerId,
        scope: &Mode,
        of: Option<MatchId>,
        reason: &str,
    ) -> Result<Vec<PenaltyView>, EngineError> {
        let mut tries = self.lines.tries();
        while tries.again().await {
            match self.try_lift(call, player, scope, of, reason).await {
                Err(EngineError::Raced(row)) => tries.lost(row),
                Err(other) => return Err(other),
                Ok(()) => return self.penalties(call, player).await,
            }
        }
        Err(EngineError::Contended)
    }

    async fn try_lift(
        &self,
        call: &Call,
        player: PlayerId,
        scope: &Mode,
        of: Option<MatchId>,
        reason: &str,
    ) -> Result<(), EngineError> {
        if self.replayed::<()>(call, Home::Live).await?.is_some() {
            return Ok(());
        }
        if self.get_one(&Key::Player(player)).await?.is_none() {
            return Err(EngineError::Unknown { what: "player" });
        }
        let mut changes = self.changes(call, &[&player, scope]);
        if let Some(audit) = &mut changes.audit {
            audit.resources.extend(of.map(|id| id.to_string()));
            audit.reason = Some(reason.to_owned());
        }
        let mut lifted = Vec::new();
        // Where the homes are not one, the key is used up by the last commit: a repeat after half of it does the rest.
        for home in [Home::Record, Home::Live] {
            let mut files = Files::read(self, home, std::iter::once((scope, player))).await?;
            for offence in OffenceKind::ALL {
                if let Some(stand) = files.remove(scope, player, offence, of, call.now) {
                    lifted.push(News { scope, kind: offence, of, lifted: true }.at(call.now, stand));
                }
            }
            if self.homes.is_one() || home == Home::Live {
                files.write(&mut changes);
                continue;
            }
            let mut first = self.changes(call, &[]);
            let event_id = first.audit.take().map(|audit| audit.event_id);
            if let (true, Some(event_id)) = (files.is_changed(), event_id) {
                first.audit = changes.audit.clone().map(|audit| AuditRecord { event_id, ..audit });
            }
            files.write(&mut first);
            self.commit(home, first).await?;
        }
        for event in lifted {
            changes.event(player, event);
        }
        self.remember(&mut changes, call, Home::Live, &())?;
        self.commit(Home::Live, changes).await.map(drop)
    }
}

/// How long the next offence of a kind would lock a player out of a scope.
fn next_lock(
    queues: &[Arc<QueueConfig>],
    (scope, kind): (&Mode, OffenceKind),
    of: &Offences,
    now: Timestamp,
) -> Millis {
    let penal = queues.iter().filter_map(|queue| queue.penal()).filter(|(of, _)| of == scope);
    let ladders = penal.filter_map(|(_, rules)| rules.ladder(kind));
    ladders.map(|ladder| of.next_lock(ladder, now)).max().unwrap_or_default()
}
