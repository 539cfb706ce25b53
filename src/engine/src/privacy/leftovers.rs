//! What is left of an erased player where he gave it: found part by part, in bounded steps, each of which can be
//! repeated without harm. How far it came is a row, so that whoever finds it goes on.
//!
//! All is looked at twice. The first time ends the erasure; the second, a minute later, finds what calls wrote that were
//! under way when it began, on any node.
use crate::{
    BoardConfig, Call, Engine, EngineError, Source, TicketView,
    store::{
        AttributesRow, Brought, ChangeSet, Claim, EntryRow, ErasingRow, Expect, Home, Key, KeyRange, Op,
        Replay, Row, ShadeRow, TicketRow, Versioned,
    },
    tickets::ENDED_TICKET_RETENTION,
};
use gsm_core::{BoardName, Millis, PlayerId, TicketId, Timestamp, limits};
use std::{collections::BTreeSet, sync::Arc};

/// Between the two looks: longer than any call takes.
const AGAIN_AFTER: Millis = Millis::from_secs(60);
/// Why a ticket of an erased player ends, for people.
const GONE: &str = "a player of the party is no more";
/// In the place of what an operator wrote of the player.
const REASON_GONE: &str = "erased";

/// A part of what is looked through.
#[derive(Debug, Clone, Copy)]
enum Part {
    /// Ways to sign in that a stale list did not have.
    Identities,
    /// The ticket that the player waits in: it ends.
    Waiting,
    /// What he wants to be told.
    Watches,
    /// The groups that he is in. Region and platform stay: they name nobody, and boards are divided by them.
    Groups,
    /// What operators wrote why others do not see him.
    Shades,
    /// The texts beside his scores.
    Texts,
    /// What he brought to tickets that are kept.
    Tickets,
    /// The same in answers that are kept for repeats.
    Answers,
    /// Answers that say his name, or what operators wrote of him.
    Profiles,
}

const PARTS: [Part; 9] = [
    Part::Identities,
    Part::Waiting,
    Part::Watches,
    Part::Groups,
    Part::Shades,
    Part::Texts,
    Part::Tickets,
    Part::Answers,
    Part::Profiles,
];

impl Engine {
    /// Does up to `most` steps of what is to be deleted of a player; whether the look under way is done.
    pub(super) async fn erase_leftovers(&self, player: PlayerId, most: usize) -> Result<bool, EngineError> {
        let key = Key::Erasing(player);
        for _ in 0..most {
            let Some(found) = self.get_one(&key).await? else { return Ok(true) };
            let Row::Erasing(row) = &*found.row else { return Err(EngineError::damaged(&key)) };
            let now = self.clock.now();
            if row.due > now {
                return Ok(true);
            }
            let Some(part) = PARTS.get(usize::from(row.part)) else {
                self.end_look(player, row, found.version, now).await?;
                return Ok(true);
            };
            let after = match self.look_through(player, *part, row.after.as_ref()).await {
                Ok(after) => after,
                // Somebody else wrote there: the same again.
                Err(EngineError::Raced(_)) => continue,
                Err(other) => return Err(other),
            };
            let part = if after.is_none() { row.part.saturating_add(1) } else { row.part };
            let next = ErasingRow { part, after, ..(**row).clone() };
            let mut changes = self.quiet();
            changes.replace(key.clone(), Some(found.version), Row::Erasing(Box::new(next)));
            match self.commit(Home::Document, changes).await {
                // Somebody else is at it.
                Ok(_) | Err(EngineError::Raced(_)) => {}
                Err(other) => return Err(other),
            }
        }
        Ok(false)
    }

    /// The end of a look: of the first, the erasure has its end; of the second, nothing is left to do.
    async fn end_look(
        &self,
        player: PlayerId,
        row: &ErasingRow,
        version: u64,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let key = Key::Erasing(player);
        let mut changes = self.quiet();
        if row.again {
            changes.delete(key, version);
        } else {
            let due = now.saturating_add(AGAIN_AFTER);
            let next = ErasingRow { again: true, part: 0, after: None, due };
            changes.replace(key, Some(version), Row::Erasing(Box::new(next)));
            if let Some((mut erased, version)) = self.erased_row(player).await? {
                erased.finished_at = Some(now);
                changes.replace(Key::Erased(player), Some(version), Row::Erased(Box::new(erased)));
            }
        }
        match self.commit(Home::Document, changes).await {
            Ok(_) | Err(EngineError::Raced(_)) => Ok(()),
            Err(other) => Err(other),
        }
    }

