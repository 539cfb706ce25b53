//! Queues with a rule set.
use crate::world::{World, both, first_wins, mode, refused, ticket, wide};
use gsm_core::{Millis, PlayerId, QueueName, RuleSetName, TicketId};
use gsm_engine::{Explained, Intake, NewTicket, QueueConfig, store::Brought};
use gsm_rules::Value;
use gsm_session::TicketState;

both! {
    a_match_has_the_teams_of_the_rule_set,
    the_rating_is_filled_in,
    what_players_bring_is_theirs_to_bring,
    a_backfill_is_joined,
    a_rule_set_in_use_stays,
    a_queue_is_pointed_to_another_rule_set,
    a_queue_is_pointed_back_and_forth,
    a_lone_team_makes_a_match_without_result,
    a_ticket_explains_its_rules,
    waiting_tickets_survive_a_restart,
    recent_opponents_are_filled_in,
    recent_opponents_are_so_many_and_so_old,
    recent_opponents_are_of_the_mode_of_each_queue,
    who_is_avoided_is_the_same_by_any_name,
    a_backfill_is_no_party_where_there_is_no_rule_set,
}

const NEAR: &str = r#"{
    "ruleLanguageVersion": "1.0",
    "playerAttributes": [{"name": "skill", "type": "number"}, {"name": "map", "type": "string", "default": "any"}],
    "teams": [{"name": "red", "minPlayers": 1, "maxPlayers": 1}, {"name": "blue", "minPlayers": 1, "maxPlayers": 1}],
    "rules": [{"name": "Near", "type": "distance", "maxDistance": 10,
        "measurements": ["max(flatten(teams[*].players.attributes[skill]))"],
        "referenceValue": "min(flatten(teams[*].players.attributes[skill]))"}],
    "expansions": [{"target": "rules[Near].maxDistance", "steps": [{"waitTimeSeconds": 20, "value": 500}]}]
}"#;

fn set_name(name: &str) -> RuleSetName {
    RuleSetName::new(name).unwrap()
}

async fn rule_set(w: &World, name: &str, body: &str) {
    w.engine.create_rule_set(&w.admin(), &set_name(name), body, [].into()).await.unwrap();
    w.settle();
}

fn config(set: &str) -> QueueConfig {
    let mut config = QueueConfig::new(QueueName::new("duel").unwrap(), mode("duel"), wide(1));
    config.rule_set = Some(set_name(set));
    config
}

async fn near(w: &World) {
    rule_set(w, "near", NEAR).await;
    w.put(config("near")).await;
}

fn skilled(player: PlayerId, skill: f64) -> NewTicket {
    let attributes = [("skill".to_owned(), Value::Number(skill))].into();
    NewTicket { brought: vec![Brought { attributes, ..Brought::default() }], ..ticket("duel", player) }
}

async fn enter(w: &World, player: PlayerId, skill: f64) -> TicketId {
    w.engine.create_ticket(&w.server(), &skilled(player, skill)).await.unwrap().id
}

async fn a_match_has_the_teams_of_the_rule_set(w: World) {
    near(&w).await;
    let p = w.players(3).await;
    let far = enter(&w, p[0], 100.0).await;
    let tickets = [enter(&w, p[1], 50.0).await, enter(&w, p[2], 55.0).await];
    assert_eq!(w.turn().await.matches, 1);
    let rows = [w.seen(tickets[0]).await, w.seen(tickets[1]).await];
    assert_eq!(rows[0].state, TicketState::Completed);
    let mut teams: Vec<_> = rows.iter().map(|row| row.brought[0].team.clone().unwrap()).collect();
    teams.sort();
    assert_eq!(teams, ["blue", "red"]);
    let made = w.engine.match_view(&w.server(), rows[0].match_id.unwrap()).await.unwrap().row;
    assert_eq!(made.teams, ["red", "blue"]);
    assert_eq!(w.seen(far).await.state, TicketState::Searching);
    // The expansion lets everybody in.
    let late = enter(&w, w.players(4).await[3], 300.0).await;
    w.turn().await;
    assert_eq!(w.seen(late).await.state, TicketState::Searching);
    w.clock.advance_ms(20_000);
    assert_eq!(w.turn().await.matches, 1);
    assert_eq!(w.seen(far).await.match_id, w.seen(late).await.match_id);
}

