//! Bans hold until they end or are lifted, also for those who were erased and came back.
use super::broken;
use crate::{Fault, Invariant, truth::Truth, world::SKEW_MS_MAX};
use gsm_core::{Millis, PlayerId, Timestamp};
use gsm_engine::{Ban, BanKind};
use gsm_session::TicketState;

fn keeps_out(ban: &Ban, at: Timestamp) -> bool {
    ban.kind == BanKind::Play && ban.until.is_none_or(|until| until >= at)
}

fn waits(state: TicketState) -> bool {
    matches!(state, TicketState::Queued | TicketState::Searching | TicketState::RequiresAcceptance)
}

/// `known` are those who are banned, each until then at least. What is kept for who has not come back yet says of nobody
/// whose it is.
pub(crate) fn bans_hold(
    truth: &Truth,
    known: impl Iterator<Item = (PlayerId, Timestamp)>,
    now: Timestamp,
) -> Result<(), Fault> {
    // By the clock that a node has.
    let now = now.saturating_add(Millis::new(SKEW_MS_MAX as u64));
    for (player, until) in known.filter(|(player, until)| *until > now && !truth.erased.contains(player)) {
        let bans = truth.bans.get(&player).map_or(&[][..], Vec::as_slice);
        if !bans.iter().any(|ban| keeps_out(ban, until)) {
            let detail = format!("{player} is banned until {until:?}, and there is {bans:?}");
            return broken(Invariant::BansHold, detail);
        }
    }
    Ok(())
}

/// Once every node has heard of it and had its turn, nobody banned waits.
pub(crate) fn nobody_banned_waits(truth: &Truth, now: Timestamp) -> Result<(), Fault> {
    let now = now.saturating_add(Millis::new(SKEW_MS_MAX as u64));
    for (id, row) in truth.tickets.iter().filter(|(_, row)| !row.backfill && waits(row.state)) {
        let banned = |player: &PlayerId| {
            truth.bans.get(player).is_some_and(|all| all.iter().any(|of| keeps_out(of, now)))
        };
        if let Some(of) = row.players.iter().find(|of| banned(&of.player)) {
            let detail = format!("{} is banned, and waits in {id}, which is {}", of.player, row.state);
            return broken(Invariant::BansHold, detail);
        }
    }
    Ok(())
}
