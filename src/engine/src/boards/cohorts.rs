//! Cohorts as they are read: a player's own, all of a season, and where a player ended season by season.
use super::{
    BoardRef, OpenBoard, Part, SeatRef, Viewer,
    grouping::fate,
    line::Line,
    seating::{CohortTable, last_seat},
    view::{Seated, State},
};
use crate::{
    Engine, EngineError,
    store::{Home, Key, Row, SeatOf},
};
use gsm_core::{BoardName, PlayerId, Rank};
use gsm_ranking::{Board, Visibility, cohort::Seat, league::Fate};
use std::cmp::Ordering;

/// Seasons of one answer: each costs as many reads as its cohort has seats.
pub const PAST_SEATS_MAX: usize = 20;

const NO_SEAT: EngineError =
    EngineError::Unknown { what: "seat: the player has none in a cohort of this season" };

/// A player's seat in a cohort, and where he stands in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SeatView {
    /// Which.
    pub seat: Seat,
    /// From 1, the lowest; `None` where the board has no levels.
    pub level: Option<u8>,
    /// Seats of the cohort that are taken.
    pub taken: u32,
    /// Players ranked in it.
    pub players: u64,
    /// The rank in it; `None` for who is hidden, not eligible or has no entry.
    pub rank: Option<Rank>,
    /// Share of the others in it who are not better; `None` without a rank.
    pub percentile: Option<f64>,
    /// What this place leads to when the season ends like this; `None` where the board has no levels.
    pub fate: Option<Fate>,
}

impl SeatView {
    /// The same of who has taken a seat on the level `later` since: that says what the place has led to, however the season
    /// was counted afterwards.
    fn leading_to(self, later: Option<u8>) -> Self {
        let Some((level, later)) = self.level.zip(later) else { return self };
        let fate = match later.cmp(&level) {
            Ordering::Greater => Fate::Promoted,
            Ordering::Equal => Fate::Stays,
            Ordering::Less => Fate::Relegated,
        };
        Self { fate: Some(fate), ..self }
    }
}

/// Where a player ended in a season, or stands in that under way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PastSeat {
    /// Which season.
    pub season: u64,
    /// Whether it is over.
    pub is_over: bool,
    /// The seat. Where the player has entered a later season the fate is the one that brought him to its level.
    pub seat: SeatView,
}

/// A cohort and its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CohortView {
    /// Its number within the season, from 1.
    pub cohort: u64,
    /// From 1, the lowest; `None` where the board has no levels.
    pub level: Option<u8>,
    /// Seats that are taken.
    pub taken: u32,
    /// Players ranked in it.
    pub players: u64,
}

fn shown(level: u8) -> Option<u8> {
    Some(level).filter(|level| *level > 0)
}

impl OpenBoard {
    /// The board on which a player is ranked by himself: his cohort where the board has cohorts and no part is named.
    ///
    /// # Errors
    /// [`EngineError::Unknown`] for who has no seat.
    pub fn own(&self, player: PlayerId) -> Result<Self, EngineError> {
        if self.part.is_some() || self.config().grouping.is_none() {
            return Ok(Self::new(self.view.clone(), self.part.as_ref()));
        }
        let seated = self.read(|_, state| state.seated(player))?.ok_or(NO_SEAT)?;
        Ok(Self::new(self.view.clone(), Some(&Part::Cohort(seated.seat.cohort))))
    }

    /// Where a player has a seat in this season, for operators. O(1).
    pub fn seat_of(&self, player: PlayerId) -> Result<Option<SeatRef>, EngineError> {
        let seated = self.read(|_, state| state.seated(player))?;
        Ok(seated.map(|of| SeatRef { seat: of.seat, level: of.shown() }))
    }

