//! Paging through a board that moves: everybody once.
//!
//! A page ends at a place in the listing. Whoever was shown and falls behind that place would come again, and whoever was
//! not and climbs past it would be left out: both are remembered, the former to be skipped, the latter to be shown after
//! the last place.
use super::{BoardConfig, BoardRef, BoardRow, Part, Viewer, reads::rows};
use crate::{
    Engine, EngineError,
    token::{TokenClaim, TokenError},
};
use gsm_core::{BoardName, CommitKey, Map, Millis, PlayerId, Timestamp, limits};
use gsm_ranking::{Board, Cursor, Entry, Row as Place, Visibility};
use serde::{Deserialize, Serialize};
use std::{cmp::Ordering, collections::VecDeque};

/// A listing that nobody has read on for so long is given up.
const IDLE_MAX: Millis = Millis::from_secs(900);
/// Players that one listing remembers; beyond, it is given up.
const MOVES_MAX: usize = 100_000;

/// A page of a listing in which everybody comes once.
#[derive(Debug, Clone, PartialEq)]
pub struct BoardPage {
    /// The rows; ranks are those of the moment the page was read.
    pub rows: Vec<BoardRow>,
    /// Players ranked on the board.
    pub players: u64,
    /// The season that the listing is of, where the board has any.
    pub season: Option<u64>,
    /// Asks for the next page; `None` after the last.
    pub next: Option<String>,
}

/// What asks for the next page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct PageClaim {
    board: BoardName,
    part: Option<Part>,
    season: Option<u64>,
    listing: u128,
    page: u32,
    expires_at: Timestamp,
}

impl TokenClaim for PageClaim {
    const PURPOSE: &'static str = "gsm board page 1";
    fn expires_at(&self) -> Timestamp {
        self.expires_at
    }
}

/// The listings of a board that are being read.
#[derive(Debug, Default)]
pub(super) struct Pagings(Vec<Paging>);

#[derive(Debug)]
struct Paging {
    id: u128,
    part: Option<Part>,
    /// The page that comes next.
    page: u32,
    after: Option<Entry>,
    /// Whether the last place has been shown: what moves from then on is not looked at.
    ended: bool,
    shown: Map<PlayerId, ()>,
    missed: VecDeque<PlayerId>,
    /// The last page, for whoever asks again, and whether there is more.
    last: (Vec<Place>, bool),
    used_at: Timestamp,
}

pub(super) fn listed(config: &BoardConfig, a: &Entry, b: &Entry) -> Ordering {
    let columns = config.columns.iter().zip(a.keys.columns().iter().zip(b.keys.columns()));
    columns
        .map(|(column, (a, b))| column.listed(*a, *b))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
        .then_with(|| a.reached_at.cmp(&b.reached_at))
        .then_with(|| a.player.cmp(&b.player))
}

impl Pagings {
    pub(super) fn watches(&self, part: Option<&Part>) -> bool {
        self.0.iter().any(|paging| paging.part.as_ref() == part && !paging.ended)
    }

    /// A player's place has changed; `None` is no place.
    pub(super) fn moved(
        &mut self,
        config: &BoardConfig,
        part: Option<&Part>,
        before: Option<&Entry>,
        after: Option<&Entry>,
    ) {
        let Some(player) = before.or(after).map(|entry| entry.player) else { return };
        for paging in self.0.iter_mut().filter(|paging| paging.part.as_ref() == part && !paging.ended) {
            let Some(cursor) = &paging.after else { continue };
            let is_past = |entry: Option<&Entry>| entry.is_some_and(|of| listed(config, of, cursor).is_le());
            match (is_past(before), is_past(after)) {
                (true, false) => {
                    paging.shown.insert(player, ());
                }
                (false, true) if !paging.shown.contains_key(&player) => paging.missed.push_back(player),
                _ => {}
            }
        }
        self.0.retain(|paging| paging.shown.len() + paging.missed.len() <= MOVES_MAX);
    }

    fn begin(&mut self, id: u128, part: Option<Part>, now: Timestamp) {
        self.0.retain(|paging| now.since(paging.used_at) <= IDLE_MAX);
        if self.0.len() >= limits::BOARD_PAGINGS_MAX {
            let oldest = self.0.iter().enumerate().min_by_key(|(_, paging)| paging.used_at).map(|(at, _)| at);
            oldest.map(|at| self.0.swap_remove(at));
        }
        self.0.push(Paging {
            id,
            part,
            page: 0,
            after: None,
            ended: false,
            shown: Map::default(),
            missed: VecDeque::new(),
            last: (Vec::new(), true),
            used_at: now,
        });
    }