    /// A change set of work whose record is that of the call that began it.
    pub(super) fn quiet(&self) -> ChangeSet {
        let mut changes = self.changes(&Call::system("gsm:Upkeep", self.clock.now()), &[]);
        changes.audit = None;
        changes
    }

    /// One step in a part: after which key the next goes on, if there is one.
    async fn look_through(
        &self,
        player: PlayerId,
        part: Part,
        after: Option<&Key>,
    ) -> Result<Option<Key>, EngineError> {
        match part {
            Part::Identities => self.end_identities(player).await.map(|()| None),
            Part::Waiting => self.end_waiting(player).await.map(|()| None),
            Part::Watches => self.end_watches(player).await.map(|()| None),
            Part::Groups => self.leave_groups(player).await.map(|()| None),
            Part::Shades => self.clear_shades(player).await.map(|()| None),
            Part::Texts => self.clear_texts(player, after).await,
            Part::Tickets => {
                self.rewrite(KeyRange::Tickets, after, |key, found| match (key, &*found.row) {
                    (Key::Ticket(_), Row::Ticket(row)) => {
                        without_player(row, player, row.state.is_terminal()).map(|row| {
                            let ended = row.ended_at.filter(|_| row.state.is_terminal());
                            let until = ended.map(|at| at.saturating_add(ENDED_TICKET_RETENTION));
                            (Row::Ticket(Box::new(row)), until)
                        })
                    }
                    _ => None,
                })
                .await
            }
            Part::Profiles => {
                /// What says whom an answer is about.
                #[derive(serde::Deserialize)]
                struct About {
                    player: PlayerId,
                }
                self.rewrite_answers(Home::Document, player, after, |answer| {
                    let about: About = serde_json::from_str(answer).ok()?;
                    // A repeat is answered by what stands then: that there is no such player.
                    (about.player == player).then(|| "null".to_owned())
                })
                .await
            }
            Part::Answers => {
                self.rewrite_answers(Home::Live, player, after, |answer| {
                    let view: TicketView = serde_json::from_str(answer).ok()?;
                    let view = TicketView { row: without_player(&view.row, player, true)?, ..view };
                    serde_json::to_string(&view).ok()
                })
                .await
            }
        }
    }

    async fn end_identities(&self, player: PlayerId) -> Result<(), EngineError> {
        let mut changes = self.quiet();
        for (key, found) in self.identities(player).await? {
            let Key::IdentityOf(_, hash) = &key else { return Err(EngineError::damaged(&key)) };
            let way = Key::Identity(*hash);
            match self.get_one(&way).await? {
                Some(there) if *there.row == Row::Identity(player) => changes.delete(way, there.version),
                // Somebody else's by now, or a stale read: the second look sees.
                _ => continue,
            };
            changes.delete(key, found.version);
        }
        if changes.writes.is_empty() {
            return Ok(());
        }
        self.commit(Home::Document, changes).await.map(drop)
    }

    /// Ends the ticket that a player waits in, if there is one. A match goes on.
    async fn end_waiting(&self, player: PlayerId) -> Result<(), EngineError> {
        match self.get_one(&Key::Claim(player)).await? {
            Some(found) => match &*found.row {
                Row::Claim(Claim::Ticket(id)) => self.end_of_erased(*id).await,
                _ => Ok(()),
            },
            None => Ok(()),
        }
    }

