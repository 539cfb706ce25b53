//! For operators: what the firewall does, and its lists.
use super::{
    App,
    answer::Answer,
    extract::{Admitted, Json, Params, Query, Write},
    rulings::reason,
};
use crate::{
    firewall::{
        export::{Exported, is_name},
        reload as reading,
    },
    problem::{ApiError, Problem},
};
use axum::{extract::State, http::StatusCode};
use gsm_core::Timestamp;
use gsm_engine::{AddressList, Listed};
use gsm_security::{Network, RuleReport, Sample, Tally};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// Entries of lists that one answer shows.
const ENTRIES_SHOWN_MAX: usize = 1_000;

/// What the firewall does.
#[derive(Serialize, ToSchema)]
pub(crate) struct FirewallDto {
    profile: &'static str,
    /// Of two that refuse a request the first is told.
    rules: Vec<FirewallRuleDto>,
    /// What the deny list has done.
    denied: TallyDto,
    deny_action: &'static str,
    lists: Vec<ListDto>,
    /// When files were last read.
    read_at: i64,
    /// Why the files are not those that are at work.
    #[serde(skip_serializing_if = "Option::is_none")]
    read_error: Option<String>,
    /// Share of the requests that is let in: 1 where nothing is shed.
    admitted_share: f64,
}

/// What a rule has done since the start.
#[derive(Serialize, ToSchema)]
pub(crate) struct TallyDto {
    /// Requests that counted and passed.
    passed: u64,
    /// Requests that were refused.
    blocked: u64,
    /// Requests that would have been, had it not only counted.
    counted: u64,
    /// Some of the last of these, newest first: at most one each tenth of a second.
    samples: Vec<SampleDto>,
}

impl TallyDto {
    fn new(tally: &Tally) -> Self {
        Self {
            passed: tally.passed(),
            blocked: tally.blocked(),
            counted: tally.counted(),
            samples: tally.samples().into_iter().map(Into::into).collect(),
        }
    }
}

/// A request that a rule refused, or would have.
#[derive(Serialize, ToSchema)]
pub(crate) struct SampleDto {
    at: i64,
    address: String,
    method: String,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<String>,
    /// The caller's role, if it was known.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
}

impl From<Sample> for SampleDto {
    fn from(sample: Sample) -> Self {
        Self {
            at: sample.at.as_millis(),
            address: sample.address.to_string(),
            method: sample.method,
            path: sample.path,
            action: sample.action,
            role: sample.role,
        }
    }
}

/// A rule and what it has done.
#[derive(Serialize, ToSchema)]
pub(crate) struct FirewallRuleDto {
    name: String,
    #[schema(value_type = String)]
    on: gsm_security::Event,
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    face: Option<gsm_security::Face>,
    methods: Vec<String>,
    paths: Vec<String>,
    actions: Vec<String>,
    roles: Vec<String>,
    key: String,
    limit: u32,
    window_s: u64,
    /// `block` or `count`.
    action: &'static str,
    status: u16,
    /// Keys that it remembers now.
    keys: usize,
    #[serde(flatten)]
    tally: TallyDto,
}

impl From<RuleReport> for FirewallRuleDto {
    fn from(report: RuleReport) -> Self {
        let RuleReport { rule, tally, keys } = report;
        let texts = |all: &[Box<str>]| all.iter().map(ToString::to_string).collect();
        Self {
            name: rule.name.to_string(),
            on: rule.on,
            face: rule.face,
            methods: texts(&rule.methods),
            paths: rule.paths.iter().map(ToString::to_string).collect(),
            actions: rule.actions.iter().map(ToString::to_string).collect(),
            roles: texts(&rule.roles),
            key: rule.key.to_string(),
            limit: rule.rate.limit(),
            window_s: rule.rate.window().get() / 1_000,
            action: if rule.counts_only { "count" } else { "block" },
            status: rule.status,
            keys,
            tally: TallyDto::new(&tally),
        }
    }
}

/// A list of networks.
#[derive(Serialize, ToSchema)]
pub(crate) struct ListDto {
    #[schema(value_type = String)]
    list: AddressList,
    /// Networks, those of the profile and of the file included.
    networks: usize,
    /// The first thousand of those that operators have put in.
    entries: Vec<ListedDto>,
}

/// A network that an operator has put into a list.
#[derive(Serialize, ToSchema)]
pub(crate) struct ListedDto {
    network: String,
    reason: String,
    /// Who put it in.
    by: String,
    created_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
}

impl From<&Listed> for ListedDto {
    fn from(listed: &Listed) -> Self {
        Self {
            network: listed.network.to_string(),
            reason: listed.row.reason.clone(),
            by: listed.row.by.clone(),
            created_at: listed.row.created_at.as_millis(),
            expires_at: listed.row.expires_at.map(Timestamp::as_millis),
        }
    }
}

fn shown(app: &App) -> FirewallDto {
    let guard = &app.door.guard;
    let (firewall, loaded, now) = (guard.current(), guard.loaded(), app.engine.clock().wall());
    let (denied, counts_only) = firewall.denied();
    let listed = guard.listed();
    let list = |list: AddressList, networks| ListDto {
        list,
        networks,
        entries: listed
            .iter()
            .filter(|entry| entry.list == list && entry.row.expires_at.is_none_or(|until| until > now))
            .take(ENTRIES_SHOWN_MAX)
            .map(Into::into)
            .collect(),
    };
    let lists = firewall.lists();
    let (deny, allow) = (lists.deny.len_at(now), lists.allow.len_at(now));
    FirewallDto {
        profile: guard.settings().profile.as_str(),
        rules: firewall.report().into_iter().map(Into::into).collect(),
        denied: TallyDto::new(&denied),
        deny_action: if counts_only { "count" } else { "block" },
        lists: vec![list(AddressList::Deny, deny), list(AddressList::Allow, allow)],
        read_at: loaded.at.as_millis(),
        read_error: loaded.error,
        admitted_share: app.shedder.share(),
    }
}

