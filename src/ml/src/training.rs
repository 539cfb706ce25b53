//! Training: which settings predict a history best, and how good that is on the matches that come last, beside those that
//! a model must beat.
use crate::file::{Compared, Figures, Metrics, ModelFile, Names, Window};
use crate::{Forecaster, Model, prior};
use gsm_rating::evaluation::{Contender, Evaluation, Scored, Unrated, Windows, advantages, evaluate_within};
use gsm_rating::{System, history::History};

/// What is tried where it is not said how much a model shall forget: hardly anything, what most games want, more.
const FORGETTINGS: [f64; 3] = [0.1 * prior::FORGETTING, prior::FORGETTING, 10.0 * prior::FORGETTING];

/// What to train on, and beside whom.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// The matches, in the order they were played.
    pub history: &'a History,
    /// The share of matches, from the end, by which the model is judged; each is predicted before it is learnt from.
    pub holdout: f64,
    /// How much the weights forget; none lets the matches before the holdout decide.
    pub forgetting: Option<f64>,
    /// So many trees are grown above the regressions, on the matches of two sides.
    pub trees: usize,
    /// Who must be beaten, and the hash of its file.
    pub champion: Option<(&'a ModelFile, &'a str)>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Trained {
    /// A model that has seen all matches.
    pub model: Model,
    /// How much its weights forget.
    pub forgetting: f64,
    /// How good it was on the holdout.
    pub metrics: Metrics,
    /// The matches.
    pub window: Window,
}

/// A model that went through a history.
#[derive(Clone, Debug)]
pub struct Judged {
    /// As it is after the last match.
    pub model: Model,
    /// Before and within the holdout.
    pub scored: Scored,
}

impl Plan<'_> {
    /// How often the history is gone through: matches times this is the work.
    #[must_use]
    pub fn passes(&self) -> usize {
        let models = if self.forgetting.is_some() { 1 } else { FORGETTINGS.len() };
        models + usize::from(self.grows()) + usize::from(self.champion.is_some()) + 1
    }

    fn grows(&self) -> bool {
        self.trees > 0 && (0..self.history.len()).any(|index| self.history.side_count(index) == 2)
    }

    /// Settings are chosen on the second half of what comes before the holdout, which has the nearest number of matches to its
    /// share: that of `m` among `n` has `m`.
    #[must_use]
    pub fn windows(&self) -> Windows {
        let n = self.history.len();
        let share = if self.holdout.is_finite() { self.holdout.clamp(0.0, 1.0) } else { 0.0 };
        let test = n - (n as f64 * share).round() as usize;
        Windows { tune: test / 2, test, end: n }
    }

    /// The names of variants and where the first side is at home, with these players.
    #[must_use]
    pub fn names(&self, players: Vec<String>) -> Names {
        let name = |variant| self.history.variant_name(u16::try_from(variant).unwrap_or(u16::MAX)).to_owned();
        let variants: Vec<String> = (0..self.history.variants()).map(name).collect();
        let mut home = advantages(self.history);
        home.resize(variants.len(), false);
        Names { variants, home, players }
    }

    fn window(&self) -> Option<Window> {
        let last = self.history.len().checked_sub(1)?;
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        Some(Window {
            from: self.history.at(0),
            to: self.history.at(last),
            matches: count(self.history.len()),
            players: count(self.history.seats()),
        })
    }
}

/// Trains on a plan's matches; none where there are none. `each` hears of every match of every pass.
///
/// # Errors
/// A match that cannot be learnt from.
pub fn train(plan: &Plan<'_>, mut each: impl FnMut()) -> Result<Option<Trained>, Unrated> {
    let Some(window) = plan.window() else { return Ok(None) };
    let (history, windows) = (plan.history, plan.windows());
    let tried = plan.forgetting.map_or(FORGETTINGS.to_vec(), |one| vec![one]);
    let mut best: Option<(f64, f64, Judged)> = None;
    for forgetting in tried {
        let judged = judge(Forecaster::with(Model::forgetting(forgetting), history, None), plan, &mut each)?;
        let loss = Figures::of(&judged.scored.tune.report()).map_or(f64::INFINITY, |of| of.log_loss);
        if best.as_ref().is_none_or(|(least, ..)| loss < *least) {
            best = Some((loss, forgetting, judged));
        }
    }
    let Some((_, forgetting, plain)) = best else { return Ok(None) };
    let own = |judged: &Judged| Figures::of(&judged.scored.test.report());
    let (judged, without_trees) = if plan.grows() {
        let forecaster = Forecaster::with(Model::forgetting(forgetting), history, None).growing(plan.trees);
        (judge(forecaster, plan, &mut each)?, own(&plain))
    } else {
        (plain, None)
    };
    let champion = match plan.champion {
        Some((champion, hash)) => compared(champion, hash, plan, &mut each)?,
        None => None,
    };
    let metrics = Metrics {
        from: (windows.test < windows.end).then(|| history.at(windows.test)),
        model: own(&judged),
        without_trees,
        rating: rating_alone(plan, &mut each)?,
        constant: constant(plan),
        champion,
    };
    Ok(Some(Trained { model: judged.model, forgetting, metrics, window }))
}

