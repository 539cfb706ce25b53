//! The shadow: what callers were told, and what they may therefore count on. It never looks into an engine.
use crate::{
    Fault, Invariant,
    deed::{BACKFILLED, Deed, Outcome, Told},
    truth::Truth,
    world::AGREE,
};
use gsm_core::{MatchId, Mode, PlayerId, QueueName, TicketId, Timestamp};
use gsm_engine::{
    ResultView, TicketView,
    store::{ResultRow, Verdict},
};
use gsm_session::{MatchResult, Roster, TicketState};
use std::collections::{BTreeMap, BTreeSet};

/// What an idempotency key stands for.
#[derive(Debug, Clone)]
pub(crate) struct KeyFate {
    pub(crate) body: String,
    /// The first answer, if one was heard.
    pub(crate) answer: Option<String>,
}

/// What callers know.
#[derive(Default)]
pub(crate) struct Book {
    /// By secret, the last.
    players: BTreeMap<usize, PlayerId>,
    /// All there ever were.
    all_players: BTreeSet<PlayerId>,
    /// Players whom somebody wanted to be erased.
    erasing: BTreeSet<PlayerId>,
    /// Until when whoever has a secret is banned at least.
    pub(crate) bans: BTreeMap<usize, Timestamp>,
    /// Whom somebody wanted to be banned or freed, ever.
    pub(crate) ruled_out: BTreeSet<PlayerId>,
    /// Whose bans somebody wants to be lifted right now.
    lifting: BTreeSet<PlayerId>,
    pub(crate) tickets: BTreeMap<TicketId, TicketView>,
    tickets_maybe: Vec<(BTreeSet<QueueName>, Vec<PlayerId>)>,
    cancelled: BTreeSet<TicketId>,
    cancelled_maybe: BTreeSet<TicketId>,
    /// Final states, as first seen.
    ended: BTreeMap<TicketId, TicketState>,
    /// What was told of a match's result for good.
    results: BTreeMap<MatchId, Fixed>,
    results_maybe: BTreeSet<MatchId>,
    /// What players ever said of a match, heard or not.
    said: BTreeMap<MatchId, Vec<(PlayerId, MatchResult)>>,
    /// Matches that the game server has reported, heard or not.
    served: BTreeSet<MatchId>,
    /// Results in the stores, as first seen.
    counted: BTreeMap<MatchId, Fixed>,
    /// How a match that was ruled on may stand: its result, or void.
    ruled: BTreeMap<MatchId, Vec<Option<Outcome>>>,
    /// Matches that somebody was told are ruled on.
    surely_ruled: BTreeSet<MatchId>,
    /// Scores that players may have, and the best that they have for sure.
    scores: BTreeMap<PlayerId, (BTreeSet<i64>, Option<i64>)>,
    made: BTreeSet<MatchId>,
    made_maybe: Vec<Vec<Vec<PlayerId>>>,
    pub(crate) keys: BTreeMap<String, KeyFate>,
    /// Every match there ever was.
    pub(crate) matches: BTreeMap<MatchId, (Mode, Roster)>,
}

/// Longer than any world lives, and shorter than what is kept of a ban after an erasure.
const FOR_GOOD: Timestamp = Timestamp::from_millis(1_702_592_000_000);

fn fault(invariant: Invariant, detail: String) -> Result<(), Fault> {
    Err(Fault { invariant, detail })
}

impl Book {
    /// All players known, also those who were erased.
    pub(crate) fn everyone(&self) -> Vec<PlayerId> {
        self.all_players.iter().copied().collect()
    }

