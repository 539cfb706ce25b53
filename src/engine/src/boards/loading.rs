//! Boards at start: which there are, and all ratings into those that show them.
use super::{BoardConfig, Boards, view::Filling};
use crate::{
    Engine, EngineError,
    store::{Gather, Home, Key, KeyRange, RatingRow, Row, Version},
};
use gsm_core::{Mode, PlayerId, Timestamp};
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Rows that one thread collects before the boards take them in.
const BATCH: usize = 1_024;

/// The boards of one mode, being filled; `None` where some are divided and take their rows one by one.
type Fillings = Option<Vec<Filling>>;

/// The boards of all modes that rows were seen of.
struct Loading<'a> {
    boards: &'a Boards,
    now: Timestamp,
    modes: Mutex<BTreeMap<Mode, Arc<Mutex<Fillings>>>>,
}

impl Loading<'_> {
    fn of_mode(&self, mode: &Mode) -> Arc<Mutex<Fillings>> {
        let mut modes = self.modes.lock();
        if let Some(found) = modes.get(mode) {
            return found.clone();
        }
        let views = self.boards.of_mode(mode, self.now);
        let fillings = views.iter().all(|view| view.is_undivided()).then(|| {
            let fillings = views.into_iter().map(|view| Filling::new(view, self.now));
            fillings.collect::<Vec<_>>()
        });
        let fillings = Arc::new(Mutex::new(fillings));
        modes.insert(mode.clone(), fillings.clone());
        fillings
    }
}

/// What one thread has read.
struct Reading<'a> {
    loading: &'a Loading<'a>,
    mode: Option<(Mode, Arc<Mutex<Fillings>>)>,
    batch: Vec<(PlayerId, RatingRow, Version)>,
    ratings: usize,
}

impl<'a> Reading<'a> {
    fn new(loading: &'a Loading<'a>) -> Self {
        Self { loading, mode: None, batch: Vec::with_capacity(BATCH), ratings: 0 }
    }

    fn flush(&mut self) {
        self.ratings += self.batch.len();
        if let Some((_, fillings)) = &self.mode
            && let Some(fillings) = &mut *fillings.lock()
        {
            for filling in fillings {
                self.batch.iter().for_each(|(player, row, version)| filling.add(*player, row, *version));
            }
        }
        self.batch.clear();
    }
}

impl Gather for Reading<'_> {
    fn row(&mut self, key: &Key, version: Version, row: &Row) {
        let (Key::Rating(mode, player), Row::Rating(standing)) = (key, row) else { return };
        let Some(rating) = &standing.rating else { return };
        if self.mode.as_ref().is_none_or(|(current, _)| current != mode) {
            self.flush();
            self.mode = Some((mode.clone(), self.loading.of_mode(mode)));
        }
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

    /// Brings all ratings into the boards of their modes; returns how many.
    pub(crate) async fn load_ratings(&self) -> Result<usize, EngineError> {
        let boards = &self.views.boards;
        let loading = Loading { boards, now: self.clock.now(), modes: Mutex::default() };
        let (mut one, mut other) = (Reading::new(&loading), Reading::new(&loading));
        self.store(Home::Record).scan(&KeyRange::AllRatings, [&mut one, &mut other]).await?;
        one.flush();
        other.flush();
        let ratings = one.ratings + other.ratings;
        drop((one, other));
        let mut left = BTreeSet::new();
        for (mode, fillings) in loading.modes.into_inner() {
            let Some(fillings) = fillings.lock().take() else {
                left.insert(mode);
                continue;
            };
            for filling in fillings {
                if !filling.finish() {
                    left.insert(mode.clone());
                }
            }
        }
        // Boards that are divided, or have heard of commits of the meantime, which may be newer than the rows.
        let now = self.clock.now();
        for mode in left {
            for view in boards.of_mode(&mode, now) {
                self.fill_with_ratings(&view, &mode).await?;
            }
        }
        Ok(ratings)
    }
}
