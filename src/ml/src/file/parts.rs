//! The parts of a file that a model consists of, and whether what was read could be one.
use super::FileError;
use crate::Model;
use crate::blr::Blr;
use crate::bounded::Bounded;
use crate::closeness::Leads;
use crate::company::{Company, Faded};
use crate::draws::Draws;
use crate::experts::{Experts, Ratings};
use crate::margin::Margins;
use crate::motion::Motion;
use crate::premade::PremadeWeight;
use crate::record::Record;
use crate::stack::Stack;
use crate::trees::Trees;
use crate::variants::{Own, Refinement, SIZE, Variants};
use gsm_core::Map;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::hash::Hash;

/// What a model's numbers stand for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Names {
    /// Of the variants; one or none where a mode has no variants.
    pub variants: Vec<String>,
    /// Whether the first side has the advantage of the game in a variant; one for each.
    pub home: Vec<bool>,
    /// Of the players.
    pub players: Vec<String>,
}

/// Whether every match has two sides is not asked: the regression of the other kind is as it began.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Weights {
    variants: Vec<String>,
    home: Vec<bool>,
    stack: Stack,
    blocks: Vec<Blr<SIZE>>,
    draws: Draws,
    margins: Margins,
    field: Stack,
    trees: Option<Trees>,
}

/// What parties are worth, behind the weights.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parties {
    two_sides: PremadeWeight,
    field: PremadeWeight,
}

type Pairs<K, V> = Vec<(K, V)>;

/// The young and the old of a bounded memory.
type Generations<K, V> = [Pairs<K, V>; 2];

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Players {
    names: Vec<String>,
    ratings: Ratings,
    records: Vec<Record>,
    variants: Pairs<u64, Own>,
    pairs: Generations<(u32, u32), u32>,
    lineups: Generations<u64, Faded>,
    rivals: Generations<(u64, u64), Faded>,
}

pub(super) fn write_weights(model: &Model, names: &Names) -> Result<Vec<u8>, FileError> {
    let part = "variants";
    if names.home.len() != names.variants.len() {
        return Err(FileError::Unwritable { part });
    }
    let weights = Weights {
        variants: names.variants.clone(),
        home: names.home.clone(),
        stack: model.stack.clone(),
        blocks: model.refinement.blocks().to_vec(),
        draws: model.draws.clone(),
        margins: model.margins,
        field: model.field.clone(),
        trees: model.trees.clone(),
    };
    let parties = Parties { two_sides: model.premade.clone(), field: model.field_premade.clone() };
    postcard::to_stdvec(&(weights, parties, model.motion, &model.leads))
        .map_err(|_| FileError::Unwritable { part })
}

/// Which parts behind the weights a file has: each format has one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Behind {
    Nothing,
    Parties,
    Motion,
    Leads,
}

pub(super) fn read_weights(part: &[u8], behind: Behind) -> Result<(Names, Model), FileError> {
    let nothing = || Parties { two_sides: PremadeWeight::new(), field: PremadeWeight::new() };
    let (weights, parties, motion, leads) = match behind {
        Behind::Nothing => (whole(part, "weights")?, nothing(), Motion::new(), Leads::new()),
        Behind::Parties => {
            let (weights, parties) = whole(part, "weights")?;
            (weights, parties, Motion::new(), Leads::new())
        }
        Behind::Motion => {
            let (weights, parties, motion) = whole(part, "weights")?;
            (weights, parties, motion, Leads::new())
        }
        Behind::Leads => whole(part, "weights")?,
    };
    let Weights { variants, home, stack, blocks, draws, margins, field, trees }: Weights = weights;
    let sound = home.len() == variants.len()
        && [&stack, &field].iter().all(|of| of.makes_sense())
        && margins.makes_sense()
        && motion.makes_sense()
        && trees.as_ref().is_none_or(Trees::makes_sense);
    let refinement = Refinement::with_blocks(blocks).filter(|_| sound);
    let refinement = refinement.ok_or(FileError::Malformed { part: "weights" })?;
    let Parties { two_sides: premade, field: field_premade } = parties;
    let model = Model {
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
        ..Model::new()
    };
    Ok((Names { variants, home, players: Vec::new() }, model))
}

pub(super) fn write_players(model: &Model, names: &Names) -> Result<Vec<u8>, FileError> {
    let part = "players";
    let ratings = model.experts.ratings();
    let known = model.records.len();
    if names.players.len() < known || ratings.players() != known {
        return Err(FileError::Unwritable { part });
    }
    let players = Players {
        names: names.players.clone(),
        ratings,
        records: model.records.clone(),
        variants: in_order(&model.variants.0),
        pairs: model.company.pairs.generations().map(in_order),
        lineups: model.company.lineups.generations().map(in_order),
        rivals: model.company.rivals.generations().map(in_order),
    };
    postcard::to_stdvec(&players).map_err(|_| FileError::Unwritable { part })
}

pub(super) fn read_players(part: &[u8], names: Names, model: Model) -> Result<(Names, Model), FileError> {
    const MALFORMED: FileError = FileError::Malformed { part: "players" };
    let players: Players = whole(part, "players")?;
    let sound = players.names.len() >= players.records.len()
        && players.ratings.players() == players.records.len()
        && players.records.iter().all(Record::makes_sense)
        && players.variants.iter().all(|(_, own)| own.is_finite())
        && players.lineups.iter().flatten().all(|(_, of)| of.is_finite())
        && players.rivals.iter().flatten().all(|(_, of)| of.is_finite());
    if !sound {
        return Err(MALFORMED);
    }
    let model = Model {
        experts: Experts::with(players.ratings).ok_or(MALFORMED)?,
        records: players.records,
        variants: Variants(by_key(players.variants)?),
        company: Company {
            pairs: bounded(players.pairs)?,
            lineups: bounded(players.lineups)?,
            rivals: bounded(players.rivals)?,
        },
        ..model
    };
    Ok((Names { players: players.names, ..names }, model))
}

