//! [`Ladder`] against its slow twin: the same matches through `System::at` and `System::update`.
use gsm_core::Timestamp;
use gsm_rating::batch::{Fixture, Ladder};
use gsm_rating::{Change, Entrant, Game, RatedState, RatingError, Side, System};
use proptest::prelude::*;
use proptest::sample::{Index, select};

const PLAYERS: u32 = 12;

#[derive(Clone, Debug)]
struct Match {
    at: Timestamp,
    players: Vec<u32>,
    ends: Vec<u32>,
    places: Vec<u32>,
    scores: Vec<f64>,
    home: Option<usize>,
}

impl Match {
    fn fixture(&self) -> Fixture<'_> {
        let fixture = Fixture::new(self.at, &self.players, &self.ends, &self.places).unwrap();
        self.home.map_or(fixture, |home| fixture.with_home(home).unwrap())
    }
    fn sides(&self) -> impl Iterator<Item = &[u32]> {
        (0..self.ends.len()).map(|side| {
            let start = if side == 0 { 0 } else { self.ends[side - 1] };
            &self.players[start as usize..self.ends[side] as usize]
        })
    }
}

/// Up to five sides of different players; clocks may step back.
fn matches() -> impl Strategy<Value = Vec<Match>> {
    let sizes = prop::collection::vec((1_u32..3, 1_u32..4, -9.0..9.0), 2..6);
    let order = Just((0..PLAYERS).collect::<Vec<_>>()).prop_shuffle();
    let one =
        (any::<u32>(), order, sizes, any::<Option<Index>>()).prop_map(|(at, mut players, sizes, home)| {
            let mut end = 0;
            let ends: Vec<u32> = sizes
                .iter()
                .map(|(size, _, _)| {
                    end += size;
                    end
                })
                .collect();
            players.truncate(end as usize);
            Match {
                at: Timestamp::from_millis(i64::from(at) * 1_000),
                players,
                home: home.map(|home| home.index(ends.len())),
                ends,
                places: sizes.iter().map(|(_, place, _)| *place).collect(),
                scores: sizes.iter().map(|(_, _, score)| *score).collect(),
            }
        });
    prop::collection::vec(one, 1..40)
}

fn systems() -> Vec<System> {
    [
        r#"{"system":"glicko2","home_advantage":30}"#,
        r#"{"system":"elo","provisional_games":3,"home_advantage":30}"#,
        r#"{"system":"glicko"}"#,
        r#"{"system":"weng_lin"}"#,
        r#"{"system":"weng_lin","model":"plackett_luce","growth_per_day":0.3}"#,
        r#"{"system":"weng_lin","model":"thurstone_mosteller_part"}"#,
        r#"{"system":"true_skill","growth_per_day":0.1,"home_advantage":1}"#,
    ]
    .map(|text| serde_json::from_str(text).unwrap())
    .to_vec()
}

/// One match through the interface that the server uses.
fn follow(system: &System, states: &mut [RatedState], of: &Match) -> Vec<Change> {
    let entrant = |player: &u32| {
        let state = states[*player as usize];
        let rating = system.at(state.rating, state.rated_at, of.at);
        Entrant { games: state.games, ..Entrant::new(rating) }
    };
    let entrants: Vec<Vec<Entrant>> = of.sides().map(|side| side.iter().map(entrant).collect()).collect();
    let sides: Vec<Side<'_>> = entrants
        .iter()
        .zip(of.places.iter().zip(&of.scores))
        .map(|(players, (place, score))| Side { score: Some(*score), ..Side::new(*place, players) })
        .collect();
    let changes = system.update(&Game { sides: &sides, home: of.home, learnt: None }).unwrap().concat();
    for (player, change) in of.players.iter().zip(&changes) {
        states[*player as usize] = states[*player as usize].after(change, of.at);
    }
    changes
}

