//! The limiter, and the whole firewall under its default rules, with a million callers.
use super::{Figure, Took, machine};
use crate::output::{Failure, grouped};
use gsm_core::{Millis, Timestamp};
use gsm_security::{Face, Firewall, Key, Limiter, Moment, Now, Plan, Profile, Rate, Request, rules};
use std::{hint::black_box, net::Ipv4Addr};

/// The caller of a turn: all of them, each far from the one before.
fn caller(turn: usize, of: u32) -> u32 {
    (turn as u32).wrapping_mul(2_654_435_761) % of
}

pub(super) fn measure(callers: u32) -> Result<Vec<Figure>, Failure> {
    let shown = grouped(callers.into());
    let rate = Rate::new(60, Millis::from_secs(600)).map_err(Failure::failed)?;
    let before = machine::settled_memory();
    let mut limiter = Limiter::new(rate, callers as usize, 7);
    for n in 0..callers {
        black_box(limiter.check(&Key::from_u128(n.into()), u64::from(n / 10_000)));
    }
    let took = Took::of(callers as usize, |turn| {
        black_box(limiter.check(&Key::from_u128(caller(turn, callers).into()), 200));
    });
    // By now everybody has come twice, and the allocator has given back what growing left behind.
    let bytes = machine::settled_memory() - before;
    drop(limiter);
    let mut figures = vec![
        Figure::new(
            format!("limiter, {shown} keys: memory of a key that came twice"),
            bytes / f64::from(callers),
            "B",
        )
        .at_most(100.0),
    ];
    figures.extend(took.figures(&format!("limiter, {shown} keys: a check"), ("µs", 1e3), Some(1.0)));
    figures.extend(firewall(callers)?.figures(
        &format!("firewall, default rules, {shown} addresses: a judgement"),
        ("µs", 1e3),
        None,
    ));
    Ok(figures)
}

fn firewall(callers: u32) -> Result<Took, Failure> {
    let rules =
        rules(&Profile::Default.rules(), &[]).map_err(|faults| Failure::failed(format!("{faults:?}")))?;
    let plan =
        Plan { rules, keys_max: 2 * callers as usize, deny_counts_only: false, exempt_paths: Vec::new() };
    let firewall = Firewall::new(plan, Default::default(), 7);
    let judge = |turn: usize| {
        let request = Request {
            address: Ipv4Addr::from(caller(turn, callers)).into(),
            face: Face::Native,
            method: "GET",
            path: "/v1/rankings/duel/top",
            action: Some("gsm:GetRanking"),
            header: &|_| None,
            moment: Moment::Arrival,
        };
        drop(black_box(firewall.decide(&request, Now { monotonic: || 5, at: Timestamp::EPOCH })));
    };
    (0..callers as usize).for_each(judge);
    Ok(Took::of(callers as usize, judge))
}
