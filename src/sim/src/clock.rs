//! A node's clock: the world's, and a little wrong.
use gsm_core::{Clock, Timestamp};
use gsm_engine::testing::ManualClock;
use std::sync::Arc;

/// The world's clock with a constant error.
pub(crate) struct SkewedClock {
    pub(crate) world: Arc<ManualClock>,
    pub(crate) skew_ms: i64,
}

impl Clock for SkewedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.world.now().as_millis() + self.skew_ms)
    }
}
