use crate::league::{Match, league, taught};
use gsm_core::Timestamp;
use gsm_ml::{About, FileError, Kept, Model, ModelFile, Names, data_hash};
use gsm_rating::history::{History, Lineup};
use proptest::prelude::*;

fn names() -> Names {
    Names {
        variants: ["clay", "grass", "hard"].map(str::to_owned).to_vec(),
        home: vec![true; 3],
        players: (0..40).map(|n| format!("player-{n}")).collect(),
    }
}

fn file(model: Model) -> ModelFile {
    let about = About::new("duel-3", "duel", Timestamp::from_millis(7), "ops");
    ModelFile { about, names: names(), model }
}

/// Learns from a match and answers what was predicted of it, bit for bit.
fn step(model: &mut Model, of: &Match) -> Vec<u64> {
    let features = model.features(&of.meeting()).unwrap();
    let p = model.predict(&features);
    model.learn(&of.meeting(), &features, &of.outcome).unwrap();
    let numbers = [p.win, p.draw, p.loss, p.expected, p.low, p.high, p.quality, p.margin.unwrap_or(-1.0)];
    numbers.iter().chain(features.values()).map(|number| number.to_bits()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn what_is_read_predicts_and_learns_on_to_the_bit(seed in 0_u64..1_000, size in 1_usize..4, known in 0_usize..120) {
        let matches = league(seed, size, 200);
        let mut model = taught(&matches[..known]);
        let bytes = file(model.clone()).to_bytes(Kept::All).unwrap();
        let mut read = ModelFile::read(&bytes).unwrap();
        prop_assert_eq!(&read.names, &names());
        prop_assert_eq!(&read.to_bytes(Kept::All).unwrap(), &bytes);
        for of in &matches[known..] {
            prop_assert_eq!(step(&mut model, of), step(&mut read.model, of));
        }
        prop_assert_eq!(read.to_bytes(Kept::All).unwrap(), file(model).to_bytes(Kept::All).unwrap());
    }
}

#[test]
fn weights_alone_are_a_model_without_players() {
    let matches = league(5, 2, 300);
    let model = taught(&matches[..250]);
    let whole = file(model.clone()).to_bytes(Kept::All).unwrap();
    let bytes = file(model.clone()).to_bytes(Kept::Weights).unwrap();
    assert!(bytes.len() < whole.len() && bytes.len() < 40_000, "{}", bytes.len());
    let mut read = ModelFile::read(&bytes).unwrap();
    let mut wanted = model.without_players();
    for of in &matches[250..] {
        assert_eq!(step(&mut read.model, of), step(&mut wanted, of));
    }
    // Players that it knows make a difference, or the test would say nothing.
    let mut knowing = model;
    assert_ne!(step(&mut knowing, &matches[299]), step(&mut read.model, &matches[299]));
}

#[test]
fn held_weights_stay_while_players_are_learnt() {
    let matches = league(6, 1, 400);
    let trained = taught(&matches);
    let mut again = trained.without_players();
    again.hold(true);
    for of in &matches {
        step(&mut again, of);
    }
    let weights = |model: &Model| file(model.clone()).to_bytes(Kept::Weights).unwrap();
    assert_eq!(weights(&again), weights(&trained));
    // Ratings do not depend on weights: they come out as they were.
    let of = &matches[0];
    let features = |model: &Model| model.clone().features(&of.meeting()).unwrap().values()[0];
    assert_eq!(features(&again), features(&trained));
    again.hold(false);
    step(&mut again, of);
    assert_ne!(weights(&again), weights(&trained));
}

#[test]
fn every_byte_that_changes_is_found() {
    let bytes = file(taught(&league(1, 1, 30))).to_bytes(Kept::All).unwrap();
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        let error = ModelFile::read(&damaged).unwrap_err();
        assert!(
            if at < 8 { error == FileError::NoModel } else { matches!(error, FileError::Damaged { .. }) },
            "{at}: {error}"
        );
    }
}

#[test]
fn every_length_but_the_right_one_is_found() {
    let bytes = file(taught(&league(1, 1, 30))).to_bytes(Kept::Weights).unwrap();
    for end in 0..bytes.len() {
        let error = ModelFile::read(&bytes[..end]).unwrap_err();
        let told = matches!(error, FileError::NoModel | FileError::CutOff { .. } | FileError::Damaged { .. });
        assert!(told, "{end}: {error}");
    }
    assert!(ModelFile::read(&[&bytes[..], b"\n"].concat()).is_err());
}

