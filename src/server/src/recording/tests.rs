use super::*;
use crate::config::RecordingConfig;
use gsm_adapters::{SystemClock, SystemIds};
use gsm_core::{QueueName, Timestamp};
use gsm_rules::Member;
use gsm_traffic::Recording;
use std::{fs, path::Path};

pub(super) fn config(files_max: usize) -> RecordingConfig {
    RecordingConfig { dir: None, files_max, file_mib: 1 }
}

fn arrived(player: u128) -> TicketStep {
    let member = Member {
        player: String::new(),
        attributes: [("rating".to_owned(), Value::Number(1_500.0))].into(),
        latency_ms: [("eu".to_owned(), 20)].into(),
        ..Member::default()
    };
    let players = vec![(PlayerId::from_u128(player), member)];
    let (at, queue) = (Timestamp::from_millis(5), QueueName::new("duel").unwrap());
    TicketStep::Arrived { at, queue, players, naming: vec!["blocked".to_owned()] }
}

async fn written(dir: &Path, steps: &[(u128, TicketStep)]) -> String {
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let files = Files::open(dir, &config(3)).unwrap();
    let writing = Writing::start(files, &SystemIds, &clock, &tasks, &stop);
    steps.iter().for_each(|(id, step)| writing.note(TicketId::from_u128(*id), step.clone()));
    stop.cancel();
    tasks.close();
    tasks.wait().await;
    fs::read_to_string(dir.join("tickets.jsonl")).unwrap()
}

/// However few lines they are.
#[tokio::test]
async fn no_more_bytes_wait_than_may() {
    let (lines, mut waiting) = mpsc::channel(WAITING_MAX);
    let (clock, bytes) = (Arc::new(SystemClock::new()), Arc::new(Semaphore::new(WAITING_BYTES_MAX)));
    let writing = Writing { key: [7; 32], lines, bytes, clock, lost: Arc::default() };
    let TicketStep::Arrived { at, queue, mut players, naming } = arrived(7) else { panic!("it comes") };
    let [half, quarter] = [2, 4].map(|part| "x".repeat((1 << 20) / part));
    let list = Value::List(vec![quarter; 2]);
    players[0].1.attributes = [("a".to_owned(), Value::Text(half)), ("b".to_owned(), list)].into();
    let step = TicketStep::Arrived { at, queue, players, naming };
    (0..70).for_each(|id| writing.note(TicketId::from_u128(id), step.clone()));
    let lost = || writing.lost.load(Ordering::Relaxed);
    assert_eq!(lost(), 7, "each has some more than a MiB");
    // What is small has room, until the lines are too many.
    writing.note(TicketId::from_u128(1), TicketStep::Proposed);
    assert_eq!(lost(), 7);
    assert!(waiting.recv().await.is_some());
    writing.note(TicketId::from_u128(1), step);
    assert_eq!(lost(), 7, "what is written leaves room");
}

#[tokio::test]
async fn what_is_written_is_read_and_names_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let end = TicketStep::Ended { at: Timestamp::from_millis(9), how: TicketEnd::Cancelled };
    let steps = [(1, arrived(7)), (2, arrived(7)), (1, end)];
    let text = written(dir.path(), &steps).await;
    let mut recording = Recording::default();
    text.lines().for_each(|line| recording.push(line).unwrap());
    assert_eq!(
        (recording.queues()["duel"], recording.waiting(None).unwrap().len(), recording.orphans),
        (2, 1, 0)
    );
    let traffic = recording.traffic(None, gsm_core::Millis::ZERO, 1).unwrap();
    let [one, two] = &traffic.arrivals[..] else { panic!("{traffic:?}") };
    assert_eq!(one.members[0].player, two.members[0].player, "one player has one hash");
    for id in [TicketId::from_u128(1).to_string(), PlayerId::from_u128(7).to_string()] {
        assert!(!text.contains(id.split('-').next_back().unwrap()), "{text}");
    }
    // Another run goes on behind it, under another key.
    let both = written(dir.path(), &steps).await;
    let again = both.strip_prefix(&text).unwrap();
    assert!(again.starts_with("{\"type\":\"recording\"") && again.contains("\"start\":true"), "{again}");
    assert_ne!(text.lines().nth(1), again.lines().nth(1));
    let mut recording = Recording::default();
    both.lines().for_each(|line| recording.push(line).unwrap());
    // Who waited when the first run ended would have come again.
    assert_eq!((recording.queues()["duel"], recording.waiting(None).unwrap().len()), (3, 1));
}

