//! `gsm authz`: policies looked at without a server.
use crate::output::{Failure, Outcome, print_json, say};
use clap::{Args, Subcommand};
use gsm_policy::{Decision, Policies, Question, Resource, Who};
use serde_json::json;
use std::path::{Path, PathBuf};

/// `gsm authz`
#[derive(Args)]
pub(crate) struct Command {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Who may do this, and by which policy
    #[command(after_help = "Examples:
  gsm authz explain --principal admin:support --action gsm:LiftPenalties
  gsm authz explain --principal player:plr-0123 --action gsm:GetQueue --resource Queue:duel
  gsm authz explain --principal admin:owner --action gsm:DeleteQueue --resource Queue:duel --reason 'season over'
  gsm authz explain --principal 'admin:owner:https://studio.example/#anna' --action gsm:IssueKey
  gsm authz explain --policies /etc/gsm/policies --principal server:game-1 --action gsm:ReportResult --json

Exit code 0: allowed; 1: denied; 2: the question or the policies make no sense.")]
    Explain(Explain),
    /// Check policies against the table of operations
    #[command(after_help = "Examples:
  gsm authz check config/policies
  gsm authz check /etc/gsm/policies --json

Exit code 0: lawful; 1: not, and each fault is told with file, line and column.")]
    Check(Check),
    /// Print the schema: every action, who it is for at all, and the groups it is in
    #[command(after_help = "Example: gsm authz schema > gsm.cedarschema")]
    Schema,
}

#[derive(Args)]
struct Explain {
    /// Who asks: none, player:ID, server:NAME, match:ID, or admin:ROLE or admin:ROLE:NAME with viewer, support, operator, auditor or
    /// owner. The NAME of an API key is its id (key-...), of an issuer's token ISSUER#SUBJECT, of a certificate that of tls.clients
    #[arg(long, value_name = "WHO")]
    principal: String,
    /// What for, as gsm:GetRank; `gsm authz schema` lists them
    #[arg(long, value_name = "ACTION")]
    action: String,
    /// What it is about, as Queue:duel [default: the service as a whole]
    #[arg(long, value_name = "TYPE:NAME")]
    resource: Option<String>,
    /// The address it is asked from
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    address: std::net::IpAddr,
    /// The reason that is given
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// A parameter of the path, as mode=duel; may be given again
    #[arg(long, value_name = "NAME=TEXT")]
    context: Vec<String>,
    /// The directory of policies [default: those that are shipped]
    #[arg(long, value_name = "DIR")]
    policies: Option<PathBuf>,
    /// For machines
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Check {
    /// The directory with files *.cedar
    dir: PathBuf,
    /// For machines
    #[arg(long)]
    json: bool,
}

impl Command {
    pub(crate) fn run(self) -> Outcome {
        match self.what {
            What::Explain(explain) => explain.run(),
            What::Check(check) => check.run(),
            What::Schema => {
                say(gsm_server::authz::schema().trim_end());
                Ok(())
            }
        }
    }
}

fn load(dir: Option<&Path>) -> Result<Policies, Failure> {
    gsm_server::authz::policies(dir).map_err(Failure::usage)
}

/// Who asks, as `admin:support:anna`.
fn who(text: &str) -> Result<Who<'_>, Failure> {
    // A name may have colons: that of an issuer's token is issuer#subject.
    let (kind, rest) = text.split_once(':').map_or((text, None), |(kind, rest)| (kind, Some(rest)));
    let (role, name) =
        rest.and_then(|rest| rest.split_once(':')).map_or((rest, None), |(r, n)| (Some(r), Some(n)));
    match (kind, rest, role) {
        ("none", None, _) => Ok(Who { kind, id: "", admin: None }),
        ("admin", _, Some(role)) if gsm_policy::ADMIN_ROLES.contains(&role) => {
            Ok(Who { kind, id: name.unwrap_or("someone"), admin: Some(role) })
        }
        ("player" | "server" | "match", Some(id), _) if !id.is_empty() => Ok(Who { kind, id, admin: None }),
        _ => Err(Failure::usage(format!(
            "--principal `{text}`: write none, player:ID, server:NAME, match:ID or admin:ROLE, where ROLE is one of {}",
            gsm_policy::ADMIN_ROLES.join(", ")
        ))),
    }
}

