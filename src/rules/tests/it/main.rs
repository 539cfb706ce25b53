//! The crate from outside.
mod expressions;
mod judging;
mod make;
mod mutations;
mod props;
mod twin;
mod validation;
