//! How long each class of data is kept.
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Days that a value may say, at most: a hundred years.
pub(super) const DAYS_MAX: u64 = 36_525;
/// The sessions of an erased player are refused as long as it is known that he was: longer than one is good.
pub(super) const ERASURES_DAYS_MIN: u64 = 7;
/// That a match has ended without a result is known as long as its row is kept, and its token is good for up to two days
/// after an end: the match's time-out and a day.
pub(super) const MATCHES_DAYS_MIN: u64 = 4;

/// How long each class of data is kept (docs/privacy.md); what is older is deleted while the server runs. 0: for ever.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RetentionConfig {
    /// Days after the end of its year for which a key of addresses in the audit log is kept; once it is gone, nobody can tell
    /// what the addresses of that year stand for.
    pub address_keys_days: u64,
    /// Days for which a ban is kept after its end.
    pub bans_days: u64,
    /// Days for which it is known that a player was erased, and what of him: as long as there is a receipt. At least 7.
    pub erasures_days: u64,
    /// Days for which a match is kept after its end. Its result, and what it did to ratings, is kept for ever. At least 4:
    /// the token of a match that was given up may be good for two days, and a result of it is refused as long as it is kept.
    pub matches_days: u64,
    /// Days for which penalties are kept once all of a player's are forgotten.
    pub penalties_days: u64,
    /// Seconds between two looks through everything.
    pub sweep_every_s: u64,
}

impl Default for RetentionConfig {
    fn default() -> Self {
        Self {
            address_keys_days: 365,
            bans_days: 30,
            erasures_days: 1_095,
            matches_days: 400,
            penalties_days: 30,
            sweep_every_s: 3_600,
        }
    }
}
