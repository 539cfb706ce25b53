//! What boards answer.
use super::{
    BoardConfig, Dimension, Part,
    grouping::Groups,
    paging::Pagings,
    view::{State, View},
};
use crate::{Engine, EngineError};
use gsm_core::{Attribute, BoardName, Label, Mode, PlayerId, Rank, Timestamp, limits};
use gsm_ranking::{
    Board, Entry, Keys, PlayerIds, Row as Place, Seen, Standing, Visibility, cohort::Seat, season::Season,
};
use std::sync::Arc;

/// A board, or a part of one.
#[derive(Debug, Clone, PartialEq)]
pub struct BoardRef {
    /// Which board.
    pub name: BoardName,
    /// Which part; the whole board without.
    pub part: Option<Part>,
    /// Which season, where the board has any; that under way without.
    pub season: Option<u64>,
}

impl BoardRef {
    /// A whole board.
    #[must_use]
    pub fn whole(name: BoardName) -> Self {
        Self { name, part: None, season: None }
    }
}

/// The whole board that a mode has.
impl From<&Mode> for BoardRef {
    fn from(mode: &Mode) -> Self {
        Self::whole(mode.into())
    }
}

/// Who looks: a player in the shadow is seen by himself and by operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Viewer {
    /// An operator.
    All,
    /// A player.
    Player(PlayerId),
    /// Anybody else.
    Other,
}

impl Viewer {
    /// Whether a player may be seen, ranked or not.
    pub(super) fn may_see(self, state: &State, player: PlayerId) -> bool {
        self.is_let(player, state.seen(player))
    }

    /// Whether a player may be seen by whom `seen` says.
    pub(super) fn is_let(self, player: PlayerId, seen: Visibility) -> bool {
        match seen {
            Visibility::Shown => true,
            Visibility::Shadow => self == Self::All || self == Self::Player(player),
            Visibility::Hidden => self == Self::All,
        }
    }

    /// Whether listings have a player: nobody is listed to operators who is not to all.
    fn lists(self, state: &State, player: PlayerId) -> bool {
        let viewer = if self == Self::All { Self::Other } else { self };
        viewer.may_see(state, player)
    }

    /// Whether a player's rank may be seen, where he has one.
    pub(super) fn sees(self, state: &State, player: PlayerId) -> bool {
        let is_own = self == Self::All || self == Self::Player(player);
        self.may_see(state, player) && (is_own || !state.is_shadow(player))
    }

    /// The board as it is shown: to a player in the shadow as if he were ranked.
    pub(super) fn board(self, board: &Board) -> Seen<'_, PlayerIds> {
        match self {
            Self::Player(player) => board.seen_by(Some(player)),
            Self::All | Self::Other => board.seen_by(None),
        }
    }
}

/// A player's place on a board.
#[derive(Debug, Clone, PartialEq)]
pub struct RankView {
    /// The player.
    pub player: PlayerId,
    /// By the board's policy for ties; usually 1 + the number of strictly better players.
    pub rank: Rank,
    /// What the board compares.
    pub keys: Keys,
    /// Rating deviation after the last match, in points.
    pub deviation: f32,
    /// Rated matches, or submissions taken.
    pub games: u32,
    /// Players ranked on the board.
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
    /// By the board's policy for ties.
    pub rank: Rank,
    /// As in [`RankView::percentile`].
    pub percentile: f64,
    /// What the board compares.
    pub keys: Keys,
    /// Since when the player has had them.
    pub reached_at: Timestamp,
    /// Rating deviation after the last match, in points.
    pub deviation: f32,
    /// Rated matches, or submissions taken.
    pub games: u32,
    /// The seat, where the board has cohorts.
    pub seat: Option<SeatRef>,
    /// The game's own text, where it was asked for ([`Engine::with_metadata`]).
    pub metadata: Option<String>,
}

/// A seat in the season that is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeatRef {
    /// Which.
    pub seat: Seat,
    /// From 1, the lowest; `None` where the board has no levels.
    pub level: Option<u8>,
}

/// One line of a listing of some players alone.
#[derive(Debug, Clone, PartialEq)]
pub struct AmongView {
    /// The rank among these players.
    pub rank: Rank,
    /// The line; its rank and percentile are those on the whole board.
    pub row: BoardRow,
}

