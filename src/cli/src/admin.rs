//! `gsm admin`: what an operator does by hand, on a data directory that no server holds.
use crate::{
    flags::Flags,
    output::{Failure, Outcome, print_json, say},
};
use clap::{Args, Subcommand};
use gsm_server::config::Mode;
use std::path::PathBuf;

/// `gsm admin`
#[derive(Args)]
pub(crate) struct Command {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Make the first admin's key and write it to a file that only you can read
    #[command(after_help = "Example:
  gsm admin bootstrap --data-dir /var/lib/gsm
  curl -H \"Authorization: Bearer $(cat /var/lib/gsm/admin.key)\" http://127.0.0.1:8080/v1/admin/keys

Works once, while no server runs on the directory; more keys are made by POST /v1/admin/keys.")]
    Bootstrap {
        #[command(flatten)]
        flags: Flags,
        /// Where to write the key [default: admin.key in the data directory]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// For machines
        #[arg(long)]
        json: bool,
    },
}

impl Command {
    pub(crate) fn run(self) -> Outcome {
        let What::Bootstrap { flags, out, json } = self.what;
        let settings = flags.settings(Mode::Serve)?;
        let out = out.unwrap_or_else(|| settings.data_dir.join("admin.key"));
        let runtime = tokio::runtime::Runtime::new().map_err(Failure::failed)?;
        let key_id = runtime.block_on(gsm_server::bootstrap(&settings, &out)).map_err(Failure::failed)?;
        if json {
            return print_json(&serde_json::json!({ "key_id": key_id, "file": out.display().to_string() }));
        }
        say(format_args!("the key of admin {key_id} is in {}", out.display()));
        Ok(())
    }
}
