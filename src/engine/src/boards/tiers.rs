//! Visible tiers as players read them, apart from the ratings that move them.
use super::{BoardRef, Viewer, tally::entry_of};
use crate::{
    Engine, EngineError,
    store::{Key, KeyRange},
};
use gsm_core::{Map, Mode, PlayerId};
use gsm_ranking::tier::{Bounds, TierState, Tiers};

/// A player's place in visible tiers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierView {
    /// Games until the player gets a place.
    pub placement_left: u8,
    /// Games for which the player cannot be demoted.
    pub shield_left: u8,
    /// The place; `None` before the end of placement.
    pub place: Option<TierPlace>,
}

/// A place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierPlace {
    /// The name of the tier.
    pub tier: String,
    /// The division within it, 1 for the best.
    pub division: u8,
    /// Points within the division.
    pub points: u32,
}

impl Engine {
    /// A player's place in the visible tiers of a board, decay up to now included; `None` while placement games are left.
    ///
    /// # Errors
    /// [`EngineError::Unknown`] for who has no entry, or is not to be seen by `viewer`.
    pub async fn tier(
        &self,
        of: &BoardRef,
        player: PlayerId,
        viewer: Viewer,
    ) -> Result<TierView, EngineError> {
        let none = EngineError::Unknown { what: "tier: the player has played no match of this board" };
        let line = self.line(&of.name)?;
        let Some((tiers, _)) = &line.tiers else {
            return Err(EngineError::invalid("board", "has no tiers"));
        };
        let board = self.open_board(of).await?;
        if !board.read(|_, state| viewer.may_see(state, player))? {
            return Err(none);
        }
        let state = self.entry(of, player).await?.and_then(|row| row.tier).ok_or(none)?;
        let until = board.until(self.clock.now());
        let state = tiers.settle(state, until).0;
        Ok(TierView {
            placement_left: state.placement_left,
            shield_left: state.shield_left,
            place: tiers.shown(&state).map(|shown| TierPlace {
                tier: shown.tier.to_owned(),
                division: shown.division,
                points: shown.points,
            }),
        })
    }

    /// The tiers of a mode's board, and the places of all who have one in the season under way.
    pub(crate) async fn tier_places(
        &self,
        of: &BoardRef,
        mode: &Mode,
    ) -> Result<((Tiers, Bounds), Map<PlayerId, TierState>), EngineError> {
        let line = self.line(&of.name)?;
        let tiers = line.tiers.clone().filter(|_| line.config.mode() == Some(mode));
        let tiers =
            tiers.ok_or_else(|| EngineError::invalid("board", "is no board of the mode with tiers"))?;
        let number = self.season_number(&line, None)?;
        let mut places = Map::default();
        self.each(KeyRange::Entries(of.name.clone(), number), |key, found| {
            if let (Key::Entry(_, _, player), Some(state)) = (&key, entry_of(&key, &found.row)?.tier) {
                places.insert(*player, state);
            }
            Ok(())
        })
        .await?;
        Ok((tiers, places))
    }
}
