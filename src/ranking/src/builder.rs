use crate::{Mark, Order, Ranked, Visibility, ids::Ids, key::Member, width::on_core};

/// A board that is being built from many players at once: the same as a [`set`](Ranked::set) for each, several times
/// faster. Nothing can be read before it is [finished](Self::finish).
#[derive(Debug)]
pub struct Builder<I: Ids>(Ranked<I>);

impl<I: Ids> Builder<I> {
    /// An empty board that soon has so many players; the number may be wrong, at the cost of time and memory.
    #[must_use]
    pub fn new(order: Order, players: usize) -> Self {
        Self(Ranked::with_capacity(order, players))
    }

    /// Adds a player, in any order. Returns the number under which the finished board knows the player
    /// ([`slot`](Ranked::slot)): the players who were added before are 0, 1, 2... where ids are not numbers themselves.
    /// Of the marks of a player who is added more than once, the one with the greatest version counts.
    pub fn add(&mut self, player: I::Id, mark: &Mark) -> u32 {
        let board = &mut self.0;
        let slot = board.ids.push(player);
        if board.version(slot).is_none_or(|known| known < mark.version) {
            board.keep(slot, mark, Visibility::Shown);
        }
        slot
    }

    /// The board. O(n log n), by two threads where there are many players; takes up to 250 MB beside the board.
    #[must_use]
    pub fn finish(self) -> Ranked<I> {
        let Self(mut board) = self;
        board.index_all();
        board.list_all();
        board
    }
}

impl<I: Ids> Ranked<I> {
    /// Makes all players found, each once; returns how many came more than once.
    pub(crate) fn index_all(&mut self) -> usize {
        let Self { ids, core, .. } = self;
        on_core!(core, core => {
            let version = |slot| core.member(slot).map(Member::version);
            let gone = ids.index_all(|first, second| version(first) < version(second));
            gone.iter().for_each(|slot| core.forget(*slot));
            gone.len()
        })
    }
}
