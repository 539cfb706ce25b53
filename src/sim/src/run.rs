//! One seed, from birth to rest.
use crate::{
    Fault, Invariant, Options, Summary, Violation,
    book::Book,
    check,
    deed::{Deed, Told},
    draw::{Act, Draw, Mishap},
    expect::{Before, STORE_CODES},
    listen::Listeners,
    trace::Trace,
    truth::Truth,
    world::{BEST, QUEUES, SKEW_MS_MAX, World, boards, queue, scores},
};
use gsm_core::{Millis, TicketId};
use gsm_engine::{Call, store::memory::Faults};
use std::collections::{BTreeMap, BTreeSet};

/// Players who are there from the beginning.
const FIRST_PLAYERS: usize = 9;
/// Turns of all nodes until a world must be at rest.
const REST_TURNS_MAX: usize = 60;
/// Between two turns until a world is at rest.
const REST_TURN_MS: i64 = 500;
/// How long after its deadline a thing may still be there.
const SLACK_MS: i64 = 4_000;
/// Longer than every time-out of a ticket, its proposal and its match, in turns of [`LAST_TURN_MS`].
const LAST_TURNS: usize = 58;
/// Between two turns of the end.
const LAST_TURN_MS: i64 = 6_000;

struct Sim {
    world: World,
    book: Book,
    listeners: Listeners,
    trace: Trace,
    truth: Truth,
    answers: BTreeMap<&'static str, u64>,
}

/// Runs one world.
pub(crate) async fn run(seed: u64, options: &Options) -> Result<Summary, Box<Violation>> {
    let world = World::new(seed, options.shape, options.plant);
    let truth = world.truth(&[]);
    let (book, listeners, trace) = (Book::default(), Listeners::default(), Trace::default());
    let mut sim = Sim { world, book, listeners, trace, truth, answers: BTreeMap::new() };
    let mut step = 0;
    let done = sim.live(&mut step, options.steps).await;
    let Trace { lines, .. } = &sim.trace;
    match done {
        Ok(()) => Ok(Summary {
            seed,
            steps: step,
            hash: sim.trace.hash(),
            answers: sim.answers,
            tickets: sim.truth.tickets.len(),
            results: sim.truth.results.len(),
            trace: lines.clone(),
        }),
        Err(Fault { invariant, detail }) => {
            let (tail, trace) = (sim.trace.tail(), lines.clone());
            Err(Box::new(Violation { seed, step, invariant, detail, tail, trace }))
        }
    }
}

impl Sim {
    async fn live(&mut self, step: &mut usize, steps: usize) -> Result<(), Fault> {
        self.trace.line(self.world.describe());
        self.begin().await?;
        while *step < steps {
            *step += 1;
            let (nodes, now) = (self.world.nodes.len(), self.world.now());
            let mut draw =
                Draw { random: &mut self.world.random, book: &self.book, truth: &self.truth, nodes, now };
            let act = draw.act();
            self.act(*step, act).await?;
        }
        self.rest(*step).await
    }

    async fn begin(&mut self) -> Result<(), Fault> {
        for node in 0..self.world.nodes.len() {
            self.reborn(node).await?;
        }
        let queues = QUEUES.iter().filter_map(|name| queue(name, false));
        let mut deeds: Vec<(usize, Deed)> =
            queues.map(|config| (0, Deed::PutQueue(Box::new(config)))).collect();
        deeds.push((0, Deed::PutRuleSet { players: 3 }));
        // One comes later, while results are reported.
        let boards = boards().into_iter().filter(|config| config.name.as_str() != BEST);
        let boards = boards.chain(scores());
        deeds.extend(boards.map(|config| (0, Deed::PutBoard(Box::new(config)))));
        deeds.extend((0..FIRST_PLAYERS).map(|secret| (0, Deed::SignIn { secret })));
        for deed in deeds {
            self.calls(0, vec![deed], Mishap::default()).await?;
        }
        for player in self.book.everyone() {
            self.listeners.join(player);
        }
        self.world.settle();
        let weather = self.world.draw_weather();
        self.world.set_weather(weather);
        Ok(())
    }

