//! Seasons of a board: which is meant, which there were, and bringing one of the past into memory.
use super::{
    BoardConfig, BoardRef, OpenBoard, Source, Viewer,
    line::Line,
    tally::entry_of,
    view::{Brought, View},
};
use crate::{
    Engine, EngineError,
    results::chain::standing,
    store::{Key, KeyRange},
};
use gsm_core::{BoardName, Map, Mode, PlayerId, limits};
use gsm_ranking::{
    season::Season,
    tier::{TierConfig, TierState},
};
use std::sync::Arc;

/// A player's place in visible tiers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierView {
    /// Games until the player gets a place.
    pub placement_left: u8,
    /// Games for which the player cannot be demoted.
    pub shield_left: u8,
    /// The place; `None` before the end of placement.
    pub place: Option<TierPlace>,
}

/// A place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierPlace {
    /// The name of the tier.
    pub tier: String,
    /// The division within it, 1 for the best.
    pub division: u8,
    /// Points within the division.
    pub points: u32,
}

const HAS_NONE: &str = "the board has no seasons";

impl Engine {
    /// A board that there is.
    pub(super) fn line(&self, name: &BoardName) -> Result<Arc<Line>, EngineError> {
        if let Some(line) = self.views.boards.named(name) {
            return Ok(line);
        }
        // A mode that a queue names has a board, if an empty one.
        match Mode::new(name.as_str()) {
            Ok(mode) if self.views.queues.has_mode(&mode) => {
                Ok(Arc::new(Line::new(BoardConfig::of_mode(&mode), self.clock.now(), true)))
            }
            _ => Err(EngineError::Unknown { what: "board" }),
        }
    }

    /// The number of the season that is meant: 0 where the board has none.
    pub(super) fn season_number(&self, line: &Line, asked: Option<u64>) -> Result<u64, EngineError> {
        if !line.has_seasons() {
            return match asked {
                None => Ok(0),
                Some(_) => Err(EngineError::invalid("season", HAS_NONE)),
            };
        }
        let current = line.number_at(self.clock.now());
        match asked {
            None => current.ok_or_else(|| EngineError::NoSeason { board: line.config.name.to_string() }),
            Some(number) if number > 0 && current.is_some_and(|current| number <= current) => Ok(number),
            Some(_) => Err(EngineError::Unknown { what: "season: it has not begun" }),
        }
    }

    /// A board, or a season of one, that can be read at once.
    pub(super) fn view(&self, of: &BoardRef) -> Result<Arc<View>, EngineError> {
        let line = self.line(&of.name)?;
        let number = self.season_number(&line, of.season)?;
        let view = self.views.boards.told(&line, number).filter(|view| view.is_filled());
        view.ok_or_else(|| EngineError::BoardFilling { board: of.name.to_string() })
    }

    /// A board, ready to be read; a season of the past, and a board that another node has defined, is read from the store
    /// first.
    pub async fn open_board(&self, of: &BoardRef) -> Result<OpenBoard, EngineError> {
        let line = self.line(&of.name)?;
        let number = self.season_number(&line, of.season)?;
        Ok(OpenBoard::new(self.open_season(&line, number).await?, of.part.as_ref()))
    }

    pub(super) async fn open_season(&self, line: &Line, number: u64) -> Result<Arc<View>, EngineError> {
        if let Some(view) = self.views.boards.told(line, number).filter(|view| view.is_filled()) {
            return Ok(view);
        }
        let _reading = line.reading.lock().await;
        let view = self.views.boards.kept(line, number);
        if !view.is_filled() {
            match &line.config.source {
                Source::Mode(mode) if !line.config.has_entries() => {
                    self.fill_with_ratings(&view, mode).await?;
                }
                Source::Mode(_) | Source::Submissions => self.fill_with_entries(&view, number).await?,
            }
        }
        Ok(view)
    }

