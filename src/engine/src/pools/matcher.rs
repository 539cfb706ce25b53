//! The two kinds of pools: by a window of skill, and by a rule set.
use super::Found;
use crate::{
    Balance, QueueConfig, RuleCount,
    forecasts::Forecasts,
    store::{Brought, TicketRow},
};
use gsm_core::{Mode, PlayerId, TicketId, Timestamp, Variant};
use gsm_matchmaking::{
    Explain, Formed, MatchRules, Pool, PoolError, PoolPlayer, PoolTicket, Role, RulePool, RuledExplain,
    RuledMatch, RuledTicket,
};
use gsm_rules::{Member, RuleSet, Value};
use std::{collections::BTreeMap, sync::Arc};

/// Work units of one step under a rule set, whose units are dear: other queues wait for it.
const RULED_STEP_WORK_MAX: u32 = 100_000;

/// What a queue's pool follows.
#[derive(Clone, Default)]
pub(crate) enum Rules {
    /// None that can be followed: another home may tell of the queue only later, or its rule set cannot be used. Nothing is
    /// formed; tickets wait.
    #[default]
    Unknown,
    /// A window of skill.
    Window(MatchRules, Option<Judged>),
    /// A rule set, and the attribute that is the rating.
    /// Judged where it is read how strong players are: by the cost of its objective, or to make teams even.
    Set { set: Arc<RuleSet>, rating_attribute: Option<String>, judged: Option<Judged> },
}

impl Rules {
    /// Those of a queue; nothing where its rule set is not known.
    pub(crate) fn of(config: &QueueConfig, set: Option<Arc<RuleSet>>) -> Self {
        let judged = || Judged { mode: config.mode.clone(), variant: config.variant.clone() };
        match (&config.rule_set, set) {
            (None, _) => {
                let by_model = config.balance == Balance::Prediction;
                Self::Window(config.rules.clone(), by_model.then(judged))
            }
            (Some(_), None) => Self::Unknown,
            (Some(_), Some(set)) => {
                let by_model = set.reads_strengths();
                let rating_attribute = config.rating_attribute.clone();
                Self::Set { set, rating_attribute, judged: by_model.then(judged) }
            }
        }
    }

    /// Whether these are the same rules, and not only some that say the same.
    pub(crate) fn are(&self, others: &Self) -> bool {
        match (self, others) {
            (Self::Unknown, Self::Unknown) => true,
            (Self::Window(rules, judged), Self::Window(of, by)) => rules == of && judged == by,
            (
                Self::Set { set, rating_attribute, judged },
                Self::Set { set: of, rating_attribute: rating, judged: by },
            ) => Arc::ptr_eq(set, of) && rating_attribute == rating && judged == by,
            _ => false,
        }
    }

    /// A ticket as the pool takes it, not judged yet.
    pub(super) fn entering(&self, id: TicketId, row: &TicketRow) -> Entering {
        match self {
            // Its players have teams already, of which only a rule set knows: it waits outside.
            Self::Window(..) | Self::Unknown if row.backfill => {
                Entering::Ruled(Box::new(ruled_ticket(id, row, None)))
            }
            Self::Set { rating_attribute, .. } => {
                Entering::Ruled(Box::new(ruled_ticket(id, row, rating_attribute.as_deref())))
            }
            Self::Window(..) | Self::Unknown => Entering::Window(pool_ticket(id, row), None),
        }
    }

    /// Has a ticket judged by the model, where its queue asks for that.
    pub(super) fn judge(&self, ticket: &mut Entering, model: &Forecasts) {
        match (self, ticket) {
            (Self::Window(_, Some(of)), Entering::Window(ticket, mean)) => {
                let players = ticket.players.iter().map(|player| player.id);
                let strengths = model.strengths(&of.mode, players, of.variant.as_ref(), ticket.queued_at);
                let strengths: Option<Vec<f64>> = strengths.into_iter().collect();
                *mean = strengths.map(|of| of.iter().sum::<f64>() / of.len().max(1) as f64);
            }
            (Self::Set { judged: Some(of), .. }, Entering::Ruled(ticket)) => {
                let players = ticket.players.iter().map(|(player, _)| *player);
                let strengths = model.strengths(&of.mode, players, of.variant.as_ref(), ticket.started_at);
                ticket.players.iter_mut().zip(strengths).for_each(|((_, one), of)| one.strength = of);
            }
            _ => {}
        }
    }
}

