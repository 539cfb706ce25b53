//! Where values come from: defaults, then the file, then `GSM__SECTION__KEY`, then flags; the last one wins.
use super::Config;
use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fmt,
    io::Read as _,
    path::{Path, PathBuf},
};
use toml::{Table, Value};

/// Before the section and the key in the name of a variable, and between them.
const SEPARATOR: &str = "__";
const PREFIX: &str = "GSM__";
/// Bytes of a configuration file.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The built-in default.
    Default,
    /// The file.
    File(PathBuf),
    /// An environment variable.
    Env(String),
    /// A flag.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Env(name) => write!(f, "${name}"),
            Self::Flag(name) => f.write_str(name),
        }
    }
}

/// Why a configuration cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration `{path}`: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file does not fit.
    #[error("in the configuration `{path}`: {what}{hint}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong, with its line.
        what: String,
        /// What to do, or nothing.
        hint: String,
    },
    /// A variable or flag does not fit.
    #[error("{origin}: {what}{hint}")]
    Value {
        /// Which.
        origin: Origin,
        /// What is wrong.
        what: String,
        /// What to do, or nothing.
        hint: String,
    },
}

/// A configuration and where each of its values came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The values.
    pub config: Config,
    /// By `section.key`; what is not here is a default.
    pub origins: BTreeMap<String, Origin>,
}

impl Loaded {
    /// Where `section.key` came from.
    #[must_use]
    pub fn origin(&self, key: &str) -> Origin {
        self.origins.get(key).cloned().unwrap_or(Origin::Default)
    }
}

/// Puts the layers over each other. `env` are all variables of the process; `flags` are `(flag, section.key, value)`.
///
/// # Errors
/// The first value that is unknown, of a wrong kind or no text, with the place it came from.
pub fn load(
    file: Option<&Path>,
    env: impl IntoIterator<Item = (OsString, OsString)>,
    flags: Vec<(String, &'static str, Value)>,
) -> Result<Loaded, ConfigError> {
    let mut table = Table::new();
    let mut origins = BTreeMap::new();
    if let Some(path) = file {
        table = read_file(path)?;
        for (section, keys) in &table {
            for key in keys.as_table().into_iter().flat_map(Table::keys) {
                origins.insert(format!("{section}.{key}"), Origin::File(path.to_owned()));
            }
        }
    }
    let is_ours = |name: &OsString| name.as_encoded_bytes().starts_with(PREFIX.as_bytes());
    let mut variables: Vec<(OsString, OsString)> =
        env.into_iter().filter(|(name, _)| is_ours(name)).collect();
    variables.sort();
    for (name, text) in variables {
        let (name, text) = variable(&name, text)?;
        let key = name.trim_start_matches(PREFIX).to_ascii_lowercase().replacen(SEPARATOR, ".", 1);
        set(&mut table, &key, guess(&key, &text), Origin::Env(name), &mut origins)?;
    }
    for (flag, key, value) in flags {
        set(&mut table, key, value, Origin::Flag(flag), &mut origins)?;
    }
    match table.try_into() {
        Ok(config) => Ok(Loaded { config, origins }),
        // Every layer was checked as it came.
        Err(error) => {
            Err(ConfigError::Value { origin: Origin::Default, what: error.to_string(), hint: String::new() })
        }
    }
}

/// The name and the text of a variable. One that is no text says something that nobody meant.
fn variable(name: &OsStr, value: OsString) -> Result<(String, String), ConfigError> {
    let no_text = |part: &str| ConfigError::Value {
        origin: Origin::Env(name.to_string_lossy().into_owned()),
        what: format!("its {part} is not UTF-8"),
        hint: String::new(),
    };
    let text = value.into_string().map_err(|_| no_text("value"))?;
    Ok((name.to_str().ok_or_else(|| no_text("name"))?.to_owned(), text))
}

fn read_file(path: &Path) -> Result<Table, ConfigError> {
    let fault = |source| ConfigError::Read { path: path.to_owned(), source };
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(fault)?;
    file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(fault)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(fault(std::io::Error::other(format!("it has more than {FILE_BYTES_MAX} bytes"))));
    }
    let wrong = |error: toml::de::Error| {
        let what = error.to_string().trim_end().to_owned();
        ConfigError::File { path: path.to_owned(), hint: hint(error.message()), what }
    };
    toml::from_str::<Config>(&text).map_err(wrong)?;
    // Relative paths of a file are relative to where the server is started, as in a shell.
    text.parse().map_err(wrong)
}

/// A variable's text as the value that its key wants: lists and numbers as TOML has them, the rest as text.
fn guess(key: &str, text: &str) -> Value {
    let wants_text = matches!(
        super::template::kind_of(key),
        Some(super::template::Kind::Text | super::template::Kind::OptionalText)
    );
    if wants_text {
        return Value::String(text.to_owned());
    }
    let document = format!("v = {text}");
    let parsed = document.parse::<Table>().ok().and_then(|mut table| table.remove("v"));
    parsed.unwrap_or_else(|| Value::String(text.to_owned()))
}

