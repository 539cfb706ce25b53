//! The slow twin: a sorted list, made anew for every answer.
use gsm_core::{PlayerId, Rank, Timestamp};
use gsm_ranking::{Board, Bucket, Entry, Moved, Place, Row, Standing};
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct Twin {
    /// Version, and the entry unless removed.
    known: BTreeMap<PlayerId, (u64, Option<Entry>)>,
}

pub(super) fn id(n: u64) -> PlayerId {
    PlayerId::from_u128(u128::from(n))
}

impl Twin {
    pub(super) fn list(&self) -> Vec<Entry> {
        let mut list: Vec<Entry> = self.known.values().filter_map(|known| known.1).collect();
        list.sort_by_key(|e| (std::cmp::Reverse(e.score), e.reached_at, e.player));
        list
    }

    fn place(&self, player: PlayerId) -> Option<Place> {
        let score = self.known.get(&player)?.1?.score;
        Some(Place { rank: self.rank(score), score })
    }

    fn rank(&self, score: i64) -> Rank {
        Rank::after(
            self.known.values().filter(|known| known.1.is_some_and(|e| e.score > score)).count() as u64
        )
    }

    pub(super) fn set(&mut self, player: PlayerId, score: i64, at: i64, version: u64) -> Moved {
        let reached_at = Timestamp::from_millis(at);
        self.change(player, version, Some(Entry { player, score, reached_at }))
    }

    pub(super) fn remove(&mut self, player: PlayerId, version: u64) -> Moved {
        self.change(player, version, None)
    }

    fn change(&mut self, player: PlayerId, version: u64, entry: Option<Entry>) -> Moved {
        if self.known.get(&player).is_some_and(|known| known.0 >= version) {
            return Moved::Ignored;
        }
        let before = self.place(player);
        self.known.insert(player, (version, entry));
        Moved::Applied { before, after: self.place(player) }
    }

    /// Compares every read; `seed` picks the arguments.
    pub(super) fn check(&self, board: &Board, seed: u64) {
        let list = self.list();
        let rows = rows(&list, &list);
        let n = list.len();
        assert_eq!((board.len(), board.is_empty()), (n as u64, n == 0));
        assert_eq!(board.removed(), (self.known.len() - n) as u64);
        assert!(board.iter().eq(list.iter().copied()));
        assert!(board.iter().rev().eq(list.iter().rev().copied()));
        assert_eq!(board.iter().len(), n);
        assert_eq!(board.top(0, n), rows);
        let (pick, radius) = (seed as usize % (n + 2), seed as usize % 7);
        let window = |from: usize, to: usize| rows[from.min(n)..to.min(n)].to_vec();
        assert_eq!(board.top(pick as u64, radius), window(pick, pick + radius));
        let (mut both, mut twin) = (board.iter(), list.iter().copied());
        for turn in 0..n {
            if (seed >> (turn % 64)) & 1 == 0 {
                assert_eq!(both.next(), twin.next());
            } else {
                assert_eq!(both.next_back(), twin.next_back());
            }
        }
        assert_eq!(both.next(), None);
        for (at, row) in rows.iter().enumerate().skip(pick % 5).step_by(1 + n / 16) {
            let better = list.iter().filter(|e| e.score > row.entry.score).count();
            let percentile = if n == 1 { 100.0 } else { (n - 1 - better) as f64 * 100.0 / (n - 1) as f64 };
            let (score, players) = (row.entry.score, n as u64);
            let want = Standing { rank: row.rank, score, better: better as u64, players, percentile };
            assert_eq!(board.standing(row.entry.player), Some(want));
            assert_eq!(
                board.around(row.entry.player, radius),
                Some(window(at.saturating_sub(radius), at + radius + 1))
            );
            for near in [score.saturating_sub(1), score, score.saturating_add(1)] {
                assert_eq!(board.rank_of_score(near), self.rank(near));
            }
        }
        for skipped in [0, 1, pick, n.saturating_sub(1), n] {
            assert_eq!(board.score_at_rank(Rank::after(skipped as u64)), list.get(skipped).map(|e| e.score));
        }
        for percent in [0, 1, 10, 33, 50, seed % 101, 100] {
            let players = (percent as usize * n).div_ceil(100).max(1);
            assert_eq!(
                board.score_for_top(percent as f64),
                list.get(players - 1).map(|e| e.score),
                "{percent} of {n}"
            );
        }
        for (&player, _) in self.known.iter().filter(|(_, known)| known.1.is_none()).take(3) {
            assert_eq!((board.standing(player), board.around(player, 1)), (None, None));
        }
        let friends: Vec<_> = self.known.keys().copied().skip(pick % 3).step_by(1 + radius).collect();
        let some: Vec<_> = list.iter().copied().filter(|e| friends.contains(&e.player)).collect();
        let twice: Vec<_> = friends.iter().rev().chain(&friends).copied().collect();
        assert_eq!(board.among(&twice), self::rows(&some, &some));
        self.check_histogram(&board.histogram(radius), radius, &list);
        self.check_histogram(&board.histogram(pick), pick, &list);
    }

    fn check_histogram(&self, bars: &[Bucket], asked: usize, list: &[Entry]) {
        let (Some(best), Some(worst), true) = (list.first(), list.last(), asked > 0) else {
            assert!(bars.is_empty());
            return;
        };
        let width = |b: &Bucket| i128::from(b.upper) - i128::from(b.lower) + 1;
        let span = i128::from(best.score) - i128::from(worst.score) + 1;
        assert_eq!(bars.len() as i128, span.min(asked.min(1_000) as i128));
        assert_eq!(
            (bars.first().map(|b| b.lower), bars.last().map(|b| b.upper)),
            (Some(worst.score), Some(best.score))
        );
        assert!(bars.windows(2).all(|pair| pair[0].upper.checked_add(1) == Some(pair[1].lower)));
        for bar in bars {
            assert_eq!(
                bar.count,
                list.iter().filter(|e| (bar.lower..=bar.upper).contains(&e.score)).count() as u64
            );
            assert!((span / bars.len() as i128..=span / bars.len() as i128 + 1).contains(&width(bar)));
        }
    }

    /// The same players as a bulk build takes them, most with an older version before or after the newest.
    pub(super) fn entries(&self) -> Vec<(PlayerId, i64, Timestamp, u64)> {
        let now = self.known.values().filter_map(|&(version, entry)| Some((version, entry?)));
        now.flat_map(|(version, e)| {
            let newest = (e.player, e.score, e.reached_at, version);
            let older = version.checked_sub(1).map(|older| (e.player, e.score / 2, Timestamp::EPOCH, older));
            match (version % 3, older) {
                (0, Some(older)) => vec![older, newest],
                (1, Some(older)) => vec![newest, older],
                _ => vec![newest],
            }
        })
        .collect()
    }

    pub(super) fn forget_removed(&mut self) {
        self.known.retain(|_, known| known.1.is_some());
    }
}

/// `list` ranked by the better ones among `all`.
fn rows(list: &[Entry], all: &[Entry]) -> Vec<Row> {
    let rank = |e: &Entry| Rank::after(all.partition_point(|other| other.score > e.score) as u64);
    list.iter().map(|e| Row { rank: rank(e), entry: *e }).collect()
}
