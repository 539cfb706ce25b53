//! What happens to tickets, for whoever listens outside: one event for each step that FlexMatch tells of.
//!
//! An event follows the commit that it tells of and is made by the node that committed, once; it is not kept, so one
//! whose node dies right then is lost. Players are told otherwise, and durably: by their push streams.
use crate::{
    Engine, QueueConfig,
    pools::Explained,
    store::{Forecast, TicketRow, Version},
};
use gsm_core::{EventId, MatchId, Millis, PlayerId, QueueName, TicketId, Timestamp};
use gsm_matchmaking::{Proposal, Role, WaitEstimate, proposal::Answer};
use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

/// Something that happened to tickets of a queue.
#[derive(Debug, Clone, PartialEq)]
pub struct MatchmakingEvent {
    /// Its own id.
    pub id: EventId,
    /// When.
    pub at: Timestamp,
    /// The queue, as it was then.
    pub queue: Arc<QueueConfig>,
    /// What.
    pub what: Happening,
    /// The match that was formed, also where it was not accepted.
    pub match_id: Option<MatchId>,
    /// What was predicted of it, as players see it, where it takes place.
    pub prediction: Option<Forecast>,
    /// To which tickets.
    pub tickets: Vec<EventTicket>,
    /// How often each rule was judged, for the tickets' sake.
    pub rules: Vec<RuleCount>,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happening {
    /// A ticket entered the pool, for the first time or again; the mean wait of late, where there is one.
    Searching(Option<Millis>),
    /// A match was formed; how long its players have to accept, where they are asked.
    PotentialMatch(Option<Millis>),
    /// Some players answered.
    Answered,
    /// It is decided whether the match takes place.
    Decided(Decision),
    /// The match takes place.
    Succeeded,
    /// A ticket found no match in time.
    TimedOut,
    /// A ticket ended otherwise; why, for people.
    Cancelled(String),
    /// The players of a match do not agree how it ended; how they do not, for people.
    Disputed(String),
}

/// How a proposal ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// All accepted.
    Accepted,
    /// Somebody declined, or was taken out.
    Rejected,
    /// Somebody did not answer.
    TimedOut,
}

/// A ticket of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventTicket {
    /// As the GameLift wire knows it ([`Engine::gamelift_ticket_name`]).
    pub id: String,
    /// Since when it waits.
    pub queued_at: Timestamp,
    /// The game session that it is a backfill for, where one is named.
    pub session: Option<String>,
    /// Its players.
    pub players: Vec<EventPlayer>,
}

/// A player of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPlayer {
    /// The name by which the caller knows the player, or the player's id.
    pub id: String,
    /// The team, once there is one.
    pub team: Option<String>,
    /// The role, once there is one.
    pub role: Option<Role>,
    /// The answer, once there is one.
    pub accepted: Option<bool>,
}

/// How often a rule was judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleCount {
    /// The rule.
    pub rule: String,
    /// Times that it held.
    pub passed: u64,
    /// Times that it did not.
    pub failed: u64,
}

/// Whoever listens. Must not block.
pub trait Listener: Send + Sync {
    /// Takes an event.
    fn hear(&self, event: MatchmakingEvent);
}

/// The one who listens, if anybody does.
#[derive(Default)]
pub(crate) struct Events(OnceLock<Arc<dyn Listener>>);

/// Where a player is to play, and what he said.
#[derive(Default, Clone)]
pub(crate) struct EventPlace {
    pub(crate) team: Option<String>,
    pub(crate) role: Option<Role>,
    pub(crate) accepted: Option<bool>,
}

/// By player, of a match that is formed.
pub(crate) type Places = BTreeMap<PlayerId, EventPlace>;

/// Where the players of a proposal are to play, and what they said.
pub(crate) fn places(proposal: &Proposal) -> Places {
    let mut places = Places::new();
    for (at, side) in proposal.sides().iter().enumerate() {
        for place in side {
            let accepted = match place.answer {
                Answer::Pending => None,
                Answer::Accepted | Answer::Plays => Some(true),
                Answer::Declined => Some(false),
            };
            let player = place.seat.player;
            let (team, role) = (proposal.teams().get(at).cloned(), proposal.roles().get(&player).cloned());
            places.insert(player, EventPlace { team, role, accepted });
        }
    }
    places
}

