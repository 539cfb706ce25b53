//! A board as one sees it who is in the shadow: everybody stands where he would if this one were ranked too, in every read, so
//! that nothing tells him.
use crate::{
    AmongRow, Bucket, Cursor, Keys, Page, Ranked, Row, Standing, Ties,
    ids::Ids,
    key::Key,
    probe::Probe,
    read::{View, view},
    row::percentile,
    tree::Tree,
    width::on_core,
};
use gsm_core::Rank;

/// A board as somebody sees it ([`Ranked::seen_by`]). To all but those in the shadow it is the board itself, at the same
/// cost; they pay O(log players) a row.
pub struct Seen<'a, I: Ids> {
    board: &'a Ranked<I>,
    /// Who is in the shadow and looks.
    own: Option<u32>,
}

/// One in the shadow, among those whom everybody sees.
pub(crate) struct Own<K> {
    pub(crate) key: K,
    pub(crate) slot: u32,
    /// How many are listed before him.
    position: u64,
    /// Whether somebody is equal to him.
    is_tied: bool,
}

/// Runs the same read on a board of any width, with the one who looks where he is in the shadow.
macro_rules! seen {
    ($seen:expr, $view:ident, $own:ident => $body:expr) => {
        view!($seen.board, $view => {
            let own = $seen.own.and_then(|slot| $view.own(slot));
            let $own = own.as_ref();
            $body
        })
    };
}

impl<I: Ids> Ranked<I> {
    /// The board as `viewer` sees it; as all do without, and for who is not in the shadow.
    #[must_use]
    pub fn seen_by(&self, viewer: Option<I::Id>) -> Seen<'_, I> {
        let slot = viewer.and_then(|viewer| self.ids.find(viewer));
        let own = slot.filter(|slot| view!(self, view => view.seen(*slot).is_some_and(|seen| seen.1)));
        Seen { board: self, own }
    }
}

/// As the reads of [`Ranked`] of the same names.
impl<I: Ids> Seen<'_, I> {
    /// How many players are ranked. O(1).
    #[must_use]
    pub fn len(&self) -> u64 {
        self.board.len() + u64::from(self.own.is_some())
    }

    /// Whether nobody is ranked. O(1).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where a player stands; `None` if not ranked. See [`Ranked::standing`].
    #[must_use]
    pub fn standing(&self, player: I::Id) -> Option<Standing> {
        if self.own.is_none() {
            return self.board.standing(player);
        }
        let slot = self.board.ids.find(player)?;
        seen!(self, view, own => view.standing_beside(own?, slot))
    }

    /// Where each player stands. See [`Ranked::standings`].
    #[must_use]
    pub fn standings(&self, players: &[I::Id]) -> Vec<Option<Standing>> {
        if self.own.is_none() {
            return self.board.standings(players);
        }
        players.iter().map(|player| self.standing(*player)).collect()
    }

    /// Rows of the listing after skipping `offset`. See [`Ranked::top`].
    #[must_use]
    pub fn top(&self, offset: u64, limit: usize) -> Vec<Row<I::Id>> {
        seen!(self, view, own => match own {
            None => self.board.top(offset, limit),
            Some(own) => view.rows_beside(own, offset, limit as u64),
        })
    }

    /// Rows of the listing after a cursor. See [`Ranked::page`].
    #[must_use]
    pub fn page(&self, after: Option<&Cursor<I::Id>>, limit: usize) -> Page<I::Id> {
        let from = after.map_or(0, |cursor| {
            seen!(self, view, own => {
                let is_after = own.is_some_and(|own| view.is_at_or_before(own, cursor));
                view.position_after(cursor) + u64::from(is_after)
            })
        });
        let rows = self.top(from, limit);
        let is_more = from.saturating_add(rows.len() as u64) < self.len();
        let next = rows.last().map(|row| Cursor(row.entry)).or(after.copied()).filter(|_| is_more);
        Page { rows, next }
    }

    /// A player's row and those on either side. See [`Ranked::around`].
    #[must_use]
    pub fn around(&self, player: I::Id, radius: usize) -> Option<Vec<Row<I::Id>>> {
        let slot = self.board.ids.find(player)?;
        seen!(self, view, own => match own {
            None => view.around(slot, radius),
            Some(own) => {
                let position = view.position_beside(own, slot)?;
                let from = position.saturating_sub(radius as u64);
                Some(view.rows_beside(own, from, (position - from).saturating_add(1 + radius as u64)))
            }
        })
    }

    /// A listing of these players alone. See [`Ranked::among`].
    #[must_use]
    pub fn among(&self, players: &[I::Id]) -> Vec<AmongRow<I::Id>> {
        seen!(self, view, own => view.among(players, own))
    }

    /// The keys of the best so many. See [`Ranked::score_at_rank`].
    #[must_use]
    pub fn score_at_rank(&self, rank: Rank) -> Option<Keys> {
        seen!(self, view, own => {
            let key = view.key_at_rank(rank.get() - 1, own)?;
            Some(key.keys(view.core.origin, view.order))
        })
    }

    /// The least keys among the best percent. See [`Ranked::score_for_top`].
    #[must_use]
    pub fn score_for_top(&self, percent: f64) -> Option<Keys> {
        if percent.is_nan() {
            return None;
        }
        let share = percent.clamp(0.0, 100.0) * self.len() as f64 / 100.0;
        // Two roundings, each half an epsilon, are no part of a player: 1.1 % of 1000 is 11.
        let players = (share * (1.0 - 2.0 * f64::EPSILON)).ceil() as u64;
        seen!(self, view, own => {
            let key = view.key_at(players.saturating_sub(1), own)?;
            Some(key.keys(view.core.origin, view.order))
        })
    }

    /// How the first column spreads. See [`Ranked::histogram`].
    #[must_use]
    pub fn histogram(&self, buckets: usize) -> Vec<Bucket> {
        seen!(self, view, own => view.histogram(buckets, own))
    }
}

