//! What is kept of a player, and for how long: all of it is shown to him, and deleted when he asks for it; what is kept
//! no longer goes by itself.
//!
//! Results, ratings, histories and entries of boards stand under a random id. What says whose that is lies with the
//! player: his name, outside id, the hashes of what he signs in with. Erasing deletes that, in one commit, and what
//! he brought to tickets and boards behind it; what others' ranks rest on stays, and is nobody's. Bans that hold wait for
//! whoever comes back by the same way.
mod banned;
mod erase;
mod export;
mod leftovers;
mod upkeep;

pub use erase::Erasure;
pub use export::{Account, ExportCursor, ExportItem, ExportPage};
pub use upkeep::{DataClass, Retention, UpkeepReport};

pub(crate) use erase::Erased;
pub(crate) use upkeep::Upkeep;
