//! Matchmaker data: what FlexMatch tells the game server of a match.
use super::{
    App,
    answer::Answer,
    extract::{Params, Read},
};
use crate::{
    gamelift::arn::Kind,
    problem::{ApiError, Problem},
};
use axum::extract::State;
use gsm_engine::{DataPlayer, DataTeam, MatchmakerData};
use gsm_rules::Value;
use serde::Serialize;
use std::{collections::BTreeMap, sync::Arc};
use utoipa::ToSchema;

/// The members, and their names, are FlexMatch's.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MatchmakerDataDto {
    match_id: String,
    /// Of the queue that made the match; null where a server made it in a bare mode.
    matchmaking_configuration_arn: Option<String>,
    teams: Vec<DataTeamDto>,
    /// Always null: nothing is backfilled by itself.
    #[schema(value_type = Option<String>)]
    auto_backfill_mode: (),
    #[schema(value_type = Option<String>)]
    auto_backfill_ticket_id: (),
}

#[derive(Serialize, ToSchema)]
pub(crate) struct DataTeamDto {
    /// Its number, from 1, where the rules name no teams.
    name: String,
    players: Vec<DataPlayerDto>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DataPlayerDto {
    /// As the ticket named the player: over the GameLift wire the client's own name, else the id.
    player_id: String,
    /// Those that the rule set declares, with their defaults where the player brought none.
    attributes: BTreeMap<String, DataAttributeDto>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DataAttributeDto {
    /// `STRING`, `DOUBLE`, `STRING_LIST` or `STRING_DOUBLE_MAP`.
    attribute_type: &'static str,
    /// A string, a number, a list of strings or an object of numbers.
    #[schema(value_type = serde_json::Value)]
    value_attribute: DataValue,
}

#[derive(Serialize)]
#[serde(untagged)]
enum DataValue {
    Text(String),
    Number(f64),
    List(Vec<String>),
    Map(BTreeMap<String, f64>),
}

impl From<Value> for DataAttributeDto {
    fn from(value: Value) -> Self {
        let (attribute_type, value_attribute) = match value {
            Value::Text(text) => ("STRING", DataValue::Text(text)),
            Value::Number(number) => ("DOUBLE", DataValue::Number(number)),
            Value::List(list) => ("STRING_LIST", DataValue::List(list)),
            Value::Map(map) => ("STRING_DOUBLE_MAP", DataValue::Map(map)),
        };
        Self { attribute_type, value_attribute }
    }
}

impl From<DataPlayer> for DataPlayerDto {
    fn from(of: DataPlayer) -> Self {
        let attributes = of.attributes.into_iter().map(|(name, value)| (name, value.into()));
        Self { player_id: of.id, attributes: attributes.collect() }
    }
}

/// Read what FlexMatch tells the game server of a match.
///
/// The JSON that GameLift puts into a game session's `MatchmakerData`: who plays on which team, with the attributes that the
/// rule set declares. They are known for a day from the match's beginning, and of matches that the matcher made. A queue that goes
/// by another rule set since then has those that the other one declares: ask when the match begins.
#[utoipa::path(get, path = "/v1/matches/{match_id}/matchmaker-data", tag = "matches", operation_id = "get_matchmaker_data",
    params(("match_id" = String, Path)),
    responses((status = 200, body = MatchmakerDataDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetMatchmakerData")), ("x-gsm-roles" = json!(["server", "admin", "match"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn read(
    State(app): State<Arc<App>>,
    read: Read,
    params: Params,
) -> Result<Answer<MatchmakerDataDto>, ApiError> {
    let MatchmakerData { id, queue, teams } =
        app.engine.matchmaker_data(&read.call, params.get("match_id")?).await?;
    let arn = queue.map(|queue| {
        let made_in = queue.gamelift.as_ref().and_then(|of| of.region.as_deref());
        app.wire.place(made_in).arn(Kind::Configuration, queue.name.as_str())
    });
    let team = |of: DataTeam| DataTeamDto {
        name: of.name,
        players: of.players.into_iter().map(Into::into).collect(),
    };
    Ok(Answer(MatchmakerDataDto {
        match_id: id.to_string(),
        matchmaking_configuration_arn: arn,
        teams: teams.into_iter().map(team).collect(),
        auto_backfill_mode: (),
        auto_backfill_ticket_id: (),
    }))
}
