//! The matcher for rule sets against a slow twin. Rule sets and players come from the generator of `gsm-rules`.
mod backfills;
mod composed;
mod dear;
mod deviations;
mod even;
mod fuller;
mod large;
mod leaving;
mod lost_quality;
#[path = "../../../rules/tests/it/make.rs"]
#[expect(dead_code, reason = "seats are made by the tests of the rules only")]
mod make;
mod model;
mod numbered;
mod objective;
mod pools;
mod props;
mod rivals;
mod scale;
mod seats;
mod sight;
mod slow;
#[path = "../../../rules/tests/it/spec.rs"]
#[expect(dead_code, reason = "here the generator's rule sets are printed, and judged by the rules")]
mod spec;
mod stand_ins;
#[path = "../../../rules/tests/it/twin.rs"]
mod twin;
mod unindexed;
mod why;
