//! The Rust SDK, unmodified, against a server that verifies its signatures.
use crate::gamelift::Verifying;
use aws_sdk_gamelift::{
    Client,
    config::{BehaviorVersion, Config, Credentials, Region, retry::RetryConfig},
    error::ProvideErrorMetadata as _,
    types::{
        AcceptanceType, FlexMatchMode, MatchmakingConfigurationStatus as Status, MatchmakingTicket, Player,
        Tag,
    },
};

fn client(at: &Verifying, secret: &str) -> Client {
    let keys = Credentials::builder().access_key_id(&at.key).secret_access_key(secret).provider_name("test");
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .endpoint_url(&at.url)
        .credentials_provider(keys.build())
        .retry_config(RetryConfig::disabled())
        .http_client(aws_smithy_http_client::Builder::new().build_http());
    Client::from_conf(config.build())
}

fn player(name: &str) -> Player {
    Player::builder().player_id(name).latency_in_ms("eu-west-1", 30).build()
}

fn tag(key: &str) -> Tag {
    Tag::builder().key(key).value("v").build()
}

/// The tickets, once all of them stand so.
async fn until(gl: &Client, tickets: &[String; 2], status: Status) -> Vec<MatchmakingTicket> {
    for _ in 0..3_000 {
        let asked = gl.describe_matchmaking().set_ticket_ids(Some(tickets.to_vec())).send().await.unwrap();
        let found = asked.ticket_list.unwrap();
        if found.iter().all(|ticket| ticket.status == Some(status.clone())) {
            return found;
        }
        assert!(found.iter().all(|ticket| ticket.end_time.is_none()), "{found:?}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the tickets do not become {status:?}");
}

#[tokio::test]
async fn the_rust_sdk_walks_through_what_is_served() {
    let at = Verifying::start();
    let gl = client(&at, &at.secret);
    let body = r#"{"ruleLanguageVersion": "1.0", "teams": [
        {"name": "left", "minPlayers": 1, "maxPlayers": 1}, {"name": "right", "minPlayers": 1, "maxPlayers": 1}]}"#;
    let bad =
        gl.validate_matchmaking_rule_set().rule_set_body("{}").send().await.unwrap_err().into_service_error();
    assert!(bad.is_invalid_request_exception() && bad.message().is_some(), "{bad:?}");
    let made = gl.create_matchmaking_rule_set().name("r").rule_set_body(body).send().await.unwrap();
    let made = made.rule_set.unwrap();
    assert_eq!((made.rule_set_body(), made.creation_time().is_some()), (Some(body), true));
    let config = gl
        .create_matchmaking_configuration()
        .name("c")
        .rule_set_name(made.rule_set_arn.unwrap())
        .request_timeout_seconds(60)
        .acceptance_required(true)
        .acceptance_timeout_seconds(30)
        .flex_match_mode(FlexMatchMode::Standalone);
    let config = config.send().await.unwrap().configuration.unwrap();
    assert_eq!(config.rule_set_name(), Some("r"));
    let start = async |name: &str| {
        let asked = gl.start_matchmaking().configuration_name("c").players(player(name)).send().await;
        asked.unwrap().matchmaking_ticket.unwrap().ticket_id.unwrap()
    };
    let tickets = [start("ada").await, start("bo").await];
    until(&gl, &tickets, Status::RequiresAcceptance).await;
    for (ticket, name) in tickets.iter().zip(["ada", "bo"]) {
        let answer = gl.accept_match().ticket_id(ticket).player_ids(name);
        answer.acceptance_type(AcceptanceType::Accept).send().await.unwrap();
    }
    let matched = until(&gl, &tickets, Status::Completed).await;
    let mut teams: Vec<_> = matched.iter().filter_map(|ticket| ticket.players()[0].team()).collect();
    teams.sort_unstable();
    assert_eq!(teams, ["left", "right"]);

    let again = start("ada").await;
    gl.stop_matchmaking().ticket_id(&again).send().await.unwrap();
    let ended = gl.stop_matchmaking().ticket_id(&again).send().await.unwrap_err().into_service_error();
    assert!(ended.is_invalid_request_exception(), "{ended:?}");
    let unknown = gl.stop_matchmaking().ticket_id("none").send().await.unwrap_err().into_service_error();
    assert!(unknown.is_not_found_exception(), "{unknown:?}");

    let arn = config.configuration_arn.unwrap();
    gl.tag_resource().resource_arn(&arn).tags(tag("k")).tags(tag("l")).send().await.unwrap();
    gl.untag_resource().resource_arn(&arn).tag_keys("k").send().await.unwrap();
    assert_eq!(gl.list_tags_for_resource().resource_arn(&arn).send().await.unwrap().tags(), [tag("l")]);
    let stranger = client(&at, "wrong").list_tags_for_resource().resource_arn(&arn).send().await.unwrap_err();
    assert_eq!(stranger.code(), Some("InvalidSignatureException"));
    gl.delete_matchmaking_configuration().name("c").send().await.unwrap();
    gl.delete_matchmaking_rule_set().name("r").send().await.unwrap();
}
