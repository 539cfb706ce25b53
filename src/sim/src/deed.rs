//! What callers do: plain data, so that a trace can be read and a fate can be unknown.
use crate::world::{LAPS, league, rule_set};
use gsm_core::{
    BoardName, MatchId, Millis, Mode, PlayerId, ProposalId, QueueName, RequestKey, TicketId, Timestamp,
    Variant,
};
use gsm_engine::{
    Ban, BanKind, BoardConfig, Call, Engine, EngineError, Fingerprint, Intake, MatchFacts, MatchView,
    NewMatch, NewTicket, PAST_SEATS_MAX, Principal, QueueConfig, ReportsView, ResultView, Retention,
    Submission, TicketView, Viewer, Visibility,
    store::{Brought, Origin, Recorded},
};
use gsm_ranking::soft_reset::ResetConfig;
use gsm_session::{MatchState, PlayerSessionState, Report, Roster, SideReport, Standings};
use std::{collections::BTreeSet, fmt};

/// The one game server of a world.
pub(crate) const SERVER: &str = "gs-1";

/// A request for a ticket.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TicketWish {
    pub(crate) queue: QueueName,
    /// Where else.
    pub(crate) also: Vec<QueueName>,
    pub(crate) leader: PlayerId,
    pub(crate) members: Vec<PlayerId>,
    /// Whether the members were asked.
    pub(crate) consent: bool,
    pub(crate) own_id: Option<RequestKey>,
    /// To how many places with long names the leader tells a latency: a kilobyte each.
    pub(crate) far: usize,
    pub(crate) key: Option<String>,
}

/// So many of them a ticket takes.
pub(crate) const FAR_MAX: usize = 16;

impl TicketWish {
    pub(crate) fn players(&self) -> Vec<PlayerId> {
        std::iter::once(self.leader).chain(self.members.iter().copied()).collect()
    }
    /// All its queues.
    pub(crate) fn queues(&self) -> BTreeSet<&QueueName> {
        std::iter::once(&self.queue).chain(&self.also).collect()
    }
    /// What the idempotency key stands for.
    pub(crate) fn body(&self) -> String {
        format!("{} {:?} {:?} {:?} {}", self.queue, self.also, self.players(), self.own_id, self.far)
    }
}

/// How a match is reported.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outcome {
    /// Place of each side.
    pub(crate) places: Vec<u32>,
    pub(crate) quits: Vec<PlayerId>,
    pub(crate) afk: Vec<PlayerId>,
    pub(crate) variant: Option<Variant>,
}

impl Outcome {
    pub(crate) fn report(&self) -> Report {
        let side = |place: &u32| SideReport { place: *place, score: None };
        Report {
            standings: Standings::Sides(self.places.iter().map(side).collect()),
            quits: self.quits.clone(),
            afk: self.afk.clone(),
            duration: None,
            variant: self.variant.clone(),
        }
    }
}

/// One call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Deed {
    SignIn {
        secret: usize,
    },
    Create(TicketWish),
    /// The game server asks for more players for a session.
    Backfill {
        session: usize,
        players: Vec<PlayerId>,
    },
    Cancel {
        ticket: TicketId,
        by: PlayerId,
        key: Option<String>,
    },
    Answer {
        proposal: ProposalId,
        player: PlayerId,
        accept: bool,
        key: Option<String>,
    },
    Report {
        id: MatchId,
        facts: Option<(Mode, Roster)>,
        outcome: Outcome,
        key: Option<String>,
    },
    /// A player says how a match ended.
    Say {
        id: MatchId,
        player: PlayerId,
        outcome: Outcome,
        key: Option<String>,
    },
    MoveMatch {
        id: MatchId,
        to: MatchState,
        key: Option<String>,
    },
    MoveSession {
        id: MatchId,
        player: PlayerId,
        to: PlayerSessionState,
    },
    MakeMatch {
        queue: QueueName,
        sides: Vec<Vec<PlayerId>>,
        key: Option<String>,
    },
    PutQueue(Box<QueueConfig>),
    /// The rule set of the world, for matches of so many players.
    PutRuleSet {
        players: usize,
    },
    PutBoard(Box<BoardConfig>),
    Void {
        id: MatchId,
        key: Option<String>,
    },
    Correct {
        id: MatchId,
        outcome: Outcome,
        key: Option<String>,
    },
    Seasons {
        player: PlayerId,
    },
    SetRating {
        mode: Mode,
        player: PlayerId,
        mean: f64,
        deviation: Option<f64>,
        key: Option<String>,
    },
    /// All ratings of a mode are drawn towards one another.
    SoftReset {
        mode: Mode,
        config: ResetConfig,
        key: Option<String>,
    },
    /// All ratings of a mode are computed again and put right.
    Rebuild {
        mode: Mode,
    },
    /// A score for the board of scores.
    Submit {
        player: PlayerId,
        value: i64,
        key: Option<String>,
    },
    /// Who sees a player on the board of scores.
    Shade {
        player: PlayerId,
        visibility: Visibility,
        key: Option<String>,
    },
    /// How long the players of a queue are asked.
    ChangeQueue {
        queue: QueueName,
        patience: Millis,
    },
    /// A player goes for good, by his own wish or by an operator's hand.
    Erase {
        player: PlayerId,
        by_player: bool,
        key: Option<String>,
    },
    /// Nobody plays with the player until then, in any queue; for good without.
    Ban {
        player: PlayerId,
        until: Option<Timestamp>,
        key: Option<String>,
    },
    Lift {
        player: PlayerId,
        key: Option<String>,
    },
    Tick,
    Upkeep,
}