    async fn reborn(&mut self, node: usize) -> Result<(), Fault> {
        let loaded = self.world.reborn(node).await;
        loaded.map_err(|detail| Fault { invariant: Invariant::Answers, detail })
    }

    async fn act(&mut self, step: usize, act: Act) -> Result<(), Fault> {
        match act {
            Act::Calls { deeds, mishap } => self.calls(step, deeds, mishap).await,
            Act::Pass { ms } => {
                self.world.clock.advance_ms(ms);
                self.trace.line(format!("{step} {ms} ms pass"));
                Ok(())
            }
            Act::Crash { node } => {
                self.trace.line(format!("{step} node {node} dies"));
                self.reborn(node).await?;
                self.checked()
            }
            Act::Weather => {
                let weather = self.world.draw_weather();
                self.world.set_weather(weather);
                self.trace.line(format!("{step} weather: {:?}", self.world.faults));
                Ok(())
            }
            Act::Calm => {
                self.trace.line(format!("{step} calm"));
                self.calm().await
            }
        }
    }

    async fn calls(&mut self, step: usize, deeds: Vec<(usize, Deed)>, mishap: Mishap) -> Result<(), Fault> {
        let began =
            deeds.iter().map(|(node, _)| self.world.nodes[*node].engine.clock().now()).collect::<Vec<_>>();
        let alone = deeds.len() == 1 && mishap.is_none() && self.world.faults.stale == 0.0;
        let expected = match deeds.as_slice() {
            [(_, deed)] if alone => self.world.healthy(|world| {
                let (truth, book, eye) = (&self.truth, &self.book, &world.eye);
                Before { truth, book, eye, now: began[0], is_one: world.is_one() }.code_of(deed)
            }),
            _ => None,
        };
        let all_told = self.world.run(&deeds, mishap).await;
        for ((node, deed), told) in deeds.iter().zip(&all_told) {
            self.trace.line(format!("{step} node {node}: {deed:?} -> {told}"));
            *self.answers.entry(told.code()).or_default() += 1;
        }
        if let Some((turn, ms)) = mishap.lapse {
            self.trace.line(format!("{step} meanwhile, in turn {turn}, {ms} ms passed"));
        }
        if let Some(pause) = mishap.pause {
            self.trace.line(format!("{step} meanwhile {pause:?}"));
        }
        if let Some((node, turn)) = mishap.crash {
            self.trace.line(format!("{step} node {node} dies in turn {turn}"));
            self.reborn(node).await?;
        }
        self.within_limits()?;
        check::locks_hold(&self.world.ledger)?;
        if let (Some(expected), [(_, deed)], [told]) = (expected, deeds.as_slice(), all_told.as_slice()) {
            self.answers_as(expected, deed, told)?;
        }
        self.book.begin(deeds.iter().map(|(_, deed)| deed));
        for ((_, deed), told) in deeds.iter().zip(&all_told) {
            let others = deeds.iter().filter(|(_, other)| other.ruled_on() == deed.ruled_on());
            self.book.take(deed, told, others.count() == 1)?;
        }
        self.listeners.hear(&mut self.world).await?;
        self.checked()
    }

    fn answers_as(&self, expected: &str, deed: &Deed, told: &Told) -> Result<(), Fault> {
        let code = told.code();
        if code == expected || (!self.world.is_healthy() && STORE_CODES.contains(&code)) {
            return Ok(());
        }
        let fate = deed.key().and_then(|(key, _)| self.book.keys.get(key));
        let known = fate.is_some_and(|fate| fate.answer.is_some());
        let invariant = if known { Invariant::SameAnswer } else { Invariant::Answers };
        check::broken(invariant, format!("{deed:?} must be answered `{expected}`, was told {told}"))
    }

