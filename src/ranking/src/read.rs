use crate::{
    AmongRow, Bucket, Cursor, Entry, Keys, Order, Page, Ranked, Row, Standing, Ties,
    core::Core,
    ids::Ids,
    key::{Key, Member},
    order::COLUMNS_MAX,
    probe::Probe,
    row::percentile,
    seen::Own,
    tree::LANES,
    width::on_core,
};
use gsm_core::{Rank, Timestamp, limits};

/// A board as reads see it, with keys of one width.
pub(crate) struct View<'a, K: Key, I: Ids> {
    pub(crate) core: &'a Core<K>,
    pub(crate) ids: &'a I,
    pub(crate) order: &'a Order,
}

/// Runs the same read on a board of any width.
macro_rules! view {
    ($board:expr, $view:ident => $body:expr) => {
        on_core!(&$board.core, core => {
            let $view = $crate::read::View { core, ids: &$board.ids, order: &$board.order };
            $body
        })
    };
}

pub(crate) use view;

/// What a board answers. Nothing here allocates more than it returns.
impl<I: Ids> Ranked<I> {
    /// How many players are ranked. O(1).
    #[must_use]
    pub fn len(&self) -> u64 {
        on_core!(&self.core, core => core.tree.len())
    }

    /// Whether nobody is ranked. O(1).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many players have a mark, ranked or not. O(1).
    #[must_use]
    pub fn kept_len(&self) -> u64 {
        on_core!(&self.core, core => core.kept())
    }

    /// Where a player stands; `None` if not ranked. A player in the shadow sees himself, counted as one more.
    /// O(log players), allocates nothing.
    #[must_use]
    pub fn standing(&self, player: I::Id) -> Option<Standing> {
        let slot = self.ids.find(player)?;
        view!(self, view => view.standing(slot))
    }

    /// [`standing`](Self::standing) for each player, in the same order, at less than half the cost of one by one on a
    /// board that is larger than the caches: memory is waited for by many at once.
    #[must_use]
    pub fn standings(&self, players: &[I::Id]) -> Vec<Option<Standing>> {
        let mut standings = Vec::with_capacity(players.len());
        for players in players.chunks(LANES) {
            let mut slots = [None; LANES];
            self.ids.find_all(players, &mut slots);
            view!(self, view => view.standings(slots.get(..players.len()).unwrap_or_default(), &mut standings));
        }
        standings
    }

    /// Up to `limit` rows of the listing after skipping `offset`. Empty past the end. O(log players + rows).
    ///
    /// The caller bounds `limit` ([`limits::PAGE_SIZE_MAX`]).
    #[must_use]
    pub fn top(&self, offset: u64, limit: usize) -> Vec<Row<I::Id>> {
        view!(self, view => view.rows(offset, limit))
    }

    /// Up to `limit` rows of the listing after a cursor, or from its beginning. Who moves between two pages may be seen
    /// twice or not at all; who stays is seen once. O(log players + rows).
    ///
    /// The caller bounds `limit` ([`limits::PAGE_SIZE_MAX`]).
    #[must_use]
    pub fn page(&self, after: Option<&Cursor<I::Id>>, limit: usize) -> Page<I::Id> {
        self.seen_by(None).page(after, limit)
    }

    /// A player's row with up to `radius` rows of the listing on either side, fewer where the listing ends; `None`
    /// if the player is not ranked. A player in the shadow sees himself among the others. O(log players + rows).
    ///
    /// The caller bounds `radius` ([`limits::WINDOW_RADIUS_MAX`]).
    #[must_use]
    pub fn around(&self, player: I::Id, radius: usize) -> Option<Vec<Row<I::Id>>> {
        self.seen_by(Some(player)).around(player, radius)
    }

    /// A listing of these players alone (a board of friends), with the rank of each among them and on the whole board.
    /// Players who are not ranked are left out; one named twice appears once. O(ids log players).
    ///
    /// The caller bounds the number of ids ([`limits::PAGE_SIZE_MAX`]).
    #[must_use]
    pub fn among(&self, players: &[I::Id]) -> Vec<AmongRow<I::Id>> {
        self.seen_by(None).among(players)
    }

    /// The keys with which one is among the best `rank` players of the listing; `None` if there are fewer. Where ties
    /// skip a rank, these are the keys of the tie; where ranks are dense, the keys that have this rank. O(log players).
    #[must_use]
    pub fn score_at_rank(&self, rank: Rank) -> Option<Keys> {
        self.seen_by(None).score_at_rank(rank)
    }

    /// The least keys among the best `percent` of all players, a part of a player counting as one: with 5
    /// players, the best 20 % are one and the best 21 % are two. `percent` is taken into `0.0..=100.0`, and the
    /// best player always belongs. `None` on an empty board and for NaN. O(log players).
    #[must_use]
    pub fn score_for_top(&self, percent: f64) -> Option<Keys> {
        self.seen_by(None).score_for_top(percent)
    }