/// What the caller was told.
#[derive(Debug, Clone)]
pub(crate) enum Told {
    Player(PlayerId),
    Ticket(Box<TicketView>),
    Match(Box<MatchView>),
    Result(Box<ResultView>),
    Said(Box<ReportsView>),
    Done(String),
    No(EngineError),
    /// The node died first.
    Nothing,
}

impl Told {
    /// `ok`, the error's code, or `crashed`.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::No(error) => error.code(),
            Self::Nothing => "crashed",
            _ => "ok",
        }
    }
    /// All that the caller was told.
    pub(crate) fn whole(&self) -> String {
        match self {
            Self::Match(view) => format!("{view:?}"),
            Self::Ticket(view) => format!("{view:?}"),
            Self::Result(view) => format!("{view:?}"),
            other => other.to_string(),
        }
    }
    /// Whether what was asked may or may not have happened.
    pub(crate) fn is_unknown(&self) -> bool {
        matches!(self, Self::No(EngineError::NoAnswer(_)) | Self::Nothing)
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Player(id) => write!(f, "{id}"),
            Self::Ticket(view) => write!(f, "{} {}", view.id, view.row.state),
            Self::Match(view) => write!(f, "{} {}", view.id, view.row.state),
            Self::Result(view) => {
                write!(f, "counts: {:?}", view.row.changes.iter().map(|c| c.after.mean).collect::<Vec<_>>())
            }
            Self::Said(view) => match (&view.result, &view.row) {
                (Some(result), _) => write!(f, "said, {:?}", result.row.verdict),
                (None, Some(row)) => write!(f, "said by {}", row.voices.all().len()),
                (None, None) => f.write_str("said by nobody"),
            },
            Self::Done(what) => f.write_str(what),
            Self::No(error) => write!(f, "{}: {error}", error.code()),
            Self::Nothing => f.write_str("the node died"),
        }
    }
}

fn call(engine: &Engine, principal: Principal, request_id: String) -> Call {
    Call {
        action: "sim",
        principal,
        request_id,
        once: None,
        now: engine.clock().now(),
        origin: Origin { recorded: Recorded::not_yet(), ..Origin::default() },
    }
}

/// By this a game server knows a player.
pub(crate) fn mark(player: PlayerId) -> String {
    format!("known-as-{player}")
}

/// The name of a game session.
pub(crate) fn session_name(session: usize) -> String {
    format!("session-{session}")
}

/// The queue whose matches are backfilled.
pub(crate) const BACKFILLED: &str = "brawl";

async fn backfill(
    engine: &Engine,
    call: &Call,
    session: usize,
    players: &[PlayerId],
) -> Result<TicketView, EngineError> {
    let (Ok(queue), Some((leader, members))) = (QueueName::new(BACKFILLED), players.split_first()) else {
        return Err(EngineError::Unknown { what: "queue" });
    };
    let bring = |(at, player): (usize, &PlayerId)| {
        let (name, team) = (Some(mark(*player)), Some(format!("one_{}", at + 1)));
        Brought { name, team, ..Brought::default() }
    };
    let new = NewTicket {
        members: members.iter().map(|player| (*player, None)).collect(),
        brought: players.iter().enumerate().map(bring).collect(),
        intake: Intake::Backfill,
        session: Some(session_name(session)),
        ..NewTicket::new(queue, *leader)
    };
    engine.create_ticket(call, &new).await
}

async fn create(engine: &Engine, call: &Call, wish: &TicketWish) -> Result<TicketView, EngineError> {
    let mut members = Vec::new();
    for member in &wish.members {
        let consent = if wish.consent {
            let asked = Call { principal: Principal::Player(*member), once: None, ..call.clone() };
            Some(engine.consent(&asked, wish.leader).await?.0)
        } else {
            None
        };
        members.push((*member, consent));
    }
    let own_id = wish.own_id.clone();
    let also = wish.also.clone();
    let mut brought = Vec::new();
    if wish.far > 0 {
        let latency_ms = (0..wish.far).map(|n| (format!("{n:01000}"), 20)).collect();
        brought.resize(members.len() + 1, Brought::default());
        brought[0].latency_ms = latency_ms;
    }
    let new = NewTicket { also, members, own_id, brought, ..NewTicket::new(wish.queue.clone(), wish.leader) };
    engine.create_ticket(call, &new).await
}

