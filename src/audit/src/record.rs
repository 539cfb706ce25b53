//! A record: one call in CloudTrail's words, as one line that is always written the same way.
use crate::{hash::sha256, note::VerifierKey};
use gsm_core::Timestamp;
use memchr::memmem::Finder;
use std::{io::Write as _, sync::LazyLock};

/// Bytes of a record; an entry bundle of C2SP has room for 65,535.
pub const RECORD_BYTES_MAX: usize = 60_000;
/// Bytes of request parameters; of longer ones the record has the hash.
pub const PARAMETERS_BYTES_MAX: usize = 4_096;
/// Characters of what a caller wrote himself, and of names.
const TEXT_CHARS_MAX: usize = 256;
/// Things that a record names; of more it says how many.
const RESOURCES_MAX: usize = 64;
/// Policies that a record names.
const POLICIES_MAX: usize = 16;
/// The version of CloudTrail's record contents.
const EVENT_VERSION: &str = "1.11";

/// One call. Its sequence is given when it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Record<'a> {
    /// Its own id, new for each.
    pub event_id: &'a str,
    /// When.
    pub at: Timestamp,
    /// Which server wrote it.
    pub node: &'a str,
    /// What was asked, as `gsm:ReportResult`.
    pub name: &'a str,
    /// What kind of caller, and which: as the engine writes principals, `player:plr-…`.
    pub principal: &'a str,
    /// Where the call came from: a keyed hash of the address.
    pub source: Option<&'a str>,
    /// What the client calls itself.
    pub agent: Option<&'a str>,
    /// The request's id; empty for work of the server's own.
    pub request_id: &'a str,
    /// Whether it could change nothing.
    pub read_only: bool,
    /// Why it was refused.
    pub error: Option<&'a str>,
    /// What it asked for: JSON in one line.
    pub parameters: Option<&'a str>,
    /// What it made: what the answer calls the id, and that.
    pub made: Option<(&'a str, &'a str)>,
    /// What it was about.
    pub resources: &'a [String],
    /// Why, where the caller had to say.
    pub reason: Option<&'a str>,
    /// The policies that let it through or, where it was refused by them, that forbade it.
    pub policies: &'a [String],
    /// Place of the change in the journal.
    pub commit: Option<u64>,
    /// Of how many like it this one tells, and since when.
    pub folded: Option<(u64, Timestamp)>,
}

/// The hash and length of something too long to be written down: `{"sha256":"…","bytes":n}`.
pub struct Digested<'a>(pub &'a [u8]);

impl std::fmt::Display for Digested<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("{\"sha256\":\"")?;
        sha256(self.0).iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        write!(f, "\",\"bytes\":{}}}", self.0.len())
    }
}

impl Default for Record<'_> {
    fn default() -> Self {
        Self {
            event_id: "",
            at: Timestamp::EPOCH,
            node: "",
            name: "",
            principal: "",
            source: None,
            agent: None,
            request_id: "",
            read_only: false,
            error: None,
            parameters: None,
            made: None,
            resources: &[],
            reason: None,
            policies: &[],
            commit: None,
            folded: None,
        }
    }
}