proptest! {
    #[test]
    fn a_ladder_gives_the_bits_of_match_by_match(system in select(systems()), of in matches()) {
        let mut states = vec![RatedState::new(system.initial()); PLAYERS as usize];
        let mut one_by_one = Ladder::new(&system, PLAYERS as usize).unwrap();
        for of in &of {
            let ratings = |side: usize| -> Vec<_> {
                let players = of.sides().nth(side).unwrap();
                players.iter().map(|p| states[*p as usize]).map(|s| system.at(s.rating, s.rated_at, of.at)).collect()
            };
            let home = of.home.filter(|home| *home < 2);
            let wanted = system.expected_pair(&ratings(0), &ratings(1), home);
            prop_assert_eq!(one_by_one.predict(&of.fixture(), 0, 1).unwrap(), wanted);
            let drawn = one_by_one.predict_draw(&of.fixture()).unwrap();
            let may_draw = matches!(system, System::TrueSkill(_) | System::WengLin(_));
            prop_assert!(may_draw || drawn.is_none());
            if let Some(drawn) = drawn {
                // Half of the draws is part of both expectations.
                let (one, other) = (wanted.get(), 1.0 - wanted.get());
                prop_assert!(0.5 * drawn.get() <= one.min(other) + 1e-9, "{system:?} {drawn:?} {wanted:?}");
            }
            let wanted = follow(&system, &mut states, of);
            prop_assert_eq!(one_by_one.apply(&of.fixture()).unwrap(), wanted);
        }
        let mut silent = Ladder::new(&system, PLAYERS as usize).unwrap();
        for of in &of {
            silent.settle(&of.fixture()).unwrap();
        }
        let mut at_once = Ladder::new(&system, PLAYERS as usize).unwrap();
        prop_assert_eq!(at_once.settle_all(of.iter().map(|of| Ok(of.fixture()))), Ok(of.len()));
        for player in 0..PLAYERS {
            prop_assert_eq!(one_by_one.rating(player), Some(states[player as usize].rating));
            prop_assert_eq!(silent.rating(player), Some(states[player as usize].rating));
            prop_assert_eq!(at_once.rating(player), Some(states[player as usize].rating));
        }
    }
}

/// Everybody once, at one moment: duels of two and of four, in an order by chance.
fn rounds() -> impl Strategy<Value = (Vec<Match>, Vec<usize>)> {
    let players = Just((0..PLAYERS).collect::<Vec<_>>()).prop_shuffle();
    let places = prop::collection::vec((1_u32..3, 1_u32..3, -9.0..9.0), 4);
    (players, places, any::<u32>(), Just(vec![0, 1, 2, 3]).prop_shuffle()).prop_map(
        |(players, places, at, order)| {
            let (ones, twos) = players.split_at(4);
            let players = ones.chunks(2).chain(twos.chunks(4));
            let round = players.zip(places).map(|(players, (first, second, score))| Match {
                at: Timestamp::from_millis(i64::from(at) * 1_000),
                players: players.to_vec(),
                ends: vec![players.len() as u32 / 2, players.len() as u32],
                places: vec![first, second],
                scores: vec![score, -score],
                home: None,
            });
            (round.collect(), order)
        },
    )
}

proptest! {
    /// Where nobody plays twice at one moment, the order in which its matches come moves no bit of anybody.
    #[test]
    fn matches_of_one_moment_may_come_in_any_order(
        system in select([systems(), vec![serde_json::from_str(r#"{"system":"kalman"}"#).unwrap()]].concat()),
        past in matches(),
        (round, order) in rounds(),
    ) {
        let after = |round: Vec<&Match>| {
            let mut states = vec![RatedState::new(system.initial()); PLAYERS as usize];
            past.iter().chain(round).for_each(|of| drop(follow(&system, &mut states, of)));
            states
        };
        let moved = order.iter().map(|nth| &round[*nth]).collect();
        prop_assert_eq!(after(round.iter().collect()), after(moved));
    }
}

#[test]
fn a_player_without_seat_stops_the_history_where_it_is() {
    let mut ladder = Ladder::new(&System::default(), 3).unwrap();
    let fixture = |players| Fixture::new(Timestamp::EPOCH, players, &[1, 2], &[1, 2]).unwrap();
    let history = [fixture(&[0, 1]), fixture(&[2, 3]), fixture(&[0, 2])];
    let error = RatingError::NoSuchPlayer { player: 3, players: 3 };
    assert_eq!(ladder.settle_all(history.map(Ok)), Err((1, error)));
    let broken = [Ok(fixture(&[0, 1])), Err(RatingError::EmptySide { side: 1 }), Ok(fixture(&[0, 2]))];
    let mut other = Ladder::new(&System::default(), 3).unwrap();
    assert_eq!(other.settle_all(broken), Err((1, RatingError::EmptySide { side: 1 })));
    let new = System::default().initial();
    assert_eq!(other.rating(2), Some(new));
    let are_new = [0, 1, 2, 3].map(|player| ladder.rating(player).map(|rating| rating == new));
    assert_eq!(are_new, [Some(false), Some(false), Some(true), None]);
    assert_eq!(ladder.predict(&history[1], 0, 1), Err(error));
    assert!(matches!(ladder.predict(&history[0], 0, 2), Err(RatingError::NoSuchSide { home: 2, sides: 2 })));
}
