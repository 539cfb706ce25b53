//! Property expressions: text to a tree, and the tree to something that is evaluated over seats.
mod compile;
mod parse;

pub(crate) use compile::{ListUse, Typed, compile};
pub(crate) use parse::{Expression, Names, Path, Property, is_expression, parse};

/// What an expression may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    Min,
    Max,
    Avg,
    Median,
    Sum,
    Stddev,
    Count,
}

/// Something wrong in an expression: so many bytes into its text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) at: usize,
    pub(crate) message: String,
}
