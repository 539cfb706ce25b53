//! A board is given up: the mark that it is lies in the store until nothing of it is left, whoever dies in between.
use super::BoardConfig;
use crate::{
    Call, Engine, EngineError,
    store::{ChangeSet, Expect, Home, Key, KeyRange, Op, Row, Version},
};
use gsm_core::{BoardName, Mode, PlayerId, limits};

/// What is told of a board that is none.
const UNKNOWN: EngineError = EngineError::Unknown { what: "board: none is defined under this name" };

/// Boards that are given up and that one turn of upkeep goes on with.
const CLOSED_PER_TURN: usize = 16;

impl Engine {
    /// Gives up a board that was defined. What was submitted to it goes too; ratings stay. Nothing is taken for it any
    /// more once this has begun; a call that ends before all of it is gone is finished by upkeep, or by who defines
    /// another board of this name.
    pub async fn delete_board(&self, call: &Call, name: &BoardName) -> Result<(), EngineError> {
        let (key, closing) = (Key::Board(name.clone()), Key::Closing(name.clone()));
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            if self.replayed::<()>(call, Home::Document).await?.is_some() {
                return Ok(());
            }
            let Some(found) = self.get_one(&key).await? else {
                self.close_board(name).await?;
                return Err(UNKNOWN);
            };
            let Row::Board(json) = &*found.row else { return Err(EngineError::damaged(&key)) };
            // One that cannot be read can be given up too.
            let mode = BoardConfig::from_json(json).ok().and_then(|config| config.mode().cloned());
            let marked = self.get_one(&closing).await?.map(|found| found.version);
            let mut changes = self.changes(call, &[name]);
            if self.homes.is_one() {
                changes.replace(closing.clone(), marked, Row::Closing(mode));
            } else if marked.is_none() {
                let mut mark = self.quietly();
                mark.create(closing.clone(), Row::Closing(mode));
                match self.commit(Home::Record, mark).await {
                    Ok(_) => {}
                    Err(EngineError::Raced(_)) => continue,
                    Err(other) => return Err(other),
                }
            }
            changes.delete(key.clone(), found.version);
            self.remember(&mut changes, call, Home::Document, &())?;
            match self.commit(Home::Document, changes).await {
                Ok(_) => {
                    self.close_board(name).await?;
                    return self.fill_boards().await;
                }
                Err(EngineError::Raced(_)) => {}
                Err(other) => return Err(other),
            }
        }
        Err(EngineError::Contended)
    }

    /// Goes on with some of the boards that are given up, behind `after`: a page of rows of each. Whether there is more to
    /// do at once.
    pub(crate) async fn close_boards(&self, after: &mut Option<Key>) -> Result<bool, EngineError> {
        let range = KeyRange::AllClosing;
        let page = self.store(range.home()).list(&range, after.as_ref(), CLOSED_PER_TURN, false).await?;
        *after = page.last().filter(|_| page.len() == CLOSED_PER_TURN).map(|(key, _)| key.clone());
        let mut more = after.is_some();
        for (key, _) in page {
            let Key::Closing(name) = key else { continue };
            match self.close_some(&name).await {
                Ok(done) => more |= !done,
                // One that cannot be must not hold up the others.
                Err(error) => {
                    tracing::warn!(board = %name, %error, "something of a board that is given up is left for later");
                }
            }
        }
        Ok(more)
    }

    /// Removes what is left of a board that is given up, if it is.
    pub(super) async fn close_board(&self, name: &BoardName) -> Result<(), EngineError> {
        while !self.close_some(name).await? {}
        Ok(())
    }

    /// Removes a page of what is left of a board that is given up, if it is: the mark goes last. Whether nothing is left.
    async fn close_some(&self, name: &BoardName) -> Result<bool, EngineError> {
        match self.try_close_some(name).await {
            // Another node was quicker: what is left is seen anew.
            Err(EngineError::Raced(_)) => Ok(false),
            done => done,
        }
    }

    async fn try_close_some(&self, name: &BoardName) -> Result<bool, EngineError> {
        let closing = Key::Closing(name.clone());
        let Some(marked) = self.get_one(&closing).await? else { return Ok(true) };
        let Row::Closing(mode) = &*marked.row else { return Err(EngineError::damaged(&closing)) };
        let mark = (closing.clone(), Expect::At(marked.version));
        // Where documents are another store, who marked it may have died before it was gone.
        let key = Key::Board(name.clone());
        if let Some(found) = self.get_one(&key).await? {
            let mut changes = self.while_marked(Home::Document, &mark).await?;
            changes.delete(key, found.version);
            self.commit(Home::Document, changes).await?;
        }
        if let Some(mode) = mode {
            self.try_forget_counted(name, mode, Some(&mark)).await?;
        }
        // The mark is one, too.
        let most = self.store(Home::Record).limits().items_max.saturating_sub(1);
        let mut room = most.clamp(1, limits::PAGE_SIZE_MAX);
        // A mode's own board goes on without its definition, and who is hidden on it or watches it with it.
        let goes_on =
            Mode::new(name.as_str()).is_ok_and(|own| Some(&own) == mode.as_ref() || self.has_mode(&own));
        let shades = (!goes_on).then_some(KeyRange::ShadesOf as fn(BoardName) -> KeyRange);
        let ranges: [fn(BoardName) -> KeyRange; 8] = [
            KeyRange::AllEntries,
            KeyRange::AllScored,
            KeyRange::AllSeats,
            KeyRange::AllSeated,
            KeyRange::AllBuckets,
            KeyRange::AllOpened,
            KeyRange::Payouts,
            KeyRange::AllStarts,
        ];
        for range in ranges.into_iter().chain(shades) {
            room = room.saturating_sub(self.clear_some(&range(name.clone()), room, &mark).await?);
            if room == 0 {
                return Ok(false);
            }
        }
        if !goes_on && !self.end_watches_of(name, &mark).await? {
            return Ok(false);
        }
        let mut changes = self.quietly();
        changes.delete(closing, marked.version);
        match self.commit(Home::Record, changes).await {
            // Another node was quicker.
            Ok(_) | Err(EngineError::Raced(_)) => Ok(true),
            Err(other) => Err(other),
        }
    }

    /// Deletes at most `room` rows of a range, and answers how many; `room` where more may be left.
    async fn clear_some(
        &self,
        range: &KeyRange,
        room: usize,
        mark: &(Key, Expect),
    ) -> Result<usize, EngineError> {
        let page = self.store(Home::Record).list(range, None, room, false).await?;
        if page.is_empty() {
            return Ok(0);
        }
        let gone = page.len();
        let mut changes = self.while_marked(Home::Record, mark).await?;
        for (key, found) in page {
            changes.delete(key, found.version);
        }
        match self.commit(Home::Record, changes).await {
            Ok(_) => Ok(gone),
            Err(EngineError::Raced(_)) => Ok(room),
            Err(other) => Err(other),
        }
    }

    /// Ends all watches of a board; whether none is left. They are kept player by player: all there are are looked at.
    async fn end_watches_of(&self, name: &BoardName, mark: &(Key, Expect)) -> Result<bool, EngineError> {
        let mut watchers: Vec<(PlayerId, Version)> = Vec::new();
        self.each(KeyRange::AllWatches, |key, found| {
            if let Key::Watch(watcher, board) = key
                && board == *name
            {
                watchers.push((watcher, found.version));
            }
            Ok(())
        })
        .await?;
        // Two rows a watch, and the mark.
        let most = self.store(Home::Live).limits().items_max.saturating_sub(1);
        let room = most.clamp(2, limits::PAGE_SIZE_MAX) / 2;
        for some in watchers.chunks(room) {
            let mut changes = self.while_marked(Home::Live, mark).await?;
            for (watcher, version) in some {
                changes.delete(Key::Watch(*watcher, name.clone()), *version);
                // It comes and goes with the watch.
                changes.write(Key::Told(*watcher, name.clone()), Expect::Any, Op::Delete);
            }
            match self.commit(Home::Live, changes).await {
                Ok(_) => {}
                Err(EngineError::Raced(_)) => return Ok(false),
                Err(other) => return Err(other),
            }
        }
        Ok(true)
    }

    /// Changes to what was read of a board that is given up: only as long as its mark stands, since after that the same
    /// name is another board's.
    async fn while_marked(&self, home: Home, mark: &(Key, Expect)) -> Result<ChangeSet, EngineError> {
        let mut changes = self.quietly();
        if self.homes.is_one() || home == Home::Record {
            changes.check(mark.0.clone(), mark.1);
        } else {
            self.surely(Home::Record, std::slice::from_ref(mark)).await?;
        }
        Ok(changes)
    }

    /// Changes of which the audit log has heard, or hears, by the call that began them.
    fn quietly(&self) -> ChangeSet {
        let mut changes = self.changes(&Call::system("gsm:DeleteBoard", self.clock.now()), &[]);
        changes.audit = None;
        changes
    }

    /// Lets a change through only as long as the board is not given up.
    pub(super) async fn check_open(
        &self,
        name: &BoardName,
        changes: &mut ChangeSet,
    ) -> Result<(), EngineError> {
        changes.check(Key::Closing(name.clone()), Expect::Absent);
        if self.homes.is_one() {
            // Nor is it another one of the same name.
            let key = Key::Board(name.clone());
            let found = self.get_one(&key).await?.ok_or(UNKNOWN)?;
            changes.check(key, Expect::At(found.version));
        }
        Ok(())
    }

    /// After a change that did not get through: whether the board is not given up.
    pub(super) async fn still_open(&self, name: &BoardName) -> Result<(), EngineError> {
        match self.get_one(&Key::Closing(name.clone())).await? {
            None => Ok(()),
            Some(_) => Err(UNKNOWN),
        }
    }
}
