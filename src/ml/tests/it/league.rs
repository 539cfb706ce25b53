//! Matches made by a small generator: players of fixed skill, teams by chance.
use gsm_core::Timestamp;
use gsm_ml::{Features, Meeting, Model, Outcome, Premade};
use gsm_rating::history::{History, Lineup};

/// Numbers by chance, the same for the same seed (xorshift).
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % n
    }
    pub(crate) fn unit(&mut self) -> f64 {
        self.below(1 << 40) as f64 / (1_u64 << 40) as f64
    }
}

/// A match of the league.
#[derive(Clone, Debug)]
pub(crate) struct Match {
    pub(crate) at: Timestamp,
    pub(crate) variant: Option<u16>,
    pub(crate) home: Option<usize>,
    pub(crate) sides: [Vec<u32>; 2],
    pub(crate) outcome: Outcome,
}

impl Match {
    pub(crate) fn meeting(&self) -> Meeting<'_> {
        let Self { at, variant, home, sides: [one, other], .. } = self;
        let premade = self.sides.each_ref().map(|side| Premade::of(sizes(side)));
        Meeting { variant: *variant, home: *home, premade, ..Meeting::new(*at, one, other) }
    }
}

/// How many came together with each player of a side: all of it, or nobody.
fn sizes(side: &[u32]) -> Vec<u32> {
    let together = side.iter().sum::<u32>() % 3 == 0;
    vec![if together { side.len() as u32 } else { 1 }; side.len()]
}

/// Of 40 players, the higher the number the stronger; with scores, draws, three variants, a home side and parties.
pub(crate) fn league(seed: u64, size: usize, matches: usize) -> Vec<Match> {
    let mut chance = Chance::new(seed);
    let mut at = -1_000_000_000_000_i64;
    (0..matches)
        .map(|_| {
            let mut players: Vec<u32> = (0..40).collect();
            for i in 0..2 * size {
                let j = i + chance.below((40 - i) as u64) as usize;
                players.swap(i, j);
            }
            let sides = [players[..size].to_vec(), players[size..2 * size].to_vec()];
            let skill = |side: &[u32]| side.iter().map(|p| f64::from(*p)).sum::<f64>() / size as f64 / 8.0;
            let lead = skill(&sides[0]) - skill(&sides[1]) + 0.4;
            let score = |lead: f64, chance: &mut Chance| {
                let p = 1.0 / (1.0 + (-lead).exp());
                (0..5).filter(|_| chance.unit() < p).count() as f64
            };
            let scores = [score(lead, &mut chance), score(-lead, &mut chance)];
            let places = if scores[0] > scores[1] {
                [1, 2]
            } else if scores[0] < scores[1] {
                [2, 1]
            } else {
                [1, 1]
            };
            at += chance.below(86_400_000) as i64;
            let variant = Some(chance.below(3) as u16);
            let outcome = Outcome { places, scores: scores.map(Some) };
            Match { at: Timestamp::from_millis(at), variant, home: Some(0), sides, outcome }
        })
        .collect()
}

/// The same as a history.
pub(crate) fn history(matches: &[Match]) -> History {
    let mut history = History::new(vec!["clay".to_owned(), "grass".to_owned(), "hard".to_owned()]);
    for of in matches {
        let sides = of.sides.iter().zip(of.outcome.places).zip(of.outcome.scores);
        let sides = sides.map(|((players, place), score)| Lineup { place, score, players });
        history.push(of.at, of.variant.unwrap(), sides);
        history.came_together(&of.sides.iter().flat_map(|side| sizes(side)).collect::<Vec<_>>());
    }
    history
}

/// A model that has learnt from matches, one after another.
pub(crate) fn taught(matches: &[Match]) -> Model {
    let mut model = Model::new();
    for of in matches {
        let features = model.features(&of.meeting()).unwrap();
        model.learn(&of.meeting(), &features, &of.outcome).unwrap();
    }
    model
}

/// The mean log loss of predictions made by `predict` before each match is learnt from.
pub(crate) fn log_loss(matches: &[Match], from: usize, predict: impl Fn(&Model, &Features) -> f64) -> f64 {
    let mut model = Model::new();
    let mut sum = 0.0;
    for (nth, of) in matches.iter().enumerate() {
        let features = model.features(&of.meeting()).unwrap();
        let (p, y) = (predict(&model, &features), [0.0, 0.5, 1.0][place_score(&of.outcome)]);
        if nth >= from {
            sum -= y * p.ln() + (1.0 - y) * (1.0 - p).ln();
        }
        model.learn(&of.meeting(), &features, &of.outcome).unwrap();
    }
    sum / (matches.len() - from) as f64
}

fn place_score(outcome: &Outcome) -> usize {
    match outcome.places[0].cmp(&outcome.places[1]) {
        std::cmp::Ordering::Less => 2,
        std::cmp::Ordering::Equal => 1,
        std::cmp::Ordering::Greater => 0,
    }
}
