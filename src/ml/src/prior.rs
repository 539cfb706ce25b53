//! What is known of games in general, before a match of this one was seen.
//!
//! For two sides: mean and spread of the weights that eight games ended with (two of fighting, three of shooting and
//! cars in teams, two of tennis, one of football; docs/prediction.md), each learnt from its first half alone. A spread
//! is widened by three tenths, so that a game may differ from all of them.
use crate::features::FEATURES;

/// How much of its first variance a weight gains in a match.
pub(crate) const FORGETTING: f64 = 1e-6;

/// Nothing but the base counts.
pub(crate) const BASE_ALONE: [f64; FEATURES] = {
    let mut weights = [0.0; FEATURES];
    weights[0] = 1.0;
    weights
};

/// Mean and deviation of each weight, for matches of two sides.
#[rustfmt::skip]
pub(crate) const TWO_SIDES: [(f64, f64); FEATURES] = [
    (0.95, 0.24), // base
    (0.08, 0.12), // fast
    (-0.05, 0.20), // win_loss
    (-0.00, 0.26), // glicko
    (-0.03, 0.25), // elo
    (-0.20, 0.21), // base_green
    (0.00, 0.22), // base_unsure
    (-0.06, 0.17), // base_bounded
    (0.02, 0.16), // base_experienced
    (-0.04, 0.08), // base_rested
    (-0.22, 0.39), // base_volatile
    (0.02, 0.17), // experience
    (-0.11, 0.24), // experience_squared
    (0.16, 0.11), // most_experience
    (0.08, 0.30), // known
    (0.16, 0.18), // tenure
    (0.00, 0.06), // rest_squared
    (-0.10, 0.17), // form
    (0.02, 0.20), // weeks
    (0.08, 0.16), // months
    (-0.00, 0.16), // win_rate
    (0.16, 0.18), // margin
    (0.12, 0.16), // opponents
    (-0.09, 0.11), // opponents_fast
    (0.04, 0.08), // opponents_max
    (0.19, 0.14), // opponents_now
    (-0.05, 0.15), // momentum
    (0.13, 0.14), // variant_experience
    (-0.09, 0.16), // together
    (0.13, 0.25), // lineup
    (0.14, 0.19), // head_to_head
    (0.10, 0.10), // side
];

/// For pairs of a free-for-all, which are many: the base, and anything else.
pub(crate) const FIELD: [(f64, f64); FEATURES] = {
    let mut prior = [(0.0, 0.17); FEATURES];
    prior[0].0 = 1.0;
    prior
};