async fn the_rating_is_filled_in(w: World) {
    rule_set(&w, "near", NEAR).await;
    let rated = QueueConfig { rating_attribute: Some("skill".into()), ..config("near") };
    let wrong = QueueConfig { rating_attribute: Some("map".into()), ..config("near") };
    refused(w.engine.put_queue(&w.admin(), wrong).await, "invalid");
    w.put(rated).await;
    let p = w.players(2).await;
    // What is brought under that name does not count.
    for (player, skill) in [(p[0], 1.0), (p[1], 900.0)] {
        enter(&w, player, skill).await;
    }
    assert_eq!(w.turn().await.matches, 1);
}

async fn what_players_bring_is_theirs_to_bring(w: World) {
    near(&w).await;
    let p = w.players(1).await[0];
    refused(w.engine.create_ticket(&w.by(p), &skilled(p, 3.0)).await, "invalid");
    w.put(QueueConfig { player_attributes: vec!["skill".into()], ..config("near") }).await;
    let mut wrong = skilled(p, 3.0);
    wrong.brought[0].attributes.insert("skill".into(), Value::Text("high".into()));
    refused(w.engine.create_ticket(&w.by(p), &wrong).await, "invalid");
    w.engine.create_ticket(&w.by(p), &skilled(p, 3.0)).await.unwrap();
}

async fn a_backfill_is_joined(w: World) {
    near(&w).await;
    let p = w.players(2).await;
    let mut backfill = NewTicket { intake: Intake::Backfill, ..skilled(p[0], 40.0) };
    backfill.brought[0].team = Some("blue".into());
    let backfill = w.engine.create_ticket(&w.server(), &backfill).await.unwrap().id;
    w.settle();
    assert_eq!(w.turn().await.matches, 0, "nobody joins");
    assert_eq!(w.claim(p[0]).await, None, "who plays already is not claimed");
    refused(w.engine.cancel_ticket(&w.by(p[0]), backfill).await, "forbidden");
    let new = enter(&w, p[1], 45.0).await;
    assert_eq!(w.turn().await.matches, 1);
    let rows = [w.seen(backfill).await, w.seen(new).await];
    assert_eq!(rows.each_ref().map(|row| row.state), [TicketState::Completed; 2]);
    let teams = rows.each_ref().map(|row| row.brought[0].team.clone().unwrap());
    assert_eq!(teams, ["blue", "red"]);
}

async fn a_rule_set_in_use_stays(w: World) {
    near(&w).await;
    refused(w.engine.delete_rule_set(&w.admin(), &set_name("near")).await, "rule_set_in_use");
    let unknown = QueueConfig { rule_set: Some(set_name("no-such-set")), ..config("near") };
    refused(w.engine.put_queue(&w.admin(), unknown).await, "not_found");
    w.engine.delete_queue(&w.admin(), &QueueName::new("duel").unwrap()).await.unwrap();
    w.settle();
    w.engine.delete_rule_set(&w.admin(), &set_name("near")).await.unwrap();
}

async fn a_queue_is_pointed_back_and_forth(w: World) {
    near(&w).await;
    let wide = NEAR.replace("\"maxDistance\": 10", "\"maxDistance\": 100");
    let version = w.engine.put_rule_set(&w.admin(), &set_name("near"), &wide).await.unwrap().version;
    w.settle();
    let at = |version: u32| QueueConfig { rule_set_version: Some(version), ..config("near") };
    let p = w.players(4).await;
    let first = enter(&w, p[0], 10.0).await;
    enter(&w, p[1], 90.0).await;
    for _ in 0..2 {
        assert_eq!(w.turn().await.matches, 0, "a new version alone moves no queue");
    }
    w.put(at(version)).await;
    // Tickets are read again by the first turn, and matched by the next.
    w.turn().await;
    w.turn().await;
    assert_eq!(w.seen(first).await.state, TicketState::Completed);
    let rolled_back = [enter(&w, p[2], 10.0).await, enter(&w, p[3], 90.0).await];
    w.put(at(1)).await;
    for _ in 0..3 {
        assert_eq!(w.turn().await.matches, 0);
    }
    let why = w.engine.explain(&w.by(p[2]), rolled_back[0]).await.unwrap();
    assert!(
        matches!(&why[..], [(_, Explained::Ruled(why))] if why.others == 1),
        "they wait on under the old rules"
    );
}