fn set(
    table: &mut Table,
    key: &str,
    value: Value,
    origin: Origin,
    origins: &mut BTreeMap<String, Origin>,
) -> Result<(), ConfigError> {
    let wrong = |what: String, hint: String| ConfigError::Value { origin: origin.clone(), what, hint };
    let Some((section, name)) = key.split_once('.') else {
        return Err(wrong(
            "not the name of a key".to_owned(),
            "; write GSM__SECTION__KEY, for instance GSM__HTTP__LISTEN".to_owned(),
        ));
    };
    // Checked alone, so that the fault has a name.
    let mut alone = Table::new();
    alone.insert(section.to_owned(), Value::Table(Table::from_iter([(name.to_owned(), value.clone())])));
    if let Err(error) = alone.try_into::<Config>() {
        let text = error.message().trim_end();
        return Err(wrong(text.to_owned(), hint(text)));
    }
    let section = table.entry(section.to_owned()).or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(keys) = section {
        keys.insert(name.to_owned(), value);
    }
    origins.insert(key.to_owned(), origin);
    Ok(())
}

/// For an unknown key, the known one that is nearest.
fn hint(message: &str) -> String {
    let Some(rest) = message.strip_prefix("unknown field `") else { return String::new() };
    let Some((wrong, known)) = rest.split_once('`') else { return String::new() };
    let known = known.split('`').skip(1).step_by(2);
    match known.min_by_key(|name| distance(wrong, name)).filter(|name| distance(wrong, name) <= 3) {
        Some(name) => format!("; did you mean `{name}`?"),
        None => "; all keys: gsm config show --template".to_owned(),
    }
}

/// Edits between two names.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut left_above = i;
        let mut left = i + 1;
        for (j, y) in b.iter().enumerate() {
            let above = row.get(j + 1).copied().unwrap_or(usize::MAX);
            let best = (left_above + usize::from(x != *y)).min(above.saturating_add(1)).min(left + 1);
            if let Some(cell) = row.get_mut(j) {
                *cell = left;
            }
            left_above = above;
            left = best;
        }
        if let Some(cell) = row.last_mut() {
            *cell = left;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(name: &str, value: &str) -> Vec<(OsString, OsString)> {
        vec![(name.into(), value.into())]
    }

    #[test]
    fn later_layers_win_and_say_where_they_are_from() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("gsm.toml");
        std::fs::write(&file, "[http]\nlisten = \"0.0.0.0:1\"\ndrain_s = 3\n[node]\nname = \"f\"\n").unwrap();
        let flags = vec![("--listen".to_owned(), "http.listen", Value::String("0.0.0.0:3".into()))];
        let mut variables = env("GSM__HTTP__LISTEN", "0.0.0.0:2");
        variables.extend(env("GSM__NODE__NAME", "7"));
        let loaded = load(Some(&file), variables, flags).unwrap();
        assert_eq!(loaded.config.http.listen, "0.0.0.0:3");
        assert_eq!((loaded.config.http.drain_s, loaded.config.node.name.as_str()), (3, "7"));
        assert_eq!(loaded.origin("http.listen"), Origin::Flag("--listen".into()));
        assert_eq!(loaded.origin("http.drain_s"), Origin::File(file));
        assert_eq!(loaded.origin("node.name"), Origin::Env("GSM__NODE__NAME".into()));
        assert_eq!(loaded.origin("log.level"), Origin::Default);
    }

    #[test]
    fn a_fault_names_its_place_and_the_key_that_was_meant() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("gsm.toml");
        std::fs::write(&file, "[http]\nlistn = \"x\"\n").unwrap();
        let text = load(Some(&file), [], vec![]).unwrap_err().to_string();
        assert!(text.contains("line 2") && text.contains("did you mean `listen`?"), "{text}");
        let text = load(None, env("GSM__HTTP__DRAIN_S", "soon"), vec![]).unwrap_err().to_string();
        assert!(text.starts_with("$GSM__HTTP__DRAIN_S: "), "{text}");
        let text = load(None, env("GSM__HTTP", "x"), vec![]).unwrap_err().to_string();
        assert!(text.contains("GSM__SECTION__KEY"), "{text}");
        assert!(load(Some(Path::new("/none/gsm.toml")), [], vec![]).is_err());
    }

    #[test]
    fn a_variable_that_is_no_text_is_refused_by_name() {
        use std::os::unix::ffi::OsStringExt as _;
        let latin = || OsString::from_vec(b"m\xfcnchen".to_vec());
        let refused = |name: OsString, value: OsString| load(None, [(name, value)], vec![]).map(drop);
        let text = refused("GSM__NODE__NAME".into(), latin()).unwrap_err().to_string();
        assert_eq!(text, "$GSM__NODE__NAME: its value is not UTF-8");
        let mut name = OsString::from("GSM__");
        name.push(latin());
        assert!(refused(name, "x".into()).unwrap_err().to_string().contains("its name is not UTF-8"));
        refused("OTHER".into(), latin()).unwrap();
        refused(latin(), latin()).unwrap();
    }

    #[test]
    fn lists_and_numbers_come_from_variables_too() {
        let variables = [("GSM__FIREWALL__TRUSTED_PROXIES", "[\"10.0.0.0/8\"]"), ("GSM__HTTP__DRAIN_S", "9")];
        let variables = variables.map(|(name, value)| (name.into(), value.into()));
        let config = load(None, variables, vec![]).unwrap().config;
        assert_eq!(
            (config.firewall.trusted_proxies, config.http.drain_s),
            (vec!["10.0.0.0/8".to_owned()], 9)
        );
    }

    #[test]
    fn distances_are_counted() {
        assert_eq!((distance("listn", "listen"), distance("", "abc"), distance("abc", "abc")), (1, 3, 0));
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
