//! `gsm bench matchmaking`: pools under the rule sets of the repository, and tickets over the API, beside what Nakama was
//! measured to need.
mod api;
mod pool;

use super::{Common, machine, report::Figure};
use crate::output::{Failure, Outcome, grouped, note};
use clap::Args;
use pool::{Filled, Players};

/// `gsm bench matchmaking`
#[derive(Args)]
#[command(after_help = "Examples:
  gsm bench matchmaking                                   pools of up to a million, some minutes
  gsm bench matchmaking --tickets 100000 --api-tickets 1000
  gsm bench matchmaking --markdown docs/benchmarks.md

Pools are filled with tickets that came one after the other for a minute; a pass is all steps until every ticket had its
turn. The rule sets are near.json and fives.json of config/rule-sets. Nakama's figures are quoted, not measured here.")]
pub(crate) struct Command {
    /// Waiting tickets of the largest pool
    #[arg(long, value_name = "N", default_value_t = 1_000_000,
        value_parser = clap::value_parser!(u64).range(100..=1_000_000))]
    tickets: u64,
    /// Tickets made over the API, once 1,000 and once 4,000 a second
    #[arg(long, value_name = "N", default_value_t = 4_000,
        value_parser = clap::value_parser!(u64).range(10..=4_900))]
    api_tickets: u64,
    #[command(flatten)]
    common: Common,
}

const NEAR: &str = include_str!("../../../../../config/rule-sets/near.json");
const FIVES: &str = include_str!("../../../../../config/rule-sets/fives.json");
/// Nakama 3.40 in process, 10,000 waiting, processor time of a ticket: added, and matched.
const NAKAMA_NS: f64 = 16.5e6;
/// The same over its API, with 900 tickets.
const NAKAMA_API_US: f64 = 12_800.0;

impl Command {
    pub(crate) fn run(self) -> Outcome {
        let work = self.common.work()?;
        let mut figures = Vec::new();
        let sizes = |all: &[u64]| -> Vec<u64> {
            let mut sizes: Vec<u64> = all.iter().map(|size| (*size).min(self.tickets)).collect();
            sizes.dedup();
            sizes
        };
        // First, while the process holds nothing else.
        figures.push(memory(self.tickets)?);
        for size in sizes(&[10_000, 100_000, 1_000_000]) {
            figures.extend(duels(size)?);
        }
        for size in sizes(&[100_000, 1_000_000]) {
            figures.extend(fives(size)?);
        }
        note("measuring tickets over the API");
        let runtime = tokio::runtime::Runtime::new().map_err(Failure::failed)?;
        let at = |per_s| runtime.block_on(api::measure(work.path(), NEAR, self.api_tickets as usize, per_s));
        let (api, crowd) = (at(1_000.0)?, at(4_000.0)?);
        let cpu = |shown, cpu_us| {
            let name = format!(
                "over the API, 1v1, {shown} tickets/s: server's processor time of a ticket, its push included"
            );
            Figure::new(name, cpu_us, "µs").beside("Nakama, quoted", NAKAMA_API_US).times_better(100.0)
        };
        figures.extend([
            cpu("1,000", api.cpu_us),
            cpu("4,000", crowd.cpu_us),
            Figure::new(
                "over the API, 1v1, 1,000 tickets/s: later ticket to pushed match, p50",
                api.at(50),
                "ms",
            ),
            Figure::new(
                "over the API, 1v1, 1,000 tickets/s: later ticket to pushed match, p99",
                api.at(99),
                "ms",
            )
            .at_most(100.0),
            Figure::new(
                "over the API, 1v1, 1,000 tickets/s: tickets that the load made too late",
                api.late as f64,
                "",
            ),
        ]);
        self.common.show("gsm bench matchmaking", &machine::processors(), figures)
    }
}

/// What a waiting ticket with five attributes takes.
fn memory(tickets: u64) -> Result<Figure, Failure> {
    note(format_args!("measuring memory, {} tickets", grouped(tickets)));
    let before = machine::memory("self", "VmRSS").unwrap_or(f64::NAN);
    let filled = Filled::new(pool::WIDE, Players::Wide, tickets)?;
    let bytes = machine::settled_memory() - before;
    drop(filled);
    let name = format!("memory of a waiting ticket with five attributes, {} waiting", grouped(tickets));
    let figure = Figure::new(name, bytes / tickets as f64, "B");
    Ok(if tickets == 1_000_000 { figure.at_most(400.0) } else { figure })
}

fn duels(tickets: u64) -> Result<Vec<Figure>, Failure> {
    let shown = grouped(tickets);
    note(format_args!("measuring 1v1, {shown} tickets"));
    let mut filled = Filled::new(NEAR, Players::Near, tickets)?;
    let pass = filled.pass();
    let each = filled.insert_ns + pass.ns / tickets as f64;
    let whole =
        Figure::new(format!("1v1 near in skill, {shown} waiting: a pass over all"), pass.ns / 1e6, "ms");
    let floor = pool::floor_ns(tickets);
    Ok(vec![
        Figure::new(format!("1v1 near in skill, {shown} waiting: a ticket put in"), filled.insert_ns, "ns"),
        match tickets {
            100_000 => whole.at_most(10.0),
            1_000_000 => whole.at_most(200.0),
            _ => whole,
        },
        Figure::new(
            format!("1v1 near in skill, {shown} waiting: a ticket in a pass"),
            pass.ns / tickets as f64,
            "ns",
        )
        .beside("sorted and paired, nothing else", floor),
        Figure::new(format!("1v1 near in skill, {shown} waiting: a ticket in all"), each, "ns")
            .beside("Nakama with 10,000, quoted", NAKAMA_NS)
            .times_better(10_000.0),
        Figure::new(
            format!("1v1 near in skill, {shown} waiting: matched"),
            pass.matched_percent(tickets),
            "%",
        ),
        Figure::new(format!("1v1 near in skill, {shown} waiting: mean gap"), pass.mean_gap, "points"),
    ])
}

fn fives(tickets: u64) -> Result<Vec<Figure>, Failure> {
    let shown = grouped(tickets);
    note(format_args!("measuring 5v5, {shown} tickets"));
    let mut filled = Filled::new(FIVES, Players::Fives, tickets)?;
    let pass = filled.pass();
    let whole =
        Figure::new(format!("5v5 with six rules, {shown} waiting: a pass over all"), pass.ns / 1e6, "ms");
    Ok(vec![
        Figure::new(format!("5v5 with six rules, {shown} waiting: a ticket put in"), filled.insert_ns, "ns"),
        if tickets == 1_000_000 { whole.at_most(1_000.0) } else { whole },
        Figure::new(
            format!("5v5 with six rules, {shown} waiting: a ticket in a pass"),
            pass.ns / tickets as f64,
            "ns",
        ),
        Figure::new(
            format!("5v5 with six rules, {shown} waiting: matched"),
            pass.matched_percent(tickets),
            "%",
        ),
    ])
}
