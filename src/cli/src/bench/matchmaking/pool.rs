//! Pools under a rule set, by themselves: no store, no network.
use crate::{bench::machine::cpu_ns, output::Failure};
use gsm_core::{PlayerId, SplitMix64, TicketId, Timestamp};
use gsm_matchmaking::{RulePool, RuledMatch, RuledTicket};
use gsm_rules::{Dialect, Member, Value, parse};
use std::{collections::HashMap, sync::Arc};

/// Five attributes, all of which the rules read.
pub(super) const WIDE: &str = r#"{"ruleLanguageVersion": "1.0", "playerAttributes": [{"name": "skill", "type": "number"},
  {"name": "n1", "type": "number"}, {"name": "n2", "type": "number"}, {"name": "n3", "type": "number"}, {"name": "n4", "type": "number"}],
  "teams": [{"name": "a", "minPlayers": 1, "maxPlayers": 1}, {"name": "b", "minPlayers": 1, "maxPlayers": 1}],
  "rules": [{"name": "Near", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": 0.000001},
    {"name": "N1", "type": "batchDistance", "batchAttribute": "n1", "maxDistance": 0.5},
    {"name": "N2", "type": "batchDistance", "batchAttribute": "n2", "maxDistance": 0.5},
    {"name": "N3", "type": "batchDistance", "batchAttribute": "n3", "maxDistance": 0.5},
    {"name": "N4", "type": "batchDistance", "batchAttribute": "n4", "maxDistance": 0.5}]}"#;

/// Work units of a step, as in the engine.
const STEP_WORK_MAX: u32 = 100_000;
/// Tickets made before the clock runs, each time.
const BATCH: u64 = 1_000;
/// For how long tickets came.
const ARRIVALS_MS: u64 = 60_000;

/// What the players of a pool bring.
#[derive(Clone, Copy)]
pub(super) enum Players {
    /// Skill.
    Near,
    /// Five numbers.
    Wide,
    /// Skill, mode, role and latencies to four places.
    Fives,
}

/// Numbers by chance, the same each time.
struct Draw(SplitMix64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0.next_u64()
    }
    fn unit(&mut self) -> f64 {
        self.0.unit()
    }
    /// Skill, close to normal with mean 1500 and deviation 350: the sum of twelve uniform numbers.
    fn skill(&mut self) -> f64 {
        1500.0 + 350.0 * ((0..12).map(|_| self.unit()).sum::<f64>() - 6.0)
    }

    fn ticket(&mut self, players: Players, n: u64, tickets: u64) -> (RuledTicket, f64) {
        let skill = self.skill();
        let mut attributes = vec![("skill".to_owned(), Value::Number(skill))];
        let mut latency_ms = Vec::new();
        match players {
            Players::Near => {}
            Players::Wide => {
                attributes.extend((1..5).map(|at| (format!("n{at}"), Value::Number(self.unit()))));
            }
            Players::Fives => {
                let role = ["healer", "tank", "damage"][(self.next() % 3) as usize];
                attributes.push(("mode".to_owned(), Value::Text("ranked".to_owned())));
                attributes.push(("roles".to_owned(), Value::List(vec![role.to_owned()])));
                let home = self.next() % 4;
                for (place, at) in ["ap", "eu", "sa", "us"].into_iter().zip(0..) {
                    let far = if at == home { 20 + self.next() % 40 } else { 80 + self.next() % 120 };
                    latency_ms.push((place.to_owned(), far as u32));
                }
            }
        }
        let member = Member {
            player: String::new(),
            attributes: attributes.into_iter().collect(),
            latency_ms: latency_ms.into_iter().collect(),
            ..Member::default()
        };
        let ticket = RuledTicket {
            id: TicketId::from_u128(u128::from(self.next()) << 64 | u128::from(n)),
            players: vec![(PlayerId::from_u128(u128::from(n)), member)],
            backfill: None,
            started_at: Timestamp::from_millis((n * ARRIVALS_MS / tickets) as i64),
        };
        (ticket, skill)
    }
}

/// A pool with waiting tickets.
pub(super) struct Filled {
    pool: RulePool,
    skills: HashMap<TicketId, f64>,
    /// Processor time of putting one ticket in.
    pub(super) insert_ns: f64,
}

/// A pass over a whole pool.
pub(super) struct Pass {
    /// Processor time.
    pub(super) ns: f64,
    matched: u64,
    /// In matches of two: how far apart they are on average.
    pub(super) mean_gap: f64,
}

impl Pass {
    pub(super) fn matched_percent(&self, tickets: u64) -> f64 {
        100.0 * self.matched as f64 / tickets as f64
    }
}

impl Filled {
    pub(super) fn new(rules: &str, players: Players, tickets: u64) -> Result<Self, Failure> {
        let faults = |faults: Vec<gsm_rules::Fault>| {
            Failure::failed(format!("a shipped rule set is wrong: {faults:?}"))
        };
        let mut pool = RulePool::new(Arc::new(parse(rules, Dialect::Strict).map_err(faults)?.set));
        let (mut draw, mut took) = (Draw(SplitMix64::new(42)), 0);
        let mut skills = HashMap::new();
        for from in (0..tickets).step_by(BATCH as usize) {
            let until = tickets.min(from + BATCH);
            let made: Vec<_> = (from..until).map(|n| draw.ticket(players, n, tickets)).collect();
            if matches!(players, Players::Near) {
                skills.extend(made.iter().map(|(ticket, skill)| (ticket.id, *skill)));
            }
            let begin = cpu_ns();
            for (ticket, _) in made {
                pool.insert(ticket).map_err(Failure::failed)?;
            }
            took += cpu_ns() - begin;
        }
        Ok(Self { pool, skills, insert_ns: took as f64 / tickets as f64 })
    }

    /// All steps until every ticket has had its turn.
    pub(super) fn pass(&mut self) -> Pass {
        let now = Timestamp::from_millis(ARRIVALS_MS as i64);
        let (mut ns, mut matched, mut gaps, mut duels) = (0, 0, 0.0, 0_u64);
        loop {
            let begin = cpu_ns();
            let step = self.pool.step(now, STEP_WORK_MAX);
            ns += cpu_ns() - begin;
            for RuledMatch { tickets, .. } in &step.matches {
                matched += tickets.len() as u64;
                if let [one, two] = tickets.as_slice()
                    && let (Some(one), Some(two)) = (self.skills.get(one), self.skills.get(two))
                {
                    gaps += (one - two).abs();
                    duels += 1;
                }
            }
            if step.finished {
                return Pass { ns: ns as f64, matched, mean_gap: gaps / duels as f64 };
            }
        }
    }
}

/// Processor time of a ticket where nothing is done but the least: the skills are sorted, and neighbours paired.
pub(super) fn floor_ns(tickets: u64) -> f64 {
    let mut draw = Draw(SplitMix64::new(42));
    let mut all: Vec<(u64, u32)> = (0..tickets).map(|n| (draw.skill().to_bits(), n as u32)).collect();
    let begin = cpu_ns();
    all.sort_unstable();
    let pairs: Vec<(u32, u32)> = all.as_chunks::<2>().0.iter().map(|[one, two]| (one.1, two.1)).collect();
    let took = cpu_ns() - begin;
    std::hint::black_box(pairs);
    took as f64 / tickets as f64
}
