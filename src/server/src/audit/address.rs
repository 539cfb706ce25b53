//! Keyed hashes in the audit log, under a key of each year: addresses, and bodies too long to be written down. Once a year's key is
//! gone, so is what its records say of where calls came from.
use crate::{StartError, config::Mode, who::secret};
use aws_lc_rs::hmac;
use gsm_adapters::AuditDir;
use gsm_audit::{Files, segment_path, segments};
use gsm_core::{IdSource, Millis, Timestamp};
use memchr::memmem;
use parking_lot::RwLock;
use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

const DAY_MS: i64 = 86_400_000;
/// Bytes of the hash that are written down.
const SHOWN: usize = 16;

pub(super) struct Addresses {
    dir: PathBuf,
    mode: Mode,
    ids: Arc<dyn IdSource>,
    now: RwLock<Year>,
}

struct Year {
    /// The day on which it was looked up, counted from 1970.
    day: i64,
    name: String,
    key: hmac::Key,
}

fn year(day: i64) -> String {
    let mut text = Vec::new();
    gsm_audit::rfc3339(Timestamp::from_millis(day * DAY_MS), &mut text);
    let digits = text.into_iter().take_while(u8::is_ascii_digit);
    digits.map(char::from).collect()
}

impl Year {
    fn of(day: i64, dir: &Path, mode: Mode, ids: &dyn IdSource) -> Result<Self, StartError> {
        let name = year(day);
        let bits = secret::private_key(&key_file(dir, &name), mode, ids)?;
        Ok(Self { day, name, key: hmac::Key::new(hmac::HMAC_SHA256, &bits) })
    }
}

/// What is said where the key of this year's addresses is gone, which the log in the data directory `dir` has; `None` where it
/// is there, or where there are none yet.
#[must_use]
pub fn gone(dir: &Path, now: Timestamp) -> Option<String> {
    let year = year(now.as_millis().div_euclid(DAY_MS));
    let key = key_file(dir, &year);
    (matches!(key.try_exists(), Ok(false)) && has_addresses(&AuditDir::beside(dir), &year)).then(|| {
        format!(
            "`{}` is gone, and the audit log has addresses of {year} under it: another key is made, under which the same \
             addresses look like others",
            key.display()
        )
    })
}

fn key_file(dir: &Path, year: &str) -> PathBuf {
    dir.join(format!("address-{year}.key"))
}

/// Whether records tell of addresses under the key of a year. Of a log that cannot be read others tell.
fn has_addresses(log: &dyn Files, year: &str) -> bool {
    // In what callers wrote themselves quotes are escaped.
    let address = format!("\"sourceIPAddress\":\"hmac-{year}-");
    let (firsts, _) = segments(log).unwrap_or_default();
    for first in firsts.into_iter().rev() {
        let text = log.read(&segment_path(first)).ok().flatten().unwrap_or_default();
        if memmem::find(&text, address.as_bytes()).is_some() {
            return true;
        }
        if begins_before(&text, year) {
            return false;
        }
    }
    false
}

/// Whether the first record of a segment is of a year before.
fn begins_before(segment: &[u8], year: &str) -> bool {
    const MEMBER: &[u8] = b"\"eventTime\":\"";
    let from = memmem::find(segment, MEMBER).map(|at| at + MEMBER.len());
    from.and_then(|from| segment.get(from..from + year.len())).is_some_and(|began| began < year.as_bytes())
}

impl Addresses {
    /// With the keys in `dir`; this year's is made if there is none.
    pub(super) fn new(
        dir: &Path,
        mode: Mode,
        ids: Arc<dyn IdSource>,
        now: Timestamp,
    ) -> Result<Self, StartError> {
        let day = now.as_millis().div_euclid(DAY_MS);
        if let Some(what) = gone(dir, now) {
            tracing::warn!("{what}");
        }
        let now = RwLock::new(Year::of(day, dir, mode, &*ids)?);
        Ok(Self { dir: dir.to_owned(), mode, ids, now })
    }

    /// What is written down of an address.
    pub(super) fn shown(&self, address: IpAddr, now: Timestamp) -> Arc<str> {
        let text = match address.to_canonical() {
            IpAddr::V4(v4) => self.keyed(&v4.octets(), SHOWN, now),
            IpAddr::V6(v6) => self.keyed(&v6.octets(), SHOWN, now),
        };
        text.into()
    }

    /// What is written down of bytes that hold more than may be. They are longer than any address.
    pub(super) fn of_bytes(&self, bytes: &[u8], now: Timestamp) -> String {
        self.keyed(bytes, usize::MAX, now)
    }

    fn keyed(&self, bytes: &[u8], shown: usize, now: Timestamp) -> String {
        let day = now.as_millis().div_euclid(DAY_MS);
        if self.now.read().day != day {
            self.turn(day);
        }
        let year = self.now.read();
        let tag = hmac::sign(&year.key, bytes);
        let mut text = format!("hmac-{}-", year.name);
        for byte in tag.as_ref().iter().take(shown) {
            text.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
            text.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
        }
        text
    }

