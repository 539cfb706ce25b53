//! The slow twin: a sorted list, made anew for every answer.
use gsm_core::{PlayerId, Rank, Timestamp};
use gsm_ranking::{
    AmongRow, Bucket, COLUMNS_MAX, Change, Cursor, DenseIds, Direction, Entry, Ids, Kept, Keys, Mark, Order,
    PlayerIds, Ranked, Row, Standing, Ties, Visibility,
};
use std::{cmp::Ordering, collections::BTreeMap};

/// Ids that do not follow the numbers, so that ties are told apart by the id.
pub(super) trait Naming: Ids {
    fn named(n: u64) -> Self::Id;
}

impl Naming for PlayerIds {
    fn named(n: u64) -> PlayerId {
        PlayerId::from_u128(u128::from(n.wrapping_mul(0x9e37_79b9_7f4a_7c15)) << 31)
    }
}

impl Naming for DenseIds {
    fn named(n: u64) -> u32 {
        (n as u32) * 7 % 1_009
    }
}

#[derive(Clone, Copy, Default)]
struct Known {
    version: Option<u64>,
    mark: Option<Mark>,
    visibility: Visibility,
}

pub(super) struct Twin<I: Ids> {
    directions: Vec<Direction>,
    ties: Ties,
    known: BTreeMap<I::Id, Known>,
}

impl<I: Ids> Twin<I> {
    pub(super) fn new(order: Order) -> Self {
        Self { directions: order.directions().collect(), ties: order.ties(), known: BTreeMap::new() }
    }

    fn trim(&self, keys: Keys) -> Keys {
        let mut columns = [0; COLUMNS_MAX];
        columns[..self.directions.len()].copy_from_slice(&keys.columns()[..self.directions.len()]);
        columns.into()
    }

    /// `Less` if `a` is better.
    fn compare(&self, a: &Keys, b: &Keys) -> Ordering {
        for ((a, b), direction) in a.columns().iter().zip(b.columns()).zip(&self.directions) {
            let order = if *direction == Direction::Descending { b.cmp(a) } else { a.cmp(b) };
            if order.is_ne() {
                return order;
            }
        }
        Ordering::Equal
    }

    fn listed(&self, a: &Entry<I::Id>, b: &Entry<I::Id>) -> Ordering {
        self.compare(&a.keys, &b.keys).then(a.reached_at.cmp(&b.reached_at)).then(a.player.cmp(&b.player))
    }

    fn entries(&self, wanted: impl Fn(&Known) -> bool) -> Vec<Entry<I::Id>> {
        let known = self.known.iter().filter(|(_, known)| wanted(known));
        let entry =
            |player: I::Id, mark: &Mark| Entry { player, keys: mark.keys, reached_at: mark.reached_at };
        known.filter_map(|(player, known)| Some(entry(*player, known.mark.as_ref()?))).collect()
    }

    /// All who are ranked, in order.
    pub(super) fn list(&self) -> Vec<Entry<I::Id>> {
        let shown = |known: &Known| {
            known.mark.is_some_and(|mark| mark.eligible) && known.visibility == Visibility::Shown
        };
        let mut list = self.entries(shown);
        list.sort_by(|a, b| self.listed(a, b));
        list
    }

    fn better(&self, keys: &Keys, list: &[Entry<I::Id>]) -> u64 {
        list.iter().filter(|e| self.compare(&e.keys, keys).is_lt()).count() as u64
    }

    fn distinct(&self, keys: &Keys, list: &[Entry<I::Id>]) -> u64 {
        let mut better: Vec<Keys> = list.iter().map(|e| e.keys).collect();
        better.retain(|other| self.compare(other, keys).is_lt());
        better.dedup();
        better.len() as u64
    }

    fn rank(&self, entry: &Entry<I::Id>, list: &[Entry<I::Id>]) -> Rank {
        Rank::after(match self.ties {
            Ties::Competition => self.better(&entry.keys, list),
            Ties::Dense => self.distinct(&entry.keys, list),
            Ties::Ordinal => list.iter().filter(|e| self.listed(e, entry).is_lt()).count() as u64,
        })
    }

