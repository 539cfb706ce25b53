//! The past of a board against a recount. Also compiled into the crate's own tests, where segments are tiny.
mod edges;
mod props;
pub(crate) mod world;
