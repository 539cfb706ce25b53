//! A bare server by the same libraries, for `gsm bench` to compare with: what HTTP costs when nothing is done.
use axum::{Router, extract::Path, routing::get};

/// Serves on the address in `GSM_BENCH_ECHO` until the process ends.
///
/// # Errors
/// If there is no such address, or it cannot be listened on.
pub async fn echo() -> std::io::Result<()> {
    #[expect(clippy::disallowed_methods, reason = "the bench tells its child where to listen")]
    let addr = std::env::var("GSM_BENCH_ECHO").map_err(std::io::Error::other)?;
    let listener = tokio::net::TcpListener::bind(addr).await?;
    let router = Router::new().route("/readyz", get(async || "")).route(
        "/v1/rankings/{mode}/players/{player}",
        get(async |Path((mode, player)): Path<(String, String)>| mode + &player),
    );
    axum::serve(listener, router).await
}