/// A line across a board.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cut {
    /// What it takes to be among the best so many.
    Rank(Rank),
    /// What it takes to be among the best percent, `0.0..=100.0`.
    TopPercent(f64),
}

/// A board and its size.
#[derive(Debug, Clone)]
pub struct BoardView {
    /// What it compares.
    pub config: Arc<BoardConfig>,
    /// The season under way, where it has any.
    pub season: Option<Season>,
    /// Players ranked.
    pub players: u64,
    /// The parts it is divided into, and the players ranked there.
    pub parts: Vec<(Dimension, Attribute, u64)>,
}

const NO_RANK: EngineError = EngineError::Unknown { what: "rank: the player is not ranked on this board" };

fn row(state: &State, entry: &Entry, rank: Rank, percentile: f64) -> BoardRow {
    let fact = state.fact(entry.player);
    BoardRow {
        player: entry.player,
        name: None,
        rank,
        percentile,
        keys: entry.keys,
        reached_at: entry.reached_at,
        deviation: fact.deviation,
        games: fact.games,
        seat: state.seated(entry.player).map(|seated| SeatRef { seat: seated.seat, level: seated.shown() }),
        metadata: None,
    }
}

/// The lines of those who may be seen: of a final table, who was hidden since keeps a rank that no listing has.
pub(super) fn rows(state: &State, places: &[Place], viewer: Viewer) -> Vec<BoardRow> {
    rows_of(state, places, |player| viewer.lists(state, player))
}

fn rows_of(state: &State, places: &[Place], lists: impl Fn(PlayerId) -> bool) -> Vec<BoardRow> {
    let seen = places.iter().filter(|place| lists(place.entry.player));
    seen.map(|place| row(state, &place.entry, place.rank, place.percentile)).collect()
}

fn rank_view(state: &State, player: PlayerId, standing: Standing) -> RankView {
    let fact = state.fact(player);
    RankView {
        player,
        rank: standing.rank,
        keys: standing.keys,
        deviation: fact.deviation,
        games: fact.games,
        players: standing.players,
        percentile: standing.percentile,
    }
}

/// A board, a season of one, or a part of it, that is in memory and can be read as often as wanted: O(log n) each, no
/// store is asked.
pub struct OpenBoard {
    pub(super) view: Arc<View>,
    pub(super) part: Option<Part>,
    /// Its cohorts, where it has any.
    pub(super) groups: Option<Groups>,
    viewer: Viewer,
}

impl OpenBoard {
    pub(super) fn new(view: Arc<View>, part: Option<&Part>) -> Self {
        let groups = Groups::of(&view.config);
        Self { view, part: part.cloned(), groups, viewer: Viewer::Other }
    }

    /// The same as `viewer` sees it: who is in the shadow counts for himself.
    #[must_use]
    pub fn seen_by(self, viewer: Viewer) -> Self {
        Self { viewer, ..self }
    }

    /// What the board compares.
    #[must_use]
    pub fn config(&self) -> &Arc<BoardConfig> {
        &self.view.config
    }

    /// Reads it; a part without players is empty, if the board is divided so.
    pub(super) fn read<T>(&self, read: impl FnOnce(&Board, &State) -> T) -> Result<T, EngineError> {
        let Some(part) = &self.part else {
            return self.view.read(None, read).ok_or(EngineError::Unknown { what: "board" });
        };
        let config = &self.view.config;
        let (is_divided, none) = match part {
            Part::Of(dimension, _) => {
                (config.by.contains(dimension), "part: nobody of the board belongs there")
            }
            Part::Cohort(_) => (config.grouping.is_some(), "cohort: the season has none of this number"),
        };
        if !is_divided {
            return Err(EngineError::Unknown { what: "part: the board is not divided so" });
        }
        let none = EngineError::Unknown { what: none };
        self.view.read(Some(part), read).ok_or(none)
    }

    /// Players ranked on it.
    pub(super) fn players(&self) -> Result<u64, EngineError> {
        self.read(|board, _| self.viewer.board(board).len())
    }

    /// Reads a page of it.
    pub(super) fn page<T>(&self, read: impl FnOnce(&mut Pagings, &Board, &State) -> T) -> Option<T> {
        self.view.page(self.part.as_ref(), read)
    }

    /// When its players were last judged: now, or when the season ended.
    pub(super) fn until(&self, now: Timestamp) -> Timestamp {
        self.view.until(now)
    }

