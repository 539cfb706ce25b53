use gsm_core::{Millis, Timestamp};
use gsm_rating::{Change, Entrant, Game, Rating, Side, System};
use proptest::prelude::*;
use proptest::sample::Index;

type Match = Vec<(u32, Vec<Entrant>)>;

/// The largest difference that order may make: see the crate's invariants.
const SAME: f64 = 1e-9;
/// How often a player leaves early.
const QUITS: f64 = 0.1;

fn update(of: &Match) -> Vec<Vec<Change>> {
    let sides: Vec<Side<'_>> = of.iter().map(|(place, players)| Side::new(*place, players)).collect();
    System::default().update(&Game::new(&sides)).unwrap()
}

fn usual() -> impl Strategy<Value = Rating> {
    (500.0..2500.0, 30.0..350.0, 0.02..0.2).prop_map(|(mean, deviation, volatility)| Rating {
        mean,
        deviation,
        volatility,
    })
}

fn any_finite() -> impl Strategy<Value = f64> {
    use proptest::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    prop_oneof![
        POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO,
        Just(f64::MAX),
        Just(f64::MIN),
        Just(f64::MIN_POSITIVE),
        -1e4..1e4_f64,
    ]
}

fn extreme() -> impl Strategy<Value = Rating> {
    (any_finite(), any_finite(), any_finite()).prop_map(|(mean, deviation, volatility)| Rating {
        mean,
        deviation,
        volatility,
    })
}

fn matches(
    rating: impl Strategy<Value = Rating>,
    sides: impl Into<prop::collection::SizeRange>,
    players: impl Into<prop::collection::SizeRange>,
    quits: f64,
) -> impl Strategy<Value = Match> {
    let entrant = (rating, prop::bool::weighted(quits))
        .prop_map(|(rating, quit)| Entrant { quit, ..Entrant::new(rating) });
    prop::collection::vec((1_u32..5, prop::collection::vec(entrant, players)), sides)
}

fn close(a: Rating, b: Rating) -> bool {
    (a.mean - b.mean).abs() < SAME
        && (a.deviation - b.deviation).abs() < SAME
        && (a.volatility - b.volatility).abs() < SAME
}

proptest! {
    #[test]
    fn the_order_of_sides_does_not_matter(of in matches(usual(), 2..8, 1..5, QUITS), by in any::<Index>()) {
        let by = by.index(of.len());
        let mut turned = of.clone();
        turned.rotate_left(by);
        turned.swap(0, 1);
        let mut wanted = update(&of);
        wanted.rotate_left(by);
        wanted.swap(0, 1);
        for (found, wanted) in update(&turned).iter().flatten().zip(wanted.iter().flatten()) {
            prop_assert!(close(found.after, wanted.after), "{found:?} {wanted:?}");
        }
    }

    #[test]
    fn the_order_of_players_does_not_matter(of in matches(usual(), 2..4, 2..6, QUITS)) {
        let mut turned = of.clone();
        turned.iter_mut().for_each(|(_, players)| players.reverse());
        let mut wanted = update(&of);
        wanted.iter_mut().for_each(|side| side.reverse());
        for (found, wanted) in update(&turned).iter().flatten().zip(wanted.iter().flatten()) {
            prop_assert!(close(found.after, wanted.after), "{found:?} {wanted:?}");
        }
    }

    #[test]
    fn only_the_order_of_places_counts(of in matches(usual(), 2..6, 1..3, QUITS)) {
        let mut spread = of.clone();
        spread.iter_mut().for_each(|(place, _)| *place = *place * 10 - 3);
        prop_assert_eq!(update(&of), update(&spread));
    }

    #[test]
    fn two_equal_sides_conserve_the_sum(rating in usual(), players in 1_usize..6, place in 1_u32..4) {
        let side = || vec![Entrant::new(rating); players];
        let moved: f64 = update(&vec![(2, side()), (place, side())]).iter().flatten().map(Change::gain).sum();
        prop_assert!(moved.abs() < SAME, "{moved}");
    }

    /// With ties a field is lopsided, and the volatilities (not the expectations) keep the sum only nearly.
    #[test]
    fn a_field_of_equals_without_ties_conserves_the_sum(rating in usual(), sides in 2_u32..30) {
        let of: Match = (1..=sides).map(|place| (place, vec![Entrant::new(rating)])).collect();
        let moved: f64 = update(&of).iter().flatten().map(Change::gain).sum();
        prop_assert!(moved.abs() < SAME * f64::from(sides), "{moved}");
    }

    #[test]
    fn a_win_never_lowers_a_mean_and_a_loss_never_raises_it(of in matches(extreme(), 2..5, 1..4, 0.0)) {
        let mut of = of;
        (1..).zip(&mut of).for_each(|(nth, (place, _))| *place = nth);
        let found = update(&of);
        prop_assert!(found[0].iter().all(|change| change.gain() >= 0.0));
        prop_assert!(found[of.len() - 1].iter().all(|change| change.gain() <= 0.0));
    }

    #[test]
    fn a_draw_of_equals_moves_no_mean(a in usual(), players in 1_usize..6) {
        let of = vec![(1, vec![Entrant::new(a); players]); 2];
        for change in update(&of).iter().flatten() {
            prop_assert_eq!(change.after.mean, a.mean);
            // The volatility step sees less surprise than expected: it may shrink, by very little.
            prop_assert!(change.after.volatility <= a.volatility + 1e-12);
            prop_assert!(change.after.volatility >= 0.9 * a.volatility);
        }
    }

    #[test]
    fn whatever_comes_what_leaves_is_finite_and_in_range(of in matches(extreme(), 2..=100, 1..=2, QUITS)) {
        for (change, given) in update(&of).iter().flatten().zip(of.iter().flat_map(|(_, players)| players)) {
            let after = change.after;
            prop_assert!(after.is_finite(), "{change:?}");
            prop_assert!((30.0..=350.0).contains(&after.deviation), "{change:?}");
            prop_assert!((1e-4..=1.0).contains(&after.volatility), "{change:?}");
            prop_assert!((0.0..=1.0).contains(&change.actual));
            prop_assert_eq!(change.before, given.rating);
        }
    }

    #[test]
    fn predictions_of_two_sides_sum_to_one(of in matches(extreme(), 2..=2, 1..6, 0.0)) {
        let ratings = |side: usize| of[side].1.iter().map(|player| player.rating).collect::<Vec<_>>();
        let system = System::default();
        let (ab, ba) = (
            system.expected_pair(&ratings(0), &ratings(1), None).get(),
            system.expected_pair(&ratings(1), &ratings(0), None).get(),
        );
        prop_assert!((ab + ba - 1.0).abs() < SAME);
        prop_assert_eq!(system.expected(&[ratings(0), ratings(1)], None)[0].get(), ab);
    }

    #[test]
    fn shares_sum_to_one(of in prop::collection::vec(prop::collection::vec(extreme(), 0..3), 1..30)) {
        let sum: f64 = System::default().expected(&of, None).iter().map(|share| share.get()).sum();
        prop_assert!((sum - 1.0).abs() < SAME, "{sum}");
    }

    #[test]
    fn time_only_grows_the_deviation(rating in extreme(), then in any::<i64>(), idle in any::<u64>()) {
        let system = System::default();
        let then = Timestamp::from_millis(then);
        let now = system.at(rating, Some(then), then);
        let later = system.at(rating, Some(then), then.saturating_add(Millis::new(idle)));
        prop_assert!(later.deviation >= now.deviation && later.deviation <= 350.0);
        prop_assert_eq!((later.mean, later.volatility), (rating.mean, rating.volatility));
    }
}
