//! Which board a call is about: its name in the path, and which season and part of it in the query.
use super::super::{App, extract::Params};
use crate::{front::strict_query, problem::ApiError};
use axum::{extract::FromRequestParts, http::request::Parts};
use gsm_core::{Attribute, BoardName};
use gsm_engine::{BoardConfig, BoardRef, Dimension, Part};
use serde::{Deserialize, de::DeserializeOwned};
use std::sync::Arc;
use utoipa::IntoParams;

/// Which season of a board, and which part; at most one part.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PartQuery {
    /// A season of the past, from 1, where the board has seasons; that under way if absent.
    pub(crate) season: Option<u64>,
    /// Only players of this region, where the board is divided so.
    #[param(value_type = Option<String>)]
    pub(crate) region: Option<Attribute>,
    /// Only players of this platform, where the board is divided so.
    #[param(value_type = Option<String>)]
    pub(crate) platform: Option<Attribute>,
    /// Only players of this group, where the board is divided so.
    #[param(value_type = Option<String>)]
    pub(crate) group: Option<Attribute>,
    /// Only players of this cohort of the season, where the board has cohorts.
    pub(crate) cohort: Option<u64>,
}

impl PartQuery {
    /// The season and part of a board that are meant.
    pub(crate) fn of(self, name: BoardName) -> Result<BoardRef, ApiError> {
        let Self { season, region, platform, group, cohort } = self;
        let named = [(Dimension::Region, region), (Dimension::Platform, platform), (Dimension::Group, group)];
        let named = named.into_iter().filter_map(|(dimension, value)| Some(Part::Of(dimension, value?)));
        let mut parts = named.chain(cohort.map(Part::Cohort));
        let part = parts.next();
        if parts.next().is_some() {
            return Err(ApiError::parameter("region", "name one of region, platform, group and cohort"));
        }
        Ok(BoardRef { name, part, season })
    }
}

/// Which season of a board.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SeasonQuery {
    /// A season of the past, from 1, where the board has seasons; that under way if absent.
    pub(crate) season: Option<u64>,
}

const NAMES: &[&str] = &["season", "region", "platform", "group", "cohort"];

/// A query that names a part beside what else the operation takes.
pub(crate) struct InPart<T>(pub(crate) PartQuery, pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<Arc<App>> for InPart<T> {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, ApiError> {
        let (part, rest) = strict_query::parse_two(parts.uri.query().unwrap_or_default(), NAMES)?;
        Ok(Self(part, rest))
    }
}

/// The board that the path names, and what else was asked.
pub(crate) struct OfBoard<T> {
    pub(crate) of: BoardRef,
    pub(crate) config: Arc<BoardConfig>,
    pub(crate) params: Params,
    pub(crate) query: T,
}

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<App>> for OfBoard<T> {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let InPart(part, query) = InPart::from_request_parts(parts, app).await?;
        let params = Params::from_request_parts(parts, app).await?;
        let of = part.of(params.get("mode")?)?;
        let config = app.engine.board_config(&of.name)?;
        Ok(Self { of, config, params, query })
    }
}