/// A ticket as an event shows it.
pub(crate) fn shown(id: TicketId, row: &TicketRow, places: &Places) -> EventTicket {
    let player = |(at, player): (usize, PlayerId)| {
        let brought = row.brought.get(at);
        let EventPlace { team, role, accepted } = places.get(&player).cloned().unwrap_or_default();
        let name = brought.and_then(|brought| brought.name.clone());
        EventPlayer {
            id: name.unwrap_or_else(|| player.to_string()),
            team: team.or_else(|| brought.and_then(|brought| brought.team.clone())),
            role: role.or_else(|| brought.and_then(|brought| brought.role.clone())),
            accepted: accepted.filter(|_| !row.backfill),
        }
    };
    EventTicket {
        id: Engine::gamelift_ticket_name(id, row),
        queued_at: row.queued_at,
        session: row.session.clone(),
        players: row.players.iter().map(|p| p.player).enumerate().map(player).collect(),
    }
}

/// The same of several.
pub(crate) fn all_shown(tickets: &[(TicketId, TicketRow, Version)], places: &Places) -> Vec<EventTicket> {
    tickets.iter().map(|(id, row, _)| shown(*id, row, places)).collect()
}

/// What is told once a commit is through.
pub(crate) struct Telling {
    pub(crate) what: Happening,
    pub(crate) match_id: Option<MatchId>,
    pub(crate) prediction: Option<Forecast>,
    pub(crate) tickets: Vec<EventTicket>,
    pub(crate) rules: Vec<RuleCount>,
}

impl Telling {
    pub(crate) fn new(what: Happening, tickets: Vec<EventTicket>) -> Self {
        Self { what, match_id: None, prediction: None, tickets, rules: Vec::new() }
    }
    pub(crate) fn of_match(self, match_id: Option<MatchId>) -> Self {
        Self { match_id, ..self }
    }
    /// With what was predicted of the match, where it takes place.
    pub(crate) fn predicted(self, of: Option<&Forecast>) -> Self {
        let prediction = of.filter(|_| self.what == Happening::Succeeded).map(Forecast::shown);
        Self { prediction, ..self }
    }
    pub(crate) fn with(self, rules: Vec<RuleCount>) -> Self {
        Self { rules, ..self }
    }
}

impl Engine {
    /// Tells `listener` of everything that happens to tickets from now on. Only the first one is taken.
    pub fn listen(&self, listener: Arc<dyn Listener>) {
        let _ = self.events.0.set(listener);
    }

    /// Whether anybody listens: what nobody hears need not be put together.
    pub(crate) fn is_heard(&self) -> bool {
        self.events.0.get().is_some()
    }

    /// Tells what a commit did that is through.
    pub(crate) fn publish(&self, queue: &QueueName, at: Timestamp, tellings: Vec<Telling>) {
        if let Some(queue) = self.views.queues.get(queue) {
            self.publish_of(&queue, at, tellings);
        }
    }

    /// The same of a queue that may be gone by now.
    pub(crate) fn publish_of(&self, queue: &Arc<QueueConfig>, at: Timestamp, tellings: Vec<Telling>) {
        let Some(listener) = self.events.0.get() else { return };
        for Telling { what, match_id, prediction, tickets, rules } in tellings {
            let id = EventId::fresh(&*self.ids);
            let queue = queue.clone();
            listener.hear(MatchmakingEvent { id, at, queue, what, match_id, prediction, tickets, rules });
        }
    }

    /// How long a waiting ticket of the queue will have waited in all: nothing until enough others have ended.
    #[must_use]
    pub fn wait_estimate(&self, queue: &QueueName, id: TicketId) -> Option<WaitEstimate> {
        self.views.pools.get(queue)?.waits.lock().estimate(id, self.clock.now())
    }

    /// Why a waiting ticket of the queue still waits, by a short look at the first of the others: cheap enough to be told every
    /// few seconds to who listens. Nothing where it does not wait, or looks have taken their share of late: ask again later.
    #[must_use]
    pub fn glance(&self, queue: &QueueName, id: TicketId) -> Option<Explained> {
        self.views.pools.glance(queue, id, self.clock.now())
    }

    /// The mean wait of the queue's late matches.
    #[must_use]
    pub fn estimated_wait(&self, queue: &QueueName) -> Option<Millis> {
        self.views.pools.get(queue)?.waits.lock().mean()
    }
}