impl Record<'_> {
    /// The line, without its end, behind what is in `out`.
    pub fn write(&self, seq: u64, out: &mut Vec<u8>) {
        let from = out.len();
        let fits = self.parameters.is_none_or(|text| {
            text.len() <= PARAMETERS_BYTES_MAX && memchr::memchr(b'\n', text.as_bytes()).is_none()
        });
        self.write_with(seq, fits, RESOURCES_MAX, out);
        if out.len() - from > RECORD_BYTES_MAX {
            // Ids have their limits, but who knows what a later one calls an id.
            out.truncate(from);
            self.write_with(seq, false, 0, out);
        }
    }

    fn write_with(&self, seq: u64, parameters: bool, resources_max: usize, out: &mut Vec<u8>) {
        let (kind, id) = identity(self.principal);
        // Writing to memory does not fail.
        let _ = write!(out, "{{\"seq\":{seq},\"node\":");
        text(self.node, out);
        let _ = write!(out, ",\"eventVersion\":\"{EVENT_VERSION}\",\"userIdentity\":{{\"type\":\"{kind}\"");
        if !id.is_empty() {
            member("principalId", id, out);
        }
        let _ = write!(out, "}},\"eventTime\":\"");
        rfc3339(self.at, out);
        let _ = write!(out, "\",\"eventSource\":\"gsm\"");
        member("eventName", self.name, out);
        let optional = [("sourceIPAddress", self.source), ("userAgent", self.agent)];
        for (name, value) in optional {
            if let Some(value) = value {
                member(name, value, out);
            }
        }
        if !self.request_id.is_empty() {
            member("requestID", self.request_id, out);
        }
        member("eventID", self.event_id, out);
        let _ = write!(out, ",\"readOnly\":{}", self.read_only);
        if let Some(error) = self.error {
            member("errorCode", error, out);
        }
        let _ = match self.parameters {
            None => write!(out, ",\"requestParameters\":null"),
            Some(json) if parameters => write!(out, ",\"requestParameters\":{json}"),
            Some(json) => write!(out, ",\"requestParameters\":{}", Digested(json.as_bytes())),
        };
        out.extend_from_slice(b",\"responseElements\":");
        match self.made {
            None => out.extend_from_slice(b"null"),
            Some((name, id)) => {
                let from = out.len();
                member(name, id, out);
                out.splice(from..=from, *b"{");
                out.push(b'}');
            }
        }
        out.extend_from_slice(b",\"resources\":[");
        for (at, resource) in self.resources.iter().take(resources_max).enumerate() {
            let _ = write!(out, "{}{{\"ARN\":", if at == 0 { "" } else { "," });
            text(resource, out);
            out.push(b'}');
        }
        let _ = write!(out, "],\"eventType\":\"GsmApiCall\"");
        self.write_additional(self.resources.len().saturating_sub(resources_max), out);
        out.push(b'}');
    }

    fn write_additional(&self, more: usize, out: &mut Vec<u8>) {
        let from = out.len();
        if let Some(commit) = self.commit {
            let _ = write!(out, ",\"commit\":{commit}");
        }
        if let Some(reason) = self.reason {
            member("reason", reason, out);
        }
        for (at, policy) in self.policies.iter().take(POLICIES_MAX).enumerate() {
            out.extend_from_slice(if at == 0 { b",\"policies\":[" } else { b"," });
            text(policy, out);
        }
        if !self.policies.is_empty() {
            out.push(b']');
        }
        if more > 0 {
            let _ = write!(out, ",\"moreResources\":{more}");
        }
        if let Some((count, since)) = self.folded {
            let _ = write!(out, ",\"count\":{count},\"since\":\"");
            rfc3339(since, out);
            out.push(b'"');
        }
        if out.len() > from {
            out.splice(from..=from, *b",\"additionalEventData\":{");
            out.push(b'}');
        }
    }
}

/// CloudTrail's type of a principal, and its id.
fn identity(principal: &str) -> (&'static str, &str) {
    let (kind, id) = principal.split_once(':').unwrap_or((principal, ""));
    let kind = match kind {
        "player" => "Player",
        "server" => "Server",
        "admin" => "Admin",
        "auditor" => "Auditor",
        "match" => "Match",
        "system" => "System",
        _ => "Anonymous",
    };
    (kind, id)
}

fn member(name: &str, value: &str, out: &mut Vec<u8>) {
    let _ = write!(out, ",\"{name}\":");
    text(value, out);
}

fn text(value: &str, out: &mut Vec<u8>) {
    let end = value.char_indices().nth(TEXT_CHARS_MAX).map_or(value.len(), |(at, _)| at);
    // Text into memory: neither part fails.
    let _ = serde_json::to_writer(out, value.get(..end).unwrap_or_default());
}

