use super::*;
use gsm_core::{EventId, MatchId, QueueName};
use gsm_engine::{EventPlayer, GameLift, QueueConfig, RuleCount, store::Forecast};
use std::sync::Arc;

fn account() -> Account {
    Account { region: Some("eu-central-1".into()), id: "123456789012".into() }
}

fn player(id: &str, team: Option<&str>, accepted: Option<bool>) -> EventPlayer {
    EventPlayer { id: id.into(), team: team.map(Into::into), role: None, accepted }
}

fn event(what: Happening, match_id: Option<u128>, players: [EventPlayer; 2]) -> MatchmakingEvent {
    let mut config = QueueConfig::new(
        QueueName::new("ladder").unwrap(),
        gsm_core::Mode::new("ladder").unwrap(),
        gsm_matchmaking::MatchRules::default(),
    );
    config.gamelift = Some(GameLift {
        created_at: Some(Timestamp::EPOCH),
        description: None,
        acceptance_timeout_s: None,
        custom_event_data: Some("season-9".into()),
        notification_target: None,
        additional_player_count: None,
        game_properties: vec![],
        game_session_data: None,
        backfill_mode: None,
        flex_match_mode: None,
        game_session_queue_arns: vec![],
        tags: [].into(),
        region: None,
    });
    let at = Timestamp::from_millis(1_767_607_200_120);
    let [one, two] = players;
    let ticket = |id: &str, player| {
        let players = vec![player];
        EventTicket { id: id.into(), queued_at: at, session: None, players }
    };
    MatchmakingEvent {
        id: EventId::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef),
        at,
        queue: Arc::new(config),
        what,
        match_id: match_id.map(MatchId::from_u128),
        prediction: None,
        tickets: vec![ticket("t-1", one), ticket("t-2", two)],
        rules: vec![RuleCount { rule: "RatingGap".into(), passed: 4, failed: 1 }],
    }
}

fn both(team: bool, accepted: [Option<bool>; 2]) -> [EventPlayer; 2] {
    let team = |name| team.then_some(name);
    [player("ada", team("red"), accepted[0]), player("bo", team("blue"), accepted[1])]
}

/// The members of `detail` beside tickets, session and custom data, which every event has alike.
fn own(event: &MatchmakingEvent) -> Value {
    let mut detail = event_bridge(event, &account())["detail"].take();
    let detail = detail.as_object_mut().unwrap();
    assert_eq!(detail.remove("customEventData"), Some(json!("season-9")));
    let tickets = detail.remove("tickets").unwrap();
    let session = detail.remove("gameSessionInfo").unwrap();
    assert_eq!(tickets[0]["startTime"], "2026-01-05T10:00:00.120Z");
    assert_eq!(json!([tickets[0]["players"][0], tickets[1]["players"][0]]), session["players"]);
    Value::Object(detail.clone())
}

const MATCH: Option<u128> = Some(0xff);
const MATCH_ID: &str = "mch-000000000000000000000000000000ff";

#[test]
fn the_envelope_is_eventbridges() {
    let event = event(Happening::Succeeded, MATCH, both(true, [None, None]));
    let players = json!([{"playerId": "ada", "team": "red"}, {"playerId": "bo", "team": "blue"}]);
    let expected = json!({
        "version": "0",
        "id": "01234567-89ab-cdef-0123-456789abcdef",
        "detail-type": "GameLift Matchmaking Event",
        "source": "aws.gamelift",
        "account": "123456789012",
        "time": "2026-01-05T10:00:00.120Z",
        "region": "eu-central-1",
        "resources": ["arn:aws:gamelift:eu-central-1:123456789012:matchmakingconfiguration/ladder"],
        "detail": {
            "type": "MatchmakingSucceeded",
            "tickets": [
                {"ticketId": "t-1", "startTime": "2026-01-05T10:00:00.120Z", "players": [players[0]]},
                {"ticketId": "t-2", "startTime": "2026-01-05T10:00:00.120Z", "players": [players[1]]},
            ],
            "gameSessionInfo": {"players": players},
            "customEventData": "season-9",
            "matchId": MATCH_ID,
        },
    });
    assert_eq!(event_bridge(&event, &account()), expected);
    let notification = sns(&event, &account(), "arn:aws:sns:eu-central-1:123456789012:ladder");
    assert_eq!(notification["Type"], "Notification");
    assert_eq!(notification["TopicArn"], "arn:aws:sns:eu-central-1:123456789012:ladder");
    let message: Value = serde_json::from_str(notification["Message"].as_str().unwrap()).unwrap();
    assert_eq!(message, expected);
}

/// As players see it: how it came about is not told.
#[test]
fn a_match_that_takes_place_is_told_with_its_prediction() {
    let prediction =
        Forecast { quality: 0.96, expected: vec![0.6, 0.4], chances: Some([0.55, 0.1, 0.35]), inside: None };
    let players = both(true, [None, None]);
    let event =
        MatchmakingEvent { prediction: Some(prediction), ..event(Happening::Succeeded, MATCH, players) };
    let wanted = json!({"quality": 0.96, "expected": [0.6, 0.4], "win": 0.55, "draw": 0.1, "loss": 0.35});
    assert_eq!(
        own(&event),
        json!({"type": "MatchmakingSucceeded", "matchId": MATCH_ID, "prediction": wanted})
    );
}

