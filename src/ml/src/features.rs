use crate::MlError;
use crate::experts::EXPERTS;
use crate::numeric::ln_1p;
use crate::premade::Premade;
use crate::sheet::Sheet;
use gsm_rating::Lead;

/// How many features a match has.
pub const FEATURES: usize = 32;

/// Their names, in order. Each is of the first side less that of the second, so that exchanging the sides turns all
/// signs; `docs/prediction.md` says what they mean.
pub const NAMES: [&str; FEATURES] = [
    "base",
    "fast",
    "win_loss",
    "glicko",
    "elo",
    "base_green",
    "base_unsure",
    "base_bounded",
    "base_experienced",
    "base_rested",
    "base_volatile",
    "experience",
    "experience_squared",
    "most_experience",
    "known",
    "tenure",
    "rest_squared",
    "form",
    "weeks",
    "months",
    "win_rate",
    "margin",
    "opponents",
    "opponents_fast",
    "opponents_max",
    "opponents_now",
    "momentum",
    "variant_experience",
    "together",
    "lineup",
    "head_to_head",
    "side",
];

/// How many numbers are kept of what does take sides: the features, and how much more of the first side came together.
pub const SEEN: usize = FEATURES + 1;

/// What a prediction is made of: every feature, what is peculiar to the variant played, what trees add, and what it is worth
/// that a side came together. Predictions that were stored have them by place.
#[expect(clippy::indexing_slicing, reason = "what is out of range here does not compile")]
pub const PARTS: [&str; FEATURES + 3] = {
    let mut parts = ["variant"; FEATURES + 3];
    let mut at = 0;
    while at < FEATURES {
        parts[at] = NAMES[at];
        at += 1;
    }
    parts[FEATURES + 1] = "trees";
    parts[FEATURES + 2] = PREMADE;
    parts
};

/// The name of what the first weights of all games know nothing of: it has a weight of its own above the others.
pub(crate) const PREMADE: &str = "premade";

/// What a model looks at in a match of two sides, before it is played.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Features {
    values: [f64; FEATURES],
    /// How much more of the first side came together.
    premade: f64,
    context: Context,
}

/// What does not take sides.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Context {
    pub(crate) variant: Option<u16>,
    /// The variance of the lead that is believed in.
    pub(crate) variance: f64,
    /// How often both sides drew.
    pub(crate) draw_rate: f64,
}

impl Features {
    /// Refuses numbers that are not finite.
    pub(crate) fn new(values: [f64; FEATURES], premade: f64, context: Context) -> Result<Self, MlError> {
        let bad = values.iter().zip(NAMES).find(|(value, _)| !value.is_finite());
        match bad {
            Some((_, name)) => Err(MlError::NotFinite { name }),
            None if !premade.is_finite() => Err(MlError::NotFinite { name: PREMADE }),
            None if !context.variance.is_finite() => Err(MlError::NotFinite { name: "variance" }),
            None => Ok(Self { values, premade, context }),
        }
    }

    /// One number each of [`NAMES`].
    #[must_use]
    pub const fn values(&self) -> &[f64; FEATURES] {
        &self.values
    }

    /// How much more of the first side came together, `-1.0..=1.0`: the difference of both sides' [`Premade`].
    #[must_use]
    pub const fn premade(&self) -> f64 {
        self.premade
    }

    /// All that takes sides, as it is kept: [`Features::values`], and [`Features::premade`] behind them.
    #[must_use]
    pub fn seen(&self) -> [f64; SEEN] {
        let mut seen = [self.premade; SEEN];
        for (slot, value) in seen.iter_mut().zip(self.values) {
            *slot = value;
        }
        seen
    }

    /// The same features again, from what was kept of them: [`Features::seen`], the variant, and
    /// [`Features::context`].
    ///
    /// # Errors
    /// A number that is not finite.
    pub fn restore(
        seen: [f64; SEEN],
        variant: Option<u16>,
        [variance, draw_rate]: [f64; 2],
    ) -> Result<Self, MlError> {
        if !draw_rate.is_finite() {
            return Err(MlError::NotFinite { name: "draw_rate" });
        }
        let [values @ .., premade] = seen;
        Self::new(values, premade, Context { variant, variance, draw_rate })
    }

    /// What does not take sides: the variance of the lead in skill, and how often both sides drew.
    #[must_use]
    pub const fn context(&self) -> [f64; 2] {
        [self.context.variance, self.context.draw_rate]
    }

