//! The `gsm` binary.
fn main() {}