    /// All ranked players as listed. O(log players) to begin, then O(1) each.
    #[must_use]
    pub fn iter(&self) -> Box<dyn ExactSizeIterator<Item = Entry<I::Id>> + '_> {
        on_core!(&self.core, core => {
            let view = View { core, ids: &self.ids, order: &self.order };
            Box::new(core.tree.walk(0, u64::MAX).map(move |(key, slot)| view.entry(key, slot)))
        })
    }

    /// How the first column spreads: the span from its least to its greatest number, in up to `buckets` parts of equal
    /// width (to within 1), ascending, without gaps. Fewer where the span has fewer whole numbers, and never more
    /// than [`limits::PAGE_SIZE_MAX`]; none on an empty board or if 0 are asked for. O(buckets log players).
    #[must_use]
    pub fn histogram(&self, buckets: usize) -> Vec<Bucket> {
        self.seen_by(None).histogram(buckets)
    }
}

impl<K: Key, I: Ids> View<'_, K, I> {
    #[inline]
    pub(crate) fn entry(&self, key: K, slot: u32) -> Entry<I::Id> {
        let keys = key.keys(self.core.origin, self.order);
        Entry { player: self.ids.id(slot), keys, reached_at: Timestamp::from_millis(key.at()) }
    }

    pub(crate) fn probe(&self, key: K, slot: u32) -> Probe<'_, K, I> {
        Probe { key, id: self.ids.id(slot), ids: self.ids }
    }

    /// The rank of a player of whom one knows how many are better.
    pub(crate) fn rank(&self, key: K, slot: u32, better: u64) -> Rank {
        Rank::after(match (&self.core.distinct, self.order.ties()) {
            (Some(distinct), _) => distinct.better::<false>(key),
            (None, Ties::Ordinal) => self.core.tree.position(&self.probe(key, slot), false),
            (None, _) => better,
        })
    }

    /// Whoever sees a rank of his own: the key, and whether all others do not see him.
    pub(crate) fn seen(&self, slot: u32) -> Option<(K, bool)> {
        let member = self.core.member(slot)?;
        let flags = member.flags();
        (flags.is_ranked() || flags.is_shadow()).then(|| (member.key(), flags.is_shadow()))
    }

    fn standing(&self, slot: u32) -> Option<Standing> {
        let (key, is_shadow) = self.seen(slot)?;
        Some(self.standing_of(key, slot, is_shadow, self.core.tree.better::<false>(key)))
    }

    fn standing_of(&self, key: K, slot: u32, is_shadow: bool, better: u64) -> Standing {
        let players = self.core.tree.len() + u64::from(is_shadow);
        let keys = key.keys(self.core.origin, self.order);
        let percentile = percentile(better, players.saturating_sub(1));
        Standing { rank: self.rank(key, slot, better), keys, players, percentile }
    }

    fn standings(&self, slots: &[Option<u32>], standings: &mut Vec<Option<Standing>>) {
        let none = (self.core.nearest(&[0; COLUMNS_MAX], 0), false);
        let mut seen = [None; LANES];
        let mut keys = [none.0; LANES];
        for ((slot, seen), key) in slots.iter().zip(&mut seen).zip(&mut keys) {
            *seen = slot.and_then(|slot| self.seen(slot));
            *key = seen.unwrap_or(none).0;
        }
        let mut better = [0; LANES];
        let (keys, better) = (keys.get(..slots.len()), better.get_mut(..slots.len()));
        let better = better.unwrap_or_default();
        self.core.tree.better_many(keys.unwrap_or_default(), better);
        let all = slots.iter().zip(&seen).zip(better);
        standings.extend(all.map(|((slot, seen), better)| {
            let (key, is_shadow) = (*seen)?;
            Some(self.standing_of(key, (*slot)?, is_shadow, *better))
        }));
    }

    fn rows(&self, from: u64, limit: usize) -> Vec<Row<I::Id>> {
        let walk = self.core.tree.walk(from, limit as u64);
        let mut rows = Vec::with_capacity(walk.len());
        let Some((first, slot)) = walk.peek() else { return rows };
        let (ties, others) = (self.order.ties(), self.core.tree.len().saturating_sub(1));
        let better = self.core.tree.better::<false>(first);
        let mut share = percentile(better, others);
        // How many come before by the policy of the board.
        let mut before = match ties {
            Ties::Competition => better,
            Ties::Dense => self.rank(first, slot, better).get() - 1,
            Ties::Ordinal => from,
        };
        let (mut above, mut position) = (first, from);
        walk.for_each(|(key, slot)| {
            let is_worse = !key.same_columns(above);
            if is_worse {
                share = percentile(position, others);
            }
            if is_worse || ties == Ties::Ordinal {
                before = if ties == Ties::Dense { before + 1 } else { position };
            }
            rows.push(Row { rank: Rank::after(before), percentile: share, entry: self.entry(key, slot) });
            (above, position) = (key, position + 1);
        });
        rows
    }

    pub(crate) fn position_after(&self, Cursor(entry): &Cursor<I::Id>) -> u64 {
        let key = self.core.nearest(&self.order.turn(entry.keys), entry.reached_at.as_millis());
        self.core.tree.position(&Probe { key, id: entry.player, ids: self.ids }, true)
    }

    /// The rows around somebody whom all see.
    pub(crate) fn around(&self, slot: u32, radius: usize) -> Option<Vec<Row<I::Id>>> {
        let (key, _) = self.seen(slot).filter(|(_, is_shadow)| !is_shadow)?;
        let position = self.core.tree.position(&self.probe(key, slot), false);
        let from = position.saturating_sub(radius as u64);
        let above = (position - from) as usize;
        Some(self.rows(from, above.saturating_add(1).saturating_add(radius)))
    }

    pub(crate) fn among(&self, players: &[I::Id], own: Option<&Own<K>>) -> Vec<AmongRow<I::Id>> {
        let mut found: Vec<(K, u32, u64)> = Vec::with_capacity(players.len());
        for players in players.chunks(LANES) {
            let mut slots = [None; LANES];
            self.ids.find_all(players, &mut slots);
            let slots = slots.iter().take(players.len()).flatten();
            found.extend(slots.filter_map(|slot| {
                let is_own = own.is_some_and(|own| own.slot == *slot);
                self.seen(*slot).filter(|seen| !seen.1 || is_own).map(|(key, _)| (key, *slot, 0))
            }));
        }
        for part in found.chunks_mut(LANES) {
            let (mut keys, mut better) = ([self.core.nearest(&[0; COLUMNS_MAX], 0); LANES], [0; LANES]);
            keys.iter_mut().zip(part.iter()).for_each(|(key, found)| *key = found.0);
            self.core.tree.better_many(&keys, &mut better);
            part.iter_mut().zip(better).for_each(|(found, better)| found.2 = better);
        }
        let id = |slot: u32| self.ids.id(slot);
        found.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| id(a.1).cmp(&id(b.1))));
        found.dedup_by_key(|found| found.1);
        let mut rows: Vec<AmongRow<I::Id>> = Vec::with_capacity(found.len());
        for ((key, slot, better), position) in found.into_iter().zip(0..) {
            let entry = self.entry(key, slot);
            let rank = match (rows.last(), self.order.ties()) {
                (Some(above), Ties::Competition | Ties::Dense) if above.entry.keys == entry.keys => {
                    above.rank
                }
                (Some(above), Ties::Dense) => Rank::after(above.rank.get()),
                _ => Rank::after(position),
            };
            let (global, percentile) = match own {
                Some(own) => self.beside(own, (key, slot), better),
                None => {
                    let others = self.core.tree.len().saturating_sub(1);
                    (self.rank(key, slot, better), percentile(better, others))
                }
            };
            rows.push(AmongRow { rank, global, percentile, entry });
        }
        rows
    }

    /// How many ranked players have less than `turned` in the first column, turned.
    fn below(&self, turned: i64, own: Option<&Own<K>>) -> u64 {
        let columns = [turned, i64::MIN, i64::MIN, i64::MIN, i64::MIN];
        let key = self.core.nearest(&columns, 0);
        let is_own = own.is_some_and(|own| own.key < key && !own.key.same_columns(key));
        self.core.tree.better::<false>(key) + u64::from(is_own)
    }

    pub(crate) fn histogram(&self, buckets: usize, own: Option<&Own<K>>) -> Vec<Bucket> {
        let len = self.len(own);
        let ends = (self.key_at(0, own), self.key_at(len.saturating_sub(1), own));
        let (Some(best), Some(worst)) = ends else { return Vec::new() };
        let [best, worst] = [best, worst].map(|key| key.keys(self.core.origin, self.order).first());
        let (least, most) = (i128::from(best.min(worst)), i128::from(best.max(worst)));
        let span = most - least + 1;
        let parts = span.min(buckets.min(limits::PAGE_SIZE_MAX) as i128);
        let mut bars = Vec::with_capacity(parts as usize);
        for part in 0..parts {
            // Both ends lie between two numbers of the column, so they fit.
            let lower = (least + span * part / parts) as i64;
            let upper = (least + span * (part + 1) / parts - 1) as i64;
            let [a, b] = [lower, upper].map(|number| self.order.turn_first(number));
            let to = a.max(b).checked_add(1).map_or(len, |past| self.below(past, own));
            bars.push(Bucket { lower, upper, count: to - self.below(a.min(b), own) });
        }
        bars
    }
}