/// Puts the right hash under what was changed.
fn rehashed(mut bytes: Vec<u8>, change: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    bytes.truncate(bytes.len() - 32);
    change(&mut bytes);
    let hash = blake3::hash(&bytes);
    bytes.extend_from_slice(hash.as_bytes());
    bytes
}

/// What releases wrote that knew less: the weights end where those of parties begin, of how fast skill moves, or of leads.
#[test]
fn files_of_the_formats_before_are_read() {
    // Counts of numbers take one byte each; that of matches takes two.
    const LEADS: u64 = 3 + (3 + 9 + 3) * 8;
    const MOTION: u64 = 2 + 8 + 8;
    const PARTIES: u64 = 2 * 3 * (1 + 8);
    let matches = league(5, 1, 300);
    let model = taught(&matches[..250]);
    let bytes = file(model.clone()).to_bytes(Kept::All).unwrap();
    let length = |bytes: &[u8], at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    let (about, weights) = (length(&bytes, 10), length(&bytes, 18));
    for (format, less) in [(4, LEADS), (3, LEADS + MOTION), (2, LEADS + MOTION + PARTIES)] {
        let older = rehashed(bytes.clone(), |bytes| {
            let end = 34 + (about + weights) as usize;
            bytes.drain(end - less as usize..end);
            bytes[18..26].copy_from_slice(&(weights - less).to_le_bytes());
            bytes[8] = format;
        });
        let (mut read, mut model) = (ModelFile::read(&older).unwrap().model, model.clone());
        for of in &matches[250..] {
            let expected = |bits: Vec<u64>| bits[..4].to_vec();
            assert_eq!(expected(step(&mut read, of)), expected(step(&mut model, of)));
        }
    }
}

#[test]
fn what_the_hash_does_not_tell_is_told_by_name() {
    let bytes = file(Model::new()).to_bytes(Kept::All).unwrap();
    let newer = rehashed(bytes.clone(), |bytes| bytes[8] = 6);
    assert_eq!(ModelFile::read(&newer).unwrap_err(), FileError::Newer { format: 6, newest: 5 });
    let old = rehashed(bytes.clone(), |bytes| bytes[8] = 1);
    assert_eq!(ModelFile::read(&old).unwrap_err(), FileError::Malformed { part: "head" });
    for at in [10, 18, 26] {
        let long = rehashed(bytes.clone(), |bytes| bytes[at + 6] = 0xff);
        assert_eq!(ModelFile::read(&long).unwrap_err(), FileError::Malformed { part: "head" });
    }
    let mut other = file(Model::new());
    other.about.schema = "0123456789abcdef".to_owned();
    let error = ModelFile::read(&other.to_bytes(Kept::All).unwrap()).unwrap_err();
    assert!(matches!(&error, FileError::OtherFeatures { told, .. } if told == "0123456789abcdef"), "{error}");
    let mut short = file(taught(&league(1, 1, 30)));
    short.names.players.truncate(3);
    assert_eq!(short.to_bytes(Kept::All).unwrap_err(), FileError::Unwritable { part: "players" });
    short.names.home.clear();
    assert_eq!(short.to_bytes(Kept::Weights).unwrap_err(), FileError::Unwritable { part: "variants" });
}

#[test]
fn the_hash_of_data_is_that_of_all_of_it() {
    let history = |place: u32, variant: &str, player: u32| {
        let mut history = History::new(Vec::new());
        let variant = history.variant(variant);
        let sides = [(1, 0), (place, player)];
        let sides = sides.map(|(place, player)| (place, [player]));
        let lineups = sides.iter().map(|(place, players)| Lineup { place: *place, score: None, players });
        history.push(Timestamp::EPOCH, variant, lineups);
        history
    };
    let players = |last: &str| ["ann".to_owned(), last.to_owned()];
    let mut together = history(2, "", 1);
    together.came_together(&[1, 2]);
    let hashes = [
        data_hash(&history(2, "", 1), &players("bob")),
        data_hash(&history(1, "", 1), &players("bob")),
        data_hash(&history(2, "clay", 1), &players("bob")),
        data_hash(&history(2, "", 1), &players("eve")),
        data_hash(&together, &players("bob")),
    ];
    assert_eq!(hashes[0], data_hash(&history(2, "", 1), &players("bob")));
    for (nth, hash) in hashes.iter().enumerate() {
        assert!(hashes[nth + 1..].iter().all(|other| other != hash));
    }
}
