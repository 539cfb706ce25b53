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
mod tests {
    use super::*;
    use gsm_rules::Value;

    const DEADLINE: Millis = Millis::from_secs(20);

    fn read(lines: &[&str]) -> Recording {
        let mut recording = Recording::default();
        lines.iter().for_each(|line| recording.push(line).unwrap());
        recording
    }

    const HEAD: &str = r#"{"type":"recording","version":1,"at_ms":1000}"#;
    const A: &str = r#"{"type":"arrived","at_ms":2000,"ticket":"a","queue":"duel","players":[{"player":"x","attributes":{"rating":1500,"mode":"m","roles":["r"],"map":{"k":1.5}},"latency_ms":{"eu":20}}]}"#;
    const B: &str =
        r#"{"type":"arrived","at_ms":1500,"ticket":"b","queue":"duel","players":[{"player":"y"}]}"#;
    const A_GOES: &str = r#"{"type":"ended","at_ms":5000,"ticket":"a","outcome":"cancelled"}"#;
    const C: &str =
        r#"{"type":"arrived","at_ms":4000,"ticket":"c","queue":"trio","players":[{"player":"z"}]}"#;

    #[test]
    fn lines_become_traffic_in_the_order_of_arrival() {
        let traffic = read(&[HEAD, A, B, "", A_GOES]).traffic(None, DEADLINE, 1).unwrap();
        let [b, a] = &traffic.arrivals[..] else { panic!("{traffic:?}") };
        assert_eq!((b.at, a.at, traffic.until), (Millis::ZERO, Millis::new(500), Millis::new(3_500)));
        assert_eq!(a.patience, Some(Millis::new(3_000)));
        assert_eq!(a.members[0].attributes["rating"], Value::Number(1_500.0));
        assert_eq!(a.members[0].attributes["roles"], Value::List(vec!["r".to_owned()]));
        assert_eq!(a.members[0].attributes["map"], Value::Map([("k".to_owned(), 1.5)].into()));
        assert_eq!(a.members[0].latency_ms["eu"], 20);
        assert_eq!(traffic.answers, None);
    }

    #[test]
    fn a_line_is_read_as_it_is_written() {
        for text in [HEAD, A, B, A_GOES] {
            let line: Line = serde_json::from_str(text).unwrap();
            let written = serde_json::to_string(&line).unwrap();
            assert_eq!(serde_json::from_str::<Line>(&written).unwrap(), line);
        }
    }

    #[test]
    fn names_are_as_long_as_they_have_characters() {
        let named = |chars: usize| B.replace("\"b\"", &format!("{:?}", "é".repeat(chars)));
        assert_eq!(read(&[&named(NAME_CHARS_MAX)]).waiting(None).unwrap().len(), 1);
        for bad in [named(NAME_CHARS_MAX + 1), named(0)] {
            let refused = Recording::default().push(&bad).unwrap_err();
            assert!(refused.what.contains("longer than 256 characters"), "{refused}");
        }
    }

    #[test]
    fn several_queues_must_be_told_apart() {
        let recording = read(&[A, C]);
        let refused = |queue| recording.traffic(queue, DEADLINE, 1).unwrap_err();
        assert_eq!(refused(None), RecordingError::ManyQueues("duel, trio".to_owned()));
        assert_eq!(refused(Some("x")), RecordingError::Nothing("duel, trio".to_owned()));
        assert_eq!(recording.traffic(Some("trio"), DEADLINE, 1).unwrap().arrivals.len(), 1);
        assert_eq!(read(&[]).traffic(None, DEADLINE, 1), Err(RecordingError::Nothing(String::new())));
    }

    #[test]
    fn what_waits_at_the_end_is_told() {
        let recording = read(&[A, B, C, A_GOES]);
        let waiting = recording.waiting(Some("duel")).unwrap();
        assert_eq!(
            (waiting.len(), waiting[0].ticket, waiting[0].at_ms, recording.last_ms()),
            (1, "b", 1_500, 5_000)
        );
        assert_eq!(recording.waiting(None), Err(RecordingError::ManyQueues("duel, trio".to_owned())));
        assert_eq!(recording.waiting(Some("x")), Err(RecordingError::Nothing("duel, trio".to_owned())));
    }

