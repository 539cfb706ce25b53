//! `gsm firewall`: what its rules are, whom they count, and the same limits for AWS WAF.
use crate::{
    flags::Flags,
    output::{Failure, Outcome, note, print_json, print_table, say},
    remote::{Remote, without},
};
use clap::{Args, Subcommand};
use gsm_core::Clock as _;
use gsm_engine::AddressList;
use gsm_security::{ROLES, Rule};
use gsm_server::{
    config::{Mode, Settings},
    firewall::{
        FirewallSettings,
        explain::{Asked, explain, why_not},
        export::{export, is_name},
    },
};
use serde_json::json;
use std::{net::IpAddr, path::PathBuf};

/// `gsm firewall`
#[derive(Args)]
pub(crate) struct Command {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Check rules and lists and show those that would hold; exit code 2 where one is wrong
    #[command(after_help = "Examples:
  gsm firewall check rules.toml              a file of rules, on top of the default ones
  gsm firewall check --config gsm.toml       everything that a server would start with")]
    Check {
        /// A file with `[[rules]]` blocks
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
        #[command(flatten)]
        flags: Flags,
        /// For machines
        #[arg(long)]
        json: bool,
    },
    /// Say which rules would count a request, and why the others would not
    #[command(after_help = "Examples:
  gsm firewall explain --method POST --path /v1/tickets --role player
  gsm firewall explain --path /v1/queues --address 192.0.2.7 --header 'X-Game: chess' --rules rules.toml
  gsm firewall explain --path /v1/queues --bad-token --config gsm.toml

Lists that operators filled through the API are the server's: GET /v1/admin/firewall.")]
    Explain {
        /// The method of the request
        #[arg(long, default_value = "GET")]
        method: String,
        /// Its path, as it is sent
        #[arg(long)]
        path: String,
        /// Who speaks
        #[arg(long, value_name = "IP", default_value = "192.0.2.1")]
        address: IpAddr,
        /// The role of the caller's good token: player, server, match or admin; without it nobody is known
        #[arg(long)]
        role: Option<String>,
        /// A header as `Name: value`; may be given again
        #[arg(long, value_name = "HEADER")]
        header: Vec<String>,
        /// The request has a token that proves bad
        #[arg(long, conflicts_with = "role")]
        bad_token: bool,
        /// A file with `[[rules]]` blocks, instead of the configuration's
        #[arg(long, value_name = "FILE")]
        rules: Option<PathBuf>,
        #[command(flatten)]
        flags: Flags,
        /// For machines
        #[arg(long)]
        json: bool,
    },
    /// Write the same limits as Terraform for AWS WAFv2; what WAF cannot express is told in it and on standard error
    #[command(after_help = "Examples:
  gsm firewall export --config gsm.toml > waf.tf
  gsm firewall export --name ladder --json
  gsm firewall export --server https://game.example --token-file admin.key > waf.tf

With --server: what is at work there, with the networks that operators have put into its lists.")]
    Export {
        /// The name of the web ACL
        #[arg(long, default_value = "gsm")]
        name: String,
        /// A running server, whose rules and lists are written; else those of the configuration and its files are. The environment's
        /// SSL_CERT_FILE names the authority (PEM) of a certificate that this machine does not trust
        #[arg(long, value_name = "URL", requires = "token_file", conflicts_with = "config")]
        server: Option<String>,
        /// File with the API key of an operator
        #[arg(long, value_name = "FILE", requires = "server")]
        token_file: Option<PathBuf>,
        #[command(flatten)]
        flags: Flags,
        /// For machines: the Terraform and the notes
        #[arg(long)]
        json: bool,
    },
}

impl Command {
    pub(crate) fn run(self) -> Outcome {
        match self.what {
            What::Check { file, flags, json } => check(settings(&flags, file), json),
            What::Explain { method, path, address, role, header, bad_token, rules, flags, json } => {
                let role = role.map(known_role).transpose()?.filter(|role| role != "none");
                let headers = header.iter().map(|text| split(text)).collect::<Result<_, _>>()?;
                let asked = Asked { address, method, path, role, headers, bad_token };
                if !asked.path.starts_with('/') || asked.path.contains(['?', ' ']) {
                    let path = &asked.path;
                    return Err(Failure::usage(format!(
                        "--path `{path}`: write a path without query, such as /v1/queues"
                    )));
                }
                explained(&whole(&flags, rules)?, &asked, json)
            }
            What::Export { name, server, token_file, flags, json } => {
                named(&name)?;
                let (terraform, notes) = match (server, token_file) {
                    (Some(server), Some(token_file)) => asked(&Remote::new(server, token_file), &name)?,
                    _ => written(&settings(&flags, None)?, &name)?,
                };
                exported(&terraform, &notes, json)
            }
        }
    }
}

