//! The acceptance of a proposed match by its players.
use crate::formed::{Role, Seat};
use gsm_core::{MatchId, PlayerId, ProposalId, TicketId, Timestamp, limits};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a player said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Nothing yet.
    Pending,
    /// Yes.
    Accepted,
    /// No.
    Declined,
    /// Not asked: plays in the match already.
    Plays,
}

/// A seat and what its player said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Who, from which ticket.
    pub seat: Seat,
    /// What they said.
    pub answer: Answer,
}

/// A match that waits for its players to accept. Decided by the first decline, the last acceptance or the deadline;
/// once decided, nothing changes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    id: ProposalId,
    deadline: Timestamp,
    sides: Vec<Vec<Place>>,
    /// Names of the sides, where the rules name them.
    teams: Vec<String>,
    /// Of the players who have one.
    roles: BTreeMap<PlayerId, Role>,
    /// The match that it becomes, once all have accepted.
    match_id: MatchId,
    expired: bool,
}

/// How a proposal stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Some players have yet to answer.
    Waiting,
    /// All accepted: the match goes on.
    Complete,
    /// It is off.
    Failed(Failure),
}

/// Why a proposal failed, and what becomes of its tickets; each is in exactly one of the three lists.
///
/// FlexMatch sends `willing` back to the pool with their old `queued_at` and cancels the other two. A native queue
/// may send `silent` back as well when somebody else declined before they could answer (`missed_deadline` false).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Whether time ran out; otherwise somebody declined.
    pub missed_deadline: bool,
    /// Players who declined.
    pub decliners: Vec<PlayerId>,
    /// Players who had not answered.
    pub missing: Vec<PlayerId>,
    /// Tickets whose players all accepted, or play already.
    pub willing: Vec<TicketId>,
    /// Tickets with a player who declined.
    pub unwilling: Vec<TicketId>,
    /// Tickets with a player who had not answered, and none who declined.
    pub silent: Vec<TicketId>,
}

/// Why a proposal or an answer is refused; nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProposalError {
    /// No seats, or more than a match may have.
    #[error("a proposal has 1 to {max} players, this one has {players}")]
    Size {
        /// What came.
        players: usize,
        /// The limit.
        max: usize,
    },
    /// One player on two seats.
    #[error("player `{player}` has two seats")]
    PlayerTwice {
        /// Who.
        player: PlayerId,
    },
    /// Not one of the players.
    #[error("player `{player}` is not in proposal `{proposal}`")]
    UnknownPlayer {
        /// Who.
        player: PlayerId,
        /// Of which proposal.
        proposal: ProposalId,
    },
    /// The player has said the opposite, and it has been acted on.
    #[error("player `{player}` has answered already and it is too late to change it")]
    AnsweredAlready {
        /// Who.
        player: PlayerId,
    },
    /// Somebody else declined.
    #[error("proposal `{proposal}` is off: a player declined")]
    Declined {
        /// Which.
        proposal: ProposalId,
    },
    /// The deadline has passed.
    #[error("proposal `{proposal}` expired before this answer")]
    TooLate {
        /// Which.
        proposal: ProposalId,
    },
}

impl Proposal {
    /// Asks the players of `sides`, who are to play match `match_id`, for an answer before `deadline`.
    pub fn new(
        id: ProposalId,
        match_id: MatchId,
        sides: &[Vec<Seat>],
        deadline: Timestamp,
    ) -> Result<Self, ProposalError> {
        let players = sides.iter().map(Vec::len).sum();
        if players == 0 || players > limits::MATCH_PLAYERS_MAX {
            return Err(ProposalError::Size { players, max: limits::MATCH_PLAYERS_MAX });
        }
        let mut seen = BTreeSet::new();
        if let Some(seat) = sides.iter().flatten().find(|seat| !seen.insert(seat.player)) {
            return Err(ProposalError::PlayerTwice { player: seat.player });
        }
        let ask =
            |side: &Vec<Seat>| side.iter().map(|&seat| Place { seat, answer: Answer::Pending }).collect();
        let sides = sides.iter().map(ask).collect();
        Ok(Self { id, deadline, sides, teams: Vec::new(), roles: BTreeMap::new(), match_id, expired: false })
    }

    /// The proposal with names for its sides, one each; none where the rules name none.
    #[must_use]
    pub fn of_teams(self, teams: Vec<String>) -> Self {
        Self { teams, ..self }
    }

    /// The proposal with the roles of its players, where the rules give them.
    #[must_use]
    pub fn of_roles(self, roles: BTreeMap<PlayerId, Role>) -> Self {
        Self { roles, ..self }
    }

    /// The proposal to the others alone: the players of `ticket` play already and are not asked.
    #[must_use]
    pub fn joining(mut self, ticket: TicketId) -> Self {
        for place in self.sides.iter_mut().flatten().filter(|place| place.seat.ticket == ticket) {
            place.answer = Answer::Plays;
        }
        self
    }