    /// A player's rank; in his cohort where the board has cohorts and no part is named.
    pub fn rank(&self, player: PlayerId, viewer: Viewer) -> Result<RankView, EngineError> {
        let found = self.own(player)?.read(|board, state| {
            let standing = viewer.board(board).standing(player).filter(|_| viewer.sees(state, player))?;
            Some(rank_view(state, player, standing))
        })?;
        found.ok_or(NO_RANK)
    }

    /// The ranks of many players, in their order; `None` for who has none. The caller bounds their number.
    pub fn ranks(&self, players: &[PlayerId], viewer: Viewer) -> Result<Vec<Option<RankView>>, EngineError> {
        self.read(|board, state| {
            let standings = viewer.board(board).standings(players).into_iter().zip(players);
            standings
                .map(|(standing, player)| {
                    let standing = standing.filter(|_| viewer.sees(state, *player))?;
                    Some(rank_view(state, *player, standing))
                })
                .collect()
        })
    }

    /// The numbers that a place takes, and the size of the board; `None` where there are fewer players.
    pub fn cut(&self, cut: Cut) -> Result<(Option<Keys>, u64), EngineError> {
        let (keys, players) = self.read(|board, _| {
            let board = self.viewer.board(board);
            let keys = match cut {
                Cut::Rank(rank) => board.score_at_rank(rank),
                Cut::TopPercent(percent) => board.score_for_top(percent),
            };
            (keys, board.len())
        })?;
        Ok((keys, players))
    }

    /// Score limits and counts of a board's first column, for a histogram.
    pub fn histogram(&self, buckets: usize) -> Result<Vec<(i64, i64, u64)>, EngineError> {
        self.read(|board, _| {
            let buckets = self.viewer.board(board).histogram(buckets);
            buckets.iter().map(|b| (b.lower, b.upper, b.count)).collect()
        })
    }
}

impl Engine {
    /// A player's rank on a board that is in memory: any but a season of the past, which is opened
    /// ([`Engine::open_board`]).
    pub fn rank(&self, of: &BoardRef, player: PlayerId, viewer: Viewer) -> Result<RankView, EngineError> {
        OpenBoard::new(self.view(of)?, of.part.as_ref()).rank(player, viewer)
    }

    /// `limit` rows from the place `offset` on, and the size of the board.
    pub async fn top(
        &self,
        of: &BoardRef,
        offset: u64,
        limit: usize,
    ) -> Result<(Vec<BoardRow>, u64), EngineError> {
        self.top_seen_by(Viewer::Other, of, offset, limit).await
    }

    /// [`Engine::top`] as `viewer` sees it.
    pub async fn top_seen_by(
        &self,
        viewer: Viewer,
        of: &BoardRef,
        offset: u64,
        limit: usize,
    ) -> Result<(Vec<BoardRow>, u64), EngineError> {
        let (rows, players) = self.open_board(of).await?.read(|board, state| {
            let board = viewer.board(board);
            (rows(state, &board.top(offset, limit.min(limits::PAGE_SIZE_MAX)), viewer), board.len())
        })?;
        Ok((self.with_names(rows).await?, players))
    }

    /// The rows around a player, `radius` on either side, and the size of the board; in his cohort where the board has
    /// cohorts and no part is named.
    pub async fn around(
        &self,
        of: &BoardRef,
        player: PlayerId,
        radius: usize,
        viewer: Viewer,
    ) -> Result<(Vec<BoardRow>, u64), EngineError> {
        let found = self.open_board(of).await?.own(player)?.read(|board, state| {
            // Who is in the shadow is shown to an operator as he sees himself.
            let of_shadow = viewer == Viewer::All && state.is_shadow(player);
            let board = if of_shadow { Viewer::Player(player) } else { viewer }.board(board);
            let places = board.around(player, radius.min(limits::WINDOW_RADIUS_MAX));
            let places = places.filter(|_| viewer.sees(state, player))?;
            let lists = |other| other == player || viewer.lists(state, other);
            Some((rows_of(state, &places, lists), board.len()))
        })?;
        let (rows, players) = found.ok_or(NO_RANK)?;
        Ok((self.with_names(rows).await?, players))
    }

