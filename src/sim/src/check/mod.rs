//! The invariants, one idea a file.
mod backfills;
mod bans;
mod claims;
mod copies;
mod entries;
mod erased;
mod events;
mod heard;
mod penalties;
mod ranks;
mod ratings;
mod reports;
mod scores;
mod seats;
mod waiting;

pub(crate) use backfills::one_backfill;
pub(crate) use bans::{bans_hold, nobody_banned_waits};
pub(crate) use claims::one_claim;
pub(crate) use copies::copies_agree;
pub(crate) use entries::{entries_recount, entries_shown};
pub(crate) use erased::{nobody_left, nothing_left};
pub(crate) use events::events_whole;
pub(crate) use heard::heard_as_said;
pub(crate) use penalties::{dodges_count, locks, locks_hold, offences_once};
pub(crate) use ranks::ranks_recount;
pub(crate) use ratings::{games_count, nothing_differs, ratings_rebuild};
pub(crate) use reports::{disputes_shown, reports_ended};
pub(crate) use scores::{scores_kept, scores_shown};
pub(crate) use seats::{seats_lawful, seats_shown};
pub(crate) use waiting::{all_ended, one_proposal, proposals_agree, waits_lawfully};

use crate::{Fault, Invariant};

pub(crate) fn broken<T>(invariant: Invariant, detail: String) -> Result<T, Fault> {
    Err(Fault { invariant, detail })
}
