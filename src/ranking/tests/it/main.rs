//! The board against a recount, and what it allocates.
mod alloc;
mod seasons;
mod suite;
