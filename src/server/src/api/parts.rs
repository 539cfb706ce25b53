//! The shapes of what other crates read and write as JSON, for the OpenAPI document alone: those crates know nothing of it. The
//! server's tests find whatever an answer has that its shape has not.
#![allow(dead_code, reason = "the document is made of them, nothing else")]
mod boards;
mod models;
mod queues;
mod resets;

pub(super) use boards::{CohortShape, ColumnShape, EligibilityShape, LeagueShape, ScheduleShape, TiersShape};
pub(super) use models::{FairnessShape, ModelShape};
pub(super) use queues::{
    PenaltiesShape, PlausibilityShape, RatingOptionsShape, RatingShape, ReportingShape, RulesShape,
};
pub(super) use resets::{PreviewShape, ResetShape};

use serde_json::Value;
use utoipa::ToSchema;

/// A record of the audit log, with CloudTrail's names of fields.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AuditRecordShape {
    /// Its place in the log.
    seq: u64,
    /// The server that wrote it.
    node: String,
    event_version: String,
    user_identity: IdentityShape,
    /// As RFC 3339 has it.
    event_time: String,
    event_source: String,
    /// What was asked, as `gsm:ReportResult`.
    event_name: String,
    /// A keyed hash of the address.
    #[serde(rename = "sourceIPAddress", default)]
    source_address: String,
    #[serde(default)]
    user_agent: String,
    #[serde(rename = "requestID", default)]
    request_id: String,
    #[serde(rename = "eventID")]
    event_id: String,
    /// Whether it could change nothing.
    read_only: bool,
    /// Why it was refused.
    #[serde(default)]
    error_code: String,
    /// What it asked for, as far as it is told; of something long `bytes`, and `sha256` or `hmac`. `null` where it asked for nothing.
    #[serde(default)]
    request_parameters: Value,
    /// The id of what the call made, by its name in the answer; else `null`.
    #[serde(default)]
    response_elements: Value,
    /// What it was about.
    resources: Vec<ResourceShape>,
    event_type: String,
    #[serde(default)]
    additional_event_data: AdditionalShape,
}

#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
struct IdentityShape {
    /// What kind of caller: `Player`, `Server`, `Admin` and others.
    r#type: String,
    #[serde(default)]
    principal_id: String,
}

#[derive(ToSchema)]
struct ResourceShape {
    /// An id or a name.
    #[serde(rename = "ARN")]
    arn: String,
}

#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
struct AdditionalShape {
    /// The place of the change in the journal.
    #[serde(default)]
    commit: u64,
    /// Why, where the caller had to say.
    #[serde(default)]
    reason: String,
    /// The policies that decided.
    #[serde(default)]
    policies: Vec<String>,
    /// Things that it was about beside those that are named.
    #[serde(default)]
    more_resources: u64,
    /// Of how many calls alike it tells, and since when.
    #[serde(default)]
    count: u64,
    #[serde(default)]
    since: String,
}

/// What a receipt states.
#[derive(ToSchema)]
pub(super) struct StatementShape {
    player_id: String,
    /// `player` or `operator`.
    asked_for_by: String,
    /// As RFC 3339 has it.
    identity_erased_at: String,
    /// As RFC 3339 has it.
    finished_at: String,
    erased: ErasedShape,
    /// What stays, and says of nobody who it was.
    kept_under_the_random_id: Vec<String>,
}

#[derive(ToSchema)]
struct ErasedShape {
    ways_to_sign_in: Vec<String>,
    /// Whether there was one.
    display_name: bool,
    /// Whether there was one.
    external_id: bool,
    /// How many.
    bans: u64,
    /// What went as well, without being counted.
    too: Vec<String>,
}