/// A ticket on its way into a pool.
pub(super) enum Entering {
    /// With the mean strength of its players, where it is judged.
    Window(PoolTicket, Option<f64>),
    Ruled(Box<RuledTicket>),
}

/// What a pool's tickets are judged for.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Judged {
    mode: Mode,
    variant: Option<Variant>,
}

impl Entering {
    pub(super) fn id(&self) -> TicketId {
        match self {
            Self::Window(ticket, _) => ticket.id,
            Self::Ruled(ticket) => ticket.id,
        }
    }
}

/// Why a ticket still waits.
#[derive(Debug, Clone, PartialEq)]
pub enum Explained {
    /// By its window of skill.
    Window(Explain),
    /// By its rule set.
    Ruled(Box<RuledExplain>),
}

/// Whether a pool takes a ticket.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// It is in the pool.
    Taken,
    /// Not now: the pool is full.
    Later,
    /// Not as long as the rules are what they are.
    Refused,
}

/// The waiting tickets of a queue.
pub(super) enum Matcher {
    /// None by which anything could be formed: it takes no tickets.
    Idle,
    Window(Box<Pool>),
    Ruled(Box<RulePool>),
}

impl Matcher {
    pub(super) fn new(rules: &Rules) -> Option<Self> {
        Some(match rules {
            Rules::Unknown => Self::Idle,
            Rules::Window(rules, _) => Self::Window(Box::new(Pool::new(rules.clone()).ok()?)),
            Rules::Set { set, .. } => Self::Ruled(Box::new(RulePool::new(set.clone()))),
        })
    }

    /// Follows other rules from now on; whether it could without losing its tickets.
    pub(super) fn follow(&mut self, rules: &Rules) -> bool {
        match (self, rules) {
            (Self::Window(pool), Rules::Window(rules, _)) => pool.set_rules(rules.clone()).is_ok(),
            (Self::Ruled(pool), Rules::Set { set, .. }) => Arc::ptr_eq(pool.rules(), set),
            (Self::Idle, Rules::Unknown) => true,
            _ => false,
        }
    }

    /// Takes a ticket, unless it is of another kind, or one that the rules leave out.
    pub(super) fn insert(&mut self, ticket: Entering) -> Fit {
        let taken = match (self, ticket) {
            (Self::Window(pool), Entering::Window(ticket, strength)) => pool.insert_judged(ticket, strength),
            (Self::Ruled(pool), Entering::Ruled(ticket)) => pool.insert(*ticket),
            _ => return Fit::Refused,
        };
        match taken {
            Ok(()) | Err(PoolError::Duplicate { .. }) => Fit::Taken,
            Err(PoolError::Full { .. }) => Fit::Later,
            Err(_) => Fit::Refused,
        }
    }

    pub(super) fn remove(&mut self, id: TicketId) {
        match self {
            Self::Idle => {}
            Self::Window(pool) => drop(pool.remove(id)),
            Self::Ruled(pool) => drop(pool.remove(id)),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Idle => 0,
            Self::Window(pool) => pool.len(),
            Self::Ruled(pool) => pool.len(),
        }
    }

    /// Players of waiting tickets, but those who play already.
    pub(super) fn players(&self) -> usize {
        match self {
            Self::Idle => 0,
            Self::Window(pool) => pool.players(),
            Self::Ruled(pool) => pool.players(),
        }
    }

    pub(super) fn contains(&self, id: TicketId) -> bool {
        match self {
            Self::Idle => false,
            Self::Window(pool) => pool.contains(id),
            Self::Ruled(pool) => pool.contains(id),
        }
    }