    #[test]
    fn who_waits_already_does_not_come_again() {
        let again = B.replace("\"b\"", "\"b2\"").replace("1500", "1501");
        let party =
            again.replace("b2", "b3").replace(r#"{"player":"y"}"#, r#"{"player":"w"},{"player":"y"}"#);
        let other = A.replace("\"x\"", "\"w\"");
        let recording = read(&[&again, B, &party, &other]);
        let of = |of: &StillWaiting<'_>| (of.ticket.to_owned(), of.busy_in.map(str::to_owned));
        let told: Vec<_> = recording.waiting(None).unwrap().iter().map(of).collect();
        let (b, none) = (Some("b".to_owned()), None);
        let expected = [("b", none.clone()), ("b2", b.clone()), ("b3", b), ("a", none)];
        assert_eq!(told, expected.map(|(ticket, busy_in)| (ticket.to_owned(), busy_in)));
    }

    #[test]
    fn waits_are_estimated_once_enough_have_ended() {
        let mut lines = Vec::new();
        for n in 0..20 {
            let (name, at) = (format!("\"t{n}\""), 10_000 * n);
            lines.push(B.replace("\"b\"", &name).replace("\"y\"", &name).replace("1500", &at.to_string()));
            let gone = A_GOES.replace("\"a\"", &name).replace("cancelled", "matched");
            lines.push(gone.replace("5000", &(at + 4_000).to_string()));
        }
        lines.push(A.replace("2000", "195000"));
        let recording = |from: usize| {
            let lines: Vec<&str> = lines.iter().skip(from).map(String::as_str).collect();
            read(&lines)
        };
        let told = |recording: &Recording| {
            let now = Timestamp::from_millis(196_000);
            recording.wait_estimates(None, Some("rating"), now).unwrap().get("a").copied()
        };
        let estimate = told(&recording(0)).unwrap();
        let [p50, p90] = [estimate.p50, estimate.p90].map(Millis::get);
        assert!((3_000..=5_000).contains(&p50) && (p50..=8_000).contains(&p90), "{estimate:?}");
        assert_eq!(told(&recording(34)), None, "three have ended");
    }

    #[test]
    fn a_ticket_of_several_queues_is_in_the_traffic_of_each() {
        let in_trio = A.replace("\"duel\"", "\"trio\"");
        let proposed = r#"{"type":"proposed","at_ms":4000,"ticket":"a"}"#;
        // Told again at a start of its server.
        let recording = read(&[A, &in_trio, B, A, proposed, A_GOES]);
        assert_eq!(recording.queues(), [("duel", 2), ("trio", 1)].into());
        for queue in ["duel", "trio"] {
            let traffic = recording.traffic(Some(queue), DEADLINE, 1).unwrap();
            let a = traffic.arrivals.iter().find(|of| of.members[0].player == "x").unwrap();
            assert_eq!((a.patience, traffic.answers.is_some()), (Some(Millis::new(3_000)), true), "{queue}");
        }
        assert_eq!(recording.orphans, 0);
        let waits = read(&[A, &in_trio, B]);
        assert_eq!(["duel", "trio"].map(|queue| waits.waiting(Some(queue)).unwrap().len()), [2, 1]);
    }

    #[test]
    fn who_waited_before_a_start_comes_again_or_has_gone() {
        let start = HEAD.replace("1000}", "6000,\"start\":true}");
        let again = B.replace("\"b\"", "\"b2\"");
        let recording = read(&[HEAD, A, B, A_GOES, C, &start, &again]);
        let names: Vec<&str> = recording.waiting(None).unwrap().iter().map(|of| of.ticket).collect();
        assert_eq!((names, recording.queues()), (vec!["b2"], [("duel", 2)].into()));
        let gone = A_GOES.replace("\"a\"", "\"b2\"");
        let recording = read(&[HEAD, A, B, A_GOES, &start, &again, &gone]);
        assert_eq!((recording.waiting(None).unwrap().len(), recording.orphans), (0, 0));
        // A full file alone changes nothing.
        assert_eq!(read(&[HEAD, A, HEAD]).waiting(None).unwrap().len(), 1);
    }

    /// The shell's order of `tickets*.jsonl` is the newer `tickets.1.jsonl` before `tickets.2.jsonl`.
    #[test]
    fn a_file_that_is_older_than_the_one_before_it_is_refused() {
        let head = |at_ms: i64| HEAD.replace("1000", &at_ms.to_string());
        let begin = |recording: &mut Recording, at_ms: i64| {
            recording.next_file();
            recording.push(&head(at_ms))
        };
        let mut recording = Recording::default();
        for at_ms in [1_000, 2_000, 2_000] {
            begin(&mut recording, at_ms).unwrap();
        }
        // A clock that was set back within a file is none of the order of files.
        recording.push(&head(500)).unwrap();
        // Nor is a file that does not say when it was begun.
        recording.next_file();
        recording.push(B).unwrap();
        let refused = begin(&mut recording, 1_999).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "line 1: the file is older than the one before it: oldest file first"
        );
    }

