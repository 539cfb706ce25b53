//! Rule sets: made once, read, deleted. Over the GameLift wire they are the same.
use super::{
    App,
    answer::Answer,
    extract::{Admitted, Json, Params, Write},
};
use crate::problem::{ApiError, Problem};
use axum::{extract::State, http::StatusCode};
use gsm_core::{RuleSetName, limits::PAGE_SIZE_MAX};
use gsm_engine::{EngineError, store::RuleSetRow};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};
use utoipa::ToSchema;

/// A rule set.
#[derive(Serialize, ToSchema)]
pub(crate) struct RuleSetDto {
    name: String,
    created_at: i64,
    /// The rule set itself (docs/rule-sets.md).
    #[schema(value_type = Object)]
    body: Value,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<String, String>,
}

impl From<&RuleSetRow> for RuleSetDto {
    fn from(row: &RuleSetRow) -> Self {
        Self {
            name: row.name.to_string(),
            created_at: row.created_at.as_millis(),
            body: serde_json::from_str(&row.body).unwrap_or_default(),
            tags: row.tags.clone(),
        }
    }
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
    #[schema(value_type = Object)]
    body: Value,
}

/// Make a rule set.
///
/// It never changes: a queue follows another by naming another (`rule_set` of `PUT /v1/admin/queues/{queue}`), also under
/// its waiting tickets. The same body again answers the first; every fault of the body is named at once, with its path.
#[utoipa::path(put, path = "/v1/admin/rule-sets/{rule_set}", tag = "admin", operation_id = "put_rule_set",
    params(("rule_set" = String, Path)), request_body = NewRuleSet,
    responses((status = 200, body = RuleSetDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:PutRuleSet")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn put(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<Json<NewRuleSet>>,
) -> Result<Answer<RuleSetDto>, ApiError> {
    let name: RuleSetName = params.get("rule_set")?;
    let text = serde_json::to_string_pretty(&write.body.0.body).map_err(|e| ApiError::value("body", e))?;
    let made = app.engine.create_rule_set(&write.call, &name, &text, BTreeMap::new()).await;
    match made {
        Ok(row) => Ok(Answer((&row).into())),
        Err(taken @ EngineError::NameTaken { .. }) => {
            let row = app.engine.rule_set(&name)?;
            if serde_json::from_str::<Value>(&row.body).is_ok_and(|body| body == write.body.0.body) {
                return Ok(Answer((&*row).into()));
            }
            Err(taken.into())
        }
        Err(other) => Err(other.into()),
    }
}

/// List the rule sets.
#[utoipa::path(get, path = "/v1/rule-sets", tag = "queues", operation_id = "list_rule_sets",
    responses((status = 200, body = RuleSetsDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:ListRuleSets")), ("x-gsm-roles" = json!(["server", "admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn list(State(app): State<Arc<App>>, _: Admitted) -> Answer<RuleSetsDto> {
    let rows = app.engine.rule_sets(None, PAGE_SIZE_MAX);
    Answer(RuleSetsDto { rule_sets: rows.iter().map(|row| (&**row).into()).collect() })
}

/// Read a rule set.
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
    Ok(Answer((&*app.engine.rule_set(&params.get("rule_set")?)?).into()))
}

/// Delete a rule set; refused while a queue uses it.
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
