//! `gsm rules explain`: why a ticket of a recorded pool still waits.
use super::load;
use crate::{
    output::{Failure, Outcome, grouped, print_json, print_table, say},
    simulate::{orphaned, recording},
};
use clap::Args;
use gsm_core::{Millis, Timestamp};
use gsm_matchmaking::{RulePool, RuledExplain, RuledMatch, WaitEstimate};
use gsm_rules::RuleSet;
use gsm_traffic::{RecordingError, StillWaiting, ruled_ticket, skill_attribute, ticket_id};
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

/// Work units of a step that the pool is given before it is asked, and of all of them: so many, and more for each ticket.
const STEP_WORK: u32 = 100_000;
const WORK_MAX: u64 = 2_000_000;
const TICKET_WORK_MAX: u64 = 64;
/// Work units of the answers about all who wait, and of each of them at least and at most.
const ANSWERS_WORK_MAX: usize = 20_000_000;
const ANSWER_WORK: (usize, usize) = (1_000, 400_000);
/// `gsm rules explain`
#[derive(Args)]
#[command(after_help = "Examples:
  gsm rules explain --rules config/rule-sets/duel.json --pool traffic/tickets.jsonl
  gsm rules explain --rules new.json --pool traffic/tickets.jsonl --ticket 2f6c.. --json

The pool is what waits at the end of a recording (gsm serve --record-traffic), or a file that you write: one line
{\"type\":\"arrived\",\"at_ms\":0,\"ticket\":\"a\",\"queue\":\"q\",\"players\":[{\"player\":\"p\",\"attributes\":{..},\"latency_ms\":{..}}]}
a ticket. The matcher has its turn first, so that a ticket which has a match is told so. Without --ticket: all that wait.
A ticket whose player waits in an earlier one did not come (\"busy\"). Where enough tickets of the recording have ended, those
that wait are told for how long, as a server tells them.
Where its search is longer than some 20 steps of a server, or not all others were counted, the answer is not \"complete\".

  passing    other tickets that the rule lets be in one match with this one, as far as two tickets say
  held       how often it held for candidate matches that were judged for the ticket's sake; failed: how often not

Exit code 0: done; 2: a file makes no sense, or no such ticket waits.")]
pub(super) struct Explain {
    /// The rule set
    #[arg(long, value_name = "FILE")]
    rules: PathBuf,
    /// The pool, as a recording; oldest file first
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    pool: Vec<PathBuf>,
    /// The queue of the recording, if it has several
    #[arg(long, value_name = "NAME")]
    queue: Option<String>,
    /// The ticket that is asked about
    #[arg(long, value_name = "ID")]
    ticket: Option<String>,
    /// Seconds after the last line of the recording
    #[arg(long, value_name = "S", default_value_t = 0)]
    after_s: u32,
    /// For machines
    #[arg(long)]
    json: bool,
}

impl Explain {
    pub(super) fn run(self) -> Outcome {
        let (set, _) = load(&self.rules)?;
        let recording = recording(&self.pool)?;
        let bad = |error: RecordingError| Failure::usage(format!("--pool: {error} (--queue NAME)"));
        let queue = self.queue.as_deref();
        let waiting = recording.waiting(queue).map_err(bad)?;
        if waiting.is_empty() {
            return Err(Failure::usage("--pool: no ticket waits at the end of it"));
        }
        let now = Timestamp::from_millis(recording.last_ms())
            .saturating_add(Millis::from_secs(self.after_s.into()));
        let estimates = recording.wait_estimates(queue, skill_attribute(&set), now).map_err(bad)?;
        let pool = Pooled::new(Arc::new(set), &waiting, (now, estimates))?;
        match &self.ticket {
            Some(name) => {
                let at = waiting.iter().position(|of| of.ticket == *name).ok_or_else(|| {
                    Failure::usage(format!("--ticket: `{name}` does not wait at the end of the pool; without --ticket all that wait are listed"))
                })?;
                self.one(&pool, &waiting, at)
            }
            None => self.all(&pool, &waiting, recording.orphans),
        }
    }

    /// Tells all of one ticket.
    fn one(&self, pool: &Pooled<'_>, waiting: &[StillWaiting<'_>], at: usize) -> Outcome {
        let name = waiting.get(at).map_or("", |of| of.ticket);
        if let Some(earlier) = waiting.get(at).and_then(|of| of.busy_in) {
            if self.json {
                return print_json(&json!({ "ticket": name, "waiting": false, "busy_in": earlier }));
            }
            say(format_args!("{name} did not come: a player of it waits in {earlier}"));
            return Ok(());
        }
        let Some(why) = pool.rules.explain(ticket_id(at), pool.now) else {
            let with = pool.partners(at).into_iter().filter_map(|at| Some(waiting.get(at)?.ticket));
            let with: Vec<&str> = with.collect();
            if self.json {
                return print_json(&json!({ "ticket": name, "waiting": false, "matched_with": with }));
            }
            say(format_args!("{name} has a match, with {}", with.join(", ")));
            return Ok(());
        };
        let estimate = pool.estimates.get(name).copied();
        if self.json {
            return print_json(&with_estimate(told(name, &why, pool.has_ended), estimate));
        }
        show(name, &why, estimate, pool.has_ended)
    }

    /// Tells of each that waits what stands in its way.
    fn all(&self, pool: &Pooled<'_>, waiting: &[StillWaiting<'_>], orphans: usize) -> Outcome {
        let (least, most) = ANSWER_WORK;
        let budget = (ANSWERS_WORK_MAX / pool.rules.len().max(1)).clamp(least, most) as u32;
        let why = |at| pool.rules.explain_within(ticket_id(at), pool.now, budget);
        let whys: Vec<(&str, RuledExplain)> =
            waiting.iter().enumerate().filter_map(|(at, of)| Some((of.ticket, why(at)?))).collect();
        let is_complete = whys.iter().all(|(_, why)| why.complete);
        let busy = waiting.iter().filter(|of| of.busy_in.is_some()).count();
        if self.json {
            let list: Vec<_> = whys
                .iter()
                .map(|(name, why)| {
                    let one = json!({ "ticket": name, "waited_ms": why.waited, "compatible": why.compatible,
                        "binding": why.binding, "never": why.never, "fails_alone": why.alone, "price": why.price,
                        "held_back": why.held_back, "next": next(why) });
                    with_estimate(one, pool.estimates.get(name).copied())
                })
                .collect();
            let complete = is_complete && pool.has_ended;
            return print_json(
                &json!({ "waiting": list.len(), "busy": busy, "tickets": list, "complete": complete }),
            );
        }
        let mut rows =
            vec![["ticket", "waited, s", "compatible", "others", "in the way"].map(str::to_owned).to_vec()];
        let waits = whys.len();
        rows.extend(whys.into_iter().map(|(name, why)| {
            vec![
                name.to_owned(),
                format!("{:.1}", why.waited.as_secs_f64()),
                grouped(why.compatible as u64),
                grouped(why.others as u64),
                in_the_way(&why),
            ]
        }));
        say(format_args!("{waits} of {} tickets wait after the matcher's turn", waiting.len() - busy));
        if busy > 0 {
            say(format_args!("{} did not come, their players waiting", grouped(busy as u64)));
        }
        if orphans > 0 {
            say(orphaned(orphans));
        }
        tell_limits(is_complete, pool.has_ended);
        print_table(&rows, &[false, true, true, true]);
        Ok(())
    }
}

