//! All that was played in a mode, for whoever judges rating systems by it.
use crate::{
    Engine, EngineError,
    store::{Key, KeyRange, ResultRow, Row},
};
use gsm_core::{Map, MatchId, Mode, PlayerId, Timestamp, Variant};
use gsm_rating::history::{History, Lineup};

/// A result as histories have it.
struct Played {
    /// When, and in which order.
    place: (Timestamp, u64, MatchId),
    variant: u16,
    /// Each side's place, score and players.
    sides: Vec<(u32, Option<f64>, Vec<u32>)>,
    /// Of each player, how many of the side came together; empty where nobody did.
    parties: Vec<u32>,
}

impl Engine {
    /// The results of a mode that count, in the order they were played, players by number; of one instant imported matches
    /// come first, in the order of their file. Reads all results; memory for those of the mode.
    pub async fn match_history(&self, mode: &Mode) -> Result<History, EngineError> {
        let of_file = Self::import_match_id(mode, 0).as_u128() >> 64;
        let is_of_file = |id: MatchId| id.as_u128() >> 64 == of_file;
        // Numbers of a file follow chains already.
        let depth = |row: &ResultRow, id| if is_of_file(id) { 0 } else { row.depth };
        Ok(self.history_in_order(mode, depth).await?.0)
    }

    /// The same in the order in which a server learns: of one instant by depth, then by id; and whose numbers its players
    /// have.
    pub async fn match_history_by_name(&self, mode: &Mode) -> Result<(History, Vec<PlayerId>), EngineError> {
        self.history_in_order(mode, |row, _| row.depth).await
    }

    async fn history_in_order(
        &self,
        mode: &Mode,
        depth: impl Fn(&ResultRow, MatchId) -> u64 + Send + Sync,
    ) -> Result<(History, Vec<PlayerId>), EngineError> {
        let mut numbers: Map<PlayerId, u32> = Map::default();
        let mut played: Vec<Played> = Vec::new();
        let mut history = History::new(Vec::new());
        self.each(KeyRange::Results, |key, found| {
            let (Key::Result(id), Row::Result(row)) = (&key, &*found.row) else {
                return Err(EngineError::damaged(&key));
            };
            if row.mode != *mode || !row.counts() {
                return Ok(());
            }
            let sides = row.roster.sides().iter().zip(row.result.places()).zip(row.result.scores());
            let sides = sides
                .map(|((players, place), score)| {
                    let number = |player: &PlayerId| {
                        let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
                        *numbers.entry(*player).or_insert(next)
                    };
                    (*place, *score, players.iter().map(number).collect())
                })
                .collect();
            let variant = history.variant(row.result.variant().map_or("", Variant::as_str));
            let parties = row.roster.party_sizes_by_side().flatten().copied().collect();
            played.push(Played { place: (row.at, depth(row, *id), *id), variant, sides, parties });
            Ok(())
        })
        .await?;
        played.sort_unstable_by_key(|played| played.place);
        for Played { place: (at, ..), variant, sides, parties } in &played {
            let lineups =
                sides.iter().map(|(place, score, players)| Lineup { place: *place, score: *score, players });
            history.push(*at, *variant, lineups);
            history.came_together(parties);
        }
        let mut players: Vec<(u32, PlayerId)> =
            numbers.into_iter().map(|(player, number)| (number, player)).collect();
        players.sort_unstable();
        Ok((history, players.into_iter().map(|(_, player)| player).collect()))
    }
}
