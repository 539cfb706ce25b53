//! The deterministic simulator: whole worlds of nodes, callers and ill stores, each grown from one seed.
//!
//! A world has one to three engines over the same memory stores, a clock of its own that the nodes read a little
//! wrong, and callers who sign in, queue, answer, cancel, report, repeat themselves and contradict themselves, many at
//! once. Nodes die between and within calls, stores refuse, forget to answer, answer late, show old rows and hold
//! folds back. A shadow (`book`, `expect`) keeps what callers were told and predicts each answer that is determined;
//! after each step the invariants are read off the stores' true rows.
//!
//! Not here: adapters, HTTP, real time. Invariant: same seed, same options, same trace, to the byte.
//!
//! ```
//! use gsm_sim::{Options, Shape, run};
//! let options = Options { steps: 40, shape: Shape::ThreeHomes, plant: None };
//! let (first, again) = (run(7, &options).unwrap(), run(7, &options).unwrap());
//! assert_eq!(first.hash, again.hash);
//! ```
mod book;
mod check;
mod clock;
mod deed;
mod draw;
mod drift;
mod elsewhere;
mod expect;
mod ledger;
mod listen;
mod plant;
mod random;
mod run;
mod tap;
mod trace;
mod truth;
mod world;

pub use drift::{Drifted, drift};
pub use plant::Plant;

use std::{collections::BTreeMap, fmt};

/// Steps of a run, at most: beyond, ended tickets and idempotency keys begin to expire (24 h), which the shadow does
/// not follow.
pub const STEPS_MAX: usize = 10_000;

/// What kind of world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One node, one journal: the embedded product.
    OneHome,
    /// Three homes, one or two nodes.
    ThreeHomes,
    /// Three homes, two or three nodes whose clocks disagree.
    ManyNodes,
}

impl Shape {
    /// Every one.
    pub const ALL: &'static [Self] = &[Self::OneHome, Self::ThreeHomes, Self::ManyNodes];
}

/// What to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Steps before the world comes to rest, at most [`STEPS_MAX`].
    pub steps: usize,
    /// What kind of world.
    pub shape: Shape,
    /// A bug that must be found.
    pub plant: Option<Plant>,
}

/// What must always hold (`system.md`, Promises).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// No acknowledged result is lost or changed.
    ResultKept,
    /// A result changes ratings exactly once, and ratings can be rebuilt from results bit for bit.
    RatedOnce,
    /// A player is in at most one live ticket or match of the matcher.
    OneClaim,
    /// A game session has at most one active backfill.
    OneBackfill,
    /// A ticket is in at most one live proposal, however many queues it waits in.
    OneProposal,
    /// An acknowledged ticket, and what was acknowledged about it, stays.
    TicketKept,
    /// Every ticket ends: none is stranded.
    NoneStranded,
    /// A rank equals a recount.
    RankRecounts,
    /// A player has one seat a season in a league, cohorts fill in order, and levels follow from the seats before.
    SeatsKept,
    /// An offence counts once, while its cause does, and who is locked out gets no ticket.
    OffencesOnce,
    /// What players report counts only if as many say the same as their queue asks for, and what they do not agree on waits
    /// for an operator.
    EnoughAgree,
    /// Each result is learnt from once, and the models of all nodes agree to the bit, whoever has heard or read what.
    ModelsAgree,
    /// What a match keeps of a model elsewhere was said of that match.
    HeardAsSaid,
    /// Fencing tokens only grow, and who lost a lease forms nothing.
    Fenced,
    /// Change sets keep to their stores' limits.
    Limits,
    /// A player's events have growing cursors, and none is lost.
    EventsWhole,
    /// Each change has the audit record that it was handed over with, once, and one record at most names a request.
    AuditedOnce,
    /// A repeated call is answered as the first.
    SameAnswer,
    /// Nothing of an erased player's identity is left.
    NobodyLeft,
    /// A ban holds until it ends or is lifted, also for who was erased and came back, and nobody banned waits for a match.
    BansHold,
    /// An answer is what the rules say, and a refused call has done nothing.
    Answers,
}

impl Invariant {
    /// Every one.
    pub const ALL: &'static [Self] = &[
        Self::ResultKept,
        Self::RatedOnce,
        Self::OneClaim,
        Self::OneBackfill,
        Self::OneProposal,
        Self::TicketKept,
        Self::NoneStranded,
        Self::RankRecounts,
        Self::SeatsKept,
        Self::OffencesOnce,
        Self::EnoughAgree,
        Self::ModelsAgree,
        Self::HeardAsSaid,
        Self::Fenced,
        Self::Limits,
        Self::EventsWhole,
        Self::AuditedOnce,
        Self::SameAnswer,
        Self::NobodyLeft,
        Self::BansHold,
        Self::Answers,
    ];
}

/// An invariant that does not hold.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) invariant: Invariant,
    pub(crate) detail: String,
}

/// A run that ended well.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Its seed.
    pub seed: u64,
    /// Its steps.
    pub steps: usize,
    /// One number for its whole trace.
    pub hash: u64,
    /// How often callers were told what: `ok`, an error's code, or `crashed`.
    pub answers: BTreeMap<&'static str, u64>,
    /// Tickets made.
    pub tickets: usize,
    /// Results that count.
    pub results: usize,
    /// A line for each call and change.
    pub trace: Vec<String>,
}

/// A run in which an invariant broke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The seed that shows it.
    pub seed: u64,
    /// In which step.
    pub step: usize,
    /// What broke.
    pub invariant: Invariant,
    /// How.
    pub detail: String,
    /// The last lines of the trace.
    pub tail: Vec<String>,
    /// The whole trace.
    pub trace: Vec<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.tail {
            writeln!(f, "  {line}")?;
        }
        let Self { seed, step, invariant, detail, .. } = self;
        write!(f, "seed {seed}, step {step}: {invariant:?} is broken: {detail}")
    }
}

impl std::error::Error for Violation {}

/// Runs the world of a seed.
///
/// # Errors
/// The first invariant that broke, with the last steps.
///
/// # Panics
/// If the machine gives no runtime.
pub fn run(seed: u64, options: &Options) -> Result<Summary, Box<Violation>> {
    runtime().block_on(run::run(seed, options))
}

/// One thread, whose time passes when nobody can go on.
#[expect(clippy::expect_used, reason = "a runtime without IO fails only where nothing works")]
fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().expect("a runtime of one thread")
}
