//! The members of a sorted set of Redis, as scores.
use super::records::{self, Record, Seat};
use crate::{
    output::Failure,
    resp::{Redis, Reply},
};
use gsm_engine::Direction;
use std::{collections::BTreeMap, io, str::FromStr, time::Duration};

/// Members asked for at a time; Redis may answer with more or fewer.
const PAGE: &[u8] = b"1000";
const PORT: &str = "6379";
/// How long a server may go without a byte.
const SILENCE_MAX: Duration = Duration::from_secs(10);

/// `redis://[[user]:password@]host[:port][/database]`; what a URL cannot hold is percent-encoded in user and password.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Url {
    user: String,
    password: Option<String>,
    /// `host:port`.
    addr: String,
    database: u32,
}

impl FromStr for Url {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let rest = text.strip_prefix("redis://").ok_or("must begin with redis://")?;
        let (who, rest) = rest.rsplit_once('@').unwrap_or(("", rest));
        let (user, password) = match who.split_once(':') {
            Some((user, password)) => (decoded(user)?, Some(decoded(password)?)),
            None if who.is_empty() => (String::new(), None),
            None => return Err("a user needs a password: redis://user:password@host".to_owned()),
        };
        let (host, database) = rest.split_once('/').unwrap_or((rest, ""));
        let database = if database.is_empty() { Ok(0) } else { database.parse() };
        let database = database.map_err(|_| "the database after the last `/` must be a number")?;
        // An address of IPv6 has colons of its own, in brackets.
        let has_port = host.rsplit_once(':').is_some_and(|(_, port)| !port.contains(']'));
        let addr = if has_port { host.to_owned() } else { format!("{host}:{PORT}") };
        if addr.starts_with(':') || addr.rsplit_once(':').is_none_or(|(_, port)| port.parse::<u16>().is_err())
        {
            return Err("must name a host and, after a `:`, a port".to_owned());
        }
        Ok(Self { user, password, addr, database })
    }
}

fn decoded(text: &str) -> Result<String, String> {
    let text = percent_encoding::percent_decode_str(text).decode_utf8();
    text.map(Into::into).map_err(|_| "has a user or password that is no text once decoded".to_owned())
}

/// Every member with its score, in the order in which Redis lists equals: by the members' names, backwards where the highest
/// score is the best (`ZREVRANGE`) and forwards where the lowest is (`ZRANGE`). `password` counts where the URL has none.
///
/// # Errors
/// Redis that does not answer; a key that is no sorted set; a member or score that no board can take.
pub(super) fn read(
    url: &Url,
    password: Option<&str>,
    key: &str,
    direction: Direction,
) -> Result<Vec<Record>, Failure> {
    let failed = |error: io::Error| Failure::failed(format!("Redis at {}: {error}", url.addr));
    let wrong = |what: String| Failure::usage(format!("key `{key}`: {what}"));
    let mut redis = open(url, password).map_err(failed)?;
    let kind = redis.ask(&[b"TYPE", key.as_bytes()]).map_err(failed)?;
    match kind.text() {
        Some("zset") => {}
        Some("none") => return Err(wrong(format!("is not in database {}", url.database))),
        other => return Err(wrong(format!("is no sorted set but a {}", other.unwrap_or("thing")))),
    }
    let (mut scores, mut cursor) = (BTreeMap::new(), b"0".to_vec());
    loop {
        let page = redis.ask(&[b"ZSCAN", key.as_bytes(), &cursor, b"COUNT", PAGE]).map_err(failed)?;
        let Some((next, members)) = page_of(page) else {
            return Err(failed(io::Error::other("ZSCAN is not answered with a page")));
        };
        // A scan may show a member twice: a map keeps it once, or a board that adds would add it twice.
        for (member, score) in members {
            let shown = String::from_utf8_lossy(&member).into_owned();
            let player =
                String::from_utf8(member).map_err(|_| wrong(format!("member `{shown}` is no text")))?;
            let text = String::from_utf8_lossy(&score).into_owned();
            let whole = records::whole(&text);
            let whole =
                whole.ok_or_else(|| wrong(format!("score `{text}` of `{shown}` is no whole number")))?;
            scores.insert(player, whole);
        }
        if next == b"0" {
            break;
        }
        cursor = next;
    }
    let record = |((player, score), number)| Record {
        number,
        player,
        name: None,
        values: vec![score],
        at: None,
        metadata: None,
        games: None,
        seat: Seat::default(),
        visibility: None,
    };
    let mut scores: Vec<(String, i64)> = scores.into_iter().collect();
    if direction == Direction::Descending {
        scores.reverse();
    }
    Ok(scores.into_iter().zip(1..).map(record).collect())
}

fn open(url: &Url, password: Option<&str>) -> io::Result<Redis> {
    let mut redis = Redis::connect_within(&url.addr, SILENCE_MAX)?;
    if let Some(password) = url.password.as_deref().or(password) {
        // Redis before 6 knows no users.
        let user = Some(url.user.as_bytes()).filter(|user| !user.is_empty());
        let words = [Some(&b"AUTH"[..]), user, Some(password.as_bytes())];
        redis.ask(&words.into_iter().flatten().collect::<Vec<_>>())?;
    }
    redis.ask(&[b"SELECT", url.database.to_string().as_bytes()])?;
    Ok(redis)
}

type Members = Vec<(Vec<u8>, Vec<u8>)>;

/// The cursor of the next page, and members with their scores.
fn page_of(reply: Reply) -> Option<(Vec<u8>, Members)> {
    let Reply::List(parts) = reply else { return None };
    let [Reply::Bytes(next), Reply::List(flat)] = <[Reply; 2]>::try_from(parts).ok()? else { return None };
    let mut members = Vec::with_capacity(flat.len() / 2);
    let mut flat = flat.into_iter();
    while let Some(member) = flat.next() {
        let (Reply::Bytes(member), Some(Reply::Bytes(score))) = (member, flat.next()) else { return None };
        members.push((member, score));
    }
    Some((next, members))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let url = |user: &str, password: Option<&str>, addr: &str, database| Url {
            user: user.to_owned(),
            password: password.map(str::to_owned),
            addr: addr.to_owned(),
            database,
        };
        for (text, expected) in [
            ("redis://localhost", url("", None, "localhost:6379", 0)),
            ("redis://10.0.0.1:7000/3", url("", None, "10.0.0.1:7000", 3)),
            ("redis://:p@ss:w@h:1/", url("", Some("p@ss:w"), "h:1", 0)),
            ("redis://ann:secret@h", url("ann", Some("secret"), "h:6379", 0)),
            ("redis://a%3Ab:p%40s%2Fs%25@h", url("a:b", Some("p@s/s%"), "h:6379", 0)),
            ("redis://:100%@h", url("", Some("100%"), "h:6379", 0)),
            ("redis://[::1]", url("", None, "[::1]:6379", 0)),
            ("redis://[::1]:7/1", url("", None, "[::1]:7", 1)),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        for text in [
            "localhost",
            "rediss://h",
            "redis://",
            "redis://h:x",
            "redis://h/x",
            "redis://ann@h",
            "redis://:1",
            "redis://:%ff@h",
        ] {
            assert!(text.parse::<Url>().is_err(), "{text}");
        }
    }
}
