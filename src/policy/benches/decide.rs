//! What a decision costs: found beforehand, and by Cedar. The goal is 60 µs for token check and decision together.
#![allow(missing_docs, clippy::unwrap_used, reason = "a bench")]
use criterion::{Criterion, criterion_group, criterion_main};
use gsm_policy::{Operation, Policies, Question, Resource, SHIPPED, Who};
use std::{collections::BTreeSet, hint::black_box};

/// Named by a policy of its own alone.
const QUEUE: &str = "gsm:GetQueue";

/// The actions that a policy names.
fn actions(text: &str) -> impl Iterator<Item = String> {
    text.split("Action::\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .filter(|name| name.starts_with("gsm:"))
        .map(str::to_owned)
}

/// A table as large as the server's.
fn operations() -> Vec<Operation> {
    let roles: Vec<String> = ["player", "server", "admin"].map(str::to_owned).to_vec();
    let operation = |action: String| Operation {
        needs_reason: action == "gsm:DeleteQueue",
        mutating: action.contains("Delete") || action.contains("Rename"),
        action,
        roles: roles.clone(),
        resource: "Queue".into(),
        parameters: vec!["queue".into()],
    };
    let named: BTreeSet<String> = SHIPPED.iter().flat_map(|(_, text)| actions(text)).collect();
    let queues = [QUEUE.to_owned()];
    named
        .into_iter()
        .chain(queues)
        .chain((0..110).map(|n| format!("gsm:Operation{n}")))
        .map(operation)
        .collect()
}

fn decide(c: &mut Criterion) {
    let mut files: Vec<_> = SHIPPED.iter().map(|(n, t)| ((*n).to_owned(), (*t).to_owned())).collect();
    let own = r#"@id("office") forbid (principal, action == Action::"gsm:GetQueue", resource == Queue::"cup")
                 unless { context.address.isInRange(ip("10.0.0.0/8")) };"#;
    files.push(("own.cedar".into(), own.into()));
    let policies = Policies::load(&operations(), &files).unwrap();
    let context = [("queue", "cup"), ("address", "10.1.2.3"), ("reason", "over")];
    let ask = |action| Question {
        who: Who { kind: "admin", id: "key-1", admin: Some("owner") },
        action,
        resource: Resource { kind: "Queue", id: "cup" },
        context: &context,
    };
    assert!(
        policies.known(&ask("gsm:Operation7")).is_some() && policies.known(&ask("gsm:GetQueue")).is_none()
    );
    c.bench_function("known beforehand", |b| {
        b.iter(|| policies.decide(black_box(&ask("gsm:Operation7"))).allowed)
    });
    c.bench_function("by Cedar", |b| b.iter(|| policies.decide(black_box(&ask("gsm:GetQueue"))).allowed));
    c.bench_function("by Cedar, with a reason", |b| {
        b.iter(|| policies.decide(black_box(&ask("gsm:DeleteQueue"))).allowed);
    });
    c.bench_function("loading", |b| b.iter(|| Policies::load(&operations(), &files).is_ok()));
}

criterion_group!(benches, decide);
criterion_main!(benches);
