//! The one shape of errors: `application/problem+json` (RFC 9457) with a stable code, a cause and a hint.
use crate::front::{
    strict_json::JsonFault,
    strict_query::{PathFault, QueryFault},
};
use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use gsm_engine::{EngineError, Kind};
use serde::Serialize;
use std::borrow::Cow;
use utoipa::ToSchema;

/// Why a request was not served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) detail: Cow<'static, str>,
    pub(crate) hint: Option<Cow<'static, str>>,
    pub(crate) field: Option<String>,
    pub(crate) retry_after_s: Option<u64>,
}

/// The document of an error.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem<'a> {
    /// Always `about:blank`: the code says more.
    r#type: &'static str,
    /// The status, in words.
    title: &'a str,
    /// The status, as a number.
    status: u16,
    /// What went wrong, for machines; stable, listed in `docs/errors.md`.
    code: &'a str,
    /// What went wrong, for people.
    detail: &'a str,
    /// What to do about it, where that can be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    /// The field or parameter at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    /// The request's id, as in the header `X-Request-Id`.
    request_id: &'a str,
}

/// Every code that the server itself gives, with its status and meaning; `docs/errors.md` is made from it.
const CODES: &[(&str, u16, &str)] = &[
    ("invalid_encoding", 400, "A path or query is not whole percent-encoded UTF-8."),
    ("invalid_query", 400, "The query is not `name=value` pairs."),
    ("duplicate_parameter", 400, "A query parameter comes twice."),
    ("too_many_parameters", 400, "The query has too many parameters."),
    ("body_empty", 400, "A JSON body is missing."),
    ("invalid_json", 400, "The body is not JSON; the detail names line and column."),
    ("json_number_out_of_range", 400, "A number in the body is too long or not finite."),
    ("json_duplicate_key", 400, "An object in the body has one key twice."),
    ("json_too_deep", 400, "The body nests deeper than 32."),
    (
        "json_too_many_members",
        400,
        "The body has more members and elements than the operation takes: 1,000; 20,000 where it takes hundreds of something; \
         33,000 with a rule set.",
    ),
    ("invalid_upgrade", 400, "The request is no WebSocket handshake."),
    ("body_cut_off", 400, "The connection ended inside the body."),
    (
        "invalid_forwarded_for",
        400,
        "A trusted proxy says in `X-Forwarded-For` who speaks, and it is no address.",
    ),
    ("unauthenticated", 401, "The operation needs a bearer token and none came."),
    ("invalid_token", 401, "The bearer token is not valid here, or has expired."),
    (
        "invalid_signature",
        401,
        "The challenge of a device sign-in was not ours, was used or has expired, or the signature is not of it.",
    ),
    ("forbidden", 403, "The caller is known and may not do this."),
    (
        "cross_site",
        403,
        "A page of another origin asks for a change, and nothing but a client certificate says who calls.",
    ),
    ("reason_required", 403, "An operator must say why, in the header `X-Gsm-Reason`."),
    ("banned", 403, "A player of the party is banned; the detail names who, until when and why."),
    ("denied_address", 403, "The address is on the deny list."),
    (
        "blocked_by_rule",
        403,
        "A rule of the firewall refuses this for now; the detail names it, `Retry-After` says how long.",
    ),
    ("not_found", 404, "There is no such thing, or not for this caller."),
    ("method_not_allowed", 405, "The path exists, the method does not; `Allow` lists those that do."),
    ("already_queued", 409, "A player of the party waits in a ticket already."),
    ("in_match", 409, "A player of the party is in a match that has not ended."),
    (
        "locked_out",
        409,
        "A player of the party is locked out for an offence; the detail names who, why and until when, `Retry-After` says \
         how long still.",
    ),
    ("name_taken", 409, "There is something else of this name already."),
    ("identity_taken", 409, "The account belongs to another player."),
    ("queue_in_use", 409, "Tickets wait in the queue."),
    ("ticket_id_taken", 409, "The caller's ticket id was used for another request."),
    ("ticket_not_waiting", 409, "The ticket has ended or is past the state in which this can be done."),
    ("proposal_closed", 409, "The proposal is answered or over."),
    ("mode_system", 409, "Another queue of the mode has another rating system."),
    ("rule_set_in_use", 409, "A queue goes by the rule set, or by this version of it."),
    (
        "rule_set_version_stays",
        409,
        "The first and the newest version of a rule set are deleted with the rule set only.",
    ),
    (
        "rule_set_unusable",
        409,
        "The queue goes by a rule set that was stored by another version of the server and that this one cannot use; the log \
         names the fault.",
    ),
    ("state_not_allowed", 409, "The state machine has no such move."),
    ("no_result_now", 409, "The match takes no result in its state."),
    ("result_contradicts", 409, "The match has another result already; the first stands."),
    ("no_player_reports", 409, "The match's result is reported by its server, not by its players."),
    ("reports_open", 409, "The players of the match are reporting its result; it ends by that."),
    ("match_disputed", 409, "The players of the match do not agree on its result; an operator rules on it."),
    ("no_season", 409, "The board's first season has not begun."),
    ("season_open", 409, "The season has not ended."),
    ("season_closed", 409, "The season is paid out and stays as it is."),
    ("page_gone", 409, "The listing has been given up. Begin again from the first page."),
    ("no_result", 409, "The match has no result to void or correct."),
    ("not_counted", 409, "The result of the match moves no rating: it was voided, or waits for an operator."),
    ("audit_key_made", 409, "Another call made a key of the audit log at the same time; this one made none."),
    ("key_file_unwritable", 409, "The file of the key cannot be replaced; the key stays."),
    ("contended", 409, "Others changed the same things again and again; repeat the request."),
    ("not_acceptable", 406, "`POST /invocations`: no media type of `Accept` is one that answers have."),
    (
        "body_too_large",
        413,
        "The body is longer than the operation takes: 64 KiB; 1 MiB where it takes hundreds of something; 512 KiB with a rule set.",
    ),
    ("unsupported_media_type", 415, "The body is not `application/json`."),
    ("unsupported_content_encoding", 415, "The body has a Content-Encoding; none is taken."),
    ("invalid", 422, "A value is well-formed but not acceptable; `field` names it."),
    (
        "too_large",
        422,
        "What is asked for would change more at once than the store takes; nothing was applied. Ask for less at once.",
    ),
    ("unknown_field", 422, "The body has a field that is not known here."),
    ("missing_field", 422, "The body lacks a field."),
    ("invalid_field", 422, "A field has a wrong type or value."),
    ("unknown_parameter", 422, "A query parameter is not known here."),
    ("missing_parameter", 422, "A query parameter is missing."),
    ("invalid_parameter", 422, "A path or query parameter has a wrong type or value."),
    ("wrong_schema_version", 422, "`POST /invocations`: the request is of another version of its schema."),
    ("empty_team", 422, "`POST /invocations`: a team has no players."),
    ("no_consent", 422, "A member of the party has not consented to be queued by the leader."),
    ("idempotency_mismatch", 422, "The Idempotency-Key was used before with another request."),
    ("rate_limited", 429, "A request limit is reached; `Retry-After` says when to come back."),
    ("queue_full", 429, "The queue holds as many tickets as it may."),
    ("too_many_queues", 429, "The server has as many queues as it may."),
    ("too_many_rule_sets", 429, "The server has as many rule sets as it may."),
    ("too_many_rule_set_versions", 429, "The rule set has as many versions as it may."),
    ("too_many_keys", 429, "The server has as many API keys, or access keys of AWS clients, as it may."),
    (
        "too_many_signing_keys",
        429,
        "As many keys that signed sessions are kept as may be; each goes a day after it retired.",
    ),
    ("too_many_old_keys", 429, "As many keys as one file may have; each goes a day after it was good."),
    ("too_many_boards", 429, "The server has as many boards as it may."),
    ("too_many_counting_boards", 429, "As many boards as may count the results of this mode already."),
    ("answer_too_large", 413, "The answer to what the request asks for would be too large."),
    ("too_many_audit_keys", 429, "As many keys as may sign the audit log already."),
    ("too_many_readers", 429, "As many read the audit log, or wait to, as may. Repeat after `Retry-After`."),
    ("list_full", 429, "The list of networks holds as many as it may."),
    ("too_many_streams", 429, "The player has as many push streams as one may."),
    (
        "too_many_watches",
        429,
        "The player watches as many boards as one may, or all players as many friends.",
    ),
    ("internal", 500, "The server failed; the log knows more under the request id."),
    ("audit_damaged", 503, "The audit log is damaged; the server's log says where. Nothing of it is served."),
    ("damaged", 500, "Stored data is damaged; the log names it under the request id."),
    ("store_refused", 503, "The store refused; nothing was applied. Repeat the request."),
    ("store_no_answer", 503, "The store did not answer. Repeat with the same Idempotency-Key."),
    ("rerating", 503, "The mode's ratings are being rated again; nothing was applied. Repeat the request."),
    ("board_filling", 503, "The board is being filled. Repeat the request."),
    ("model_loading", 503, "`POST /invocations`: the model is not loaded yet."),
    ("deadline", 503, "`POST /invocations`: the answer took longer than it may. Send fewer matches at once."),
    (
        "overloaded",
        503,
        "More is asked than can be served in time; nothing was applied. Repeat after `Retry-After`.",
    ),
    ("not_ready", 503, "The server is draining, or its store is ill."),
];

