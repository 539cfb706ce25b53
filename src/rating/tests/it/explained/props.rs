use super::{Known, Lineup, Match, alone, lineup, season};
use gsm_rating::explained::{Rated, What};
use gsm_rating::options::{Newcomer, Options, Party, RepeatedPair, Smurf};
use gsm_rating::{
    EloSettings, Entrant, GlickoSettings, KalmanSettings, Learnt, Rating, Scratch, System, TrueSkillSettings,
    WengLinModel, WengLinSettings,
};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use std::sync::LazyLock;

/// The largest difference that order and summing may make.
const SAME: f64 = 1e-9;

static SEASON: LazyLock<Learnt> = LazyLock::new(|| season(&KalmanSettings::default()));

fn systems() -> Vec<System> {
    let weng_lin = |model| System::WengLin(WengLinSettings { model, ..WengLinSettings::default() });
    vec![
        System::default(),
        System::Elo(EloSettings { provisional_games: 3, home_advantage: 35.0, ..EloSettings::default() }),
        System::Glicko(GlickoSettings { home_advantage: 35.0, ..GlickoSettings::default() }),
        weng_lin(WengLinModel::BradleyTerryFull),
        weng_lin(WengLinModel::ThurstoneMostellerPart),
        weng_lin(WengLinModel::PlackettLuce),
        System::TrueSkill(TrueSkillSettings::default()),
        System::Kalman(KalmanSettings::default()),
    ]
}

/// Options that are often on, of every strength.
fn options() -> impl Strategy<Value = Options> {
    const OFTEN: f64 = 0.7;
    let repeated = (1_u32..=32, 0.0..=1.0, 0.0..=1.0).prop_map(|(remembered, factor, floor)| RepeatedPair {
        remembered,
        factor,
        floor,
    });
    let smurf = (1_u32..20, 0.5..2.0, 1.0..5.0).prop_map(|(games_max, threshold, boost_max)| Smurf {
        games_max,
        threshold,
        boost_max,
    });
    let newcomer =
        (1_u32..10, 0.0..=1.0).prop_map(|(games, opponents_weight)| Newcomer { games, opponents_weight });
    let party = (0.0..50.0).prop_map(|points_per_mate| Party { points_per_mate });
    (
        prop::option::weighted(OFTEN, repeated),
        prop::option::weighted(OFTEN, smurf),
        prop::option::weighted(OFTEN, newcomer),
        prop::option::weighted(OFTEN, party),
    )
        .prop_map(|(repeated_pair, smurf, newcomer, party)| Options {
            repeated_pair,
            smurf,
            newcomer,
            party,
        })
}

type Drawn = ((f64, f64, f64), (f64, bool, u32), (u32, u32));

fn player() -> impl Strategy<Value = Drawn> {
    let rating = (0.0..1.0, 0.0..1.0, 0.0..1.0);
    let share = prop_oneof![6 => Just(1.0), 1 => Just(0.0), 2 => 0.05..1.0];
    // Few ids, so that the same meet again.
    (rating, (share, prop::bool::weighted(0.1), 0_u32..20), (0_u32..8, 0_u32..12))
}

fn entrant(system: &System, drawn: Drawn) -> (Entrant, Known) {
    let ((mean, deviation, volatility), (share, quit, games), (id, party)) = drawn;
    let new = system.initial();
    let rating = Rating {
        mean: new.mean + new.deviation * (4.0 * mean - 2.0),
        deviation: new.deviation * (0.1 + 0.9 * deviation),
        volatility: 0.02 + 0.18 * volatility,
    };
    let offset = system.initial_offset();
    (Entrant { quit, share, games, offset, ..Entrant::new(rating) }, Known { id, party, ..alone(id) })
}

/// A system and a match of it, which the same players may have played before under other options.
fn matches(count: impl Into<prop::collection::SizeRange>) -> impl Strategy<Value = (System, Options, Match)> {
    let score = prop::option::weighted(0.7, (0_u32..9).prop_map(f64::from));
    let side = (1_u32..5, score, prop::collection::vec(player(), 1..4));
    (
        select(systems()),
        options(),
        prop::collection::vec(side, count),
        0_usize..6,
        any::<Option<Index>>(),
        any::<bool>(),
    )
        .prop_map(|(system, options, sides, before, home, learnt)| {
            let sides: Vec<Lineup> = sides
                .into_iter()
                .map(|(place, score, players)| {
                    let players = players.into_iter().map(|of| entrant(&system, of)).collect();
                    Lineup { score, ..lineup(place, players) }
                })
                .collect();
            let home = home.map(|home| home.index(sides.len()));
            let mut of = Match { sides, home, learnt: learnt.then_some(*SEASON) };
            for _ in 0..before {
                let rated = of.rate(&system, &options);
                of.played(&rated);
            }
            (system, options, of)
        })
}

