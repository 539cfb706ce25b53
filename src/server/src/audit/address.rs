//! Addresses in the audit log: keyed hashes, under a key of each year. Once a year's key is gone, so is what its records say
//! of where calls came from.
use crate::{StartError, config::Mode, who::secret};
use aws_lc_rs::hmac;
use gsm_core::{IdSource, Millis, Timestamp};
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
        let bits = secret::private_key(&dir.join(format!("address-{name}.key")), mode, ids)?;
        Ok(Self { day, name, key: hmac::Key::new(hmac::HMAC_SHA256, &bits) })
    }
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
        let now = RwLock::new(Year::of(day, dir, mode, &*ids)?);
        Ok(Self { dir: dir.to_owned(), mode, ids, now })
    }

    /// What is written down of an address.
    pub(super) fn shown(&self, address: IpAddr, now: Timestamp) -> Arc<str> {
        let day = now.as_millis().div_euclid(DAY_MS);
        if self.now.read().day != day {
            self.turn(day);
        }
        let year = self.now.read();
        let tag = match address.to_canonical() {
            IpAddr::V4(v4) => hmac::sign(&year.key, &v4.octets()),
            IpAddr::V6(v6) => hmac::sign(&year.key, &v6.octets()),
        };
        let mut text = format!("hmac-{}-", year.name);
        for byte in tag.as_ref().iter().take(SHOWN) {
            text.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
            text.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
        }
        text.into()
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
        let next = addresses.shown(ip("192.0.2.1"), at(20_200));
        assert!(next.starts_with("hmac-2025-") && next[10..] != shown[10..], "{next}");
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
