//! A row of each variant.
use gsm_core::{
    Attribute, BoardName, JobId, KeyId, MatchId, Millis, Mode, PlayerId, ProposalId, QueueName, RuleSetName,
    TicketId, Timestamp, Variant,
};
use gsm_engine::{
    AdminRole, Ban, BanKind, DeviationReset, HeardOf, Miss, PayoutConfig, ResetConfig, Role as CallerRole,
    Seat as CohortSeat, Silence, Target, VisibleReset,
    store::{
        AdjustmentKind, AdjustmentRow, AlsoIn, ApiKeyRow, AttributesRow, AwsKeyRow, Best, Brought, Carried,
        Claim, CountingRow, CredentialRow, Entry, EntryRow, ErasedRow, ErasingRow, FlagRow, Forecast,
        GateRow, HistoryRow, IdentityKind, Inside, Key, LearntRow, Lease, LessonRow, ListedRow, MatchRow,
        OffencesRow, OutboxRow, PayingRow, PayoutRow, PenaltiesRow, Place, PlayerRow, Prediction, PushEvent,
        PushKind, QuarantineRow, RatingRow, Regions, Replay, ReportsRow, ReportsStage, ResultRow, RetiredRow,
        Row, RuleSetRow, RuleSetVersionRow, ScoredRow, SeatOf, SeatRow, SecretRow, ShadeRow, SideChange,
        Sparse, Spoke, StagedRow, StandingRow, StartsRow, Step, TicketPlayer, TicketRow, ToldRow, Vector,
        Verdict, WatchRow, WhoRow,
    },
};
use gsm_matchmaking::{Proposal, Role, Seat};
use gsm_ranking::tier::TierState;
use gsm_rating::{Offset, Rating, explained::Adjusted};
use gsm_rules::Value;
use gsm_session::{
    Ladder, MatchResult, MatchState, Offence, OffenceKind, Offences, PlayerReport, PlayerSession, Report,
    Roster, Standings, TicketState, Voices,
};
use serde::de::DeserializeOwned;
use serde_json::json;

const ANN: PlayerId = PlayerId::from_u128(1);
const BOB: PlayerId = PlayerId::from_u128(2);
const MATCH: MatchId = MatchId::from_u128(3);
const HASH: [u8; 32] = [7; 32];
const AT: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const LATER: Timestamp = Timestamp::from_millis(1_700_000_060_000);
const RATING: Rating = Rating { mean: 1512.5, deviation: 80.25, volatility: 0.06 };