    /// A player's seat in this season, with the fate that his place leads to ([`Engine::seat`] knows of later seasons);
    /// `None` for who has none, or is not to be seen by `viewer`, and where the board has
    /// no cohorts. O(cohort).
    pub fn seat(&self, player: PlayerId, viewer: Viewer) -> Result<Option<SeatView>, EngineError> {
        OpenBoard::new(self.view.clone(), None).read(|_, state| {
            let seated = state.seated(player).filter(|_| viewer.may_see(state, player))?;
            self.seat_in(state, seated, player, viewer)
        })
    }

    fn seat_in(&self, state: &State, seated: Seated, player: PlayerId, viewer: Viewer) -> Option<SeatView> {
        let (cohort, board) = state.cohort(seated.seat.cohort)?;
        let games = |player| state.fact(player).games;
        let fate = self.groups.and_then(|groups| groups.league).and_then(|league| {
            fate((self.config(), &league, seated.level), board, games, &cohort.seated, player)
        });
        let board = viewer.board(board);
        let standing = board.standing(player).filter(|_| viewer.sees(state, player));
        Some(SeatView {
            seat: seated.seat,
            level: shown(seated.level),
            taken: u32::try_from(cohort.seated.len()).unwrap_or(u32::MAX),
            players: standing.map_or(board.len(), |of| of.players),
            rank: standing.map(|of| of.rank),
            percentile: standing.map(|of| of.percentile),
            fate,
        })
    }
}

impl Engine {
    /// The cohorts of a season by number, from the one after `after` on, at most `limit`; of one level, if given.
    /// O(cohorts).
    pub async fn cohorts(
        &self,
        of: &BoardRef,
        level: Option<u8>,
        after: u64,
        limit: usize,
        viewer: Viewer,
    ) -> Result<Vec<CohortView>, EngineError> {
        let board = self.open_board(&BoardRef { part: None, ..of.clone() }).await?;
        if board.config().grouping.is_none() {
            return Err(EngineError::invalid("board", "has no cohorts"));
        }
        board.read(|_, state| {
            let all = state.cohorts_after(after);
            let of_level = all.filter(|(_, cohort, _)| level.is_none_or(|level| cohort.level == level));
            let view = |(number, cohort, board): (u64, &super::view::Cohort, Option<&Board>)| CohortView {
                cohort: number,
                level: shown(cohort.level),
                taken: u32::try_from(cohort.seated.len()).unwrap_or(u32::MAX),
                players: board.map_or(0, |board| viewer.board(board).len()),
            };
            of_level.take(limit).map(view).collect()
        })
    }

    /// Whether a player's past is for `viewer` to see.
    pub(super) fn may_see(&self, name: &BoardName, player: PlayerId, viewer: Viewer) -> bool {
        viewer.is_let(player, self.views.boards.seen(name, player))
    }

    /// A player's seat in the season of a board that is open, as [`OpenBoard::seat`]; where he has entered a later season,
    /// with the fate that brought him to its level.
    pub async fn seat(
        &self,
        board: &OpenBoard,
        player: PlayerId,
        viewer: Viewer,
    ) -> Result<Option<SeatView>, EngineError> {
        Ok(self.seats(board, &[player], viewer).await?.pop().flatten())
    }

    /// The same for many players, in their order. The caller bounds their number.
    pub(super) async fn seats(
        &self,
        board: &OpenBoard,
        players: &[PlayerId],
        viewer: Viewer,
    ) -> Result<Vec<Option<SeatView>>, EngineError> {
        let mut seats =
            players.iter().map(|player| board.seat(*player, viewer)).collect::<Result<Vec<_>, _>>()?;
        let season = board.view.season.filter(|season| season.ends_at.is_some());
        let Some(season) = season.filter(|_| seats.iter().flatten().any(|seat| seat.level.is_some())) else {
            return Ok(seats);
        };
        let later = self.entered_after(&board.config().name, season.number, players).await?;
        for (seat, later) in seats.iter_mut().zip(later) {
            *seat = seat.map(|seat| seat.leading_to(later));
        }
        Ok(seats)
    }

