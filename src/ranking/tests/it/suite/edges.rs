use gsm_core::{PlayerId, Rank, Timestamp};
use gsm_ranking::{Board, Bucket, Change, DenseBoard, Direction, Keys, Mark, Order, Row, Ties, Visibility};

fn id(n: u64) -> PlayerId {
    PlayerId::from_u128(u128::from(n))
}

/// Players 1, 2, ... with these scores, who reached them in this order.
fn ranked(order: Order, scores: &[i64]) -> Board {
    let rows = (1u64..).zip(scores);
    Board::with_marks(
        order,
        rows.map(|(n, &score)| (id(n), Mark::new(score, Timestamp::from_millis(n as i64), 1))),
    )
}

fn board(scores: &[i64]) -> Board {
    ranked(Order::SCORE, scores)
}

fn set(board: &mut Board, n: u64, score: i64, version: u64) -> Change {
    board.set(id(n), Mark::new(score, Timestamp::EPOCH, version))
}

fn brief(rows: &[Row]) -> Vec<(u64, u128)> {
    rows.iter().map(|row| (row.rank.get(), row.entry.player.as_u128())).collect()
}

fn rank(board: &Board, n: u64) -> Option<u64> {
    board.standing(id(n)).map(|standing| standing.rank.get())
}

fn percentile(board: &Board, n: u64) -> Option<f64> {
    board.standing(id(n)).map(|standing| standing.percentile)
}

#[test]
fn an_empty_board_answers() {
    let empty = Board::default();
    assert!(empty.is_empty() && empty.iter().next().is_none());
    assert_eq!((empty.standing(id(1)), empty.around(id(1), 5)), (None, None));
    assert_eq!((empty.top(0, 10), empty.among(&[id(1)]), empty.histogram(10)), (vec![], vec![], vec![]));
    assert_eq!((empty.score_at_rank(Rank::after(0)), empty.score_for_top(50.0)), (None, None));
    assert_eq!(
        format!("{empty:?}"),
        "Ranked { order: Order([Descending], Competition), players: 0, removed: 0 }"
    );
}

#[test]
fn a_sole_player_leads() {
    let sole = board(&[7]);
    assert_eq!(percentile(&sole, 1), Some(100.0));
    assert_eq!(brief(&sole.top(0, 9)), [(1, 1)]);
    assert_eq!(sole.around(id(1), 9).map(|rows| brief(&rows)), Some(vec![(1, 1)]));
    assert_eq!(rank(&sole, 1), Some(1));
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
    assert_eq!([2, 3, 1].map(|n| rank(&wide, n)), [1, 2, 3].map(Some));
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
    let rows = five.among(&friends).into_iter();
    let brief: Vec<_> =
        rows.map(|row| (row.rank.get(), row.global.get(), row.entry.player.as_u128())).collect();
    assert_eq!(brief, [(1, 2, 3), (2, 3, 2), (2, 3, 4), (4, 5, 1)]);
    assert_eq!(five.among(&[]), []);
}

#[test]
fn a_score_for_a_rank_or_share() {
    let five = board(&[10, 20, 30, 50, 50]);
    assert_eq!(
        [1, 2, 3, 5, 6].map(|k| five.score_at_rank(Rank::after(k - 1))),
        [Some(50), Some(50), Some(30), Some(10), None].map(|score| score.map(Keys::from))
    );
    let tops = [-1.0, 0.0, 20.0, 41.0, 100.0, 1e9, f64::INFINITY].map(|percent| five.score_for_top(percent));
    assert_eq!(tops, [50, 50, 50, 30, 10, 10, 10].map(|score| Some(score.into())));
    assert_eq!(five.score_for_top(f64::NAN), None);
}

/// `1.1 * 1_000.0 / 100.0` is a little more than 11, which is no twelfth player.
#[test]
fn rounding_is_no_part_of_a_player() {
    let thousand: Vec<i64> = (1..=1_000).rev().collect();
    let thousand = board(&thousand);
    for players in 1..=1_000 {
        let percent = f64::from(players) / 10.0;
        assert_eq!(thousand.score_for_top(percent), Some((1_001 - i64::from(players)).into()), "{percent}");
    }
    assert_eq!(thousand.score_for_top(1.100_001), Some((1_001 - 12).into()));
}

#[test]
fn a_repeated_or_late_version_is_ignored() {
    let mut board = Board::default();
    assert_eq!(set(&mut board, 1, 10, 5), Change::Applied);
    assert_eq!(set(&mut board, 1, 99, 5), Change::Ignored);
    assert_eq!(set(&mut board, 1, 99, 4), Change::Ignored);
    assert_eq!(board.remove(id(1), 5), Change::Ignored);
    assert_eq!(set(&mut board, 1, 10, 6), Change::Applied);
    assert_eq!(set(&mut board, 1, 99, 6), Change::Ignored);
    assert_eq!(board.score_at_rank(Rank::after(0)), Some(10.into()));
}

#[test]
fn a_late_set_does_not_bring_a_removed_player_back() {
    let mut board = board(&[10]);
    assert_eq!(board.remove(id(1), 3), Change::Applied);
    assert_eq!(set(&mut board, 1, 10, 2), Change::Ignored);
    assert_eq!(set(&mut board, 1, 10, 3), Change::Ignored);
    assert_eq!((board.len(), board.removed()), (0, 1));
    assert_eq!(board.remove(id(2), 9), Change::Applied);
    assert_eq!(set(&mut board, 2, 10, 8), Change::Ignored);
    assert_eq!(set(&mut board, 1, 11, 4), Change::Applied);
    assert_eq!((board.len(), board.removed()), (1, 1));
}

