//! `gsm key`: keys of a running server, changed while both the old and the new one are good.
use crate::output::{Failure, Outcome, print_json, say};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::{fs, io::Write as _, os::unix::fs::OpenOptionsExt as _, path::PathBuf, time::Duration};

/// A server that does not answer within this is down.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// `gsm key`
#[derive(Args)]
pub(crate) struct Command {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Change the keys that sign sessions, or the secret of an API key; nobody is signed out
    #[command(after_help = "Examples:
  gsm key rotate --token-file /var/lib/gsm/admin.key
  gsm key rotate --token-file admin.key --id key-0123.. --overlap-s 86400 --out game-server.key

Without --id: the next signing key, which /.well-known/jwks.json has shown already, signs from now on. With --id: the API key
gets a new secret, written to a file that only you can read, and the old one stays good for the overlap.")]
    Rotate(Rotate),
}

#[derive(Args)]
struct Rotate {
    /// Where the server is
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    server: String,
    /// File with the API key of an owner
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
    /// The API key that gets a new secret
    #[arg(long, value_name = "KEY", requires = "out")]
    id: Option<String>,
    /// Seconds that the old secret stays good
    #[arg(long, value_name = "SECONDS", default_value_t = 86_400)]
    overlap_s: u64,
    /// Where the new secret is written; a new file
    #[arg(long, value_name = "FILE", requires = "id")]
    out: Option<PathBuf>,
    /// For machines
    #[arg(long)]
    json: bool,
}

impl Command {
    pub(crate) fn run(self) -> Outcome {
        let What::Rotate(rotate) = self.what;
        rotate.run()
    }
}

impl Rotate {
    fn run(self) -> Outcome {
        let token = fs::read_to_string(&self.token_file)
            .map_err(|error| Failure::usage(format!("{}: {error}", self.token_file.display())))?;
        let url = reqwest::Url::parse(&self.server).ok().filter(gsm_server::is_private_way);
        let url = url.ok_or_else(|| {
            Failure::usage(format!("--server `{}`: an https address, or http on this machine", self.server))
        })?;
        let runtime = tokio::runtime::Runtime::new().map_err(Failure::failed)?;
        runtime.block_on(self.ask(url.as_str().trim_end_matches('/'), token.trim()))
    }

    async fn ask(&self, server: &str, token: &str) -> Outcome {
        let (Some(id), Some(out)) = (&self.id, &self.out) else {
            let answer = post(&format!("{server}/v1/admin/signing-keys/rotate"), token, None).await?;
            if self.json {
                return print_json(&answer);
            }
            for key in answer["keys"].as_array().into_iter().flatten() {
                let text = |name: &str| key[name].as_str().unwrap_or_default().to_owned();
                say(format_args!("{:8} {}", text("state"), text("key_id")));
            }
            return Ok(());
        };
        // The file first: a secret that is shown once must have a place to go.
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(out)
            .map_err(|error| Failure::failed(format!("{}: {error}", out.display())))?;
        let path = format!("{server}/v1/admin/keys/{id}/rotate");
        let asked = post(&path, token, Some(json!({ "overlap_s": self.overlap_s }))).await;
        let answer = asked.inspect_err(|_| drop(fs::remove_file(out)))?;
        let key = answer["key"].as_str().unwrap_or_default();
        let written = writeln!(file, "{key}").and_then(|()| file.sync_all());
        written.map_err(|error| Failure::failed(format!("{}: {error}", out.display())))?;
        let until = answer["old_secret_good_until"].as_i64();
        if self.json {
            return print_json(&json!({ "key_id": id, "file": out, "old_secret_good_until": until }));
        }
        say(format_args!("the new secret of {id} is in {}", out.display()));
        Ok(())
    }
}

async fn post(url: &str, token: &str, body: Option<Value>) -> Result<Value, Failure> {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(ANSWER_MAX)
        .build()
        .map_err(Failure::failed)?;
    let mut request = client.post(url).bearer_auth(token);
    if let Some(body) = body {
        request = request.header("content-type", "application/json").body(body.to_string());
    }
    let answer = request
        .send()
        .await
        .map_err(|error| Failure::failed(format!("the server does not answer: {error}")))?;
    let status = answer.status();
    let bytes = answer.bytes().await.map_err(Failure::failed)?;
    let value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    if status.is_success() {
        return Ok(value);
    }
    let told = value["detail"].as_str().unwrap_or("no detail");
    Err(Failure::failed(format!("the server refused ({status}): {told}")))
}