async fn a_queue_is_pointed_to_another_rule_set(w: World) {
    near(&w).await;
    let p = w.players(2).await;
    let tickets = [enter(&w, p[0], 10.0).await, enter(&w, p[1], 90.0).await];
    assert_eq!(w.turn().await.matches, 0);
    rule_set(&w, "wide", &NEAR.replace("\"maxDistance\": 10", "\"maxDistance\": 100")).await;
    w.put(config("wide")).await;
    // Tickets are read again by the first turn, and matched by the next.
    w.turn().await;
    w.turn().await;
    assert_eq!(w.seen(tickets[0]).await.state, TicketState::Completed);
    // And back to a window of skill.
    let p = w.players(4).await;
    for player in &p[2..] {
        w.engine.create_ticket(&w.by(*player), &ticket("duel", *player)).await.unwrap();
    }
    w.turn().await;
    w.put(QueueConfig { rule_set: None, ..config("wide") }).await;
    w.turn().await;
    assert_eq!(w.turn().await.matches, 1);
}

async fn a_lone_team_makes_a_match_without_result(w: World) {
    let body =
        r#"{"ruleLanguageVersion": "1.0", "teams": [{"name": "crew", "minPlayers": 2, "maxPlayers": 3}]}"#;
    rule_set(&w, "crew", body).await;
    w.put(config("crew")).await;
    let p = w.players(2).await;
    for player in &p {
        w.engine.create_ticket(&w.by(*player), &ticket("duel", *player)).await.unwrap();
    }
    assert_eq!(w.turn().await.matches, 1);
    let Some(gsm_engine::store::Claim::Match(id)) = w.claim(p[0]).await else { panic!("no match") };
    let report = crate::world::places(&[1], &[]);
    refused(w.engine.report_result(&w.server(), id, None, &report).await, "invalid");
    w.engine.move_match(&w.server(), id, gsm_session::MatchState::Abandoned, None).await.unwrap();
}

async fn a_ticket_explains_its_rules(w: World) {
    near(&w).await;
    let p = w.players(2).await;
    let ticket = enter(&w, p[0], 10.0).await;
    enter(&w, p[1], 90.0).await;
    w.turn().await;
    let (_, why) = w.engine.explain(&w.server(), ticket).await.unwrap().remove(0);
    let Explained::Ruled(why) = why else { panic!("{why:?}") };
    assert_eq!((why.others, why.compatible, why.binding.as_deref()), (1, 0, Some("Near")));
    let next = why.next.unwrap();
    assert_eq!((next.at, next.unlocked), (Millis::from_secs(20), 1));
    let plan: Vec<_> = why.rules[0].plan.iter().map(|of| of.by.as_str()).collect();
    assert_eq!(plan, ["index"]);
    let queue = gsm_core::QueueName::new("duel").unwrap();
    let Some(Explained::Ruled(short)) = w.engine.glance(&queue, ticket) else { panic!("no look") };
    assert_eq!((short.others, &short.binding, short.next), (1, &why.binding, why.next));
    assert_eq!(w.engine.glance(&queue, TicketId::from_u128(7)), None);
}

async fn waiting_tickets_survive_a_restart(w: World) {
    near(&w).await;
    let p = w.players(2).await;
    enter(&w, p[0], 10.0).await;
    enter(&w, p[1], 15.0).await;
    w.settle();
    let node = w.node("other").await;
    assert_eq!(node.tick().await.matches, 1);
}

const REMATCH: &str = r#"{
    "ruleLanguageVersion": "1.0",
    "playerAttributes": [{"name": "recent", "type": "string_list", "default": [], SOURCE}],
    "teams": [{"name": "red", "minPlayers": 1, "maxPlayers": 1}, {"name": "blue", "minPlayers": 1, "maxPlayers": 1}],
    "rules": [{"name": "Rematch", "type": "avoid", "attribute": "recent"}],
    "expansions": [{"target": "rules[Rematch].maxCount", "steps": [{"waitTimeSeconds": 20, "value": 2}]}]
}"#;

