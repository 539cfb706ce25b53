//! Which answer a call that runs alone must get: the shadow's own, small idea of the rules.
use crate::{
    book::Book,
    deed::{Deed, FAR_MAX, Outcome, TicketWish},
    truth::{Eye, Truth},
    world::reports,
};
use gsm_core::{MatchId, PlayerId, Timestamp};
use gsm_engine::{
    Engine,
    store::{Claim, Verdict},
};
use gsm_matchmaking::proposal::Answer;
use gsm_session::{MatchResult, MatchState, Roster, TicketState};
use std::collections::BTreeSet;

/// Errors of an ill store, lawful whenever one is ill.
pub(crate) const STORE_CODES: [&str; 4] = ["store_refused", "store_no_answer", "contended", "rerating"];

/// How things stood when the call began.
pub(crate) struct Before<'a> {
    pub(crate) truth: &'a Truth,
    pub(crate) book: &'a Book,
    pub(crate) eye: &'a Eye,
    pub(crate) now: Timestamp,
    pub(crate) is_one: bool,
}

impl Before<'_> {
    /// The only lawful code, where it is determined.
    pub(crate) fn code_of(&self, deed: &Deed) -> Option<&'static str> {
        // A job that a node left behind is thrown away, finished or waited for.
        let meets_jobs = matches!(
            deed,
            Deed::Report { .. }
                | Deed::Say { .. }
                | Deed::SetRating { .. }
                | Deed::SoftReset { .. }
                | Deed::Rebuild { .. }
                | Deed::PutBoard(_)
        ) || deed.ruled_on().is_some();
        if meets_jobs && !self.truth.gates.is_empty() {
            return None;
        }
        // What comes before the key: a party that its queue does not take, or that does not agree.
        let by_key = match (deed, self.replay(deed)) {
            (Deed::Create(_), _) | (_, Replay::None) => None,
            (_, Replay::Unknown) => return None,
            (_, Replay::Same) => Some("ok"),
            (_, Replay::Other) => Some("idempotency_mismatch"),
        };
        if by_key.is_some() {
            return by_key;
        }
        match deed {
            Deed::SignIn { .. }
            | Deed::PutQueue(_)
            | Deed::PutRuleSet { .. }
            | Deed::PutBoard(_)
            | Deed::Seasons { .. }
            | Deed::SoftReset { .. }
            | Deed::ChangeQueue { .. }
            | Deed::Erase { .. }
            | Deed::Tick => Some("ok"),
            Deed::Ban { until: Some(until), .. } if *until <= self.now => Some("invalid"),
            Deed::Ban { player, .. }
            | Deed::Lift { player, .. }
            | Deed::Submit { player, .. }
            | Deed::Shade { player, .. } => {
                Some(if self.truth.erased.contains(player) { "not_found" } else { "ok" })
            }
            // Another call may hold it up; where reads are stale, it may never see everything at once.
            Deed::Upkeep | Deed::Rebuild { .. } => None,
            Deed::Create(wish) => self.create(wish, self.replay(deed)),
            // Its queue may go by a window of skill now, or its rule set by fewer players.
            Deed::Backfill { .. } => None,
            Deed::Cancel { ticket, by, .. } => {
                let row = self.truth.tickets.get(ticket);
                let Some(row) = row.filter(|row| row.players.iter().any(|p| p.player == *by)) else {
                    return Some("not_found");
                };
                if row.backfill {
                    // That is the game server's.
                    return Some("forbidden");
                }
                Some(match row.state {
                    TicketState::Cancelled | TicketState::Queued | TicketState::Searching => "ok",
                    // One whose time is up ends without an answer first.
                    TicketState::RequiresAcceptance => "ok",
                    _ => "ticket_not_waiting",
                })
            }
            Deed::Answer { proposal, player, accept, .. } => {
                let Some((_, proposal)) = self.truth.proposals.get(proposal) else {
                    return Some("not_found");
                };
                Some(match (proposal.answer_of(*player), accept) {
                    (None, _) => "not_found",
                    // Not asked: taken, and nothing changes.
                    (Some(Answer::Plays), _) => "ok",
                    (Some(Answer::Pending | Answer::Accepted), _) if self.now < proposal.deadline() => "ok",
                    (Some(Answer::Accepted), true) => "ok",
                    _ => "proposal_closed",
                })
            }
            Deed::Report { id, facts, outcome, .. } => self.report(*id, facts.is_some(), outcome),
            Deed::Say { id, player, outcome, .. } => Some(self.say(*id, *player, outcome)?),
            Deed::MoveMatch { id, to, .. } => {
                let state = match self.truth.matches.get(id) {
                    _ if self.truth.results.contains_key(id) => MatchState::Finished,
                    Some(row) => row.state,
                    None => match self.eye.archived(*id) {
                        Some(row) => row.state,
                        None => return Some("not_found"),
                    },
                };
                let is_spoken_of = to.is_terminal() && self.truth.reports.contains_key(id);
                Some(match state.can_become(*to) {
                    true if is_spoken_of => "reports_open",
                    true => "ok",
                    false => "state_not_allowed",
                })
            }
            Deed::MoveSession { id, player, to } => {
                let sessions = self.truth.matches.get(id).map(|row| &row.player_sessions);
                let session = sessions.and_then(|all| all.iter().find(|s| s.player == *player));
                Some(match session {
                    None => "not_found",
                    Some(session) if session.state.can_become(*to) => "ok",
                    Some(_) => "state_not_allowed",
                })
            }
            Deed::MakeMatch { .. } | Deed::SetRating { .. } => Some("ok"),
            Deed::Void { id, .. } | Deed::Correct { id, .. } => Some(match self.truth.matches.get(id) {
                _ if self.truth.results.contains_key(id) => "ok",
                None if self.eye.archived(*id).is_none() => "not_found",
                _ => "no_result",
            }),
        }
    }

    fn replay(&self, deed: &Deed) -> Replay {
        let Some((key, body)) = deed.key() else { return Replay::None };
        let Some(fate) = self.book.keys.get(key) else { return Replay::None };
        match (&fate.answer, fate.body == body) {
            (None, _) => Replay::Unknown,
            (Some(_), true) => Replay::Same,
            (Some(_), false) => Replay::Other,
        }
    }

    fn create(&self, wish: &TicketWish, replay: Replay) -> Option<&'static str> {
        if !wish.members.is_empty() && wish.queue.as_str() != "duo" {
            // While `brawl` goes by a rule set, parties are for that to judge.
            return (wish.queue.as_str() == "duel").then_some("invalid");
        }
        if !wish.members.is_empty() && !wish.consent {
            // A queue made narrow refuses the party before it asks for consents.
            return None;
        }
        match replay {
            // A party may have become too large for its queue.
            _ if !wish.members.is_empty() => return None,
            _ if wish.far > FAR_MAX => return Some("invalid"),
            Replay::Unknown => return None,
            Replay::Same => return Some("ok"),
            Replay::Other => return Some("idempotency_mismatch"),
            Replay::None => {}
        }
        let players = wish.players();
        if let Some(own) = &wish.own_id
            && let Some(row) = self.truth.tickets.get(&Engine::own_ticket_id(wish.leader, own))
        {
            let same = row.queues().collect::<BTreeSet<_>>() == wish.queues()
                && row.players.iter().map(|p| p.player).eq(players);
            return Some(if same { "ok" } else { "ticket_id_taken" });
        }
        let claim = |player: &PlayerId| self.truth.claims.get(player);
        let banned = |player: &PlayerId| self.is_banned(*player);
        // Nodes of several hear of a ban, and that it is lifted, later.
        let rumour =
            |player: &PlayerId| self.book.ruled_out.contains(player) || self.truth.bans.contains_key(player);
        if !self.is_one && players.iter().any(rumour) {
            return None;
        }
        Some(match players.iter().find_map(claim) {
            None if players.iter().any(banned) => "banned",
            None if self.is_locked(wish) => "locked_out",
            None => "ok",
            Some(Claim::Ticket(_)) => "already_queued",
            Some(Claim::Match(_)) => "in_match",
        })
    }

    fn is_banned(&self, player: PlayerId) -> bool {
        let bans = self.truth.bans.get(&player).into_iter().flatten();
        bans.into_iter().any(|ban| ban.until.is_none_or(|until| until > self.now))
    }

    fn is_locked(&self, wish: &TicketWish) -> bool {
        let of = |queue| wish.players().iter().any(|player| self.truth.is_locked(queue, *player, self.now));
        wish.queues().into_iter().any(of)
    }

    fn say(&self, id: MatchId, player: PlayerId, outcome: &Outcome) -> Option<&'static str> {
        let said = self.truth.reports.get(&id);
        if let Some(row) = self.truth.results.get(&id) {
            if row.roster.side_of(player).is_none() {
                return Some("not_found");
            }
            let result = MatchResult::validate(&outcome.report(), &row.roster).ok()?;
            let again = said.and_then(|said| said.voices.of(player)).is_some_and(|of| of.result == result);
            return Some(match &row.verdict {
                _ if again || (row.counts() && result.agrees_with(row.first_report())) => "ok",
                Verdict::Disputed { .. } => "match_disputed",
                Verdict::Voided { .. } => "no_result_now",
                _ => "result_contradicts",
            });
        }
        let plays = |roster: &Roster| roster.side_of(player).is_some();
        Some(match (said, self.truth.matches.get(&id)) {
            (Some(said), _) if plays(&said.roster) => "ok",
            (None, Some(row)) if plays(&row.roster) && reports(row.mode.as_str()).is_none() => {
                "no_player_reports"
            }
            (None, Some(row)) if plays(&row.roster) && row.state.takes_result() => "ok",
            (None, Some(row)) if plays(&row.roster) => "no_result_now",
            (None, None) if self.eye.archived(id).is_some_and(|row| plays(&row.roster)) => "no_result_now",
            _ => "not_found",
        })
    }

    fn report(&self, id: MatchId, by_token: bool, outcome: &Outcome) -> Option<&'static str> {
        if let Some(row) = self.truth.results.get(&id) {
            let same = MatchResult::validate(&outcome.report(), &row.roster).ok()? == *row.first_report();
            return Some(if same { "ok" } else { "result_contradicts" });
        }
        Some(match self.truth.matches.get(&id) {
            Some(row) if row.state.takes_result() => "ok",
            Some(_) => "no_result_now",
            // The record home alone decides on a match's own token (decisions.md 5).
            None if by_token && !self.is_one => "ok",
            None if self.eye.archived(id).is_some() => "no_result_now",
            None => "not_found",
        })
    }
}

enum Replay {
    /// The key is new, or there is none.
    None,
    /// Used for the same.
    Same,
    /// Used for something else.
    Other,
    /// Used, and nobody knows with what fate.
    Unknown,
}