fn compared(
    champion: &ModelFile,
    hash: &str,
    plan: &Plan<'_>,
    each: &mut impl FnMut(),
) -> Result<Option<Compared>, Unrated> {
    let seen = champion.about.seen_to();
    let weights = champion.weights(&plan.names(Vec::new()).variants);
    let judged = judge(Forecaster::with(weights, plan.history, Some(seen)), plan, each)?;
    let test = plan.windows().test;
    let had_seen = test < plan.history.len() && plan.history.at(test) <= seen;
    let figures = Figures::of(&judged.scored.test.report());
    Ok(figures.map(|figures| Compared { hash: hash.to_owned(), had_seen, figures }))
}

/// Takes a forecaster through all matches of a plan, each predicted before it is learnt from.
///
/// # Errors
/// A match that cannot be learnt from.
pub fn judge(
    mut forecaster: Forecaster<'_>,
    plan: &Plan<'_>,
    mut each: impl FnMut(),
) -> Result<Judged, Unrated> {
    let scored = evaluate_within(&mut forecaster, plan.history, plan.windows(), &mut each)?;
    Ok(Judged { model: forecaster.into_model(), scored })
}

/// How good the project's rating system alone is on the holdout.
///
/// # Errors
/// A match that cannot be rated.
pub fn rating_alone(plan: &Plan<'_>, mut each: impl FnMut()) -> Result<Option<Figures>, Unrated> {
    let system = System::Kalman(gsm_rating::KalmanSettings::default());
    let mut contender = Contender::new(&system, plan.history);
    let scored = evaluate_within(&mut contender, plan.history, plan.windows(), &mut each)?;
    Ok(Figures::of(&scored.test.report()))
}

/// How good it is on the holdout always to say what the first side scored before on the mean; where matches have more sides,
/// that any pair is even.
#[must_use]
pub fn constant(plan: &Plan<'_>) -> Option<Figures> {
    let (history, windows) = (plan.history, plan.windows());
    let mut evaluation = Evaluation::new();
    if history.is_two_sided() {
        let sum: f64 = (0..windows.test).map(|index| history.outcome(index)).sum();
        let mean = if windows.test > 0 { sum / windows.test as f64 } else { 0.5 };
        (windows.test..windows.end).for_each(|index| evaluation.two_sides(mean, history.outcome(index)));
    } else {
        for index in windows.test..windows.end {
            let places: Vec<u32> = history.sides(index).map(|side| side.place).collect();
            let decided =
                |one: usize, place: &u32| places.iter().skip(one + 1).filter(|other| *other != place).count();
            let pairs: usize = places.iter().enumerate().map(|(one, place)| decided(one, place)).sum();
            evaluation.pairs(std::iter::repeat_n((0.5, 1.0), pairs));
        }
    }
    Figures::of(&evaluation.report())
}

/// A holdout of fewer matches proves nothing.
const MATCHES_MIN: u64 = 100;

/// Why a model is not better than those that it must beat.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Too few matches to tell.
    #[error(
        "it was judged by {matches} matches, at least {MATCHES_MIN} are needed; train it on more, or with a larger --holdout"
    )]
    TooFew {
        /// How many.
        matches: u64,
    },
    /// It was never compared with the champion.
    #[error("it was not compared with the champion of today ({champion}); train it again")]
    NotCompared {
        /// The champion's hash.
        champion: String,
    },
    /// It is not better by as much as is asked.
    #[error("its log loss is {own:.4}, {than} has {other:.4}: it must be lower by at least {margin}")]
    NotBetter {
        /// Than whom.
        than: &'static str,
        /// Its log loss.
        own: f64,
        /// The other's.
        other: f64,
        /// By how much it should be.
        margin: f64,
    },
}

/// Whether a model with these metrics is better than the baselines and than the champion whose hash is given, by `margin` of
/// log loss.
///
/// # Errors
/// Why not.
pub fn better(metrics: &Metrics, champion: Option<&str>, margin: f64) -> Result<(), Refusal> {
    let matches = metrics.model.map_or(0, |of| of.matches);
    let Some(own) = metrics.model.filter(|_| matches >= MATCHES_MIN) else {
        return Err(Refusal::TooFew { matches });
    };
    let compared = metrics.champion.as_ref().filter(|of| champion == Some(of.hash.as_str()));
    if let (Some(champion), None) = (champion, compared) {
        return Err(Refusal::NotCompared { champion: champion.to_owned() });
    }
    let others = [
        ("the rating system alone", metrics.rating),
        ("a constant chance", metrics.constant),
        ("the champion", compared.map(|of| of.figures)),
    ];
    for (than, other) in others {
        let Some(other) = other else { continue };
        // A loss that is no number is better than nothing.
        let is_better = own.log_loss <= other.log_loss - margin;
        if !is_better {
            let (own, other) = (own.log_loss, other.log_loss);
            return Err(Refusal::NotBetter { than, own, other, margin });
        }
    }
    Ok(())
}
