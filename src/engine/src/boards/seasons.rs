//! Seasons of a board: which is meant, and which there were.
use super::{BoardConfig, BoardRef, OpenBoard, line::Line, view::View};
use crate::{Engine, EngineError};
use gsm_core::{BoardName, Mode};
use gsm_ranking::season::Season;
use std::sync::Arc;

/// Seasons of one answer: when each was takes a while to work out.
pub const SEASONS_LISTED_MAX: usize = 100;

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
            Some(_) => {
                Err(EngineError::Unknown { what: "season: they are numbered from 1 to the one under way" })
            }
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
        let newest = line.season_of(self.clock.now());
        let first = match before {
            Some(before) if newest.is_some_and(|newest| before <= newest.number) => {
                before.checked_sub(1).and_then(|number| line.season(number))
            }
            _ => newest,
        };
        let seasons = std::iter::successors(first, |season| line.before(season));
        Ok(seasons.take(limit.min(SEASONS_LISTED_MAX)).collect())
    }
}
