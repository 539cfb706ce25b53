//! The crate from outside.
mod avoid;
mod examples;
mod expressions;
mod judging;
mod lost_quality;
mod make;
mod mutations;
mod parties;
mod props;
mod roles;
mod spec;
mod told;
mod twin;
mod validation;
mod weight;
