use gsm_adapters::models::{Decision, Models, ModelsError, beginnings};
use gsm_core::Timestamp;
use gsm_ml::{About, Compared, Figures, FileError, Metrics, Model, ModelFile, Names, Refusal};
use std::{fs, path::Path};

fn figures(log_loss: f64) -> Figures {
    Figures { matches: 500, accuracy: Some(0.6), log_loss, brier: 0.2, ece: Some(0.01) }
}

/// A model of `mode` with this log loss, compared with a champion of this hash.
fn model(mode: &str, log_loss: f64, champion: Option<(&str, f64)>) -> ModelFile {
    let mut about = About::new("", mode, Timestamp::from_millis(5), "ann");
    about.metrics = Metrics {
        from: None,
        model: Some(figures(log_loss)),
        without_trees: None,
        rating: Some(figures(0.65)),
        constant: Some(figures(0.69)),
        champion: champion.map(|(hash, log_loss)| Compared {
            hash: hash.to_owned(),
            had_seen: false,
            figures: figures(log_loss),
        }),
    };
    ModelFile { about, names: Names::default(), model: Model::new() }
}

const OPS: Decision<'_> = Decision { at: Timestamp::EPOCH, by: "ops", reason: None };
const MARGIN: Option<f64> = Some(0.01);

fn champion(dir: &Path) -> Option<u32> {
    Models::open(dir).unwrap().champion("duel").map(|of| of.version)
}

#[test]
fn champions_come_and_go_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut models = Models::open(dir.path()).unwrap();
    assert!(models.versions().is_empty() && !dir.path().join("models").exists());
    let first = models.add(model("duel", 0.60, None)).unwrap();
    assert_eq!((first.version, first.about.name.as_str()), (1, "duel-1"));
    assert_eq!(champion(dir.path()), None);
    assert_eq!(models.promote(1, &OPS, MARGIN).unwrap(), None);
    assert!(matches!(models.promote(1, &OPS, None).unwrap_err(), ModelsError::Champion { .. }));
    assert!(matches!(models.rollback("duel", &OPS).unwrap_err(), ModelsError::NoneBefore { .. }));

    models.add(model("duel", 0.595, Some((&first.hash, 0.60)))).unwrap();
    let error = models.promote(2, &OPS, MARGIN).unwrap_err();
    assert!(
        matches!(error, ModelsError::NotBetter { why: Refusal::NotBetter { than: "the champion", .. }, .. }),
        "{error}"
    );
    models.add(model("duel", 0.58, Some((&first.hash, 0.60)))).unwrap();
    models.add(model("other", 0.58, None)).unwrap();
    assert_eq!(models.promote(3, &OPS, MARGIN).unwrap(), Some(1));
    models.promote(4, &OPS, MARGIN).unwrap();
    let forced = Decision { reason: Some("a test"), ..OPS };
    assert_eq!(models.promote(2, &forced, None).unwrap(), Some(3));
    assert_eq!(champion(dir.path()), Some(2));

    // Another that reads sees the same, and goes back twice.
    let mut models = Models::open(dir.path()).unwrap();
    assert_eq!(models.rollback("duel", &OPS).unwrap().version, 3);
    assert_eq!(models.rollback("duel", &OPS).unwrap().version, 1);
    assert!(models.rollback("duel", &OPS).is_err());
    assert_eq!((champion(dir.path()), models.champion("other").map(|of| of.version)), (Some(1), Some(4)));
    let told: Vec<_> = models.promotions().iter().map(|of| (of.version, of.forced, of.rollback)).collect();
    assert_eq!(
        told,
        [
            (1, false, false),
            (3, false, false),
            (4, false, false),
            (2, true, false),
            (3, false, true),
            (1, false, true)
        ]
    );
    assert_eq!(models.promotions()[3].reason.as_deref(), Some("a test"));
    assert!(matches!(models.promote(9, &OPS, None).unwrap_err(), ModelsError::NoSuchVersion { version: 9 }));
    assert!(models.add(model("../up", 0.5, None)).is_err());
}

