//! Options and itemised gains: what holds for any match, and examples by hand.
mod examples;
mod props;

use gsm_rating::explained::{Adjusted, Person, Rated, Recent, Why, rate, why};
use gsm_rating::options::Options;
use gsm_rating::{Entrant, Game, KalmanSettings, Learnt, Scratch, Side, System};

/// A match with all that the options ask: sides of (player, who it is).
#[derive(Clone, Debug)]
struct Match {
    sides: Vec<Lineup>,
    home: Option<usize>,
    learnt: Option<Learnt>,
}

#[derive(Clone, Debug)]
struct Lineup {
    place: u32,
    score: Option<f64>,
    players: Vec<(Entrant, Known)>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Known {
    id: u32,
    party: u32,
    recent: Recent,
}

impl Match {
    fn new(sides: Vec<Lineup>) -> Self {
        Self { sides, home: None, learnt: None }
    }

    fn people(&self) -> Vec<Person<'_>> {
        let known = self.sides.iter().flat_map(|side| &side.players);
        known.map(|(_, of)| Person { id: of.id, party: of.party, recent: &of.recent }).collect()
    }

    fn entrants(&self) -> Vec<Vec<Entrant>> {
        self.sides.iter().map(|side| side.players.iter().map(|(entrant, _)| *entrant).collect()).collect()
    }

    /// Something done with the match as the crate takes it.
    fn with<T>(&self, run: impl FnOnce(&Game<'_>) -> T) -> T {
        let entrants = self.entrants();
        let side = |(of, players): (&Lineup, _)| Side { score: of.score, ..Side::new(of.place, players) };
        let sides: Vec<Side<'_>> =
            self.sides.iter().zip(entrants.iter().map(Vec::as_slice)).map(side).collect();
        run(&Game { sides: &sides, home: self.home, learnt: self.learnt.as_ref() })
    }

    fn rate(&self, system: &System, options: &Options) -> Vec<Rated> {
        self.with(|game| rate(system, options, game, &self.people(), &mut Scratch::new()).unwrap())
    }

    fn why(&self, system: &System, rated: &[Rated]) -> Vec<Why> {
        let adjusted: Vec<Adjusted> = rated.iter().map(|rated| rated.adjusted).collect();
        self.with(|game| why(system, game, &adjusted).unwrap())
    }

    /// The players after the match.
    fn played(&mut self, rated: &[Rated]) {
        let players = self.sides.iter_mut().flat_map(|side| &mut side.players);
        for ((entrant, known), rated) in players.zip(rated) {
            entrant.rating = rated.change.after;
            entrant.games += 1;
            entrant.offset = rated.change.offset;
            known.recent = rated.recent.clone();
        }
    }
}

fn alone(id: u32) -> Known {
    Known { id, party: 1, recent: Recent::default() }
}

fn lineup(place: u32, players: Vec<(Entrant, Known)>) -> Lineup {
    Lineup { place, score: None, players }
}

/// What the project's own system knows after a season of goals, where newcomers mostly lost.
fn season(settings: &KalmanSettings) -> Learnt {
    let system = System::Kalman(settings.clone());
    let (mut learnt, mut scratch, mut out) = (Learnt::new(settings), Scratch::new(), Vec::new());
    for nth in 0..400_u32 {
        let known = gsm_rating::Rating { mean: 1600.0, deviation: 60.0, volatility: 0.1 };
        let (a, b) = ([Entrant::new(known)], [Entrant::new(system.initial())]);
        let wins = nth % 5 > 0;
        let goals = f64::from(nth % 3 + 1);
        let sides = [
            Side { score: Some(if wins { goals } else { 0.0 }), ..Side::new(if wins { 1 } else { 2 }, &a) },
            Side { score: Some(if wins { 0.0 } else { 1.0 }), ..Side::new(if wins { 2 } else { 1 }, &b) },
        ];
        let game = Game { learnt: Some(&learnt), ..Game::new(&sides) };
        system.update_into(&game, &mut scratch, &mut out).unwrap();
        system.learn(&mut learnt, &scratch);
    }
    learnt
}
