//! `gsm key`: keys of a running server, changed while both the old and the new one are good.
use crate::{
    output::{Failure, Outcome, print_json, say},
    remote::{Remote, Server, private_file, without},
};
use clap::{Args, Subcommand};
use serde_json::json;
use std::{fs, io::Write as _, path::PathBuf};

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

The token is the API key of an owner. Without --id: the next signing key, which /.well-known/jwks.json has shown already, signs from now on. With --id: the API key
gets a new secret, written to a file that only you can read, and the old one stays good for the overlap. Where an answer is
lost the same is asked again, and done once.")]
    Rotate(Rotate),
}

#[derive(Args)]
struct Rotate {
    #[command(flatten)]
    remote: Remote,
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
        let server = self.remote.server()?;
        let runtime = tokio::runtime::Runtime::new().map_err(Failure::failed)?;
        runtime.block_on(self.ask(&server))
    }

    async fn ask(&self, server: &Server) -> Outcome {
        let (Some(id), Some(out)) = (&self.id, &self.out) else {
            let unclear =
                "the keys may have been rotated all the same: GET /v1/admin/signing-keys shows them";
            let answer = server.post("/v1/admin/signing-keys/rotate", None, unclear).await?;
            let keys = answer["keys"].as_array().ok_or_else(|| without("keys"))?;
            if self.json {
                return print_json(&answer);
            }
            for key in keys {
                let text = |name: &str| key[name].as_str().unwrap_or_default().to_owned();
                say(format_args!("{:8} {}", text("state"), text("key_id")));
            }
            return Ok(());
        };
        // The file first: a secret that is shown once must have a place to go.
        let mut file = private_file(out)?;
        let path = format!("/v1/admin/keys/{id}/rotate");
        let unclear = "the secret may have been changed all the same: GET /v1/admin/keys shows for how long the one before is \
                       good (`old_secret_good_until`), and another rotation would end it at once";
        let asked = server.post(&path, Some(&json!({ "overlap_s": self.overlap_s })), unclear).await;
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
