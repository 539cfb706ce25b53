//! Boards at start: which there are, and all ratings into those that show them.
use super::{BoardConfig, Snapshots, snapshot::Restored, view::Filling};
use crate::{
    Engine, EngineError, LoadReport,
    store::{Gather, Home, Key, KeyRange, RatingRow, Row, Version},
};
use gsm_core::{Mode, PlayerId};
use parking_lot::Mutex;

/// Rows that one thread collects before the boards take them in.
const BATCH: usize = 1_024;

/// The boards of one mode that take in all of its rows at once.
type Fillings = Mutex<Vec<Filling>>;

/// What one thread has read.
struct Reading<'a> {
    fillings: &'a Fillings,
    batch: Vec<(PlayerId, RatingRow, Version)>,
    ratings: usize,
}

impl<'a> Reading<'a> {
    fn new(fillings: &'a Fillings) -> Self {
        Self { fillings, batch: Vec::with_capacity(BATCH), ratings: 0 }
    }

    /// The last rows; returns how many there were in all.
    fn end(mut self) -> usize {
        self.flush();
        self.ratings
    }

    fn flush(&mut self) {
        self.ratings += self.batch.len();
        for filling in &mut *self.fillings.lock() {
            self.batch.iter().for_each(|(player, row, version)| filling.add(*player, row, *version));
        }
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
        self.each(KeyRange::AllAttributes, |key, found| {
            if let (Key::Attributes(player), Row::Attributes(row)) = (&key, &*found.row) {
                self.views.boards.settled(*player, Some(row), found.version);
            }
            Ok(())
        })
        .await?;
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

    /// The modes in which somebody has a rating.
    async fn rated_modes(&self) -> Result<Vec<Mode>, EngineError> {
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
        let (mut fillings, mut left, mut ratings) = (Vec::new(), Vec::new(), 0);
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
                fillings.push((view.clone(), Filling::new(view, now)));
            } else {
                left.push(view);
            }
        }
        if !fillings.is_empty() {
            let (views, fillings): (Vec<_>, Vec<_>) = fillings.into_iter().unzip();
            let fillings = Mutex::new(fillings);
            let (mut one, mut other) = (Reading::new(&fillings), Reading::new(&fillings));
            self.store(Home::Record).scan(&KeyRange::Ratings(mode.clone()), [&mut one, &mut other]).await?;
            ratings = one.end() + other.end();
            let filled = views.into_iter().zip(fillings.into_inner());
            left.extend(filled.filter_map(|(view, filling)| (!filling.finish()).then_some(view)));
        }
        // Boards that are divided, or have heard of commits of the meantime, which may be newer than the rows.
        for view in left {
            self.fill_with_ratings(&view, mode).await?;
        }
        report.ratings += ratings;
        Ok(())
    }
}