    /// A ticket that was just made, as it stands: it has ended if one of its players was erased meanwhile.
    pub(crate) async fn without_erased(&self, call: &Call, view: TicketView) -> TicketView {
        let players = view.row.players.iter().map(|of| of.player);
        if self.views.erased.check(players).is_ok() {
            return view;
        }
        let now = match self.end_of_erased(view.id).await {
            Ok(()) => self.ticket(call, view.id).await,
            Err(error) => Err(error),
        };
        now.unwrap_or_else(|error| {
            // The second look ends it.
            tracing::warn!(ticket = %view.id, %error, "a ticket of an erased player waits still");
            view
        })
    }

    /// Ends a ticket in which an erased player would wait.
    async fn end_of_erased(&self, id: TicketId) -> Result<(), EngineError> {
        let call = Call::system("gsm:CancelTicket", self.clock.now());
        match self.cancel_ticket_as(&call, id, GONE).await {
            // Over, or a match by now.
            Ok(_) | Err(EngineError::NotWaiting { .. } | EngineError::Unknown { .. }) => Ok(()),
            Err(other) => Err(other),
        }
    }

    async fn end_watches(&self, player: PlayerId) -> Result<(), EngineError> {
        let range = KeyRange::Watches(player);
        let page = self.store(Home::Live).list(&range, None, limits::WATCHES_PER_PLAYER_MAX, false).await?;
        let mut changes = self.quiet();
        for (key, found) in page {
            let Key::Watch(_, board) = &key else { return Err(EngineError::damaged(&key)) };
            changes.write(Key::Told(player, board.clone()), Expect::Any, Op::Delete);
            changes.delete(key, found.version);
        }
        self.commit_some(Home::Live, changes).await
    }

    async fn leave_groups(&self, player: PlayerId) -> Result<(), EngineError> {
        let key = Key::Attributes(player);
        let Some(found) = self.get_one(&key).await? else { return Ok(()) };
        let Row::Attributes(row) = &*found.row else { return Err(EngineError::damaged(&key)) };
        let mut changes = self.quiet();
        if !row.groups.is_empty() {
            let row = AttributesRow { groups: Vec::new(), ..row.clone() };
            changes.replace(key, Some(found.version), Row::Attributes(row));
        }
        self.commit_some(Home::Record, changes).await
    }

    async fn clear_shades(&self, player: PlayerId) -> Result<(), EngineError> {
        let keys = self.shade_keys(player);
        let mut changes = self.quiet();
        for (key, found) in keys.iter().zip(self.get(Home::Record, &keys).await?) {
            let Some(found) = found else { continue };
            let Row::Shade(row) = &*found.row else { return Err(EngineError::damaged(key)) };
            if row.reason != REASON_GONE {
                let row = ShadeRow { reason: REASON_GONE.to_owned(), ..row.clone() };
                changes.replace(key.clone(), Some(found.version), Row::Shade(row));
            }
        }
        self.commit_some(Home::Record, changes).await
    }

    /// Where it can stand that others do not see a player.
    pub(super) fn shade_keys(&self, player: PlayerId) -> Vec<Key> {
        let defined = self.views.boards.all().into_iter().map(|line| line.config.name.clone());
        let of_modes = self.queues().into_iter().filter_map(|queue| BoardName::new(queue.mode.as_str()).ok());
        let boards: BTreeSet<BoardName> = defined.chain(of_modes).collect();
        boards.into_iter().map(|board| Key::Shade(board, player)).collect()
    }

    /// A page of the entries that a player has on boards that scores are submitted to: they lose their texts.
    async fn clear_texts(&self, player: PlayerId, after: Option<&Key>) -> Result<Option<Key>, EngineError> {
        let keys = self
            .entry_keys(player, after, limits::PAGE_SIZE_MAX, |config| config.source == Source::Submissions);
        let mut changes = self.quiet();
        for (key, found) in keys.iter().zip(self.get(Home::Record, &keys).await?) {
            let Some(found) = found else { continue };
            let Row::Entry(row) = &*found.row else { return Err(EngineError::damaged(key)) };
            if row.metadata.is_some() {
                let row = EntryRow { metadata: None, ..row.clone() };
                changes.replace(key.clone(), Some(found.version), Row::Entry(row));
            }
        }
        self.commit_some(Home::Record, changes).await?;
        Ok(keys.last().filter(|_| keys.len() == limits::PAGE_SIZE_MAX).cloned())
    }

