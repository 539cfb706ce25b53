//! What lies on disks stays readable: the journal of the embedded store holds keys and rows by the number of their variant, its
//! tables have keys by their bytes. These are the fixtures of what was shipped: nothing here changes but by addition.
mod rows;

use rows::{named, rows};

use gsm_core::{
    AdjustmentId, BoardName, JobId, KeyId, MatchId, Mode, PlayerId, ProposalId, QueueName, RuleSetName,
    TicketId,
};
use gsm_engine::AddressList;
use gsm_engine::store::{Home, Key, KeyRange, Row};
use serde::de::DeserializeOwned;

/// What each of [`rows`] is on disks: a line with its name and its bytes.
fn fixtures() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/stored/rows.txt");
    std::fs::read_to_string(path).unwrap()
}

/// A key of each variant with its bytes in the tables of a store, in the order in which the variants have always stood; whoever
/// adds one adds it at the end, here and there.
fn keys() -> Vec<(Key, &'static str)> {
    let player = PlayerId::from_u128(1);
    let of_match = MatchId::from_u128(2);
    let mode = Mode::new("duel").unwrap();
    let queue = QueueName::new("duel").unwrap();
    let board = BoardName::new("best").unwrap();
    let rules = RuleSetName::new("rules").unwrap();
    let hash = [7; 32];
    vec![
        (Key::Player(player), "0100000000000000000000000000000001"),
        (Key::Identity(hash), "020707070707070707070707070707070707070707070707070707070707070707"),
        (Key::Queue(queue.clone()), "036475656c00"),
        (Key::ApiKey(KeyId::from_u128(3)), "0400000000000000000000000000000003"),
        (Key::Archive(of_match), "0500000000000000000000000000000002"),
        (Key::Rating(mode.clone(), player), "066475656c0000000000000000000000000000000001"),
        (
            Key::History(mode.clone(), player, 1),
            "076475656c00000000000000000000000000000000010000000000000001",
        ),
        (Key::Result(of_match), "0800000000000000000000000000000002"),
        (Key::Staged(JobId::from_u128(4), 1), "090000000000000000000000000000000400000001"),
        (Key::Outbox(of_match), "0a00000000000000000000000000000002"),
        (Key::Ticket(TicketId::from_u128(5)), "0b00000000000000000000000000000005"),
        (Key::Claim(player), "0c00000000000000000000000000000001"),
        (Key::Backfill(hash), "300707070707070707070707070707070707070707070707070707070707070707"),
        (Key::Proposal(ProposalId::from_u128(6)), "0d00000000000000000000000000000006"),
        (Key::Match(of_match), "0e00000000000000000000000000000002"),
        (Key::Lease(queue.clone()), "0f6475656c00"),
        (
            Key::Idempotency(Home::Record, hash),
            "10000707070707070707070707070707070707070707070707070707070707070707",
        ),
        (Key::Adjustment(AdjustmentId::from_u128(7)), "1100000000000000000000000000000007"),
        (Key::Gate(mode.clone()), "126475656c00"),
        (Key::Counting(mode.clone()), "2b6475656c00"),
        (Key::System(8), "130000000000000008"),
        (Key::Board(board.clone()), "146265737400"),
        (
            Key::Entry(board.clone(), 0, player),
            "156265737400000000000000000000000000000000000000000000000001",
        ),
        (
            Key::Scored(board.clone(), 0, player, 1),
            "31626573740000000000000000000000000000000000000000000000000100000001",
        ),
        (Key::Shade(board.clone(), player), "16626573740000000000000000000000000000000001"),
        (Key::Attributes(player), "1700000000000000000000000000000001"),
        (Key::Learnt(mode.clone()), "186475656c00"),
        (Key::Payout(board.clone(), 1), "1962657374000000000000000001"),
        (Key::Seat(board.clone(), 1, 2, 3), "1a62657374000000000000000001000000000000000200000003"),
        (Key::Seated(board.clone(), player), "1b626573740000000000000000000000000000000001"),
        (Key::Bucket(board.clone(), 1, "eu".to_owned()), "1c62657374000000000000000001657500"),
        (Key::Opened(board.clone(), 1), "1d62657374000000000000000001"),
        (Key::Starts(board.clone(), 1), "2862657374000000000000000001"),
        (Key::Closing(board.clone()), "546265737400"),
        (Key::Watch(player, board.clone()), "1e000000000000000000000000000000016265737400"),
        (Key::Told(player, board), "1f000000000000000000000000000000016265737400"),
        (Key::RuleSet(rules.clone()), "2972756c657300"),
        (Key::RuleSetVersion(rules, 2), "2c72756c65730000000002"),
        (Key::AwsKey(KeyId::from_u128(3)), "2a00000000000000000000000000000003"),
        (Key::Dodges(mode.clone(), player), "2d6475656c0000000000000000000000000000000001"),
        (Key::Leaves(mode.clone(), player), "2e6475656c0000000000000000000000000000000001"),
        (Key::Offences(of_match), "2f00000000000000000000000000000002"),
        (Key::Bans(player), "4600000000000000000000000000000001"),
        (Key::Quarantine(of_match), "4700000000000000000000000000000002"),
        (Key::Lesson(mode.clone(), of_match), "3f6475656c0000000000000000000000000000000002"),
        (Key::Listed(AddressList::Deny, "192.0.2.0/24".to_owned()), "35003139322e302e322e302f323400"),
        (Key::SigningKey(KeyId::from_u128(3)), "3700000000000000000000000000000003"),
        (Key::Erased(player), "4800000000000000000000000000000001"),
        (Key::Erasing(player), "4900000000000000000000000000000001"),
        (Key::Banned(hash), "520707070707070707070707070707070707070707070707070707070707070707"),
        (
            Key::IdentityOf(player, hash),
            "4a000000000000000000000000000000010707070707070707070707070707070707070707070707070707070707070707",
        ),
        (Key::Upkeep, "4b"),
        (Key::Reports(of_match), "4c00000000000000000000000000000002"),
        (
            Key::Flag(mode.clone(), player, player),
            "4d6475656c000000000000000000000000000000000100000000000000000000000000000001",
        ),
        (Key::Retired(queue, mode), "556475656c006475656c00"),
        (Key::Said(of_match), "5600000000000000000000000000000002"),
    ]
}

