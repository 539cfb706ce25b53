//! Work on many rows of one mode, done as one: rating again after a void or a correction, a rebuild, a result too
//! large for one change set.
//!
//! A job that fits into one change set is one commit. A larger one closes the mode's gate ([`Key::Gate`]), which every
//! result commit checks; prepares its writes under keys of its own, each with a check of the row it was computed from;
//! decides itself in one commit, the gate's move from preparing to carrying out; and carries out what it prepared.
//! Undecided, it can be thrown away; decided, whoever finds it finishes it. Nothing is lost by a death in between:
//! the gate says how far it came.
mod gate;
mod sink;

pub(crate) use gate::{Gates, Jobs};
pub(crate) use sink::{Sink, Stop};
