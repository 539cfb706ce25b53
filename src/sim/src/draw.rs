//! What happens next, drawn from the seed with the callers' knowledge.
use crate::{
    book::Book,
    deed::{Deed, FAR_MAX, Outcome, SERVER, TicketWish},
    random::Random,
    truth::Truth,
    world::{BEST, QUEUES, boards, queue, ruled},
};
use gsm_core::{MatchId, Millis, Mode, PlayerId, QueueName, RequestKey, Timestamp};
use gsm_engine::{QueueConfig, Visibility};
use gsm_ranking::{
    soft_reset::{DeviationReset, ResetConfig, Target},
    tier::VisibleReset,
};
use gsm_session::{MatchState, PlayerSessionState, Roster, TicketState};

/// Players of one world, at most.
const PLAYERS_MAX: usize = 20;
/// Different idempotency keys: few, so that they meet.
const KEYS: usize = 40;
/// Game sessions that look for players: few, so that a later request meets an earlier one.
pub(crate) const SESSIONS: usize = 2;

/// What a step is.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Calls at the same time.
    Calls { deeds: Vec<(usize, Deed)>, mishap: Mishap },
    /// Time passes.
    Pass { ms: i64 },
    /// A node dies between calls.
    Crash { node: usize },
    /// The stores' health changes.
    Weather,
    /// What was held back is delivered, and all folds are looked at.
    Calm,
}

/// A node that is stopped in the middle of its calls.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pause {
    /// Which.
    pub(crate) node: usize,
    /// Turns that it has alone, before it is stopped.
    pub(crate) alone: u32,
    /// Turns that the others have then; when they are done, it goes on at once.
    pub(crate) stopped: u32,
}

/// What happens in the middle of calls.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Mishap {
    /// A node dies: which, and from which turn on.
    pub(crate) crash: Option<(usize, u32)>,
    /// Calls take long: in which turn time passes, and how many milliseconds.
    pub(crate) lapse: Option<(u32, i64)>,
    /// A process is stopped and goes on.
    pub(crate) pause: Option<Pause>,
}

impl Mishap {
    pub(crate) fn is_none(self) -> bool {
        self.crash.is_none() && self.lapse.is_none() && self.pause.is_none()
    }
}

/// Draws from what is known.
pub(crate) struct Draw<'a> {
    pub(crate) random: &'a mut Random,
    pub(crate) book: &'a Book,
    pub(crate) truth: &'a Truth,
    pub(crate) nodes: usize,
    pub(crate) now: Timestamp,
}

/// Variants that results name.
const MAPS: usize = 5;

/// The one true outcome of a match, the same whoever asks.
fn outcome(id: MatchId, roster: &Roster, other: bool) -> Outcome {
    let mut random = Random::new(id.as_u128() as u64 ^ (id.as_u128() >> 64) as u64 ^ u64::from(other));
    let sides = roster.sides().len();
    let mut places: Vec<u32> = (0..sides).map(|_| 1 + random.below(sides) as u32).collect();
    let first = random.below(sides);
    places[first] = 1;
    let quits = if random.chance(0.2) { roster.players().take(1).collect() } else { Vec::new() };
    // Whether a variant is named does not differ: a correction that names none leaves it as it is.
    let variant = (!id.as_u128().is_multiple_of(4)).then(|| format!("map-{}", random.below(MAPS)));
    let afk = if random.chance(0.15) { roster.players().take(2).collect() } else { Vec::new() };
    Outcome { places, quits, afk, variant: variant.and_then(|name| name.parse().ok()) }
}