/// `docs/errors.md`.
#[must_use]
pub fn codes_markdown() -> String {
    let mut text = String::from(
        "# Errors\n\nEvery error is `application/problem+json` with `status`, `code`, `detail`, mostly a `hint`, sometimes \
         the `field` at fault, and the `request_id`. Codes are stable. Framing errors of HTTP itself (a bad header, a \
         slow client) answer 400, 408, 414, 431, 501 or 505 and close the connection.\n\n| status | code | meaning |\n\
         |---|---|---|\n",
    );
    for (code, status, meaning) in CODES {
        text.push_str(&format!("| {status} | `{code}` | {meaning} |\n"));
    }
    text
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, detail: detail.into(), hint: None, field: None, retry_after_s: None }
    }
    pub(crate) fn hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.hint = Some(hint.into());
        self
    }
    pub(crate) fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }
    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }
    /// A failure of ours; the text goes to the log alone.
    pub(crate) fn internal(what: String) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", what)
    }
    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "there is no such path")
            .hint("the paths are listed at /docs and in /openapi.json")
    }
    pub(crate) fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "the path has no such method")
            .hint("the header Allow lists the methods")
    }
    /// A value of a path, query or header that is not what it must be.
    pub(crate) fn parameter(name: &str, detail: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_parameter", detail.to_string())
            .hint("mend the parameter; see the OpenAPI document")
            .field(name)
    }
    /// A field of the body that is not what it must be.
    pub(crate) fn value(field: impl Into<String>, detail: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail.to_string()).field(field)
    }

    /// The answer, with the request's id in it.
    pub(crate) fn render(&self, request_id: &str) -> Response {
        let hidden = self.status.is_server_error() && self.status != StatusCode::SERVICE_UNAVAILABLE;
        if hidden {
            tracing::error!(request_id, code = self.code, detail = %self.detail, "request failed");
        }
        let problem = Problem {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            code: self.code,
            detail: if hidden {
                "the server failed; its log knows more under the request id"
            } else {
                &self.detail
            },
            hint: self.hint.as_deref(),
            field: self.field.as_deref(),
            request_id,
        };
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        response.extensions_mut().insert(ErrorCode(self.code));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"gsm\""));
        }
        response
    }
}

