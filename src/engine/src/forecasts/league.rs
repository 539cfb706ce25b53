//! The model of one mode: who its players are by number, and how its predictions held up.
use super::live::{CONTENDERS, Live, Scored};
use super::shadow::{SavedShadow, Shadow};
use super::trained::{Beginning, TrainedModel};
use crate::store::{Forecast, Inside, LessonRow, Regions, Sparse, Spoke, Vector};
use gsm_core::{Map, PlayerId, Timestamp, Variant};
use gsm_ml::{
    About, Contribution, Entry, Features, FileError, Kept, Meeting, MlError, Model, ModelFile, Names,
    Outcome, PARTS, Portrait, Premade, upset,
};
use gsm_session::Roster;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};

/// The model by name: raised when a feature means something else, for then vectors that were stored mean nothing.
pub(crate) const MODEL: &str = "gsm-1";

/// A mode's model and all that goes with it.
#[derive(Clone, Default)]
pub(crate) struct League {
    model: Model,
    /// What it began with; none where with the first weights of all games.
    champion: Option<Arc<TrainedModel>>,
    shadows: Vec<Shadow>,
    players: Map<PlayerId, u32>,
    variants: BTreeMap<Variant, u16>,
    /// The commit of the last lesson, and how many there were.
    sequence: u64,
    learnt: u64,
    live: Live,
}

/// A league as it is saved.
#[derive(Serialize, Deserialize)]
pub(super) struct Saved {
    /// The players in the order of their numbers, and the variants.
    players: Vec<PlayerId>,
    variants: Vec<Variant>,
    sequence: u64,
    learnt: u64,
    live: Live,
    /// The hash of what it began with.
    champion: Option<String>,
    /// A model file.
    model: Vec<u8>,
    shadows: Vec<SavedShadow>,
}

/// A number for each player of a roster.
type Numbers = Vec<Vec<u32>>;

impl League {
    /// Before the first lesson.
    pub(super) fn begun(with: Beginning) -> Self {
        let Beginning { champion, challengers } = with;
        let model = champion.as_ref().map(|champion| champion.begun()).unwrap_or_default();
        let shadows = challengers.iter().map(Shadow::begun).collect();
        Self { model, champion, shadows, ..Self::default() }
    }

    /// The name of its model.
    pub(crate) fn name(&self) -> String {
        self.champion.as_ref().map_or_else(|| MODEL.to_owned(), |champion| champion.name())
    }

    /// The league as it is saved.
    ///
    /// # Errors
    /// A model that cannot be written.
    pub(super) fn saved(self) -> Result<Saved, FileError> {
        let mut players: Vec<(u32, PlayerId)> =
            self.players.into_iter().map(|(of, number)| (number, of)).collect();
        players.sort_unstable();
        let mut variants: Vec<(u16, Variant)> =
            self.variants.into_iter().map(|(of, number)| (number, of)).collect();
        variants.sort_unstable();
        // Who is who is told beside the file.
        let names = Names { players: vec![String::new(); players.len()], ..Names::default() };
        let about = About::new(MODEL, "", Timestamp::EPOCH, "");
        let model = ModelFile { about, names, model: self.model }.to_bytes(Kept::All)?;
        Ok(Saved {
            players: players.into_iter().map(|(_, of)| of).collect(),
            variants: variants.into_iter().map(|(_, of)| of).collect(),
            sequence: self.sequence,
            learnt: self.learnt,
            live: self.live,
            champion: self.champion.map(|champion| champion.hash().to_owned()),
            model,
            shadows: self.shadows.into_iter().map(Shadow::saved).collect::<Result<_, _>>()?,
        })
    }

    /// The league that was saved; none where it began with another model than it would `with`, or a challenger is new.
    ///
    /// # Errors
    /// A model that cannot be read.
    pub(super) fn restored(saved: Saved, with: Beginning) -> Result<Option<Self>, FileError> {
        let Beginning { champion, challengers } = with;
        if saved.champion.as_deref() != champion.as_ref().map(|champion| champion.hash()) {
            return Ok(None);
        }
        let Some(shadows) = Shadow::restored(saved.shadows, &challengers)? else { return Ok(None) };
        Ok(Some(Self {
            champion,
            shadows,
            model: ModelFile::read(&saved.model)?.model,
            players: saved.players.into_iter().zip(0..).collect(),
            variants: saved.variants.into_iter().zip(0..).collect(),
            sequence: saved.sequence,
            learnt: saved.learnt,
            live: saved.live,
        }))
    }

