//! Queues, as players and servers read them.
use super::{
    App,
    answer::Answer,
    extract::{Admitted, Params},
    parts::{PenaltiesShape, PlausibilityShape, RatingOptionsShape, RatingShape, ReportingShape, RulesShape},
};
use crate::problem::{ApiError, Problem};
use axum::extract::State;
use gsm_engine::QueueConfig;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// A queue: who meets whom, how long it may take, and what it is rated in.
#[derive(Serialize, ToSchema)]
pub(crate) struct QueueDto {
    name: String,
    #[serde(flatten)]
    settings: QueueSettings,
}

/// What a queue is told.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct QueueSettings {
    /// The mode its matches are rated in: 1 to 64 characters of `A-Za-z0-9-._`.
    #[schema(value_type = String)]
    pub(crate) mode: gsm_core::Mode,
    /// Who meets whom: `format` is `{"teams": {"teams": 2, "size": 1}}` or `{"free_for_all": {"min": 3, "max": 8,
    /// "fill_after_ms": 10000}}`; `window` is `{"min": 100, "growth_per_s": 20, "max": 1000}` in rating points.
    #[serde(default)]
    #[schema(value_type = RulesShape)]
    pub(crate) rules: gsm_matchmaking::MatchRules,
    /// How results move ratings; one system a mode.
    #[serde(default)]
    #[schema(value_type = RatingShape)]
    pub(crate) rating: gsm_rating::System,
    /// What the mode asks for beside its system, all off if absent: `{"repeated_pair": {}, "smurf": {}, "newcomer": {},
    /// "party": {"points_per_mate": 20}}`; one set a mode.
    #[serde(default, skip_serializing_if = "gsm_rating::options::Options::are_off")]
    #[schema(value_type = RatingOptionsShape)]
    pub(crate) rating_options: gsm_rating::options::Options,
    /// The side, from 0, that has the advantage of the game (white, the home team) in every match the queue forms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) home: Option<usize>,
    /// The variant of the mode (map, surface) that its matches are made for: 1 to 32 characters of `A-Za-z0-9-._`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) variant: Option<gsm_core::Variant>,
    /// Milliseconds to accept a proposal; absent: matches start at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) acceptance_ms: Option<u64>,
    /// Milliseconds until a waiting ticket times out; 600,000 if absent.
    #[serde(default = "ticket_timeout")]
    pub(crate) ticket_timeout_ms: u64,
    /// Milliseconds until a match without a result is abandoned; 7,200,000 if absent.
    #[serde(default = "match_timeout")]
    pub(crate) match_timeout_ms: u64,
    /// By what the sides of a match are made even, once `rules` have said who plays it: `rating` (if absent), or `prediction`,
    /// what the mode's model expects of the players (ratings where it knows one of them not yet).
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub(crate) balance: Option<gsm_engine::Balance>,
    /// The rule set that says who meets whom, in place of `rules`: 1 to 128 characters of `A-Za-z0-9-._`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) rule_set: Option<gsm_core::RuleSetName>,
    /// Which version of the rule set, from 1; absent: the newest of now. It stays at that version until it is put again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rule_set_version: Option<u32>,
    /// The attribute of the rule set that the server fills in with each player's rating.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rating_attribute: Option<String>,
    /// The attributes that players may bring to their tickets themselves; all others are for servers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) player_attributes: Vec<String>,
    /// Which offences lock players out of the queues of a scope, none if absent: `{"dodge": {"locks_ms": [0, 300000,
    /// 1800000], "forget_after_ms": 86400000}, "leave": {…}, "afk": {…}, "scope": "ranked"}`; the scope is the mode if
    /// absent. See `docs/penalties.md`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<PenaltiesShape>)]
    pub(crate) penalties: Option<gsm_engine::Penalties>,
    /// What results are believed, all if absent: `{"duration_ms": {"least": 60000, "most": 7200000}, "score": {"least": 0,
    /// "most": 100}, "matches_per_hour": 20}`. One out of bounds waits in quarantine. See `docs/integrity.md`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<PlausibilityShape>)]
    pub(crate) plausibility: Option<gsm_engine::Plausibility>,
    /// That players report results themselves, servers alone if absent: `{"agree": 2, "deadline_ms": 300000, "silence":
    /// "void"}`. `agree` (1 to 64) players must say the same, within `deadline_ms` of the first report (300,000 if absent);
    /// what becomes of it if a side says nothing is `void` (if absent), `count` or `dispute`. See `docs/integrity.md`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ReportingShape>)]
    pub(crate) reports: Option<gsm_engine::Reports>,
}

const fn ticket_timeout() -> u64 {
    QueueConfig::TICKET_TIMEOUT.get()
}
const fn match_timeout() -> u64 {
    QueueConfig::MATCH_TIMEOUT.get()
}

impl From<&QueueConfig> for QueueDto {
    fn from(config: &QueueConfig) -> Self {
        Self {
            name: config.name.to_string(),
            settings: QueueSettings {
                mode: config.mode.clone(),
                rules: config.rules.clone(),
                rating: config.rating.clone(),
                rating_options: config.rating_options,
                home: config.home,
                variant: config.variant.clone(),
                acceptance_ms: config.acceptance_ms.map(gsm_core::Millis::get),
                ticket_timeout_ms: config.ticket_timeout_ms.get(),
                match_timeout_ms: config.match_timeout_ms.get(),
                rule_set: config.rule_set.clone(),
                rule_set_version: config.rules_by().map(|(_, version)| version),
                rating_attribute: config.rating_attribute.clone(),
                player_attributes: config.player_attributes.clone(),
                balance: Some(config.balance),
                penalties: config.penalties.clone(),
                plausibility: config.plausibility.clone(),
                reports: config.reports.clone(),
            },
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct QueuesDto {
    queues: Vec<QueueDto>,
}

/// List the queues.
#[utoipa::path(get, path = "/v1/queues", tag = "queues", operation_id = "list_queues",
    responses((status = 200, body = QueuesDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:ListQueues")), ("x-gsm-roles" = json!(["player", "server", "admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn queues(State(app): State<Arc<App>>, _: Admitted) -> Answer<QueuesDto> {
    Answer(QueuesDto { queues: app.engine.queues().iter().map(|q| (&**q).into()).collect() })
}

/// Read a queue.
#[utoipa::path(get, path = "/v1/queues/{queue}", tag = "queues", operation_id = "get_queue",
    params(("queue" = String, Path)),
    responses((status = 200, body = QueueDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetQueue")), ("x-gsm-roles" = json!(["player", "server", "admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn queue(
    State(app): State<Arc<App>>,
    _: Admitted,
    params: Params,
) -> Result<Answer<QueueDto>, ApiError> {
    Ok(Answer((&*app.engine.queue(&params.get("queue")?)?).into()))
}