/// Every range, and some that hold none of [`keys`], so near they are.
fn ranges() -> Vec<(KeyRange, bool)> {
    let (player, stranger) = (PlayerId::from_u128(1), PlayerId::from_u128(1 << 8));
    let [duel, due] = ["duel", "due"].map(|name| Mode::new(name).unwrap());
    let [best, bes] = ["best", "bes"].map(|name| BoardName::new(name).unwrap());
    let [rules, rule] = ["rules", "rule"].map(|name| RuleSetName::new(name).unwrap());
    let all = vec![
        KeyRange::Queues,
        KeyRange::ApiKeys,
        KeyRange::RuleSets,
        KeyRange::AllRuleSetVersions,
        KeyRange::RuleSetVersions(rules),
        KeyRange::AwsKeys,
        KeyRange::SigningKeys,
        KeyRange::Ratings(duel.clone()),
        KeyRange::AllRatings,
        KeyRange::History(duel.clone(), player),
        KeyRange::Histories(duel.clone()),
        KeyRange::Outbox,
        KeyRange::Tickets,
        KeyRange::Proposals,
        KeyRange::Matches,
        KeyRange::Results,
        KeyRange::Adjustments,
        KeyRange::Gates,
        KeyRange::Boards,
        KeyRange::Entries(best.clone(), 0),
        KeyRange::AllEntries(best.clone()),
        KeyRange::Scored(best.clone(), 0, player),
        KeyRange::ScoredIn(best.clone(), 0),
        KeyRange::AllScored(best.clone()),
        KeyRange::Payouts(best.clone()),
        KeyRange::Seats(best.clone(), 1),
        KeyRange::SeatsOf(best.clone(), 1, 2),
        KeyRange::AllSeats(best.clone()),
        KeyRange::AllSeated(best.clone()),
        KeyRange::AllBuckets(best.clone()),
        KeyRange::AllOpened(best.clone()),
        KeyRange::AllStarts(best.clone()),
        KeyRange::AllClosing,
        KeyRange::Shades,
        KeyRange::ShadesOf(best.clone()),
        KeyRange::AllAttributes,
        KeyRange::AllLearnt,
        KeyRange::Watches(player),
        KeyRange::AllWatches,
        KeyRange::AllTold,
        KeyRange::AllDodges,
        KeyRange::AllLeaves,
        KeyRange::AllOffences,
        KeyRange::AllBans,
        KeyRange::Quarantine,
        KeyRange::AllLessons,
        KeyRange::AllListed,
        KeyRange::Archives,
        KeyRange::AllErased,
        KeyRange::AllErasing,
        KeyRange::IdentitiesOf(player),
        KeyRange::Answers(Home::Record),
        KeyRange::AllReports,
        KeyRange::AllSaid,
        KeyRange::AllFlags,
        KeyRange::Flags(duel.clone()),
        KeyRange::AllRetired,
    ];
    let near = vec![
        KeyRange::RuleSetVersions(rule),
        KeyRange::Ratings(due.clone()),
        KeyRange::History(duel, stranger),
        KeyRange::Histories(due.clone()),
        KeyRange::Entries(best.clone(), 1),
        KeyRange::AllEntries(bes.clone()),
        KeyRange::Scored(best.clone(), 0, stranger),
        KeyRange::ScoredIn(best.clone(), 1),
        KeyRange::AllScored(bes.clone()),
        KeyRange::Payouts(bes.clone()),
        KeyRange::Seats(best.clone(), 0),
        KeyRange::SeatsOf(best, 1, 3),
        KeyRange::AllSeats(bes.clone()),
        KeyRange::AllSeated(bes.clone()),
        KeyRange::AllBuckets(bes.clone()),
        KeyRange::AllOpened(bes.clone()),
        KeyRange::AllStarts(bes.clone()),
        KeyRange::ShadesOf(bes),
        KeyRange::Watches(stranger),
        KeyRange::IdentitiesOf(stranger),
        KeyRange::Answers(Home::Document),
        KeyRange::Flags(due),
    ];
    let with = |ranges: Vec<KeyRange>, holds| ranges.into_iter().map(move |range| (range, holds));
    with(all, true).chain(with(near, false)).collect()
}

