use gsm_core::{Millis, Timestamp};
use gsm_rating::{
    Change, EloSettings, Entrant, Game, GlickoSettings, KalmanSettings, Rating, Scratch, Side, System,
    TrueSkillSettings, WengLinModel, WengLinSettings,
};
use proptest::prelude::*;
use proptest::sample::{Index, select};

type Match = Vec<(u32, Vec<Entrant>)>;

/// The largest difference that order may make: see the crate's invariants.
const SAME: f64 = 1e-9;
/// How often a player leaves early.
const QUITS: f64 = 0.1;

/// Every system, with a side at an advantage.
fn systems() -> Vec<System> {
    let weng_lin =
        |model| System::WengLin(WengLinSettings { model, home_advantage: 0.5, ..WengLinSettings::default() });
    vec![
        System::default(),
        System::Elo(EloSettings { home_advantage: 35.0, ..EloSettings::default() }),
        System::Glicko(GlickoSettings { home_advantage: 35.0, ..GlickoSettings::default() }),
        weng_lin(WengLinModel::BradleyTerryFull),
        weng_lin(WengLinModel::BradleyTerryPart),
        weng_lin(WengLinModel::ThurstoneMostellerFull),
        weng_lin(WengLinModel::ThurstoneMostellerPart),
        weng_lin(WengLinModel::PlackettLuce),
        System::TrueSkill(TrueSkillSettings { home_advantage: 0.5, ..TrueSkillSettings::default() }),
        System::Kalman(KalmanSettings { home_advantage: 35.0, ..KalmanSettings::default() }),
    ]
}

fn any_system() -> impl Strategy<Value = System> {
    select(systems())
}

fn sides(of: &Match) -> Vec<Side<'_>> {
    of.iter().map(|(place, players)| Side::new(*place, players)).collect()
}

fn update_at(system: &System, of: &Match, home: Option<usize>) -> Vec<Vec<Change>> {
    system.update(&Game { sides: &sides(of), home, learnt: None }).unwrap()
}

fn update(system: &System, of: &Match) -> Vec<Vec<Change>> {
    update_at(system, of, None)
}

/// A rating that a match of this system may have led to, from three numbers in `0.0..1.0`.
fn usual_of(system: &System, (mean, deviation, volatility): (f64, f64, f64)) -> Rating {
    let new = system.initial();
    Rating {
        mean: new.mean + new.deviation * (4.0 * mean - 2.0),
        deviation: new.deviation * (0.1 + 0.9 * deviation),
        volatility: 0.02 + 0.18 * volatility,
    }
}

fn unit() -> impl Strategy<Value = (f64, f64, f64)> {
    (0.0..1.0, 0.0..1.0, 0.0..1.0)
}

fn share() -> impl Strategy<Value = f64> {
    prop_oneof![4 => Just(1.0), 1 => 0.05..1.0]
}