    /// The share of the others who are not better.
    fn percentile(&self, keys: &Keys, list: &[Entry<I::Id>], players: u64) -> f64 {
        let others = players - 1;
        let better = self.better(keys, list);
        if others == 0 { 100.0 } else { (others - better) as f64 * 100.0 / others as f64 }
    }

    /// As it is listed; `more` are counted for the size of the board who are not on the list.
    fn row(&self, entry: &Entry<I::Id>, list: &[Entry<I::Id>]) -> Row<I::Id> {
        let percentile = self.percentile(&entry.keys, list, list.len() as u64);
        Row { rank: self.rank(entry, list), percentile, entry: *entry }
    }

    pub(super) fn set(&mut self, player: I::Id, mark: Mark) -> Change {
        let keys = self.trim(mark.keys);
        self.change(player, mark.version, Some(Mark { keys, ..mark }))
    }

    pub(super) fn remove(&mut self, player: I::Id, version: u64) -> Change {
        self.change(player, version, None)
    }

    fn change(&mut self, player: I::Id, version: u64, mark: Option<Mark>) -> Change {
        let known = self.known.entry(player).or_default();
        if known.version.is_some_and(|known| known >= version) {
            return Change::Ignored;
        }
        (known.version, known.mark) = (Some(version), mark);
        Change::Applied
    }

    pub(super) fn set_visibility(&mut self, player: I::Id, visibility: Visibility) {
        self.known.entry(player).or_default().visibility = visibility;
    }

    /// Compares every read; `seed` picks the arguments.
    pub(super) fn check(&self, board: &Ranked<I>, seed: u64) {
        let list = self.list();
        let rows: Vec<Row<I::Id>> = list.iter().map(|e| self.row(e, &list)).collect();
        let n = list.len();
        assert_eq!((board.len(), board.is_empty()), (n as u64, n == 0));
        assert_eq!(board.kept_len(), self.known.values().filter(|known| known.mark.is_some()).count() as u64);
        let removed = self.known.values().filter(|known| known.mark.is_none() && known.version.is_some());
        assert_eq!(board.removed(), removed.count() as u64);
        assert!(board.iter().eq(list.iter().copied()));
        assert_eq!(board.iter().len(), n);
        assert_eq!(board.top(0, n), rows);
        let (pick, radius) = (seed as usize % (n + 2), seed as usize % 7);
        let window = |from: usize, to: usize| rows[from.min(n)..to.min(n)].to_vec();
        assert_eq!(board.top(pick as u64, radius), window(pick, pick + radius));
        self.check_pages(board, &rows, radius + 1);
        self.check_cursor(board, &rows, seed);
        for (at, row) in rows.iter().enumerate().skip(pick % 5).step_by(1 + n / 16) {
            assert_eq!(
                board.around(row.entry.player, radius),
                Some(window(at.saturating_sub(radius), at + radius + 1))
            );
        }
        let mut distinct: Vec<Keys> = list.iter().map(|e| e.keys).collect();
        if self.ties == Ties::Dense {
            distinct.dedup();
        }
        for skipped in [0, 1, pick, distinct.len().saturating_sub(1), distinct.len()] {
            assert_eq!(board.score_at_rank(Rank::after(skipped as u64)), distinct.get(skipped).copied());
        }
        for percent in [0, 1, 10, 33, 50, seed % 101, 100] {
            let players = (percent as usize * n).div_ceil(100).max(1);
            let want = list.get(players - 1).map(|e| e.keys);
            assert_eq!(board.score_for_top(percent as f64), want, "{percent} of {n}");
        }
        self.check_players(board, &list, radius);
        self.check_friends(board, &list, pick, radius);
        self.check_histogram(&board.histogram(radius), radius, &list);
        self.check_histogram(&board.histogram(pick), pick, &list);
    }

