//! The difference between what a watcher was told and what the board shows.
use crate::boards::{BoardConfig, view::View};
use crate::store::{RankNews, ToldRow, WatchRow};
use gsm_core::{PlayerId, Rank};
use gsm_ranking::{Board, Standing};

/// Friends that an event names; of the others it gives the number.
const NAMED_MAX: usize = 16;

/// What of a watch is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Look {
    /// Everything: the watcher has moved, or nothing was told yet.
    All,
    /// Only where these friends stand; sorted.
    Friends(Vec<PlayerId>),
    /// Only which top the watcher is in.
    Top,
}

/// What a board shows of a watch.
pub(super) struct Seen {
    /// The watcher, as he sees himself.
    pub(super) own: Option<Standing>,
    /// Friends whom everybody sees.
    friends: Vec<(PlayerId, Rank)>,
    /// Friends who are not on the board.
    gone: Vec<PlayerId>,
}

/// Looks at a board. Costs O(log players) for the watcher and each friend looked at.
pub(super) fn see(board: &Board, watcher: PlayerId, watch: &WatchRow, look: &Look) -> Seen {
    let own = board.standing(watcher);
    let friends: &[PlayerId] = match look {
        _ if own.is_none() => &[],
        Look::All => &watch.friends,
        Look::Friends(friends) => friends,
        Look::Top => &[],
    };
    let rows = if friends.is_empty() { Vec::new() } else { board.among(friends) };
    let gone = friends.iter().copied().filter(|friend| board.kept(*friend).is_none()).collect();
    Seen { own, friends: rows.iter().map(|row| (row.entry.player, row.global)).collect(), gone }
}

/// Seasons that are looked back at, at most.
const SEASONS_BACK: usize = 16;

/// A hash of what decides who is ahead on a board: what it compares, and in which season. Its upper half is of what a best is
/// of: the first column, and the season.
pub(super) fn settings_of(view: &View) -> u64 {
    settings_in(view, view.season.map_or(0, |season| season.number))
}

/// Whether what was told is of the same board in one of the last seasons: since then everybody has begun anew.
pub(super) fn is_of_earlier_season(view: &View, told: &ToldRow) -> bool {
    let now = view.season.map_or(0, |season| season.number);
    (1..now).rev().take(SEASONS_BACK).any(|season| settings_in(view, season) == told.of)
}

/// Whether bests of what has one hash of settings are bests of what has the other.
pub(super) const fn have_same_bests(one: u64, other: u64) -> bool {
    one >> 32 == other >> 32
}

fn settings_in(view: &View, season: u64) -> u64 {
    let config = &*view.config;
    let first = config.columns.first().map(|column| (column.value, column.direction));
    let first = serde_json::to_vec(&first).unwrap_or_default();
    // Instants that are added to those of a schedule leave the season what it is.
    let json = BoardConfig { season: None, ..config.clone() }.to_json().unwrap_or_default();
    let name = |of: &[u8]| crate::hash::name64("gsm board settings 2", &[&season.to_be_bytes(), of]);
    ((name(&first) >> 32) << 32) | (name(json.as_bytes()) >> 32)
}

fn bit(at: usize) -> u8 {
    1 << (at % 8)
}

/// Whether the friend at `at` is marked as ahead.
pub(super) fn is_ahead(ahead: &[u8], at: usize) -> bool {
    ahead.get(at / 8).is_some_and(|byte| byte & bit(at) != 0)
}

/// Marks whether the friend at `at` is ahead.
pub(super) fn mark_ahead(ahead: &mut [u8], at: usize, is: bool) {
    if let Some(byte) = ahead.get_mut(at / 8) {
        *byte = if is { *byte | bit(at) } else { *byte & !bit(at) };
    }
}

/// The smallest of the watched tops that a rank is in.
fn top_of(watch: &WatchRow, rank: Rank) -> Option<u32> {
    watch.top.iter().copied().find(|top| rank.get() <= u64::from(*top))
}

/// What is to be told of friends and tops, and what has been told then.
///
/// While the watcher is not ranked nothing is told, and what was ahead of him is forgotten: who comes (back) on the
/// board hears of what happens from then on. A friend whom not everybody sees stays what he was; one who is taken off
/// the board is ahead no more.
pub(super) fn news(watch: &WatchRow, told: &ToldRow, seen: &Seen) -> (ToldRow, Vec<RankNews>) {
    let mut next = told.clone();
    let mut news = Vec::new();
    let Some(own) = &seen.own else {
        (next.ahead, next.top) = (None, None);
        return (next, news);
    };
    next.top = top_of(watch, own.rank);
    match (told.top, next.top) {
        (before, Some(top)) if before.is_none_or(|before| top < before) => {
            news.push(RankNews::EnteredTop { top });
        }
        (Some(before), after) if after != Some(before) => {
            let left = |top: &&u32| **top >= before && after.is_none_or(|after| **top < after);
            let top = watch.top.iter().rev().find(left).copied().unwrap_or(before);
            news.push(RankNews::LeftTop { top });
        }
        _ => {}
    }
    let is_first = told.ahead.is_none();
    let mut ahead = told.ahead.clone().unwrap_or_default();
    ahead.resize(watch.friends.len().div_ceil(8), 0);
    let mut by = Vec::new();
    for (friend, rank) in &seen.friends {
        let Ok(at) = watch.friends.binary_search(friend) else { continue };
        let is = *rank < own.rank;
        if is && !is_first && !is_ahead(&ahead, at) {
            by.push((*friend, *rank));
        }
        mark_ahead(&mut ahead, at, is);
    }
    for friend in &seen.gone {
        if let Ok(at) = watch.friends.binary_search(friend) {
            mark_ahead(&mut ahead, at, false);
        }
    }
    next.ahead = Some(ahead);
    if !by.is_empty() {
        by.sort_by_key(|(friend, rank)| (*rank, *friend));
        let friends = u32::try_from(by.len()).unwrap_or(u32::MAX);
        by.truncate(NAMED_MAX);
        news.push(RankNews::Overtaken { by, friends });
    }
    (next, news)
}
