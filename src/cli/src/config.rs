//! `gsm config`: is it right, and where does each value come from?
use crate::{
    flags::Flags,
    output::{Failure, Outcome, print_json, print_table, say},
};
use clap::{Args, Subcommand};
use gsm_server::config::{Checked, Loaded, Mode, Problem, Settings, template};
use serde_json::json;

/// `gsm config`
#[derive(Args)]
pub(crate) struct Command {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Say what is wrong (exit code 1) or risky
    #[command(after_help = "Example: gsm config check --config gsm.toml")]
    Check {
        #[command(flatten)]
        flags: Flags,
        /// Check for `gsm dev` instead of `gsm serve`
        #[arg(long)]
        dev: bool,
        /// For machines
        #[arg(long)]
        json: bool,
    },
    /// Show each value and where it comes from
    #[command(after_help = "Examples:
  gsm config show
  GSM__HTTP__LISTEN=0.0.0.0:80 gsm config show --json
  gsm config show --template > gsm.toml")]
    Show {
        #[command(flatten)]
        flags: Flags,
        /// A file with every key, its meaning and its default (TOML)
        #[arg(long, conflicts_with = "json")]
        template: bool,
        /// For machines
        #[arg(long)]
        json: bool,
    },
}

impl Command {
    pub(crate) fn run(self) -> Outcome {
        match self.what {
            What::Check { flags, dev, json } => {
                check(&flags, if dev { Mode::Dev } else { Mode::Serve }, json)
            }
            What::Show { template: true, .. } => {
                say(template().trim_end());
                Ok(())
            }
            What::Show { flags, json, .. } => show(&flags, json),
        }
    }
}

fn check(flags: &Flags, mode: Mode, json: bool) -> Outcome {
    let loaded = match flags.load() {
        Ok(loaded) => loaded,
        // Not even readable: the one fault there is to tell.
        Err(failure) => {
            if json {
                let error = json!({ "key": null, "origin": null, "what": failure.text });
                print_json(&json!({ "ok": false, "errors": [error], "warnings": [] }))?;
            } else {
                say(format_args!("error    {}", failure.text));
            }
            return Err(Failure { text: String::new(), code: 1 });
        }
    };
    let Checked { settings, warnings } = loaded.check(mode);
    let errors = settings.map_or_else(|errors| errors, |settings| policies(&settings, &loaded));
    if json {
        let list = |all: &[Problem]| -> Vec<_> {
            let one = |p: &Problem| json!({ "key": p.key, "origin": p.origin.to_string(), "what": p.what });
            all.iter().map(one).collect()
        };
        print_json(
            &json!({ "ok": errors.is_empty(), "errors": list(&errors), "warnings": list(&warnings) }),
        )?;
    } else {
        errors.iter().for_each(|p| say(format_args!("error    {p}")));
        warnings.iter().for_each(|p| say(format_args!("warning  {p}")));
        if errors.is_empty() {
            say(format_args!("the configuration is lawful"));
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(Failure { text: String::new(), code: 1 }) }
}

/// What is wrong with the policies that the configuration names.
fn policies(settings: &Settings, loaded: &Loaded) -> Vec<Problem> {
    const KEY: &str = "policy.dir";
    let faults = settings.policy_dir.as_deref().and_then(|dir| gsm_server::authz::policies(Some(dir)).err());
    let one =
        |fault: &gsm_policy::Fault| Problem { key: KEY, origin: loaded.origin(KEY), what: fault.to_string() };
    faults.iter().flat_map(|faults| &faults.0).map(one).collect()
}

fn show(flags: &Flags, json: bool) -> Outcome {
    let loaded = flags.load()?;
    let values = serde_json::to_value(&loaded.config).map_err(Failure::failed)?;
    let mut all = Vec::new();
    for (section, keys) in values.as_object().into_iter().flatten() {
        for (key, value) in keys.as_object().into_iter().flatten() {
            let name = format!("{section}.{key}");
            let origin = loaded.origin(&name).to_string();
            all.push((name, value, origin));
        }
    }
    if json {
        let one = |(key, value, origin): &(String, &serde_json::Value, String)| json!({ "key": key, "value": value, "origin": origin });
        return print_json(&all.iter().map(one).collect::<Vec<_>>());
    }
    let mut rows = vec![vec!["key".to_owned(), "value".to_owned(), "from".to_owned()]];
    for (key, value, origin) in all {
        let value = if value.is_null() { "-".to_owned() } else { value.to_string() };
        rows.push(vec![key, value, origin]);
    }
    print_table(&rows, &[]);
    Ok(())
}
