use crate::MlError;
use crate::closeness::{Leads, as_expected};
use crate::company::Company;
use crate::draws::Draws;
use crate::experts::{Experts, Finished, Rated, Setting};
use crate::features::{Encounter, Features, PARTS, features};
use crate::margin::Margins;
use crate::meeting::{Meeting, Outcome};
use crate::motion::Motion;
use crate::numeric::logistic;
use crate::prediction::{Contribution, Prediction};
use crate::premade::PremadeWeight;
use crate::prior;
use crate::record::{Played, Record, Seen};
use crate::sheet::Known;
use crate::stack::{MEMBERS, Stack};
use crate::trees::{Forest, Trees};
use crate::variants::{Refinement, Variants};
use gsm_core::{Timestamp, prefetch};
use std::sync::Arc;

/// A model has numbers for so many players.
pub const PLAYERS_MAX: u32 = 1 << 28;
/// Standard errors of an interval that holds 95 times out of 100.
const ERRORS: f64 = 1.959_963_984_540_054;

/// Who predicts: the model, and beside it each of the regressions that it mixes, alone.
pub const CONTENDERS: [&str; MEMBERS + 1] = ["gsm", "learner", "first_weights", "base"];

/// All that has been learnt from the matches of one mode.
#[derive(Clone, Debug)]
pub struct Model {
    pub(crate) experts: Experts,
    pub(crate) records: Vec<Record>,
    pub(crate) variants: Variants,
    pub(crate) company: Company,
    pub(crate) stack: Stack,
    pub(crate) refinement: Refinement,
    pub(crate) draws: Draws,
    pub(crate) margins: Margins,
    /// How small leads are at which odds.
    pub(crate) leads: Leads,
    pub(crate) field: Stack,
    /// What parties are worth above the regressions: of two sides, and of pairs of more.
    pub(crate) premade: PremadeWeight,
    pub(crate) field_premade: PremadeWeight,
    /// How much faster skill moves than the base takes it to, in matches of two sides.
    pub(crate) motion: Motion,
    /// What is above the regressions, of matches of two sides.
    pub(crate) trees: Option<Trees>,
    /// Whether the regressions stay as they are, while players are learnt.
    pub(crate) held: bool,
    pub(crate) rated: Rated,
    pub(crate) seen: Vec<Seen>,
}

impl Default for Model {
    fn default() -> Self {
        Self::new()
    }
}

impl Model {
    /// Before the first match.
    #[must_use]
    pub fn new() -> Self {
        Self::forgetting(prior::FORGETTING)
    }

    /// Before the first match; a match adds this share of their first variance to the weights. What [`Model::new`] takes is
    /// right for most games; more where a game changes often. Out of `0.0..=0.1` counts as the nearest within.
    #[must_use]
    pub fn forgetting(forgetting: f64) -> Self {
        let forgetting = if forgetting.is_nan() { prior::FORGETTING } else { forgetting.clamp(0.0, 0.1) };
        Self {
            experts: Experts::new(),
            records: Vec::new(),
            variants: Variants::default(),
            company: Company::default(),
            stack: Stack::new(&prior::TWO_SIDES, forgetting),
            refinement: Refinement::new(),
            draws: Draws::new(),
            margins: Margins::new(),
            leads: Leads::new(),
            field: Stack::new(&prior::FIELD, forgetting),
            premade: PremadeWeight::new(),
            field_premade: PremadeWeight::new(),
            motion: Motion::new(),
            trees: None,
            held: false,
            rated: Rated::default(),
            seen: Vec::new(),
        }
    }

    /// A model with these weights that knows no player and has seen no match: they are learnt anew, in another league or
    /// under other numbers.
    #[must_use]
    pub fn without_players(&self) -> Self {
        let Self {
            stack,
            refinement,
            draws,
            margins,
            leads,
            field,
            premade,
            field_premade,
            motion,
            trees,
            ..
        } = self;
        Self {
            stack: stack.clone(),
            refinement: refinement.clone(),
            draws: draws.clone(),
            margins: *margins,
            leads: leads.clone(),
            field: field.clone(),
            premade: premade.clone(),
            field_premade: field_premade.clone(),
            motion: *motion,
            trees: trees.clone(),
            ..Self::new()
        }
    }

