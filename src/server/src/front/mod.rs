//! The front door: what a byte must pass before a handler sees it.
//!
//! [`listen`] accepts connections, [`gate`] counts them and sheds slow ones, [`strict`] checks HTTP/1 framing and clocks, [`strict_json`]
//! and [`strict_query`] check documents and parameters. Not here: who may ask (`gsm-security`), what an answer
//! looks like (the caller's `ApiError`; faults of this module give status, code, detail and hint).
//! Invariant: everything refused here is the client's fault and answers 4xx (or 501/505); nothing panics.
pub mod field;
pub mod gate;
mod leftover;
pub mod limits;
pub mod listen;
mod problem;
pub mod refused;
pub mod strict;
pub mod strict_json;
pub mod strict_query;
pub mod tls;
pub mod watch;

pub use limits::WireLimits;
pub use strict::fault::WireFault;
