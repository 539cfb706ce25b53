//! The use cases over the memory store: one home, three homes, and three ill ones.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]
mod import;
mod path;
mod port;
mod world;
