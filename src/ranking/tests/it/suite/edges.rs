use super::twin::id;
use gsm_core::{PlayerId, Rank, Timestamp};
use gsm_ranking::{Board, Bucket, Moved, Place, Row};

/// Players 1, 2, ... with these scores, who reached them in this order.
fn board(scores: &[i64]) -> Board {
    let rows = (1u64..).zip(scores);
    Board::with_entries(rows.map(|(n, &score)| (id(n), score, Timestamp::from_millis(n as i64), 1)))
}

fn set(board: &mut Board, n: u64, score: i64, version: u64) -> Moved {
    board.set(id(n), score, Timestamp::EPOCH, version)
}

fn place(rank: u64, score: i64) -> Option<Place> {
    Some(Place { rank: Rank::after(rank - 1), score })
}

fn brief(rows: &[Row]) -> Vec<(u64, u128)> {
    rows.iter().map(|row| (row.rank.get(), row.entry.player.as_u128())).collect()
}

fn percentile(board: &Board, n: u64) -> Option<f64> {
    board.standing(id(n)).map(|standing| standing.percentile)
}

#[test]
fn an_empty_board_answers() {
    let empty = Board::new();
    assert!(empty.is_empty() && empty.iter().next().is_none() && empty.iter().next_back().is_none());
    assert_eq!((empty.standing(id(1)), empty.around(id(1), 5)), (None, None));
    assert_eq!((empty.top(0, 10), empty.among(&[id(1)]), empty.histogram(10)), (vec![], vec![], vec![]));
    assert_eq!((empty.score_at_rank(Rank::after(0)), empty.score_for_top(50.0)), (None, None));
    assert_eq!(empty.rank_of_score(0).get(), 1);
    assert_eq!(format!("{empty:?}"), "Board { players: 0, removed: 0 }");
}

#[test]
fn a_sole_player_leads() {
    let sole = board(&[7]);
    assert_eq!(percentile(&sole, 1), Some(100.0));
    assert_eq!(brief(&sole.top(0, 9)), [(1, 1)]);
    assert_eq!(sole.around(id(1), 9).map(|rows| brief(&rows)), Some(vec![(1, 1)]));
    assert_eq!(
        (sole.rank_of_score(8).get(), sole.rank_of_score(7).get(), sole.rank_of_score(6).get()),
        (1, 1, 2)
    );
    assert_eq!(sole.histogram(5), [Bucket { lower: 7, upper: 7, count: 1 }]);
}

#[test]
fn ties_share_a_rank_and_the_earlier_is_listed_first() {
    let mut tied = board(&[5; 40]);
    assert!(tied.top(0, 40).iter().all(|row| row.rank.get() == 1));
    assert!(brief(&tied.top(0, 40)).is_sorted());
    assert_eq!(percentile(&tied, 40), Some(100.0));
    set(&mut tied, 40, 5, 2);
    assert_eq!(brief(&tied.top(0, 2)), [(1, 40), (1, 1)]);
    set(&mut tied, 3, 6, 2);
    assert_eq!(brief(&tied.top(0, 3)), [(1, 3), (2, 40), (2, 1)]);
}

#[test]
fn percentile_is_the_share_of_others_not_better() {
    let five = board(&[10, 20, 30, 40, 50]);
    assert_eq!([1, 2, 3, 4, 5].map(|n| percentile(&five, n)), [0.0, 25.0, 50.0, 75.0, 100.0].map(Some));
}

#[test]
fn the_ends_of_i64_are_scores() {
    let wide = board(&[i64::MIN, i64::MAX, 0]);
    assert_eq!(brief(&wide.top(0, 3)), [(1, 2), (2, 3), (3, 1)]);
    assert_eq!((wide.rank_of_score(i64::MAX).get(), wide.rank_of_score(i64::MIN).get()), (1, 3));
    let bars = wide.histogram(2);
    assert_eq!(bars[0], Bucket { lower: i64::MIN, upper: -1, count: 1 });
    assert_eq!(bars[1], Bucket { lower: 0, upper: i64::MAX, count: 2 });
    assert_eq!(wide.histogram(usize::MAX).len(), gsm_core::limits::PAGE_SIZE_MAX);
}

