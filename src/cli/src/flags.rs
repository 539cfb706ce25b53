//! Flags of several commands, as layers of the configuration.
use crate::output::{Failure, note};
use clap::Args;
use gsm_server::config::{self, Checked, Loaded, Mode, Problem, Settings};
use std::path::PathBuf;
use toml::Value;

/// Where the configuration comes from.
#[derive(Args, Clone, Default)]
pub(crate) struct Source {
    /// The configuration file; every key is in config/gsm.toml
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// Settings that have a flag.
#[derive(Args, Clone, Default)]
pub(crate) struct Flags {
    #[command(flatten)]
    pub(crate) source: Source,
    /// Address and port to listen on; port 0 takes a free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// The data directory [default: gsm-data]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,
    /// File with the public keys (JWKS) of the issuer that signs players in
    #[arg(long, value_name = "FILE")]
    player_jwks: Option<String>,
    /// The `iss` that tokens of that issuer carry
    #[arg(long, value_name = "ISS")]
    player_issuer: Option<String>,
    /// An issuer of players, back ends or operators: iss=URL,jwks=FILE,roles=server+admin (or jwks_url=URL, or
    /// discovery=true, in place of jwks) and, if wanted, aud=AUD and role_claim=NAME; may be given again
    #[arg(long, value_name = "ISSUER")]
    trusted_issuer: Vec<String>,
    /// Request limits: default, or test-lenient and test-limit for tests
    #[arg(long, value_name = "NAME")]
    firewall_profile: Option<String>,
    /// Write down what comes to queues into this directory, for gsm simulate; ids are hashed, names left out
    #[arg(long, value_name = "DIR")]
    record_traffic: Option<String>,
    /// Log lines as text or json
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
}

impl Flags {
    /// The configuration with the flags on top.
    pub(crate) fn load(&self) -> Result<Loaded, Failure> {
        let mut layers = Vec::new();
        let mut add = |flag: &str, key, value: &Option<String>| {
            if let Some(text) = value {
                layers.push((flag.to_owned(), key, Value::String(text.clone())));
            }
        };
        add("--listen", "http.listen", &self.listen);
        add("--data-dir", "store.data_dir", &self.data_dir);
        add("--player-jwks", "auth.player_jwks", &self.player_jwks);
        add("--player-issuer", "auth.player_issuer", &self.player_issuer);
        add("--firewall-profile", "firewall.profile", &self.firewall_profile);
        add("--record-traffic", "recording.dir", &self.record_traffic);
        add("--log-format", "log.format", &self.log_format);
        add("--log-level", "log.level", &self.log_level);
        if !self.trusted_issuer.is_empty() {
            let issuers = self.trusted_issuer.iter().map(|text| issuer(text)).collect::<Result<_, _>>()?;
            layers.push(("--trusted-issuer".to_owned(), "auth.trusted_issuers", Value::Array(issuers)));
        }
        config::load(self.source.config.as_deref(), std::env::vars_os(), layers).map_err(Failure::usage)
    }

    /// The settings for a tool; warnings are printed, faults end it.
    pub(crate) fn settings(&self, mode: Mode) -> Result<Settings, Failure> {
        let Checked { settings, warnings } = self.load()?.check(mode);
        for warning in warnings {
            note(format_args!("warning: {warning}"));
        }
        settings.map_err(|problems| unlawful(&problems))
    }

    /// The settings for a server; warnings are in its log, faults end it.
    pub(crate) fn server_settings(&self, mode: Mode) -> Result<Settings, Failure> {
        let Checked { settings, warnings } = self.load()?.check(mode);
        let settings = settings.map_err(|problems| unlawful(&problems))?;
        gsm_server::log_warnings(&settings, &warnings);
        Ok(settings)
    }
}

fn unlawful(problems: &[Problem]) -> Failure {
    let lines: Vec<String> = problems.iter().map(|p| format!("  {p}")).collect();
    Failure::usage(format!("the configuration is not lawful:\n{}", lines.join("\n")))
}

/// `iss=..,jwks=..,roles=a+b` as the table that the file would have.
fn issuer(text: &str) -> Result<Value, Failure> {
    let bad = |what: &str| {
        Failure::usage(format!(
            "--trusted-issuer `{text}`: {what}; write iss=URL,jwks=FILE,roles=server+admin"
        ))
    };
    let mut table = toml::Table::new();
    for part in text.split(',') {
        let (name, value) = part.split_once('=').ok_or_else(|| bad("a part is not name=value"))?;
        let value = match name {
            "iss" | "aud" | "jwks" | "jwks_url" | "role_claim" => Value::String(value.to_owned()),
            "discovery" => {
                Value::Boolean(value.parse::<bool>().map_err(|_| bad("`discovery` is true or false"))?)
            }
            "roles" => Value::Array(value.split('+').map(|role| Value::String(role.to_owned())).collect()),
            _ => return Err(bad(&format!("`{name}` is not known"))),
        };
        if table.insert(name.to_owned(), value).is_some() {
            return Err(bad(&format!("`{name}` comes twice")));
        }
    }
    // Where its keys come from is checked with the rest of the configuration.
    match ["iss", "roles"].into_iter().find(|name| !table.contains_key(*name)) {
        Some(name) => Err(bad(&format!("`{name}` is missing"))),
        None => Ok(Value::Table(table)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_written_as_parts() {
        let value = issuer("iss=https://a/,aud=gsm,jwks=/x.json,roles=server+admin").unwrap();
        assert_eq!(value["roles"].as_array().map(Vec::len), Some(2));
        let fetched = issuer("iss=https://a/,discovery=true,roles=player").unwrap();
        assert_eq!(fetched["discovery"].as_bool(), Some(true));
        let file = issuer("iss=https://a/,discovery=false,jwks=f,roles=player").unwrap();
        assert_eq!(file["discovery"].as_bool(), Some(false));
        for other in ["yes", "", "True", "1"] {
            let text = issuer(&format!("iss=https://a/,discovery={other},roles=player")).unwrap_err().text;
            assert!(text.contains("`discovery` is true or false"), "{text}");
        }
        for bad in ["", "iss", "iss=a", "iss=a,iss=b,jwks=c,roles=admin", "iss=a,jwks=b,roles=c,x=y"] {
            assert_eq!(issuer(bad).unwrap_err().code, 2, "{bad}");
        }
    }
}
