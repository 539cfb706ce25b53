//! Where players belong. In pieces, each with a lock of its own: whoever goes through all of them holds up a commit for no
//! longer than one piece takes.
use super::Part;
use crate::store::AttributesRow;
use gsm_core::{Map, PlayerId};
use parking_lot::RwLock;
use std::sync::Arc;

/// Of a million players a piece has four thousand, which takes less than a millisecond.
const PIECES: u128 = 256;

pub(super) type Piece = RwLock<Map<PlayerId, Arc<AttributesRow>>>;

pub(super) struct Homes(Vec<Piece>);

impl Default for Homes {
    fn default() -> Self {
        Self((0..PIECES).map(|_| Piece::default()).collect())
    }
}

impl Homes {
    pub(super) fn piece(&self, player: PlayerId) -> Option<&Piece> {
        self.0.get((player.as_u128() % PIECES) as usize)
    }

    pub(super) fn get(&self, player: PlayerId) -> Option<Arc<AttributesRow>> {
        self.piece(player)?.read().get(&player).cloned()
    }

    pub(super) fn put(&self, player: PlayerId, home: Option<&Arc<AttributesRow>>) {
        let Some(piece) = self.piece(player) else { return };
        match home {
            Some(home) => piece.write().insert(player, home.clone()),
            None => piece.write().remove(&player),
        };
    }

    /// Takes in what was read, unless a commit has told something already.
    pub(super) fn found(&self, player: PlayerId, home: &Arc<AttributesRow>) {
        if let Some(piece) = self.piece(player) {
            piece.write().entry(player).or_insert_with(|| home.clone());
        }
    }

    /// Who belongs to a part, of each piece when it is come to.
    pub(super) fn players_of(&self, part: &Part) -> Map<PlayerId, ()> {
        let mut players = Map::default();
        for piece in &self.0 {
            let piece = piece.read();
            let those = piece.iter().filter(|(_, home)| part.has(home));
            players.extend(those.map(|(player, _)| (*player, ())));
        }
        players
    }
}