fn close(a: Rating, b: Rating, within: f64) -> bool {
    (a.mean - b.mean).abs() < within
        && (a.deviation - b.deviation).abs() < within
        && (a.volatility - b.volatility).abs() < within
}

fn total(rated: &Rated) -> f64 {
    rated.change.gain()
}

proptest! {
    #[test]
    fn without_options_it_is_the_system_to_the_last_bit((system, _, of) in matches(2..6)) {
        let mut wanted = Vec::new();
        let mut scratch = Scratch::new();
        of.with(|game| system.update_into(game, &mut scratch, &mut wanted)).unwrap();
        let found = of.rate(&system, &Options::default());
        prop_assert_eq!(found.iter().map(|rated| rated.change).collect::<Vec<_>>(), wanted);
        prop_assert!(found.iter().all(|rated| rated.adjusted.is_none() && rated.recent == Default::default()));
    }

    /// Each option is on, and has no strength.
    #[test]
    fn options_that_do_nothing_do_nothing((system, _, of) in matches(2..6)) {
        let idle = Options {
            repeated_pair: Some(RepeatedPair { remembered: 32, factor: 1.0, floor: 0.0 }),
            smurf: Some(Smurf { boost_max: 1.0, ..Smurf::default() }),
            newcomer: Some(Newcomer { opponents_weight: 1.0, ..Newcomer::default() }),
            party: Some(Party { points_per_mate: 0.0 }),
        };
        let (found, wanted) = (of.rate(&system, &idle), of.rate(&system, &Options::default()));
        for (found, wanted) in found.iter().zip(&wanted) {
            prop_assert_eq!(found.change, wanted.change);
        }
    }

    #[test]
    fn items_sum_to_the_gain((system, options, of) in matches(2..6)) {
        let rated = of.rate(&system, &options);
        for (why, rated) in of.why(&system, &rated).iter().zip(&rated) {
            let sum: f64 = why.items.iter().map(|item| item.points).sum();
            prop_assert!((sum - total(rated)).abs() < SAME, "{system:?} {why:?}");
            prop_assert_eq!((why.after, why.gain), (rated.change.after, total(rated)));
            prop_assert_eq!((why.before, why.actual), (rated.change.before, rated.change.actual));
            prop_assert_eq!(why.items[0].what, What::Result);
            prop_assert!(why.items.is_sorted_by(|a, b| a.what < b.what));
            if let Some(step) = why.step {
                let gain = step * (why.actual - why.expected);
                prop_assert!((gain - why.gain).abs() < SAME * why.gain.abs().max(1.0), "{why:?}");
            }
        }
    }

    /// Only its own options appear in an explanation.
    #[test]
    fn no_item_without_its_option((system, options, of) in matches(2..4)) {
        for why in of.why(&system, &of.rate(&system, &options)) {
            for item in &why.items {
                prop_assert!(match item.what {
                    What::Party => options.party.is_some(),
                    What::Smurf => options.smurf.is_some(),
                    What::RepeatedPair => options.repeated_pair.is_some(),
                    What::Newcomer => options.newcomer.is_some(),
                    What::Margin | What::NewcomerFading | What::Variant => system.name() == "kalman",
                    What::Result | What::PartialPlay | What::Quit => true,
                }, "{item:?}");
            }
        }
    }

    #[test]
    fn damping_shortens_and_never_turns_a_gain((system, options, of) in matches(2..6)) {
        let undamped = Options { repeated_pair: None, newcomer: None, ..options };
        for (damped, full) in of.rate(&system, &options).iter().zip(of.rate(&system, &undamped)) {
            let (damped, full) = (total(damped), total(&full));
            prop_assert!(damped * full >= 0.0, "{damped} {full}");
            prop_assert!(damped.abs() <= full.abs() + SAME, "{damped} {full}");
        }
    }

    #[test]
    fn weights_and_boosts_are_in_range((system, options, of) in matches(2..6)) {
        for (rated, why) in of.rate(&system, &options).iter().zip(of.why(&system, &of.rate(&system, &options))) {
            let adjusted = rated.adjusted;
            prop_assert!((0.0..=1.0).contains(&adjusted.weight()));
            prop_assert!(adjusted.boost >= 1.0 && adjusted.bonus >= 0.0);
            let (given, new) = (rated.change.before.deviation, system.initial().deviation);
            prop_assert!(why.deviation >= given && why.deviation <= given.max(new) * (1.0 + 1e-15), "{why:?}");
        }
    }

    #[test]
    fn a_weight_of_nothing_moves_nobody((system, options, of) in matches(2..6)) {
        let mut of = of;
        let nobody_twice = RepeatedPair { remembered: 32, factor: 0.0, floor: 0.0 };
        let options = Options { repeated_pair: Some(nobody_twice), ..options };
        let first = of.rate(&system, &options);
        of.played(&first);
        let players = of.sides.iter().flat_map(|side| &side.players);
        for ((player, _), rated) in players.zip(of.rate(&system, &options)) {
            prop_assert_eq!((rated.change.after, rated.change.offset), (player.rating, player.offset));
        }
    }

    #[test]
    fn who_was_not_there_is_left_alone((system, options, of) in matches(2..6)) {
        let known = of.sides.iter().flat_map(|side| &side.players);
        let rated = of.rate(&system, &options);
        for (((entrant, known), rated), why) in known.zip(&rated).zip(of.why(&system, &rated)) {
            if entrant.share == 0.0 {
                prop_assert_eq!(rated.change.after, entrant.rating);
                prop_assert!(rated.adjusted.is_none() && rated.recent == known.recent);
                prop_assert!(why.items.len() == 1 && why.gain == 0.0);
            }
        }
    }

    #[test]
    fn the_order_of_sides_does_not_matter((system, options, of) in matches(2..6), by in any::<Index>()) {
        let within = SAME;
        let (n, by) = (of.sides.len(), by.index(of.sides.len()));
        let mut turned = of.clone();
        turned.sides.rotate_left(by);
        turned.home = of.home.map(|home| (home + n - by) % n);
        let (rated, mut found) = (of.rate(&system, &options), turned.rate(&system, &options));
        let mut found_why = turned.why(&system, &found);
        let moved: usize = of.sides[..by].iter().map(|side| side.players.len()).sum();
        found.rotate_right(moved);
        found_why.rotate_right(moved);
        for (found, wanted) in found.iter().zip(&rated) {
            prop_assert!(close(found.change.after, wanted.change.after, within), "{system:?} {found:?} {wanted:?}");
            let (a, b) = (found.recent.surprise(), wanted.recent.surprise());
            prop_assert!((a - b).abs() < within);
            let (a, b) = (found.adjusted, wanted.adjusted);
            prop_assert!((a.weight() - b.weight()).abs() < SAME && (a.boost - b.boost).abs() < SAME && a.bonus == b.bonus);
        }
        for (found, wanted) in found_why.iter().zip(of.why(&system, &rated)) {
            for item in wanted.items {
                let same = found.items.iter().find(|other| other.what == item.what);
                let points = same.map_or(0.0, |same| same.points);
                prop_assert!((points - item.points).abs() < within, "{system:?} {item:?} {points}");
            }
            match (found.opponents, wanted.opponents) {
                (Some(a), Some(b)) => {
                    prop_assert!((a.mean - b.mean).abs() < SAME && (a.deviation - b.deviation).abs() < SAME);
                }
                (a, b) => prop_assert_eq!(a, b),
            }
        }
    }

    /// The memory of a chain of matches is the same whenever and wherever it is derived.
    #[test]
    fn what_is_stored_comes_back((system, options, of) in matches(2..4)) {
        for rated in of.rate(&system, &options) {
            let text = serde_json::to_string(&rated.recent).unwrap();
            prop_assert_eq!(serde_json::from_str::<gsm_rating::explained::Recent>(&text).unwrap(), rated.recent);
            let text = serde_json::to_string(&rated.adjusted).unwrap();
            prop_assert_eq!(serde_json::from_str::<gsm_rating::explained::Adjusted>(&text).unwrap(), rated.adjusted);
        }
    }
}