/// A pool that had its turn.
struct Pooled<'r> {
    rules: RulePool,
    now: Timestamp,
    matches: Vec<Vec<usize>>,
    /// Whether every ticket had its turn.
    has_ended: bool,
    /// How long tickets will have waited in all, by their names.
    estimates: BTreeMap<&'r str, WaitEstimate>,
}

impl<'r> Pooled<'r> {
    fn new(
        set: Arc<RuleSet>,
        waiting: &[StillWaiting<'_>],
        (now, estimates): (Timestamp, BTreeMap<&'r str, WaitEstimate>),
    ) -> Result<Self, Failure> {
        let mut rules = RulePool::new(set.clone());
        for (at, of) in waiting.iter().enumerate().filter(|(_, of)| of.busy_in.is_none()) {
            rules
                .insert(ruled_ticket(at, of.members, Timestamp::from_millis(of.at_ms), &set))
                .map_err(|error| Failure::usage(format!("--pool: `{}`: {error}", of.ticket)))?;
        }
        let mut matches = Vec::new();
        let most = WORK_MAX + TICKET_WORK_MAX * waiting.len() as u64;
        let (mut work, mut has_ended) = (0, false);
        while !has_ended && work < most {
            let step = rules.step(now, STEP_WORK);
            let places = |found: &RuledMatch| found.tickets.iter().map(|id| id.as_u128() as usize).collect();
            matches.extend(step.matches.iter().map(places));
            (work, has_ended) = (work + u64::from(step.work), step.finished);
        }
        Ok(Self { rules, now, matches, has_ended, estimates })
    }

    /// Who is in one match with a ticket.
    fn partners(&self, at: usize) -> Vec<usize> {
        let own = self.matches.iter().find(|found| found.contains(&at));
        own.into_iter().flatten().copied().filter(|other| *other != at).collect()
    }
}

/// What stands in the way, in few words.
fn in_the_way(why: &RuledExplain) -> String {
    match (&why.never, &why.alone, &why.binding) {
        (Some(never), ..) => format!("never matched: {never}"),
        (_, Some(rule), _) => format!("fails `{rule}` by itself"),
        (_, _, Some(rule)) => format!("`{rule}`"),
        _ if why.others == 0 => "nobody else waits".to_owned(),
        _ if why.held_back => "the price: what its tickets pay is below what a match costs".to_owned(),
        _ => "too few for a match that holds".to_owned(),
    }
}

fn next(why: &RuledExplain) -> Value {
    why.next.map_or(Value::Null, |next| json!({ "at_ms": next.at, "unlocked": next.unlocked }))
}

/// Says what was cut short, if something was.
fn tell_limits(is_complete: bool, has_ended: bool) {
    if !is_complete {
        say("the pool is larger than what was counted");
    }
    if !has_ended {
        say("the matcher has not come to the end of its search: who waits here may still have a match");
    }
}

/// With how long the ticket will have waited in all, where that is known.
fn with_estimate(mut told: Value, estimate: Option<WaitEstimate>) -> Value {
    if let (Some(of), Some(members)) = (estimate, told.as_object_mut()) {
        members.insert("estimated_wait".to_owned(), json!({ "p50_ms": of.p50, "p90_ms": of.p90 }));
    }
    told
}

fn told(name: &str, why: &RuledExplain, has_ended: bool) -> Value {
    let rules: Vec<_> = why
        .rules
        .iter()
        .map(|of| {
            let plan: Vec<_> =
                of.plan.iter().map(|part| json!({ "by": part.by, "what": part.what })).collect();
            json!({ "rule": of.rule, "plan": plan, "passing": of.passing, "held": of.held, "failed": of.failed })
        })
        .collect();
    json!({
        "ticket": name,
        "waiting": true,
        "position": why.position,
        "waited_ms": why.waited,
        "never": why.never,
        "fails_alone": why.alone,
        "price": why.price,
        "held_back": why.held_back,
        "others": why.others,
        "compatible": why.compatible,
        "rules": rules,
        "binding": why.binding,
        "next": next(why),
        "complete": why.complete && has_ended,
    })
}

fn show(name: &str, why: &RuledExplain, estimate: Option<WaitEstimate>, has_ended: bool) -> Outcome {
    say(format_args!(
        "{name}: waits {:.1} s, number {} by age; {} of {} others may be in one match with it",
        why.waited.as_secs_f64(),
        grouped(why.position as u64),
        grouped(why.compatible as u64),
        grouped(why.others as u64)
    ));
    say(format_args!("in the way: {}", in_the_way(why)));
    if let Some(price) = why.price {
        say(format_args!("it pays {price:.1} for a match by now"));
    }
    if let Some(next) = why.next {
        let after = next.at.as_secs_f64() - why.waited.as_secs_f64();
        let (at, more) = (next.at.as_secs_f64(), grouped(next.unlocked as u64));
        say(format_args!("next expansion: at {at} s, in {after:.1} s; it lets {more} more in"));
    } else {
        say("next expansion: none comes");
    }
    if let Some(of) = estimate {
        let (half, most) = (of.p50.as_secs_f64(), of.p90.as_secs_f64());
        say(format_args!("estimated wait: {half:.1} s (p50), {most:.1} s (p90), from its arrival"));
    }
    tell_limits(why.complete, has_ended);
    say("");
    let mut rows = vec![["rule", "by", "what", "passing", "held", "failed"].map(str::to_owned).to_vec()];
    for of in &why.rules {
        let mark = if why.binding.as_ref() == Some(&of.rule) { " <" } else { "" };
        let mut counts = [of.passing as u64, of.held, of.failed].map(grouped).to_vec();
        if of.plan.is_empty() {
            rows.push([vec![format!("{}{mark}", of.rule), String::new(), String::new()], counts].concat());
            continue;
        }
        for (nth, part) in of.plan.iter().enumerate() {
            let rule = if nth == 0 { format!("{}{mark}", of.rule) } else { String::new() };
            rows.push(
                [vec![rule, part.by.as_str().to_owned(), part.what.clone()], std::mem::take(&mut counts)]
                    .concat(),
            );
        }
    }
    print_table(&rows, &[false, false, false, true, true, true]);
    Ok(())
}
