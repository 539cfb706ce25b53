//! Who has numbers on a board and no rank that listings show: not eligible, hidden, in the shadow.
use super::{
    BoardRef, SeatRef, Source,
    paging::listed,
    view::{Seated, State},
};
use crate::{Engine, EngineError};
use gsm_core::{Label, PlayerId, Timestamp, limits};
use gsm_ranking::{Board, Entry, Keys, Visibility};

/// A player without a rank on a board.
#[derive(Debug, Clone, PartialEq)]
pub struct UnrankedRow {
    /// The player.
    pub player: PlayerId,
    /// The name shown to people, if any.
    pub name: Option<Label>,
    /// Who sees him today; who is shown to all is not eligible.
    pub visibility: Visibility,
    /// What the board compares.
    pub keys: Keys,
    /// Since when the player has had them.
    pub reached_at: Timestamp,
    /// Rated matches, or submissions taken.
    pub games: u32,
    /// The seat, where the board has cohorts.
    pub seat: Option<SeatRef>,
    /// The game's own text, where scores are submitted.
    pub metadata: Option<String>,
}

impl UnrankedRow {
    fn of(state: &State, entry: Entry) -> Self {
        let seat = |seated: Seated| SeatRef { seat: seated.seat, level: seated.shown() };
        Self {
            player: entry.player,
            name: None,
            visibility: state.seen(entry.player),
            keys: entry.keys,
            reached_at: entry.reached_at,
            games: state.fact(entry.player).games,
            seat: state.seated(entry.player).map(seat),
            metadata: None,
        }
    }
}

/// Those of a board whom no listing has.
fn unlisted(board: &Board, state: &State) -> Vec<Entry> {
    let all = (0..board.slots()).filter_map(|slot| board.at(slot));
    let unlisted = all.filter(|(player, mark)| {
        // Of a final table, who was hidden since keeps a rank that no listing has.
        let is_ranked =
            mark.eligible && board.kept(*player).is_some_and(|kept| kept.visibility == Visibility::Shown);
        !is_ranked || state.seen(*player) != Visibility::Shown
    });
    let entry = |(player, mark): (PlayerId, gsm_ranking::Mark)| Entry {
        player,
        keys: mark.keys,
        reached_at: mark.reached_at,
    };
    unlisted.map(entry).collect()
}

impl Engine {
    /// Everybody on a board, or a part of it, who is in no listing ([`Engine::top`]), in the order of the board, for operators.
    /// O(players), and memory for all who are found.
    pub async fn unranked(&self, of: &BoardRef) -> Result<Vec<UnrankedRow>, EngineError> {
        let board = self.open_board(of).await?;
        let config = board.config().clone();
        let mut rows = board.read(|board, state| {
            let mut entries = unlisted(board, state);
            entries.sort_unstable_by(|a, b| listed(&config, a, b));
            entries.into_iter().map(|entry| UnrankedRow::of(state, entry)).collect::<Vec<_>>()
        })?;
        for page in rows.chunks_mut(limits::PAGE_SIZE_MAX) {
            let players: Vec<PlayerId> = page.iter().map(|row| row.player).collect();
            for (row, name) in page.iter_mut().zip(self.names(players.iter().copied()).await?) {
                row.name = name;
            }
            if config.source == Source::Submissions {
                for (row, metadata) in page.iter_mut().zip(self.metadata_of(of, &players).await?) {
                    row.metadata = metadata;
                }
            }
        }
        Ok(rows)
    }
}