    /// A model file with this model, and who its players and variants are. Who is at home is told with each match here.
    pub(super) fn taught(self, file: ModelFile) -> ModelFile {
        let (mut players, mut variants) = (vec![String::new(); self.players.len()], Vec::new());
        for (player, number) in &self.players {
            if let Some(name) = players.get_mut(*number as usize) {
                *name = player.to_string();
            }
        }
        if !self.variants.is_empty() {
            // The last is that of matches without one: a file of a single variant has none.
            variants = vec![String::new(); self.variants.len() + 1];
        }
        for (variant, number) in &self.variants {
            if let Some(name) = variants.get_mut(usize::from(*number)) {
                variant.as_str().clone_into(name);
            }
        }
        let home = vec![false; variants.len()];
        let mut model = self.model;
        model.hold(false);
        ModelFile { names: Names { variants, home, players }, model, ..file }
    }

    pub(crate) fn sequence(&self) -> u64 {
        self.sequence
    }

    pub(crate) fn learnt(&self) -> u64 {
        self.learnt
    }

    pub(crate) fn players(&self) -> usize {
        self.players.len()
    }

    pub(crate) fn live(&self) -> &Live {
        &self.live
    }

    pub(super) fn shadows(&self) -> &[Shadow] {
        &self.shadows
    }

    /// How many matches of a player were learnt from; none of who is not known.
    pub(crate) fn games(&self, player: PlayerId) -> Option<u32> {
        self.players.get(&player).map(|number| self.model.games(*number))
    }

    /// What was learnt of a player; none of who has no match.
    pub(super) fn portrait(&self, player: PlayerId) -> Option<Portrait> {
        self.players.get(&player).and_then(|number| self.model.portrait(*number))
    }

    /// The players of a roster by number. Strangers have the numbers that come next, which say nothing yet.
    fn numbers(&self, roster: &Roster) -> Numbers {
        let mut next = self.next();
        let mut number = |player: &PlayerId| {
            self.players.get(player).copied().unwrap_or_else(|| {
                next = next.saturating_add(1);
                next - 1
            })
        };
        roster.sides().iter().map(|side| side.iter().map(&mut number).collect()).collect()
    }

    fn next(&self) -> u32 {
        u32::try_from(self.players.len()).unwrap_or(u32::MAX)
    }

    /// The same, with strangers made known.
    fn seated(&mut self, roster: &Roster) -> Numbers {
        let numbers = self.numbers(roster);
        for (player, number) in roster.players().zip(numbers.iter().flatten()) {
            self.players.insert(player, *number);
        }
        numbers
    }

    /// The number of a variant; one that was never played is none.
    fn variant(&self, variant: Option<&Variant>) -> Option<u16> {
        self.variants.get(variant?).copied()
    }

    /// The same, with one that was never played made known. Those beyond what there are numbers for are none.
    fn numbered(&mut self, variant: Option<&Variant>) -> Option<u16> {
        let name = variant?;
        if let Some(known) = self.variants.get(name) {
            return Some(*known);
        }
        let number = u16::try_from(self.variants.len()).ok()?;
        self.variants.insert(name.clone(), number);
        if let Some(champion) = &self.champion {
            champion.lend(&mut self.model, number, name.as_str());
        }
        self.shadows.iter_mut().for_each(|shadow| shadow.meet(number, name));
        Some(number)
    }

