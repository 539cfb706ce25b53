//! A running server, asked over its API, and files for what it gives once.
use crate::output::Failure;
use clap::Args;
use gsm_adapters::SystemIds;
use gsm_core::IdSource as _;
use serde_json::Value;
use std::{
    fs,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

/// A server that does not answer within this is down.
const ANSWER_MAX: Duration = Duration::from_secs(60);
/// How often a busy server is asked again.
const BUSY_TRIES_MAX: usize = 60;
/// How often it is asked again where an answer was lost.
const LOST_TRIES_MAX: usize = 2;
/// Before that.
const LOST_WAIT: Duration = Duration::from_secs(1);

/// Which server, by whose right.
#[derive(Args)]
pub(crate) struct Remote {
    /// Where the server is. The environment's SSL_CERT_FILE names the authority (PEM) of a certificate that this machine does
    /// not trust
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    server: String,
    /// File with an API key, or with the session of a player
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
}

/// The server, and how it is asked.
pub(crate) struct Server {
    client: reqwest::Client,
    url: String,
    token: String,
}

impl Remote {
    /// Of a command that can do without a server.
    pub(crate) fn new(server: String, token_file: PathBuf) -> Self {
        Self { server, token_file }
    }

    /// Reads the token; nothing is asked yet.
    pub(crate) fn server(&self) -> Result<Server, Failure> {
        let token = fs::read_to_string(&self.token_file)
            .map_err(|error| Failure::usage(format!("{}: {error}", self.token_file.display())))?;
        let token = token.trim();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            let what = "a token is one line without blanks, and nothing else is in its file";
            return Err(Failure::usage(format!("{}: {what}", self.token_file.display())));
        }
        let url = reqwest::Url::parse(&self.server).ok().filter(gsm_server::is_private_way);
        let url = url.ok_or_else(|| {
            Failure::usage(format!("--server `{}`: an https address, or http on this machine", self.server))
        })?;
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(ANSWER_MAX)
            .build()
            .map_err(Failure::failed)?;
        let url = url.as_str().trim_end_matches('/').to_owned();
        Ok(Server { client, url, token: token.to_owned() })
    }
}

impl Server {
    pub(crate) async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.ask(|| self.client.get(format!("{}{path}", self.url)), "").await
    }

    /// One write, however often it is sent: a server that did it and could not say so must not do it again. `reason` goes into
    /// its header, `unclear` is told where nobody knows in the end whether it was done.
    pub(crate) async fn post(
        &self,
        path: &str,
        body: Option<&Value>,
        reason: Option<&str>,
        unclear: &str,
    ) -> Result<Value, Failure> {
        let once = format!("gsm-{:032x}", SystemIds.next_u128());
        let request = || {
            let request = self.client.post(format!("{}{path}", self.url)).header("idempotency-key", &once);
            let request =
                reason.into_iter().fold(request, |request, why| request.header("x-gsm-reason", why));
            match body {
                Some(body) => request.header("content-type", "application/json").body(body.to_string()),
                None => request,
            }
        };
        self.ask(request, &format!("\nhint: {unclear}")).await
    }

    /// Asks; a server that is busy is asked again after as long as it says, and so is one whose answer was lost.
    async fn ask(
        &self,
        request: impl Fn() -> reqwest::RequestBuilder,
        unclear: &str,
    ) -> Result<Value, Failure> {
        let (mut lost, mut may_be_done) = (0, false);
        let failed = |text: String, may_be_done: bool| {
            Failure::failed(if may_be_done { text + unclear } else { text })
        };
        for _ in 0..BUSY_TRIES_MAX {
            let (status, wait, bytes) = match answer(request().bearer_auth(&self.token)).await {
                Ok(answer) => answer,
                Err(error) => {
                    may_be_done |= !error.is_connect();
                    if may_be_done && lost < LOST_TRIES_MAX {
                        lost += 1;
                        tokio::time::sleep(LOST_WAIT).await;
                        continue;
                    }
                    return Err(failed(silent(error, &self.url), may_be_done));
                }
            };
            may_be_done |= status.is_server_error();
            let value = serde_json::from_slice(&bytes).ok().filter(Value::is_object);
            match (status.as_u16(), wait) {
                _ if status.is_success() => {
                    let what = "it is no gsm server, or something stands before it";
                    return value.ok_or_else(|| {
                        Failure::failed(format!("{} answers what is no JSON object: {what}", self.url))
                    });
                }
                (429 | 503, Some(seconds)) => {
                    tokio::time::sleep(Duration::from_secs(seconds).min(ANSWER_MAX)).await;
                }
                _ => {
                    let told = value.as_ref().and_then(|value| value["detail"].as_str());
                    let told = told.unwrap_or("no detail");
                    return Err(failed(format!("the server refused ({status}): {told}"), may_be_done));
                }
            }
        }
        Err(failed("the server is too busy".to_owned(), may_be_done))
    }
}

/// The status of an answer, for how many seconds it asks to wait, and its body.
async fn answer(
    request: reqwest::RequestBuilder,
) -> Result<(reqwest::StatusCode, Option<u64>, bytes::Bytes), reqwest::Error> {
    let answer = request.send().await?;
    let wait = answer.headers().get("retry-after").and_then(|of| of.to_str().ok()?.parse().ok());
    Ok((answer.status(), wait, answer.bytes().await?))
}

/// An answer has not the member `name`, which each of the API's has.
pub(crate) fn without(name: &str) -> Failure {
    Failure::failed(format!("the server's answer has no `{name}`: it is no gsm server"))
}

/// Why a server does not answer, down to the first cause, and what to do where its authority is not trusted.
fn silent(error: reqwest::Error, url: &str) -> String {
    let error = error.without_url();
    let all = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
    let causes: Vec<String> = all.map(ToString::to_string).collect();
    let causes = causes.join(": ");
    let hint = if causes.contains("UnknownIssuer") {
        "\nhint: SSL_CERT_FILE=FILE before the command names the authority (PEM) that signed the server's certificate"
    } else {
        ""
    };
    format!("the server does not answer: {url}: {causes}{hint}")
}

/// A new file that only its owner reads.
pub(crate) fn private_file(path: &Path) -> Result<fs::File, Failure> {
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.map_err(|error| Failure::failed(format!("{}: {error}", path.display())))
}