/// Which of [`keys`] a range may hold. Whoever adds a range adds it above, too.
fn held_by(range: &KeyRange) -> usize {
    use KeyRange as R;
    match range {
        R::Queues => 2,
        R::ApiKeys => 3,
        R::Archives => 4,
        R::Ratings(_) | R::AllRatings => 5,
        R::History(..) | R::Histories(_) => 6,
        R::Results => 7,
        R::Outbox => 9,
        R::Tickets => 10,
        R::Proposals => 13,
        R::Matches => 14,
        R::Answers(_) => 16,
        R::Adjustments => 17,
        R::Gates => 18,
        R::Boards => 21,
        R::Entries(..) | R::AllEntries(_) => 22,
        R::Scored(..) | R::ScoredIn(..) | R::AllScored(_) => 23,
        R::Shades | R::ShadesOf(_) => 24,
        R::AllAttributes => 25,
        R::AllLearnt => 26,
        R::Payouts(_) => 27,
        R::Seats(..) | R::SeatsOf(..) | R::AllSeats(_) => 28,
        R::AllSeated(_) => 29,
        R::AllBuckets(_) => 30,
        R::AllOpened(_) => 31,
        R::AllStarts(_) => 32,
        R::AllClosing => 33,
        R::Watches(_) | R::AllWatches => 34,
        R::AllTold => 35,
        R::RuleSets => 36,
        R::RuleSetVersions(_) | R::AllRuleSetVersions => 37,
        R::AwsKeys => 38,
        R::AllDodges => 39,
        R::AllLeaves => 40,
        R::AllOffences => 41,
        R::AllBans => 42,
        R::Quarantine => 43,
        R::AllLessons => 44,
        R::AllListed => 45,
        R::SigningKeys => 46,
        R::AllErased => 47,
        R::AllErasing => 48,
        R::IdentitiesOf(_) => 50,
        R::AllReports => 52,
        R::AllFlags | R::Flags(_) => 53,
        R::AllRetired => 54,
        R::AllSaid => 55,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether nothing is known by the number after the last: else it lacks here.
fn is_last<T: DeserializeOwned>(number: usize) -> bool {
    let bytes = postcard::to_allocvec(&u32::try_from(number).unwrap()).unwrap();
    matches!(postcard::from_bytes::<T>(&bytes), Err(error) if error != postcard::Error::DeserializeUnexpectedEnd)
}

#[test]
fn a_key_is_written_by_the_number_that_it_has_always_had() {
    let keys = keys();
    assert!(is_last::<Key>(keys.len()), "a variant is not pinned");
    for (number, (key, _)) in keys.into_iter().enumerate() {
        let bytes = postcard::to_allocvec(&key).unwrap();
        assert_eq!(usize::from(bytes[0]), number, "{key}");
        assert_eq!(postcard::from_bytes::<Key>(&bytes).unwrap(), key);
    }
}

#[test]
fn a_key_has_the_bytes_that_it_has_always_had() {
    for (key, bytes) in keys() {
        assert_eq!(hex(&key.encode()), bytes, "{key}");
        assert_eq!(Key::decode(&key.encode()), Ok(key));
    }
}

#[test]
fn a_range_holds_its_keys_and_no_others() {
    let keys = keys();
    for (range, holds) in ranges() {
        let in_range = |(key, _): &(Key, _)| key.encode().starts_with(&range.prefix());
        let held: Vec<usize> = (0..keys.len()).filter(|&number| in_range(&keys[number])).collect();
        assert_eq!(held, if holds { vec![held_by(&range)] } else { vec![] }, "{range:?}");
        for number in held {
            assert_eq!(keys[number].0.home(), range.home(), "{range:?}");
        }
    }
}

/// A store whose home is one alone must take what goes together: so these lie where they do.
#[test]
fn a_row_has_the_home_that_it_has_always_had() {
    let of = |home| {
        let keys = keys().into_iter().enumerate().filter(move |(_, (key, _))| key.home() == home);
        keys.map(|(number, _)| number).collect::<Vec<_>>()
    };
    assert_eq!(of(Home::Document), [0, 1, 2, 3, 4, 21, 36, 37, 38, 42, 45, 46, 47, 48, 49, 50, 54]);
    assert_eq!(of(Home::Live), [10, 11, 12, 13, 14, 15, 34, 35, 39, 51]);
}

#[test]
fn a_row_is_written_as_it_has_always_been() {
    let rows = rows();
    assert!(is_last::<Row>(rows.len()), "a variant is not pinned");
    let mut written = String::new();
    for (number, row) in rows.iter().enumerate() {
        let bytes = postcard::to_allocvec(row).unwrap();
        assert_eq!(usize::from(bytes[0]), number, "{row:?}");
        written += &format!("{} {}\n", named(row), hex(&bytes));
    }
    let fixtures = fixtures();
    for (now, ever) in written.lines().zip(fixtures.lines()) {
        assert_eq!(now, ever);
    }
    assert_eq!(written, fixtures);
}

#[test]
fn a_row_of_ever_is_read() {
    for (line, row) in fixtures().lines().zip(rows()) {
        let (_, bytes) = line.split_once(' ').unwrap();
        let bytes: Vec<u8> = (0..bytes.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&bytes[at..at + 2], 16).unwrap())
            .collect();
        assert_eq!(postcard::from_bytes::<Row>(&bytes).unwrap(), row);
    }
}
