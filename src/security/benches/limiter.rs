//! What one decision costs with a million keys: `cargo bench -p gsm-security`. Percentiles are printed, since the goal is
//! one of them.
use criterion::{Criterion, criterion_group, criterion_main};
use gsm_core::{Millis, Timestamp};
use gsm_security::{Face, Firewall, Key, Limiter, Moment, Now, Plan, Profile, Rate, Request, rules};
use std::{hint::black_box, net::Ipv4Addr, time::Instant};

const KEYS: u32 = 1_000_000;

/// A key of the million, spread over all of them.
fn key(i: u32) -> u32 {
    i.wrapping_mul(2_654_435_761) % KEYS
}

fn filled() -> Limiter<Key> {
    let rate = Rate::new(60, Millis::from_secs(600)).expect("a lawful rate");
    let mut limiter = Limiter::new(rate, KEYS as usize, 7);
    for i in 0..KEYS {
        black_box(limiter.check(&Key::from_u128(u128::from(i)), u64::from(i / 10_000)));
    }
    limiter
}

#[expect(clippy::disallowed_methods, reason = "measures")]
fn percentiles(name: &str, mut one: impl FnMut(u32)) {
    let mut took: Vec<u64> = (0..1_000_000)
        .map(|i| {
            let begun = Instant::now();
            one(i);
            begun.elapsed().as_nanos() as u64
        })
        .collect();
    took.sort_unstable();
    let at = |share: usize| took.get(took.len() * share / 1_000).copied().unwrap_or(0);
    #[expect(clippy::print_stderr, reason = "the figures of the goal")]
    {
        eprintln!("{name}: p50 {} ns, p99 {} ns, p99.9 {} ns, clock included", at(500), at(990), at(999));
    }
}

fn limiter(c: &mut Criterion) {
    let mut limiter = filled();
    percentiles("limiter, 1 M keys", |i| {
        black_box(limiter.check(&Key::from_u128(u128::from(key(i))), 200));
    });
    let mut i = 0;
    c.bench_function("limiter_check_1m_keys", |b| {
        b.iter(|| {
            i += 1;
            limiter.check(&Key::from_u128(u128::from(key(i))), 300)
        });
    });
}

fn firewall(c: &mut Criterion) {
    let rules = rules(&Profile::Default.rules(), &[]).expect("lawful rules");
    let plan = Plan { rules, keys_max: 2_000_000, deny_counts_only: false, exempt_paths: vec![] };
    let firewall = Firewall::new(plan, Default::default(), 7);
    let ask = |i: u32| {
        let request = Request {
            address: Ipv4Addr::from(key(i)).into(),
            face: Face::Native,
            method: "GET",
            path: "/v1/rankings/duel/top",
            action: Some("gsm:GetRanking"),
            header: &|_| None,
            moment: Moment::Arrival,
        };
        firewall.decide(&request, Now { monotonic: || 5, at: Timestamp::EPOCH })
    };
    (0..KEYS).for_each(|i| drop(black_box(ask(i))));
    percentiles("firewall, default rules, 1 M addresses", |i| drop(black_box(ask(i))));
    let mut i = 0;
    c.bench_function("firewall_decide_1m_addresses", |b| {
        b.iter(|| {
            i += 1;
            ask(i)
        });
    });
}

criterion_group!(benches, limiter, firewall);
criterion_main!(benches);