#[test]
fn a_damaged_file_is_refused_by_name_and_hash_and_the_old_champion_stays() {
    let dir = tempfile::tempdir().unwrap();
    let mut models = Models::open(dir.path()).unwrap();
    let first = models.add(model("duel", 0.60, None)).unwrap();
    let second = models.add(model("duel", 0.50, Some((&first.hash, 0.60)))).unwrap();
    models.promote(1, &OPS, MARGIN).unwrap();
    let path = models.path(&second);
    let good = fs::read(&path).unwrap();
    let mut refused = |bytes: &[u8], part: &str| {
        fs::write(&path, bytes).unwrap();
        let error = models.promote(2, &OPS, MARGIN).unwrap_err().to_string();
        for part in ["duel-2.gsmmodel", &second.hash, part] {
            assert!(error.contains(part), "{error}");
        }
        assert_eq!(champion(dir.path()), Some(1));
    };
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 4;
    refused(&flipped, "damaged");
    refused(&good[..good.len() - 1], "damaged");
    refused(&good[..30], "cut off");
    refused(b"", "no model file");
    refused(&fs::read(dir.path().join("models/duel-1.gsmmodel")).unwrap(), &first.hash);
    fs::remove_file(&path).unwrap();
    assert!(matches!(models.promote(2, &OPS, MARGIN).unwrap_err(), ModelsError::Gone { .. }));
    fs::write(&path, &good).unwrap();
    models.promote(2, &OPS, MARGIN).unwrap();
    assert_eq!(champion(dir.path()), Some(2));

    // Going back to a damaged file is refused as well.
    fs::write(models.path(&first), &good).unwrap();
    assert!(matches!(models.rollback("duel", &OPS).unwrap_err(), ModelsError::Exchanged { .. }));
    assert_eq!(champion(dir.path()), Some(2));
}

#[test]
fn a_model_of_other_features_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut models = Models::open(dir.path()).unwrap();
    let mut other = model("duel", 0.5, None);
    other.about.schema = "0123456789abcdef".to_owned();
    models.add(other).unwrap();
    let error = models.promote(1, &OPS, None).unwrap_err();
    assert!(matches!(&error, ModelsError::File { error: FileError::OtherFeatures { .. }, .. }), "{error}");
    assert_eq!(champion(dir.path()), None);
}

#[test]
fn a_ledger_that_changed_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut models = Models::open(dir.path()).unwrap();
    models.add(model("duel", 0.60, None)).unwrap();
    models.promote(1, &OPS, MARGIN).unwrap();
    let path = dir.path().join("models/registry.json");
    let good = fs::read_to_string(&path).unwrap();
    let changed = [
        good.replace("\"by\": \"ops\"", "\"by\": \"eve\""),
        good.replace("\"format\": 1", "\"format\": 2"),
        good[..good.len() / 2].to_owned(),
        String::new(),
    ];
    for text in changed {
        fs::write(&path, &text).unwrap();
        let error = Models::open(dir.path()).unwrap_err();
        assert!(matches!(&error, ModelsError::Ledger { .. }), "{error}");
        assert!(models.add(model("duel", 0.5, None)).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    fs::write(&path, &good).unwrap();
    assert_eq!(champion(dir.path()), Some(1));
}

#[test]
fn no_model_file_is_written_over() {
    let dir = tempfile::tempdir().unwrap();
    let mut models = Models::open(dir.path()).unwrap();
    let first = models.add(model("duel", 0.60, None)).unwrap();
    models.add(model("other", 0.60, None)).unwrap();
    let (ledger, file) = (dir.path().join("models/registry.json"), models.path(&first));
    let kept = (fs::read(&ledger).unwrap(), fs::read(&file).unwrap());
    fs::remove_file(&ledger).unwrap();
    // Neither one that begins now nor one that has begun before takes the directory for a new one.
    let told = Models::open(dir.path()).unwrap_err().to_string();
    for part in ["registry.json", "is missing", "duel-1.gsmmodel", "put back a copy"] {
        assert!(told.contains(part), "{told}");
    }
    assert!(matches!(models.add(model("duel", 0.5, None)).unwrap_err(), ModelsError::NoLedger { .. }));
    assert!(beginnings(dir.path()).is_empty() && !ledger.exists());
    assert_eq!(fs::read(&file).unwrap(), kept.1);
    // A copy of the ledger may be older than the files: what it does not know stays too.
    fs::write(&ledger, &kept.0).unwrap();
    let mut models = Models::open(dir.path()).unwrap();
    let third = models.add(model("duel", 0.55, None)).unwrap();
    let later = (models.path(&third), fs::read(models.path(&third)).unwrap());
    fs::write(&ledger, &kept.0).unwrap();
    assert_eq!(models.add(model("duel", 0.5, None)).unwrap().version, 4);
    assert_eq!(fs::read(later.0).unwrap(), later.1);
    let all = Models::open(dir.path()).unwrap();
    assert_eq!(all.versions().iter().map(|of| of.version).collect::<Vec<_>>(), [1, 2, 4]);
}

#[test]
fn one_writes_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let mut models = Models::open(dir.path()).unwrap();
    models.add(model("duel", 0.60, None)).unwrap();
    let lock = fs::File::open(dir.path().join("models/LOCK")).unwrap();
    lock.lock().unwrap();
    assert!(matches!(models.promote(1, &OPS, MARGIN).unwrap_err(), ModelsError::Locked { .. }));
    drop(lock);
    models.promote(1, &OPS, MARGIN).unwrap();
}

