//! Also compiled into the crate's own tests, where nodes are tiny.
mod edges;
mod props;
mod twin;