    /// Since when the longest waiting ticket waits.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        match self {
            Self::Idle => None,
            Self::Window(pool) => pool.oldest().map(|ticket| ticket.queued_at),
            Self::Ruled(pool) => pool.oldest(),
        }
    }

    pub(super) fn explain(&self, id: TicketId, now: Timestamp) -> Option<Explained> {
        match self {
            Self::Idle => None,
            Self::Window(pool) => pool.explain(id, now).map(Explained::Window),
            Self::Ruled(pool) => pool.explain(id, now).map(|why| Explained::Ruled(Box::new(why))),
        }
    }

    /// The same by a short look, and about how many work units it took.
    pub(super) fn glance(&self, id: TicketId, now: Timestamp, budget: u32) -> Option<(Explained, u32)> {
        match self {
            Self::Idle => None,
            Self::Window(pool) => {
                let (why, work) = pool.glance(id, now, budget)?;
                Some((Explained::Window(why), work))
            }
            Self::Ruled(pool) => {
                let (why, work) = pool.glance(id, now, budget)?;
                Some((Explained::Ruled(Box::new(why)), work))
            }
        }
    }

    /// How often each rule was judged for the ticket's sake.
    pub(super) fn counts(&self, id: TicketId) -> Vec<RuleCount> {
        match self {
            Self::Idle | Self::Window(_) => Vec::new(),
            Self::Ruled(pool) => named(pool.rules(), &pool.counts(id)),
        }
    }

    /// Forms matches; whether all tickets had their turn.
    pub(super) fn step(&mut self, now: Timestamp, budget: u32) -> (Vec<Found>, bool) {
        match self {
            Self::Idle => (Vec::new(), true),
            Self::Window(pool) => {
                let step = pool.step(now, budget);
                let found = |formed: Formed| Found {
                    sides: formed.sides,
                    teams: Vec::new(),
                    roles: BTreeMap::new(),
                    rules: Vec::new(),
                };
                (step.proposals.into_iter().map(found).collect(), step.finished)
            }
            Self::Ruled(pool) => {
                let step = pool.step(now, budget.min(RULED_STEP_WORK_MAX));
                let set = pool.rules();
                let teams: Vec<String> = set.teams().iter().map(|team| team.name.clone()).collect();
                let found = |of: RuledMatch| Found {
                    roles: roles(&of),
                    sides: of.sides.into_iter().map(|side| side.into_vec()).collect(),
                    teams: teams.clone(),
                    rules: named(set, &of.counts),
                };
                (step.matches.into_iter().map(found).collect(), step.finished)
            }
        }
    }
}

/// The roles by player.
fn roles(of: &RuledMatch) -> BTreeMap<PlayerId, Role> {
    let players = of.sides.iter().flatten().map(|seat| seat.player);
    players
        .zip(of.roles.iter().flatten())
        .filter_map(|(player, role)| Some((player, role.clone()?)))
        .collect()
}

fn named(set: &RuleSet, counts: &[(u64, u64)]) -> Vec<RuleCount> {
    let rules = set.rules().iter().zip(counts);
    rules
        .map(|(rule, (passed, failed))| RuleCount {
            rule: rule.name.clone(),
            passed: *passed,
            failed: *failed,
        })
        .collect()
}

fn pool_ticket(id: TicketId, row: &TicketRow) -> PoolTicket {
    let players = row
        .players
        .iter()
        .map(|p| PoolPlayer { id: p.player, skill: p.rating.mean, deviation: p.rating.deviation })
        .collect();
    PoolTicket { id, players, queued_at: row.queued_at }
}

/// The members of a ticket as a rule set sees them.
pub(crate) fn members(row: &TicketRow, rating_attribute: Option<&str>) -> Vec<Member> {
    let nothing = Brought::default();
    let member = |(at, player): (usize, &crate::store::TicketPlayer)| {
        let brought = row.brought.get(at).unwrap_or(&nothing);
        let mut attributes = brought.attributes.clone();
        if let Some(name) = rating_attribute {
            attributes.insert(name.to_owned(), Value::Number(player.rating.mean));
        }
        let id = player.player.to_string();
        // Others may name him either way, whichever way they came themselves.
        let (player_id, alias) = match &brought.name {
            Some(name) if *name != id => (name.clone(), Some(id)),
            _ => (id, None),
        };
        Member {
            player: player_id,
            alias,
            attributes,
            latency_ms: brought.latency_ms.clone(),
            skill: Some(player.rating.mean),
            ..Member::default()
        }
    };
    row.players.iter().enumerate().map(member).collect()
}

fn ruled_ticket(id: TicketId, row: &TicketRow, rating_attribute: Option<&str>) -> RuledTicket {
    let players = row.players.iter().map(|p| p.player).zip(members(row, rating_attribute)).collect();
    let team = |brought: &Brought| brought.team.clone().unwrap_or_default();
    let backfill = row.backfill.then(|| row.party().iter().map(team).collect());
    RuledTicket { id, players, backfill, started_at: row.queued_at }
}
