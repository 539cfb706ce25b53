//! Boards: folds of the rating rows, read without touching a store.
use crate::{
    Engine, EngineError,
    results::chain::standing,
    store::{HistoryRow, Key, KeyRange, RatingRow, Row},
};
use gsm_core::{Label, Map, Mode, PlayerId, Rank, limits};
use gsm_ranking::{Board, Change, Mark, Order, Row as Place, Shared};
use parking_lot::RwLock;
use std::{collections::BTreeMap, sync::Arc};

/// What a board shows beside the score.
#[derive(Debug, Clone, Copy)]
struct Fact {
    deviation: f32,
    games: u32,
}

#[derive(Default)]
struct ModeBoard {
    board: Board,
    facts: Map<PlayerId, Fact>,
}

/// One board a mode.
#[derive(Default)]
pub(crate) struct Boards(RwLock<BTreeMap<Mode, Arc<Shared<ModeBoard>>>>);

/// A player's place on a board.
#[derive(Debug, Clone, PartialEq)]
pub struct RankView {
    /// The player.
    pub player: PlayerId,
    /// 1 + the number of strictly better scores.
    pub rank: Rank,
    /// Rating mean in thousandths of a point: what the board compares.
    pub score: i64,
    /// Rating deviation after the last match, in points.
    pub deviation: f32,
    /// Rated matches.
    pub games: u32,
    /// Players on the board.
    pub players: u64,
    /// Share of the others who are not better, `0.0..=100.0`.
    pub percentile: f64,
}

/// One line of a listing.
#[derive(Debug, Clone, PartialEq)]
pub struct BoardRow {
    /// The player.
    pub player: PlayerId,
    /// The name shown to people, if any.
    pub name: Option<Label>,
    /// 1 + the number of strictly better scores.
    pub rank: Rank,
    /// Rating mean in thousandths of a point.
    pub score: i64,
    /// Rating deviation after the last match, in points.
    pub deviation: f32,
    /// Rated matches.
    pub games: u32,
}

/// One step of a player's rating.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryEntry {
    /// Its depth in the player's chain: where the next page begins.
    pub depth: u64,
    /// What.
    pub row: HistoryRow,
}

impl Boards {
    fn mode(&self, mode: &Mode) -> Option<Arc<Shared<ModeBoard>>> {
        self.0.read().get(mode).cloned()
    }

    fn mode_or_new(&self, mode: &Mode) -> Arc<Shared<ModeBoard>> {
        if let Some(found) = self.mode(mode) {
            return found;
        }
        self.0.write().entry(mode.clone()).or_default().clone()
    }

    pub(crate) fn put(&self, mode: &Mode, player: PlayerId, row: &RatingRow, version: u64) {
        let board = self.mode_or_new(mode);
        board.change(|board| board.put(player, row, version));
    }

    pub(crate) fn remove(&self, mode: &Mode, player: PlayerId, version: u64) {
        if let Some(board) = self.mode(mode) {
            board.change(|board| {
                let _ = board.board.remove(player, version);
                if board.board.kept(player).is_none() {
                    board.facts.remove(&player);
                }
            });
        }
    }

    pub(crate) fn load(&self, mode: &Mode, rows: Vec<(PlayerId, RatingRow, u64)>) {
        self.mode_or_new(mode).change(|place| place.load(&rows));
    }

    pub(crate) fn modes(&self) -> Vec<(Mode, u64)> {
        let boards = self.0.read();
        boards.iter().map(|(mode, board)| (mode.clone(), board.read(|board| board.board.len()))).collect()
    }
}

fn mark(row: &RatingRow, version: u64) -> Mark {
    Mark::new(row.score, row.reached_at, version)
}

impl ModeBoard {
    fn load(&mut self, rows: &[(PlayerId, RatingRow, u64)]) {
        if self.board.kept_len() > 0 || self.board.removed() > 0 {
            // Commits of the meantime have told something already, which may be newer than these rows.
            rows.iter().for_each(|(player, row, version)| self.put(*player, row, *version));
            return;
        }
        let facts = rows
            .iter()
            .map(|(player, row, _)| {
                (*player, Fact { deviation: row.rating.deviation as f32, games: row.games })
            })
            .collect();
        let marks = rows.iter().map(|(player, row, version)| (*player, mark(row, *version)));
        let board = Board::with_marks(Order::SCORE, marks);
        *self = Self { board, facts };
    }

    fn put(&mut self, player: PlayerId, row: &RatingRow, version: u64) {
        if self.board.set(player, mark(row, version)) == Change::Applied {
            self.facts.insert(player, Fact { deviation: row.rating.deviation as f32, games: row.games });
        }
    }

    fn fact(&self, player: PlayerId) -> Fact {
        self.facts.get(&player).copied().unwrap_or(Fact { deviation: 0.0, games: 0 })
    }