    /// Everybody who was ever heard of: ranked, in the shadow, hidden, not eligible, gone.
    fn check_players(&self, board: &Ranked<I>, list: &[Entry<I::Id>], radius: usize) {
        let mut wanted = Vec::new();
        for (&player, known) in &self.known {
            let kept = known.mark.map(|mark| Kept { mark, visibility: known.visibility });
            assert_eq!(board.kept(player), kept);
            let mark = known.mark.filter(|mark| mark.eligible && known.visibility != Visibility::Hidden);
            let want = mark.map(|mark| {
                let entry = Entry { player, keys: mark.keys, reached_at: mark.reached_at };
                let players = list.len() as u64 + u64::from(known.visibility == Visibility::Shadow);
                let percentile = self.percentile(&mark.keys, list, players);
                Standing { rank: self.rank(&entry, list), keys: mark.keys, players, percentile }
            });
            assert_eq!(board.standing(player), want);
            wanted.push(want);
            match (mark, known.visibility) {
                (Some(mark), Visibility::Shadow) => {
                    let own = Entry { player, keys: mark.keys, reached_at: mark.reached_at };
                    let at = list.partition_point(|e| self.listed(e, &own).is_lt());
                    // He sees the board as if he were on it.
                    let mut seen = list.to_vec();
                    seen.insert(at, own);
                    let near = &seen[at.saturating_sub(radius)..(at + radius + 1).min(seen.len())];
                    let near: Vec<_> = near.iter().map(|e| self.row(e, &seen)).collect();
                    assert_eq!(board.around(player, radius), Some(near));
                }
                (None, _) => assert_eq!(board.around(player, radius), None),
                _ => {}
            }
        }
        let players: Vec<I::Id> = self.known.keys().copied().collect();
        assert_eq!(board.standings(&players), wanted);
        let mut in_shadow = self.known.iter().filter(|(_, known)| known.visibility == Visibility::Shadow);
        if let Some((player, _)) = in_shadow.nth(radius % 2) {
            self.check_seen(board, *player, radius);
        }
    }

    /// To one in the shadow the board is, in every read, as if he were shown.
    fn check_seen(&self, board: &Ranked<I>, viewer: I::Id, radius: usize) {
        let mut shown = board.clone();
        shown.set_visibility(viewer, Visibility::Shown);
        let seen = board.seen_by(Some(viewer));
        let n = shown.len() as usize;
        assert_eq!((seen.len(), seen.is_empty()), (shown.len(), shown.is_empty()));
        assert_eq!(seen.top(0, n), shown.top(0, n));
        assert_eq!(seen.top(radius as u64, 3), shown.top(radius as u64, 3));
        let mut after = None;
        while {
            let page = shown.page(after.as_ref(), radius + 1);
            assert_eq!(seen.page(after.as_ref(), radius + 1), page);
            after = page.next;
            after.is_some()
        } {}
        let others = self.known.iter().filter(|(_, known)| known.visibility != Visibility::Shadow);
        let players: Vec<I::Id> = others.map(|(player, _)| *player).chain([viewer]).collect();
        assert_eq!(seen.standings(&players), shown.standings(&players));
        assert_eq!(seen.among(&players), shown.among(&players));
        for player in players.iter().rev().take(9) {
            assert_eq!(seen.around(*player, radius), shown.around(*player, radius));
        }
        assert_eq!(seen.histogram(radius + 1), shown.histogram(radius + 1));
        for at in [0, radius, n / 2, n.saturating_sub(1), n] {
            let rank = Rank::after(at as u64);
            assert_eq!(seen.score_at_rank(rank), shown.score_at_rank(rank));
            let percent = at as f64 * 100.0 / n.max(1) as f64;
            assert_eq!(seen.score_for_top(percent), shown.score_for_top(percent));
        }
    }

