//! The model from outside.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]
mod closeness;
mod drift;
mod duels;
mod fields;
mod files;
mod guests;
mod intervals;
mod league;
mod premade;
mod training;
mod trees;