fn of<T: DeserializeOwned>(value: serde_json::Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn mode() -> Mode {
    Mode::new("duel").unwrap()
}

fn queue() -> QueueName {
    QueueName::new("ranked").unwrap()
}

fn eu() -> Attribute {
    "eu".parse().unwrap()
}

fn clay() -> Option<Variant> {
    Some("clay".parse().unwrap())
}

fn roster() -> Roster {
    Roster::new(vec![vec![ANN], vec![BOB]]).unwrap().with_home(Some(1)).unwrap().with_variant(clay())
}

fn result() -> MatchResult {
    let line = |player, place, quit, share| PlayerReport {
        player,
        place,
        score: Some(f64::from(place) + 0.5),
        quit,
        share,
    };
    let standings = Standings::Players(vec![line(ANN, 1, false, None), line(BOB, 2, true, Some(0.75))]);
    let duration = Some(Millis::from_secs(60));
    MatchResult::validate(
        &Report { standings, quits: vec![], afk: vec![], duration, variant: None },
        &roster(),
    )
    .unwrap()
}

fn standing() -> StandingRow {
    let carried = Carried {
        recent: of(json!({ "opponents": [9, 8], "excess": 0.5, "variance": 0.25 })),
        offsets: of(json!([["clay", { "mean": 12.5, "deviation": 30.0 }]])),
    };
    let rating = RatingRow {
        rating: RATING,
        rated_at: AT,
        games: 4,
        wins: 2,
        draws: 1,
        score: 1_512_500,
        reached_at: LATER,
        carried: Some(Box::new(carried)),
    };
    StandingRow { last: Place { depth: 5, entry: Entry::Match(MATCH) }, rating: Some(rating) }
}

fn forecast() -> Box<Forecast> {
    let inside = Inside {
        model: "ensemble".to_owned(),
        spoke: Spoke::Called {
            model: "other".to_owned(),
            variant: Some("blue".to_owned()),
            own: 0.625,
            inference: "call-1".to_owned(),
        },
        sequence: 17,
        learnt: 16,
        at: AT,
        interval: Some([0.5, 0.75]),
        margin: Some(1.5),
        seen: Some(Vector { values: Sparse::new([0.0, 2.5]), variant: Some(1), context: [0.5, 0.25] }),
        parts: Sparse::new([0.125]),
        contenders: vec![vec![0.625], vec![]],
        shadows: vec![("shadow".to_owned(), vec![0.5])],
        regions: Regions::Each(Some(eu()), vec![Some(eu()), None]),
        waits_ms: vec![1_500, 0],
    };
    Box::new(Forecast {
        quality: 0.875,
        expected: vec![0.625, 0.375],
        chances: Some([0.5, 0.25, 0.25]),
        inside: Some(Box::new(inside)),
    })
}

fn role() -> Role {
    Role { name: "tank".to_owned(), choice: Some(1) }
}

fn proposal() -> Proposal {
    let seat = |ticket, player| vec![Seat { ticket: TicketId::from_u128(ticket), player }];
    Proposal::new(ProposalId::from_u128(4), MATCH, &[seat(5, ANN), seat(6, BOB)], LATER)
        .unwrap()
        .of_teams(vec!["red".to_owned(), "blue".to_owned()])
        .of_roles([(ANN, role())].into())
        .joining(TicketId::from_u128(6))
}

fn ticket() -> TicketRow {
    let brought = Brought {
        name: Some("ann".to_owned()),
        attributes: [
            ("a".to_owned(), Value::Number(1.5)),
            ("b".to_owned(), Value::Text("x".to_owned())),
            ("c".to_owned(), Value::List(vec!["y".to_owned()])),
            ("d".to_owned(), Value::Map([("z".to_owned(), 2.0)].into())),
        ]
        .into(),
        latency_ms: [("eu-1".to_owned(), 40)].into(),
        team: Some("red".to_owned()),
        role: Some(role()),
    };
    TicketRow {
        own_id: Some("evening-1".parse().unwrap()),
        owner: ANN,
        queue: queue(),
        also: vec![AlsoIn { queue: "blitz".parse().unwrap(), ratings: vec![RATING] }],
        players: vec![TicketPlayer { player: ANN, rating: RATING }],
        brought: vec![brought],
        backfill: true,
        shadow: true,
        session: Some("game-1".to_owned()),
        state: TicketState::Completed,
        queued_at: AT,
        expires_at: LATER,
        ended_at: Some(LATER),
        reason: Some("r".to_owned()),
        proposal: Some(ProposalId::from_u128(4)),
        match_id: Some(MATCH),
    }
}

fn of_match() -> MatchRow {
    MatchRow {
        queue: Some(queue()),
        mode: mode(),
        roster: roster(),
        teams: vec!["red".to_owned()],
        roles: [(BOB, role())].into(),
        state: MatchState::Running,
        created_at: AT,
        changed_at: LATER,
        expires_at: LATER,
        tickets: vec![TicketId::from_u128(5)],
        claimed: true,
        prediction: Prediction {
            model: "glicko2".to_owned(),
            expected: vec![0.5, 0.5],
            forecast: Some(forecast()),
        },
        spread: 12.5,
        wait_ms_max: Millis::new(900),
        player_sessions: vec![PlayerSession::reserve(ANN, AT)],
        connection: Some("192.0.2.1:7777".to_owned()),
        created_by: Some("server-1".to_owned()),
    }
}

fn entry() -> EntryRow {
    let tier = TierState {
        placement_left: 1,
        division: 2,
        points: 3,
        shield_left: 4,
        decayed_days: 5,
        last_played: AT,
    };
    EntryRow {
        values: [1, -2, 3, 0, 5],
        reached_at: AT,
        submitted_at: LATER,
        submissions: 6,
        deviation: 80.25,
        tier: Some(tier),
        metadata: Some("m".to_owned()),
        steps: 7,
    }
}

fn payout() -> PayoutRow {
    let config = PayoutConfig { page_size: 100, in_flight_max: 3, retry_after_ms: 60_000 };
    let ledger = json!({
        "rows": 250, "page_size": 100, "next": 3, "in_flight": { "1": AT }, "acknowledged_below": 1, "acknowledged": [2]
    });
    PayoutRow { config, ledger: Some(of(ledger)) }
}

fn offences() -> Offences {
    let ladder =
        Ladder { locks_ms: vec![Millis::ZERO, Millis::from_secs(60)], forget_after_ms: Millis::new(9) };
    let mut offences = Offences::new(ladder.clone());
    assert!(offences.add(Offence { match_id: MATCH, at: AT }, &ladder));
    offences
}

fn voices() -> Voices {
    let mut voices = Voices::default();
    voices.say(BOB, AT, result());
    voices
}

fn result_row() -> ResultRow {
    let change = SideChange {
        player: ANN,
        before: RATING,
        after: RATING,
        expected: 0.625,
        actual: 1.0,
        adjusted: Some(Adjusted { repeated_weight: 0.5, newcomer_weight: 0.25, boost: 1.5, bonus: 10.0 }),
    };
    ResultRow {
        mode: mode(),
        roster: roster(),
        result: result(),
        at: AT,
        depth: 5,
        system: 6,
        from: vec![None, Some(standing())],
        changes: vec![change],
        offsets: vec![Offset { mean: 1.5, deviation: 20.0 }],
        call: Some((HASH, [8; 32])),
        verdict: Verdict::Corrected { reason: "r".to_owned(), at: LATER },
        reported: Some(Box::new(result())),
    }
}

fn adjustment() -> AdjustmentRow {
    AdjustmentRow {
        mode: mode(),
        player: ANN,
        at: AT,
        depth: 2,
        system: 3,
        kind: AdjustmentKind::Reset(ResetConfig {
            target: Target::Mean(1500.0),
            keep: 0.5,
            deviation: DeviationReset::AtLeast(100.0),
            restart_games: true,
            visible: VisibleReset::Lower { divisions: 2 },
        }),
        reason: "r".to_owned(),
        from: Some(standing()),
    }
}

fn credential() -> CredentialRow {
    CredentialRow {
        id: KeyId::from_u128(9),
        role: CallerRole::Admin,
        admin: Some(AdminRole::Support),
        note: "n".to_owned(),
        created_at: AT,
        revoked_at: Some(LATER),
        secrets: vec![SecretRow { sha256: HASH, created_at: AT, good_until: Some(LATER) }],
        first_hash: Some((HASH, Some(AT))),
    }
}

/// In the order in which the variants have always stood, with something in every field, so that each is seen; whoever adds a variant
/// adds it at the end, here, below and there.
pub(super) fn rows() -> Vec<Row> {
    let (id, note) = (KeyId::from_u128(9), "n".to_owned());
    let (created_at, revoked_at) = (AT, Some(LATER));
    let (seat, reason) = (CohortSeat { cohort: 2, number: 3 }, "r".to_owned());
    let before = Some(SeatOf { season: 1, seat, level: 2 });
    vec![
        Row::Player(PlayerRow {
            name: Some("Ann".parse().unwrap()),
            external_id: Some("ann-1".parse().unwrap()),
            created_at,
        }),
        Row::Identity(ANN),
        Row::Queue("{}".to_owned()),
        Row::ApiKey(ApiKeyRow {
            id,
            secret_hash: HASH,
            role: CallerRole::Server,
            note: note.clone(),
            created_at,
            revoked_at,
        }),
        Row::Rating(standing()),
        Row::History(HistoryRow {
            at: AT,
            step: Step::Match {
                match_id: MATCH,
                place: 1,
                shared: true,
                sides: 2,
                expected: 0.5,
                actual: 0.75,
                quit: true,
            },
            before: RATING,
            after: RATING,
            games: 4,
        }),
        Row::Result(Box::new(result_row())),
        Row::Staged(Box::new(StagedRow::Tell(
            ANN,
            PushEvent { at: AT, kind: PushKind::Dispute { match_id: MATCH, reason: reason.clone() } },
        ))),
        Row::Outbox(OutboxRow { at: AT }),
        Row::Ticket(Box::new(ticket())),
        Row::Claim(Claim::Match(MATCH)),
        Row::Proposal(
            queue(),
            Box::new(proposal()),
            Some(Box::new(HeardOf::Asked {
                heard: Err(Miss::Slow),
                mode: mode(),
                home: Some(1),
                variant: clay(),
                inference: Some("call-1".to_owned()),
            })),
        ),
        Row::Match(Box::new(of_match())),
        Row::Lease(Lease { owner: "node".to_owned(), fence: 3, until: AT }),
        Row::Replay(Replay { fingerprint: HASH, answer: "{}".to_owned() }),
        Row::Adjustment(Box::new(adjustment())),
        Row::Gate(GateRow {
            job: JobId::from_u128(8),
            owner: "node".to_owned(),
            staged: 4,
            applied: Some(2),
        }),
        Row::System("{}".to_owned()),
        Row::Board("{}".to_owned()),
        Row::Entry(entry()),
        Row::Shade(ShadeRow { shadow: true, reason: reason.clone(), at: AT }),
        Row::Attributes(AttributesRow {
            region: Some(eu()),
            platform: Some("pc".parse().unwrap()),
            groups: vec!["guild".parse().unwrap()],
        }),
        Row::Learnt(LearntRow {
            under: 5,
            learnt: of(json!({
                "newcomers": { "mean": 1.0, "variance": 0.5 },
                "home": { "mean": 2.0, "variance": 0.25 },
                "sharpness": { "mean": 3.0, "variance": 0.125 },
                "margin_lead": 4.0, "lead_squared": 5.0, "residual_squared": 6.0, "margins": 7.0,
                "draws": 8.0, "evenness": 9.0,
            })),
            results: 6,
        }),
        Row::Payout(payout()),
        Row::Watch(WatchRow {
            friends: vec![BOB],
            top: vec![1, 10],
            personal_best: true,
            since: AT,
            until: LATER,
        }),
        Row::Told(ToldRow {
            of: 4,
            ahead: Some(vec![1]),
            top: Some(10),
            best: Some(Best { value: -5, depth: 6, told: 7 }),
        }),
        Row::Seat(SeatRow { player: ANN, level: 2, before }),
        Row::Seated(SeatOf { season: 4, seat, level: 1 }),
        Row::Bucket(seat),
        Row::Opened(3),
        Row::Starts(StartsRow { bounds: of(json!([-100, 1_200])), players: 300, at: AT }),
        Row::RuleSet(RuleSetRow {
            name: RuleSetName::new("rules").unwrap(),
            body: "{}".to_owned(),
            created_at,
            tags: [("k".to_owned(), "v".to_owned())].into(),
        }),
        Row::AwsKey(AwsKeyRow {
            id,
            sealed_secret: vec![1, 2, 3],
            role: CallerRole::Server,
            note,
            created_at,
            revoked_at,
        }),
        Row::Counting(CountingRow { boards: [(BoardName::new("best").unwrap(), 11)].into() }),
        Row::RuleSetVersion(RuleSetVersionRow { body: "{}".to_owned(), created_at }),
        Row::Penalties(PenaltiesRow([(OffenceKind::Leave, offences())].into())),
        Row::Offences(OffencesRow { scope: mode(), of: vec![(BOB, OffenceKind::Afk)] }),
        Row::Scored(Box::new(ScoredRow { at: AT, entry: Some(entry()) })),
        Row::Bans(vec![Ban {
            kind: BanKind::Queues([queue()].into()),
            reason: reason.clone(),
            by: "admin".to_owned(),
            since: AT,
            until: Some(LATER),
        }]),
        Row::Quarantine(QuarantineRow { mode: mode(), at: AT, reason: reason.clone() }),
        Row::Lesson(Box::new(LessonRow {
            at: AT,
            depth: 5,
            roster: roster(),
            variant: clay(),
            places: vec![1, 2],
            scores: vec![Some(1.5), None],
            forecast: Some(forecast()),
        })),
        Row::Listed(ListedRow { reason, by: "admin".to_owned(), created_at, expires_at: Some(LATER) }),
        Row::Who(Box::new(WhoRow::ApiKey(credential()))),
        Row::IdentityOf(IdentityKind::Subject),
        Row::Erased(Box::new(ErasedRow {
            at: AT,
            by_player: true,
            identities: vec![IdentityKind::ImportedId],
            name: true,
            external_id: true,
            bans: 2,
            finished_at: Some(LATER),
        })),
        Row::Erasing(Box::new(ErasingRow { again: true, part: 3, after: Some(Key::Claim(ANN)), due: AT })),
        Row::Reports(Box::new(ReportsRow {
            mode: mode(),
            queue: queue(),
            roster: roster(),
            agree: 2,
            silence: Silence::Dispute,
            deadline: LATER,
            voices: voices(),
            stage: ReportsStage::Disputed,
            overruled: vec![BOB],
        })),
        Row::Flag(Box::new(FlagRow {
            raised_at: AT,
            at: LATER,
            meetings: 9,
            expected: 1.5,
            matches: [10, 11],
            wins: [9, 0],
            players: 6,
        })),
        Row::Closing(Some(mode())),
        Row::Paying(Box::new(PayingRow { payout: payout(), unseen: Some(vec![(BOB, true)]) })),
        Row::Retired(RetiredRow { config: "{}".to_owned(), at: AT }),
    ]
}

/// The variant of a row.
pub(super) fn named(row: &Row) -> &'static str {
    match row {
        Row::Player(_) => "Player",
        Row::Identity(_) => "Identity",
        Row::Queue(_) => "Queue",
        Row::ApiKey(_) => "ApiKey",
        Row::Rating(_) => "Rating",
        Row::History(_) => "History",
        Row::Result(_) => "Result",
        Row::Staged(_) => "Staged",
        Row::Outbox(_) => "Outbox",
        Row::Ticket(_) => "Ticket",
        Row::Claim(_) => "Claim",
        Row::Proposal(..) => "Proposal",
        Row::Match(_) => "Match",
        Row::Lease(_) => "Lease",
        Row::Replay(_) => "Replay",
        Row::Adjustment(_) => "Adjustment",
        Row::Gate(_) => "Gate",
        Row::System(_) => "System",
        Row::Board(_) => "Board",
        Row::Entry(_) => "Entry",
        Row::Shade(_) => "Shade",
        Row::Attributes(_) => "Attributes",
        Row::Learnt(_) => "Learnt",
        Row::Payout(_) => "Payout",
        Row::Watch(_) => "Watch",
        Row::Told(_) => "Told",
        Row::Seat(_) => "Seat",
        Row::Seated(_) => "Seated",
        Row::Bucket(_) => "Bucket",
        Row::Opened(_) => "Opened",
        Row::Starts(_) => "Starts",
        Row::RuleSet(_) => "RuleSet",
        Row::AwsKey(_) => "AwsKey",
        Row::Counting(_) => "Counting",
        Row::RuleSetVersion(_) => "RuleSetVersion",
        Row::Penalties(_) => "Penalties",
        Row::Offences(_) => "Offences",
        Row::Scored(_) => "Scored",
        Row::Bans(_) => "Bans",
        Row::Quarantine(_) => "Quarantine",
        Row::Lesson(_) => "Lesson",
        Row::Listed(_) => "Listed",
        Row::Who(_) => "Who",
        Row::IdentityOf(_) => "IdentityOf",
        Row::Erased(_) => "Erased",
        Row::Erasing(_) => "Erasing",
        Row::Reports(_) => "Reports",
        Row::Flag(_) => "Flag",
        Row::Closing(_) => "Closing",
        Row::Paying(_) => "Paying",
        Row::Retired(_) => "Retired",
    }
}
