//! `gsm privacy`: what a running server keeps of a player, exported and erased, and receipts of that checked offline.
use crate::{
    audit,
    output::{Failure, Out, Outcome, print_json, say},
    remote::{Remote, Server, private_file, without},
};
use clap::{Args, Subcommand};
use gsm_core::PlayerId;
use gsm_server::receipt;
use serde_json::{Value, json};
use std::{fs, io::Write as _, path::PathBuf, time::Duration};

/// Between two looks at an erasure that is not done yet.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How often it is looked at.
const LOOKS_MAX: usize = 600;

/// `gsm privacy`
#[derive(Args)]
pub(crate) struct Command {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Write down all that a server keeps of a player
    #[command(after_help = "Examples:
  gsm privacy export plr-0123.. --token-file admin.key --out player.jsonl
  gsm privacy export plr-0123.. --token-file admin.key | jq 'select(.kind == \"match\")'

One JSON object a line: `kind` says what it is, `data` has it. The file is new and only you can read it; a partial one is
removed. The token is an operator's key, or the player's own session.")]
    Export(Export),
    /// Erase a player: identity at once, the rest behind it; ranks of others stay what they are
    #[command(after_help = "Examples:
  gsm privacy erase plr-0123.. --token-file admin.key --reason 'asked on 3 May' --yes --out receipt.json
  gsm privacy erase plr-0123.. --token-file admin.key --reason 'asked on 3 May' --yes      prints the receipt

There is no way back, so --yes must be given. Doing it again changes nothing and gives the receipt again. The reason goes to
the audit log, which nobody can change: name nobody in it.")]
    Erase(Erase),
    /// Check a receipt of an erasure against a key that you trust; no server is asked
    #[command(after_help = "Examples:
  gsm privacy verify receipt.json --vkey ~/gsm.vkey          the key of the audit log: audit/log.vkey of the server
  gsm privacy verify receipt.json --vkey 'gsm/audit/..+..'

Exit code 0: it is what the server signed; 1: it is not; 2: it could not be checked.")]
    Verify(Verify),
}

/// Which player, on which server, by whose right.
#[derive(Args)]
struct Of {
    /// The player's id
    #[arg(value_name = "PLAYER")]
    player: PlayerId,
    #[command(flatten)]
    remote: Remote,
}

#[derive(Args)]
struct Export {
    #[command(flatten)]
    of: Of,
    /// Where it is written; a new file. Absent: standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Args)]
struct Erase {
    #[command(flatten)]
    of: Of,
    /// Why, for the audit log: 1 to 128 characters. Operators must give it, players do not
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// That you mean it
    #[arg(long)]
    yes: bool,
    /// Where the receipt is written; a new file. Absent: standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Args)]
struct Verify {
    /// The receipt: as `gsm privacy erase` or the server gave it, or its `note` alone
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// A key that you trust, `name+id+base64`, or a file with it; may be given more than once
    #[arg(long = "vkey", value_name = "KEY", required = true)]
    vkeys: Vec<String>,
    /// For machines
    #[arg(long)]
    json: bool,
}

impl Command {
    pub(crate) fn run(self) -> Outcome {
        let runtime = || tokio::runtime::Runtime::new().map_err(Failure::failed);
        match self.what {
            What::Export(command) => runtime()?.block_on(command.run()),
            What::Erase(command) => runtime()?.block_on(command.run()),
            What::Verify(command) => command.run(),
        }
    }
}

impl Export {
    async fn run(self) -> Outcome {
        let server = self.of.remote.server()?;
        let Some(out) = &self.out else {
            return self.pages(&server, &mut Out).await.map(drop);
        };
        let mut file = private_file(out)?;
        let written = self.pages(&server, &mut file).await;
        let written = written.and_then(|items| file.sync_all().map(|()| items).map_err(Failure::failed));
        // A part of it would pass for the whole.
        let items = written.inspect_err(|_| drop(fs::remove_file(out)))?;
        say(format_args!("{items} items of {} are in {}", self.of.player, out.display()));
        Ok(())
    }

    /// Page after page; how many items there were.
    async fn pages(&self, server: &Server, out: &mut dyn std::io::Write) -> Result<u64, Failure> {
        let path = format!("/v1/players/{}/export", self.of.player);
        let (mut cursor, mut items) = (None::<String>, 0);
        loop {
            let query = cursor.map_or_else(String::new, |cursor| format!("?cursor={cursor}"));
            let page = server.get(&format!("{path}{query}")).await?;
            for item in page["items"].as_array().ok_or_else(|| without("items"))? {
                writeln!(out, "{item}").map_err(Failure::failed)?;
                items += 1;
            }
            cursor = page["next_cursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                return Ok(items);
            }
        }
    }
}

impl Erase {
    async fn run(self) -> Outcome {
        if !self.yes {
            let player = &self.of.player;
            return Err(Failure::usage(format!("--yes must be given: {player} is erased for good")));
        }
        let server = self.of.remote.server()?;
        // The file first: a receipt must have a place to go.
        let mut file = self.out.as_deref().map(private_file).transpose()?;
        let done = self.receipt(&server).await;
        let done = done.inspect_err(|_| {
            if let Some(out) = &self.out {
                drop(fs::remove_file(out));
            }
        })?;
        match (&mut file, &self.out) {
            (Some(file), Some(out)) => {
                let text = serde_json::to_string_pretty(&done).map_err(Failure::failed)?;
                let written = writeln!(file, "{text}").and_then(|()| file.sync_all());
                written.map_err(|error| Failure::failed(format!("{}: {error}", out.display())))?;
                say(format_args!("{} is erased; the receipt is in {}", self.of.player, out.display()));
                Ok(())
            }
            _ => print_json(&done),
        }
    }

    /// Asks until all is gone.
    async fn receipt(&self, server: &Server) -> Result<Value, Failure> {
        let path = format!("/v1/players/{}/erase", self.of.player);
        let body = match &self.reason {
            Some(reason) => json!({ "confirm": self.of.player, "reason": reason }),
            None => json!({ "confirm": self.of.player }),
        };
        let unclear =
            "the player may be erased all the same; asking again changes nothing and gives the receipt";
        for _ in 0..LOOKS_MAX {
            let done = server.post(&path, Some(&body), None, unclear).await?;
            match (&done["receipt"], done["state"].as_str()) {
                (Value::Object(_), _) => return Ok(done),
                (_, Some("erasing")) => {}
                _ => return Err(without("receipt")),
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Err(Failure::failed("the identity is gone; the rest takes long: ask for the receipt later"))
    }
}

impl Verify {
    fn run(self) -> Outcome {
        let keys = audit::keys(&self.vkeys)?;
        let bytes = audit::file(&self.file)?;
        let stated = receipt::checked(&bytes, &keys);
        if self.json {
            print_json(&match &stated {
                Ok(statement) => json!({ "verdict": "good", "statement": statement }),
                Err(why) => json!({ "verdict": "bad", "why": why.to_string() }),
            })?;
            return stated.map(drop).map_err(|_| Failure::failed(""));
        }
        let stated = stated.map_err(Failure::failed)?;
        let text = |name: &str| stated[name].as_str().unwrap_or_default().to_owned();
        say(format_args!("good: {} was erased", text("player_id")));
        say(format_args!("  asked for by  {}", text("asked_for_by")));
        say(format_args!("  identity      {}", text("identity_erased_at")));
        say(format_args!("  all else      {}", text("finished_at")));
        let ways = stated["erased"]["ways_to_sign_in"].as_array().map_or(0, Vec::len);
        say(format_args!("  ways to sign in that were deleted: {ways}"));
        Ok(())
    }
}
