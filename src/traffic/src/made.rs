//! What there is to say of a match that was made.
use crate::{
    ran::{Made, RolesMade, Setup},
    ticket::place_of,
    traffic::{Traffic, number},
};
use gsm_core::{Millis, PlayerId};
use gsm_matchmaking::RuledMatch;
use gsm_rules::ExpansionAge;

/// Judges a match of these tickets.
pub(crate) fn judge(
    setup: &Setup,
    traffic: &Traffic,
    now: Millis,
    found: &RuledMatch,
    tickets: &[usize],
) -> Made {
    let member = |player: PlayerId| {
        let (ticket, place) = place_of(player);
        traffic.arrivals.get(ticket)?.members.get(place)
    };
    let arrivals = || tickets.iter().filter_map(|nth| traffic.arrivals.get(*nth));
    let ages = arrivals().map(|arrival| now.get().saturating_sub(arrival.at.get()));
    let age = match setup.set.expansion_age() {
        ExpansionAge::Newest => ages.min(),
        ExpansionAge::Oldest => ages.max(),
    };
    let players: Vec<&gsm_rules::Member> =
        found.sides.iter().flatten().filter_map(|seat| member(seat.player)).collect();
    let skill = |of: &gsm_rules::Member| number(of, setup.skill.as_deref()?);
    let means = found.sides.iter().filter_map(|side| {
        let skills: Vec<f64> = side.iter().filter_map(|seat| skill(member(seat.player)?)).collect();
        (!skills.is_empty()).then(|| skills.iter().sum::<f64>() / skills.len() as f64)
    });
    let imbalance = span(means);
    Made {
        at: now,
        is_measured: arrivals().any(|arrival| arrival.is_measured),
        players: players.len(),
        stage: setup.set.stage_at(Millis::new(age.unwrap_or(0))),
        gap: span(players.iter().filter_map(|of| skill(of))),
        imbalance,
        lopsided: imbalance.map(|by| 1.0 / (1.0 + libm::pow(10.0, -by / setup.points)) - 0.5),
        latency_ms: nearest(&players),
        roles: roles(found),
    }
}

/// From the least to the most; nothing of nothing.
fn span(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (low, high) = values
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    (low <= high).then_some(high - low)
}

/// Latency of the farthest player, at the location where that is least.
fn nearest(players: &[&gsm_rules::Member]) -> Option<u32> {
    let first = players.first()?;
    let farthest =
        |name: &String| players.iter().map(|of| of.latency_ms.get(name).copied()).collect::<Option<Vec<_>>>();
    first.latency_ms.keys().filter_map(|name| farthest(name)?.into_iter().max()).min()
}

fn roles(found: &RuledMatch) -> RolesMade {
    found.roles.iter().flatten().flatten().fold(RolesMade::default(), |mut made, role| {
        *match role.choice {
            Some(0) => &mut made.first,
            Some(_) => &mut made.later,
            None => &mut made.autofilled,
        } += 1;
        made
    })
}