impl Draw<'_> {
    /// The next step.
    pub(crate) fn act(&mut self) -> Act {
        match self.random.below(100) {
            0..=60 => {
                let many = if self.random.chance(0.45) { 1 } else { 2 + self.random.below(6) };
                let deeds: Vec<(usize, Deed)> = (0..many).filter_map(|_| self.on_a_node()).collect();
                Act::Calls { deeds, mishap: self.mishap() }
            }
            61..=70 => Act::Calls { deeds: vec![(self.node(), Deed::Tick)], mishap: self.mishap() },
            71..=75 => {
                let deeds = (0..self.nodes).map(|node| (node, Deed::Tick)).collect();
                Act::Calls { deeds, mishap: self.mishap() }
            }
            76..=88 => Act::Pass { ms: self.random.within(1, 2_500) },
            89..=90 => Act::Pass { ms: self.random.within(3_000, 40_000) },
            91 => Act::Pass { ms: self.random.within(60_000, 400_000) },
            92 => Act::Crash { node: self.node() },
            93..=94 => Act::Weather,
            95..=96 => self.takeover(),
            97 => self.late_board(),
            _ => Act::Calm,
        }
    }

    /// A node that holds leases is stopped in its turn, with somebody to match, until another has taken them over.
    fn takeover(&mut self) -> Act {
        let node = self.node();
        let pause = Pause {
            node,
            alone: 1 + self.random.below(16) as u32,
            stopped: 1 + self.random.below(24) as u32,
        };
        let lapse = (pause.alone, self.random.within(2_500, 6_000));
        let mut deeds = Vec::new();
        for leader in self.random.some(&self.idle(), 2) {
            let queue = QueueName::new(QUEUES[0]).ok();
            let wish = |queue| TicketWish {
                queue,
                also: vec![],
                leader,
                members: vec![],
                consent: true,
                own_id: None,
                far: 0,
                key: None,
            };
            deeds.extend(queue.map(|queue| (node, Deed::Create(wish(queue)))));
        }
        deeds.extend((0..self.nodes).map(|node| (node, Deed::Tick)));
        Act::Calls { deeds, mishap: Mishap { crash: None, lapse: Some(lapse), pause: Some(pause) } }
    }

    /// The board that counts last is defined while other nodes take results: more of them, as long as nobody has.
    fn late_board(&mut self) -> Act {
        let Some(board) = boards().into_iter().find(|config| config.name.as_str() == BEST) else {
            return Act::Calm;
        };
        let mut deeds = vec![(self.node(), Deed::PutBoard(Box::new(board)))];
        for _ in 0..1 + self.random.below(4) {
            let node = self.node();
            deeds.extend(self.report().map(|report| (node, report)));
        }
        Act::Calls { deeds, mishap: self.mishap() }
    }

    /// Players who were not erased.
    fn living(&self) -> Vec<PlayerId> {
        let mut living = self.book.by_secret();
        living.retain(|player| !self.truth.erased.contains(player));
        living
    }

    fn idle(&self) -> Vec<PlayerId> {
        let mut everyone = self.living();
        everyone.retain(|player| !self.truth.claims.contains_key(player));
        everyone
    }

    fn mishap(&mut self) -> Mishap {
        let crash = self.random.chance(0.03).then(|| (self.node(), self.random.below(8) as u32));
        let turns = 1 + self.random.below(12) as u32;
        // Stopped in the very turn in which time passes, if in any: long enough, and a lease has gone to another.
        let pause = self.random.chance(0.12).then(|| Pause {
            node: self.node(),
            alone: turns,
            stopped: if self.random.chance(0.3) { u32::MAX } else { 1 + self.random.below(16) as u32 },
        });
        let lapses = if pause.is_some() { 0.6 } else { 0.08 };
        let lapse = self.random.chance(lapses).then(|| (turns, self.random.within(100, 6_000)));
        Mishap { crash, lapse, pause }
    }

    fn node(&mut self) -> usize {
        self.random.below(self.nodes)
    }

    fn on_a_node(&mut self) -> Option<(usize, Deed)> {
        let node = self.node();
        self.deed().map(|deed| (node, deed))
    }

    fn deed(&mut self) -> Option<Deed> {
        match self.random.below(148) {
            0..=5 => Some(Deed::SignIn { secret: self.random.below(PLAYERS_MAX) }),
            6..=44 => self.create().map(Deed::Create),
            45..=51 => {
                let open: Vec<_> = self.book.tickets.keys().copied().collect();
                // Mostly a late one: early ones have ended.
                let late = open.get(open.len().saturating_sub(8)..).unwrap_or(&open).to_vec();
                let from = if self.random.chance(0.8) { &late } else { &open };
                let ticket = self.random.pick(from)?;
                let party = self.book.tickets.get(&ticket)?.row.players.iter().map(|p| p.player).collect();
                let by = self.mostly(party)?;
                let key = self.key("cancel", by);
                Some(Deed::Cancel { ticket, by, key })
            }
            52..=73 => self.answer(),
            74..=86 => self.report(),
            87..=91 => {
                let id = self.a_match(0.9)?;
                let all = [
                    MatchState::Reporting,
                    MatchState::Reporting,
                    MatchState::Abandoned,
                    MatchState::Running,
                ];
                let to = self.random.pick(&all)?;
                Some(Deed::MoveMatch { id, to, key: self.key("move", SERVER) })
            }
            92..=95 => {
                let id = self.a_match(0.9)?;
                let players: Vec<_> = self.book.matches.get(&id)?.1.players().collect();
                let player = self.mostly(players)?;
                let to = self.random.pick(PlayerSessionState::ALL)?;
                Some(Deed::MoveSession { id, player, to })
            }
            96..=98 => self.make_match(),
            99..=101 => {
                let id = self.ruled_on()?;
                Some(Deed::Void { id, key: self.key("void", "ops") })
            }
            102..=105 => {
                let id = self.ruled_on()?;
                let (_, roster) = self.book.matches.get(&id)?;
                let outcome = outcome(id, &roster.clone(), self.random.chance(0.7));
                Some(Deed::Correct { id, outcome, key: self.key("correct", "ops") })
            }
            106 => {
                let player = self.mostly(self.living())?;
                let mode = Mode::new(QUEUES[self.random.below(QUEUES.len())]).ok()?;
                let mean = 1_500.0 + self.random.within(-400, 400) as f64;
                let deviation = self.random.chance(0.5).then_some(80.0);
                Some(Deed::SetRating { mode, player, mean, deviation, key: self.key("set", "ops") })
            }
            107 => {
                let boards = boards();
                let again = boards.get(self.random.below(boards.len()))?;
                Some(Deed::PutBoard(Box::new(again.clone())))
            }
            108..=110 => Some(Deed::Seasons { player: self.mostly(self.living())? }),
            111 => Some(Deed::PutRuleSet { players: 3 + self.random.below(2) }),
            112..=115 => self.backfill(),
            132 => {
                // Mostly one who is in something, or one who is banned and may come back.
                let banned: Vec<PlayerId> = self.truth.bans.keys().copied().collect();
                let is_banned = !banned.is_empty() && self.random.chance(0.5);
                let of =
                    if is_banned { banned } else { self.truth.claims.keys().copied().collect::<Vec<_>>() };
                let of = self.mostly(of)?;
                let by_player = self.random.chance(0.5);
                let key = self.key("erase", of);
                Some(Deed::Erase { player: of, by_player, key })
            }
            133..=134 => Some(Deed::Upkeep),
            // Few, and mostly short ones: whoever is banned does nothing else.
            135 => {
                let player = self.mostly(self.truth.claims.keys().copied().collect())?;
                let until = self.random.chance(0.9).then(|| {
                    let ms = self.random.within(2_000, 60_000);
                    self.now.saturating_add(Millis::new(ms as u64))
                });
                Some(Deed::Ban { player, until, key: self.key("ban", "ops") })
            }
            137 => {
                // Tiers of `duel` would follow.
                let mode = Mode::new(QUEUES[1 + self.random.below(2)]).ok()?;
                let deviation = self.random.within(50, 300) as f64;
                let config = ResetConfig {
                    target: Target::InitialMean,
                    keep: self.random.unit(),
                    deviation: if self.random.chance(0.5) {
                        DeviationReset::AtLeast(deviation)
                    } else {
                        DeviationReset::Add(deviation)
                    },
                    restart_games: false,
                    visible: VisibleReset::default(),
                };
                Some(Deed::SoftReset { mode, config, key: self.key("reset", "ops") })
            }
            138..=142 => {
                let player = self.mostly(self.living())?;
                let value = self.random.within(1, 60);
                Some(Deed::Submit { player, value, key: self.key("submit", SERVER) })
            }
            143..=144 => {
                let player = self.mostly(self.living())?;
                let all = [Visibility::Shown, Visibility::Hidden, Visibility::Shadow];
                let visibility = self.random.pick(&all)?;
                Some(Deed::Shade { player, visibility, key: self.key("shade", "ops") })
            }
            146.. => {
                let mode = Mode::new(QUEUES[self.random.below(QUEUES.len())]).ok()?;
                Some(Deed::Rebuild { mode })
            }
            145 => {
                let queue = QueueName::new("duo").ok()?;
                let patience = Millis::from_secs(7 + self.random.below(3) as u64);
                Some(Deed::ChangeQueue { queue, patience })
            }
            136 => {
                let player = self.mostly(self.truth.bans.keys().copied().collect())?;
                Some(Deed::Lift { player, key: self.key("lift", "ops") })
            }
            120..=131 => self.say(),
            116..=118 => self.rules().map(|config| Deed::PutQueue(Box::new(config))),
            _ => queue("duo", self.random.chance(0.3)).map(|config| Deed::PutQueue(Box::new(config))),
        }
    }

    /// A queue of singles goes by a version of the rule set, or by a window of skill again.
    fn rules(&mut self) -> Option<QueueConfig> {
        let name = QUEUES.last()?;
        match self.random.below(4) {
            0 => queue(name, false),
            1 => ruled(name, Some(1)),
            _ => ruled(name, None),
        }
    }

    /// Players of a session that runs, whatever else they do.
    fn backfill(&mut self) -> Option<Deed> {
        let everyone = self.living();
        let size = 1 + self.random.below(2);
        let players = self.random.some(&everyone, size);
        (!players.is_empty()).then(|| Deed::Backfill { session: self.random.below(SESSIONS), players })
    }

    /// Now and then a key of `who`'s, of few.
    fn key(&mut self, what: &str, who: impl std::fmt::Display) -> Option<String> {
        self.random.chance(0.3).then(|| format!("{what} {who} {}", self.random.below(KEYS / 10)))
    }

    /// One of `players`, now and then a stranger.
    fn mostly(&mut self, players: Vec<PlayerId>) -> Option<PlayerId> {
        let all = if self.random.chance(0.95) { players } else { self.living() };
        self.random.pick(&all)
    }

    fn create(&mut self) -> Option<TicketWish> {
        let everyone = self.living();
        // Now and then somebody who takes part in something already.
        let idle = self.idle();
        let from = if self.random.chance(0.75) { &idle } else { &everyone };
        let queue = QUEUES[self.random.below(QUEUES.len())];
        let size = if queue == "duo" && self.random.chance(0.4) { 2 } else { 1 };
        let size = if self.random.chance(0.01) { 3 } else { size };
        let mut party = self.random.some(from, size);
        let leader = party.pop()?;
        let own_id = if self.random.chance(0.2) {
            RequestKey::new(&format!("own-{}", self.random.below(4))).ok()
        } else {
            None
        };
        let key = self.random.chance(0.3).then(|| format!("{leader} {}", self.random.below(KEYS / 10)));
        let consent = self.random.chance(0.95);
        // Parties fit into `duo` alone.
        let mut also = Vec::new();
        if party.is_empty() && self.random.chance(0.35) {
            also.extend(
                QUEUES.iter().filter(|name| **name != queue).filter_map(|name| QueueName::new(name).ok()),
            );
            also.truncate(1 + self.random.below(2));
        }
        // Now and then as much as one may bring, or more.
        let far = match self.random.below(24) {
            0..=1 => FAR_MAX,
            2 => 60,
            _ => 0,
        };
        Some(TicketWish {
            queue: QueueName::new(queue).ok()?,
            also,
            leader,
            members: party,
            consent,
            own_id,
            far,
            key,
        })
    }

    fn answer(&mut self) -> Option<Deed> {
        let open: Vec<_> = self
            .truth
            .tickets
            .values()
            .filter(|row| row.state == TicketState::RequiresAcceptance)
            .filter_map(|row| {
                row.proposal.map(|id| (id, row.players.iter().map(|p| p.player).collect::<Vec<_>>()))
            })
            .collect();
        let (proposal, players) = self.random.pick(&open)?;
        let player = self.mostly(players)?;
        let key = self.key("answer", player);
        Some(Deed::Answer { proposal, player, accept: self.random.chance(0.93), key })
    }

    /// A match; with chance `running` one that runs.
    fn a_match(&mut self, running: f64) -> Option<MatchId> {
        let all: Vec<MatchId> = if self.random.chance(running) {
            self.truth.matches.keys().copied().collect()
        } else {
            self.book.matches.keys().copied().collect()
        };
        self.random.pick(&all)
    }

    /// A match to rule on: mostly one with a result.
    fn ruled_on(&mut self) -> Option<MatchId> {
        let all: Vec<MatchId> = if self.random.chance(0.9) {
            self.truth.results.keys().copied().collect()
        } else {
            self.book.matches.keys().copied().collect()
        };
        self.random.pick(&all)
    }

    fn report(&mut self) -> Option<Deed> {
        let id = self.a_match(0.7)?;
        let (mode, roster) = self.book.matches.get(&id)?.clone();
        let outcome = outcome(id, &roster, self.random.chance(0.08));
        let facts = self.random.chance(0.5).then_some((mode, roster));
        // A match's own token is a caller of its own.
        let key = if facts.is_some() { self.key("report", id) } else { self.key("report", SERVER) };
        Some(Deed::Report { id, facts, outcome, key })
    }

    /// A player of a match says how it ended; now and then he lies.
    fn say(&mut self) -> Option<Deed> {
        let all: Vec<MatchId> = if self.random.chance(0.85) {
            let duels = self.truth.matches.iter().filter(|(_, row)| row.mode.as_str() == QUEUES[0]);
            duels.map(|(id, _)| *id).collect()
        } else {
            self.book.matches.keys().copied().collect()
        };
        // Mostly one of which others speak.
        let spoken: Vec<MatchId> =
            all.iter().copied().filter(|id| self.truth.reports.contains_key(id)).collect();
        let from = if self.random.chance(0.6) && !spoken.is_empty() { &spoken } else { &all };
        let id = self.random.pick(from)?;
        let (_, roster) = self.book.matches.get(&id)?.clone();
        let player = self.mostly(roster.players().collect())?;
        let told = outcome(id, &roster, self.random.chance(0.25));
        let key = self.key("say", player);
        Some(Deed::Say { id, player, outcome: Outcome { afk: Vec::new(), ..told }, key })
    }

    fn make_match(&mut self) -> Option<Deed> {
        let everyone = self.living();
        let n = 2 + self.random.below(11);
        let players = self.random.some(&everyone, n);
        let sides = players.into_iter().map(|player| vec![player]).collect();
        let queue = QueueName::new(QUEUES[self.random.below(QUEUES.len())]).ok()?;
        let key = self.random.chance(0.4).then(|| format!("make {}", self.random.below(KEYS)));
        Some(Deed::MakeMatch { queue, sides, key })
    }
}
