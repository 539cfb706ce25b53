//! Files of rules and lists.
use gsm_core::Timestamp;
use gsm_security::{Entry, LIST_ENTRIES_MAX, Network, RuleConfig, RuleError};
use jiff::{civil::date, fmt::temporal::Pieces};
use serde::Deserialize;
use std::{fs::File, io::Read as _, path::Path};

/// Bytes of a file: a hundred thousand networks with an end and a reason each.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// What files say.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Files {
    /// Rules.
    pub rules: Vec<RuleConfig>,
    /// Networks that are refused.
    pub deny: Vec<Entry>,
    /// Networks that are never limited.
    pub allow: Vec<Entry>,
}

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("cannot read `{path}`: {source}")]
    Read {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// It does not fit.
    #[error("`{path}`: {what}")]
    Content {
        /// Which.
        path: String,
        /// What is wrong, with its line.
        what: String,
    },
    /// Its rules are none.
    #[error("firewall rules: {0}")]
    Rules(String),
}

impl FileError {
    pub(super) fn of_rules(faults: Vec<RuleError>) -> Self {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        Self::Rules(faults.join("; "))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RulesFile {
    #[serde(default)]
    rules: Vec<RuleConfig>,
}

fn text(path: &Path) -> Result<String, FileError> {
    let failed = |source| FileError::Read { path: path.display().to_string(), source };
    let mut text = String::new();
    let file = File::open(path).map_err(failed)?;
    file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(wrong(path, format!("has more than {} MiB", FILE_BYTES_MAX >> 20)));
    }
    Ok(text)
}

fn wrong(path: &Path, what: impl Into<String>) -> FileError {
    FileError::Content { path: path.display().to_string(), what: what.into() }
}

/// Reads rules: TOML with `[[rules]]`.
///
/// # Errors
/// Where it cannot be read or is not of this form. The rules themselves are not checked.
pub fn read_rules(path: &Path) -> Result<Vec<RuleConfig>, FileError> {
    parse_rules(&text(path)?).map_err(|what| wrong(path, what))
}

/// The rules of a file's text.
///
/// # Errors
/// What is wrong, with its line.
pub fn parse_rules(text: &str) -> Result<Vec<RuleConfig>, String> {
    toml::from_str::<RulesFile>(text)
        .map(|file| file.rules)
        .map_err(|error| error.to_string().trim_end().to_owned())
}

/// Reads a list: a network a line, then `until=2027-01-31T12:00:00Z` if it ends, then `# a reason`.
///
/// # Errors
/// Where it cannot be read, has too many entries, or a line is not of this form.
pub fn read_list(path: &Path) -> Result<Vec<Entry>, FileError> {
    let entries = parse_list(&text(path)?).map_err(|what| wrong(path, what))?;
    if entries.len() > LIST_ENTRIES_MAX {
        return Err(wrong(
            path,
            format!("has {} networks, at most {LIST_ENTRIES_MAX} may be", entries.len()),
        ));
    }
    Ok(entries)
}

fn parse_list(text: &str) -> Result<Vec<Entry>, String> {
    let mut entries = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let said = line.split_once('#').map_or(line, |(said, _)| said).trim();
        if said.is_empty() {
            continue;
        }
        entries.push(entry(said).map_err(|what| format!("line {}: {what}", number + 1))?);
    }
    Ok(entries)
}

fn entry(said: &str) -> Result<Entry, String> {
    let mut words = said.split_whitespace();
    let network: Network = words
        .next()
        .unwrap_or_default()
        .parse()
        .map_err(|error: gsm_security::NetworkError| error.to_string())?;
    let until = match words.next() {
        None => None,
        Some(word) => {
            let time = word.strip_prefix("until=").and_then(instant);
            Some(time.ok_or_else(|| format!("`{word}` is not such as until=2027-01-31T12:00:00Z"))?)
        }
    };
    match words.next() {
        Some(more) => Err(format!("`{more}` is one word too many; write reasons behind `#`")),
        None => Ok(Entry { network, until }),
    }
}

/// A date and time of RFC 3339. (jiff's own instants end a day before the year 9999 does.)
fn instant(text: &str) -> Option<Timestamp> {
    let parts = Pieces::parse(text).ok()?;
    let local = parts.date().to_datetime(parts.time()?);
    let ahead_s = parts.offset()?.to_numeric_offset().seconds();
    let since_1970 = local.duration_since(date(1970, 1, 1).at(0, 0, 0, 0)).as_millis();
    i64::try_from(since_1970 - i128::from(ahead_s) * 1_000).ok().map(Timestamp::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_networks_ends_and_reasons() {
        let text = "# head\n\n192.0.2.0/24\n 2001:db8::1  until=1970-01-01T00:00:01Z # flood\n";
        let entries = parse_list(text).unwrap();
        assert_eq!((entries.len(), entries[0].until), (2, None));
        assert_eq!(entries[1].until, Some(Timestamp::from_millis(1_000)));
        for (bad, line) in [
            ("x", "line 1"),
            ("::1\n::1 tomorrow", "line 2"),
            ("::1 until=soon", "until="),
            ("::1 until=1970-01-01T00:00:00Z x", "too many"),
        ] {
            let error = parse_list(bad).unwrap_err();
            assert!(error.contains(line), "{error}");
        }
    }

    #[test]
    fn an_end_may_be_any_time_up_to_the_year_9999() {
        for (text, ms) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2027-01-31T12:00:00.5Z", 1_801_396_800_500),
            ("2027-01-31T14:00:00+02:00", 1_801_396_800_000),
            ("9999-12-31T00:00:00Z", 253_402_214_400_000),
            ("9999-12-31T23:59:59Z", 253_402_300_799_000),
            ("9999-12-31T23:59:59-23:59", 253_402_387_139_000),
        ] {
            assert_eq!(instant(text), Some(Timestamp::from_millis(ms)), "{text}");
        }
        for bad in ["", "9999-12-31", "9999-12-31T23:59:59", "9999-13-01T00:00:00Z", "10000-01-01T00:00:00Z"]
        {
            assert_eq!(instant(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_file_of_rules_has_nothing_else() {
        let rules =
            parse_rules("[[rules]]\nname = \"a\"\nkey = \"address\"\nlimit = 1\nwindow_s = 2\n").unwrap();
        assert_eq!((rules[0].name.as_str(), rules[0].status), ("a", 429));
        for bad in ["rule = 1", "[[rules]]\nname = 1", "[[rules]]\nname = \"a\"\nlimits = 1", "["] {
            let error = parse_rules(bad).unwrap_err();
            assert!(error.contains("line"), "{error}");
        }
    }

    #[test]
    fn files_are_bounded() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("list");
        std::fs::write(&path, "10.0.0.1\n".repeat(LIST_ENTRIES_MAX + 1)).unwrap();
        assert!(read_list(&path).unwrap_err().to_string().contains("100001 networks"));
        std::fs::write(&path, vec![b'#'; (FILE_BYTES_MAX + 1) as usize]).unwrap();
        assert!(read_list(&path).unwrap_err().to_string().contains("16 MiB"));
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(matches!(read_list(&path).unwrap_err(), FileError::Read { .. }));
        assert!(matches!(read_rules(&dir.path().join("none")).unwrap_err(), FileError::Read { .. }));
    }
}