/// What the rules read of who names whom is the same of the hashes.
#[tokio::test]
async fn who_names_whom_is_kept_and_names_nobody() {
    let text = r#"{"ruleLanguageVersion": "1.0",
        "playerAttributes": [{"name": "blocked", "type": "string_list", "default": []}, {"name": "friends", "type": "string_list", "default": []}],
        "teams": [{"name": "a", "minPlayers": 1, "maxPlayers": 1}, {"name": "b", "minPlayers": 1, "maxPlayers": 1}],
        "rules": [{"name": "Blocked", "type": "avoid", "attribute": "blocked"}]}"#;
    let set = gsm_rules::parse(text, gsm_rules::Dialect::Extended).unwrap().set;
    let [ann, bob] = [7, 8].map(PlayerId::from_u128);
    let naming = |step: TicketStep, alias: Option<&str>, of: &str, named: &str| {
        let TicketStep::Arrived { at, queue, mut players, naming } = step else { panic!("it comes") };
        let list = Value::List(vec![named.to_owned()]);
        players[0].1.attributes = [(of.to_owned(), list)].into();
        players[0].1.alias = alias.map(str::to_owned);
        TicketStep::Arrived { at, queue, players, naming }
    };
    for (of, named, avoided) in [
        ("blocked", bob.to_string(), true),
        ("blocked", "Bob@home".to_owned(), true),
        ("blocked", "carol".to_owned(), false),
        ("friends", bob.to_string(), false),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let one = naming(arrived(ann.as_u128()), None, of, &named);
        let two = naming(arrived(bob.as_u128()), Some("Bob@home"), of, "nobody");
        let text = written(dir.path(), &[(1, one), (2, two)]).await;
        for clear in ["plr-", "@home", "carol"] {
            assert!(!text.contains(clear), "{text}");
        }
        assert_eq!(text.contains("nobody"), of == "friends", "what names no player stays: {text}");
        let mut recording = Recording::default();
        text.lines().for_each(|line| recording.push(line).unwrap());
        let mut symbols = set.symbols();
        let parties: Vec<_> = recording
            .waiting(None)
            .unwrap()
            .iter()
            .map(|of| set.prepare(of.members, &mut symbols).unwrap())
            .collect();
        let seats: Vec<_> =
            (0..).zip(&parties).map(|(team, party)| gsm_rules::Seat { team, party }).collect();
        assert_eq!(set.stages()[0].holds(&seats), !avoided, "{of} {named}");
    }
}

/// An id is found wherever a value has it.
#[tokio::test]
async fn ids_within_texts_and_names_are_hashed() {
    let ann = PlayerId::from_u128(7);
    let TicketStep::Arrived { at, queue, mut players, naming } = arrived(7) else { panic!("it comes") };
    let big = ann.to_string().to_uppercase();
    let text = |text: String| Value::Text(text);
    players[0].1.attributes = [
        ("said".to_owned(), text(format!("é hi {ann}, {ann}{ann}!"))),
        ("big".to_owned(), text(format!("plr-plr-{big}"))),
        ("tags".to_owned(), Value::List(vec![format!("a:{ann}"), "plr-7".to_owned()])),
        ("by".to_owned(), Value::Map([(format!("with {ann}"), 1.0)].into())),
        ("own".to_owned(), text(ann.to_string())),
    ]
    .into();
    let dir = tempfile::tempdir().unwrap();
    let step = TicketStep::Arrived { at, queue, players, naming };
    let written = written(dir.path(), &[(1, step)]).await;
    let digits = "00000000000000000000000000000007";
    assert!(!written.contains(digits), "{written}");
    let line: serde_json::Value = serde_json::from_str(written.lines().nth(1).unwrap()).unwrap();
    let (player, of) = (line["players"][0]["player"].as_str().unwrap(), &line["players"][0]["attributes"]);
    assert_eq!(of["own"], *player);
    assert_eq!(of["said"], format!("é hi {player}, {player}{player}!"));
    assert_eq!(of["big"], format!("plr-plr-{player}"));
    assert_eq!(of["tags"], serde_json::json!([format!("a:{player}"), "plr-7"]));
    assert_eq!(of["by"], serde_json::json!({ format!("with {player}"): 1.0 }));
}