    async fn fill_with_ratings(&self, view: &View, mode: &Mode) -> Result<(), EngineError> {
        let mut rows = Vec::new();
        self.each(KeyRange::Ratings(mode.clone()), |key, found| {
            let (row, version) = standing(&key, &found)?;
            if let (Key::Rating(_, player), Some(row)) = (&key, row.rating) {
                rows.push((*player, Brought::of_rating(&view.config, &row), version));
            }
            Ok(())
        })
        .await?;
        self.views.boards.fill(view, rows.into_iter(), self.clock.now());
        Ok(())
    }

    /// Brings the stored entries of a season into its view; what commits tell meanwhile is newer, and stays.
    async fn fill_with_entries(&self, view: &View, number: u64) -> Result<(), EngineError> {
        let mut rows = Vec::new();
        self.each(KeyRange::Entries(view.config.name.clone(), number), |key, found| {
            let row = entry_of(&key, &found.row)?;
            if let Key::Entry(_, _, player) = key {
                rows.push((player, Brought::of_entry(row), found.version));
            }
            Ok(())
        })
        .await?;
        self.views.boards.fill(view, rows.into_iter(), self.clock.now());
        Ok(())
    }

    /// A player's place in the visible tiers of a board, decay up to now included; `None` while placement games are left.
    ///
    /// # Errors
    /// [`EngineError::Unknown`] for who has no entry, or is not to be seen by `viewer`.
    pub async fn tier(
        &self,
        of: &BoardRef,
        player: PlayerId,
        viewer: Viewer,
    ) -> Result<TierView, EngineError> {
        let none = EngineError::Unknown { what: "tier: the player has played no match of this board" };
        let line = self.line(&of.name)?;
        let Some((tiers, _)) = &line.tiers else {
            return Err(EngineError::invalid("board", "has no tiers"));
        };
        let board = self.open_board(of).await?;
        if !board.read(|_, state| viewer.may_see(state, player))? {
            return Err(none);
        }
        let state = self.entry(of, player).await?.and_then(|row| row.tier).ok_or(none)?;
        let until = board.until(self.clock.now());
        let state = tiers.settle(state, until).0;
        Ok(TierView {
            placement_left: state.placement_left,
            shield_left: state.shield_left,
            place: tiers.shown(&state).map(|shown| TierPlace {
                tier: shown.tier.to_owned(),
                division: shown.division,
                points: shown.points,
            }),
        })
    }

    /// The tiers of a mode's board, and the places of all who have one in the season under way.
    pub(crate) async fn tier_places(
        &self,
        of: &BoardRef,
        mode: &Mode,
    ) -> Result<(TierConfig, Map<PlayerId, TierState>), EngineError> {
        let line = self.line(&of.name)?;
        let tiers = line.config.tiers.clone().filter(|_| line.config.mode() == Some(mode));
        let tiers =
            tiers.ok_or_else(|| EngineError::invalid("board", "is no board of the mode with tiers"))?;
        let number = self.season_number(&line, None)?;
        let mut places = Map::default();
        self.each(KeyRange::Entries(of.name.clone(), number), |key, found| {
            if let (Key::Entry(_, _, player), Some(state)) = (&key, entry_of(&key, &found.row)?.tier) {
                places.insert(*player, state);
            }
            Ok(())
        })
        .await?;
        Ok((tiers, places))
    }

    /// The seasons of a board that have begun, the newest first, at most `limit`, of those before `before` if given.
    pub fn seasons(
        &self,
        name: &BoardName,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Season>, EngineError> {
        let line = self.line(name)?;
        if !line.has_seasons() {
            return Err(EngineError::invalid("board", HAS_NONE));
        }
        let newest = line.number_at(self.clock.now()).unwrap_or(0);
        let first = before.map_or(newest, |before| newest.min(before.saturating_sub(1)));
        let numbers = (1..=first).rev().take(limit.min(limits::PAGE_SIZE_MAX));
        Ok(numbers.filter_map(|number| line.season(number)).collect())
    }
}