    /// Some players alone, each with the rank among them and on the whole board; who is not ranked is left out. The
    /// caller bounds their number.
    pub async fn among(
        &self,
        of: &BoardRef,
        players: &[PlayerId],
    ) -> Result<(Vec<AmongView>, u64), EngineError> {
        self.among_seen_by(Viewer::Other, of, players).await
    }

    /// [`Engine::among`] as `viewer` sees it.
    pub async fn among_seen_by(
        &self,
        viewer: Viewer,
        of: &BoardRef,
        players: &[PlayerId],
    ) -> Result<(Vec<AmongView>, u64), EngineError> {
        let (found, size) = self.open_board(of).await?.read(|board, state| {
            let board = viewer.board(board);
            let found = board.among(players);
            let found: Vec<AmongView> = found
                .iter()
                .filter(|line| viewer.lists(state, line.entry.player))
                .map(|line| AmongView {
                    rank: line.rank,
                    row: row(state, &line.entry, line.global, line.percentile),
                })
                .collect();
            (found, board.len())
        })?;
        let (ranks, rows): (Vec<Rank>, Vec<BoardRow>) =
            found.into_iter().map(|line| (line.rank, line.row)).unzip();
        let rows = self.with_names(rows).await?;
        Ok((ranks.into_iter().zip(rows).map(|(rank, row)| AmongView { rank, row }).collect(), size))
    }

    /// What a board compares.
    pub fn board_config(&self, name: &BoardName) -> Result<Arc<BoardConfig>, EngineError> {
        Ok(self.line(name)?.config.clone())
    }

    /// Whether a queue names a mode, or somebody has a rating in it: one that a history was imported into.
    pub(crate) fn has_mode(&self, mode: &Mode) -> bool {
        self.views.queues.has_mode(mode) || self.views.boards.has_mode(mode)
    }

    /// Modes that have a board of their own, with its size.
    #[must_use]
    pub fn modes(&self) -> Vec<(Mode, u64)> {
        self.modes_seen_by(Viewer::Other)
    }

    /// [`Engine::modes`] as `viewer` sees them.
    #[must_use]
    pub fn modes_seen_by(&self, viewer: Viewer) -> Vec<(Mode, u64)> {
        let boards = self.boards_seen_by(viewer);
        let own = boards.iter().filter(|board| {
            // Before its first season a board cannot be read.
            (board.season.is_some() || board.config.season.is_none())
                && board.config.mode().is_some_and(|mode| mode.as_str() == board.config.name.as_str())
        });
        own.filter_map(|board| Some((board.config.mode()?.clone(), board.players))).collect()
    }

    /// All boards: those of modes, and those that are defined.
    #[must_use]
    pub fn boards(&self) -> Vec<BoardView> {
        self.boards_seen_by(Viewer::Other)
    }

    /// [`Engine::boards`] as `viewer` sees them.
    #[must_use]
    pub fn boards_seen_by(&self, viewer: Viewer) -> Vec<BoardView> {
        let mut found: std::collections::BTreeMap<BoardName, BoardView> = self
            .views
            .queues
            .all()
            .into_iter()
            .map(|queue| BoardConfig::of_mode(&queue.mode))
            .map(|config| {
                let name = config.name.clone();
                let config = Arc::new(config);
                (name, BoardView { config, season: None, players: 0, parts: Vec::new() })
            })
            .collect();
        let now = self.clock.now();
        for line in self.views.boards.all() {
            let view = line.number_at(now).and_then(|number| self.views.boards.told(&line, number));
            let sizes = view.and_then(|view| {
                view.read(None, |board, state| {
                    let parts = state.parts();
                    let parts = parts.map(|(by, value, part)| (*by, value.clone(), viewer.board(part).len()));
                    (viewer.board(board).len(), parts.collect())
                })
            });
            let (players, parts) = sizes.unwrap_or_default();
            let (config, season) = (line.config.clone(), line.season_of(now));
            found.insert(config.name.clone(), BoardView { config, season, players, parts });
        }
        found.into_values().collect()
    }

    pub(super) async fn with_names(&self, mut rows: Vec<BoardRow>) -> Result<Vec<BoardRow>, EngineError> {
        let names = self.names(rows.iter().map(|row| row.player)).await?;
        for (row, name) in rows.iter_mut().zip(names) {
            row.name = name;
        }
        Ok(rows)
    }
}