    /// Learns from a result; whether that raised the drift alarm.
    pub(crate) fn learn(&mut self, sequence: u64, lesson: &LessonRow) -> bool {
        let scored = Scored::new(lesson, |player| self.games(player).unwrap_or(0));
        let closeness = self.closeness(lesson);
        let numbers = self.seated(&lesson.roster);
        let variant = self.numbered(lesson.variant.as_ref());
        self.model
            .hold(self.champion.as_ref().is_some_and(|champion| champion.has_seen(sequence, lesson.at)));
        (self.sequence, self.learnt) = (sequence, self.learnt + 1);
        if let Err(error) = self.learn_from(sequence, lesson, (&numbers, variant)) {
            tracing::debug!(%error, "nothing can be learnt from a result");
        }
        self.shadows.iter_mut().for_each(|shadow| shadow.score(&scored));
        self.live.score(&scored, closeness, &numbers)
    }

    /// How close a match was that was predicted, where that can be told.
    fn closeness(&self, lesson: &LessonRow) -> Option<f64> {
        let expected = lesson.forecast.as_ref()?.expected.as_slice();
        match (expected, lesson.places.as_slice(), lesson.scores.as_slice()) {
            ([expected, _], [place, against], [score, missed]) => {
                let outcome = Outcome { places: [*place, *against], scores: [*score, *missed] };
                self.model.closeness(*expected, &outcome)
            }
            (expected, places, _) => upset(expected, places),
        }
    }

    fn learn_from(
        &mut self,
        sequence: u64,
        lesson: &LessonRow,
        (numbers, variant): (&Numbers, Option<u16>),
    ) -> Result<(), MlError> {
        self.shadows.iter_mut().for_each(|shadow| shadow.hold(sequence, lesson.at));
        let (at, home) = (lesson.at, lesson.roster.home());
        if let ([one, other], [place, against], [score, missed]) =
            (numbers.as_slice(), lesson.places.as_slice(), lesson.scores.as_slice())
        {
            let meeting =
                Meeting { at, variant, home, sides: [one, other], premade: premade(&lesson.roster) };
            let features = match foreseen(lesson) {
                Some(features) => features?,
                None => self.model.features(&meeting)?,
            };
            let outcome = Outcome { places: [*place, *against], scores: [*score, *missed] };
            self.model.learn(&meeting, &features, &outcome)?;
            return self.shadows.iter_mut().try_for_each(|shadow| shadow.learn(&features, &outcome));
        }
        let sides: Vec<&[u32]> = numbers.iter().map(Vec::as_slice).collect();
        let premade: Vec<Premade> = premades(&lesson.roster).collect();
        let entry = Entry { at, variant, sides: &sides, premade: &premade };
        let field = self.model.field(&entry)?;
        for shadow in &mut self.shadows {
            shadow.learn_field(&self.model, &field, &lesson.places);
        }
        self.model.learn_field(&entry, &field, &lesson.places)
    }

    /// What the model looks at in a match of two sides.
    pub(crate) fn features(&mut self, roster: &Roster, at: Timestamp) -> Option<Features> {
        let numbers = self.numbers(roster);
        let [one, other] = numbers.as_slice() else { return None };
        let (variant, home) = (self.variant(roster.variant()), roster.home());
        self.model
            .features(&Meeting { at, variant, home, sides: [one, other], premade: premade(roster) })
            .ok()
    }

    /// How strong a player is; none of a stranger.
    pub(crate) fn strength(
        &mut self,
        player: PlayerId,
        variant: Option<&Variant>,
        at: Timestamp,
    ) -> Option<f64> {
        let number = self.players.get(&player).copied()?;
        let variant = self.variant(variant);
        self.model.strength(number, at, variant).ok()
    }

    /// What is predicted of a match; `rating` are the scores that the rating system of its queue expects. Nothing of what
    /// is no contest.
    pub(crate) fn forecast(&mut self, roster: &Roster, at: Timestamp, rating: &[f64]) -> Option<Forecast> {
        match roster.sides().len() {
            0 | 1 => None,
            2 => {
                let features = self.features(roster, at)?;
                Some(self.of_two(&features, at, rating))
            }
            _ => self.of_many(roster, at, rating),
        }
    }