/// The newest that are not champion compete; one whose file is damaged or gone is left out.
#[test]
fn the_newest_others_are_challengers() {
    let dir = tempfile::tempdir().unwrap();
    let mut models = Models::open(dir.path()).unwrap();
    assert!(beginnings(dir.path()).is_empty());
    for _ in 0..5 {
        models.add(model("duel", 0.60, None)).unwrap();
    }
    models.add(model("other", 0.60, None)).unwrap();
    let versions =
        |models: &Models| models.challengers("duel").into_iter().map(|of| of.version).collect::<Vec<_>>();
    assert_eq!(versions(&models), [5, 4, 3]);
    models.promote(4, &OPS, MARGIN).unwrap();
    assert_eq!((versions(&models), models.challengers("none").len()), (vec![5, 3, 2], 0));
    let counts = || {
        let all = beginnings(dir.path()).into_iter();
        all.map(|(mode, of)| (mode.to_string(), of.champion.is_some(), of.challengers.len()))
            .collect::<Vec<_>>()
    };
    assert_eq!(counts(), [("duel".to_owned(), true, 3), ("other".to_owned(), false, 1)]);
    let file = |version: u32| models.path(models.version(version).unwrap());
    fs::write(file(5), b"gsmmodel and no more").unwrap();
    fs::remove_file(file(3)).unwrap();
    fs::copy(file(1), file(4)).unwrap();
    assert_eq!(counts()[0], ("duel".to_owned(), false, 1));
}

/// Where the champion's file is damaged, the one before it predicts, and is no challenger of itself.
#[test]
fn the_champion_before_takes_the_place_of_a_damaged_one() {
    let dir = tempfile::tempdir().unwrap();
    let mut models = Models::open(dir.path()).unwrap();
    for _ in 0..3 {
        models.add(model("duel", 0.60, None)).unwrap();
    }
    for version in [1, 3, 2] {
        models.promote(version, &OPS, None).unwrap();
    }
    let order = models.champions("duel").into_iter().map(|of| of.version).collect::<Vec<_>>();
    assert_eq!(order, [2, 3, 1]);
    let path = |version: u32| models.path(models.version(version).unwrap());
    let begun = || {
        let of = beginnings(dir.path()).into_values().next().unwrap();
        (of.champion.is_some(), of.challengers.len())
    };
    assert_eq!(begun(), (true, 2));
    fs::write(path(2), b"gsmmodel and no more").unwrap();
    assert_eq!(begun(), (true, 1));
    fs::remove_file(path(3)).unwrap();
    assert_eq!(begun(), (true, 0));
    fs::remove_file(path(1)).unwrap();
    assert_eq!(begun(), (false, 0));
}
