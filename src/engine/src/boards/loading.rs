//! Boards at start: which there are, and all ratings into those that show them.
use super::{
    BoardConfig, Boards, Snapshots,
    snapshot::Restored,
    view::{Brought, Filling, View},
};
use crate::{
    Engine, EngineError, LoadReport,
    store::{AttributesRow, Gather, Home, Key, KeyRange, RatingRow, Row, Version},
};
use gsm_core::{Mode, PlayerId, Timestamp};
use parking_lot::Mutex;
use std::{collections::BTreeSet, sync::Arc};

/// Rows that one thread collects before the boards take them in.
const BATCH: usize = 1_024;

/// A board that takes in all rows of its mode as they come.
enum Taking {
    /// It is built beside the one that is shown.
    Built(Arc<View>, Box<Filling>),
    /// It is divided, and takes them in one by one.
    Divided(Arc<View>),
}

/// The boards of one mode: its rows are read once for all of them.
struct Takings<'a> {
    boards: &'a Boards,
    now: Timestamp,
    all: Mutex<Vec<Taking>>,
}

impl Takings<'_> {
    fn take(&self, rows: &[(PlayerId, RatingRow, Version)]) {
        for taking in &mut *self.all.lock() {
            match taking {
                Taking::Built(_, filling) => {
                    rows.iter().for_each(|(player, row, version)| filling.add(*player, row, *version));
                }
                Taking::Divided(view) => {
                    let one = |(player, row, version): &(PlayerId, RatingRow, Version)| {
                        (*player, Brought::of_rating(&view.config, row), *version)
                    };
                    let rows: Vec<_> = rows.iter().map(one).collect();
                    view.take(&rows, |player| self.boards.home(player), self.now);
                }
            }
        }
    }
}

/// What one thread has read.
struct Reading<'a> {
    takings: &'a Takings<'a>,
    batch: Vec<(PlayerId, RatingRow, Version)>,
    ratings: usize,
}

impl<'a> Reading<'a> {
    fn new(takings: &'a Takings<'a>) -> Self {
        Self { takings, batch: Vec::with_capacity(BATCH), ratings: 0 }
    }

    /// The last rows; returns how many there were in all.
    fn end(mut self) -> usize {
        self.flush();
        self.ratings
    }

    fn flush(&mut self) {
        self.ratings += self.batch.len();
        self.takings.take(&self.batch);
        self.batch.clear();
    }
}

impl Gather for Reading<'_> {
    fn row(&mut self, key: &Key, version: Version, row: &Row) {
        let (Key::Rating(_, player), Row::Rating(standing)) = (key, row) else { return };
        let Some(rating) = &standing.rating else { return };
        self.batch.push((*player, rating.shown(), version));
        if self.batch.len() == BATCH {
            self.flush();
        }
    }
}

/// Where players belong, as one thread has read it.
struct Settling<'a> {
    boards: &'a Boards,
    batch: Vec<(PlayerId, Arc<AttributesRow>, Version)>,
}

impl Settling<'_> {
    fn flush(&mut self) {
        self.boards.found_settled(&self.batch);
        self.batch.clear();
    }
}

impl Gather for Settling<'_> {
    fn row(&mut self, key: &Key, version: Version, row: &Row) {
        let (Key::Attributes(player), Row::Attributes(row)) = (key, row) else { return };
        self.batch.push((*player, Arc::new(row.clone()), version));
        if self.batch.len() == BATCH {
            self.flush();
        }
    }
}

