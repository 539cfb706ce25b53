//! The slow twin: tries every subset of the waiting tickets.
use gsm_core::Timestamp;
use gsm_matchmaking::{Format, MatchRules, PoolTicket};

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
    let window = |t: &PoolTicket| rules.window.after(now.since(t.queued_at));
    let narrowest = tickets.iter().map(|t| window(t)).fold(f64::INFINITY, f64::min);
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