impl Deed {
    /// The idempotency key, and what it stands for.
    pub(crate) fn key(&self) -> Option<(&String, String)> {
        let (key, body) = match self {
            Self::Create(wish) => (&wish.key, wish.body()),
            Self::Cancel { ticket, key, .. } => (key, format!("{ticket}")),
            Self::Answer { proposal, accept, key, .. } => (key, format!("{proposal} {accept}")),
            Self::Report { id, outcome, key, .. } => (key, format!("{id} {outcome:?}")),
            Self::Say { id, outcome, key, .. } => (key, format!("{id} {outcome:?}")),
            Self::MoveMatch { id, to, key } => (key, format!("{id} {to}")),
            Self::MakeMatch { queue, sides, key } => (key, format!("{queue} {sides:?}")),
            Self::Void { id, key } => (key, format!("{id} is void")),
            Self::Correct { id, outcome, key } => (key, format!("{id} {outcome:?}")),
            Self::Erase { player, key, .. } => (key, format!("{player}")),
            Self::Ban { player, until, key } => (key, format!("{player} {until:?}")),
            Self::Lift { player, key } => (key, format!("{player} is free")),
            Self::SoftReset { mode, config, key } => (key, format!("{mode} {config:?}")),
            Self::Submit { player, value, key } => (key, format!("{player} {value}")),
            Self::Shade { player, visibility, key } => (key, format!("{player} {visibility:?}")),
            Self::SetRating { mode, player, mean, deviation, key } => {
                (key, format!("{mode} {player} {mean} {deviation:?}"))
            }
            _ => return None,
        };
        key.as_ref().map(|key| (key, body))
    }

    /// The match that it rules on, if it does.
    pub(crate) fn ruled_on(&self) -> Option<MatchId> {
        match self {
            Self::Void { id, .. } | Self::Correct { id, .. } => Some(*id),
            _ => None,
        }
    }

    fn principal(&self) -> Principal {
        match self {
            Self::SignIn { .. } => Principal::Anonymous,
            Self::Create(wish) => Principal::Player(wish.leader),
            Self::Cancel { by: player, .. } | Self::Answer { player, .. } => Principal::Player(*player),
            Self::Say { player, .. } => Principal::Player(*player),
            Self::Report { id, facts: Some(_), .. } => Principal::Match(*id),
            Self::Erase { player, by_player: true, .. } => Principal::Player(*player),
            Self::Erase { .. } => Principal::Admin("ops".to_owned()),
            Self::PutQueue(_)
            | Self::PutRuleSet { .. }
            | Self::PutBoard(_)
            | Self::Void { .. }
            | Self::Correct { .. }
            | Self::Ban { .. }
            | Self::Lift { .. }
            | Self::SoftReset { .. }
            | Self::Rebuild { .. }
            | Self::Shade { .. }
            | Self::ChangeQueue { .. }
            | Self::SetRating { .. } => Principal::Admin("ops".to_owned()),
            _ => Principal::Server(SERVER.to_owned()),
        }
    }

    /// Does it on a node, under a name for the audit log.
    pub(crate) async fn perform(&self, engine: &Engine, request_id: String) -> Told {
        let mut call = call(engine, self.principal(), request_id);
        if let Some((key, body)) = self.key() {
            // The key names the operation too: keys of different ones never meet.
            call.once = Some(Fingerprint::new(&call.principal, "sim", key, &[body.as_bytes()]));
        }
        self.attempt(engine, &call).await.unwrap_or_else(Told::No)
    }