    /// Where entries of a player can be on those boards, in order, behind `after`.
    pub(super) fn entry_keys(
        &self,
        player: PlayerId,
        after: Option<&Key>,
        most: usize,
        boards: impl Fn(&BoardConfig) -> bool,
    ) -> Vec<Key> {
        let now = self.clock.now();
        let mut keys = Vec::new();
        let (board, season) = match after {
            Some(Key::Entry(board, season, _)) => (Some(board), *season),
            _ => (None, 0),
        };
        for line in self.views.boards.those(boards) {
            let name = &line.config.name;
            if board.is_some_and(|board| name < board) {
                continue;
            }
            let (first, last) = match line.number_at(now) {
                Some(current) if line.has_seasons() => (1, current),
                None if line.has_seasons() => continue,
                _ => (0, 0),
            };
            let first = if board == Some(name) { season.saturating_add(1) } else { first };
            for number in first..=last {
                if keys.len() == most {
                    return keys;
                }
                keys.push(Key::Entry(name.clone(), number, player));
            }
        }
        keys
    }

    /// Rewrites those rows of a page that `change` has something else for: the row, and when it ends. Where to read on.
    async fn rewrite(
        &self,
        range: KeyRange,
        after: Option<&Key>,
        change: impl Fn(&Key, &Versioned) -> Option<(Row, Option<Timestamp>)>,
    ) -> Result<Option<Key>, EngineError> {
        let home = range.home();
        let page = self.store(home).list(&range, after, limits::PAGE_SIZE_MAX, false).await?;
        let mut changes = self.quiet();
        for (key, found) in &page {
            if let Some((row, expires_at)) = change(key, found) {
                let op = Op::Put { row: Arc::new(row), expires_at };
                changes.write(key.clone(), Expect::At(found.version), op);
            }
        }
        self.commit_some(home, changes).await?;
        Ok(page.last().filter(|_| page.len() == limits::PAGE_SIZE_MAX).map(|(key, _)| key.clone()))
    }

    /// One step in the answers that a home keeps for repeats: those that name a player become what `change` makes of them.
    async fn rewrite_answers(
        &self,
        home: Home,
        player: PlayerId,
        after: Option<&Key>,
        change: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Key>, EngineError> {
        let name = player.to_string();
        let until = self.clock.now().saturating_add(crate::call::IDEMPOTENCY_RETENTION);
        self.rewrite(KeyRange::Answers(home), after, |_, found| {
            let Row::Replay(replay) = &*found.row else { return None };
            let answer = replay.answer.contains(&name).then(|| change(&replay.answer))??;
            Some((Row::Replay(Replay { answer, ..replay.clone() }), Some(until)))
        })
        .await
    }

    /// Commits writes that need not be one, as many at once as the store takes.
    pub(super) async fn commit_some(&self, home: Home, changes: ChangeSet) -> Result<(), EngineError> {
        let store = self.store(home).limits();
        let mut left = changes.writes;
        while !left.is_empty() {
            let rest = left.split_off(store.first_of(&left));
            let alone = ChangeSet { writes: std::mem::replace(&mut left, rest), ..self.quiet() };
            self.commit(home, alone).await?;
        }
        Ok(())
    }
}

/// A ticket without what a player brought to it and, if he made it, its own id; without his name alone where it is not
/// `over`: it is matched by the rest. Nothing where nothing is to be taken away.
fn without_player(row: &TicketRow, player: PlayerId, over: bool) -> Option<TicketRow> {
    let mut next = row.clone();
    // Again and again: for each of its queues.
    for (of, brought) in row.players.iter().cycle().zip(&mut next.brought) {
        if of.player != player {
            continue;
        }
        brought.name = None;
        if over {
            let (team, role) = (brought.team.take(), brought.role.take());
            *brought = Brought { team, role, ..Brought::default() };
        }
    }
    if row.owner == player && over {
        next.own_id = None;
    }
    (next != *row).then_some(next)
}
