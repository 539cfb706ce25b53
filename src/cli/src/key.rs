//! `gsm key`: keys of a running server, changed while both the old and the new one are good.
use crate::{
    output::{Failure, Outcome, print_json, say},
    remote::{Remote, Server, private_file, without},
};
use clap::{Args, Subcommand, ValueEnum};
use gsm_core::{Timestamp, limits};
use serde_json::json;
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

/// Seconds that the old secret of an API key stays good.
const SECRET_OVERLAP_S: u64 = 86_400;

/// Whether a header may have it.
fn is_shown(byte: u8) -> bool {
    byte == b' ' || byte.is_ascii_graphic()
}

/// `gsm key`
#[derive(Args)]
pub(crate) struct Command {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Change a key of the server, or the secret of an API key; nobody is signed out
    #[command(after_help = "Examples:
  gsm key rotate --token-file /var/lib/gsm/admin.key
  gsm key rotate --token-file admin.key --id key-0123.. --overlap-s 86400 --out game-server.key
  gsm key rotate --token-file admin.key --key token --reason yearly

The token is the API key of an owner. Without more: the next signing key of sessions, which /.well-known/jwks.json has shown already, signs from now on.
With --id: the API key gets a new secret, written to a file that only you can read. With --key token: another key of tokens (of matches,
consents, pages, challenges); with --key master: another key under which secrets of access keys are sealed. The old one stays good for the
overlap. Where an answer is lost the same is asked again, and done once.")]
    Rotate(Rotate),
}

/// A key of the server.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Signs sessions of players
    Signing,
    /// token.key: signs tokens of matches, consents, pages and challenges
    Token,
    /// aws-master.key: seals the secrets of access keys
    Master,
}

#[derive(Args)]
struct Rotate {
    #[command(flatten)]
    remote: Remote,
    /// Which key of the server
    #[arg(long, value_name = "KEY", value_enum, default_value_t = Kind::Signing, conflicts_with = "id")]
    key: Kind,
    /// The API key that gets a new secret
    #[arg(long, value_name = "KEY", requires = "out")]
    id: Option<String>,
    /// Seconds that the old one stays good; without it a day for an API key, two for `token` and `master`
    #[arg(long, value_name = "SECONDS")]
    overlap_s: Option<u64>,
    /// Where the new secret is written; a new file
    #[arg(long, value_name = "FILE", requires = "id")]
    out: Option<PathBuf>,
    /// Why, for the audit log; `token` and `master` want one
    #[arg(long, value_name = "TEXT", required_if_eq_any([("key", "token"), ("key", "master")]))]
    reason: Option<String>,
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
        let is_reason = |text: &str| text.len() <= limits::CALLER_ID_CHARS_MAX && text.bytes().all(is_shown);
        if self.reason.as_deref().is_some_and(|reason| !is_reason(reason)) {
            let most = limits::CALLER_ID_CHARS_MAX;
            return Err(Failure::usage(format!("--reason: 1 to {most} characters of ASCII")));
        }
        let server = self.remote.server()?;
        let runtime = tokio::runtime::Runtime::new().map_err(Failure::failed)?;
        runtime.block_on(self.ask(&server))
    }

    async fn ask(&self, server: &Server) -> Outcome {
        match (&self.id, &self.out, self.key) {
            (Some(id), Some(out), _) => self.secret(server, id, out).await,
            (.., Kind::Signing) => self.signing(server).await,
            (.., Kind::Token) => self.file(server, "/v1/admin/token-key/rotate").await,
            (.., Kind::Master) => self.file(server, "/v1/admin/master-key/rotate").await,
        }
    }

    async fn signing(&self, server: &Server) -> Outcome {
        if self.overlap_s.is_some() {
            return Err(Failure::usage("--overlap-s: sessions of the key before are good until they expire"));
        }
        let unclear = "the keys may have been rotated all the same: GET /v1/admin/signing-keys shows them";
        let asked = server.post("/v1/admin/signing-keys/rotate", None, self.reason.as_deref(), unclear);
        let answer = asked.await?;
        let keys = answer["keys"].as_array().ok_or_else(|| without("keys"))?;
        if self.json {
            return print_json(&answer);
        }
        for key in keys {
            let text = |name: &str| key[name].as_str().unwrap_or_default().to_owned();
            say(format_args!("{:8} {}", text("state"), text("key_id")));
        }
        Ok(())
    }

    /// A key that the server has in a file.
    async fn file(&self, server: &Server, path: &str) -> Outcome {
        let unclear = "there may be a new key all the same: the audit log tells of it";
        let body = json!({ "reason": self.reason, "overlap_s": self.overlap_s });
        let answer = server.post(path, Some(&body), None, unclear).await?;
        let until = answer["previous_until"].as_i64().ok_or_else(|| without("previous_until"))?;
        if self.json {
            return print_json(&answer);
        }
        let mut shown = Vec::new();
        gsm_audit::rfc3339(Timestamp::from_millis(until), &mut shown);
        let shown = String::from_utf8_lossy(&shown);
        say(format_args!("there is a new key; what the one before has signed is good until {shown}"));
        Ok(())
    }

    async fn secret(&self, server: &Server, id: &str, out: &Path) -> Outcome {
        // The file first: a secret that is shown once must have a place to go.
        let mut file = private_file(out)?;
        let path = format!("/v1/admin/keys/{id}/rotate");
        let unclear = "the secret may have been changed all the same: GET /v1/admin/keys shows for how long the one before is \
                       good (`old_secret_good_until`), and another rotation would end it at once";
        let body = json!({ "overlap_s": self.overlap_s.unwrap_or(SECRET_OVERLAP_S) });
        let asked = server.post(&path, Some(&body), self.reason.as_deref(), unclear).await;
        let asked = asked.and_then(|answer| match answer["key"].as_str() {
            Some(key) => Ok((key.to_owned(), answer)),
            None => Err(without("key")),
        });
        let (key, answer) = asked.inspect_err(|_| drop(fs::remove_file(out)))?;
        let written = writeln!(file, "{key}").and_then(|()| file.sync_all());
        written.map_err(|error| Failure::failed(format!("{}: {error}", out.display())))?;
        let until = answer["old_secret_good_until"].as_i64();
        if self.json {
            let file = out.display().to_string();
            return print_json(&json!({ "key_id": id, "file": file, "old_secret_good_until": until }));
        }
        say(format_args!("the new secret of {id} is in {}", out.display()));
        Ok(())
    }
}