/// Left in an answer for the audit log: why it is a refusal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ErrorCode(pub(crate) &'static str);

/// Left in a response for the door, which knows the request's id and renders it.
#[derive(Debug, Clone)]
pub(crate) struct Pending(pub(crate) ApiError);

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        response.extensions_mut().insert(Pending(self));
        response
    }
}

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> Self {
        let status = match error.kind() {
            Kind::NotFound => StatusCode::NOT_FOUND,
            Kind::Conflict => StatusCode::CONFLICT,
            Kind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            Kind::Forbidden => StatusCode::FORBIDDEN,
            Kind::Busy => StatusCode::TOO_MANY_REQUESTS,
            Kind::Unavailable if error.code() == "contended" => StatusCode::CONFLICT,
            Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Kind::Damaged => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let mut api = Self::new(status, error.code(), error.to_string());
        api.hint = error.hint().map(Cow::Borrowed);
        if matches!(error.kind(), Kind::Busy | Kind::Unavailable) {
            api.retry_after_s = Some(1);
        }
        if let EngineError::LockedOut { left, .. } = &error {
            api.retry_after_s = Some(left.get().div_ceil(1_000));
        }
        if let EngineError::Banned { until: Some((_, left)), .. } = &error {
            api.retry_after_s = Some(left.get().div_ceil(1_000));
        }
        if let EngineError::Invalid { field, detail } = &error {
            api.detail = Cow::Owned(detail.clone());
            api.field = Some(field.clone());
        }
        api
    }
}

impl From<JsonFault> for ApiError {
    fn from(fault: JsonFault) -> Self {
        let mut api = Self::new(fault.status(), fault.code(), fault.detail()).hint(fault.hint());
        api.field = fault.path().map(str::to_owned);
        api
    }
}

impl From<QueryFault> for ApiError {
    fn from(fault: QueryFault) -> Self {
        let mut api = Self::new(fault.status(), fault.code(), fault.detail()).hint(fault.hint());
        api.field = fault.path().map(str::to_owned);
        api
    }
}

impl From<PathFault> for ApiError {
    fn from(fault: PathFault) -> Self {
        Self::new(fault.status(), fault.code(), fault.detail()).hint(fault.hint())
    }
}