/// What the configuration says, with the rules of another file if one is named.
fn settings(flags: &Flags, rules: Option<PathBuf>) -> Result<FirewallSettings, Failure> {
    Ok(whole(flags, rules)?.firewall)
}

fn whole(flags: &Flags, rules: Option<PathBuf>) -> Result<Settings, Failure> {
    let mut settings = flags.settings(Mode::Serve)?;
    if rules.is_some() {
        settings.firewall.rules_file = rules;
    }
    Ok(settings)
}

fn known_role(role: String) -> Result<String, Failure> {
    if ROLES.contains(&role.as_str()) {
        return Ok(role);
    }
    Err(Failure::usage(format!("--role `{role}`: there are {}", ROLES.join(", "))))
}

fn split(header: &str) -> Result<(String, String), Failure> {
    let wrong = || Failure::usage(format!("--header `{header}`: write `Name: value`"));
    let (name, value) = header.split_once(':').ok_or_else(wrong)?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

fn check(settings: Result<FirewallSettings, Failure>, json: bool) -> Outcome {
    let read = settings.and_then(|settings| Ok((settings.read().map_err(Failure::usage)?, settings)));
    let (read, settings) = match read {
        Ok(read) => read,
        // Not even readable: the one fault there is to tell.
        Err(failure) if json => {
            let error = json!({ "rule": null, "member": null, "what": failure.text });
            print_json(&json!({ "ok": false, "errors": [error] }))?;
            return Err(Failure { text: String::new(), ..failure });
        }
        Err(failure) => return Err(failure),
    };
    let rules = match settings.rules(&read.rules) {
        Ok(rules) => rules,
        Err(faults) => {
            if json {
                let one = |fault: &gsm_security::RuleError| json!({ "rule": fault.rule, "member": fault.member, "what": fault.what });
                print_json(&json!({ "ok": false, "errors": faults.iter().map(one).collect::<Vec<_>>() }))?;
                return Err(Failure { text: String::new(), code: 2 });
            }
            let lines: Vec<String> = faults.iter().map(|fault| format!("  {fault}")).collect();
            return Err(Failure::usage(format!("the rules are not lawful:\n{}", lines.join("\n"))));
        }
    };
    let warnings = settings.warnings(&read.rules);
    let count = |list| settings.entries(&read, list).len();
    let (denied, allowed) = (count(AddressList::Deny), count(AddressList::Allow));
    if json {
        let rules: Vec<_> = rules.iter().map(told).collect();
        return print_json(
            &json!({ "ok": true, "rules": rules, "denied_networks": denied, "allowed_networks": allowed, "warnings": warnings }),
        );
    }
    let head = ["rule", "limit", "by", "counts", "above it"].map(str::to_owned).to_vec();
    let row = |rule: &Rule| {
        let rate = format!("{} in {} s", rule.rate.limit(), rule.rate.window().get() / 1_000);
        let above = if rule.counts_only { "count".to_owned() } else { rule.status.to_string() };
        vec![rule.name.to_string(), rate, rule.key.to_string(), scope(rule), above]
    };
    let rows: Vec<_> = std::iter::once(head).chain(rules.iter().map(row)).collect();
    print_table(&rows, &[]);
    say(format_args!("networks: {denied} denied, {allowed} never limited"));
    warnings.iter().for_each(|warning| note(format_args!("warning: {warning}")));
    Ok(())
}

/// What a rule counts, in a few words.
fn scope(rule: &Rule) -> String {
    let mut parts = Vec::new();
    if rule.on == gsm_security::Event::BadToken {
        parts.push("bad tokens".to_owned());
    }
    if let Some(face) = rule.face {
        parts
            .push(format!("face {}", if face == gsm_security::Face::Native { "native" } else { "gamelift" }));
    }
    let mut list = |name: &str, all: Vec<String>| {
        if !all.is_empty() {
            parts.push(format!("{name} {}", all.join(" ")));
        }
    };
    list("methods", rule.methods.iter().map(ToString::to_string).collect());
    list("paths", rule.paths.iter().map(ToString::to_string).collect());
    list("actions", rule.actions.iter().map(ToString::to_string).collect());
    list("roles", rule.roles.iter().map(ToString::to_string).collect());
    if parts.is_empty() { "everything".to_owned() } else { parts.join(", ") }
}

fn told(rule: &Rule) -> serde_json::Value {
    json!({
        "name": *rule.name, "key": rule.key.to_string(), "limit": rule.rate.limit(),
        "window_s": rule.rate.window().get() / 1_000, "scope": scope(rule),
        "action": if rule.counts_only { "count" } else { "block" }, "status": rule.status,
    })
}

fn explained(settings: &Settings, asked: &Asked, json: bool) -> Outcome {
    let now = gsm_adapters::SystemClock::new().now();
    let found = explain(settings, asked, now).map_err(Failure::usage)?;
    if json {
        let rule = |(rule, found): &(Rule, Result<(), gsm_security::Miss>)| {
            let mut told = told(rule);
            told["counts_it"] = json!(found.is_ok());
            told["why_not"] = json!(found.err().map(why_not));
            told
        };
        let rules: Vec<_> = found.rules.iter().map(rule).collect();
        return print_json(
            &json!({ "action": found.action, "denied": found.denied, "exempt": found.exempt, "rules": rules }),
        );
    }
    match found.action {
        Some(action) => say(format_args!("{} {} is {action}", asked.method, asked.path)),
        None => say(format_args!("{} {} is no operation of the API", asked.method, asked.path)),
    }
    if found.denied {
        say(format_args!("the deny list refuses {}: nothing else is asked", asked.address));
    } else if found.exempt {
        say("never counted: the path is exempt, or the address on the allow list");
    }
    let head = ["rule", "counts it", "limit", "by", "because"].map(str::to_owned).to_vec();
    let row = |(rule, found): &(Rule, Result<(), gsm_security::Miss>)| {
        let rate = format!("{} in {} s", rule.rate.limit(), rule.rate.window().get() / 1_000);
        let (counts, why) = found.map_or_else(|miss| ("no", why_not(miss)), |()| ("yes", ""));
        vec![rule.name.to_string(), counts.to_owned(), rate, rule.key.to_string(), why.to_owned()]
    };
    let rows: Vec<_> = std::iter::once(head).chain(found.rules.iter().map(row)).collect();
    print_table(&rows, &[]);
    Ok(())
}

fn named(name: &str) -> Outcome {
    if is_name(name) {
        return Ok(());
    }
    Err(Failure::usage(format!("--name `{name}`: a letter, then letters, digits, `-` and `_`, at most 100")))
}

/// Of a configuration and its files.
fn written(settings: &FirewallSettings, name: &str) -> Result<(String, Vec<String>), Failure> {
    let now = gsm_adapters::SystemClock::new().now();
    let done = export(settings, name, now).map_err(Failure::usage)?;
    Ok((done.terraform, done.notes))
}

/// Of a running server.
fn asked(remote: &Remote, name: &str) -> Result<(String, Vec<String>), Failure> {
    let server = remote.server()?;
    let runtime = tokio::runtime::Runtime::new().map_err(Failure::failed)?;
    let answer = runtime.block_on(server.get(&format!("/v1/admin/firewall/export?name={name}")))?;
    let terraform = answer["terraform"].as_str().ok_or_else(|| without("terraform"))?.to_owned();
    let notes = answer["notes"].as_array().ok_or_else(|| without("notes"))?;
    Ok((terraform, notes.iter().filter_map(|note| note.as_str().map(str::to_owned)).collect()))
}

fn exported(terraform: &str, notes: &[String], json: bool) -> Outcome {
    for line in notes {
        note(format_args!("note: {line}"));
    }
    if json {
        return print_json(&json!({ "terraform": terraform, "notes": notes }));
    }
    say(terraform.trim_end());
    Ok(())
}
