//! The native API: `/v1`, described by the OpenAPI document that is made from the handlers.
mod admin;
mod answer;
mod audit;
mod aws_keys;
mod bans;
mod boards;
mod dto;
pub(crate) mod extract;
mod firewall;
mod health;
mod key_files;
mod matches;
mod matchmaker_data;
mod parties;
mod parts;
mod penalties;
mod players;
mod predictions;
mod privacy;
mod proposals;
mod queues;
mod rankings;
mod reports;
mod resets;
mod results;
mod rule_sets;
mod rulings;
mod shapes;
mod sign_in;
mod signing_keys;
mod stream;
mod tickets;
mod to_the_end;
mod whole;
mod why;

use crate::{
    audit::{Audit, Shipping},
    cors::Cors,
    door::{Door, Entrance},
    front::gate::Gate,
    gamelift::{self, Wire},
    metrics::Metrics,
    operations::Operations,
    overview::Watch,
    problem::ApiError,
    shedding::Shedder,
    who::{device::Used, key_file::KeyFiles, throttle::Throttle},
};
use gsm_adapters::EmbeddedStore;
use gsm_engine::Engine;
use std::sync::{Arc, LazyLock};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(crate) use dto::PredictionDto;
pub(crate) use rankings::{
    BoardLineDto, BucketDto, CohortDto, DivisionDto, EntryDto, InPart, PartQuery, PastDto, RankDto,
    buckets_of, shown,
};

/// What handlers share.
pub(crate) struct App {
    pub(crate) engine: Arc<Engine>,
    pub(crate) store: Arc<EmbeddedStore>,
    pub(crate) door: Door,
    pub(crate) watch: Watch,
    pub(crate) wire: Wire,
    /// Sign-ins by account.
    pub(crate) throttle: Throttle,
    /// Challenges of devices that were answered.
    pub(crate) used: Used,
    /// The server's own keys that are in files.
    pub(crate) key_files: KeyFiles,
    pub(crate) audit: Arc<Audit>,
    pub(crate) shipping: Shipping,
    /// Who is connected.
    pub(crate) gate: Arc<Gate>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) shedder: Shedder,
    /// Which pages of other origins may call.
    pub(crate) cors: Cors,
    /// Whether `/metrics` is there at all.
    pub(crate) shows_metrics: bool,
    /// Whether an endpoint is asked about formed matches.
    pub(crate) asks_endpoint: bool,
    /// What a stop waits for.
    pub(crate) tasks: TaskTracker,
    /// Cancelled when the server begins to stop.
    pub(crate) stop: CancellationToken,
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "game-session-manager",
        description = "Matchmaking, ratings and exact rankings for ranked multiplayer games.\n\n\
            Times are milliseconds since 1970, ratings are points. Writes take an `Idempotency-Key`: the same key \
            with the same request gives the first answer for 24 hours (six writes say that they are told how it stands \
            then, and a ticket's `estimated_wait` is as of now), with another request 422. Without one, since \
            repeating them does no harm, are signing in (the same secret is the same player), consents (each is good by \
            itself) and reading the firewall's files again. Errors are \
            `application/problem+json`; their codes are listed in docs/errors.md.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    modifiers(&Bearer),
    tags(
        (name = "sign-in", description = "Who is who"),
        (name = "players", description = "Players and their ratings"),
        (name = "queues", description = "Matchmaking configurations"),
        (name = "tickets", description = "Waiting for a match"),
        (name = "proposals", description = "Accepting a match"),
        (name = "matches", description = "Matches, game sessions and results"),
        (name = "rankings", description = "Boards"),
        (name = "push", description = "Events as they happen"),
        (name = "audit", description = "What was done, and the proof of it"),
        (name = "admin", description = "For operators"),
        (name = "server", description = "How the server is")
    )
)]
struct Document;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        openapi
            .components
            .get_or_insert_with(Default::default)
            .add_security_scheme("bearer", SecurityScheme::Http(bearer));
    }
}

fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(sign_in::sign_in))
        .routes(routes!(sign_in::challenge))
        .routes(routes!(sign_in::sign_in_device))
        .routes(routes!(sign_in::link))
        .routes(routes!(sign_in::jwks))
        .routes(routes!(players::player, players::rename))
        .routes(routes!(players::rating))
        .routes(routes!(players::history))
        .routes(routes!(penalties::penalties))
        .routes(routes!(penalties::lift))
        .routes(routes!(penalties::leavers))
        .routes(routes!(reports::report, reports::reports))
        .routes(routes!(bans::bans))
        .routes(routes!(bans::ban))
        .routes(routes!(bans::lift))
        .routes(routes!(privacy::export))
        .routes(routes!(privacy::erase))
        .routes(routes!(privacy::erasure))
        .routes(routes!(parties::consent))
        .routes(routes!(queues::queues))
        .routes(routes!(queues::queue))
        .routes(routes!(tickets::create))
        .routes(routes!(tickets::ticket, tickets::cancel))
        .routes(routes!(tickets::explain))
        .routes(routes!(proposals::proposal))
        .routes(routes!(proposals::respond))
        .routes(routes!(matches::running, matches::create))
        .routes(routes!(matches::view))
        .routes(routes!(matchmaker_data::read))
        .routes(routes!(matches::change_state))
        .routes(routes!(matches::player_session))
        .routes(routes!(results::result, results::report))
        .routes(routes!(why::why))
        .routes(routes!(predictions::predict))
        .routes(routes!(predictions::of_match))
        .routes(routes!(predictions::models))
        .routes(routes!(predictions::fairness))
        .merge(rankings::routes())
        .routes(routes!(boards::submit))
        .routes(routes!(boards::entry))
        .routes(routes!(boards::places, boards::set_places))
        .routes(routes!(boards::put, boards::get, boards::delete))
        .routes(routes!(boards::remove))
        .routes(routes!(boards::visibility))
        .routes(routes!(boards::hidden))
        .routes(routes!(resets::soft_reset))
        .routes(routes!(resets::preview))
        .routes(routes!(stream::websocket))
        .routes(routes!(stream::events))
        .routes(routes!(admin::put_queue, admin::delete_queue))
        .routes(routes!(rule_sets::put, rule_sets::delete))
        .routes(routes!(rule_sets::list))
        .routes(routes!(rule_sets::get))
        .routes(routes!(rule_sets::versions))
        .routes(routes!(rule_sets::version))
        .routes(routes!(rule_sets::delete_version))
        .routes(routes!(admin::set_rating))
        .routes(routes!(rulings::void))
        .routes(routes!(rulings::correct))
        .routes(routes!(rulings::release))
        .routes(routes!(rulings::quarantine))
        .routes(routes!(bans::all))
        .routes(routes!(reports::disputes))
        .routes(routes!(reports::flags))
        .routes(routes!(rulings::rebuild))
        .routes(routes!(admin::issue_key, admin::keys))
        .routes(routes!(admin::revoke_key))
        .routes(routes!(admin::rotate_key))
        .routes(routes!(signing_keys::list))
        .routes(routes!(signing_keys::rotate))
        .routes(routes!(key_files::rotate_token))
        .routes(routes!(key_files::rotate_master))
        .routes(routes!(firewall::view))
        .routes(routes!(firewall::put, firewall::remove))
        .routes(routes!(firewall::reload))
        .routes(routes!(firewall::export))
        .routes(routes!(aws_keys::issue, aws_keys::keys))
        .routes(routes!(aws_keys::revoke))
        .routes(routes!(audit::checkpoint))
        .routes(routes!(audit::tile))
        .routes(routes!(audit::tile_part))
        .routes(routes!(audit::tile_rest))
        .routes(routes!(audit::inclusion))
        .routes(routes!(audit::consistency))
        .routes(routes!(audit::list))
        .routes(routes!(audit::records))
        .routes(routes!(audit::records_beside))
        .routes(routes!(audit::rotate_key))
        .routes(routes!(crate::overview::overview))
        .routes(routes!(crate::board_page::boards))
        .routes(routes!(crate::metrics::metrics))
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
}

/// The OpenAPI document as JSON, made once.
static OPENAPI: LazyLock<serde_json::Value> = LazyLock::new(|| {
    let (_, document) = routes().split_for_parts();
    let mut document = serde_json::to_value(document).unwrap_or_default();
    shapes::merge(&mut document["components"]["schemas"]);
    shapes::complete(&mut document["paths"]);
    // The wire is described by AWS; who may call what on it is told here.
    if let Some(members) = document.as_object_mut() {
        members.insert("x-gsm-gamelift".to_owned(), gamelift::described());
    }
    document
});

/// Everything that is served, behind the door.
pub(crate) fn router(app: Arc<App>, dashboard: bool) -> Entrance {
    let (router, _) = routes().split_for_parts();
    let router = crate::dashboard::routes(router, document(app.door.opened()), dashboard);
    let router = router
        .fallback(async || ApiError::not_found())
        .method_not_allowed_fallback(async || ApiError::method_not_allowed())
        .with_state(app.clone());
    Entrance { app, router }
}

/// The document as this server serves it.
fn document(opened: &[&str]) -> bytes::Bytes {
    described(opened).to_string().into()
}

/// The document of a server that opens these actions to everybody.
pub(crate) fn described(opened: &[&str]) -> serde_json::Value {
    let mut document = OPENAPI.clone();
    let paths = document["paths"].as_object_mut().into_iter().flat_map(|paths| paths.values_mut());
    for operation in paths.filter_map(|methods| methods.get_mut("get")) {
        if operation["x-gsm-action"].as_str().is_some_and(|action| opened.contains(&action)) {
            operation["x-gsm-roles"] = serde_json::json!(["none"]);
        }
    }
    document
}

/// The shapes of requests and answers.
pub(crate) fn schemas() -> &'static serde_json::Value {
    &OPENAPI["components"]["schemas"]
}

/// The operations of the document, for the door.
pub(crate) fn operations() -> &'static Operations {
    static OPERATIONS: LazyLock<Operations> = LazyLock::new(|| Operations::of(&OPENAPI));
    &OPERATIONS
}
