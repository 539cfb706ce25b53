//! Rule sets: made version by version, read, deleted. The GameLift wire knows the first version of each.
use super::{
    App,
    answer::Answer,
    extract::{Admitted, Params, RuleSetJson, Write},
};
use crate::problem::{ApiError, Problem};
use axum::{extract::State, http::StatusCode};
use gsm_core::{RuleSetName, limits::PAGE_SIZE_MAX};
use gsm_engine::RuleSetVersion;
use gsm_rules::TEXT_CHARS_MAX;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};
use utoipa::ToSchema;

/// A version of a rule set.
#[derive(Serialize, ToSchema)]
pub(crate) struct RuleSetDto {
    name: String,
    /// Which version, from 1.
    version: u32,
    /// When this version was made.
    created_at: i64,
    /// The rule set itself (docs/rule-sets.md).
    #[schema(value_type = BTreeMap<String, Value>)]
    body: Value,
    /// The tags of the rule set.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<String, String>,
    /// The queues that go by this version.
    queues: Vec<String>,
}

impl RuleSetDto {
    fn new(app: &App, of: &RuleSetVersion) -> Self {
        let queues = app.engine.queues_by(&of.name, of.version);
        Self {
            name: of.name.to_string(),
            version: of.version,
            created_at: of.created_at.as_millis(),
            body: serde_json::from_str(&of.body).unwrap_or_default(),
            tags: of.tags.clone(),
            queues: queues.iter().map(|queue| queue.name.to_string()).collect(),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct VersionsDto {
    /// Oldest first.
    versions: Vec<RuleSetDto>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct RuleSetsDto {
    rule_sets: Vec<RuleSetDto>,
}

/// What a rule set is made from.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRuleSet {
    /// The rule set itself (docs/rule-sets.md).
    #[schema(value_type = BTreeMap<String, Value>)]
    body: Value,
}

/// Make a rule set, or the next version of one.
///
/// A version never changes: a queue follows another by being pointed to it (`rule_set`, `rule_set_version` of
/// `PUT /v1/admin/queues/{queue}`), also under its waiting tickets, and so back. The body that is the newest version
/// already makes none; every fault of the body is named at once, with its path. A rule set has at most 65,535 characters,
/// blanks between them not counted, and the request 512 KiB.
#[utoipa::path(put, path = "/v1/admin/rule-sets/{rule_set}", tag = "admin", operation_id = "put_rule_set",
    params(("rule_set" = String, Path)), request_body = NewRuleSet,
    responses((status = 200, body = RuleSetDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:PutRuleSet")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn put(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<RuleSetJson<NewRuleSet>>,
) -> Result<Answer<RuleSetDto>, ApiError> {
    let name: RuleSetName = params.get("rule_set")?;
    let text = text(&write.body.0.body).map_err(|error| ApiError::value("body", error))?;
    let made = app.engine.put_rule_set(&write.call, &name, &text).await?;
    Ok(Answer(RuleSetDto::new(&app, &made)))
}

/// A rule set as it is kept: for people to read, unless that would be longer than a text may be.
fn text(body: &Value) -> serde_json::Result<String> {
    let pretty = serde_json::to_string_pretty(body)?;
    if pretty.chars().count() > TEXT_CHARS_MAX { serde_json::to_string(body) } else { Ok(pretty) }
}

/// List the rule sets, each in its newest version.
#[utoipa::path(get, path = "/v1/rule-sets", tag = "queues", operation_id = "list_rule_sets",
    responses((status = 200, body = RuleSetsDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:ListRuleSets")), ("x-gsm-roles" = json!(["server", "admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn list(State(app): State<Arc<App>>, _: Admitted) -> Answer<RuleSetsDto> {
    let rows = app.engine.rule_sets(None, PAGE_SIZE_MAX);
    // One that went meanwhile is left out.
    let newest = rows.iter().filter_map(|row| app.engine.rule_set_version(&row.name, None).ok());
    Answer(RuleSetsDto { rule_sets: newest.map(|of| RuleSetDto::new(&app, &of)).collect() })
}

/// Read the newest version of a rule set.
#[utoipa::path(get, path = "/v1/rule-sets/{rule_set}", tag = "queues", operation_id = "get_rule_set",
    params(("rule_set" = String, Path)),
    responses((status = 200, body = RuleSetDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetRuleSet")), ("x-gsm-roles" = json!(["server", "admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    _: Admitted,
    params: Params,
) -> Result<Answer<RuleSetDto>, ApiError> {
    Ok(Answer(RuleSetDto::new(&app, &app.engine.rule_set_version(&params.get("rule_set")?, None)?)))
}

/// List the versions of a rule set, oldest first.
#[utoipa::path(get, path = "/v1/rule-sets/{rule_set}/versions", tag = "queues", operation_id = "list_rule_set_versions",
    params(("rule_set" = String, Path)),
    responses((status = 200, body = VersionsDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:ListRuleSetVersions")), ("x-gsm-roles" = json!(["server", "admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn versions(
    State(app): State<Arc<App>>,
    _: Admitted,
    params: Params,
) -> Result<Answer<VersionsDto>, ApiError> {
    let versions = app.engine.rule_set_versions(&params.get("rule_set")?)?;
    Ok(Answer(VersionsDto { versions: versions.iter().map(|of| RuleSetDto::new(&app, of)).collect() }))
}

/// Read a version of a rule set.
#[utoipa::path(get, path = "/v1/rule-sets/{rule_set}/versions/{version}", tag = "queues", operation_id = "get_rule_set_version",
    params(("rule_set" = String, Path), ("version" = u32, Path)),
    responses((status = 200, body = RuleSetDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetRuleSetVersion")), ("x-gsm-roles" = json!(["server", "admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn version(
    State(app): State<Arc<App>>,
    _: Admitted,
    params: Params,
) -> Result<Answer<RuleSetDto>, ApiError> {
    let (name, version): (RuleSetName, u32) = (params.get("rule_set")?, params.get("version")?);
    Ok(Answer(RuleSetDto::new(&app, &app.engine.rule_set_version(&name, Some(version))?)))
}

/// Delete a version of a rule set, neither the first nor the newest; refused while a queue uses it.
#[utoipa::path(delete, path = "/v1/admin/rule-sets/{rule_set}/versions/{version}", tag = "admin", operation_id = "delete_rule_set_version",
    params(("rule_set" = String, Path), ("version" = u32, Path)),
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:DeleteRuleSetVersion")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn delete_version(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<()>,
) -> Result<StatusCode, ApiError> {
    let (name, version): (RuleSetName, u32) = (params.get("rule_set")?, params.get("version")?);
    app.engine.delete_rule_set_version(&write.call, &name, version).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Delete a rule set with all its versions; refused while a queue uses it.
#[utoipa::path(delete, path = "/v1/admin/rule-sets/{rule_set}", tag = "admin", operation_id = "delete_rule_set",
    params(("rule_set" = String, Path)),
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:DeleteRuleSet")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<()>,
) -> Result<StatusCode, ApiError> {
    app.engine.delete_rule_set(&write.call, &params.get("rule_set")?).await?;
    Ok(StatusCode::NO_CONTENT)
}