    /// While it is held, a model learns of players and keeps its weights: who learns matches again that the weights have
    /// seen would count them twice.
    pub fn hold(&mut self, held: bool) {
        self.held = held;
    }

    pub(crate) fn known(&self) -> Known<'_> {
        let Self { experts, records, variants, company, .. } = self;
        Known { experts, records, variants, company }
    }

    /// How many matches of a player the model has learnt from.
    #[must_use]
    pub fn games(&self, player: u32) -> u32 {
        self.records.get(player as usize).map_or(0, |record| record.games)
    }

    /// Brings what is known of players nearer, before they are asked about: nothing but time is won. O(players).
    pub(crate) fn prefetch(&self, players: impl Iterator<Item = u32>) {
        for player in players {
            self.experts.prefetch(player);
            self.records.get(player as usize).into_iter().for_each(prefetch);
        }
    }

    /// Looks up when the players of a match were last seen.
    pub(crate) fn look(&mut self, players: impl Iterator<Item = u32>) {
        let Self { records, seen, .. } = self;
        seen.clear();
        seen.extend(players.map(|player| records.get(player as usize).map(Record::seen).unwrap_or_default()));
    }

    /// Makes room for the players of a match.
    pub(crate) fn seat(&mut self, players: impl Iterator<Item = u32>) {
        let wanted = players.max().map_or(0, |most| most as usize + 1);
        self.experts.seat(wanted);
        if self.records.len() < wanted {
            self.records.resize(wanted, Record::default());
        }
    }

    /// What the model looks at in a match, from all that counted so far. O(players). (Exclusive for the memory that it works
    /// in: nothing is learnt.)
    ///
    /// # Errors
    /// An empty side, a home side that is none, a player's number out of range.
    pub fn features(&mut self, meeting: &Meeting<'_>) -> Result<Features, MlError> {
        meeting.check(PLAYERS_MAX)?;
        self.look(meeting.players());
        let mut rated = std::mem::take(&mut self.rated);
        let setting = setting(meeting);
        self.experts.see(meeting.sides.into_iter(), &self.seen, setting, &self.variants, &mut rated);
        let leads = self.experts.leads(&rated, 0, 1, meeting.home);
        self.rated = rated;
        let known = self.known();
        let [one, other] = meeting.sides;
        // Not by `map`: sheets are large, and would be moved twice.
        let one = known.sheet(one, meeting.at, meeting.variant);
        let other = known.sheet(other, meeting.at, meeting.variant);
        let with = Encounter {
            head_to_head: self.company.head_to_head(meeting.sides),
            side: meeting.side(),
            premade: meeting.premade,
            variant: meeting.variant,
        };
        features(&leads, &one, &other, with)
    }

    /// How strong a player is, as a logit: what the model expects of a duel with a newcomer of whom it is as sure. The
    /// difference of two is about the logit of their duel, that of two sides' means about the logit of their match: who
    /// looks at many ways to play compares these numbers in place of predicting each. O(features).
    ///
    /// # Errors
    /// A player's number out of range.
    pub fn strength(&mut self, player: u32, at: Timestamp, variant: Option<u16>) -> Result<f64, MlError> {
        const NEWCOMER: u32 = PLAYERS_MAX - 1;
        let (one, other) = ([player], [NEWCOMER]);
        let meeting = Meeting { variant, ..Meeting::new(at, &one, &other) };
        meeting.check(PLAYERS_MAX)?;
        self.look(meeting.players());
        let mut rated = std::mem::take(&mut self.rated);
        self.experts.see(
            meeting.sides.into_iter(),
            &self.seen,
            setting(&meeting),
            &self.variants,
            &mut rated,
        );
        let leads = self.experts.leads(&rated, 0, 1, None);
        self.rated = rated;
        let known = self.known();
        let [own, mut newcomer] = meeting.sides.map(|side| known.sheet(side, at, variant));
        newcomer.games_min = own.games_min;
        let of = features(&leads, &own, &newcomer, Encounter { variant, ..Encounter::default() })?;
        Ok(self.plain(&of))
    }

    /// The logit of the regressions.
    pub(crate) fn plain(&self, of: &Features) -> f64 {
        self.joined(self.stacked(of), of)
    }

    fn joined(&self, [logit, varied]: [f64; 2], of: &Features) -> f64 {
        logit + varied + self.premade.extra(of.premade())
    }

    /// The logit of the features, and what the variant adds to it.
    pub(crate) fn stacked(&self, of: &Features) -> [f64; 2] {
        let logit = self.stack.logit(of.values());
        [logit, self.refinement.extra(logit, of)]
    }

    /// With what the trees add.
    fn logit(&self, of: &Features) -> f64 {
        let plain = self.plain(of);
        plain + self.trees_extra(plain, of)
    }

    fn trees_extra(&self, plain: f64, of: &Features) -> f64 {
        self.trees.as_ref().map_or(0.0, |trees| trees.extra(plain, of))
    }

    /// Puts trees above the regressions, in place of those that were there. How far they are believed is learnt from
    /// matches.
    pub(crate) fn plant(&mut self, forest: Arc<Forest>) {
        match &mut self.trees {
            Some(trees) => trees.replant(forest),
            None => self.trees = Some(Trees::new(forest)),
        }
    }

    /// How many trees are above the regressions.
    #[must_use]
    pub fn trees(&self) -> usize {
        self.trees.as_ref().map_or(0, |trees| trees.forest().len())
    }

    /// The chances of a match. O(features²) for the interval.
    #[must_use]
    pub fn predict(&self, of: &Features) -> Prediction {
        let logit = self.logit(of);
        let (expected, against) = (logistic(logit), logistic(-logit));
        let draw = self.draws.chance(logit, of.draw_rate());
        let of_weights = self.stack.variance(of.values()) + self.premade.variance(of.premade());
        let of_lead = of.variance() + self.motion.excess();
        let reach = ERRORS * (of_weights + of_lead).sqrt();
        let margin = self.margins.expected(logit);
        Prediction {
            win: expected - draw / 2.0,
            draw,
            loss: against - draw / 2.0,
            expected,
            logit,
            low: logistic(logit - reach),
            high: logistic(logit + reach),
            margin,
            quality: self.quality_of(logit),
        }
    }

    /// The expected score of the first side and the chance of a draw: what [`Model::predict`] says of them, without the
    /// rest.
    #[must_use]
    pub fn chances(&self, of: &Features) -> (f64, f64) {
        let (logit, draw) = self.odds(of);
        (logistic(logit), draw)
    }

    /// The same, of the logit.
    pub(crate) fn odds(&self, of: &Features) -> (f64, f64) {
        let logit = self.logit(of);
        (logit, self.draws.chance(logit, of.draw_rate()))
    }

    /// How close a match at these odds is to be.
    pub(crate) fn quality_of(&self, logit: f64) -> f64 {
        let even = 2.0 * logistic(-logit.abs());
        if self.margins.are_known() { (even + self.leads.closeness(logit)) / 2.0 } else { even }
    }

    /// How close a result was beside results of equals, which have 1 on the mean ([`Prediction::quality`]); `expected` is the score
    /// of the first side that was expected. None of what says nothing: without scores, where others have them.
    #[must_use]
    pub fn closeness(&self, expected: f64, outcome: &Outcome) -> Option<f64> {
        let upset = 1.0 - as_expected([expected, 1.0 - expected], outcome.places);
        if !self.margins.are_known() {
            return Some(upset);
        }
        let small = Leads::smallness(outcome.margin()?, self.margins.usual());
        Some((upset + small / self.leads.of_equals()) / 2.0)
    }

    /// The expected score of the first side by each of [`CONTENDERS`].
    #[must_use]
    pub fn contenders(&self, of: &Features) -> [f64; CONTENDERS.len()] {
        let [learner, first, base] = self.stack.logits(of.values()).map(logistic);
        [logistic(self.logit(of)), learner, first, base]
    }

    /// What each feature adds to the logit of the prediction; the sum is that logit.
    #[must_use]
    pub fn explain(&self, of: &Features) -> [Contribution; PARTS.len()] {
        let weights = self.stack.weights();
        let [stacked, variant] = self.stacked(of);
        let premade = self.premade.extra(of.premade());
        let trees = self.trees_extra(stacked + variant + premade, of);
        let own = weights.iter().zip(of.values()).map(|(weight, value)| weight * value);
        let mut parts = PARTS.map(|name| Contribution { name, logit: 0.0 });
        for (part, logit) in parts.iter_mut().zip(own.chain([variant, trees, premade])) {
            part.logit = logit;
        }
        parts
    }

    /// Learns from a match. `of` are its features as they were when it was predicted: matches of one moment are all
    /// looked at before the first of them is learnt from. O(players + features²).
    ///
    /// # Errors
    /// As [`Model::features`], and a score that is not finite; nothing has changed then. A rating that comes out as no number,
    /// which stays what it was; experts before that one have learnt the match then.
    pub fn learn(&mut self, meeting: &Meeting<'_>, of: &Features, outcome: &Outcome) -> Result<(), MlError> {
        meeting.check(PLAYERS_MAX)?;
        outcome.check()?;
        // What matches since that moment did is no step of this one.
        let before = if !self.held && self.motion.is_due() { Some(self.features(meeting)?) } else { None };
        self.seat(meeting.players());
        self.look(meeting.players());
        let [one, other] = meeting.sides;
        let known = self.known();
        let levels = [known.level(one), known.level(other)];
        let ranked = [known.ranked(one), known.ranked(other)];
        let finished = [
            Finished { place: outcome.places[0], score: outcome.scores[0], players: one },
            Finished { place: outcome.places[1], score: outcome.scores[1], players: other },
        ];
        self.experts.rate(&finished, &self.seen, setting(meeting), &mut self.variants)?;

        let y = outcome.score();
        let before = before.map(|before| {
            let surprise = y - logistic(self.plain(&before));
            (before, surprise)
        });
        let stacked = self.stacked(of);
        let logit = self.joined(stacked, of);
        let margin = self.learn_weights(stacked, of, outcome);
        // Not by the trees: what is remembered of players does not hang on what was grown when.
        self.company.played(meeting.sides, y - logistic(logit));

        let surprise = y - logistic(of.base());
        let played = |score: f64, sign: f64, levels: [f64; 2]| Played {
            at: meeting.at,
            score,
            surprise: sign * surprise,
            margin: sign * margin,
            level: levels[0],
            opponents: levels[1],
            opponent: 0,
        };
        self.record(&ranked[0], &ranked[1], played(y, 1.0, levels));
        self.record(&ranked[1], &ranked[0], played(1.0 - y, -1.0, [levels[1], levels[0]]));
        if !self.held {
            self.motion.count();
        }
        if let Some((before, surprise)) = before {
            self.look_back(meeting, &before, surprise)?;
        }
        Ok(())
    }

    /// Looks at the same match again after it was learnt, by the same weights: how far the players' numbers moved it since
    /// `before`, which was right before that.
    fn look_back(&mut self, meeting: &Meeting<'_>, before: &Features, surprise: f64) -> Result<(), MlError> {
        let after = self.features(meeting)?;
        let step = self.plain(&after) - self.plain(before);
        self.motion.learn(step, surprise, before.variance());
        Ok(())
    }

    /// Moves the weights, unless they are held, and answers the margin in usual ones. `stacked` is [`Model::stacked`].
    pub(crate) fn learn_weights(&mut self, stacked: [f64; 2], of: &Features, outcome: &Outcome) -> f64 {
        if self.held {
            return self.margins.scaled(outcome);
        }
        let y = outcome.score();
        let plain = self.joined(stacked, of);
        let [stacked, varied] = stacked;
        let logit = plain + self.trees.as_mut().map_or(0.0, |trees| trees.learn(plain, of, y));
        self.draws.learn(logit, of.draw_rate(), y);
        self.refinement.learn(stacked, of, y);
        self.premade.learn(of.premade(), y, 1.0, stacked + varied);
        self.stack.learn(of.values(), y, 1.0);
        if let Some(margin) = outcome.margin().filter(|_| self.margins.are_known()) {
            self.leads.learn(logit, Leads::smallness(margin, self.margins.usual()));
        }
        self.margins.learn(logit, outcome)
    }

    /// Writes a match down for every player of a side. Both sides are ranked ([`Known::ranked`]), and each remembers the opponent
    /// at the other end, the strongest the weakest: like remembering like predicts worse.
    pub(crate) fn record(&mut self, players: &[u32], opponents: &[u32], of: Played) {
        for (player, opponent) in players.iter().zip(opponents.iter().rev().cycle()) {
            if let Some(record) = self.records.get_mut(*player as usize) {
                record.played(&Played { opponent: *opponent, ..of });
            }
        }
    }
}

const fn setting(meeting: &Meeting<'_>) -> Setting {
    Setting { at: meeting.at, variant: meeting.variant, home: meeting.home }
}