    /// The variant played.
    #[must_use]
    pub const fn variant(&self) -> Option<u16> {
        self.context.variant
    }

    /// The variance of the difference in skill, in natural units squared.
    pub(crate) const fn variance(&self) -> f64 {
        self.context.variance
    }

    pub(crate) const fn draw_rate(&self) -> f64 {
        self.context.draw_rate
    }

    /// The base expert's logit.
    pub(crate) const fn base(&self) -> f64 {
        self.values[0]
    }
}

/// What two sides have with each other.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Encounter {
    pub(crate) head_to_head: f64,
    /// 1 when the first is at home, -1 when the second is, else 0.
    pub(crate) side: f64,
    pub(crate) premade: [Premade; 2],
    pub(crate) variant: Option<u16>,
}

/// The features of side `a` against side `b`; factors bring each to a spread of about one.
pub(crate) fn features(
    leads: &[Lead; EXPERTS],
    a: &Sheet,
    b: &Sheet,
    with: Encounter,
) -> Result<Features, MlError> {
    let [base, fast, win_loss, glicko, elo] = leads.map(|lead| lead.logit);
    let variance = leads[0].variance;
    let (one, other) = (&a.traits, &b.traits);
    let least = a.games_min.min(b.games_min);
    let squares = |a: f64, b: f64| a * a - b * b;
    let values = [
        base,
        2.0 * (fast - base),
        2.0 * (win_loss - base),
        glicko - base,
        elo - base,
        base / (1.0 + least / 5.0),
        base * variance.min(4.0),
        libm::tanh(base),
        0.3 * base * ln_1p(least),
        0.3 * base * (one.rest + other.rest),
        base * (one.volatility + other.volatility),
        0.7 * (one.experience - other.experience),
        0.06 * squares(one.experience, other.experience),
        0.7 * (a.most_experience - b.most_experience),
        1.5 * (one.known - other.known),
        0.4 * (one.tenure - other.tenure),
        0.3 * squares(one.rest, other.rest),
        0.4 * (one.form - other.form),
        one.weeks - other.weeks,
        0.7 * (one.months - other.months),
        5.0 * (one.win_rate - other.win_rate),
        1.5 * (one.margin - other.margin),
        one.opponents - other.opponents,
        one.opponents_fast - other.opponents_fast,
        one.opponents_max - other.opponents_max,
        one.opponents_now - other.opponents_now,
        2.0 * (one.momentum - other.momentum),
        0.7 * (one.variant_experience - other.variant_experience),
        0.5 * (a.together - b.together),
        2.0 * (a.lineup - b.lineup),
        4.0 * with.head_to_head,
        with.side,
    ];
    let draw_rate = 0.5 * (one.draw_rate + other.draw_rate);
    let [premade, against] = with.premade.map(Premade::get);
    Features::new(values, premade - against, Context { variant: with.variant, variance, draw_rate })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_finite_is_refused_by_name() {
        let mut values = [0.0; FEATURES];
        assert!(Features::new(values, 0.0, Context::default()).is_ok());
        values[4] = f64::NAN;
        assert_eq!(Features::new(values, 0.0, Context::default()), Err(MlError::NotFinite { name: "elo" }));
        values[4] = f64::NEG_INFINITY;
        assert_eq!(Features::new(values, 0.0, Context::default()), Err(MlError::NotFinite { name: "elo" }));
        let context = Context { variance: f64::NAN, ..Context::default() };
        assert_eq!(
            Features::new([0.0; FEATURES], 0.0, context),
            Err(MlError::NotFinite { name: "variance" })
        );
        let premade = Features::new([0.0; FEATURES], f64::NAN, Context::default());
        assert_eq!(premade, Err(MlError::NotFinite { name: "premade" }));
        let restored = |context| Features::restore([0.0; SEEN], None, context);
        assert_eq!(restored([1.0, f64::NAN]), Err(MlError::NotFinite { name: "draw_rate" }));
        assert_eq!(restored([1.0, 0.25]).unwrap().context(), [1.0, 0.25]);
        let seen = std::array::from_fn(|place| place as f64);
        let features = Features::restore(seen, None, [1.0, 0.25]).unwrap();
        assert_eq!((features.seen(), features.premade()), (seen, FEATURES as f64));
    }
}
