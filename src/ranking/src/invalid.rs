use std::{fmt::Display, ops::RangeInclusive};

/// A setting that is not allowed: where it stands, what is wrong, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}`: {problem}")]
pub struct Invalid {
    /// From the root of the configuration that was checked, such as `tiers[2].divisions`.
    pub path: String,
    /// What is wrong and what is allowed.
    pub problem: String,
}

impl Invalid {
    pub(crate) fn new(path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { path: path.into(), problem: problem.into() }
    }

    /// Refuses a value outside `allowed`, numbers that are none included.
    pub(crate) fn unless_within<T: PartialOrd + Display>(
        path: impl Into<String>,
        value: T,
        allowed: RangeInclusive<T>,
    ) -> Result<(), Self> {
        if allowed.contains(&value) {
            return Ok(());
        }
        let (least, most) = allowed.into_inner();
        Err(Self::new(path, format!("`{value}` is not allowed; use {least} to {most}")))
    }
}