    /// The page `page` of a listing and whether there is more; `None` where it has been given up.
    fn read(
        &mut self,
        id: u128,
        page: u32,
        (board, viewer): (&Board, Viewer),
        limit: usize,
        now: Timestamp,
    ) -> Option<(Vec<Place>, bool)> {
        let paging = self.0.iter_mut().find(|paging| paging.id == id)?;
        paging.used_at = now;
        if paging.page == page {
            let places = paging.turn(board, viewer, limit);
            paging.last = (places, !(paging.ended && paging.missed.is_empty()));
            paging.page += 1;
        } else if paging.page != page + 1 {
            return None;
        }
        Some(paging.last.clone())
    }
}

impl Paging {
    fn turn(&mut self, board: &Board, viewer: Viewer, limit: usize) -> Vec<Place> {
        let mut places = Vec::new();
        let seen = viewer.board(board);
        // Who is in the shadow and reads: no moves of his are told, since he has no place to others.
        let own = match viewer {
            Viewer::Player(player) => {
                let kept = board.kept(player);
                kept.filter(|kept| kept.visibility == Visibility::Shadow).map(|_| player)
            }
            Viewer::All | Viewer::Other => None,
        };
        while !self.ended && places.len() < limit {
            let page = seen.page(self.after.map(Cursor).as_ref(), limit - places.len());
            self.ended = page.next.is_none();
            if let Some(last) = page.rows.last() {
                self.after = Some(last.entry);
            }
            places
                .extend(page.rows.into_iter().filter(|place| !self.shown.contains_key(&place.entry.player)));
            let is_own = own.filter(|own| places.iter().any(|place| place.entry.player == *own));
            self.shown.extend(is_own.map(|own| (own, ())));
            if let Some(own) = own.filter(|own| self.ended && !self.shown.contains_key(own)) {
                self.missed.push_back(own);
                self.shown.insert(own, ());
            }
        }
        while self.ended && places.len() < limit {
            let Some(player) = self.missed.pop_front() else { break };
            let is_seen = |seen| seen == Visibility::Shown || own == Some(player);
            let kept = board.kept(player).filter(|kept| is_seen(kept.visibility));
            let standing = seen.standing(player).zip(kept);
            places.extend(standing.map(|(standing, kept)| Place {
                rank: standing.rank,
                percentile: standing.percentile,
                entry: Entry { player, keys: standing.keys, reached_at: kept.mark.reached_at },
            }));
        }
        places
    }
}

impl Engine {
    /// A page of a board in which everybody who is ranked comes once, however the board moves meanwhile; the first
    /// without `after`. A page can be asked for again until the next one has been. O(log players + rows).
    pub async fn board_page(
        &self,
        of: &BoardRef,
        after: Option<&str>,
        limit: usize,
    ) -> Result<BoardPage, EngineError> {
        self.board_page_seen_by(Viewer::Other, of, after, limit).await
    }

    /// [`Engine::board_page`] as `viewer` sees it.
    pub async fn board_page_seen_by(
        &self,
        viewer: Viewer,
        of: &BoardRef,
        after: Option<&str>,
        limit: usize,
    ) -> Result<BoardPage, EngineError> {
        let now = self.clock.now();
        let gone = || EngineError::PageGone;
        let (listing, page, season) = match after {
            None => {
                let season = self.line(&of.name)?.season_of(now).map(|season| season.number);
                (CommitKey::fresh(&*self.ids).as_u128(), 0, of.season.or(season))
            }
            Some(token) => {
                let claim: PageClaim = self.tokens.open(token, now).map_err(|error| match error {
                    TokenError::Expired => EngineError::PageGone,
                    TokenError::Invalid => EngineError::invalid("after", "was not given out by this server"),
                })?;
                let other = of.season.is_some() && claim.season != of.season;
                if claim.board != of.name || claim.part != of.part || other {
                    return Err(EngineError::invalid("after", "belongs to another board"));
                }
                (claim.listing, claim.page, claim.season)
            }
        };
        // A listing stays in the season it was begun in.
        let of = &BoardRef { season, ..of.clone() };
        let board = self.open_board(of).await?;
        let read = board.page(|pagings, board, state| {
            if after.is_none() {
                pagings.begin(listing, of.part.clone(), now);
            }
            let limit = limit.min(limits::PAGE_SIZE_MAX);
            let (places, more) = pagings.read(listing, page, (board, viewer), limit, now)?;
            Some((rows(state, &places, viewer), viewer.board(board).len(), more))
        });
        let (rows, players, more) = match read {
            Some(read) => read.ok_or_else(gone)?,
            None => return Err(EngineError::Unknown { what: "part: nobody of the board belongs there" }),
        };
        let next = more.then(|| {
            self.tokens.issue(&PageClaim {
                board: of.name.clone(),
                part: of.part.clone(),
                season,
                listing,
                page: page + 1,
                expires_at: now.saturating_add(IDLE_MAX),
            })
        });
        let rows = self.with_names(rows).await?;
        Ok(BoardPage { rows, players, season, next })
    }
}
