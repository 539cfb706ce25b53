//! The pages: the dashboard at `/`, `/boards` and `/audit`, the API's documentation at `/docs`, its document at `/openapi.json`. All of it lies
//! in the binary and asks no other host.
use crate::{api::App, problem::ApiError};
use axum::{
    Router,
    extract::Path,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use rust_embed::{Embed, EmbeddedFile};
use std::sync::{Arc, LazyLock};
use utoipa_swagger_ui::{Config, serve};

#[derive(Embed)]
#[folder = "assets/dashboard/"]
struct Assets;

/// What our own pages may load: themselves.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/// The documentation's third-party page styles itself inline.
const DOCS_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                           connect-src 'self'; font-src 'self' data:; base-uri 'none'; frame-ancestors 'none'";

static SWAGGER: LazyLock<Arc<Config<'static>>> =
    LazyLock::new(|| Arc::new(Config::from("/openapi.json").validator_url("none")));

/// Adds the pages to the API.
pub(crate) fn routes(api: Router<Arc<App>>, document: Bytes, dashboard: bool) -> Router<Arc<App>> {
    let api = api
        .route("/openapi.json", get(async move || ([(header::CONTENT_TYPE, "application/json")], document)))
        .route("/docs", get(async || axum::response::Redirect::permanent("/docs/")))
        .route("/docs/", get(async || docs("")))
        .route("/docs/{*file}", get(async |Path(file): Path<String>| docs(&file)));
    if !dashboard {
        return api;
    }
    api.route("/", get(async || asset("index.html")))
        .route("/boards", get(async || asset("boards.html")))
        .route("/audit", get(async || asset("audit.html")))
        .route("/assets/{*file}", get(async |Path(file): Path<String>| asset(&file)))
}

fn secured(mut response: Response, policy: &'static str) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

fn asset(name: &str) -> Response {
    let Some(EmbeddedFile { data, .. }) = Assets::get(name) else {
        return ApiError::not_found().into_response();
    };
    let kind = match name.rsplit_once('.').map(|(_, kind)| kind) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    secured(([(header::CONTENT_TYPE, kind)], data).into_response(), POLICY)
}

fn docs(file: &str) -> Response {
    match serve(file, SWAGGER.clone()) {
        Ok(Some(found)) => {
            secured(([(header::CONTENT_TYPE, found.content_type)], found.bytes).into_response(), DOCS_POLICY)
        }
        _ => ApiError::not_found().into_response(),
    }
}
