//! Who a bot is: name, secret, address and hidden skill, each a function of seed and index alone.
use super::{names, rng::Rng};
use std::{collections::BTreeSet, f64::consts::TAU, net::Ipv4Addr};

/// The mean of hidden skills, and how far they lie from it.
const SKILL_MEAN: f64 = 1500.0;
const SKILL_DEVIATION: f64 = 300.0;
/// How much of a skill is the same in every mode; with [`TASTE`] the squares add up to one.
const TALENT: f64 = 0.8;
const TASTE: f64 = 0.6;
/// How far form carries a skill up and down, and in how many minutes.
const FORM_POINTS: f64 = 40.0;
const FORM_MINUTES: (f64, f64) = (20.0, 60.0);
/// Different characters that the server wants in a secret.
const SECRET_DISTINCT_MIN: usize = 8;
/// Bots in one /24: .0 and .255 look like networks and broadcasts.
const PER_BLOCK: usize = 250;

/// A bot's own address in 127.16.0.0/12, so that limits by address see as many callers as there are players.
///
/// Distinct for indices below 1,024,000 (4,096 blocks of 250).
pub(super) fn address(index: usize) -> Ipv4Addr {
    let block = (index / PER_BLOCK) & 0xfff;
    Ipv4Addr::new(127, 16 + (block >> 8) as u8, block as u8, (index % PER_BLOCK) as u8 + 1)
}

/// A game host's address in 127.32.0.0/16, beside those of the bots. Distinct for indices below 64,000.
pub(super) fn host_address(index: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, 32, (index / PER_BLOCK) as u8, (index % PER_BLOCK) as u8 + 1)
}

/// The secret a bot signs in with: 32 hexadecimal digits.
///
/// The salt belongs to the data directory, so that nobody who knows the seed can sign in as a bot elsewhere.
pub(super) fn secret(salt: &[u8; 16], seed: u64, index: usize) -> String {
    let text = |attempt: u64| {
        let mut hasher = blake3::Hasher::new_derive_key("gsm bots guest secret 1");
        for part in [&salt[..], &seed.to_be_bytes(), &(index as u64).to_be_bytes(), &attempt.to_be_bytes()] {
            hasher.update(part);
        }
        hasher.finalize().to_hex().chars().take(32).collect::<String>()
    };
    // One in thirty million has too few different digits; the next one then has enough.
    let good = |secret: &String| secret.bytes().collect::<BTreeSet<_>>().len() >= SECRET_DISTINCT_MIN;
    (0..8).map(text).find(good).unwrap_or_else(|| text(8))
}

/// A name to show, 1 to 32 characters.
pub(super) fn name(seed: u64, index: usize) -> String {
    names::draw(&mut Rng::of(seed, &[b"name", &index.to_be_bytes()]))
}

/// How good a bot is in `mode` at `at_ms`, in rating points: normal around 1500, alike in all modes, and in and out of
/// form over half an hour or so. Without state, so that a bot who comes back is as good as before.
pub(super) fn skill(seed: u64, index: usize, mode: &str, at_ms: i64) -> f64 {
    let mut general = Rng::of(seed, &[b"talent", &index.to_be_bytes()]);
    let mut special = Rng::of(seed, &[b"taste", &index.to_be_bytes(), mode.as_bytes()]);
    let base = SKILL_MEAN + SKILL_DEVIATION * (TALENT * general.normal() + TASTE * special.normal());
    let (short, long) = FORM_MINUTES;
    let period_ms = 60_000.0 * (short + (long - short) * special.unit());
    let phase = special.unit();
    base + FORM_POINTS * (TAU * (at_ms as f64 / period_ms + phase)).sin()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_pass_the_rule_of_the_server_and_differ() {
        let all: BTreeSet<String> = (0..2_000).map(|index| secret(&[3; 16], 1, index)).collect();
        assert_eq!(all.len(), 2_000);
        for secret in &all {
            assert!((22..=128).contains(&secret.len()));
            assert!(secret.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'));
            assert!(secret.bytes().collect::<BTreeSet<_>>().len() >= SECRET_DISTINCT_MIN);
        }
        assert_eq!(secret(&[3; 16], 1, 9), secret(&[3; 16], 1, 9));
        assert_ne!(secret(&[3; 16], 1, 9), secret(&[4; 16], 1, 9));
        assert_ne!(secret(&[3; 16], 1, 9), secret(&[3; 16], 2, 9));
    }

    #[test]
    fn names_fit_and_stay() {
        for index in 0..10_000 {
            let name = name(5, index);
            assert!((1..=32).contains(&name.chars().count()), "{name}");
            assert!(name.bytes().all(|b| b.is_ascii_graphic()), "{name}");
        }
        assert_eq!(name(5, 17), name(5, 17));
        let few: BTreeSet<String> = (0..200).map(|index| name(5, index)).collect();
        assert!(few.len() > 190, "{} different names", few.len());
    }

    #[test]
    fn addresses_are_distinct_and_loopback() {
        let all: BTreeSet<Ipv4Addr> = (0..10_000).map(address).chain((0..1_250).map(host_address)).collect();
        assert_eq!(all.len(), 11_250);
        assert!(all.iter().all(|a| a.is_loopback() && !matches!(a.octets()[3], 0 | 255)));
        assert_eq!((address(0), address(999_999)), ([127, 16, 0, 1].into(), [127, 31, 159, 250].into()));
    }

    #[test]
    fn skills_are_normal_alike_between_modes_and_slow_to_move() {
        let pairs: Vec<(f64, f64)> =
            (0..4_000).map(|i| (skill(2, i, "duel", 0) - 1500.0, skill(2, i, "arena", 0) - 1500.0)).collect();
        let mean = |f: &dyn Fn(&(f64, f64)) -> f64| pairs.iter().map(f).sum::<f64>() / pairs.len() as f64;
        assert!(mean(&|p| p.0).abs() < 20.0);
        let (a, b) = (mean(&|p| p.0 * p.0).sqrt(), mean(&|p| p.1 * p.1).sqrt());
        assert!((280.0..325.0).contains(&a), "{a}");
        let correlation = mean(&|p| p.0 * p.1) / (a * b);
        assert!((0.55..0.75).contains(&correlation), "{correlation}");
        for index in 0..200 {
            let step = skill(2, index, "duel", 60_000) - skill(2, index, "duel", 0);
            assert!(step.abs() < 15.0, "{step} points in a minute");
        }
    }
}
