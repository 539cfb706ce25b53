//! Change sets like those of a 1v1 result in one home: twelve rows, four events, an audit record.
use gsm_core::{
    CommitKey, EventId, MatchId, Millis, Mode, PlayerId, ProposalId, QueueName, TicketId, Timestamp,
};
use gsm_engine::store::{
    AuditRecord, ChangeSet, Claim, Committed, Entry, Expect, HistoryRow, Home, Key, MatchRow, Op, Place,
    Prediction, PushEvent, PushKind, RatingCause, RatingRow, Replay, ResultRow, Row, SideChange, StandingRow,
    Step, Store, TicketPlayer, TicketRow, Verdict, Version, Write,
};
use gsm_rating::Rating;
use gsm_session::{
    MatchResult, MatchState, PlayerSession, Report, Roster, SideReport, Standings, TicketState,
};
use std::sync::Arc;

const AT: Timestamp = Timestamp::from_millis(1_800_000_000_000);
/// Pairs of players that one writer lets play in turn.
const PAIRS: u64 = 500;
const KEPT: Millis = Millis::from_secs(600);

/// A fixed scramble (splitmix64).
fn mix(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

fn id(n: u64) -> u128 {
    (u128::from(mix(n)) << 64) | u128::from(mix(!n))
}

/// One caller: its players are nobody else's, so that no commit meets a conflict.
pub(crate) struct Writer {
    number: u64,
    turn: u64,
    versions: Vec<Version>,
}

impl Writer {
    fn new(number: u64) -> Self {
        Self { number, turn: 0, versions: vec![0; PAIRS as usize] }
    }

    fn pair(&self) -> usize {
        (self.turn % PAIRS) as usize
    }

    /// Notes the version of the rows that the last set wrote.
    pub(crate) fn landed(&mut self, committed: Committed) {
        let pair = self.pair();
        self.versions[pair] = committed.sequence;
        self.turn += 1;
    }

    /// The result of the next match of the next pair.
    pub(crate) fn next_result(&self) -> ChangeSet {
        let (mode, version) = (Mode::new("duel").expect("name"), self.versions[self.pair()]);
        let n = (self.number << 40) | self.turn;
        let pair = (self.number << 40) | (self.turn % PAIRS);
        let players = [PlayerId::from_u128(id(pair * 2)), PlayerId::from_u128(id(pair * 2 + 1))];
        let (match_id, rating) =
            (MatchId::from_u128(id(n)), Rating { mean: 1512.25, deviation: 61.5, volatility: 0.06 });
        let roster = Roster::new(players.iter().map(|player| vec![*player]).collect()).expect("a roster");
        let side = |place| SideReport { place, score: Some(3.0) };
        let report = Report {
            standings: Standings::Sides(vec![side(1), side(2)]),
            quits: Vec::new(),
            afk: Vec::new(),
            duration: Some(Millis::from_secs(420)),
            variant: None,
        };
        let result = MatchResult::validate(&report, &roster).expect("a result");
        let mut set = ChangeSet::new(CommitKey::from_u128(id(n)), AT);
        let expect = if version == 0 { Expect::Absent } else { Expect::At(version) };
        let put = |row| Op::Put { row: Arc::new(row), expires_at: None };
        let until = |row| Op::Put { row: Arc::new(row), expires_at: Some(AT.saturating_add(KEPT)) };
        let changes = players.map(|player| SideChange {
            player,
            before: rating,
            after: rating,
            expected: 0.5,
            actual: 1.0,
            adjusted: None,
        });
        let last = Place { depth: self.turn, entry: Entry::Match(match_id) };
        let rated = RatingRow {
            rating,
            rated_at: AT,
            games: 100,
            wins: 50,
            draws: 3,
            score: 1_512_250,
            reached_at: AT,
            carried: None,
        };
        for player in players {
            let row = StandingRow { last, rating: Some(rated.clone()) };
            set.write(Key::Rating(mode.clone(), player), expect, put(Row::Rating(row)));
            set.write(Key::Claim(player), expect, put(Row::Claim(Claim::Match(match_id))));
            let step = HistoryRow {
                at: AT,
                step: Step::Match {
                    match_id,
                    place: 1,
                    shared: false,
                    sides: 2,
                    expected: 0.5,
                    actual: 1.0,
                    quit: false,
                },
                before: rating,
                after: rating,
                games: 100,
            };
            set.fold(Key::History(mode.clone(), player, self.turn), Row::History(step));
            let ticket = TicketId::from_u128(id(n ^ player.as_u128() as u64));
            let row = TicketRow {
                own_id: None,
                owner: player,
                queue: QueueName::new("duel-eu").expect("name"),
                also: vec![],
                players: vec![TicketPlayer { player, rating }],
                brought: vec![],
                backfill: false,
                shadow: false,
                session: None,
                state: TicketState::Completed,
                queued_at: AT,
                expires_at: AT,
                ended_at: Some(AT),
                reason: None,
                proposal: Some(ProposalId::from_u128(id(n))),
                match_id: Some(match_id),
            };
            set.write(Key::Ticket(ticket), Expect::Any, until(Row::Ticket(Box::new(row))));
            let cause = RatingCause::Result;
            let told =
                PushKind::Rating { mode: mode.clone(), match_id, cause, before: rating, after: rating };
            set.event(player, PushEvent { at: AT, kind: told });
            let ended =
                PushKind::Match { match_id, state: MatchState::Finished, connection: None, prediction: None };
            set.event(player, PushEvent { at: AT, kind: ended });
        }
        let ended = MatchRow {
            teams: vec![],
            roles: Default::default(),
            queue: Some(QueueName::new("duel-eu").expect("name")),
            mode: mode.clone(),
            roster: roster.clone(),
            state: MatchState::Finished,
            created_at: AT,
            changed_at: AT,
            expires_at: AT,
            tickets: vec![TicketId::from_u128(id(n)), TicketId::from_u128(id(!n))],
            claimed: true,
            prediction: Prediction { model: "rating-1".into(), expected: vec![0.5, 0.5], forecast: None },
            spread: 12.5,
            wait_ms_max: Millis::new(1_500),
            player_sessions: players.iter().map(|player| PlayerSession::reserve(*player, AT)).collect(),
            connection: Some("203.0.113.7:7777".into()),
            created_by: None,
        };
        set.folds.push(Write {
            key: Key::Archive(match_id),
            expect: Expect::Any,
            op: put(Row::Match(Box::new(ended.clone()))),
        });
        set.write(Key::Match(MatchId::from_u128(id(pair))), expect, put(Row::Match(Box::new(ended))));
        let gated = mode.clone();
        let row = ResultRow {
            mode,
            roster,
            result,
            at: AT,
            depth: self.turn,
            system: u64::MAX,
            from: vec![Some(StandingRow { last, rating: Some(rated) }); 2],
            changes: changes.to_vec(),
            offsets: Vec::new(),
            call: Some(([1; 32], [2; 32])),
            verdict: Verdict::Counted,
            reported: None,
        };
        set.check(Key::Gate(gated), Expect::Absent);
        set.create(Key::Result(match_id), Row::Result(Box::new(row)));
        let mut scope = [0; 32];
        scope[..16].copy_from_slice(&id(n).to_be_bytes());
        let replay = Replay { fingerprint: [3; 32], answer: "x".repeat(200) };
        set.write(Key::Idempotency(Home::Record, scope), Expect::Absent, until(Row::Replay(replay)));
        set.audit = Some(AuditRecord {
            event_id: EventId::from_u128(id(n)),
            action: "gsm:ReportResult".into(),
            principal: "server:key-0123456789abcdef".into(),
            request_id: format!("req-{n:016x}"),
            resources: vec![match_id.to_string()],
            reason: None,
            origin: Default::default(),
        });
        set
    }
}

/// Writers whose every pair has played once.
pub(crate) async fn writers(store: &dyn Store, count: usize) -> Vec<Writer> {
    let made = (1..=count as u64).map(async |number| {
        let mut writer = Writer::new(number);
        for _ in 0..PAIRS {
            let committed = crate::settle(store, &writer).await;
            writer.landed(committed);
        }
        writer
    });
    futures::future::join_all(made).await
}

/// Bytes of one set in the journal.
pub(crate) fn encoded_len() -> usize {
    postcard::to_stdvec(&Writer::new(1).next_result()).expect("encodes").len()
}