/// A system and a match of it.
fn usual(
    count: impl Into<prop::collection::SizeRange>,
    players: impl Into<prop::collection::SizeRange>,
    quits: f64,
) -> impl Strategy<Value = (System, Match)> {
    let entrant = (unit(), share(), prop::bool::weighted(quits));
    let side = (1_u32..5, prop::collection::vec(entrant, players));
    (any_system(), prop::collection::vec(side, count)).prop_map(|(system, of)| {
        let entrants = |players: Vec<((f64, f64, f64), f64, bool)>| {
            let entrant =
                |(rating, share, quit)| Entrant { share, quit, ..Entrant::new(usual_of(&system, rating)) };
            players.into_iter().map(entrant).collect()
        };
        let of = of.into_iter().map(|(place, players)| (place, entrants(players))).collect();
        (system, of)
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

fn extremes(
    count: impl Into<prop::collection::SizeRange>,
    players: impl Into<prop::collection::SizeRange>,
    quits: f64,
) -> impl Strategy<Value = Match> {
    let share = prop_oneof![3 => Just(1.0), 1 => Just(0.0), 1 => Just(f64::MIN_POSITIVE), 1 => 0.0..=1.0];
    let entrant = (extreme(), share, prop::bool::weighted(quits)).prop_map(|(rating, share, quit)| Entrant {
        share,
        quit,
        ..Entrant::new(rating)
    });
    prop::collection::vec((1_u32..5, prop::collection::vec(entrant, players)), count)
}

fn close(a: Rating, b: Rating) -> bool {
    (a.mean - b.mean).abs() < SAME
        && (a.deviation - b.deviation).abs() < SAME
        && (a.volatility - b.volatility).abs() < SAME
}

proptest! {
    #[test]
    fn the_order_of_sides_does_not_matter(
        (system, of) in usual(2..8, 1..5, QUITS),
        by in any::<Index>(),
        home in any::<Option<Index>>(),
    ) {
        let (n, by) = (of.len(), by.index(of.len()));
        let home = home.map(|home| home.index(n));
        let turn = |list: &mut Vec<_>| { list.rotate_left(by); list.swap(0, 1); };
        let mut turned = of.clone();
        turned.rotate_left(by);
        turned.swap(0, 1);
        let turned_home = home.map(|home| match (home + n - by) % n { 0 => 1, 1 => 0, other => other });
        let mut wanted = update_at(&system, &of, home);
        turn(&mut wanted);
        for (found, wanted) in update_at(&system, &turned, turned_home).iter().flatten().zip(wanted.iter().flatten()) {
            prop_assert!(close(found.after, wanted.after), "{system:?} {found:?} {wanted:?}");
            prop_assert!((found.expected.get() - wanted.expected.get()).abs() < SAME);
        }
    }

    #[test]
    fn the_order_of_players_does_not_matter((system, of) in usual(2..4, 2..6, QUITS)) {
        let mut turned = of.clone();
        turned.iter_mut().for_each(|(_, players)| players.reverse());
        let mut wanted = update(&system, &of);
        wanted.iter_mut().for_each(|side| side.reverse());
        for (found, wanted) in update(&system, &turned).iter().flatten().zip(wanted.iter().flatten()) {
            prop_assert!(close(found.after, wanted.after), "{system:?} {found:?} {wanted:?}");
        }
    }

    #[test]
    fn equals_who_tie_move_alike(system in any_system(), one in unit(), ties in 2_usize..7, others in 0_u32..4) {
        let side = |place| (place, vec![Entrant::new(usual_of(&system, one)); 2]);
        let of: Match = (0..ties).map(|_| side(2)).chain((0..others).map(|nth| side(2 * nth + 1))).collect();
        let found = update(&system, &of);
        for change in found[..ties].iter().flatten() {
            prop_assert!(close(change.after, found[0][0].after), "{system:?} {change:?} {:?}", found[0][0]);
        }
    }

    #[test]
    fn only_the_order_of_places_counts((system, of) in usual(2..6, 1..3, QUITS)) {
        let mut spread = of.clone();
        spread.iter_mut().for_each(|(place, _)| *place = *place * 10 - 3);
        prop_assert_eq!(update(&system, &of), update(&system, &spread));
    }

    #[test]
    fn memory_that_was_used_gives_the_same_bits(first in usual(2..6, 1..4, QUITS), second in usual(2..6, 1..4, QUITS)) {
        let (mut scratch, mut out) = (Scratch::new(), Vec::new());
        for (system, of) in [first, second] {
            system.update_into(&Game::new(&sides(&of)), &mut scratch, &mut out).unwrap();
            prop_assert_eq!(&out, &update(&system, &of).concat());
        }
    }

    #[test]
    fn two_equal_sides_conserve_the_sum(system in any_system(), one in unit(), players in 1_usize..6, place in 1_u32..4) {
        let side = || vec![Entrant::new(usual_of(&system, one)); players];
        let moved: f64 =
            update(&system, &vec![(2, side()), (place, side())]).iter().flatten().map(Change::gain).sum();
        prop_assert!(moved.abs() < SAME, "{moved}");
    }

    /// With ties a field is lopsided, and the volatilities (not the expectations) keep the sum only nearly.
    #[test]
    fn a_field_of_equals_without_ties_conserves_the_sum(system in any_system(), one in unit(), count in 2_u32..30) {
        let of: Match = (1..=count).map(|place| (place, vec![Entrant::new(usual_of(&system, one))])).collect();
        let moved: f64 = update(&system, &of).iter().flatten().map(Change::gain).sum();
        prop_assert!(moved.abs() < SAME * f64::from(count), "{system:?} {moved}");
    }

    #[test]
    fn elo_does_not_drift(means in prop::collection::vec((500.0..2500.0_f64, 1_u32..5), 2..=60), size in 1_usize..4) {
        let of: Match = means
            .iter()
            .map(|&(mean, place)| {
                let rating = |nth: usize| Rating { mean: mean + 10.0 * nth as f64, deviation: 100.0, volatility: 0.06 };
                (place, (0..size).map(|nth| Entrant::new(rating(nth))).collect())
            })
            .collect();
        let moved: f64 = update(&systems()[1], &of).iter().flatten().map(Change::gain).sum();
        prop_assert!(moved.abs() < SAME, "{moved}");
    }

    #[test]
    fn a_win_never_lowers_a_mean_and_a_loss_never_raises_it(system in any_system(), of in extremes(2..5, 1..4, 0.0)) {
        let mut of = of;
        (1..).zip(&mut of).for_each(|(nth, (place, _))| *place = nth);
        let found = update(&system, &of);
        prop_assert!(found[0].iter().all(|change| change.gain() >= 0.0), "{system:?} {:?}", found[0]);
        prop_assert!(found[of.len() - 1].iter().all(|change| change.gain() <= 0.0), "{system:?}");
    }

    #[test]
    fn a_draw_of_equals_moves_no_mean(system in any_system(), one in unit(), players in 1_usize..6) {
        let rating = usual_of(&system, one);
        let of = vec![(1, vec![Entrant::new(rating); players]); 2];
        for change in update(&system, &of).iter().flatten() {
            prop_assert_eq!(change.after.mean, rating.mean);
            // The volatility step sees less surprise than expected: it may shrink, by very little. The Kalman system
            // keeps another thing there, with a minus, which any match makes less.
            let after = change.after.volatility;
            let (after, least) = match system {
                System::Kalman(_) => (-after, 0.0),
                _ => (after, 0.9 * rating.volatility),
            };
            prop_assert!(after <= rating.volatility + 1e-12 && after >= least);
        }
    }

    #[test]
    fn a_match_makes_nobody_less_sure_but_by_its_dynamics((system, of) in usual(2..8, 1..5, QUITS)) {
        for change in update(&system, &of).iter().flatten() {
            let (before, after) = (change.before, change.after);
            let dynamics = match &system {
                System::Glicko2(_) => after.volatility * 173.7178,
                System::WengLin(settings) => settings.tau,
                System::TrueSkill(settings) => settings.tau,
                System::Kalman(settings) => settings.growth_per_match,
                _ => 0.0,
            };
            let most = match &system {
                System::Elo(settings) => settings.deviation,
                _ => before.deviation.hypot(dynamics),
            };
            prop_assert!(after.deviation <= most + SAME, "{system:?} {change:?}");
        }
    }

    #[test]
    fn whatever_comes_what_leaves_is_finite_and_in_range(
        system in any_system(),
        of in extremes(2..=40, 1..=2, QUITS),
        home in any::<Option<Index>>(),
    ) {
        let found = update_at(&system, &of, home.map(|home| home.index(of.len())));
        for (change, given) in found.iter().flatten().zip(of.iter().flat_map(|(_, players)| players)) {
            let after = change.after;
            prop_assert!(after.is_finite(), "{system:?} {change:?}");
            if after != change.before {
                let (least, most) = match &system {
                    System::Glicko(_) | System::Glicko2(_) => (30.0, 350.0),
                    System::Elo(settings) => (settings.deviation, settings.deviation),
                    _ => (1e-3, 1e6),
                };
                prop_assert!((least..=most).contains(&after.deviation), "{system:?} {change:?}");
                if system.name() == "glicko2" {
                    prop_assert!((1e-4..=1.0).contains(&after.volatility), "{change:?}");
                }
            }
            prop_assert!((0.0..=1.0).contains(&change.actual));
            prop_assert_eq!(change.before, given.rating);
        }
    }

    #[test]
    fn who_was_not_there_moves_nobody(
        (system, of) in usual(2..6, 1..4, QUITS),
        at in any::<Index>(),
        home in any::<Option<Index>>(),
        who in unit(),
    ) {
        let absent = Entrant { share: 0.0, ..Entrant::new(usual_of(&system, who)) };
        // Within a side, and as a side of one, which the home side may come after.
        let (mut more, new) = (of.clone(), at.index(of.len() + 1));
        more[at.index(of.len())].1.push(absent);
        more.insert(new, (2, vec![absent]));
        let home = home.map(|home| home.index(of.len()));
        let found = update_at(&system, &more, home.map(|home| home + usize::from(home >= new))).concat();
        let given = more.iter().flat_map(|(_, players)| players);
        let (there, not): (Vec<_>, Vec<_>) = found.into_iter().zip(given).partition(|(_, player)| player.share > 0.0);
        prop_assert!(not.iter().all(|(change, _)| change.after == absent.rating));
        for ((found, _), wanted) in there.iter().zip(update_at(&system, &of, home).iter().flatten()) {
            prop_assert!(close(found.after, wanted.after), "{system:?} {found:?} {wanted:?}");
        }
    }

    /// Who sees neighbours only loses to those, and not to those of the last place.
    #[test]
    fn who_quits_came_last_and_nobody_else_notices((system, of) in usual(2..7, 1..4, 0.0), at in any::<Index>(), who in any::<Index>()) {
        let at = at.index(of.len());
        let who = who.index(of[at].1.len());
        let (mut left, mut last) = (of.clone(), of.clone());
        left[at].1[who].quit = true;
        last[at].0 = 9;
        let (mut found, mut stayed) = (update(&system, &left), update(&system, &of));
        let (found_of, _) = (found[at].remove(who), stayed[at].remove(who));
        prop_assert_eq!(&found, &stayed);
        prop_assert_eq!(found_of.actual, 0.0);
        let wanted = update(&system, &last)[at][who];
        let is_part = matches!(&system, System::WengLin(settings) if matches!(
            settings.model,
            WengLinModel::BradleyTerryPart | WengLinModel::ThurstoneMostellerPart
        ));
        prop_assert!(is_part || close(found_of.after, wanted.after), "{system:?} {found_of:?} {wanted:?}");
    }

    #[test]
    fn predictions_of_two_sides_sum_to_one(system in any_system(), of in extremes(2..=2, 1..6, 0.0), home in 0_usize..3) {
        let ratings = |side: usize| of[side].1.iter().map(|player| player.rating).collect::<Vec<_>>();
        let turned = [1, 0, 2][home];
        let (ab, ba) = (
            system.expected_pair(&ratings(0), &ratings(1), Some(home)).get(),
            system.expected_pair(&ratings(1), &ratings(0), Some(turned)).get(),
        );
        prop_assert!((ab + ba - 1.0).abs() < SAME);
        prop_assert_eq!(system.expected(&[ratings(0), ratings(1)], Some(home))[0].get(), ab);
    }

    #[test]
    fn shares_sum_to_one(system in any_system(), of in prop::collection::vec(prop::collection::vec(extreme(), 0..3), 1..30)) {
        let sum: f64 = system.expected(&of, Some(0)).iter().map(|share| share.get()).sum();
        prop_assert!((sum - 1.0).abs() < SAME, "{sum}");
    }

    #[test]
    fn time_only_grows_the_deviation(system in any_system(), rating in extreme(), then in any::<i64>(), idle in any::<u64>()) {
        let then = Timestamp::from_millis(then);
        let now = system.at(rating, Some(then), then);
        let later = system.at(rating, Some(then), then.saturating_add(Millis::new(idle)));
        prop_assert!(later.deviation >= now.deviation && later.is_finite());
        prop_assert_eq!((later.mean, later.volatility), (rating.mean, now.volatility));
    }
}