    fn inside(&self, at: Timestamp, contenders: Vec<Vec<f64>>) -> Inside {
        Inside {
            model: self.name(),
            spoke: Spoke::default(),
            sequence: self.sequence,
            learnt: self.learnt,
            at,
            interval: None,
            margin: None,
            seen: None,
            parts: Sparse::default(),
            contenders,
            shadows: Vec::new(),
            regions: Regions::default(),
            waits_ms: Vec::new(),
        }
    }

    fn of_two(&self, features: &Features, at: Timestamp, rating: &[f64]) -> Forecast {
        let predicted = self.model.predict(features);
        let contenders = self.model.contenders(features).into_iter();
        let contenders = contenders.chain(rating.first().copied()).map(|chance| vec![chance]).collect();
        let seen = Vector {
            values: Sparse::new(features.seen()),
            variant: features.variant(),
            context: features.context(),
        };
        let inside = Inside {
            interval: Some([predicted.low, predicted.high]),
            margin: predicted.margin,
            seen: Some(seen),
            parts: Sparse::new(self.model.explain(features).into_iter().map(|part| part.logit)),
            shadows: self.shadows.iter().map(|shadow| shadow.of_two(features)).collect(),
            ..self.inside(at, contenders)
        };
        Forecast {
            quality: predicted.quality,
            expected: vec![predicted.expected, predicted.loss + predicted.draw / 2.0],
            chances: Some([predicted.win, predicted.draw, predicted.loss]),
            inside: Some(Box::new(inside)),
        }
    }

    fn of_many(&mut self, roster: &Roster, at: Timestamp, rating: &[f64]) -> Option<Forecast> {
        let numbers = self.numbers(roster);
        let sides: Vec<&[u32]> = numbers.iter().map(Vec::as_slice).collect();
        let premade: Vec<Premade> = premades(roster).collect();
        let entry = Entry { at, variant: self.variant(roster.variant()), sides: &sides, premade: &premade };
        let field = self.model.field(&entry).ok()?;
        let shares = self.model.shares(&field);
        let of = |contender: usize| -> Vec<f64> {
            shares.expected.iter().filter_map(|side| side.get(contender).copied()).collect()
        };
        let mut contenders: Vec<Vec<f64>> = (0..gsm_ml::CONTENDERS.len()).map(of).collect();
        if rating.len() == sides.len() {
            contenders.push(rating.to_vec());
        }
        let shadows = self.shadows.iter().map(|shadow| shadow.of_many(&self.model, &field)).collect();
        let inside = Inside { shadows, ..self.inside(at, contenders) };
        Some(Forecast {
            quality: shares.quality,
            expected: of(0),
            chances: None,
            inside: Some(Box::new(inside)),
        })
    }
}

/// How much of each side came together.
fn premades(roster: &Roster) -> impl Iterator<Item = Premade> {
    roster.party_sizes_by_side().map(|sizes| Premade::of(sizes.iter().copied()))
}

/// The same of two sides.
fn premade(roster: &Roster) -> [Premade; 2] {
    let mut sides = premades(roster);
    std::array::from_fn(|_| sides.next().unwrap_or_default())
}

/// The features that a match was predicted by, where they are those of this model.
fn foreseen(lesson: &LessonRow) -> Option<Result<Features, MlError>> {
    let inside = lesson.forecast.as_ref()?.inside.as_ref();
    let inside = inside.filter(|inside| inside.model.split('/').next() == Some(MODEL))?;
    Some(features_of(inside.seen.as_ref()?))
}

/// The features of a stored vector.
fn features_of(seen: &Vector) -> Result<Features, MlError> {
    Features::restore(seen.values.numbers(), seen.variant, seen.context)
}

/// What each feature added to the logit of a stored prediction, those that added nothing left out.
pub(crate) fn contributions(inside: &Inside) -> Vec<Contribution> {
    let parts = inside.parts.numbers::<{ PARTS.len() }>();
    let of = PARTS.into_iter().zip(parts).filter(|(_, logit)| *logit != 0.0);
    of.map(|(name, logit)| Contribution { name, logit }).collect()
}

const _: () = assert!(CONTENDERS.len() == gsm_ml::CONTENDERS.len() + 1 && PARTS.len() < 256);
