//! Worlds that must hold, planted bugs that must be found, and the same seed twice.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]
mod drift;
mod plants;
mod same;
mod worlds;
