//! Integration tests of the matcher.
mod props;
mod twin;
