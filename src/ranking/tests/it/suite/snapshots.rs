use super::twin::{Naming, Twin};
use gsm_core::Timestamp;
use gsm_ranking::{
    Board, DenseIds, Direction, Mark, Order, PlayerIds, Ranked, SnapshotError, Ties, Visibility,
};
use proptest::{collection::vec, prelude::*, sample::select};

/// The source ended early.
#[derive(Debug, PartialEq)]
struct Ended;

fn write<I: Naming>(board: &Ranked<I>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let written: Result<(), Ended> = board.write_snapshot(|part| {
        bytes.extend_from_slice(part);
        Ok(())
    });
    assert_eq!(written, Ok(()));
    bytes
}

/// Reads a board, and tells how many bytes are left.
fn read<I: Naming>(mut bytes: &[u8]) -> Result<(Ranked<I>, usize), SnapshotError<Ended>> {
    let board = Ranked::read_snapshot(|part: &mut [u8]| {
        let (taken, rest) = bytes.split_at_checked(part.len()).ok_or(Ended)?;
        part.copy_from_slice(taken);
        bytes = rest;
        Ok(())
    });
    board.map(|board| (board, bytes.len()))
}

/// Some are ranked, some hidden, not eligible or gone.
fn fill<I: Naming>(order: Order, rows: &[(u64, i64, i64, u8)]) -> (Ranked<I>, Twin<I>) {
    let (mut board, mut twin) = (Ranked::new(order), Twin::new(order));
    for (&(n, score, at, kind), version) in rows.iter().zip(1..) {
        let player = I::named(n);
        let mark = Mark::new([score, at, score, n as i64, 1], Timestamp::from_millis(at), version);
        let mark = Mark { eligible: kind != 1, ..mark };
        let visibility = [Visibility::Shown, Visibility::Hidden, Visibility::Shadow][usize::from(kind) % 3];
        match kind {
            2 => assert_eq!(board.remove(player, version), twin.remove(player, version)),
            3..6 => {
                board.set_visibility(player, visibility);
                twin.set_visibility(player, visibility);
            }
            _ => assert_eq!(board.set(player, mark), twin.set(player, mark)),
        }
    }
    (board, twin)
}

fn round_trip<I: Naming>(order: Order, rows: &[(u64, i64, i64, u8)]) {
    let (board, twin) = fill::<I>(order, rows);
    let mut bytes = write(&board);
    bytes.extend([7; 9]);
    let (mut again, left) = read::<I>(&bytes).unwrap();
    assert_eq!((left, again.order()), (9, order), "nothing after it is read");
    twin.check(&again, 11);
    assert_eq!(write(&again)[..], bytes[..bytes.len() - left], "it is the same board");
    // It also goes on the same way: what was known is known.
    let (mut first, mut twin) = (board, twin);
    for (&(n, score, at, kind), version) in rows.iter().rev().zip(0..) {
        let mark = Mark::new(score / 3, Timestamp::from_millis(at), version + u64::from(kind) * 9);
        let change = twin.set(I::named(n), mark);
        assert_eq!((first.set(I::named(n), mark), again.set(I::named(n), mark)), (change, change));
    }
    twin.check(&again, 12);
}

fn numbers() -> impl Strategy<Value = i64> {
    prop_oneof![8 => -3..4i64, 1 => any::<i64>(), 1 => select(vec![i64::MIN, i64::MAX])]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_board_comes_back_as_it_was(
        directions in vec(select(vec![Direction::Ascending, Direction::Descending]), 1..6),
        ties in select(vec![Ties::Competition, Ties::Dense, Ties::Ordinal]),
        narrow in vec((0..90u64, -3..4i64, -3..4i64, 0..20u8), 0..200),
        wide in vec((0..90u64, numbers(), numbers(), 0..20u8), 0..200),
    ) {
        let order = Order::new(&directions, ties).unwrap();
        round_trip::<PlayerIds>(order, &narrow);
        round_trip::<PlayerIds>(order, &wide);
        round_trip::<DenseIds>(order, &wide);
    }

    /// One byte changed, or cut off anywhere.
    #[test]
    fn damage_is_an_error(
        rows in vec((0..90u64, -3..4i64, -3..4i64, 0..20u8), 0..60),
        at in any::<prop::sample::Index>(),
        by in 1..=255u8,
    ) {
        let mut bytes = write(&fill::<PlayerIds>(Order::SCORE, &rows).0);
        let at = at.index(bytes.len());
        prop_assert!(matches!(read::<PlayerIds>(&bytes[..at]), Err(SnapshotError::Read(Ended))));
        bytes[at] ^= by;
        prop_assert!(read::<PlayerIds>(&bytes).is_err(), "byte {}", at);
    }

    #[test]
    fn any_bytes_are_an_error(bytes in vec(any::<u8>(), 0..300)) {
        prop_assert!(read::<PlayerIds>(&bytes).is_err());
    }
}

/// Several frames: one that is missing, doubled or out of its turn.
#[test]
fn frames_hold_together() {
    let marks = (0..5_000u64).map(|n| (PlayerIds::named(n), Mark::new(n as i64, Timestamp::EPOCH, 1)));
    let board = Board::with_marks(Order::SCORE, marks);
    let mut frames: Vec<Vec<u8>> = Vec::new();
    let mut parts = Vec::new();
    board
        .write_snapshot(|part| {
            parts.push(part.to_vec());
            Ok::<_, Ended>(())
        })
        .unwrap();
    frames.extend(parts.chunks(3).map(|frame| frame.concat()));
    assert!(frames.len() >= 4, "{}", frames.len());
    assert_eq!(read::<PlayerIds>(&frames.concat()).unwrap().0.len(), 5_000);
    let error = |frames: &[Vec<u8>]| read::<PlayerIds>(&frames.concat()).err();
    let sum = Some(SnapshotError::Damaged { what: "a checksum differs" });
    let mut other = frames.clone();
    other.swap(1, 2);
    assert_eq!(error(&other), sum);
    other = frames.clone();
    other.remove(1);
    assert_eq!(error(&other), sum);
    other = frames.clone();
    other.insert(1, frames[1].clone());
    assert_eq!(error(&other), sum);
}

#[test]
fn a_snapshot_of_another_kind_is_refused_by_name() {
    let bytes = write(&Ranked::<DenseIds>::default());
    assert_eq!(read::<PlayerIds>(&bytes).err(), Some(SnapshotError::Ids { found: 4, wanted: 16 }));
}

/// What format 1 looks like, as it was first written: two players, one hidden, one removed. It must be read for ever.
#[test]
fn format_1_is_read() {
    const FIRST: &[u8] = include_bytes!("../../data/board-v1.bin");
    let id = gsm_core::PlayerId::from_u128;
    let mut board = Board::default();
    let at = Timestamp::from_millis(1_790_000_000_123);
    let _ = board.set(id(1), Mark::new(1_500_000, at, 7));
    let _ = board.set(id(2), Mark::new(1_720_500, at, 8));
    let _ = board.set(id(3), Mark::new(-5, Timestamp::from_millis(-5), 9));
    board.set_visibility(id(3), Visibility::Hidden);
    let _ = board.remove(id(4), 10);
    assert_eq!(write(&board), FIRST);
    let (again, left) = read::<PlayerIds>(FIRST).unwrap();
    assert_eq!((again.kept(id(3)), again.kept(id(1)), left), (board.kept(id(3)), board.kept(id(1)), 0));
    assert!(again.iter().eq(board.iter()) && again.removed() == 1);
}