#[test]
fn each_event_has_the_members_that_flexmatch_gives_it() {
    let none = || both(false, [None, None]);
    let counts = json!([{"ruleName": "RatingGap", "passedCount": 4, "failedCount": 1}]);
    let table = [
        (
            event(Happening::Searching(None), None, none()),
            json!({"type": "MatchmakingSearching", "estimatedWaitMillis": "NOT_AVAILABLE"}),
        ),
        (
            event(Happening::Searching(Some(Millis::new(61_200))), None, none()),
            json!({"type": "MatchmakingSearching", "estimatedWaitMillis": 62}),
        ),
        (
            event(Happening::PotentialMatch(Some(Millis::from_secs(30))), MATCH, both(true, [None, None])),
            json!({"type": "PotentialMatchCreated", "matchId": MATCH_ID, "acceptanceRequired": true,
                   "acceptanceTimeout": 30, "ruleEvaluationMetrics": counts}),
        ),
        (
            event(Happening::PotentialMatch(None), MATCH, both(true, [None, None])),
            json!({"type": "PotentialMatchCreated", "matchId": MATCH_ID, "acceptanceRequired": false,
                   "ruleEvaluationMetrics": counts}),
        ),
        (
            event(Happening::Answered, MATCH, both(true, [Some(true), None])),
            json!({"type": "AcceptMatch", "matchId": MATCH_ID}),
        ),
        (
            event(Happening::Decided(Decision::Accepted), MATCH, both(true, [Some(true), Some(true)])),
            json!({"type": "AcceptMatchCompleted", "matchId": MATCH_ID, "acceptance": "Accepted"}),
        ),
        (
            event(Happening::Decided(Decision::Rejected), MATCH, both(true, [Some(true), Some(false)])),
            json!({"type": "AcceptMatchCompleted", "matchId": MATCH_ID, "acceptance": "Rejected"}),
        ),
        (
            event(Happening::Decided(Decision::TimedOut), MATCH, both(true, [None, None])),
            json!({"type": "AcceptMatchCompleted", "matchId": MATCH_ID, "acceptance": "TimedOut"}),
        ),
        (
            event(Happening::Succeeded, MATCH, both(true, [Some(true), Some(true)])),
            json!({"type": "MatchmakingSucceeded", "matchId": MATCH_ID}),
        ),
        (
            event(Happening::TimedOut, None, none()),
            json!({"type": "MatchmakingTimedOut", "reason": "TimedOut", "ruleEvaluationMetrics": counts,
                   "message": "Removed from matchmaking due to timing out."}),
        ),
        (
            event(Happening::Cancelled("Cancelled by request.".into()), None, none()),
            json!({"type": "MatchmakingCancelled", "reason": "Cancelled", "ruleEvaluationMetrics": counts,
                   "message": "Cancelled by request."}),
        ),
    ];
    for (event, expected) in table {
        assert_eq!(own(&event), expected, "{:?}", event.what);
    }
}

#[test]
fn a_backfill_names_its_session() {
    const ARN: &str = "arn:aws:gamelift:us-east-1::gamesession/fleet-1/s";
    let mut event = event(Happening::Succeeded, MATCH, both(true, [None, None]));
    event.tickets[1].session = Some(ARN.into());
    let detail = &event_bridge(&event, &account())["detail"];
    let players = json!([{"playerId": "ada", "team": "red"}, {"playerId": "bo", "team": "blue"}]);
    assert_eq!(detail["gameSessionInfo"], json!({"players": players, "gameSessionArn": ARN}));
    assert_eq!(detail["tickets"][1].get("gameSessionArn"), None);
}

#[test]
fn an_answer_shows_only_where_there_is_one() {
    let event = event(Happening::Answered, MATCH, both(true, [Some(false), None]));
    let shown = &event_bridge(&event, &account())["detail"]["gameSessionInfo"]["players"];
    assert_eq!(
        *shown,
        json!([{"playerId": "ada", "team": "red", "accepted": false}, {"playerId": "bo", "team": "blue"}])
    );
}

#[test]
fn an_event_is_of_the_region_that_its_configuration_was_made_in() {
    let region = |set: Option<&str>, made_in: Option<&str>| {
        let mut event = event(Happening::Succeeded, None, both(true, [None, None]));
        let queue = Arc::make_mut(&mut event.queue);
        queue.gamelift.as_mut().unwrap().region = made_in.map(Into::into);
        let account = Account { region: set.map(Into::into), ..account() };
        let event = event_bridge(&event, &account);
        let region = event["region"].as_str().unwrap().to_owned();
        assert_eq!(
            event["resources"],
            json!([format!("arn:aws:gamelift:{region}:123456789012:matchmakingconfiguration/ladder")])
        );
        region
    };
    assert_eq!(region(None, None), "us-east-1");
    assert_eq!(region(None, Some("eu-west-1")), "eu-west-1");
    assert_eq!(region(Some("ap-south-1"), Some("eu-west-1")), "ap-south-1", "the settings say where all is");
}

#[test]
fn a_dispute_says_how_they_do_not_agree() {
    let event = event(Happening::Disputed("2 of 2".into()), Some(7), both(false, [None, None]));
    let detail = own(&event);
    assert_eq!((&detail["type"], &detail["message"]), (&json!("MatchDisputed"), &json!("2 of 2")));
}