    fn row(&self, place: &Place) -> BoardRow {
        let fact = self.fact(place.entry.player);
        BoardRow {
            player: place.entry.player,
            name: None,
            rank: place.rank,
            score: place.entry.keys.first(),
            deviation: fact.deviation,
            games: fact.games,
        }
    }
}

impl Engine {
    fn board(&self, mode: &Mode) -> Result<Arc<Shared<ModeBoard>>, EngineError> {
        if let Some(found) = self.views.boards.mode(mode) {
            return Ok(found);
        }
        // A mode that a queue names has a board, if an empty one.
        if self.views.queues.has_mode(mode) {
            Ok(Arc::default())
        } else {
            Err(EngineError::Unknown { what: "mode" })
        }
    }

    /// A player's rank in a mode: O(log n), no store is asked.
    pub fn rank(&self, mode: &Mode, player: PlayerId) -> Result<RankView, EngineError> {
        self.board(mode)?.read(|board| {
            let standing = board
                .board
                .standing(player)
                .ok_or(EngineError::Unknown { what: "rank: the player has no rated match in this mode" })?;
            let fact = board.fact(player);
            Ok(RankView {
                player,
                rank: standing.rank,
                score: standing.keys.first(),
                deviation: fact.deviation,
                games: fact.games,
                players: standing.players,
                percentile: standing.percentile,
            })
        })
    }

    /// `limit` rows from the place `offset` on, and the size of the board.
    pub async fn top(
        &self,
        mode: &Mode,
        offset: u64,
        limit: usize,
    ) -> Result<(Vec<BoardRow>, u64), EngineError> {
        let (rows, players) = self.board(mode)?.read(|board| {
            let rows = board.board.top(offset, limit.min(limits::PAGE_SIZE_MAX));
            (rows.iter().map(|place| board.row(place)).collect(), board.board.len())
        });
        Ok((self.with_names(rows).await?, players))
    }

    /// The rows around a player, `radius` on either side, and the size of the board.
    pub async fn around(
        &self,
        mode: &Mode,
        player: PlayerId,
        radius: usize,
    ) -> Result<(Vec<BoardRow>, u64), EngineError> {
        let (rows, players) = self.board(mode)?.read(|board| {
            let rows = board
                .board
                .around(player, radius.min(limits::WINDOW_RADIUS_MAX))
                .ok_or(EngineError::Unknown { what: "rank: the player has no rated match in this mode" })?;
            Ok::<_, EngineError>((rows.iter().map(|place| board.row(place)).collect(), board.board.len()))
        })?;
        Ok((self.with_names(rows).await?, players))
    }

    /// Score limits and counts of a mode's board, for a histogram.
    pub fn histogram(&self, mode: &Mode, buckets: usize) -> Result<Vec<(i64, i64, u64)>, EngineError> {
        let bars = self.board(mode)?.read(|board| board.board.histogram(buckets));
        Ok(bars.iter().map(|b| (b.lower, b.upper, b.count)).collect())
    }

    /// Modes that have a board, with their sizes.
    #[must_use]
    pub fn modes(&self) -> Vec<(Mode, u64)> {
        let mut modes: BTreeMap<Mode, u64> =
            self.views.queues.all().into_iter().map(|q| (q.mode.clone(), 0)).collect();
        modes.extend(self.views.boards.modes());
        modes.into_iter().collect()
    }

    async fn with_names(&self, mut rows: Vec<BoardRow>) -> Result<Vec<BoardRow>, EngineError> {
        let names = self.names(rows.iter().map(|row| row.player)).await?;
        for (row, name) in rows.iter_mut().zip(names) {
            row.name = name;
        }
        Ok(rows)
    }

    /// A player's rating row in a mode, from the record home.
    pub async fn rating(&self, mode: &Mode, player: PlayerId) -> Result<RatingRow, EngineError> {
        let key = Key::Rating(mode.clone(), player);
        let found = self
            .get_one(&key)
            .await?
            .ok_or(EngineError::Unknown { what: "rating: the player has no rated match in this mode" })?;
        let (standing, _) = standing(&key, &found)?;
        standing
            .rating
            .ok_or(EngineError::Unknown { what: "rating: the player has no rated match in this mode" })
    }

    /// A player's rating steps, newest first; `after` is the depth of the last entry seen.
    pub async fn history(
        &self,
        mode: &Mode,
        player: PlayerId,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<HistoryEntry>, EngineError> {
        let range = KeyRange::History(mode.clone(), player);
        let after = after.map(|depth| Key::History(mode.clone(), player, depth));
        let rows = self
            .store(range.home())
            .list(&range, after.as_ref(), limit.min(limits::PAGE_SIZE_MAX), true)
            .await?;
        rows.into_iter()
            .map(|(key, found)| match (&key, &*found.row) {
                (Key::History(_, _, depth), Row::History(row)) => {
                    Ok(HistoryEntry { depth: *depth, row: row.clone() })
                }
                _ => Err(EngineError::damaged(&key)),
            })
            .collect()
    }
}