impl Engine {
    /// The boards that are defined, where players belong and who sees them, at start; ratings and entries come after.
    pub(crate) async fn load_boards(&self) -> Result<(), EngineError> {
        let now = self.clock.now();
        self.each(KeyRange::Boards, |key, found| {
            let Row::Board(json) = &*found.row else { return Err(EngineError::damaged(&key)) };
            let config = BoardConfig::from_json(json).map_err(|_| EngineError::damaged(&key))?;
            // What a commit of the meantime has told already is newer than this row.
            if self.views.boards.named(&config.name).is_none() {
                self.views.boards.defined(&config.name.clone(), Some(config), now);
            }
            Ok(())
        })
        .await?;
        let settling = || Settling { boards: &self.views.boards, batch: Vec::with_capacity(BATCH) };
        let (mut one, mut other) = (settling(), settling());
        self.store(Home::Record).scan(&KeyRange::AllAttributes, [&mut one, &mut other]).await?;
        one.flush();
        other.flush();
        self.each(KeyRange::Shades, |key, found| {
            if let (Key::Shade(board, player), Row::Shade(row)) = (&key, &*found.row) {
                self.views.boards.shaded(board, *player, Some(row));
            }
            Ok(())
        })
        .await
    }

    /// Brings all ratings into the boards of their modes.
    pub(crate) async fn load_ratings(
        &self,
        snapshots: Option<&dyn Snapshots>,
        report: &mut LoadReport,
    ) -> Result<(), EngineError> {
        for mode in self.rated_modes().await? {
            self.load_mode(&mode, snapshots, report).await?;
        }
        Ok(())
    }

    /// Every mode that a queue names, or in which somebody has a rating, by name; those too whose own board waits for its
    /// first season, which [`Engine::modes`] leaves out.
    pub async fn all_modes(&self) -> Result<Vec<Mode>, EngineError> {
        let boards = self.boards();
        let named = boards.iter().filter_map(|board| board.config.mode()).filter(|mode| self.has_mode(mode));
        let mut modes: BTreeSet<Mode> = named.cloned().collect();
        modes.extend(self.rated_modes().await?);
        Ok(modes.into_iter().collect())
    }

    /// The modes in which somebody has a rating.
    pub(crate) async fn rated_modes(&self) -> Result<Vec<Mode>, EngineError> {
        let store = self.store(Home::Record);
        let (mut modes, mut after) = (Vec::new(), None);
        while let Some((Key::Rating(mode, _), _)) =
            store.list(&KeyRange::AllRatings, after.as_ref(), 1, false).await?.pop()
        {
            after = Some(Key::Rating(mode.clone(), PlayerId::from_u128(u128::MAX)));
            modes.push(mode);
        }
        Ok(modes)
    }

    async fn load_mode(
        &self,
        mode: &Mode,
        snapshots: Option<&dyn Snapshots>,
        report: &mut LoadReport,
    ) -> Result<(), EngineError> {
        let (mut all, mut ratings) = (Vec::new(), 0);
        let now = self.clock.now();
        for view in self.views.boards.of_mode(mode, now) {
            let restored = match snapshots {
                Some(from) => self.restore(&view, mode, from, now).await?,
                None => None,
            };
            if let Some(Restored { players, changes }) = restored {
                tracing::info!(board = %view.config.name, players, changes, "board from its snapshot");
                ratings = players;
                report.snapshots += 1;
                report.changed += changes;
            } else if view.is_undivided() {
                all.push(Taking::Built(view.clone(), Box::new(Filling::new(view, 0, now))));
            } else {
                all.push(Taking::Divided(view));
            }
        }
        if !all.is_empty() {
            let takings = Takings { boards: &self.views.boards, now, all: Mutex::new(all) };
            let (mut one, mut other) = (Reading::new(&takings), Reading::new(&takings));
            self.store(Home::Record).scan(&KeyRange::Ratings(mode.clone()), [&mut one, &mut other]).await?;
            ratings = one.end() + other.end();
            for taking in takings.all.into_inner() {
                match taking {
                    Taking::Divided(view) => view.filled(),
                    Taking::Built(view, filling) => {
                        // It may have heard of commits of the meantime, which may be newer than the rows.
                        if !filling.finish() {
                            self.fill_with_ratings(&view, mode).await?;
                        }
                    }
                }
            }
        }
        report.ratings += ratings;
        Ok(())
    }
}
