//! Whether a listing shows the texts that games have given to entries.
use super::super::App;
use crate::problem::ApiError;
use gsm_core::limits::METADATA_ROWS_MAX;
use gsm_engine::{BoardRef, BoardRow};

/// Whether metadata was asked for.
#[derive(Clone, Copy)]
pub(super) struct Metadata(bool);

impl Metadata {
    pub(super) fn asked(asked: Option<bool>) -> Self {
        Self(asked.unwrap_or(false))
    }

    /// The board with its season named, so that rows and metadata are of one; refused where the parameter `name` asks for
    /// too many rows.
    pub(super) fn season_of(
        self,
        app: &App,
        of: BoardRef,
        name: &'static str,
        rows: usize,
    ) -> Result<BoardRef, ApiError> {
        self.check(name, rows)?;
        if self.0 { Ok(app.engine.of_this_season(&of)?) } else { Ok(of) }
    }

    /// Refuses too many rows, which the parameter `name` asks for.
    pub(super) fn check(self, name: &'static str, rows: usize) -> Result<(), ApiError> {
        if self.0 && rows > METADATA_ROWS_MAX {
            let most = format_args!("must be at most {METADATA_ROWS_MAX} where metadata is asked for");
            return Err(ApiError::parameter(name, most));
        }
        Ok(())
    }

    /// Adds what was asked for.
    pub(super) async fn add_to(
        self,
        app: &App,
        of: &BoardRef,
        rows: Vec<BoardRow>,
    ) -> Result<Vec<BoardRow>, ApiError> {
        if self.0 { Ok(app.engine.with_metadata(of, rows).await?) } else { Ok(rows) }
    }
}