/// The key at a place of a tree in which one more stands at `place`.
fn key_with<K: Key>(tree: &Tree<K>, (own, place): (K, u64), at: u64) -> Option<K> {
    if at == place { Some(own) } else { tree.key_at(at - u64::from(at > place)) }
}

impl<K: Key, I: Ids> View<'_, K, I> {
    /// One who is in the shadow.
    pub(crate) fn own(&self, slot: u32) -> Option<Own<K>> {
        let (key, _) = self.seen(slot).filter(|(_, is_shadow)| *is_shadow)?;
        let position = self.core.tree.position(&self.probe(key, slot), false);
        // Those who are equal stand next to him.
        let mut is_tied = false;
        let beside = self.core.tree.walk(position.saturating_sub(1), 2);
        beside.for_each(|(other, _)| is_tied |= other.same_columns(key));
        Some(Own { key, slot, position, is_tied })
    }

    pub(crate) fn len(&self, own: Option<&Own<K>>) -> u64 {
        self.core.tree.len() + u64::from(own.is_some())
    }

    pub(crate) fn key_at(&self, at: u64, own: Option<&Own<K>>) -> Option<K> {
        match own {
            None => self.core.tree.key_at(at),
            Some(own) => key_with(&self.core.tree, (own.key, own.position), at),
        }
    }

    /// The key of who has so many before, by the policy of the board.
    fn key_at_rank(&self, before: u64, own: Option<&Own<K>>) -> Option<K> {
        match (&self.core.distinct, own) {
            (None, own) => self.key_at(before, own),
            (Some(distinct), Some(own)) if !own.is_tied => {
                key_with(distinct, (own.key, distinct.better::<false>(own.key)), before)
            }
            (Some(distinct), _) => distinct.key_at(before),
        }
    }

    /// Whether `own` is listed before an entry.
    fn is_before(&self, own: &Own<K>, (key, slot): (K, u32)) -> bool {
        self.probe(own.key, own.slot).order(key, slot).is_gt()
    }

    fn is_at_or_before(&self, own: &Own<K>, cursor: &Cursor<I::Id>) -> bool {
        let Cursor(entry) = cursor;
        let key = self.core.nearest(&self.order.turn(entry.keys), entry.reached_at.as_millis());
        let at = Probe { key, id: entry.player, ids: self.ids };
        at.order(own.key, own.slot).is_le()
    }

    /// Rank and percentile of one of whom so many are better, when `own` is ranked too. O(log players).
    pub(crate) fn beside(&self, own: &Own<K>, (key, slot): (K, u32), better: u64) -> (Rank, f64) {
        let is_after = self.is_before(own, (key, slot));
        let is_worse = u64::from(is_after && !key.same_columns(own.key));
        let more = match self.order.ties() {
            Ties::Competition => is_worse,
            Ties::Dense => {
                if own.is_tied {
                    0
                } else {
                    is_worse
                }
            }
            Ties::Ordinal => u64::from(is_after),
        };
        let before = self.rank(key, slot, better).get() - 1 + more;
        (Rank::after(before), percentile(better + is_worse, self.core.tree.len()))
    }

    fn row_beside(&self, own: &Own<K>, (key, slot): (K, u32)) -> Row<I::Id> {
        let (rank, percentile) = self.beside(own, (key, slot), self.core.tree.better::<false>(key));
        Row { rank, percentile, entry: self.entry(key, slot) }
    }

    /// Whoever is ranked, and `own`.
    fn seen_beside(&self, own: &Own<K>, slot: u32) -> Option<K> {
        self.seen(slot).filter(|(_, is_shadow)| !is_shadow || slot == own.slot).map(|(key, _)| key)
    }

    fn standing_beside(&self, own: &Own<K>, slot: u32) -> Option<Standing> {
        let row = self.row_beside(own, (self.seen_beside(own, slot)?, slot));
        let (rank, keys, percentile) = (row.rank, row.entry.keys, row.percentile);
        Some(Standing { rank, keys, players: self.len(Some(own)), percentile })
    }

    fn position_beside(&self, own: &Own<K>, slot: u32) -> Option<u64> {
        let key = self.seen_beside(own, slot)?;
        let position = self.core.tree.position(&self.probe(key, slot), false);
        Some(position + u64::from(self.is_before(own, (key, slot))))
    }

    fn rows_beside(&self, own: &Own<K>, from: u64, limit: u64) -> Vec<Row<I::Id>> {
        let end = from.saturating_add(limit).min(self.len(Some(own)));
        let has_own = (from..end).contains(&own.position);
        let others = end.saturating_sub(from) - u64::from(has_own);
        let walk = self.core.tree.walk(from - u64::from(from > own.position), others);
        let mut listed: Vec<(K, u32)> = walk.collect();
        if has_own {
            listed.insert((own.position - from) as usize, (own.key, own.slot));
        }
        listed.into_iter().map(|entry| self.row_beside(own, entry)).collect()
    }
}
