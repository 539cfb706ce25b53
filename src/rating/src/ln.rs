//! The natural logarithm, in so few steps that a match hardly notices: what [`crate::exp`] is for the exponential function.
//!
//! Only `+`, `-`, `*`, `/` and whole numbers: the same bits on every platform. No branch depends on the number.
//!
//! Source of the method: P. T. P. Tang, "Table-driven implementation of the logarithm function in IEEE floating-point
//! arithmetic" (ACM TOMS 16, 1990): `ln x = k ln 2 + ln F + ln(1 + f / F)` with `x = 2^k (F + f)` and `F` the nearest of
//! 65 numbers, the last by its series.

/// The range of numbers that have a logarithm here: those of full precision.
const MIN: f64 = f64::MIN_POSITIVE;
/// `ln 2` in two parts; products of the first with an exponent are exact.
const LN_2: f64 = 0.693147175014019;
const LN_2_REST: f64 = 5.5459262969660605e-09;
/// Added to a number in `1..2`, leaves its nearest 64th in the lowest bits: `1.5 * 2^46`.
const NEAREST: f64 = 105553116266496.0;

/// `ln x`, within `3e-16` or two units in the last place, whichever is more; exactly 0 for 1. Below the least normal number, and of NaN, its
/// logarithm: always finite, but for that of infinity.
#[must_use]
#[inline(always)]
pub fn ln(x: f64) -> f64 {
    let x = if x > MIN { x } else { MIN };
    let bits = x.to_bits();
    let exponent = (bits >> 52) as i64 - 1023;
    let mantissa = f64::from_bits(bits & 0x000f_ffff_ffff_ffff | 0x3ff0_0000_0000_0000);
    let shifted = mantissa + NEAREST;
    let (nearest, at) = (shifted - NEAREST, shifted.to_bits() as usize % 256);
    let known = LOGARITHMS.get(at.wrapping_sub(64)).copied().unwrap_or_default();
    let (r, k) = ((mantissa - nearest) / nearest, exponent as f64);
    let square = r * r;
    let low = (-1.0 / 2.0 + r * (1.0 / 3.0)) + square * (-1.0 / 4.0 + r * (1.0 / 5.0));
    let rest = low + square * square * (-1.0 / 6.0 + r * (1.0 / 7.0));
    (k * LN_2 + f64::from_bits(known)) + (r + (square * rest + k * LN_2_REST))
}

/// The bits of `ln(1 + j/64)`.
const LOGARITHMS: [u64; 65] = [
    0x0000_0000_0000_0000,
    0x3f8f_c0a8_b0fc_03e4,
    0x3f9f_829b_0e78_3300,
    0x3fa7_7458_f632_dcfc,
    0x3faf_0a30_c011_62a6,
    0x3fb3_41d7_961b_d1d1,
    0x3fb6_f0d2_8ae5_6b4c,
    0x3fba_926d_3a4a_d563,
    0x3fbe_2707_6e2a_f2e6,
    0x3fc0_d77e_7cd0_8e59,
    0x3fc2_9552_f81f_f523,
    0x3fc4_4d2b_6ccb_7d1e,
    0x3fc5_ff30_70a7_93d4,
    0x3fc7_ab89_0210_d909,
    0x3fc9_525a_9cf4_56b4,
    0x3fca_f3c9_4e80_bff3,
    0x3fcc_8ff7_c79a_9a22,
    0x3fce_2707_6e2a_f2e6,
    0x3fcf_b918_6d5e_3e2b,
    0x3fd0_a324_e273_90e3,
    0x3fd1_675c_abab_a60e,
    0x3fd2_2941_fbcf_7966,
    0x3fd2_e8e2_bae1_1d31,
    0x3fd3_a64c_5569_45ea,
    0x3fd4_618b_c21c_5ec2,
    0x3fd5_1aad_872d_f82d,
    0x3fd5_d1bd_bf58_09ca,
    0x3fd6_86c8_1e9b_14af,
    0x3fd7_39d7_f6bb_d007,
    0x3fd7_eaf8_3b82_afc3,
    0x3fd8_9a33_86c1_425b,
    0x3fd9_4794_1c21_16fb,
    0x3fd9_f323_ecbf_984c,
    0x3fda_9cec_9a9a_084a,
    0x3fdb_44f7_7bcc_8f63,
    0x3fdb_eb4d_9da7_1b7c,
    0x3fdc_8ff7_c79a_9a22,
    0x3fdd_32fe_7e00_ebd5,
    0x3fdd_d46a_04c1_c4a1,
    0x3fde_7442_61d6_8788,
    0x3fdf_128f_5faf_06ed,
    0x3fdf_af58_8f78_f31f,
    0x3fe0_2552_a5a5_d0ff,
    0x3fe0_723e_5c1c_df40,
    0x3fe0_be72_e425_2a83,
    0x3fe1_09f3_9e2d_4c97,
    0x3fe1_54c3_d2f4_d5ea,
    0x3fe1_9ee6_b467_c96f,
    0x3fe1_e85f_5e70_40d0,
    0x3fe2_3130_d7be_bf43,
    0x3fe2_795e_1289_b11b,
    0x3fe2_c0e9_ed44_8e8c,
    0x3fe3_07d7_334f_10be,
    0x3fe3_4e28_9d9c_e1d3,
    0x3fe3_93e0_d356_2a1a,
    0x3fe3_d902_6a71_56fb,
    0x3fe4_1d8f_e846_72ae,
    0x3fe4_618b_c21c_5ec2,
    0x3fe4_a4f8_5db0_3ebb,
    0x3fe4_e7d8_11b7_5bb1,
    0x3fe5_2a2d_265b_c5ab,
    0x3fe5_6bf9_d5b3_f399,
    0x3fe5_ad40_4c35_9f2d,
    0x3fe5_ee02_a924_1675,
    0x3fe6_2e42_fefa_39ef,
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(x: f64) {
        let (found, wanted) = (ln(x), libm::log(x));
        let unit = f64::from_bits(wanted.abs().to_bits() + 1) - wanted.abs();
        let most = (2.0 * unit).max(3e-16);
        assert!((found - wanted).abs() <= most, "{x}: {found} {wanted}");
    }

    proptest! {
        #[test]
        fn it_is_that_of_the_library(bits in f64::MIN_POSITIVE.to_bits()..f64::MAX.to_bits(), near in 0.5..2.0_f64) {
            check(f64::from_bits(bits));
            check(near);
        }
    }

    #[test]
    fn ends_are_kept() {
        assert_eq!(ln(1.0), 0.0);
        let least = libm::log(f64::MIN_POSITIVE);
        for x in [0.0, -1.0, f64::NAN, f64::NEG_INFINITY, 1e-320, f64::MIN_POSITIVE] {
            assert!((ln(x) - least).abs() < 1e-12, "{x}");
        }
        check(f64::MAX);
        for j in 0..=128_u32 {
            for near in [-1e-9, 0.0, 1e-9] {
                check(1.0 + f64::from(j) / 128.0 + near);
            }
        }
    }
}
