//! Which boards count the results of a mode: a row beside the results, on which every one of them rests.
//!
//! Boards are documents, which may be another store, and a node hears of them late. Whoever defines one that counts
//! results counts what there is behind the mode's gate, and names the board in this row with the same job. A result that
//! was worked out by what a node knew before finds the row moved on and is not taken: the node reads the documents
//! that the row names and works it out anew.
use super::{BoardConfig, line::Line};
use crate::{
    Call, Engine, EngineError, hash,
    jobs::{Sink, Stop},
    store::{CountingRow, Expect, Home, Key, Row, Version},
};
use gsm_core::{BoardName, Mode, limits};
use std::sync::Arc;

/// The boards that count results of a mode, as of a version of the row that names them.
pub(crate) struct Counted {
    pub(crate) lines: Vec<Arc<Line>>,
    key: Key,
    version: Option<Version>,
}

impl Counted {
    /// What must hold when a result is taken that they count.
    pub(crate) fn condition(&self) -> (Key, Expect) {
        (self.key.clone(), self.version.map_or(Expect::Absent, Expect::At))
    }

    /// The same for a job.
    pub(crate) async fn check(&self, sink: &mut Sink<'_>) -> Result<(), Stop> {
        let (key, expect) = self.condition();
        sink.check(key, expect).await
    }
}

/// A name for a definition.
pub(super) fn mark_of(config: &BoardConfig) -> u64 {
    let json = config.to_json().unwrap_or_default();
    hash::name64("gsm counting board 1", &[json.as_bytes()])
}

impl Engine {
    /// The boards that count results of a mode. What this node does not know yet is read.
    pub(crate) async fn counted(&self, mode: &Mode) -> Result<Counted, EngineError> {
        // The row first: whoever defines a board from here on moves it on.
        let (row, version) = self.counting_row(mode).await?;
        let lines = self.views.boards.tallied(mode);
        let is_known = |name: &BoardName, mark: u64| {
            lines.iter().any(|line| line.config.name == *name && line.counting_mark == mark)
        };
        let unknown: Vec<&BoardName> =
            row.boards.iter().filter(|(name, mark)| !is_known(name, **mark)).map(|(name, _)| name).collect();
        let key = Key::Counting(mode.clone());
        if unknown.is_empty() {
            return Ok(Counted { lines, key, version });
        }
        let mut kept = row.clone();
        for name in unknown {
            if !self.read_board(mode, name).await? {
                kept.boards.remove(name);
            }
        }
        if kept != row {
            // Of boards that were given up while the process ended.
            self.put_counting(mode, (version, kept), None).await?;
            return Err(EngineError::Raced(None));
        }
        Ok(Counted { lines: self.views.boards.tallied(mode), key, version })
    }

    /// Takes in a board's definition as it surely is; whether it counts results of the mode.
    async fn read_board(&self, mode: &Mode, name: &BoardName) -> Result<bool, EngineError> {
        let key = Key::Board(name.clone());
        let found = self.get_one(&key).await?;
        let expect = found.as_ref().map_or(Expect::Absent, |found| Expect::At(found.version));
        self.surely(Home::Document, &[(key.clone(), expect)]).await?;
        let config = match found.as_ref().map(|found| &*found.row) {
            None => None,
            Some(Row::Board(json)) => {
                Some(BoardConfig::from_json(json).map_err(|_| EngineError::damaged(&key))?)
            }
            Some(_) => return Err(EngineError::damaged(&key)),
        };
        let counts = config.as_ref().is_some_and(|config| counts(config, mode));
        self.views.boards.defined(name, config, self.clock.now());
        Ok(counts)
    }

    async fn counting_row(&self, mode: &Mode) -> Result<(CountingRow, Option<Version>), EngineError> {
        let key = Key::Counting(mode.clone());
        let Some(found) = self.get_one(&key).await? else { return Ok((CountingRow::default(), None)) };
        let Row::Counting(row) = &*found.row else { return Err(EngineError::damaged(&key)) };
        Ok((row.clone(), Some(found.version)))
    }

    async fn put_counting(
        &self,
        mode: &Mode,
        (version, row): (Option<Version>, CountingRow),
        mark: Option<&(Key, Expect)>,
    ) -> Result<(), EngineError> {
        let mut changes = self.changes(&Call::system("gsm:CountBoards", self.clock.now()), &[mode]);
        changes.audit = None;
        changes.replace(Key::Counting(mode.clone()), version, Row::Counting(row));
        if let Some((key, expect)) = mark {
            changes.check(key.clone(), *expect);
        }
        self.commit(Home::Record, changes).await.map(drop)
    }

    /// Names a board that counts results from now on, together with a job that has counted it.
    pub(super) async fn name_counted(
        &self,
        mode: &Mode,
        config: &BoardConfig,
        sink: &mut Sink<'_>,
    ) -> Result<(), Stop> {
        let (mut row, version) = self.counting_row(mode).await?;
        let known = row.boards.insert(config.name.clone(), mark_of(config));
        if row.boards.len() > limits::BOARDS_COUNTING_MAX {
            return Err(EngineError::TooManyCounting { mode: mode.to_string() }.into());
        }
        let key = Key::Counting(mode.clone());
        match version.filter(|_| known == Some(mark_of(config))) {
            Some(version) => sink.check(key, Expect::At(version)).await,
            None => sink.put(key, version, Row::Counting(row)).await,
        }
    }

    /// A board counts results no more.
    pub(super) async fn forget_counted(&self, name: &BoardName, mode: &Mode) -> Result<(), EngineError> {
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            match self.try_forget_counted(name, mode, None).await {
                Err(EngineError::Raced(_)) => {}
                done => return done,
            }
        }
        Err(EngineError::Contended)
    }

    /// The same, once, and only as long as a mark stands where one is given.
    pub(super) async fn try_forget_counted(
        &self,
        name: &BoardName,
        mode: &Mode,
        mark: Option<&(Key, Expect)>,
    ) -> Result<(), EngineError> {
        let (mut row, version) = self.counting_row(mode).await?;
        match row.boards.remove(name) {
            None => Ok(()),
            Some(_) => self.put_counting(mode, (version, row), mark).await,
        }
    }
}

fn counts(config: &BoardConfig, mode: &Mode) -> bool {
    config.has_entries() && config.mode() == Some(mode)
}
