//! A player's events: what was committed is kept, in growing order, and can be resumed.
use super::broken;
use crate::{Fault, Invariant, truth::Eye};
use gsm_core::{PlayerId, Timestamp};
use gsm_engine::store::{Cursor, EVENT_RETENTION, Home, PushEvent};
use std::collections::BTreeMap;

/// All events of a player that are owed against those that can be read. To be called when no fold is held back.
pub(crate) fn events_whole(
    owed: &BTreeMap<PlayerId, BTreeMap<(Home, Cursor), PushEvent>>,
    eye: &Eye,
    now: Timestamp,
) -> Result<(), Fault> {
    let oldest = now.saturating_sub(EVENT_RETENTION);
    for (player, owed) in owed {
        let kept: BTreeMap<Cursor, PushEvent> = eye.events(*player).into_iter().collect();
        for ((store, cursor), event) in owed.iter().filter(|(_, event)| event.at >= oldest) {
            if kept.get(cursor) != Some(event) {
                let detail = format!(
                    "{player} was told {event:?} at {cursor:?} of the {store:?} home, which is not in the stream"
                );
                return broken(Invariant::EventsWhole, detail);
            }
        }
    }
    Ok(())
}