    /// Pages one after another show everybody once.
    fn check_pages(&self, board: &Ranked<I>, rows: &[Row<I::Id>], limit: usize) {
        let limit = limit.max(rows.len() / 9);
        let (mut shown, mut after) = (Vec::new(), None);
        loop {
            let page = board.page(after.as_ref(), limit);
            shown.extend(page.rows);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(shown, rows);
    }

    /// A cursor of somebody who has left, or who was never there.
    fn check_cursor(&self, board: &Ranked<I>, rows: &[Row<I::Id>], seed: u64) {
        let some = |known: &Known| known.mark.is_some_and(|mark| mark.version % 3 == seed % 3);
        for left in self.entries(some).into_iter().take(9) {
            for by in [-1, 0, 1] {
                let reached_at = Timestamp::from_millis(left.reached_at.as_millis().saturating_add(by));
                let entry = Entry { reached_at, ..left };
                let after = rows.iter().filter(|row| self.listed(&row.entry, &entry).is_gt()).copied();
                assert_eq!(board.page(Some(&Cursor(entry)), 4).rows, after.take(4).collect::<Vec<_>>());
            }
        }
    }

    fn check_friends(&self, board: &Ranked<I>, list: &[Entry<I::Id>], pick: usize, radius: usize) {
        let friends: Vec<_> = self.known.keys().copied().skip(pick % 3).step_by(1 + radius).collect();
        let some: Vec<_> = list.iter().copied().filter(|e| friends.contains(&e.player)).collect();
        let twice: Vec<_> = friends.iter().rev().chain(&friends).copied().collect();
        let want = |e: &Entry<I::Id>| AmongRow {
            rank: self.rank(e, &some),
            global: self.rank(e, list),
            percentile: self.percentile(&e.keys, list, list.len() as u64),
            entry: *e,
        };
        assert_eq!(board.among(&twice), some.iter().map(want).collect::<Vec<_>>());
    }

    fn check_histogram(&self, bars: &[Bucket], asked: usize, list: &[Entry<I::Id>]) {
        let firsts = || list.iter().map(|e| e.keys.first());
        let (Some(most), Some(least), true) = (firsts().max(), firsts().min(), asked > 0) else {
            assert!(bars.is_empty());
            return;
        };
        let width = |b: &Bucket| i128::from(b.upper) - i128::from(b.lower) + 1;
        let span = i128::from(most) - i128::from(least) + 1;
        assert_eq!(bars.len() as i128, span.min(asked.min(1_000) as i128));
        assert_eq!((bars.first().map(|b| b.lower), bars.last().map(|b| b.upper)), (Some(least), Some(most)));
        assert!(bars.windows(2).all(|pair| pair[0].upper.checked_add(1) == Some(pair[1].lower)));
        for bar in bars {
            assert_eq!(
                bar.count,
                firsts().filter(|first| (bar.lower..=bar.upper).contains(first)).count() as u64
            );
            assert!((span / bars.len() as i128..=span / bars.len() as i128 + 1).contains(&width(bar)));
        }
    }

    /// The same players as a bulk build takes them, most with an older version before or after the newest.
    pub(super) fn marks(&self) -> Vec<(I::Id, Mark)> {
        let now = self.known.iter().filter_map(|(player, known)| Some((*player, known.mark?)));
        now.flat_map(|(player, newest)| {
            let older = newest
                .version
                .checked_sub(1)
                .map(|version| (player, Mark::new(77, Timestamp::EPOCH, version)));
            let newest = (player, newest);
            match (newest.1.version % 3, older) {
                (0, Some(older)) => vec![older, newest],
                (1, Some(older)) => vec![newest, older],
                _ => vec![newest],
            }
        })
        .collect()
    }

    /// What a bulk build does not know.
    pub(super) fn forget_all_but_marks(&mut self) {
        self.known.retain(|_, known| known.mark.is_some());
        self.known.values_mut().for_each(|known| known.visibility = Visibility::Shown);
    }
}
