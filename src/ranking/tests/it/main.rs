//! The board and its past against a recount, and what a board allocates.
mod alloc;
mod past;
mod past_large;
mod suite;