    /// The level of the seat that each player took next after a season; `None` for who has taken none since.
    async fn entered_after(
        &self,
        name: &BoardName,
        season: u64,
        players: &[PlayerId],
    ) -> Result<Vec<Option<u8>>, EngineError> {
        let keys: Vec<Key> = players.iter().map(|player| Key::Seated(name.clone(), *player)).collect();
        let mut levels = Vec::with_capacity(players.len());
        for (key, found) in keys.iter().zip(self.get(Home::Record, &keys).await?) {
            let mut next = found.map(|found| last_seat(key, &found.row)).transpose()?;
            let mut later = None;
            while let Some(of) = next.filter(|of| of.season > season) {
                later = Some(of.level);
                next = self.seat_before(name, of).await?;
            }
            levels.push(later);
        }
        Ok(levels)
    }

    /// Where a player ended in the seasons that he has a seat in, the newest first, that under way included; at most
    /// `limit`, of those before `before` if given. Who is hidden from `viewer` has none.
    pub async fn past_seats(
        &self,
        name: &BoardName,
        player: PlayerId,
        before: Option<u64>,
        limit: usize,
        viewer: Viewer,
    ) -> Result<Vec<PastSeat>, EngineError> {
        let line = self.line(name)?;
        if !line.has_groups() {
            return Err(EngineError::invalid("board", "has no cohorts"));
        }
        let is_seen = self.may_see(name, player, viewer);
        let key = Key::Seated(name.clone(), player);
        let found = self.get_one(&key).await?.filter(|_| is_seen);
        let mut next = found.map(|found| last_seat(&key, &found.row)).transpose()?;
        let (mut seats, mut later) = (Vec::new(), None);
        while let Some(of) = next.filter(|_| seats.len() < limit.min(PAST_SEATS_MAX)) {
            if before.is_none_or(|before| of.season < before) {
                seats.push(self.past_seat(&line, (player, viewer), of, later).await?);
            }
            later = Some(of.level);
            next = self.seat_before(name, of).await?;
        }
        Ok(seats)
    }

    async fn past_seat(
        &self,
        line: &Line,
        (player, viewer): (PlayerId, Viewer),
        of: SeatOf,
        later: Option<u8>,
    ) -> Result<PastSeat, EngineError> {
        let table = self.cohort_table(line, (of.season, of.seat.cohort)).await?;
        let now = self.clock.now();
        let ends_at = line.season(of.season).and_then(|season| season.ends_at);
        let fate = table.fate(line, player);
        let CohortTable { seated, board, .. } = table;
        // Who was in the shadow is shown his rank alone, and operators; to him all stand as if he were ranked.
        let seen = board.kept(player).map_or(Visibility::Shown, |kept| kept.visibility);
        let board = viewer.board(&board);
        let standing = board.standing(player).filter(|_| viewer.is_let(player, seen));
        let seat = SeatView {
            seat: of.seat,
            level: shown(of.level),
            taken: u32::try_from(seated.len()).unwrap_or(u32::MAX),
            players: standing.map_or(board.len(), |of| of.players),
            rank: standing.map(|of| of.rank),
            percentile: standing.map(|of| of.percentile),
            fate,
        };
        let seat = seat.leading_to(later);
        Ok(PastSeat { season: of.season, is_over: ends_at.is_some_and(|end| end <= now), seat })
    }

    /// The seat that the player of a seat had before.
    async fn seat_before(&self, name: &BoardName, of: SeatOf) -> Result<Option<SeatOf>, EngineError> {
        let key = Key::Seat(name.clone(), of.season, of.seat.cohort, of.seat.number);
        // It was written with what names it: none is a stale read.
        let found = self.get_one(&key).await?.ok_or(EngineError::Contended)?;
        match &*found.row {
            Row::Seat(row) => Ok(row.before),
            _ => Err(EngineError::damaged(&key)),
        }
    }
}