    /// Deletes the keys whose year ended so long ago; how many there were.
    pub(super) fn drop_keys(&self, now: Timestamp, keep: Millis) -> usize {
        let last = now.saturating_sub(keep).as_millis().div_euclid(DAY_MS);
        // A year is over, by so much, if its name is less than that of the day so long ago.
        let last = year(last);
        let names = std::fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let is_over = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let year = name.strip_prefix("address-").and_then(|rest| rest.strip_suffix(".key"));
            year.is_some_and(|year| {
                year.len() == last.len() && year.bytes().all(|b| b.is_ascii_digit()) && year < last.as_str()
            })
        };
        let over: Vec<PathBuf> = names.map(|entry| entry.path()).filter(is_over).collect();
        let gone = over.iter().filter(|path| match std::fs::remove_file(path) {
            Ok(()) => true,
            Err(error) => {
                let file = path.display();
                tracing::warn!(%file, %error, "a key of addresses cannot be deleted");
                false
            }
        });
        gone.count()
    }

    /// Another day, and maybe another year.
    fn turn(&self, day: i64) {
        let mut now = self.now.write();
        if year(day) == now.name {
            now.day = day;
            return;
        }
        match Year::of(day, &self.dir, self.mode, &*self.ids) {
            Ok(year) => *now = year,
            // The old key is better than none; it is tried again tomorrow.
            Err(error) => {
                tracing::error!(%error, "no key for this year's addresses in the audit log");
                now.day = day;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gsm_adapters::SystemIds;

    #[test]
    fn one_address_looks_the_same_for_a_year_and_not_longer() {
        let dir = tempfile::tempdir().unwrap();
        let at = |days: i64| Timestamp::from_millis(days * DAY_MS);
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let new = || Addresses::new(dir.path(), Mode::Serve, Arc::new(SystemIds), at(20_000)).unwrap();
        let addresses = new();
        let shown = addresses.shown(ip("192.0.2.1"), at(20_000));
        assert!(shown.starts_with("hmac-2024-") && shown.len() == 10 + 2 * SHOWN, "{shown}");
        assert_eq!(addresses.shown(ip("::ffff:192.0.2.1"), at(20_001)), shown);
        assert_eq!(new().shown(ip("192.0.2.1"), at(20_002)), shown, "after a restart");
        assert_ne!(addresses.shown(ip("192.0.2.2"), at(20_000)), shown);
        let (body, other) =
            (addresses.of_bytes(b"a body", at(20_000)), addresses.of_bytes(b"another", at(20_000)));
        assert!(body.starts_with("hmac-2024-") && body.len() == 10 + 64 && body != other, "{body} {other}");
        let next = addresses.shown(ip("192.0.2.1"), at(20_200));
        assert!(next.starts_with("hmac-2025-") && next[10..] != shown[10..], "{next}");
    }

    #[test]
    fn a_key_is_missed_where_the_log_has_addresses_of_its_year() {
        let dir = tempfile::tempdir().unwrap();
        // In October 2024.
        let missed = || gone(dir.path(), Timestamp::from_millis(20_000 * DAY_MS));
        assert_eq!(missed(), None, "no log");
        std::fs::create_dir_all(dir.path().join("audit/segments")).unwrap();
        let write = |first: u64, text: &str| {
            std::fs::write(dir.path().join("audit").join(segment_path(first)), text).unwrap();
        };
        let of = |year: &str, address: &str| {
            format!("{{\"eventTime\":\"{year}-01-01T\",\"sourceIPAddress\":\"{address}\"}}\n")
        };
        write(0, &of("2024", "hmac-2024-1"));
        write(256, &of("2023", "hmac-2023-1"));
        assert_eq!(missed(), None, "what stands before another year's is not looked at");
        write(256, &of("2024", "x"));
        let told = missed().unwrap();
        assert!(told.contains("address-2024.key` is gone") && told.contains("look like others"), "{told}");
        std::fs::write(key_file(dir.path(), "2024"), "x").unwrap();
        assert_eq!(missed(), None, "it is there");
    }

    #[test]
    fn a_key_goes_when_its_year_is_over_for_long_enough() {
        let dir = tempfile::tempdir().unwrap();
        let at = |days: i64| Timestamp::from_millis(days * DAY_MS);
        let addresses = Addresses::new(dir.path(), Mode::Serve, Arc::new(SystemIds), at(20_000)).unwrap();
        for name in
            ["address-2022.key", "address-2023.key", "address-20.key", "address-abcd.key", "audit.key"]
        {
            std::fs::write(dir.path().join(name), "x").unwrap();
        }
        let names = || {
            let all = std::fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap().file_name());
            let mut all: Vec<String> = all.map(|name| name.into_string().unwrap()).collect();
            all.sort();
            all
        };
        // 20,000 days after 1970 is in October 2024: 2023 has been over for less than a year.
        let year = Millis::from_secs(365 * 86_400);
        assert_eq!(addresses.drop_keys(at(20_000), year), 1);
        assert_eq!(
            names(),
            ["address-20.key", "address-2023.key", "address-2024.key", "address-abcd.key", "audit.key"]
        );
        assert_eq!(addresses.drop_keys(at(20_000), year), 0);
        assert_eq!(addresses.drop_keys(at(20_087), year), 0, "a day too early");
        assert_eq!(addresses.drop_keys(at(20_088), year), 1, "365 days after its end");
    }
}