async fn rematch(w: &World, source: &str) {
    let source = format!(r#""source": "recentOpponents", {source}"#);
    rule_set(w, "rematch", &REMATCH.replace("SOURCE", &source)).await;
    w.put(config("rematch")).await;
}

/// These two meet and the first wins.
async fn meet(w: &World, players: &[PlayerId]) {
    let tickets = w.enter_all("duel", players).await;
    let id = w.seen(tickets[0]).await.match_id.expect("they meet");
    w.engine.report_result(&w.server(), id, None, &first_wins(players)).await.unwrap();
    w.settle();
    w.engine.tick().await;
    w.settle();
}

async fn recent(w: &World, player: PlayerId) -> Vec<String> {
    let view = w.enter("duel", player).await;
    w.engine.cancel_ticket(&w.by(player), view.id).await.unwrap();
    w.settle();
    let Some(Value::List(names)) = view.row.brought[0].attributes.get("recent") else { panic!("{view:?}") };
    names.clone()
}

async fn recent_opponents_are_filled_in(w: World) {
    rematch(&w, r#""matches": 5"#).await;
    let p = w.players(3).await;
    meet(&w, &p[..2]).await;
    let tickets = w.enter_all("duel", &p[..2]).await;
    assert_eq!(w.seen(tickets[0]).await.state, TicketState::Searching, "they have just met");
    // What a caller brings there is not looked at.
    let forged = Value::List(vec![p[0].to_string(), p[1].to_string()]);
    let attributes = [("recent".to_owned(), forged)].into();
    let brought = vec![Brought { attributes, ..Brought::default() }];
    let third = NewTicket { brought, ..ticket("duel", p[2]) };
    let third = w.engine.create_ticket(&w.server(), &third).await.unwrap().id;
    w.turn().await;
    assert_eq!(w.seen(third).await.state, TicketState::Completed);
    let alone = usize::from(w.seen(tickets[0]).await.state == TicketState::Completed);
    assert_eq!(w.seen(tickets[alone]).await.state, TicketState::Searching);

    // Scaled out or not, a node that has just begun knows it too.
    w.engine.cancel_ticket(&w.by(p[alone]), tickets[alone]).await.unwrap();
    w.settle();
    let next = w.node("next").await;
    let view = next.create_ticket(&w.by(p[alone]), &ticket("duel", p[alone])).await.unwrap();
    let met = Value::List(vec![p[1 - alone].to_string()]);
    assert_eq!(view.row.brought[0].attributes.get("recent"), Some(&met));
}

async fn recent_opponents_are_so_many_and_so_old(w: World) {
    rematch(&w, r#""matches": 2, "withinSeconds": 60"#).await;
    let p = w.players(4).await;
    assert_eq!(recent(&w, p[0]).await, Vec::<String>::new());
    for other in 1..4 {
        meet(&w, &[p[0], p[other]]).await;
        w.clock.advance_ms(25_000);
    }
    assert_eq!(recent(&w, p[0]).await, [p[3].to_string(), p[2].to_string()], "the last two, the last first");
    w.clock.advance_ms(20_000);
    assert_eq!(recent(&w, p[0]).await, [p[3].to_string()], "and no longer ago than a minute");
    let id = {
        let history = w.engine.history(&mode("duel"), p[0], None, 1).await.unwrap();
        let gsm_engine::store::Step::Match { match_id, .. } = history[0].row.step else { panic!("a match") };
        match_id
    };
    w.engine.void_result(&w.admin(), id, "never was").await.unwrap();
    w.settle();
    assert_eq!(recent(&w, p[0]).await, Vec::<String>::new(), "a void match was none");
}

async fn recent_opponents_are_of_the_mode_of_each_queue(w: World) {
    rematch(&w, r#""matches": 5"#).await;
    let other = QueueConfig::new(QueueName::new("other").unwrap(), mode("other"), wide(1));
    w.put(QueueConfig { rule_set: Some(set_name("rematch")), ..other }).await;
    let p = w.players(2).await;
    meet(&w, &p).await;
    let met = Value::List(vec![p[1].to_string()]);
    for queues in [["duel", "other"], ["other", "duel"]] {
        let also = vec![QueueName::new(queues[1]).unwrap()];
        let wish = NewTicket { also, ..ticket(queues[0], p[0]) };
        let made = w.engine.create_ticket(&w.by(p[0]), &wish).await.unwrap();
        w.settle();
        for (queue, expected) in [("duel", &met), ("other", &Value::List(Vec::new()))] {
            let seen = made.row.seen_from(&QueueName::new(queue).unwrap()).unwrap();
            assert_eq!(seen.brought[0].attributes.get("recent"), Some(expected), "{queue} of {queues:?}");
        }
        let in_duel = w.enter("duel", p[1]).await.id;
        w.turn().await;
        assert_eq!(w.seen(in_duel).await.state, TicketState::Searching, "they have just met there");
        w.engine.cancel_ticket(&w.by(p[1]), in_duel).await.unwrap();
        w.settle();
        let elsewhere = w.enter("other", p[1]).await.id;
        w.turn().await;
        let row = w.seen(elsewhere).await;
        assert_eq!(row.state, TicketState::Completed, "they have not met in that mode: {queues:?}");
        let (id, abandoned) = (row.match_id.unwrap(), gsm_session::MatchState::Abandoned);
        w.engine.move_match(&w.server(), id, abandoned, None).await.unwrap();
        w.settle();
        w.engine.tick().await;
        w.settle();
    }
}

async fn who_is_avoided_is_the_same_by_any_name(w: World) {
    rematch(&w, r#""matches": 5"#).await;
    let native = w.players(1).await[0];
    let ann = w.engine.gamelift_players(&w.server(), &["ann".to_owned()]).await.unwrap()[0];
    w.settle();
    let wire = async |own_id: &str, recent: &[String]| {
        let attributes = [("recent".to_owned(), Value::List(recent.to_vec()))].into();
        let brought = Brought { name: Some("ann".into()), attributes, ..Brought::default() };
        let own_id = gsm_core::RequestKey::new(own_id).ok();
        let intake = Intake::GameLift;
        let new = NewTicket { own_id, brought: vec![brought], intake, ..ticket("duel", ann) };
        let id = w.engine.create_ticket(&w.server(), &new).await.unwrap().id;
        w.settle();
        id
    };
    let one = w.enter("duel", native).await.id;
    wire("t-1", &[]).await;
    w.turn().await;
    let id = w.seen(one).await.match_id.expect("they meet");
    w.engine.report_result(&w.server(), id, None, &first_wins(&[native, ann])).await.unwrap();
    w.settle();
    w.engine.tick().await;
    w.settle();
    // The server fills in whom he met by id; she comes by her name.
    let one = w.enter("duel", native).await.id;
    let two = wire("t-2", &[]).await;
    w.turn().await;
    for ticket in [one, two] {
        assert_eq!(w.seen(ticket).await.state, TicketState::Searching, "they have just met");
    }
    w.engine.stop_ticket(&w.server(), two).await.unwrap();
    w.engine.cancel_ticket(&w.by(native), one).await.unwrap();
    w.settle();
    // Another who comes over the wire may name her either way.
    let bob = w.engine.gamelift_players(&w.server(), &["bob".to_owned()]).await.unwrap()[0];
    w.settle();
    for (nth, named) in ["ann".to_owned(), ann.to_string()].into_iter().enumerate() {
        let attributes = [("recent".to_owned(), Value::List(vec![named]))].into();
        let brought = Brought { name: Some("bob".into()), attributes, ..Brought::default() };
        let own_id = gsm_core::RequestKey::new(&format!("b-{nth}")).ok();
        let new =
            NewTicket { own_id, brought: vec![brought], intake: Intake::GameLift, ..ticket("duel", bob) };
        let his = w.engine.create_ticket(&w.server(), &new).await.unwrap().id;
        let hers = wire(&format!("a-{nth}"), &[]).await;
        w.turn().await;
        for ticket in [his, hers] {
            assert_eq!(w.seen(ticket).await.state, TicketState::Searching, "by name or by id");
            w.engine.stop_ticket(&w.server(), ticket).await.unwrap();
        }
        w.settle();
    }
}

async fn a_backfill_is_no_party_where_there_is_no_rule_set(w: World) {
    near(&w).await;
    let p = w.players(4).await;
    // One on each side, who play already.
    let mut backfill = NewTicket {
        intake: Intake::Backfill,
        members: vec![(p[1], None)],
        session: Some("s-1".into()),
        ..skilled(p[0], 40.0)
    };
    backfill.brought.push(backfill.brought[0].clone());
    for (brought, team) in backfill.brought.iter_mut().zip(["red", "blue"]) {
        brought.team = Some(team.into());
    }
    let backfill = w.engine.create_ticket(&w.server(), &backfill).await.unwrap().id;
    w.settle();
    let by_skill = QueueConfig { rule_set: None, rules: wide(2), ..config("near") };
    w.put(by_skill).await;
    let others = w.enter_all("duel", &p[2..]).await;
    for _ in 0..3 {
        assert_eq!(w.turn().await.matches, 0, "opponents are not put on one side");
    }
    for ticket in [backfill, others[0], others[1]] {
        assert_eq!(
            w.seen(ticket).await.state,
            if ticket == backfill { TicketState::Queued } else { TicketState::Searching }
        );
    }
    // Under a rule set again it is what it was; and its time is up like that of any other.
    w.put(config("near")).await;
    w.turn().await;
    assert_eq!(w.seen(backfill).await.state, TicketState::Searching);
    w.clock.advance_ms(600_000);
    w.turn().await;
    assert_eq!(w.seen(backfill).await.state, TicketState::TimedOut);
}
