//! Traffic as a server wrote it down, line by line.
use crate::{
    line::{Line, Outcome, VERSION, plainly},
    patience::Patience,
    rng::Rng,
    traffic::{Answers, Arrival, Traffic, mean_of},
};
use gsm_core::{Millis, TicketId, Timestamp};
use gsm_matchmaking::{WaitEnd, WaitEstimate, WaitFacts, WaitModel, nearest_region};
use gsm_rules::Member;
use std::collections::BTreeMap;

/// Tickets that a recording has at most.
const TICKETS_MAX: usize = 5_000_000;
/// Players of one ticket, and characters of a name, at most.
const PLAYERS_MAX: usize = 200;
const NAME_CHARS_MAX: usize = 256;

/// Why a line is not taken.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct BadLine {
    /// Which, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
}

/// Why a recording is no traffic.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// No ticket.
    #[error("no ticket of this queue is in the recording; its queues are: {0}")]
    Nothing(String),
    /// Several queues, and none chosen.
    #[error("tickets of several queues are in the recording: choose one of {0}")]
    ManyQueues(String),
}

/// A ticket as it was recorded.
#[derive(Debug, Clone, PartialEq)]
struct Ticket {
    name: String,
    at_ms: i64,
    queue: String,
    members: Vec<Member>,
    proposals: u32,
    ended: Option<(i64, Outcome)>,
}

/// A ticket that waits at the end of a recording.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StillWaiting<'a> {
    /// Which.
    pub ticket: &'a str,
    /// Since when, in milliseconds since 1970.
    pub at_ms: i64,
    /// Its players.
    pub members: &'a [Member],
    /// The earlier one in which a player of it waits: it does not come then.
    pub busy_in: Option<&'a str>,
}

/// What a server wrote down, line by line.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    lines: usize,
    tickets: Vec<Ticket>,
    /// Where a ticket that waits is, in each of its queues.
    live: BTreeMap<String, Vec<usize>>,
    last_ms: i64,
    /// When this file was begun, and the one before it that says so.
    begun_ms: Option<i64>,
    before_ms: Option<i64>,
    /// Lines of tickets whose arrival is not in the recording: it began later, or an old file is gone.
    pub orphans: usize,
}

impl Recording {
    /// Another file begins, which is not older than the last one: its lines are counted anew.
    pub fn next_file(&mut self) {
        self.lines = 0;
        self.before_ms = self.begun_ms.take().or(self.before_ms);
    }

    /// Takes the next line. Empty ones are passed over.
    ///
    /// # Errors
    /// It is no line of a recording.
    pub fn push(&mut self, text: &str) -> Result<(), BadLine> {
        self.lines += 1;
        let line = self.lines;
        let bad = |what: String| BadLine { line, what };
        if text.trim().is_empty() {
            return Ok(());
        }
        match serde_json::from_str(text).map_err(|error| bad(plainly(&error)))? {
            Line::Recording { version, .. } if version != VERSION => {
                Err(bad(format!("the recording has version {version}, this program reads version {VERSION}")))
            }
            // Later ones of a file are where they were written, also where a clock was set back.
            Line::Recording { at_ms, .. }
                if self.begun_ms.is_none() && self.before_ms.is_some_and(|before| at_ms < before) =>
            {
                Err(bad("the file is older than the one before it: oldest file first".to_owned()))
            }
            Line::Recording { at_ms, start, .. } => {
                self.begun_ms.get_or_insert(at_ms);
                if start {
                    self.forget_waiting();
                }
                Ok(())
            }
            Line::Arrived { at_ms, ticket, queue, players } => {
                if players.is_empty() || players.len() > PLAYERS_MAX {
                    return Err(bad(format!(
                        "a ticket has {} players, 1 to {PLAYERS_MAX} are taken",
                        players.len()
                    )));
                }
                let ids = players.iter().flat_map(|of| std::iter::once(&of.player).chain(&of.alias));
                let names = ids.chain([&ticket, &queue]);
                let is_bad = |name: &String| name.is_empty() || name.chars().count() > NAME_CHARS_MAX;
                if names.into_iter().any(is_bad) {
                    return Err(bad(format!(
                        "an id or name is empty, or longer than {NAME_CHARS_MAX} characters"
                    )));
                }
                if self.tickets.len() == TICKETS_MAX {
                    return Err(bad(format!("more than {TICKETS_MAX} tickets: split the recording")));
                }
                let places = self.live.entry(ticket.clone()).or_default();
                // The same again: its server was just started, and told of what waits.
                if places.iter().filter_map(|at| self.tickets.get(*at)).any(|of| of.queue == queue) {
                    return Ok(());
                }
                self.last_ms = self.last_ms.max(at_ms);
                places.push(self.tickets.len());
                let members = players.into_iter().map(Member::from).collect();
                self.tickets.push(Ticket { name: ticket, at_ms, queue, members, proposals: 0, ended: None });
                Ok(())
            }
            Line::Proposed { at_ms, ticket } => {
                self.last_ms = self.last_ms.max(at_ms);
                let Some(places) = self.live.get(&ticket) else {
                    self.orphans += 1;
                    return Ok(());
                };
                for at in places {
                    if let Some(of) = self.tickets.get_mut(*at) {
                        of.proposals += 1;
                    }
                }
                Ok(())
            }
            Line::Ended { at_ms, ticket, outcome } => {
                self.last_ms = self.last_ms.max(at_ms);
                let Some(places) = self.live.remove(&ticket) else {
                    self.orphans += 1;
                    return Ok(());
                };
                for at in places {
                    if let Some(of) = self.tickets.get_mut(at) {
                        of.ended = Some((at_ms, outcome));
                    }
                }
                Ok(())
            }
        }
    }