    #[test]
    fn bad_lines_are_named() {
        let mut recording = read(&[HEAD]);
        let future = HEAD.replace("\"version\":1", "\"version\":2");
        let nobody = B.replace(r#"{"player":"y"}"#, "");
        for bad in ["{", "[]", r#"{"type":"left"}"#, &future, &nobody, &A.replace("1500", "\"1500\"}")] {
            assert!(recording.push(bad).is_err(), "{bad}");
        }
        assert_eq!(recording.push("{").unwrap_err().line, 8);
        // Of a ticket that came before the recording began.
        recording.push(A_GOES).unwrap();
        assert_eq!(recording.orphans, 1);
    }

    #[test]
    fn what_is_wrong_is_told_without_names_of_types() {
        let check = |old: &str, new: &str, what: &str| {
            let line = A.replace(old, new);
            assert_ne!(line, A);
            let told = read(&[HEAD]).push(&line).unwrap_err().to_string();
            assert_eq!(told, format!("line 2: {what}"));
        };
        let kinds = "expected a number, a string, a list of strings or an object of numbers";
        check("1500", "null", &format!("attribute `rating`: invalid type: null, {kinds}"));
        check("1500", "true", &format!("attribute `rating`: invalid type: boolean `true`, {kinds}"));
        check("1.5", "\"b\"", "attribute `map`: entry `k`: invalid type: string \"b\", expected a number");
        check("[\"r\"]", "[7]", "attribute `roles`: invalid type: integer `7`, expected a string");
        check(
            "20}",
            "-1}",
            "latency `eu`: invalid value: integer `-1`, expected a whole number from 0 to 4294967295",
        );
        check("2000", "\"now\"", "invalid type: string \"now\", expected a whole number");
        check("{\"eu\":20}", "7", "invalid type: integer `7`, expected an object");
        check("[{\"player\"", "[7,{\"player\"", "invalid type: integer `7`, expected an object");
        check("\"duel\",", "\"duel\"", "expected `,` or `}` at column 59");
        assert_eq!(read(&[]).push("7").unwrap_err().what, "invalid type: integer `7`, expected an object");
    }

    #[test]
    fn a_last_line_that_is_cut_off_is_passed_over() {
        let mut recording = read(&[HEAD, A]);
        for end in 0..B.len() {
            recording.push_last(&B.as_bytes()[..end]).unwrap();
        }
        recording.push_last(b"{\"type\":\"arrived\",\"ticket\":\"\xc3").unwrap();
        assert_eq!(recording.queues(), [("duel", 1)].into());
        recording.push_last(B.as_bytes()).unwrap();
        assert_eq!(recording.queues(), [("duel", 2)].into(), "one that is whole counts");
        assert!(recording.push_last(br#"{"type":"left"}"#).is_err());
    }

    #[test]
    fn shares_of_answers_are_those_recorded() {
        let proposed = r#"{"type":"proposed","at_ms":4000,"ticket":"a"}"#;
        let declined = A_GOES.replace("cancelled", "declined");
        let b_proposed = proposed.replace("\"a\"", "\"b\"");
        let recording = read(&[A, B, proposed, &b_proposed, &declined]);
        let answers = recording.traffic(None, DEADLINE, 1).unwrap().answers.unwrap();
        assert_eq!((answers.decline, answers.ignore, answers.deadline), (0.5, 0.0, DEADLINE));
        // However many they are, and no more than all.
        let ignored = declined.replace("declined", "ignored");
        let b_ignored = ignored.replace("\"a\"", "\"b\"");
        for (lines, shares) in [
            (&[A, B, proposed, &b_proposed, &ignored, &b_ignored][..], (0.0, 1.0)),
            (&[A, B, proposed, &declined, &b_ignored], (0.5, 0.5)),
        ] {
            let answers = read(lines).traffic(None, DEADLINE, 1).unwrap().answers.unwrap();
            assert_eq!((answers.decline, answers.ignore), shares);
        }
    }
}