    /// Which proposal.
    #[must_use]
    pub fn id(&self) -> ProposalId {
        self.id
    }

    /// The match that it becomes.
    #[must_use]
    pub fn match_id(&self) -> MatchId {
        self.match_id
    }

    /// Answers count before this instant.
    #[must_use]
    pub fn deadline(&self) -> Timestamp {
        self.deadline
    }

    /// Who plays with whom, and what they said.
    #[must_use]
    pub fn sides(&self) -> &[Vec<Place>] {
        &self.sides
    }

    /// Names of the sides; empty where the rules name none.
    #[must_use]
    pub fn teams(&self) -> &[String] {
        &self.teams
    }

    /// The roles of players who have one.
    #[must_use]
    pub fn roles(&self) -> &BTreeMap<PlayerId, Role> {
        &self.roles
    }

    /// What this player said; `None` for someone else's proposal.
    #[must_use]
    pub fn answer_of(&self, player: PlayerId) -> Option<Answer> {
        self.places().find(|place| place.seat.player == player).map(|place| place.answer)
    }

    fn places(&self) -> impl Iterator<Item = &Place> {
        self.sides.iter().flatten()
    }

    /// Takes one answer of some players at `now`, all at once; until the proposal is decided the last one counts. Where one of them is
    /// refused, none is taken. The same answer again returns how things stand, also when it is late. Who plays already is not asked:
    /// whatever that player says changes nothing.
    pub fn respond(
        &mut self,
        players: &[PlayerId],
        accept: bool,
        now: Timestamp,
    ) -> Result<Outcome, ProposalError> {
        let asked = players.iter().copied().filter(|player| self.answer_of(*player) != Some(Answer::Plays));
        let asked: Vec<PlayerId> = asked.collect();
        self.answer(&asked, if accept { Answer::Accepted } else { Answer::Declined }, now)
    }

    /// Takes a ticket out for some of its players: as if they had declined, also where it is of those who play already.
    pub fn withdraw(&mut self, players: &[PlayerId], now: Timestamp) -> Result<Outcome, ProposalError> {
        self.answer(players, Answer::Declined, now)
    }

    fn answer(
        &mut self,
        players: &[PlayerId],
        answer: Answer,
        now: Timestamp,
    ) -> Result<Outcome, ProposalError> {
        let proposal = self.id;
        let declined = self.places().any(|place| place.answer == Answer::Declined);
        let complete = self.places().all(|place| matches!(place.answer, Answer::Accepted | Answer::Plays));
        let late = self.expired || now >= self.deadline;
        let mut sides = self.sides.clone();
        for &player in players {
            let place = sides.iter_mut().flatten().find(|place| place.seat.player == player);
            let place = place.ok_or(ProposalError::UnknownPlayer { player, proposal })?;
            match place.answer {
                Answer::Pending if declined => return Err(ProposalError::Declined { proposal }),
                Answer::Pending if late => return Err(ProposalError::TooLate { proposal }),
                Answer::Pending => place.answer = answer,
                given if given == answer => {}
                Answer::Accepted | Answer::Plays if !(declined || complete || late) => place.answer = answer,
                _ => return Err(ProposalError::AnsweredAlready { player }),
            }
        }
        self.sides = sides;
        Ok(self.outcome())
    }

    /// Closes the proposal if it is undecided and `now` is its deadline or later; says how it stands.
    pub fn expire(&mut self, now: Timestamp) -> Outcome {
        if now >= self.deadline && self.outcome() == Outcome::Waiting {
            self.expired = true;
        }
        self.outcome()
    }

    /// How the proposal stands. Time alone does not decide it: [`Proposal::expire`] does.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let all = |answer| self.players_who(answer);
        let (decliners, missing) = (all(Answer::Declined), all(Answer::Pending));
        match (decliners.is_empty(), missing.is_empty()) {
            (true, true) => Outcome::Complete,
            (true, false) if !self.expired => Outcome::Waiting,
            _ => {
                let unwilling = self.tickets_with(Answer::Declined);
                let mut silent = self.tickets_with(Answer::Pending);
                silent.retain(|ticket| !unwilling.contains(ticket));
                let mut willing = self.tickets_with(Answer::Accepted);
                willing.extend(self.tickets_with(Answer::Plays));
                willing.retain(|ticket| !unwilling.contains(ticket) && !silent.contains(ticket));
                let missed_deadline = self.expired;
                Outcome::Failed(Failure { missed_deadline, decliners, missing, willing, unwilling, silent })
            }
        }
    }

    fn players_who(&self, answer: Answer) -> Vec<PlayerId> {
        self.places().filter(|place| place.answer == answer).map(|place| place.seat.player).collect()
    }

    fn tickets_with(&self, answer: Answer) -> Vec<TicketId> {
        let mut tickets: Vec<TicketId> =
            self.places().filter(|place| place.answer == answer).map(|place| place.seat.ticket).collect();
        tickets.sort_unstable();
        tickets.dedup();
        tickets
    }
}

#[cfg(test)]
mod tests;
