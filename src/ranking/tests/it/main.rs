//! The board against a recount, and what it allocates.
mod alloc;
mod past;
mod past_large;
mod seasons;
mod suite;
