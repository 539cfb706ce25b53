//! Rank events: who watches a board is told within a second when the own rank there becomes news.
//!
//! A watch is a row, and so is how things stood when its player was last told. A commit that moves somebody whom a
//! watch is about only notes that ([`index`]); a turn of its own then compares what the board shows with what was told
//! ([`news`]), and writes the difference, the events and what is told now in one change set ([`tell`]). So moves that
//! come together are told as one, a result that was voided meanwhile is not told at all, and neither a restart nor
//! another node loses an event or tells it twice.
mod best;
mod index;
mod news;
mod tell;
mod wish;

pub(crate) use index::Watches;
pub use wish::WatchWish;