#[test]
fn windows_end_where_the_listing_ends() {
    let five = board(&[10, 20, 30, 40, 50]);
    assert_eq!(five.top(0, 0), []);
    assert_eq!(five.top(5, 3), []);
    assert_eq!(five.top(u64::MAX, usize::MAX), []);
    assert_eq!(brief(&five.top(3, usize::MAX)), [(4, 2), (5, 1)]);
    assert_eq!(five.around(id(4), 0).map(|rows| brief(&rows)), Some(vec![(2, 4)]));
    assert_eq!(five.around(id(4), usize::MAX).map(|rows| rows.len()), Some(5));
    assert_eq!(five.around(id(5), 1).map(|rows| brief(&rows)), Some(vec![(1, 5), (2, 4)]));
    assert_eq!(five.around(id(6), 1), None);
}

#[test]
fn friends_are_ranked_among_themselves() {
    let five = board(&[10, 20, 30, 20, 50]);
    let friends: [PlayerId; 6] = [1, 4, 2, 3, 9, 4].map(id);
    assert_eq!(brief(&five.among(&friends)), [(1, 3), (2, 2), (2, 4), (4, 1)]);
    assert_eq!(five.among(&[]), []);
}

#[test]
fn a_score_for_a_rank_or_share() {
    let five = board(&[10, 20, 30, 50, 50]);
    assert_eq!(
        [1, 2, 3, 5, 6].map(|k| five.score_at_rank(Rank::after(k - 1))),
        [Some(50), Some(50), Some(30), Some(10), None]
    );
    let tops = [-1.0, 0.0, 20.0, 41.0, 100.0, 1e9, f64::INFINITY].map(|percent| five.score_for_top(percent));
    assert_eq!(tops, [50, 50, 50, 30, 10, 10, 10].map(Some));
    assert_eq!(five.score_for_top(f64::NAN), None);
}

/// `1.1 * 1_000.0 / 100.0` is a little more than 11, which is no twelfth player.
#[test]
fn rounding_is_no_part_of_a_player() {
    let thousand: Vec<i64> = (1..=1_000).rev().collect();
    let thousand = board(&thousand);
    for players in 1..=1_000 {
        let percent = f64::from(players) / 10.0;
        assert_eq!(thousand.score_for_top(percent), Some(1_001 - i64::from(players)), "{percent}");
    }
    assert_eq!(thousand.score_for_top(1.100_001), Some(1_001 - 12));
}

#[test]
fn a_repeated_or_late_version_is_ignored() {
    let mut board = Board::new();
    assert_eq!(set(&mut board, 1, 10, 5), Moved::Applied { before: None, after: place(1, 10) });
    assert_eq!(set(&mut board, 1, 99, 5), Moved::Ignored);
    assert_eq!(set(&mut board, 1, 99, 4), Moved::Ignored);
    assert_eq!(board.remove(id(1), 5), Moved::Ignored);
    assert_eq!(set(&mut board, 1, 10, 6), Moved::Applied { before: place(1, 10), after: place(1, 10) });
    assert_eq!(set(&mut board, 1, 99, 6), Moved::Ignored);
    set(&mut board, 2, 20, 0);
    assert_eq!(set(&mut board, 1, 30, 7), Moved::Applied { before: place(2, 10), after: place(1, 30) });
}

#[test]
fn a_late_set_does_not_bring_a_removed_player_back() {
    let mut board = board(&[10]);
    assert_eq!(board.remove(id(1), 3), Moved::Applied { before: place(1, 10), after: None });
    assert_eq!(set(&mut board, 1, 10, 2), Moved::Ignored);
    assert_eq!(set(&mut board, 1, 10, 3), Moved::Ignored);
    assert_eq!((board.len(), board.removed()), (0, 1));
    assert_eq!(board.remove(id(2), 9), Moved::Applied { before: None, after: None });
    assert_eq!(set(&mut board, 2, 10, 8), Moved::Ignored);
    assert_eq!(set(&mut board, 1, 11, 4), Moved::Applied { before: None, after: place(1, 11) });
    assert_eq!((board.len(), board.removed()), (1, 1));
}

#[test]
fn of_equal_versions_a_build_takes_the_first() {
    let twice = [(id(1), 10, Timestamp::EPOCH, 1), (id(1), 20, Timestamp::EPOCH, 1)];
    assert_eq!(Board::with_entries(twice).score_at_rank(Rank::after(0)), Some(10));
}
