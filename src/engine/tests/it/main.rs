//! The use cases over the memory store: one home, three homes, and three ill ones.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]
mod boards;
mod corrections;
mod defined;
mod import;
mod import_many;
mod jobs;
mod keys;
mod learning;
mod matches;
mod nodes;
mod parties;
mod past;
mod path;
mod players;
mod port;
mod proposals;
mod push;
mod queues;
mod results;
mod seasons;
mod snapshots;
mod tickets;
mod verdicts;
mod watch;
mod world;