/// `2026-11-27T07:30:00.123Z` behind what is in `out`.
pub fn rfc3339(at: Timestamp, out: &mut Vec<u8>) {
    let ms = at.as_millis();
    let (days, in_day) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000));
    let (year, month, day) = civil(days);
    let (hour, minute) = (in_day / 3_600_000, in_day / 60_000 % 60);
    let (second, milli) = (in_day / 1_000 % 60, in_day % 1_000);
    let _ = write!(out, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z");
}

/// The Gregorian date of a day counted from 1970: years that begin in March put the leap day last.
fn civil(days: i64) -> (i64, i64, i64) {
    let since_0000 = days + 719_468;
    let (era, in_era) = (since_0000.div_euclid(146_097), since_0000.rem_euclid(146_097));
    let of_era = (in_era - in_era / 1_460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * of_era + of_era / 4 - of_era / 100);
    let from_march = (5 * in_year + 2) / 153;
    let day = in_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Reads what [`rfc3339`] wrote.
pub(crate) fn timestamp(text: &str) -> Option<Timestamp> {
    let part = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (part(0, 4)?, part(5, 7)?, part(8, 10)?);
    let of_day = part(11, 13)? * 3_600_000 + part(14, 16)? * 60_000 + part(17, 19)? * 1_000 + part(20, 23)?;
    let year = year - i64::from(month <= 2);
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let in_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + in_year - 719_468;
    Some(Timestamp::from_millis(days * 86_400_000 + of_day))
}

/// When a written record was made.
pub(crate) fn time_of(line: &[u8]) -> Option<Timestamp> {
    const MEMBER: &[u8] = b"\"eventTime\":\"";
    let from = memchr::memmem::find(line, MEMBER)? + MEMBER.len();
    timestamp(std::str::from_utf8(line.get(from..from + 24)?).ok()?)
}

/// The place in the journal of the change that a written record tells of. Nothing that a caller brought is taken for it: texts
/// are escaped, and parameters, which are JSON and stand before it, must have no member of this name. Whoever makes them sees
/// to that; the last in the line counts.
pub(crate) fn commit_of(line: &[u8]) -> Option<u64> {
    const MEMBER: &[u8] = b",\"additionalEventData\":{\"commit\":";
    let from = memchr::memmem::rfind(line, MEMBER)? + MEMBER.len();
    let digits: Vec<u8> = line.get(from..)?.iter().copied().take_while(u8::is_ascii_digit).collect();
    // No journal comes further than that.
    std::str::from_utf8(&digits).ok()?.parse::<i64>().ok()?.try_into().ok()
}

/// The key that a written record says signs from then on. Nothing that a caller brought is taken for it, as above.
pub(crate) fn successor_of(line: &[u8]) -> Option<VerifierKey> {
    const NAME: &[u8] = b",\"eventName\":\"gsm:RotateAuditKey\",";
    const MEMBER: &[u8] = b",\"resources\":[{\"ARN\":\"";
    // It is asked of every record of a log.
    static IS_ROTATION: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(NAME));
    IS_ROTATION.find(line)?;
    let from = memchr::memmem::rfind(line, MEMBER)? + MEMBER.len();
    let rest = line.get(from..)?;
    std::str::from_utf8(rest.get(..memchr::memchr(b'"', rest)?)?).ok()?.parse().ok()
}

/// Whether a line begins as that of the record `seq`.
pub(crate) fn is_of(line: &[u8], seq: u64) -> bool {
    let Some(rest) = line.strip_prefix(b"{\"seq\":") else { return false };
    let mut value = 0u64;
    for (at, byte) in rest.iter().enumerate() {
        match byte {
            b'0'..=b'9' if at < 20 => value = value.wrapping_mul(10).wrapping_add(u64::from(byte - b'0')),
            b',' => return at > 0 && value == seq && (at == 1 || rest.first() != Some(&b'0')),
            _ => return false,
        }
    }
    false
}
