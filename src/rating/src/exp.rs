//! The exponential function, in so few steps that a match hardly notices.
//!
//! Only `+`, `-`, `*` and whole numbers: the same bits on every platform. No branch depends on the number, so that
//! processors go on to the next match before the players of this one have come from memory.
//!
//! Source of the method: P. T. P. Tang, "Table-driven implementation of the exponential function in IEEE
//! floating-point arithmetic" (ACM TOMS 15, 1989): `e^x = 2^k 2^(j/64) e^r`, with `e^r` by its series.

/// Where answers end: beyond, they would lose digits, or be infinite.
const MIN: f64 = -708.0;
const MAX: f64 = 709.0;
/// `64 / ln 2`.
const STEPS: f64 = 92.332_482_616_893_66;
/// `ln 2 / 64` in two parts; products of the first with a number of steps are exact.
const STEP: f64 = 0.010_830_424_667_801_708;
const STEP_REST: f64 = 2.844_743_747_662_728_5e-11;
/// Added to a number, leaves its nearest whole number in the lowest bits: `1.5 * 2^52`.
const WHOLE: f64 = 6_755_399_441_055_744.0;

/// `e^x`, with an error of at most two units in the last place. Below -708, and of NaN, 0; above 709 that of 709: always
/// finite.
#[must_use]
#[inline(always)]
pub fn exp(x: f64) -> f64 {
    let found = within(kept(x, MIN, MAX));
    if x >= MIN { found } else { 0.0 }
}

/// `x` from `min` to `max`, NaN as `min`.
#[inline(always)]
pub(crate) fn kept(x: f64, min: f64, max: f64) -> f64 {
    // One instruction each, which `max` and `min` with their rules for NaN are not.
    let kept = if x > min { x } else { min };
    if kept < max { kept } else { max }
}

/// [`exp`] of a number that is known to be far from its ends.
#[inline(always)]
pub(crate) fn within(x: f64) -> f64 {
    let shifted = x * STEPS + WHOLE;
    let (steps, bits) = (shifted - WHOLE, shifted.to_bits());
    let r = x - steps * STEP - steps * STEP_REST;
    let part = POWERS.get((bits % 64) as usize).copied().unwrap_or_default();
    let power = f64::from_bits(part.wrapping_add((bits >> 6) << 52));
    let square = r * r;
    let rest = (1.0 / 2.0 + r * (1.0 / 6.0)) + square * (1.0 / 24.0 + r * (1.0 / 120.0));
    power + power * (r + square * rest)
}

/// The bits of `2^(j/64)`.
const POWERS: [u64; 64] = [
    0x3ff0_0000_0000_0000,
    0x3ff0_2c9a_3e77_8061,
    0x3ff0_59b0_d315_8574,
    0x3ff0_8745_1875_9bc8,
    0x3ff0_b558_6cf9_890f,
    0x3ff0_e3ec_32d3_d1a2,
    0x3ff1_1301_d012_5b51,
    0x3ff1_429a_aea9_2de0,
    0x3ff1_72b8_3c7d_517b,
    0x3ff1_a35b_eb6f_cb75,
    0x3ff1_d487_3168_b9aa,
    0x3ff2_063b_8862_8cd6,
    0x3ff2_387a_6e75_6238,
    0x3ff2_6b45_65e2_7cdd,
    0x3ff2_9e9d_f51f_dee1,
    0x3ff2_d285_a6e4_030b,
    0x3ff3_06fe_0a31_b715,
    0x3ff3_3c08_b264_16ff,
    0x3ff3_71a7_373a_a9cb,
    0x3ff3_a7db_34e5_9ff7,
    0x3ff3_dea6_4c12_3422,
    0x3ff4_160a_21f7_2e2a,
    0x3ff4_4e08_6061_892d,
    0x3ff4_86a2_b5c1_3cd0,
    0x3ff4_bfda_d536_2a27,
    0x3ff4_f9b2_769d_2ca7,
    0x3ff5_342b_569d_4f82,
    0x3ff5_6f47_36b5_27da,
    0x3ff5_ab07_dd48_5429,
    0x3ff5_e76f_15ad_2148,
    0x3ff6_247e_b03a_5585,
    0x3ff6_6238_8255_2225,
    0x3ff6_a09e_667f_3bcd,
    0x3ff6_dfb2_3c65_1a2f,
    0x3ff7_1f75_e8ec_5f74,
    0x3ff7_5feb_5642_67c9,
    0x3ff7_a114_73eb_0187,
    0x3ff7_e2f3_36cf_4e62,
    0x3ff8_2589_994c_ce13,
    0x3ff8_68d9_9b44_92ed,
    0x3ff8_ace5_422a_a0db,
    0x3ff8_f1ae_9915_7736,
    0x3ff9_3737_b0cd_c5e5,
    0x3ff9_7d82_9fde_4e50,
    0x3ff9_c491_82a3_f090,
    0x3ffa_0c66_7b5d_e565,
    0x3ffa_5503_b23e_255d,
    0x3ffa_9e6b_5579_fdbf,
    0x3ffa_e89f_995a_d3ad,
    0x3ffb_33a2_b84f_15fb,
    0x3ffb_7f76_f2fb_5e47,
    0x3ffb_cc1e_904b_c1d2,
    0x3ffc_199b_dd85_529c,
    0x3ffc_67f1_2e57_d14b,
    0x3ffc_b720_dcef_9069,
    0x3ffd_072d_4a07_897c,
    0x3ffd_5818_dcfb_a487,
    0x3ffd_a9e6_03db_3285,
    0x3ffd_fc97_337b_9b5f,
    0x3ffe_502e_e78b_3ff6,
    0x3ffe_a4af_a2a4_90da,
    0x3ffe_fa1b_ee61_5a27,
    0x3fff_5076_5b6e_4540,
    0x3fff_a7c1_819e_90d8,
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The distance from the slow twin, in units of its last place.
    fn off_by(x: f64) -> u64 {
        exp(x).to_bits().abs_diff(libm::exp(x).to_bits())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        #[test]
        fn everywhere_it_is_the_exponential(x in MIN..MAX, small in -1.0..1.0_f64, smaller in -1e-3..1e-3_f64) {
            for x in [x, small, smaller] {
                prop_assert!(off_by(x) <= 2, "{x}: {}", off_by(x));
            }
        }
        #[test]
        fn whatever_comes_is_finite(bits in any::<u64>()) {
            let found = exp(f64::from_bits(bits));
            prop_assert!(found.is_finite() && found >= 0.0);
        }
    }

    #[test]
    fn between_two_powers_it_is_the_exponential_too() {
        for nth in -64_000..64_000 {
            let x = (f64::from(nth) + 0.5) / STEPS;
            assert!(off_by(x) <= 2 && off_by(x.next_up()) <= 2 && off_by(x.next_down()) <= 2, "{x}");
        }
    }
    #[test]
    fn the_ends_are_where_they_are_said_to_be() {
        assert_eq!((exp(0.0), exp(-0.0), exp(f64::NAN)), (1.0, 1.0, 0.0));
        assert_eq!((exp(-1e9), exp(f64::NEG_INFINITY), off_by(MIN)), (0.0, 0.0, 0));
        assert_eq!((exp(1e9), exp(f64::INFINITY)), (exp(MAX), exp(MAX)));
    }
    #[test]
    fn powers_are_those_of_the_slow_twin() {
        for (nth, bits) in (0..).zip(POWERS) {
            assert!(bits.abs_diff(libm::exp2(f64::from(nth) / 64.0).to_bits()) <= 1, "{nth}");
        }
    }
}