    /// Takes the last line of a file, which no newline ends: whoever wrote it may have been stopped within it. What is no
    /// JSON then is passed over.
    ///
    /// # Errors
    /// It is JSON, and no line of a recording.
    pub fn push_last(&mut self, text: &[u8]) -> Result<(), BadLine> {
        match std::str::from_utf8(text) {
            Ok(text) if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() => self.push(text),
            _ => Ok(()),
        }
    }

    /// Whoever waited for a server that was started anew comes again by another name, or has gone nobody knows how.
    fn forget_waiting(&mut self) {
        self.live.clear();
        self.tickets.retain(|ticket| ticket.ended.is_some());
    }

    /// Its queues, by name, with how many tickets each has.
    #[must_use]
    pub fn queues(&self) -> BTreeMap<&str, usize> {
        let mut queues = BTreeMap::new();
        for ticket in &self.tickets {
            *queues.entry(ticket.queue.as_str()).or_insert(0) += 1;
        }
        queues
    }

    /// The tickets of one queue that wait at the end, in the order of arrival; of the only one, if none is named.
    ///
    /// # Errors
    /// No queue is named and there are several, or there is no ticket.
    pub fn waiting(&self, queue: Option<&str>) -> Result<Vec<StillWaiting<'_>>, RecordingError> {
        let queue = self.queue(queue)?;
        let all = self.tickets.iter().filter(|ticket| ticket.ended.is_none() && ticket.queue == queue);
        let mut waiting: Vec<StillWaiting<'_>> = all
            .map(|of| StillWaiting { ticket: &of.name, at_ms: of.at_ms, members: &of.members, busy_in: None })
            .collect();
        waiting.sort_by_key(|of| (of.at_ms, of.ticket));
        let mut busy: BTreeMap<&str, &str> = BTreeMap::new();
        for of in &mut waiting {
            let players = of.members.iter().map(|member| member.player.as_str());
            of.busy_in = players.clone().find_map(|player| busy.get(player).copied());
            if of.busy_in.is_none() {
                busy.extend(players.map(|player| (player, of.ticket)));
            }
        }
        Ok(waiting)
    }

    /// How long each ticket of [`Recording::waiting`] will have waited in all, as a server would tell it at `now` after it
    /// saw how the others of the queue ended; `skill` is the attribute that says how good a player is. Of none where too few
    /// have ended.
    ///
    /// # Errors
    /// No queue is named and there are several, or there is no ticket.
    pub fn wait_estimates(
        &self,
        queue: Option<&str>,
        skill: Option<&str>,
        now: Timestamp,
    ) -> Result<BTreeMap<&str, WaitEstimate>, RecordingError> {
        let queue = self.queue(queue)?;
        let here = || self.tickets.iter().enumerate().filter(|(_, ticket)| ticket.queue == queue);
        let came = here().map(|(nth, ticket)| (ticket.at_ms, false, nth));
        let ended = here().filter_map(|(nth, ticket)| Some((ticket.ended?.0, true, nth)));
        let mut steps: Vec<(i64, bool, usize)> = came.chain(ended).collect();
        steps.sort_unstable();
        let mut waits = WaitModel::default();
        let id = |nth: usize| TicketId::from_u128(nth as u128);
        for (at_ms, has_ended, nth) in steps {
            let (Some(ticket), at) = (self.tickets.get(nth), Timestamp::from_millis(at_ms)) else { continue };
            let end = ticket.ended.filter(|_| has_ended).map(|(_, outcome)| outcome);
            match end {
                Some(Outcome::Matched | Outcome::TimedOut) => waits.ended(id(nth), at, WaitEnd::Over),
                Some(_) => waits.ended(id(nth), at, WaitEnd::Left),
                None => {
                    let region = nearest_region(ticket.members.iter().map(|member| &member.latency_ms));
                    let skill = skill.and_then(|name| mean_of(&ticket.members, name));
                    waits.came(id(nth), WaitFacts { region, skill, size: ticket.members.len() }, at);
                }
            }
        }
        // Who has ended is not asked.
        let waiting = here().filter(|(_, ticket)| ticket.ended.is_none());
        Ok(waiting.filter_map(|(nth, of)| Some((of.name.as_str(), waits.estimate(id(nth), now)?))).collect())
    }

    /// The time of the last line that has one, in milliseconds since 1970.
    #[must_use]
    pub const fn last_ms(&self) -> i64 {
        self.last_ms
    }

    /// The queue that is meant.
    fn queue<'a>(&'a self, asked: Option<&'a str>) -> Result<&'a str, RecordingError> {
        let queues = self.queues();
        let names = || queues.keys().copied().collect::<Vec<_>>().join(", ");
        match (asked, queues.len()) {
            (Some(name), _) if queues.contains_key(name) => Ok(name),
            (None, 1) => queues.keys().next().copied().ok_or_else(|| RecordingError::Nothing(names())),
            (None, 2..) => Err(RecordingError::ManyQueues(names())),
            _ => Err(RecordingError::Nothing(names())),
        }
    }

    /// The traffic of one queue; of the only one, if none is named.
    ///
    /// A ticket that cancelled does so again after as long. One that was matched before it would have cancelled waits on
    /// as long as others did that waited as long (the seed draws). Shares of those who decline or do not answer are those
    /// of the recording; `deadline` is for proposals, if there were any.
    ///
    /// # Errors
    /// No queue is named and there are several, or there is no ticket.
    pub fn traffic(
        &self,
        queue: Option<&str>,
        deadline: Millis,
        seed: u64,
    ) -> Result<Traffic, RecordingError> {
        let queue = self.queue(queue)?;
        let mut tickets: Vec<&Ticket> = self.tickets.iter().filter(|ticket| ticket.queue == queue).collect();
        tickets.sort_by(|a, b| (a.at_ms, &a.name).cmp(&(b.at_ms, &b.name)));
        let first = tickets.first().map_or(0, |ticket| ticket.at_ms);
        let since = |ms: i64| Millis::new(u64::try_from(ms.saturating_sub(first)).unwrap_or(0));
        let waited = |ticket: &Ticket| {
            let (end, outcome) = ticket.ended.map_or((self.last_ms, None), |(at, what)| (at, Some(what)));
            let wait = u64::try_from(end.saturating_sub(ticket.at_ms)).unwrap_or(0);
            (Millis::new(wait), outcome == Some(Outcome::Cancelled))
        };
        let patience = Patience::learnt(tickets.iter().map(|ticket| waited(ticket)).collect());
        let arrival = |(nth, ticket): (usize, &&Ticket)| {
            let (wait, cancelled) = waited(ticket);
            let drawn = || patience.beyond(wait, &mut Rng::of(seed, "patience", &[nth as u64]));
            Arrival {
                at: since(ticket.at_ms),
                members: ticket.members.clone(),
                patience: if cancelled { Some(wait) } else { drawn() },
                is_measured: true,
            }
        };
        let arrivals = tickets.iter().enumerate().map(arrival).collect();
        let proposals: u32 = tickets.iter().map(|ticket| ticket.proposals).sum();
        let ended = |what| {
            let ended = tickets.iter().filter(|ticket| ticket.ended.is_some_and(|(_, how)| how == what));
            ended.count() as f64
        };
        let (declined, ignored) = (ended(Outcome::Declined), ended(Outcome::Ignored));
        // Whoever declined was asked, also where the line that says so was lost.
        let asked = f64::from(proposals).max(declined + ignored);
        let answers = (proposals > 0).then(|| Answers {
            deadline,
            decline: declined / asked,
            ignore: ignored / asked,
            delay: Millis::new(deadline.get() / 5),
        });
        Ok(Traffic { arrivals, until: since(self.last_ms), answers })
    }
}

#[cfg(test)]
mod tests;
