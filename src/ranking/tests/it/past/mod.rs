//! The past of a board against a recount. Also compiled into the crate's own tests, where segments are tiny.
mod blobs;
mod edges;
mod props;
mod world;
