//! Visible tiers as players read them, apart from the ratings that move them.
use super::{BoardRef, Viewer, tally::entry_of};
use crate::{
    Engine, EngineError,
    store::{Key, KeyRange},
};
use gsm_core::{Map, Mode, PlayerId, Timestamp};
use gsm_ranking::tier::{Bounds, TierState, Tiers};

const HAS_NONE: &str = "has no tiers";

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

/// Where the visible tiers of a board start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierStarts {
    /// When that was worked out, and by how many players (0: too few): where it is said by shares of the players, and known.
    pub fixed: Option<(Timestamp, u64)>,
    /// From the lowest.
    pub divisions: Vec<DivisionStart>,
}

/// Where a division starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DivisionStart {
    /// The name of its tier.
    pub tier: String,
    /// Its number within the tier, 1 for the best.
    pub division: u8,
    /// The rating, in thousandths of a point; `None` before it is worked out.
    pub rating: Option<i64>,
}

impl Engine {
    /// Where the visible tiers of a board start. Said by shares of the players, that is known from the season's first
    /// result on.
    pub async fn tier_starts(&self, of: &BoardRef) -> Result<TierStarts, EngineError> {
        let line = self.line(&of.name)?;
        let number = self.season_number(&line, of.season)?;
        let Some((tiers, given)) = &line.tiers else { return Err(EngineError::invalid("board", HAS_NONE)) };
        let known = if given.is_none() { self.known_starts(&line, number).await? } else { None };
        let worked_out = known.map(|(row, _)| row);
        let bounds = given.as_ref().or(worked_out.as_ref().map(|row| &row.bounds));
        let mut starts = bounds.into_iter().flat_map(Bounds::starts).copied();
        let divisions = tiers.named().map(|(tier, division)| DivisionStart {
            tier: tier.to_owned(),
            division,
            rating: starts.next(),
        });
        let divisions = divisions.collect();
        Ok(TierStarts { fixed: worked_out.map(|row| (row.at, row.players)), divisions })
    }

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
            return Err(EngineError::invalid("board", HAS_NONE));
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
        let bounds = match tiers {
            (_, Some(ref given)) => given.clone(),
            (ref tiers, None) => match self.known_starts(&line, number).await? {
                Some((row, _)) => row.bounds,
                None => self.work_out(tiers, mode).await?.bounds,
            },
        };
        let tiers = (tiers.0, bounds);
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
