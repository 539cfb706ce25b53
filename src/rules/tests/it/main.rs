//! The crate from outside.
mod examples;
mod expressions;
mod judging;
mod make;
mod mutations;
mod props;
mod twin;
mod validation;
