//! Rule sets: kept byte for byte, listed by name, gone when deleted.
use crate::world::{World, both, keyed, refused, ticket};
use gsm_core::{Clock, CommitKey, Mode, QueueName, RuleSetName, limits};
use gsm_engine::{
    QueueConfig, TagChange,
    store::{ChangeSet, Expect, Key, Op, Row, RuleSetRow, Store},
};
use gsm_matchmaking::MatchRules;
use gsm_session::TicketState;
use std::{collections::BTreeMap, sync::Arc};

both! {
    a_rule_set_in_use_stays,
    a_rule_set_that_cannot_be_used_forms_nothing,
    a_rule_set_is_kept_as_it_came,
    listing_goes_by_name,
    tags_are_put_and_removed,
    versions_are_counted_and_kept,
    versions_have_a_limit,
}

/// With blanks that must come back.
const BODY: &str = "{ \"ruleLanguageVersion\": \"1.0\",\n\n\"teams\": [{\"name\": \"a\", \"minPlayers\": 2, \"maxPlayers\": 2}] }\n";

fn named(name: &str) -> RuleSetName {
    RuleSetName::new(name).unwrap()
}

fn tags(of: &[(&str, &str)]) -> BTreeMap<String, String> {
    of.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

async fn a_rule_set_is_kept_as_it_came(w: World) {
    let made = w.engine.create_rule_set(&w.admin(), &named("a"), BODY, tags(&[])).await.unwrap();
    w.settle();
    assert_eq!((made.body.as_str(), made.created_at), (BODY, w.admin().now));
    assert_eq!(*w.engine.rule_set(&named("a")).unwrap(), made);
    let again = w.engine.create_rule_set(&w.admin(), &named("a"), BODY, tags(&[])).await;
    refused(again, "name_taken");
    let node = w.node("other").await;
    assert_eq!(*node.rule_set(&named("a")).unwrap(), made, "another node reads it from the store");
    w.engine.delete_rule_set(&w.admin(), &named("a")).await.unwrap();
    w.settle();
    refused(w.engine.rule_set(&named("a")), "not_found");
    refused(w.engine.delete_rule_set(&w.admin(), &named("a")).await, "not_found");
    w.engine.create_rule_set(&w.admin(), &named("a"), BODY, tags(&[])).await.unwrap();
    let empty = "{\"ruleLanguageVersion\":\"1.0\",\"teams\":[]}";
    for bad in ["", "[]", "{", "{}", empty, &format!("{BODY}// all"), &" ".repeat(65_536)] {
        refused(w.engine.create_rule_set(&w.admin(), &named("b"), bad, tags(&[])).await, "invalid");
    }
}

async fn listing_goes_by_name(w: World) {
    for name in ["c", "a", "d", "b"] {
        w.engine.create_rule_set(&w.admin(), &named(name), BODY, tags(&[])).await.unwrap();
    }
    w.settle();
    let page = |after: Option<&str>, limit| {
        let rows = w.engine.rule_sets(after.map(named).as_ref(), limit);
        rows.iter().map(|row| row.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(page(None, 3), ["a", "b", "c"]);
    assert_eq!(page(Some("b"), 3), ["c", "d"]);
    assert_eq!(page(Some("bb"), 1), ["c"], "also behind one that is gone");
    assert!(page(Some("d"), 3).is_empty());
}

async fn tags_are_put_and_removed(w: World) {
    w.engine.create_rule_set(&w.admin(), &named("a"), BODY, tags(&[("k", "1"), ("l", "2")])).await.unwrap();
    let change = async |change: TagChange| w.engine.tag_rule_set(&w.admin(), &named("a"), &change).await;
    change(TagChange::Put(tags(&[("l", "3"), ("m", "4")]))).await.unwrap();
    change(TagChange::Remove(vec!["k".into(), "none".into()])).await.unwrap();
    w.settle();
    let row = w.engine.rule_set(&named("a")).unwrap();
    assert_eq!((&row.tags, row.body.as_str()), (&tags(&[("l", "3"), ("m", "4")]), BODY));
    let many: Vec<String> = (0..limits::TAGS_MAX).map(|n| format!("t{n}")).collect();
    let many = many.into_iter().map(|key| (key, String::new())).collect();
    refused(change(TagChange::Put(many)).await, "invalid");
    let none = TagChange::Remove(vec![]);
    refused(w.engine.tag_rule_set(&w.admin(), &named("b"), &none).await, "not_found");
}

async fn a_rule_set_in_use_stays(w: World) {
    w.engine.create_rule_set(&w.admin(), &named("a"), BODY, tags(&[])).await.unwrap();
    w.settle();
    let ruled = |rule_set: &str| {
        let (name, mode) = (QueueName::new("q").unwrap(), Mode::new("q").unwrap());
        QueueConfig { rule_set: Some(named(rule_set)), ..QueueConfig::new(name, mode, MatchRules::default()) }
    };
    refused(w.engine.put_queue(&w.admin(), ruled("b")).await, "not_found");
    w.put(ruled("a")).await;
    refused(w.engine.delete_rule_set(&w.admin(), &named("a")).await, "rule_set_in_use");
    w.engine.delete_queue(&w.admin(), &QueueName::new("q").unwrap()).await.unwrap();
    w.settle();
    w.engine.delete_rule_set(&w.admin(), &named("a")).await.unwrap();
}

async fn a_rule_set_that_cannot_be_used_forms_nothing(w: World) {
    let duels = BODY
        .replace("2", "1")
        .replace("}] }", "}, {\"name\": \"b\", \"minPlayers\": 1, \"maxPlayers\": 1}] }");
    w.engine.create_rule_set(&w.admin(), &named("a"), &duels, tags(&[])).await.unwrap();
    w.settle();
    let (queue, mode) = (QueueName::new("q").unwrap(), Mode::new("q").unwrap());
    let config = QueueConfig::new(queue, mode, MatchRules::default());
    w.put(QueueConfig { rule_set: Some(named("a")), ..config }).await;
    let p = w.players(3).await;
    let tickets = [w.enter("q", p[0]).await.id, w.enter("q", p[1]).await.id];
    // As one of a version that took other texts.
    let documents = w.stores.get(1).unwrap_or(&w.stores[0]);
    let write = async |nth: u128, body: &str| {
        let row = RuleSetRow { body: body.to_owned(), ..(*w.engine.rule_set(&named("a")).unwrap()).clone() };
        let mut changes = ChangeSet::new(CommitKey::from_u128(nth), w.clock.now());
        let op = Op::Put { row: Arc::new(Row::RuleSet(row)), expires_at: None };
        changes.write(Key::RuleSet(named("a")), Expect::Any, op);
        documents.commit(changes).await.unwrap();
        w.settle();
    };
    write(1, "{}").await;
    let node = w.node("later").await;
    assert_eq!((w.turn().await.matches, w.turn().await.matches), (0, 0));
    w.clock.advance_ms(61_000);
    assert_eq!((node.tick().await.matches, node.tick().await.matches), (0, 0), "nor by a start");
    w.settle();
    for engine in [&w.engine, &node] {
        let come = engine.create_ticket(&w.by(p[2]), &ticket("q", p[2])).await;
        refused(come, "rule_set_unusable");
    }
    assert_eq!(w.seen(tickets[0]).await.state, TicketState::Queued);
    write(2, &duels).await;
    for _ in 0..2 {
        node.tick().await;
        w.settle();
    }
    for ticket in tickets {
        assert_eq!(w.seen(ticket).await.state, TicketState::Completed);
    }
}

fn sized(size: usize) -> String {
    BODY.replace("\"maxPlayers\": 2", &format!("\"maxPlayers\": {size}"))
}

async fn put(w: &World, size: usize) -> u32 {
    let made = w.engine.put_rule_set(&w.admin(), &named("a"), &sized(size)).await.unwrap();
    w.settle();
    made.version
}

async fn versions_are_counted_and_kept(w: World) {
    assert_eq!([put(&w, 2).await, put(&w, 3).await, put(&w, 3).await, put(&w, 2).await], [1, 2, 2, 3]);
    let once = keyed(w.admin(), "put-5", "5");
    let made = w.engine.put_rule_set(&once, &named("a"), &sized(5)).await.unwrap();
    put(&w, 6).await;
    assert_eq!(
        w.engine.put_rule_set(&once, &named("a"), &sized(5)).await.unwrap(),
        made,
        "a key's first answer"
    );
    let sizes = |engine: &gsm_engine::Engine| {
        let versions = engine.rule_set_versions(&named("a")).unwrap();
        versions.iter().map(|of| (of.version, of.body.clone())).collect::<Vec<_>>()
    };
    let all = [(1, sized(2)), (2, sized(3)), (3, sized(2)), (4, sized(5)), (5, sized(6))];
    assert_eq!(sizes(&w.engine), all);
    assert_eq!(w.engine.rule_set(&named("a")).unwrap().body, sized(2), "the wire knows the first");
    assert_eq!(sizes(&w.node("other").await), all, "another node reads them from the store");
    w.engine.delete_rule_set_version(&w.admin(), &named("a"), 3).await.unwrap();
    w.settle();
    refused(w.engine.delete_rule_set_version(&w.admin(), &named("a"), 3).await, "not_found");
    refused(w.engine.delete_rule_set_version(&w.admin(), &named("b"), 3).await, "not_found");
    refused(w.engine.put_rule_set(&w.admin(), &named("a"), "{}").await, "invalid");
    assert_eq!(put(&w, 2).await, 6, "no number twice");
    w.engine.delete_rule_set(&w.admin(), &named("a")).await.unwrap();
    w.settle();
    refused(w.engine.rule_set_versions(&named("a")), "not_found");
    assert_eq!(put(&w, 4).await, 1, "all versions went");
    assert_eq!(sizes(&w.engine), [(1, sized(4))]);
}

async fn versions_have_a_limit(w: World) {
    for at in 0..limits::RULE_SET_VERSIONS_MAX {
        put(&w, 2 + at % 2).await;
    }
    let more = w.engine.put_rule_set(&w.admin(), &named("a"), &sized(9)).await;
    refused(more, "too_many_rule_set_versions");
    w.engine.delete_rule_set_version(&w.admin(), &named("a"), 2).await.unwrap();
    w.settle();
    put(&w, 9).await;
    w.engine.delete_rule_set(&w.admin(), &named("a")).await.unwrap();
}
