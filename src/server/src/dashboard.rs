//! The pages: the dashboard at `/`, `/boards`, `/integrity` and `/audit`, the API's documentation at `/docs`, its document at
//! `/openapi.json`. All of it lies in the binary and asks no other host.
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

/// A page of the dashboard: its own part goes into the layout that all have.
struct Page {
    path: &'static str,
    /// In links.
    name: &'static str,
    /// Of the window.
    title: &'static str,
    /// Beside the name of the program, in its head; HTML.
    facts: &'static str,
    /// Its file, and that of its script, without their kinds.
    main: &'static str,
    script: &'static str,
}

static PAGES: [Page; 4] = [
    Page {
        path: "/",
        name: "Overview",
        title: "gsm",
        facts: r#"<span id="version"></span><span id="uptime"></span>"#,
        main: "index",
        script: "app",
    },
    Page {
        path: "/boards",
        name: "Boards",
        title: "gsm boards",
        facts: "Boards",
        main: "boards",
        script: "boards",
    },
    Page {
        path: "/integrity",
        name: "Integrity",
        title: "gsm integrity",
        facts: "Integrity of ranked play",
        main: "integrity",
        script: "integrity",
    },
    Page {
        path: "/audit",
        name: "Audit log",
        title: "gsm audit log",
        facts: r#"Audit log<span id="size"></span>"#,
        main: "audit",
        script: "audit",
    },
];

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
    let api = api.route("/assets/{*file}", get(async |Path(file): Path<String>| asset(&file)));
    PAGES.iter().fold(api, |api, page| api.route(page.path, get(async || whole(page))))
}

/// A page in its layout.
fn whole(page: &Page) -> Response {
    let text = |name: &str| Assets::get(name).map(|file| String::from_utf8_lossy(&file.data).into_owned());
    let (Some(layout), Some(main)) = (text("layout.html"), text(&format!("{}.html", page.main))) else {
        return ApiError::not_found().into_response();
    };
    let link = |of: &Page| {
        let current = if of.path == page.path { r#" aria-current="page""# } else { "" };
        format!(r#"<a href="{}"{current}>{}</a>"#, of.path, of.name)
    };
    let links: String = PAGES.iter().map(link).chain([r#"<a href="/docs/">API</a>"#.to_owned()]).collect();
    let script = format!("{}.js", page.script);
    let parts = [
        ("title", page.title),
        ("script", &script),
        ("facts", page.facts),
        ("links", &links),
        ("main", &main),
    ];
    let html = parts.iter().fold(layout, |html, (name, part)| html.replacen(&format!("{{{name}}}"), part, 1));
    secured(([(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response(), POLICY)
}

fn secured(mut response: Response, policy: &'static str) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

fn asset(name: &str) -> Response {
    let kind = match name.rsplit_once('.').map(|(_, kind)| kind) {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => return ApiError::not_found().into_response(), // parts of pages are nothing by themselves
    };
    let Some(EmbeddedFile { data, .. }) = Assets::get(name) else {
        return ApiError::not_found().into_response();
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