    fn within_limits(&self) -> Result<(), Fault> {
        match self.world.ledger.over_limit() {
            None => Ok(()),
            Some(detail) => check::broken(Invariant::Limits, detail),
        }
    }

    /// What holds at every moment.
    fn checked(&mut self) -> Result<(), Fault> {
        self.truth = self.world.truth(&self.book.everyone());
        self.book.compare(&self.truth)?;
        check::games_count(&self.truth)?;
        self.world.healthy(|world| check::offences_once(&self.truth, &world.eye))?;
        check::one_claim(&self.truth)?;
        check::one_backfill(&self.truth)?;
        check::one_proposal(&self.truth)?;
        check::proposals_agree(&self.truth)?;
        check::heard_as_said(&self.truth)
    }

    /// What holds once nothing is held back.
    async fn calm(&mut self) -> Result<(), Fault> {
        self.world.settle();
        self.listeners.hear(&mut self.world).await?;
        self.checked()?;
        if let Some(detail) = self.world.ledger.lease_fault(&self.world.names()) {
            return check::broken(Invariant::Fenced, detail);
        }
        if let Some(detail) = self.world.ledger.audit_fault() {
            return check::broken(Invariant::AuditedOnce, detail);
        }
        check::dodges_count(&self.truth, &self.world.ledger)?;
        check::nobody_left(&self.truth, &self.world.eye)?;
        check::bans_hold(&self.truth, self.book.banned(), self.world.now())?;
        self.world.healthy(|world| check::scores_kept(self.book.scores(&self.truth), &world.eye))?;
        for (at, node) in self.world.nodes.iter().enumerate() {
            check::ranks_recount(&self.truth, at, &node.engine)?;
            self.world.healthy(|world| check::scores_shown(&world.eye, at, &node.engine))?;
        }
        let duel = boards().first().and_then(|board| board.mode().cloned());
        let Some(duel) = duel else { return Ok(()) };
        let entries = self.world.healthy(|world| check::entries_recount(&self.truth, &world.eye, &duel))?;
        let seated = self.world.healthy(|world| check::seats_lawful(&self.truth, &world.eye, &entries))?;
        if self.truth.gates.is_empty() {
            let weather = self.world.faults;
            self.world.set_weather(Faults::NONE);
            for (at, node) in self.world.nodes.iter().enumerate() {
                check::entries_shown(&entries, at, &node.engine).await?;
                check::seats_shown(&seated, &entries, at, &node.engine).await?;
                check::disputes_shown(&self.truth, at, &node.engine).await?;
            }
            self.world.set_weather(weather);
        }
        self.world.healthy(|world| {
            check::ratings_rebuild(&self.truth, &world.eye)?;
            check::events_whole(&world.ledger.events(), &world.eye, world.now())?;
            self.listeners.missed_nothing(world)
        })
    }

