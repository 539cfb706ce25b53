//! What lies on disks stays readable: the journal of the embedded store holds keys by the number of their variant.
use gsm_core::{
    AdjustmentId, BoardName, JobId, KeyId, MatchId, Mode, PlayerId, ProposalId, QueueName, RuleSetName,
    TicketId,
};
use gsm_engine::AddressList;
use gsm_engine::store::{Home, Key};

/// A key of each variant, in the order in which they have always stood; whoever adds one adds it at the end, here and there.
fn keys() -> Vec<Key> {
    let player = PlayerId::from_u128(1);
    let of_match = MatchId::from_u128(2);
    let mode = Mode::new("duel").unwrap();
    let queue = QueueName::new("duel").unwrap();
    let board = BoardName::new("best").unwrap();
    let rules = RuleSetName::new("rules").unwrap();
    let hash = [7; 32];
    vec![
        Key::Player(player),
        Key::Identity(hash),
        Key::Queue(queue.clone()),
        Key::ApiKey(KeyId::from_u128(3)),
        Key::Archive(of_match),
        Key::Rating(mode.clone(), player),
        Key::History(mode.clone(), player, 1),
        Key::Result(of_match),
        Key::Staged(JobId::from_u128(4), 1),
        Key::Outbox(of_match),
        Key::Ticket(TicketId::from_u128(5)),
        Key::Claim(player),
        Key::Backfill(hash),
        Key::Proposal(ProposalId::from_u128(6)),
        Key::Match(of_match),
        Key::Lease(queue.clone()),
        Key::Idempotency(Home::Record, hash),
        Key::Adjustment(AdjustmentId::from_u128(7)),
        Key::Gate(mode.clone()),
        Key::Counting(mode.clone()),
        Key::System(8),
        Key::Board(board.clone()),
        Key::Entry(board.clone(), 0, player),
        Key::Scored(board.clone(), 0, player, 1),
        Key::Shade(board.clone(), player),
        Key::Attributes(player),
        Key::Learnt(mode.clone()),
        Key::Payout(board.clone(), 1),
        Key::Seat(board.clone(), 1, 2, 3),
        Key::Seated(board.clone(), player),
        Key::Bucket(board.clone(), 1, "eu".to_owned()),
        Key::Opened(board.clone(), 1),
        Key::Starts(board.clone(), 1),
        Key::Closing(board.clone()),
        Key::Watch(player, board.clone()),
        Key::Told(player, board),
        Key::RuleSet(rules.clone()),
        Key::RuleSetVersion(rules, 2),
        Key::AwsKey(KeyId::from_u128(3)),
        Key::Dodges(mode.clone(), player),
        Key::Leaves(mode.clone(), player),
        Key::Offences(of_match),
        Key::Bans(player),
        Key::Quarantine(of_match),
        Key::Lesson(mode.clone(), of_match),
        Key::Listed(AddressList::Deny, "192.0.2.0/24".to_owned()),
        Key::SigningKey(KeyId::from_u128(3)),
        Key::Erased(player),
        Key::Erasing(player),
        Key::Banned(hash),
        Key::IdentityOf(player, hash),
        Key::Upkeep,
        Key::Reports(of_match),
        Key::Flag(mode.clone(), player, player),
        Key::Retired(queue, mode),
        Key::Said(of_match),
    ]
}

#[test]
fn a_key_is_written_by_the_number_that_it_has_always_had() {
    for (number, key) in keys().into_iter().enumerate() {
        let bytes = postcard::to_allocvec(&key).unwrap();
        assert_eq!(usize::from(bytes[0]), number, "{key}");
        assert_eq!(postcard::from_bytes::<Key>(&bytes).unwrap(), key);
    }
}
