//! Shapes that several answers share. Times are milliseconds since 1970.
mod matches;
mod predictions;
mod ratings;
mod results;
mod tickets;

pub(crate) use matches::MatchDto;
pub(crate) use predictions::PredictionDto;
pub(crate) use ratings::{PlayerRatingDto, RatingDto};
pub(crate) use results::ResultDto;
pub(crate) use tickets::{EstimatedWaitDto, RoleDto, TicketDto};