    async fn attempt(&self, engine: &Engine, call: &Call) -> Result<Told, EngineError> {
        Ok(match self {
            Self::SignIn { secret } => {
                let secret = format!("secret-{secret}-0123456789abcdef");
                Told::Player(engine.sign_in(call, &secret, None).await?.player)
            }
            Self::Create(wish) => Told::Ticket(Box::new(create(engine, call, wish).await?)),
            Self::Backfill { session, players } => {
                Told::Ticket(Box::new(backfill(engine, call, *session, players).await?))
            }
            Self::Cancel { ticket, .. } => Told::Ticket(Box::new(engine.cancel_ticket(call, *ticket).await?)),
            Self::Answer { proposal, player, accept, .. } => {
                let view = engine.respond(call, *proposal, *player, *accept).await?;
                Told::Done(format!("{:?}", view.proposal.outcome()))
            }
            Self::Report { id, facts, outcome, .. } => {
                let facts = facts.clone().map(|(mode, roster)| MatchFacts {
                    queue: QueueName::new(mode.as_str()).ok(),
                    mode,
                    roster,
                });
                let view = engine.report_result(call, *id, facts.as_ref(), &outcome.report()).await?;
                Told::Result(Box::new(view))
            }
            Self::Say { id, outcome, .. } => {
                Told::Said(Box::new(engine.report_as_player(call, *id, &outcome.report()).await?))
            }
            Self::MoveMatch { id, to, .. } => {
                let view = engine.move_match(call, *id, *to, None).await?;
                Told::Done(view.row.state.to_string())
            }
            Self::MoveSession { id, player, to } => {
                let session = engine.move_player_session(call, *id, *player, *to).await?;
                Told::Done(session.state.to_string())
            }
            Self::MakeMatch { queue, sides, .. } => {
                let new = NewMatch {
                    queue: queue.clone(),
                    sides: sides.clone(),
                    parties: Vec::new(),
                    home: None,
                    variant: None,
                };
                Told::Match(Box::new(engine.create_match(call, &new).await?))
            }
            Self::PutQueue(config) => {
                engine.put_queue(call, (**config).clone()).await?;
                Told::Done("kept".to_owned())
            }
            Self::PutRuleSet { players } => {
                let (Some(name), body) = rule_set(*players) else { return Ok(Told::Done(String::new())) };
                let made = engine.put_rule_set(call, &name, &body).await?;
                Told::Done(format!("version {}", made.version))
            }
            Self::PutBoard(config) => {
                engine.put_board(call, (**config).clone()).await?;
                Told::Done("kept".to_owned())
            }
            Self::Void { id, .. } => Told::Result(Box::new(engine.void_result(call, *id, "sim").await?)),
            Self::Correct { id, outcome, .. } => {
                let view = engine.correct_result(call, *id, &outcome.report(), "sim").await?;
                Told::Result(Box::new(view))
            }
            Self::Seasons { player } => {
                let Some((name, _)) = league() else { return Ok(Told::Done(String::new())) };
                let seats = engine.past_seats(&name, *player, None, PAST_SEATS_MAX, Viewer::All).await?;
                Told::Done(format!("{seats:?}"))
            }
            Self::SetRating { mode, player, mean, deviation, .. } => {
                let row = engine.set_rating(call, mode, *player, *mean, *deviation, "sim").await?;
                Told::Done(format!("{row:?}"))
            }
            Self::SoftReset { mode, config, .. } => {
                let report = engine.soft_reset(call, mode, *config, "sim").await?;
                Told::Done(format!("{report:?}"))
            }
            Self::Rebuild { mode } => Told::Done(format!("{:?}", engine.rebuild(call, mode, true).await?)),
            Self::Submit { player, value, .. } => {
                let Ok(name) = BoardName::new(LAPS) else { return Ok(Told::Done(String::new())) };
                let of = Submission { player: *player, values: vec![*value], at: None, metadata: None };
                Told::Done(format!("{:?}", engine.submit(call, &name, &[of]).await?))
            }
            Self::Shade { player, visibility, .. } => {
                let Ok(name) = BoardName::new(LAPS) else { return Ok(Told::Done(String::new())) };
                engine.set_visibility(call, &name, *player, *visibility, "sim").await?;
                Told::Done("decided".to_owned())
            }
            Self::ChangeQueue { queue, patience } => {
                let change = |config: &mut QueueConfig| {
                    config.acceptance_ms = Some(*patience);
                    Ok(())
                };
                engine.change_queue(call, queue, change).await?;
                Told::Done("changed".to_owned())
            }
            Self::Erase { player, .. } => {
                engine.erase_player(call, *player, Some("sim")).await?;
                Told::Done("erased".to_owned())
            }
            Self::Ban { player, until, .. } => {
                let (reason, by) = ("sim".to_owned(), "ops".to_owned());
                let ban = Ban { kind: BanKind::Play, reason, by, since: call.now, until: *until };
                engine.ban(call, *player, &ban).await?;
                Told::Done("banned".to_owned())
            }
            Self::Lift { player, .. } => {
                engine.lift_ban(call, *player, BanKind::Play.as_str(), "sim").await?;
                Told::Done("free".to_owned())
            }
            Self::Upkeep => Told::Done(format!("{:?}", engine.upkeep(&Retention::default()).await?)),
            Self::Tick => {
                // A server gives each a task of its own.
                let turns =
                    futures::future::join3(engine.tick_queues(), engine.tick_jobs(), engine.tick_reports());
                let (report, (), ended) = turns.await;
                Told::Done(format!("{report:?}, {ended} by reports"))
            }
        })
    }
}