    /// Good weather until nothing moves; then one node alone, until every deadline has passed.
    async fn rest(&mut self, step: usize) -> Result<(), Fault> {
        self.world.set_weather(Faults::NONE);
        self.calm().await?;
        let mut still = 0;
        for _ in 0..REST_TURNS_MAX {
            let all = (0..self.world.nodes.len()).map(|node| (node, Deed::Tick)).collect();
            let before = self.trace.lines.len();
            self.calls(step, all, Mishap::default()).await?;
            self.world.settle();
            self.world.clock.advance_ms(REST_TURN_MS);
            let nothing = format!("{:?}", gsm_engine::TickReport::default());
            let moved = self.trace.lines[before..].iter().any(|line| !line.ends_with(&nothing));
            still = if moved { 0 } else { still + 1 };
            // Longer than a lease lives: whoever has died is replaced.
            if still > 10 {
                break;
            }
        }
        self.calm().await?;
        check::nobody_banned_waits(&self.truth, self.world.now())?;
        let slack = Millis::new((2 * SKEW_MS_MAX + SLACK_MS) as u64);
        let pooled = self.in_owners_pools().await;
        check::waits_lawfully(&self.truth, self.world.now(), slack, |id| pooled.contains(&id))?;
        let last = self.world.random.below(self.world.nodes.len());
        for _ in 0..LAST_TURNS {
            self.world.clock.advance_ms(LAST_TURN_MS);
            self.calls(step, vec![(last, Deed::Tick)], Mishap::default()).await?;
            self.calls(step, vec![(last, Deed::Upkeep)], Mishap::default()).await?;
            self.world.settle();
        }
        self.calm().await?;
        check::all_ended(&self.truth)?;
        check::nothing_left(&self.truth, &self.world.eye)?;
        check::reports_ended(&self.truth)?;
        check::copies_agree(&self.truth, self.book.matches.keys().copied(), &self.world.eye)?;
        self.models_agree()?;
        check::nothing_differs(&self.world.nodes[last].engine).await?;
        self.empty_pools(last).await
    }

    /// Nodes that have followed all along, and those that have read everything at a start, have learnt the same.
    fn models_agree(&self) -> Result<(), Fault> {
        let of = |engine: &gsm_engine::Engine| {
            let models = engine.models().into_iter();
            models.filter(|model| model.learnt > 0).collect::<Vec<_>>()
        };
        let mut nodes = self.world.nodes.iter().map(|node| of(&node.engine));
        let Some(first) = nodes.next() else { return Ok(()) };
        let learnt: u64 = first.iter().map(|model| model.learnt).sum();
        let lessons = self.world.ledger.lessons();
        if learnt != lessons as u64 {
            let detail = format!("{learnt} results were learnt of {lessons}");
            return check::broken(Invariant::ModelsAgree, detail);
        }
        match nodes.position(|other| other != first) {
            Some(at) => check::broken(Invariant::ModelsAgree, format!("nodes 0 and {} differ", at + 1)),
            None => Ok(()),
        }
    }

    /// At the very end the node that was left shows nothing that is not there.
    async fn empty_pools(&self, node: usize) -> Result<(), Fault> {
        let Ok(seen) = self.world.nodes[node].engine.overview().await else { return Ok(()) };
        let waits = seen.queues.iter().find(|queue| queue.waiting > 0 || queue.proposals > 0);
        let left = match (waits, seen.running) {
            (None, 0) => return Ok(()),
            (Some(left), _) => format!("{left:?}"),
            (None, running) => format!("{running} matches that run"),
        };
        check::broken(Invariant::NoneStranded, format!("all ended, but node {node} shows {left}"))
    }

    /// The live tickets that the owner of their queue has in its pool.
    async fn in_owners_pools(&self) -> BTreeSet<TicketId> {
        let names = self.world.names();
        let mut pooled = BTreeSet::new();
        for (id, row) in self.truth.tickets.iter().filter(|(_, row)| !row.state.is_terminal()) {
            let mut in_all = true;
            for queue in row.queues() {
                let owner = self.world.ledger.owner(queue);
                let at = names.iter().position(|name| Some(name) == owner.as_ref());
                let Some(engine) = at.and_then(|at| self.world.nodes.get(at)).map(|node| &node.engine) else {
                    in_all = false;
                    continue;
                };
                let call = Call::system("sim", engine.clock().now());
                // A party that new rules have no side for waits for other rules or its deadline, outside the pool.
                // So does a backfill where the queue goes by no rule set any more.
                let fits = !row.backfill
                    && engine.queue(queue).is_ok_and(|q| row.players.len() <= q.rules.format.side_size());
                let why = engine.explain(&call, *id).await.unwrap_or_default();
                in_all &= !fits || why.iter().any(|(name, _)| name == queue);
            }
            if in_all {
                pooled.insert(*id);
            }
        }
        pooled
    }
}