#[test]
fn of_equal_versions_a_build_takes_the_first() {
    let twice = [10, 20].map(|score| (id(1), Mark::new(score, Timestamp::EPOCH, 1)));
    assert_eq!(Board::with_marks(Order::SCORE, twice).score_at_rank(Rank::after(0)), Some(10.into()));
}

#[test]
fn equals_are_ranked_as_the_board_says() {
    let ranks = |ties| {
        let order = Order::new(&[Direction::Descending], ties).unwrap();
        let four = ranked(order, &[30, 20, 20, 10]);
        let by_player = [1, 2, 3, 4].map(|n| rank(&four, n).unwrap());
        assert_eq!(by_player.to_vec(), four.top(0, 4).iter().map(|row| row.rank.get()).collect::<Vec<_>>());
        by_player
    };
    assert_eq!(ranks(Ties::Competition), [1, 2, 2, 4]);
    assert_eq!(ranks(Ties::Dense), [1, 2, 2, 3]);
    assert_eq!(ranks(Ties::Ordinal), [1, 2, 3, 4]);
}

#[test]
fn columns_count_from_the_first_on_each_its_own_way() {
    let order = Order::new(&[Direction::Descending, Direction::Ascending], Ties::Competition).unwrap();
    let rows = [(1, [5, 90]), (2, [5, 80]), (3, [6, 99])];
    let keys = |[wins, time]: [i64; 2]| Keys::from([wins, time, 7, 7, 7]);
    let cup =
        Board::with_marks(order, rows.map(|(n, both)| (id(n), Mark::new(keys(both), Timestamp::EPOCH, 1))));
    assert_eq!(brief(&cup.top(0, 3)), [(1, 3), (2, 2), (3, 1)]);
    assert_eq!(cup.score_at_rank(Rank::after(1)), Some([5, 80, 0, 0, 0].into()), "no third column");
}

#[test]
fn an_order_has_one_to_five_columns() {
    let order = |columns| Order::new(&[Direction::Ascending; 6][..columns], Ties::Dense);
    assert_eq!([0, 1, 5, 6].map(|columns| order(columns).is_some()), [false, true, true, false]);
    assert_eq!(Order::new(&[Direction::Descending], Ties::Competition), Some(Order::SCORE));
    assert_eq!(format!("{:?}", Order::SCORE), "Order([Descending], Competition)");
}

#[test]
fn nobody_counts_a_hidden_player() {
    let mut three = board(&[30, 20, 10]);
    three.set_visibility(id(1), Visibility::Hidden);
    assert_eq!((rank(&three, 1), rank(&three, 2), three.len(), three.kept_len()), (None, Some(1), 2, 3));
    assert_eq!(brief(&three.top(0, 3)), [(1, 2), (2, 3)]);
    set(&mut three, 1, 5, 2);
    assert_eq!(rank(&three, 1), None, "a new mark does not show him");
    three.set_visibility(id(1), Visibility::Shown);
    assert_eq!(rank(&three, 1), Some(3));
}

#[test]
fn a_player_in_the_shadow_sees_himself() {
    let mut three = board(&[30, 20, 10]);
    three.set_visibility(id(2), Visibility::Shadow);
    assert_eq!((rank(&three, 2), rank(&three, 3), three.len()), (Some(2), Some(2), 2));
    assert_eq!(three.around(id(2), 1).map(|rows| brief(&rows)), Some(vec![(1, 1), (2, 2), (3, 3)]));
    assert_eq!(percentile(&three, 2), Some(50.0));
    assert_eq!(three.among(&[id(2), id(3)]).len(), 1);
}

#[test]
fn visibility_outlives_removal_and_comes_before_the_first_mark() {
    let mut board = Board::default();
    board.set_visibility(id(1), Visibility::Hidden);
    assert_eq!((board.removed(), board.kept(id(1))), (0, None));
    set(&mut board, 1, 10, 1);
    assert_eq!((board.len(), board.kept_len()), (0, 1));
    board.remove(id(1), 2);
    set(&mut board, 1, 10, 3);
    assert_eq!((board.len(), board.kept_len()), (0, 1));
}

#[test]
fn a_mark_that_is_not_eligible_is_kept_without_a_rank() {
    let mut board = board(&[30, 20]);
    board.set(id(1), Mark { eligible: false, ..Mark::new(40, Timestamp::EPOCH, 2) });
    assert_eq!((rank(&board, 1), rank(&board, 2)), (None, Some(1)));
    assert_eq!(board.kept(id(1)).map(|kept| kept.mark.keys.first()), Some(40));
    assert_eq!(board.set(id(1), Mark::new(40, Timestamp::EPOCH, 2)), Change::Ignored);
    board.set(id(1), Mark::new(40, Timestamp::EPOCH, 3));
    assert_eq!(rank(&board, 1), Some(1));
}

#[test]
fn dense_ids_may_leave_holes() {
    let mut board = DenseBoard::default();
    board.set(7, Mark::new(5, Timestamp::EPOCH, 1));
    assert_eq!((board.standing(3), board.standing(8), board.kept(0)), (None, None, None));
    assert_eq!(board.remove(3, 1), Change::Applied);
    assert_eq!(board.set(3, Mark::new(5, Timestamp::EPOCH, 1)), Change::Ignored);
    assert_eq!((board.len(), board.kept_len()), (1, 1));
}