    /// The scores that players who were not erased may have, and the best that each has for sure.
    pub(crate) fn scores<'a>(
        &'a self,
        truth: &'a Truth,
    ) -> impl Iterator<Item = (PlayerId, &'a BTreeSet<i64>, Option<i64>)> {
        let scores = self.scores.iter().filter(|(player, _)| !truth.erased.contains(player));
        scores.map(|(player, (may, surely))| (*player, may, *surely))
    }

    /// Whom each secret signs in.
    pub(crate) fn by_secret(&self) -> Vec<PlayerId> {
        self.players.values().copied().collect()
    }

    /// Takes in what is asked for at once, before any answer: each may meet the others half done.
    pub(crate) fn begin<'a>(&mut self, deeds: impl Iterator<Item = &'a Deed>) {
        self.lifting.clear();
        for deed in deeds {
            match deed {
                Deed::Erase { player, .. } => drop(self.erasing.insert(*player)),
                Deed::Lift { player, .. } => {
                    self.ruled_out.insert(*player);
                    self.lifting.insert(*player);
                    self.secret_of(*player).and_then(|secret| self.bans.remove(&secret));
                }
                // It takes the place of another, which may have been longer.
                Deed::Ban { player, until, .. } => {
                    self.ruled_out.insert(*player);
                    let secret = self.secret_of(*player);
                    if let Some(known) = secret.and_then(|secret| self.bans.get_mut(&secret)) {
                        *known = until.map_or(*known, |until| until.min(*known));
                    }
                }
                _ => {}
            }
        }
    }

    fn secret_of(&self, player: PlayerId) -> Option<usize> {
        self.players.iter().find(|(_, of)| **of == player).map(|(secret, _)| *secret)
    }

    /// Who is banned, and until when at least, whoever was erased and came back.
    pub(crate) fn banned(&self) -> impl Iterator<Item = (PlayerId, Timestamp)> {
        self.bans.iter().filter_map(|(secret, until)| Some((*self.players.get(secret)?, *until)))
    }

    /// Takes in an answer; a fault if it cannot be with what was said before.
    /// `alone` says that nobody else ruled on the same match at the same time.
    pub(crate) fn take(&mut self, deed: &Deed, told: &Told, alone: bool) -> Result<(), Fault> {
        match (deed, told) {
            (Deed::SignIn { secret }, Told::Player(player)) => {
                self.all_players.insert(*player);
                let first = *self.players.entry(*secret).or_insert(*player);
                if first != *player && self.erasing.contains(&first) {
                    // The same secret is somebody else then.
                    self.players.insert(*secret, *player);
                } else if first != *player && !self.erasing.contains(player) {
                    return fault(Invariant::SameAnswer, format!("secret {secret} was {first}, is {player}"));
                }
            }
            (Deed::Create(wish), Told::Ticket(view)) => {
                let same = view.row.queues().collect::<BTreeSet<_>>() == wish.queues()
                    && view.row.players.iter().map(|p| p.player).eq(wish.players());
                if !same {
                    return fault(Invariant::Answers, format!("asked for {wish:?}, told {view:?}"));
                }
                self.tickets.entry(view.id).or_insert_with(|| (**view).clone());
            }
            (Deed::Create(wish), told) if told.is_unknown() => {
                let queues = wish.queues().into_iter().cloned().collect();
                self.tickets_maybe.push((queues, wish.players()));
            }
            (Deed::Backfill { players, .. }, Told::Ticket(view)) => {
                let same = view.row.backfill
                    && view.row.players.iter().map(|p| p.player).eq(players.iter().copied());
                if !same {
                    return fault(Invariant::Answers, format!("asked for {deed:?}, told {view:?}"));
                }
                self.tickets.entry(view.id).or_insert_with(|| (**view).clone());
            }
            (Deed::Backfill { players, .. }, told) if told.is_unknown() => {
                let queues = QueueName::new(BACKFILLED).into_iter().collect();
                self.tickets_maybe.push((queues, players.clone()));
            }
            (Deed::Cancel { ticket, .. }, Told::Ticket(view)) => {
                if view.row.state != TicketState::Cancelled {
                    return fault(Invariant::Answers, format!("cancelled, but told {view:?}"));
                }
                self.cancelled.insert(*ticket);
            }
            (Deed::Ban { player, until, key }, told) if !self.lifting.contains(player) => {
                // What a key did before it does not do again.
                let again = key.as_ref().is_some_and(|key| self.keys.contains_key(key));
                let until = until.unwrap_or(FOR_GOOD);
                if let Some(secret) = self.secret_of(*player) {
                    if matches!(told, Told::Done(_)) && !again {
                        self.bans.entry(secret).or_insert(until);
                    }
                    self.bans.entry(secret).and_modify(|known| *known = until.min(*known));
                }
            }
            (Deed::Cancel { ticket, .. }, told) if told.is_unknown() => {
                self.cancelled_maybe.insert(*ticket);
            }
            (Deed::Report { id, .. }, Told::Result(view)) => {
                self.served.insert(*id);
                self.fix(*id, view)?;
            }
            (Deed::Say { id, player, outcome, .. }, told) if told.is_unknown() => {
                self.hear(*id, *player, outcome);
            }
            (Deed::Say { id, player, outcome, .. }, Told::Said(view)) => {
                self.hear(*id, *player, outcome);
                if let Some(view) = &view.result {
                    self.fix(*id, view)?;
                }
            }
            (Deed::Report { id, .. }, told) if told.is_unknown() => {
                self.results_maybe.insert(*id);
                self.served.insert(*id);
            }
            (Deed::Submit { player, value, .. }, told) => {
                let (may, surely) = self.scores.entry(*player).or_default();
                if matches!(told, Told::Done(_)) {
                    *surely = (*surely).max(Some(*value));
                }
                if matches!(told, Told::Done(_)) || told.is_unknown() {
                    may.insert(*value);
                }
            }
            (Deed::Void { .. } | Deed::Correct { .. }, told) => self.take_ruling(deed, told, alone)?,
            (Deed::MakeMatch { .. }, Told::Match(view)) => {
                self.made.insert(view.id);
            }
            (Deed::MakeMatch { sides, .. }, told) if told.is_unknown() => {
                self.made_maybe.push(sides.clone());
            }
            _ => {}
        }
        let Some((key, body)) = deed.key() else {
            return match (deed, told) {
                (Deed::MoveMatch { to, .. }, Told::Done(state)) if state != to.as_str() => {
                    fault(Invariant::Answers, format!("{deed:?} was taken, and the match is {state}"))
                }
                _ => Ok(()),
            };
        };
        match (deed, told) {
            (_, told) if told.is_unknown() => self.key_maybe(key, body),
            (_, Told::No(_)) => {}
            // A ticket met again by its own id is no write, and takes no key.
            (Deed::Create(wish), _) if wish.own_id.is_some() => self.key_maybe(key, body),
            (Deed::Say { .. }, _) => self.keyed(key, body, "said")?,
            // Repeated, it says how the match stands now.
            (Deed::MoveMatch { .. }, _) => self.keyed(key, body, "moved")?,
            (Deed::Report { .. } | Deed::Void { .. } | Deed::Correct { .. }, _) => {
                self.keyed(key, body, "counts")?;
            }
            // Repeated, it shows the ticket as it stands: without what somebody brought who was erased since.
            (Deed::Cancel { .. }, Told::Ticket(view)) => {
                let mut view = view.clone();
                (view.row.own_id, view.row.brought) = (None, Vec::new());
                self.keyed(key, body, &format!("{view:?}"))?;
            }
            (_, told) => self.keyed(key, body, &told.whole())?,
        }
        Ok(())
    }

    /// What was told of a result stays.
    fn fix(&mut self, id: MatchId, view: &ResultView) -> Result<(), Fault> {
        let told = fixed(&view.row);
        let first = self.results.entry(id).or_insert_with(|| told.clone());
        if *first == told {
            return Ok(());
        }
        fault(Invariant::ResultKept, format!("result of {id} was told as {first:?}, then as {told:?}"))
    }

    fn hear(&mut self, id: MatchId, player: PlayerId, outcome: &Outcome) {
        let result =
            self.matches.get(&id).and_then(|(_, of)| MatchResult::validate(&outcome.report(), of).ok());
        self.said.entry(id).or_default().extend(result.map(|result| (player, result)));
    }

    /// Whether as many players as are asked for, and of two sides, have ever said that a match ended like this.
    fn enough_said(&self, id: MatchId, row: &ResultRow) -> bool {
        let all = self.said.get(&id).map(Vec::as_slice).unwrap_or_default();
        let same = all.iter().filter(|(_, said)| said.agrees_with(&row.result));
        let players: BTreeSet<PlayerId> = same.map(|(player, _)| *player).collect();
        let sides: BTreeSet<_> = players.iter().map(|player| row.roster.side_of(*player)).collect();
        players.len() >= AGREE as usize && sides.len() > 1
    }

    /// Takes in the answer to a ruling.
    fn take_ruling(&mut self, deed: &Deed, told: &Told, alone: bool) -> Result<(), Fault> {
        let (id, outcome) = match deed {
            Deed::Void { id, .. } => (*id, None),
            Deed::Correct { id, outcome, .. } => (*id, Some(outcome)),
            _ => return Ok(()),
        };
        let fate = deed.key().and_then(|(key, _)| self.keys.get(key));
        match told {
            // A repeated one: it tells how the match stands now.
            Told::Result(_) if fate.is_some_and(|fate| fate.answer.is_some()) => Ok(()),
            Told::Result(view) => {
                let sure = (alone && fate.is_none()).then_some(view);
                self.surely_ruled.insert(id);
                self.rule(id, outcome, sure.map(|view| &**view))
            }
            told if told.is_unknown() => self.rule(id, outcome, None),
            _ => Ok(()),
        }
    }

    /// Notes a ruling: for sure with the answer of one that nobody else ruled beside.
    fn rule(
        &mut self,
        id: MatchId,
        outcome: Option<&Outcome>,
        sure: Option<&ResultView>,
    ) -> Result<(), Fault> {
        let may = self.ruled.entry(id).or_default();
        if let Some(view) = sure {
            may.clear();
            if !stands(&view.row, outcome) {
                let detail = format!("{id} was ruled to be {outcome:?}, told {view:?}");
                return fault(Invariant::Answers, detail);
            }
        }
        may.push(outcome.cloned());
        Ok(())
    }

    /// The same key and body must give the same answer; that another body is refused is expected elsewhere.
    fn keyed(&mut self, key: &str, body: String, answer: &str) -> Result<(), Fault> {
        let fate = self.keys.entry(key.to_owned()).or_insert(KeyFate { body: body.clone(), answer: None });
        if fate.body == body {
            let first = fate.answer.get_or_insert_with(|| answer.to_owned());
            if first != answer {
                return fault(Invariant::SameAnswer, format!("key {key}: first {first}, then {answer}"));
            }
        } else if fate.answer.is_some() {
            return fault(
                Invariant::SameAnswer,
                format!("key {key} was used for {}, is taken for {body}", fate.body),
            );
        } else {
            // The first was never applied: this one owns the key.
            *fate = KeyFate { body, answer: Some(answer.to_owned()) };
        }
        Ok(())
    }

    fn key_maybe(&mut self, key: &str, body: String) {
        self.keys.entry(key.to_owned()).or_insert(KeyFate { body, answer: None });
    }

    /// Compares what callers know with what is there.
    pub(crate) fn compare(&mut self, truth: &Truth) -> Result<(), Fault> {
        self.compare_tickets(truth)?;
        self.compare_results(truth)?;
        for (id, row) in &truth.matches {
            let roster = (row.mode.clone(), row.roster.clone());
            let known = self.matches.entry(*id).or_insert_with(|| roster.clone());
            if *known != roster {
                return fault(Invariant::Answers, format!("match {id} changed its players"));
            }
            let asked = || self.made_maybe.iter().any(|sides| sides == row.roster.sides());
            if row.created_by.is_some() && !self.made.contains(id) && !asked() {
                return fault(
                    Invariant::Answers,
                    format!("match {id} was created by a call that was refused"),
                );
            }
        }
        Ok(())
    }

    fn compare_tickets(&mut self, truth: &Truth) -> Result<(), Fault> {
        for (id, told) in &self.tickets {
            let Some(row) = truth.tickets.get(id) else {
                return fault(Invariant::TicketKept, format!("acknowledged ticket {id} is gone"));
            };
            // Which of its queues stands first may have changed, and with it whose ratings do.
            let seen = row.seen_from(&told.row.queue);
            let same = seen.is_some_and(|seen| seen.players == told.row.players)
                && row.queues().collect::<BTreeSet<_>>() == told.row.queues().collect();
            if !same {
                return fault(Invariant::TicketKept, format!("ticket {id} was {told:?}, is {row:?}"));
            }
        }
        for (id, row) in &truth.tickets {
            let players: Vec<PlayerId> = row.players.iter().map(|p| p.player).collect();
            let maybe = || {
                let queues: BTreeSet<QueueName> = row.queues().cloned().collect();
                self.tickets_maybe.iter().any(|(q, p)| *q == queues && *p == players)
            };
            // A ban that comes while a ticket is made ends it, and then it is refused.
            let expelled =
                row.state == TicketState::Cancelled && players.iter().any(|of| self.ruled_out.contains(of));
            if !self.tickets.contains_key(id) && !maybe() && !expelled {
                return fault(Invariant::Answers, format!("ticket {id} was made by a call that was refused"));
            }
            if row.state.is_terminal() {
                let first = *self.ended.entry(*id).or_insert(row.state);
                if first != row.state {
                    return fault(
                        Invariant::TicketKept,
                        format!("ticket {id} ended {first} and is {}", row.state),
                    );
                }
            } else if let Some(first) = self.ended.get(id) {
                return fault(
                    Invariant::TicketKept,
                    format!("ticket {id} ended {first} and is {}", row.state),
                );
            }
            let cancelled = row.state == TicketState::Cancelled;
            if self.cancelled.contains(id) && !cancelled {
                return fault(Invariant::TicketKept, format!("cancelled ticket {id} is {}", row.state));
            }
            // A later backfill of the same session takes the place of one.
            let by_party = !row.backfill && row.reason.as_deref() == Some("cancelled by its party");
            if cancelled && by_party && !self.cancelled.contains(id) && !self.cancelled_maybe.contains(id) {
                return fault(
                    Invariant::Answers,
                    format!("ticket {id} was cancelled by a call that was refused"),
                );
            }
        }
        Ok(())
    }

    fn compare_results(&mut self, truth: &Truth) -> Result<(), Fault> {
        for (id, told) in &self.results {
            let Some(row) = truth.results.get(id) else {
                return fault(Invariant::ResultKept, format!("acknowledged result of {id} is gone"));
            };
            if *told != fixed(row) {
                return fault(Invariant::ResultKept, format!("result of {id} was {told:?}, is {row:?}"));
            }
        }
        for (id, row) in &truth.results {
            if row.verdict == Verdict::Counted && !self.served.contains(id) && !self.enough_said(*id, row) {
                let said = self.said.get(id);
                let detail = format!("{id} counts as {:?}, and was said to be {said:?}", row.result);
                return fault(Invariant::EnoughAgree, detail);
            }
            let said = self.said.contains_key(id);
            if !self.results.contains_key(id) && !self.results_maybe.contains(id) && !said {
                return fault(Invariant::Answers, format!("the result of {id} counts after it was refused"));
            }
            let first = self.counted.entry(*id).or_insert_with(|| fixed(row));
            if *first != fixed(row) {
                return fault(Invariant::ResultKept, format!("result of {id} was {first:?}, is {row:?}"));
            }
            let may = self.ruled.get(id).map(Vec::as_slice).unwrap_or_default();
            let waits = matches!(row.verdict, Verdict::Disputed { .. });
            // Where a side said nothing.
            let is_void = said && matches!(&row.verdict, Verdict::Voided { reason, .. } if reason != "sim");
            let unruled =
                waits || is_void || (row.verdict == Verdict::Counted && row.result == *row.first_report());
            let lawful = (unruled && !self.surely_ruled.contains(id))
                || may.iter().any(|outcome| stands(row, outcome.as_ref()));
            if !lawful {
                let detail = format!("{id} was ruled to be one of {may:?}, is {row:?}");
                return fault(Invariant::ResultKept, detail);
            }
        }
        if let Some(id) = self.counted.keys().find(|id| !truth.results.contains_key(id)) {
            return fault(Invariant::ResultKept, format!("the result of {id}, which counted, is gone"));
        }
        Ok(())
    }
}

/// What of a result stays, whatever is voided, corrected and rated again.
#[derive(Debug, Clone, PartialEq)]
struct Fixed {
    mode: Mode,
    roster: Roster,
    reported: MatchResult,
    at: Timestamp,
    depth: u64,
    call: Option<([u8; 32], [u8; 32])>,
}

fn fixed(row: &ResultRow) -> Fixed {
    Fixed {
        mode: row.mode.clone(),
        roster: row.roster.clone(),
        reported: row.first_report().clone(),
        at: row.at,
        depth: row.depth,
        call: row.call,
    }
}

/// Whether a result is as it was ruled to be; none is void.
fn stands(row: &ResultRow, outcome: Option<&Outcome>) -> bool {
    match outcome {
        None => !row.counts(),
        Some(outcome) => {
            let wanted = MatchResult::validate(&outcome.report(), &row.roster);
            row.counts() && wanted.is_ok_and(|wanted| wanted == row.result)
        }
    }
}
