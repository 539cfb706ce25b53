//! The slow twin: tries every subset of the waiting tickets.
use gsm_core::{Millis, Timestamp};
use gsm_matchmaking::{Binding, Format, MatchRules, PoolTicket, Window};

/// Whether each ticket can be put on a side so that every side is full.
fn packs(rooms: &mut [usize], parties: &[usize]) -> bool {
    let Some((&party, rest)) = parties.split_first() else { return rooms.iter().all(|&room| room == 0) };
    (0..rooms.len()).any(|side| {
        rooms[side] >= party && {
            rooms[side] -= party;
            let fits = packs(rooms, rest);
            rooms[side] += party;
            fits
        }
    })
}

pub(crate) fn spread(tickets: &[&PoolTicket]) -> f64 {
    let skills = || tickets.iter().map(|t| t.skill());
    skills().fold(f64::NEG_INFINITY, f64::max) - skills().fold(f64::INFINITY, f64::min)
}

/// Whether these tickets make a match that the anchor takes.
pub(crate) fn feasible(
    rules: &MatchRules,
    tickets: &[&PoolTicket],
    anchor: &PoolTicket,
    now: Timestamp,
) -> bool {
    let narrowest = tickets.iter().map(|t| window(rules, t, now)).fold(f64::INFINITY, f64::min);
    let sizes: Vec<usize> = tickets.iter().map(|t| t.players.len()).collect();
    let sides_fit = match rules.format {
        Format::Teams { teams, size } => packs(&mut vec![size; teams], &sizes),
        Format::FreeForAll { min, max, fill_after_ms } => {
            let least = if now.since(anchor.queued_at) >= fill_after_ms { min } else { max };
            sizes.iter().all(|&size| size == 1) && (least..=max).contains(&sizes.len())
        }
    };
    sides_fit && spread(tickets) <= narrowest
}

/// Players and spread of the best match that holds the longest waiting of `tickets` (sorted by waiting).
pub(crate) fn best(rules: &MatchRules, tickets: &[&PoolTicket], now: Timestamp) -> Option<(usize, f64)> {
    let (anchor, rest) = tickets.split_first()?;
    let mut best: Option<(usize, f64)> = None;
    for mask in 0u32..1 << rest.len() {
        let mut chosen = vec![*anchor];
        chosen.extend(rest.iter().enumerate().filter(|(i, _)| mask >> i & 1 == 1).map(|(_, t)| *t));
        if feasible(rules, &chosen, anchor, now) {
            let (players, spread) = (chosen.iter().map(|t| t.players.len()).sum(), spread(&chosen));
            if best.is_none_or(|(p, s)| players > p || (players == p && spread < s)) {
                best = Some((players, spread));
            }
        }
    }
    best
}

fn window(rules: &MatchRules, ticket: &PoolTicket, now: Timestamp) -> f64 {
    rules.window.after(now.since(ticket.queued_at))
}

fn players(tickets: &[&PoolTicket]) -> usize {
    tickets.iter().map(|t| t.players.len()).sum()
}

fn players_min(rules: &MatchRules, tickets: &[&PoolTicket], now: Timestamp) -> usize {
    let longest = tickets.iter().map(|t| now.since(t.queued_at)).max().unwrap_or(Millis::ZERO);
    rules.format.players_min(longest)
}

/// Whether `me` and some of `others` make a match that the longest waiting of them takes.
fn any_match(rules: &MatchRules, me: &PoolTicket, others: &[&PoolTicket], now: Timestamp) -> bool {
    (0u32..1 << others.len()).any(|mask| {
        let mut chosen = vec![me];
        chosen.extend(others.iter().enumerate().filter(|(i, _)| mask >> i & 1 == 1).map(|(_, t)| *t));
        let anchor = chosen.iter().copied().min_by_key(|t| (t.queued_at, t.id)).unwrap();
        feasible(rules, &chosen, anchor, now)
    })
}

/// Those of `others` that have `me` in their window and are in its own.
pub(crate) fn consenting<'a>(
    rules: &MatchRules,
    me: &PoolTicket,
    others: &[&'a PoolTicket],
    now: Timestamp,
) -> Vec<&'a PoolTicket> {
    let narrower = |t: &PoolTicket| window(rules, me, now).min(window(rules, t, now));
    others.iter().copied().filter(|t| (t.skill() - me.skill()).abs() <= narrower(t)).collect()
}

/// Players that `me` and `near` lack to the smallest match that one of them takes.
pub(crate) fn missing(rules: &MatchRules, me: &PoolTicket, near: &[&PoolTicket], now: Timestamp) -> usize {
    let all = [&[me], near].concat();
    players_min(rules, &all, now).saturating_sub(players(&all))
}

/// What keeps `me` from a match with some of `others`.
pub(crate) fn binding(
    rules: &MatchRules,
    me: &PoolTicket,
    others: &[&PoolTicket],
    now: Timestamp,
) -> Binding {
    let boundless =
        MatchRules { window: Window { min: 1e12, growth_per_s: 0.0, max: 1e12 }, ..rules.clone() };
    let near = consenting(rules, me, others, now);
    if any_match(rules, me, others, now) {
        Binding::Nothing
    } else if missing(rules, me, others, now) > 0 {
        Binding::TooFewPlayers
    } else if !any_match(&boundless, me, others, now) {
        Binding::PartyFit
    } else if missing(rules, me, &near, now) > 0 || any_match(&boundless, me, &near, now) {
        Binding::SkillWindow
    } else {
        Binding::PartyFit
    }
}
