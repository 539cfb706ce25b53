//! Judging one complete candidate: 1v1 with one distance rule, 5v5 with five rules; and what a search asks on the way.
use criterion::{Criterion, criterion_group, criterion_main};
use gsm_rules::{Dialect, Member, Party, RuleSet, Seat, Value, parse};
use std::hint::black_box;

const DUEL: &str = r#"{"ruleLanguageVersion": "1.0", "playerAttributes": [{"name": "skill", "type": "number"}],
  "teams": [{"name": "a", "minPlayers": 1, "maxPlayers": 1}, {"name": "b", "minPlayers": 1, "maxPlayers": 1}],
  "rules": [{"name": "Near", "type": "distance", "maxDistance": 100,
    "measurements": ["max(flatten(teams[*].players.attributes[skill]))"],
    "referenceValue": "min(flatten(teams[*].players.attributes[skill]))"}]}"#;

const FIVES: &str = r#"{"ruleLanguageVersion": "1.0",
  "playerAttributes": [{"name": "skill", "type": "number"}, {"name": "mode", "type": "string"}, {"name": "roles", "type": "string_list"}],
  "teams": [{"name": "red", "minPlayers": 5, "maxPlayers": 5}, {"name": "blue", "minPlayers": 5, "maxPlayers": 5}],
  "rules": [
    {"name": "Fair", "type": "distance", "maxDistance": 1000, "measurements": ["avg(teams[*].players.attributes[skill])"],
     "referenceValue": "avg(flatten(teams[*].players.attributes[skill]))"},
    {"name": "Near", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": 1000},
    {"name": "Mode", "type": "comparison", "operation": "=", "measurements": ["flatten(teams[*].players.attributes[mode])"]},
    {"name": "Healers", "type": "collection", "operation": "contains", "referenceValue": "healer", "maxCount": 6,
     "measurements": ["flatten(teams[*].players.attributes[roles])"]},
    {"name": "Ping", "type": "latency", "maxLatency": 120}]}"#;

fn member(n: usize) -> Member {
    let roles = ["tank", "healer", "scout"].iter().skip(n % 3).map(|role| (*role).to_owned()).take(1 + n % 2);
    let attributes = [
        ("skill", Value::Number(1500.0 + 37.0 * n as f64)),
        ("mode", Value::Text("ctf".to_owned())),
        ("roles", Value::List(roles.collect())),
    ];
    let latency = ["ap", "eu", "sa", "us"]
        .iter()
        .enumerate()
        .map(|(at, place)| ((*place).to_owned(), 30 + 45 * ((at + n) % 3) as u32));
    Member {
        player: format!("p{n}"),
        attributes: attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        latency_ms: latency.chain([("me".to_owned(), 60)]).collect(),
        ..Member::default()
    }
}

fn prepared(text: &str, players: usize) -> (RuleSet, Vec<Party>) {
    let set = parse(text, Dialect::Strict).unwrap().set;
    let mut symbols = set.symbols();
    let parties = (0..players).map(|n| set.prepare(&[member(n)], &mut symbols).unwrap()).collect();
    (set, parties)
}

fn judge(criterion: &mut Criterion) {
    for (name, text, players) in [("duel", DUEL, 2), ("fives", FIVES, 10)] {
        let (set, parties) = prepared(text, players);
        let seats: Vec<Seat<'_>> =
            parties.iter().enumerate().map(|(n, party)| Seat { team: (n % 2) as u8, party }).collect();
        let stage = &set.stages()[0];
        assert!(stage.holds(&seats) && stage.hopeless(&seats[1..]).is_none());
        criterion.bench_function(&format!("{name}/holds"), |b| b.iter(|| stage.holds(black_box(&seats))));
        for (rule, named) in set.rules().iter().enumerate() {
            criterion.bench_function(&format!("{name}/rule {}", named.name), |b| {
                b.iter(|| stage.verdict(black_box(rule), black_box(&seats)));
            });
        }
        criterion.bench_function(&format!("{name}/hopeless"), |b| {
            b.iter(|| stage.hopeless(black_box(&seats[1..])))
        });
        let mut symbols = set.symbols();
        criterion.bench_function(&format!("{name}/prepare"), |b| {
            b.iter(|| set.prepare(black_box(&[member(1)]), &mut symbols))
        });
    }
}

criterion_group!(benches, judge);
criterion_main!(benches);
