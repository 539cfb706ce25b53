//! XXH64, the checksum of pages and rows: it finds flipped, torn and misplaced bytes, not forgery. Its steps are those
//! of the XXH64 algorithm description (xxhash.com, `xxhash_spec.md`).

const P1: u64 = 0x9e37_79b1_85eb_ca87;
const P2: u64 = 0xc2b2_ae3d_27d4_eb4f;
const P3: u64 = 0x1656_67b1_9e37_79f9;
const P4: u64 = 0x85eb_ca77_c2b2_ae63;
const P5: u64 = 0x27d4_eb2f_1656_67c5;

fn round(lane: u64, input: u64) -> u64 {
    lane.wrapping_add(input.wrapping_mul(P2)).rotate_left(31).wrapping_mul(P1)
}

fn merge(hash: u64, lane: u64) -> u64 {
    (hash ^ round(0, lane)).wrapping_mul(P1).wrapping_add(P4)
}

/// The checksum of `bytes` under `seed`.
pub(super) fn xxh64(seed: u64, bytes: &[u8]) -> u64 {
    let (stripes, rest) = bytes.as_chunks::<32>();
    let mut hash = if stripes.is_empty() {
        seed.wrapping_add(P5)
    } else {
        let first = seed.wrapping_add(P1).wrapping_add(P2);
        let mut lanes = [first, seed.wrapping_add(P2), seed, seed.wrapping_sub(P1)];
        for stripe in stripes {
            for (lane, word) in lanes.iter_mut().zip(stripe.as_chunks::<8>().0) {
                *lane = round(*lane, u64::from_le_bytes(*word));
            }
        }
        let [a, b, c, d] = lanes;
        let sum = a
            .rotate_left(1)
            .wrapping_add(b.rotate_left(7))
            .wrapping_add(c.rotate_left(12))
            .wrapping_add(d.rotate_left(18));
        lanes.into_iter().fold(sum, merge)
    };
    hash = hash.wrapping_add(bytes.len() as u64);
    let (words, rest) = rest.as_chunks::<8>();
    for word in words {
        hash ^= round(0, u64::from_le_bytes(*word));
        hash = hash.rotate_left(27).wrapping_mul(P1).wrapping_add(P4);
    }
    let (halves, rest) = rest.as_chunks::<4>();
    for half in halves {
        hash ^= u64::from(u32::from_le_bytes(*half)).wrapping_mul(P1);
        hash = hash.rotate_left(23).wrapping_mul(P2).wrapping_add(P3);
    }
    for byte in rest {
        hash ^= u64::from(*byte).wrapping_mul(P5);
        hash = hash.rotate_left(11).wrapping_mul(P1);
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(P2);
    hash = (hash ^ (hash >> 29)).wrapping_mul(P3);
    hash ^ (hash >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of the reference implementation (github.com/Cyan4973/xxHash) on the bytes of its own self-test.
    #[test]
    fn it_gives_the_reference_values() {
        let mut state: u64 = 2_654_435_761;
        let bytes: Vec<u8> = std::iter::repeat_with(|| {
            let byte = (state >> 56) as u8;
            state = state.wrapping_mul(11_400_714_785_074_694_797);
            byte
        })
        .take(222)
        .collect();
        const SEED: u64 = 2_654_435_761;
        for (seed, len, expected) in [
            (0, 0, 0xef46_db37_51d8_e999),
            (SEED, 0, 0xac75_fda2_929b_17ef),
            (0, 1, 0xe934_a84a_db05_2768),
            (SEED, 1, 0x5014_6076_43a9_b4c3),
            (0, 4, 0x9136_a0dc_a574_57ee),
            (0, 14, 0x8282_dcc4_994e_35c8),
            (SEED, 14, 0xc3bd_6bf6_3deb_6df0),
            (0, 222, 0xb641_ae8c_b691_c174),
            (SEED, 222, 0x20cb_8ab7_ae10_c14a),
        ] {
            assert_eq!(xxh64(seed, &bytes[..len]), expected, "{len} bytes under {seed}");
        }
    }
}