impl Explain {
    fn run(self) -> Outcome {
        let policies = load(self.policies.as_deref())?;
        let named = who(&self.principal)?;
        if !policies.actions().any(|action| action == self.action) {
            return Err(Failure::usage(format!(
                "--action `{}`: there is no such action; `gsm authz schema` lists them",
                self.action
            )));
        }
        let resource = match self.resource.as_deref().map(|text| text.split_once(':')) {
            None => Resource { kind: "Service", id: "gsm" },
            Some(Some((kind, id))) if !kind.is_empty() => Resource { kind, id },
            Some(_) => return Err(Failure::usage("--resource: write TYPE:NAME, as Queue:duel")),
        };
        let known: Vec<&str> = policies.resources(&self.action).collect();
        if self.resource.is_some() && !known.contains(&resource.kind) {
            return Err(Failure::usage(format!(
                "--resource: `{}` is about no `{}` but: {}",
                self.action,
                resource.kind,
                known.join(", ")
            )));
        }
        if self.reason.as_deref().is_some_and(|reason| reason.trim().is_empty()) {
            return Err(Failure::usage("--reason: is empty; leave it away, or say why"));
        }
        // As the server sees it: an IPv4 address is one, however it is written.
        let address = self.address.to_canonical().to_string();
        let mut context: Vec<(&str, &str)> = vec![("address", &address)];
        context.extend(self.reason.as_deref().map(|reason| ("reason", reason)));
        for pair in &self.context {
            let pair = pair.split_once('=');
            context.push(pair.ok_or_else(|| Failure::usage("--context: write NAME=TEXT, as mode=duel"))?);
        }
        // As the server does it, which looks at no token there.
        let open = policies.is_open(&self.action);
        let who = if open { Who { kind: "none", id: "", admin: None } } else { named };
        let asked = Question { who, action: &self.action, resource, context: &context };
        let decision = policies.decide(&asked);
        let others = match (open, decision.allowed) {
            (true, true) => vec!["everybody".to_owned()],
            (true, false) => Vec::new(),
            (false, _) => policies.who_may(&asked),
        };
        let written = Policies::written(&who);
        if self.json {
            let of: Vec<_> = texts(&policies, &decision)
                .map(|p| json!({ "id": p.id, "file": p.file, "line": p.line }))
                .collect();
            print_json(&json!({
                "allowed": decision.allowed, "open": open, "principal": written, "policies": of, "errors": decision.errors,
                "who_may": others,
            }))?;
        } else {
            let told = Told { decision: &decision, open, written: &written, others: &others };
            self.tell(&policies, &told);
        }
        if decision.allowed { Ok(()) } else { Err(Failure { text: String::new(), code: 1 }) }
    }

    fn tell(&self, policies: &Policies, told: &Told<'_>) {
        let Told { decision, open, written, others } = *told;
        let verdict = match (decision.allowed, decision.policies.is_empty()) {
            (true, _) if open => "allowed: open, nobody is asked who it is",
            (true, _) => "allowed",
            (false, true) => "denied: no policy permits it",
            (false, false) => "denied: forbidden",
        };
        say(format_args!("{} {} -> {verdict}", self.principal, self.action));
        say(format_args!("in policies the caller is {written}"));
        for policy in texts(policies, decision) {
            say(format_args!("\nby `{}` ({}:{}):", policy.id, policy.file, policy.line));
            policy.text.lines().for_each(|line| say(format_args!("  {line}")));
        }
        for error in &decision.errors {
            say(format_args!("\npassed over: {error}"));
        }
        let may = if others.is_empty() { "nobody".to_owned() } else { others.join(", ") };
        say(format_args!("\nwho may, with this resource and context: {may}"));
    }
}

/// What is told of a question.
#[derive(Clone, Copy)]
struct Told<'a> {
    decision: &'a Decision,
    open: bool,
    /// The caller as policies write it.
    written: &'a str,
    others: &'a [String],
}

fn texts<'p>(
    policies: &'p Policies,
    decision: &'p Decision,
) -> impl Iterator<Item = &'p gsm_policy::PolicyText> {
    policies.texts().iter().filter(|policy| decision.policies.contains(&policy.id))
}

impl Check {
    fn run(self) -> Outcome {
        match gsm_server::authz::policies(Some(&self.dir)) {
            Ok(policies) => {
                let count = policies.texts().len();
                if self.json {
                    return print_json(&json!({ "ok": true, "policies": count, "faults": [] }));
                }
                say(format_args!("{}: {count} policies, lawful", self.dir.display()));
                Ok(())
            }
            Err(faults) => {
                if self.json {
                    let all: Vec<_> = faults.0.iter().map(|fault| {
                        json!({ "file": fault.file, "line": fault.line, "column": fault.column, "what": fault.what, "help": fault.help })
                    }).collect();
                    print_json(&json!({ "ok": false, "faults": all }))?;
                } else {
                    faults.0.iter().for_each(say);
                }
                Err(Failure { text: String::new(), code: 1 })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_principal_is_written_with_its_kind() {
        assert_eq!(who("admin:support").unwrap().admin, Some("support"));
        assert_eq!(who("admin:owner:anna").unwrap().id, "anna");
        assert_eq!(who("player:plr-1").unwrap().kind, "player");
        assert_eq!(
            who("admin:owner:https://studio.example/#anna").unwrap().id,
            "https://studio.example/#anna"
        );
        assert_eq!(who("server:https://studio.example/#eu-1").unwrap().id, "https://studio.example/#eu-1");
        for bad in ["", "admin", "admin:root", "player", "player:", "none:x", "system:x"] {
            assert_eq!(who(bad).unwrap_err().code, 2, "{bad}");
        }
    }
}
