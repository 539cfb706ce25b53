//! What happens around a season: its schedule, visible tiers, resets, leagues, cohorts and payouts.
mod cohorts;
mod leagues;
mod payouts;
mod resets;
mod schedule;
mod tiers;
