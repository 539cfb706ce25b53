//! Whether those who are left have what is needed, somewhere within a width.
use super::{Amounts, Seen};
use smallvec::SmallVec;

/// Whether those who are left, in the order of their numbers, have what is needed within some width that holds `low..=high`,
/// in one of the `places`.
pub(super) fn has_enough(
    left: &[&Seen],
    places: Option<u64>,
    (low, high, width): (f64, f64, f64),
    needed: &Amounts,
) -> bool {
    // Who has no number is as near as one likes.
    let (anywhere, near): (SmallVec<[&Seen; 64]>, SmallVec<[&Seen; 64]>) =
        left.iter().copied().partition(|seen| seen.number.is_nan() || low > high);
    let Some(mut bits) = places else {
        return has_window(&near, &anywhere, u64::MAX, (low, width), needed);
    };
    while bits != 0 {
        let place = bits & bits.wrapping_neg();
        bits ^= place;
        if has_window(&near, &anywhere, place, (low, width), needed) {
            return true;
        }
    }
    false
}

/// Whether those of some width that reaches `low`, and those `anywhere`, have what is needed in a place.
fn has_window(
    near: &[&Seen],
    anywhere: &[&Seen],
    place: u64,
    (low, width): (f64, f64),
    needed: &Amounts,
) -> bool {
    let mut has = Amounts::new(0, false, false);
    anywhere.iter().filter(|seen| seen.places & place != 0).for_each(|seen| has.add(&seen.gives));
    if has.cover(needed) {
        return true;
    }
    let mut end = 0;
    for first in near.iter().filter(|seen| seen.places & place != 0) {
        // Those who are above `low` may all be together with it.
        let left = first.number.min(low);
        while let Some(next) = near.get(end).filter(|next| next.number - left <= width) {
            if next.places & place != 0 {
                has.add(&next.gives);
            }
            end += 1;
        }
        if has.cover(needed) {
            return true;
        }
        if first.number > low {
            return false;
        }
        has.take(&first.gives);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number below `below`, the same for the same seed.
    fn draw(seed: &mut u64, below: u64) -> u64 {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 33) % below
    }

    fn amounts(players: u64, needs: u64) -> Amounts {
        let mut amounts = Amounts::new(players as u32, false, false);
        amounts.needs_mut().fill(needs as u32);
        amounts
    }

    #[test]
    fn a_window_is_found_where_trying_each_finds_one() {
        let (mut seed, mut found) = (7, 0);
        for _ in 0..20_000 {
            let (low, high, width) = (10.0, 10.0 + draw(&mut seed, 4) as f64, 4.0);
            let mut seen: Vec<Seen> = (0..draw(&mut seed, 9))
                .map(|_| Seen {
                    number: high - width + draw(&mut seed, 9) as f64,
                    places: 1 + draw(&mut seed, 3),
                    gives: amounts(1, draw(&mut seed, 2)),
                    values: None,
                })
                .filter(|seen| seen.number - low <= width)
                .collect();
            seen.sort_by(|a, b| a.number.total_cmp(&b.number));
            let near: Vec<&Seen> = seen.iter().collect();
            let needs = draw(&mut seed, 3);
            let needed = amounts(1 + draw(&mut seed, 5), needs);
            let place = 1 + draw(&mut seed, 2);
            let is_enough = |left: f64| {
                let mut has = Amounts::new(0, false, false);
                let inside = |seen: &&&Seen| {
                    seen.number >= left && seen.number - left <= width && seen.places & place != 0
                };
                near.iter().filter(inside).for_each(|seen| has.add(&seen.gives));
                has.cover(&needed)
            };
            let lefts = near.iter().map(|seen| seen.number.min(low)).chain([low]);
            let expected = lefts.into_iter().any(is_enough);
            assert_eq!(has_window(&near, &[], place, (low, width), &needed), expected, "{near:?} {needed:?}");
            found += usize::from(expected);
        }
        assert!((4_000..16_000).contains(&found), "{found}");
    }
}