fn whole<T: DeserializeOwned>(bytes: &[u8], part: &'static str) -> Result<T, FileError> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        _ => Err(FileError::Malformed { part }),
    }
}

/// Of a map, in the order of its keys: one map has one file.
fn in_order<K: Copy + Ord, V: Copy>(map: &Map<K, V>) -> Pairs<K, V> {
    let mut pairs: Pairs<K, V> = map.iter().map(|(key, value)| (*key, *value)).collect();
    pairs.sort_unstable_by_key(|(key, _)| *key);
    pairs
}

fn by_key<K: Copy + Ord + Hash, V>(pairs: Pairs<K, V>) -> Result<Map<K, V>, FileError> {
    let ascending = pairs.iter().zip(pairs.iter().skip(1)).all(|((one, _), (next, _))| one < next);
    if ascending { Ok(pairs.into_iter().collect()) } else { Err(FileError::Malformed { part: "players" }) }
}

fn bounded<K, V, const MOST: usize>([young, old]: Generations<K, V>) -> Result<Bounded<K, V, MOST>, FileError>
where
    K: Copy + Ord + Hash,
    V: Default,
{
    let generations = [by_key(young)?, by_key(old)?];
    Bounded::with(generations).ok_or(FileError::Malformed { part: "players" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Meeting, Outcome};
    use gsm_core::Timestamp;

    fn names() -> Names {
        Names { variants: vec![String::new()], home: vec![false], players: vec!["a".into(), "b".into()] }
    }

    fn taught() -> Model {
        let mut model = Model::new();
        let meeting = Meeting { variant: Some(0), ..Meeting::new(Timestamp::EPOCH, &[0], &[1]) };
        let of = model.features(&meeting).unwrap();
        model.learn(&meeting, &of, &Outcome::places(1, 2)).unwrap();
        model
    }

    fn check(part: &'static str, change: impl Fn(&mut Model)) {
        let mut model = taught();
        change(&mut model);
        let read = match part {
            "weights" => read_weights(&write_weights(&model, &names()).unwrap(), Behind::Leads).map(|_| ()),
            _ => read_players(&write_players(&model, &names()).unwrap(), names(), Model::new()).map(|_| ()),
        };
        assert_eq!(read, Err(FileError::Malformed { part }));
    }

    #[test]
    fn numbers_that_no_model_has_are_refused() {
        let nan = || Faded::default().with(f32::NAN);
        check("weights", |model| model.margins.spoil());
        check("weights", |model| model.stack.spoil());
        check("weights", |model| model.field.spoil());
        check("weights", |model| model.motion.spoil());
        check("players", |model| model.records[1].spoil());
        check("players", |model| model.experts.spoil());
        check("players", |model| {
            *model.company.rivals.meet((1, 2)) = nan();
        });
        check("players", |model| {
            *model.company.lineups.meet(9) = nan();
        });
        check("players", |model| model.variants.0.values_mut().for_each(Own::spoil));
    }

    #[test]
    fn an_older_file_says_nothing_of_parties_motion_and_leads() {
        let mut model = taught();
        model.premade.learn(1.0, 1.0, 1.0, 0.0);
        model.motion.learn(1.0, 0.9, 0.1);
        model.leads.learn(2.0, 0.1);
        let bytes = write_weights(&model, &names()).unwrap();
        let parties = Parties { two_sides: model.premade.clone(), field: model.field_premade.clone() };
        let without = |bytes: &[u8], last: &[u8]| bytes[..bytes.len() - last.len()].to_vec();
        let fourth = without(&bytes, &postcard::to_stdvec(&model.leads).unwrap());
        let third = without(&fourth, &postcard::to_stdvec(&model.motion).unwrap());
        let second = without(&third, &postcard::to_stdvec(&parties).unwrap());
        let files = [
            (Behind::Nothing, &second),
            (Behind::Parties, &third),
            (Behind::Motion, &fourth),
            (Behind::Leads, &bytes),
        ];
        for (behind, file) in files {
            let (_, read) = read_weights(file, behind).unwrap();
            assert!(read.stack.weights() == model.stack.weights());
            let parties = if behind >= Behind::Parties { model.premade.extra(1.0) } else { 0.0 };
            let motion = if behind >= Behind::Motion { model.motion.excess() } else { 0.0 };
            assert_eq!((read.premade.extra(1.0), read.motion.excess()), (parties, motion));
            let leads = if behind == Behind::Leads { &model.leads } else { &Leads::new() };
            assert_eq!(read.leads.closeness(2.0), leads.closeness(2.0));
            for (other, _) in files.iter().filter(|(other, _)| *other != behind) {
                assert!(read_weights(file, *other).is_err(), "{behind:?} as {other:?}");
            }
        }
        assert!(model.premade.extra(1.0) != 0.0 && model.motion.excess() != 0.0);
        assert_ne!(model.leads.closeness(2.0), Leads::new().closeness(2.0));
    }

    #[test]
    fn keys_come_once_and_in_order() {
        assert!(by_key(vec![(1, ()), (2, ())]).is_ok());
        assert!(by_key(vec![(2, ()), (1, ())]).is_err() && by_key(vec![(1, ()), (1, ())]).is_err());
    }
}
