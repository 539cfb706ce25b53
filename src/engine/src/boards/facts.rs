//! What a board shows beside the numbers, by the board's own number of a player.

/// About one player.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Fact {
    pub(crate) deviation: f32,
    /// Rated matches, or submissions taken.
    pub(crate) games: u32,
}

/// About all players who are on the board; of others it may say anything.
#[derive(Debug, Default)]
pub(super) struct Facts(Vec<Fact>);

impl Facts {
    pub(super) fn with_capacity(players: usize) -> Self {
        Self(Vec::with_capacity(players))
    }

    pub(super) fn get(&self, slot: u32) -> Option<Fact> {
        self.0.get(slot as usize).copied()
    }

    pub(super) fn put(&mut self, slot: u32, fact: Fact) {
        let slot = slot as usize;
        if slot >= self.0.len() {
            self.0.resize(slot + 1, Fact::default());
        }
        if let Some(place) = self.0.get_mut(slot) {
            *place = fact;
        }
    }
}