/// Read what the firewall does: its rules with what each has refused, and its lists.
#[utoipa::path(get, path = "/v1/admin/firewall", tag = "admin", operation_id = "get_firewall",
    responses((status = 200, body = FirewallDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetFirewall")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn view(State(app): State<Arc<App>>, _: Admitted) -> Answer<FirewallDto> {
    Answer(shown(&app))
}

/// The name of what is made.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExportQuery {
    /// The web ACL's: a letter, then letters, digits, `-` and `_`, at most 100. Absent: `gsm`.
    name: Option<String>,
}

/// The firewall for AWS WAF.
#[derive(Serialize, ToSchema)]
pub(crate) struct FirewallExportDto {
    /// Terraform (`aws_wafv2_web_acl`, `aws_wafv2_ip_set`).
    terraform: String,
    /// What WAF cannot express, or expresses otherwise; the Terraform's head has it too.
    notes: Vec<String>,
}

/// Read the rules and lists that are at work as Terraform for AWS WAF, networks that operators have put in included.
#[utoipa::path(get, path = "/v1/admin/firewall/export", tag = "admin", operation_id = "export_firewall",
    params(ExportQuery),
    responses((status = 200, body = FirewallExportDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:ExportFirewall")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn export(
    State(app): State<Arc<App>>,
    _: Admitted,
    Query(query): Query<ExportQuery>,
) -> Result<Answer<FirewallExportDto>, ApiError> {
    let name = query.name.unwrap_or_else(|| "gsm".to_owned());
    if !is_name(&name) {
        let what = "a letter, then letters, digits, `-` and `_`, at most 100";
        return Err(ApiError::parameter("name", what));
    }
    let now = app.engine.clock().wall();
    // A list may have a hundred thousand networks.
    let written = tokio::task::spawn_blocking(move || app.door.guard.export(&name, now)).await;
    let Exported { terraform, notes } = written.map_err(|error| ApiError::internal(error.to_string()))?;
    Ok(Answer(FirewallExportDto { terraform, notes }))
}

/// Read the firewall's files and stored lists again. What cannot be used changes nothing; `read_error` tells it.
#[utoipa::path(post, path = "/v1/admin/firewall/reload", tag = "admin", operation_id = "reload_firewall",
    responses((status = 200, body = FirewallDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:ReloadFirewall")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn reload(
    State(app): State<Arc<App>>,
    write: Write<()>,
) -> Result<Answer<FirewallDto>, ApiError> {
    let error = reading::again(&app).await?;
    tracing::info!(by = %write.call.principal, error, "the firewall's files were read again");
    Ok(Answer(shown(&app)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListEntry {
    /// Why, for the audit log: 1 to 128 characters.
    reason: String,
    /// From then on it is not in the list; absent: for ever. At most that of 9999-12-31T23:59:59Z.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    expires_at: Option<Timestamp>,
}

fn named(params: &Params) -> Result<(AddressList, Network), ApiError> {
    let list = params.get("list")?;
    let network = format!("{}/{}", params.text("address")?, params.text("prefix")?);
    let network: Network = network.parse().map_err(|error| ApiError::parameter("address", error))?;
    if list == AddressList::Deny && network.length() == 0 {
        return Err(ApiError::parameter("prefix", "a list that refuses everybody refuses its operators too"));
    }
    Ok((list, network))
}

/// Put a network into a list (`deny` or `allow`), or give it another reason and end.
#[utoipa::path(put, path = "/v1/admin/firewall/{list}/{address}/{prefix}", tag = "admin", operation_id = "put_list_entry",
    params(("list" = String, Path), ("address" = String, Path), ("prefix" = u8, Path)), request_body = ListEntry,
    responses((status = 200, body = ListedDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:PutListEntry")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn put(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<Json<ListEntry>>,
) -> Result<Answer<ListedDto>, ApiError> {
    let (list, network) = named(&params)?;
    let Write { call, body: Json(body), .. } = write;
    let reason = reason(&body.reason)?.to_owned();
    let own = app.clone();
    let listed = app.to_the_end(async move {
        let guard = &own.door.guard;
        let _turn = guard.turn.lock().await;
        if !guard.is_listed(list, network) && !guard.has_room(list, own.engine.clock().wall()) {
            let detail = format!("the {list} list holds as many networks as it may");
            return Err(ApiError::new(StatusCode::TOO_MANY_REQUESTS, "list_full", detail)
                .hint("take networks out, or join them to wider ones"));
        }
        let listed = own.engine.put_listed(&call, list, network, &reason, body.expires_at).await?;
        // A repeated call changes nothing: what holds is what the store has.
        guard.follow(list, network, own.engine.listed_as(list, network).await?);
        Ok(listed)
    });
    Ok(Answer(ListedDto::from(&listed.await?)))
}

/// Take a network out of a list. One of a file or of the profile stays.
#[utoipa::path(delete, path = "/v1/admin/firewall/{list}/{address}/{prefix}", tag = "admin", operation_id = "delete_list_entry",
    params(("list" = String, Path), ("address" = String, Path), ("prefix" = u8, Path)),
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:DeleteListEntry")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn remove(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<()>,
) -> Result<StatusCode, ApiError> {
    let ((list, network), call, own) = (named(&params)?, write.call, app.clone());
    app.to_the_end(async move {
        let guard = &own.door.guard;
        let _turn = guard.turn.lock().await;
        own.engine.remove_listed(&call, list, network).await?;
        guard.follow(list, network, own.engine.listed_as(list, network).await?);
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}
