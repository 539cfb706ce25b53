//! What is kept of a player is shown to him, deleted when he asks, and goes by itself in time.
use crate::{
    defined::{of_scores, submitted, whole},
    gamelift::{duel as gamelift_duel, names},
    matches::made,
    world::{World, both, keyed, mode, places, refused, small_home, ticket},
};
use gsm_core::{Attribute, BoardName, Label, Millis, PlayerId, RequestKey};
use gsm_engine::{
    Ban, BanKind, Direction, ExportCursor, ExportItem, Intake, NewTicket, Operator, Penalties, Places,
    Principal, QueueConfig, Retention, Submission, Visibility, WatchWish,
    store::{Brought, Claim, FlagRow, Home, IdentityKind, Key, Row, Store, memory::Faults},
    token::{TokenKey, TokenKeys},
};
use gsm_session::{Ladder, TicketState};
use std::sync::Arc;

both! {
    nothing_says_who_an_erased_player_was,
    ranks_and_ratings_of_others_stay,
    who_signs_in_again_is_somebody_else,
    a_ban_waits_for_whoever_comes_back,
    a_ban_that_is_over_waits_for_nobody,
    who_links_a_banned_account_is_banned,
    erasing_again_changes_nothing,
    only_the_player_and_operators_erase,
    a_ticket_that_waits_ends_and_a_match_goes_on,
    what_a_late_call_wrote_goes_with_the_second_look,
    another_node_goes_on_where_one_stopped,
    a_player_has_so_many_identities_and_not_more,
    an_export_has_everything_and_nothing_of_others,
    an_export_is_for_the_player_and_operators,
    matches_go_when_their_time_is_over,
    bans_and_erasures_go_when_their_time_is_over,
    penalties_go_so_long_after_they_are_forgotten,
    one_node_at_a_time_keeps_up,
}

/// In every text that says who the player was.
const MARK: &str = "zaphod";
const SECRET: &str = "zaphod-0123456789abcdef-secret";

fn rows(w: &World) -> Vec<(Key, Arc<Row>)> {
    w.stores.iter().flat_map(|store| store.rows()).collect()
}

/// Rows that say who a player was, or lead to him.
fn traces(w: &World, player: PlayerId) -> Vec<Key> {
    let is_trace = |key: &Key, row: &Row| match (key, row) {
        (Key::Player(of) | Key::Bans(of) | Key::Watch(of, _) | Key::Told(of, _), _) => *of == player,
        (Key::IdentityOf(of, _), _) => *of == player,
        (Key::Identity(_), Row::Identity(of)) => *of == player,
        _ => format!("{row:?}").contains(MARK),
    };
    rows(w).into_iter().filter(|(key, row)| is_trace(key, row)).map(|(key, _)| key).collect()
}

async fn somebody(w: &World) -> PlayerId {
    let call = w.call(Principal::Anonymous);
    let player = w.engine.sign_in(&call, SECRET, Label::new(MARK).ok()).await.unwrap().player;
    w.engine.link_subject(&w.by(player), player, "https://a", &RequestKey::new(MARK).unwrap()).await.unwrap();
    w.settle();
    player
}

async fn keep_up(w: &World, rules: &Retention) {
    for _ in 0..40 {
        w.engine.upkeep(rules).await.unwrap();
        w.settle();
    }
}

async fn submit(w: &World, player: PlayerId, metadata: Option<&str>) {
    let of = Submission { player, values: vec![7], at: None, metadata: metadata.map(str::to_owned) };
    w.engine.submit(&w.server(), &BoardName::new("laps").unwrap(), &[of]).await.unwrap();
    w.settle();
}

/// Everything that can be said of a player is said of this one.
async fn well_known(w: &World) -> PlayerId {
    w.teams("duel", 1, None).await;
    let player = somebody(w).await;
    let column = submitted(Operator::Best, Direction::Descending);
    w.engine.put_board(&w.admin(), of_scores("laps", vec![column])).await.unwrap();
    w.settle();
    w.turn().await;
    submit(w, player, Some("zaphod was here")).await;
    let call = w.admin();
    let ban = |kind| Ban {
        kind,
        reason: "zaphod again".to_owned(),
        by: "ops".to_owned(),
        since: call.now,
        until: Some(call.now.saturating_add(Millis::from_secs(1_000_000))),
    };
    // The answers for repeats say it, too.
    let once = |key| keyed(w.admin(), key, "b");
    w.engine.ban(&once("ban"), player, &ban(BanKind::Shadow)).await.unwrap();
    w.engine.lift_ban(&once("lift"), player, "play", "zaphod is good").await.unwrap();
    w.engine.rename(&once("name"), player, Label::new(MARK).ok()).await.unwrap();
    w.settle();
    let (laps, hidden) = (BoardName::new("laps").unwrap(), Visibility::Shadow);
    w.engine.set_visibility(&call, &laps, player, hidden, "zaphod cheats").await.unwrap();
    let of_guild = Places { groups: vec![Attribute::new("zaphods").unwrap()], ..Places::default() };
    let of_guild = Places { region: Some(Attribute::new("eu").unwrap()), ..of_guild };
    w.engine.set_places(&call, player, of_guild).await.unwrap();
    w.settle();
    w.turn().await;
    let wish = WatchWish { friends: vec![], top: vec![1], personal_best: true };
    w.engine.put_watch(&w.by(player), &laps, player, wish).await.unwrap();
    let attributes = [("clan".to_owned(), gsm_rules::Value::Text(MARK.to_owned()))].into();
    let brought = vec![Brought { name: Some(MARK.to_owned()), attributes, ..Brought::default() }];
    let own_id = Some(RequestKey::new("zaphods-ticket").unwrap());
    let new = NewTicket { own_id, brought, intake: Intake::GameLift, ..ticket("duel", player) };
    // Cancelled, and kept for a day; and so is the answer for a repeat.
    let made = w.engine.create_ticket(&keyed(w.server(), "k", "b"), &new).await.unwrap();
    w.engine.cancel_ticket(&w.server(), made.id).await.unwrap();
    w.settle();
    player
}

#[tokio::test]
async fn what_others_brought_is_rewritten_in_parts() {
    let w = small_home(40 << 10);
    w.teams("duo", 2, None).await;
    let (player, friend) = (somebody(&w).await, w.players(1).await[0]);
    let latency_ms = (0..100).map(|n| (format!("{n:0140}"), 20)).collect();
    let brought = vec![
        Brought { latency_ms, ..Brought::default() },
        Brought { name: Some(MARK.to_owned()), ..Brought::default() },
    ];
    for _ in 0..6 {
        let members = vec![(player, None)];
        let new = NewTicket { members, brought: brought.clone(), ..ticket("duo", friend) };
        let made = w.engine.create_ticket(&w.server(), &new).await.unwrap();
        w.engine.cancel_ticket(&w.server(), made.id).await.unwrap();
    }
    w.settle();
    w.engine.erase_player(&w.by(player), player, None).await.unwrap();
    keep_up(&w, &Retention::default()).await;
    assert_eq!(traces(&w, player), []);
}

async fn nothing_says_who_an_erased_player_was(w: World) {
    let player = well_known(&w).await;
    assert!(traces(&w, player).len() >= 12, "{:?}", traces(&w, player));
    let mut stream = w.engine.subscribe(player, None).await.unwrap();
    let done = w.engine.erase_player(&w.by(player), player, None).await.unwrap();
    w.settle();
    assert_eq!(traces(&w, player), []);
    let kinds: Vec<&str> = done.row.identities.iter().map(|kind| kind.as_str()).collect();
    assert_eq!((kinds.len(), done.row.bans), (2, 0), "nobody is told of the shadow: {kinds:?}");
    assert!(done.row.name && done.row.external_id && done.row.by_player);
    assert!(done.row.finished_at.is_some());
    while stream.next().await.is_some() {}
    // What is nobody's stays: that he is not seen, and where he played.
    let found = rows(&w);
    let kept = |wanted: fn(&Key) -> bool| found.iter().any(|(key, _)| wanted(key));
    assert!(kept(|key| matches!(key, Key::Shade(..))) && kept(|key| matches!(key, Key::Attributes(_))));
    assert!(w.engine.is_erased(player));
    assert!(w.node("next").await.is_erased(player), "also after a restart");
    keep_up(&w, &Retention::default()).await;
    w.clock.advance_ms(60_000);
    keep_up(&w, &Retention::default()).await;
    assert!(!rows(&w).iter().any(|(key, _)| matches!(key, Key::Erasing(_))), "and nothing is left to do");
}

async fn ranks_and_ratings_of_others_stay(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(3).await;
    for pair in [[p[0], p[1]], [p[0], p[2]], [p[1], p[2]]] {
        let id = made(&w, &pair).await.id;
        w.engine.report_result(&w.server(), id, None, &places(&[1, 2], &[])).await.unwrap();
        w.settle();
    }
    let name = Label::new(MARK).ok();
    w.engine.rename(&w.by(p[0]), p[0], name).await.unwrap();
    w.settle();
    let table = || async { w.engine.top(&whole("duel"), 0, 10).await.unwrap().0 };
    let before = table().await;
    assert!(before.iter().any(|row| row.name.is_some()));
    w.engine.erase_player(&w.admin(), p[0], Some("asked by mail")).await.unwrap();
    w.settle();
    let after = table().await;
    let ranks = |rows: &[gsm_engine::BoardRow]| -> Vec<_> {
        rows.iter().map(|row| (row.player, row.rank, row.keys)).collect()
    };
    assert_eq!(ranks(&after), ranks(&before));
    assert!(after.iter().all(|row| row.name.is_none()), "the name is gone from memory too");
    let report = w.engine.rebuild(&w.admin(), &mode("duel"), false).await.unwrap();
    assert_eq!((report.players, report.differing), (3, 0));
}

async fn who_signs_in_again_is_somebody_else(w: World) {
    let player = somebody(&w).await;
    w.engine.erase_player(&w.by(player), player, None).await.unwrap();
    w.settle();
    let call = w.call(Principal::Anonymous);
    let again = w.engine.sign_in(&call, SECRET, None).await.unwrap();
    assert!(again.created && again.player != player);
    let subject = RequestKey::new(MARK).unwrap();
    let account = w.engine.player_of_subject(&call, "https://a", &subject).await.unwrap();
    assert!(![player, again.player].contains(&account));
    refused(w.engine.player(&w.admin(), player).await, "not_found");
    refused(w.engine.rename(&w.by(player), player, None).await, "not_found");
    refused(w.engine.link_subject(&w.by(player), player, "https://c", &subject).await, "not_found");
}

async fn ban_for(w: &World, player: PlayerId, kind: BanKind, days: Option<i64>) {
    let call = w.admin();
    let until = days.map(|days| call.now.saturating_add(Millis::from_secs(days as u64 * 86_400)));
    let ban = Ban { kind, reason: MARK.to_owned(), by: "ops".to_owned(), since: call.now, until };
    w.engine.ban(&call, player, &ban).await.unwrap();
    w.settle();
}

async fn erase(w: &World, player: PlayerId) {
    w.engine.erase_player(&w.by(player), player, None).await.unwrap();
    w.settle();
}

fn kept(w: &World) -> usize {
    rows(w).iter().filter(|(key, _)| matches!(key, Key::Banned(_))).count()
}

async fn a_ban_waits_for_whoever_comes_back(w: World) {
    w.teams("duel", 1, None).await;
    let player = somebody(&w).await;
    ban_for(&w, player, BanKind::Play, Some(10)).await;
    ban_for(&w, player, BanKind::Shadow, None).await;
    erase(&w, player).await;
    assert_eq!((kept(&w), traces(&w, player)), (2, vec![]), "for either way, and nothing says whose");
    // Whatever signs tokens by now.
    let [first, other] = [1, 2].map(|n| TokenKey::new([n; 32]));
    w.engine.take_token_keys(TokenKeys { signing: other, older: Vec::new(), bans: first });
    let call = w.call(Principal::Anonymous);
    let again = w.engine.sign_in(&call, SECRET, None).await.unwrap();
    assert!(again.created);
    w.settle();
    let refuse = async |player| {
        let refused = w.engine.create_ticket(&w.by(player), &ticket("duel", player)).await;
        assert_eq!(refused.unwrap_err().code(), "banned");
    };
    refuse(again.player).await;
    let bans = w.engine.bans(&w.admin(), again.player).await.unwrap();
    let ends: Vec<_> =
        bans.iter().map(|ban| (ban.kind.as_str(), ban.until.unwrap().since(w.admin().now))).collect();
    let days = |days: u64| Millis::from_secs(days * 86_400);
    assert_eq!(ends, [("play", days(10)), ("shadow", days(1_095))], "one for good has an end by now");
    // Once more, and by the other way.
    erase(&w, again.player).await;
    let subject = RequestKey::new(MARK).unwrap();
    let account = w.engine.player_of_subject(&call, "https://a", &subject).await.unwrap();
    w.settle();
    refuse(account).await;
    w.engine.lift_ban(&w.admin(), account, "play", "appeal").await.unwrap();
    w.settle();
    let third = w.engine.sign_in(&call, SECRET, None).await.unwrap().player;
    w.settle();
    refuse(third).await;
    assert_eq!(kept(&w), 0);
}

async fn a_ban_that_is_over_waits_for_nobody(w: World) {
    w.teams("duel", 1, None).await;
    let player = somebody(&w).await;
    ban_for(&w, player, BanKind::Shadow, Some(1)).await;
    ban_for(&w, player, BanKind::Play, Some(2)).await;
    w.clock.advance_ms(DAY_MS);
    erase(&w, player).await;
    w.clock.advance_ms(DAY_MS);
    let call = w.call(Principal::Anonymous);
    let again = w.engine.sign_in(&call, SECRET, None).await.unwrap().player;
    w.settle();
    w.engine.create_ticket(&w.by(again), &ticket("duel", again)).await.unwrap();
    assert_eq!(w.engine.bans(&w.admin(), again).await.unwrap(), []);
    erase(&w, again).await;
    assert!(!rows(&w).iter().any(|(key, _)| matches!(key, Key::Bans(_))));
}

async fn who_links_a_banned_account_is_banned(w: World) {
    w.teams("duel", 1, None).await;
    let player = somebody(&w).await;
    ban_for(&w, player, BanKind::Play, Some(10)).await;
    erase(&w, player).await;
    let call = w.call(Principal::Anonymous);
    let guest = w.engine.sign_in(&call, "another-0123456789abcdef", None).await.unwrap().player;
    w.settle();
    ban_for(&w, guest, BanKind::Play, Some(1)).await;
    w.engine.lift_ban(&w.admin(), guest, "play", "r").await.unwrap();
    w.settle();
    let waits = w.engine.create_ticket(&w.by(guest), &ticket("duel", guest)).await.unwrap();
    w.settle();
    let subject = RequestKey::new(MARK).unwrap();
    w.engine.link_subject(&w.by(guest), guest, "https://a", &subject).await.unwrap();
    w.settle();
    let waits = w.engine.ticket(&w.by(guest), waits.id).await.unwrap();
    assert_eq!(waits.row.state, TicketState::Cancelled);
    refused(w.engine.create_ticket(&w.by(guest), &ticket("duel", guest)).await, "banned");
}

async fn erasing_again_changes_nothing(w: World) {
    let player = somebody(&w).await;
    let call = keyed(w.by(player), "once", "erase");
    let first = w.engine.erase_player(&call, player, None).await.unwrap();
    w.clock.advance_ms(5_000);
    assert_eq!(w.engine.erase_player(&call, player, None).await.unwrap(), first);
    let other = keyed(w.admin(), "other", "erase");
    assert_eq!(w.engine.erase_player(&other, player, Some("again")).await.unwrap(), first);
    assert_eq!(w.engine.erase_player(&other, player, Some("again")).await.unwrap(), first);
    refused(
        w.engine.erase_player(&keyed(w.admin(), "other", "x"), player, None).await,
        "idempotency_mismatch",
    );
    assert_eq!(w.engine.erasure(player).await.unwrap(), first);
}

async fn only_the_player_and_operators_erase(w: World) {
    let p = w.players(2).await;
    for call in [w.by(p[1]), w.server(), w.call(Principal::Anonymous)] {
        refused(w.engine.erase_player(&call, p[0], None).await, "not_found");
    }
    let none = PlayerId::from_u128(9);
    refused(w.engine.erase_player(&w.admin(), none, Some("r")).await, "not_found");
    refused(w.engine.erasure(p[0]).await, "not_found");
    assert!(w.engine.player(&w.by(p[0]), p[0]).await.is_ok());
}

async fn a_ticket_that_waits_ends_and_a_match_goes_on(w: World) {
    w.teams("duel", 1, None).await;
    w.teams("pair", 2, Some(10)).await;
    let p = w.players(6).await;
    // A party waits with him, four are asked with him, and he plays.
    let party = NewTicket { members: vec![(p[1], None)], ..ticket("pair", p[0]) };
    let waits = w.engine.create_ticket(&w.server(), &party).await.unwrap().id;
    w.engine.erase_player(&w.by(p[1]), p[1], None).await.unwrap();
    w.settle();
    let row = w.seen(waits).await;
    assert_eq!(row.state, TicketState::Cancelled);
    assert_eq!(w.claim(p[0]).await, None, "the others can wait anew");
    refused(w.engine.create_ticket(&w.server(), &party).await, "not_found");
    let asked = w.enter_all("pair", &[p[0], p[2], p[3], p[4]]).await;
    assert_eq!(w.seen(asked[3]).await.state, TicketState::RequiresAcceptance);
    w.engine.erase_player(&w.by(p[4]), p[4], None).await.unwrap();
    w.settle();
    assert!(w.seen(asked[3]).await.state.is_terminal());
    assert!(!w.seen(asked[0]).await.state.is_terminal(), "the others wait on");
    w.engine.cancel_ticket(&w.server(), asked[0]).await.unwrap();
    w.settle();
    w.enter_all("duel", &[p[0], p[5]]).await;
    let Some(Claim::Match(id)) = w.claim(p[0]).await else { panic!("plays") };
    let done = w.engine.erase_player(&w.by(p[5]), p[5], None).await.unwrap();
    assert!(done.row.finished_at.is_some());
    w.settle();
    let view = w.engine.report_result(&w.server(), id, None, &places(&[1, 2], &[])).await.unwrap();
    assert_eq!(view.row.changes.len(), 2, "it counts for both");
    w.turn().await;
    assert_eq!(w.claim(p[0]).await, None);
}

/// Writes as a call would that read the player before he was erased.
async fn write_late(w: &World, player: PlayerId) {
    let key = Key::Entry(BoardName::new("laps").unwrap(), 0, player);
    let (store, rows) = w
        .stores
        .iter()
        .find_map(|store| {
            let rows: Vec<_> = store.rows().into_iter().filter(|(of, _)| *of == key).collect();
            (!rows.is_empty()).then_some((store.clone(), rows))
        })
        .unwrap();
    let Row::Entry(entry) = &*rows[0].1 else { panic!("an entry") };
    let mut entry = entry.clone();
    entry.metadata = Some("zaphod is late".to_owned());
    let version = store.get(std::slice::from_ref(&key)).await.unwrap()[0].as_ref().unwrap().version;
    let mut changes = gsm_engine::store::ChangeSet::new(
        gsm_core::CommitKey::from_u128(77),
        gsm_core::Clock::now(&*w.clock),
    );
    changes.replace(key, Some(version), Row::Entry(entry));
    store.commit(changes).await.unwrap();
    w.settle();
}

/// Two who met too often, as was found out before.
async fn flag(w: &World, one: PlayerId, other: PlayerId) {
    let at = gsm_core::Clock::now(&*w.clock);
    let row =
        FlagRow { raised_at: at, at, meetings: 9, expected: 1.0, matches: [9, 9], wins: [9, 0], players: 6 };
    let key = Key::Flag(mode("duel"), one.min(other), one.max(other));
    let mut changes =
        gsm_engine::store::ChangeSet::new(gsm_core::CommitKey::from_u128(one.as_u128() ^ 78), at);
    changes.create(key, Row::Flag(Box::new(row)));
    // The first is that of the record home, or of all.
    w.stores[0].commit(changes).await.unwrap();
    w.settle();
}

/// A way to sign in that a stale list did not have when the player was erased.
async fn identity_left(w: &World, player: PlayerId) {
    let store = w.stores.get(1).or(w.stores.first()).unwrap();
    let key = gsm_core::CommitKey::from_u128(78);
    let mut changes = gsm_engine::store::ChangeSet::new(key, gsm_core::Clock::now(&*w.clock));
    changes.create(Key::Identity([9; 32]), Row::Identity(player));
    changes.create(Key::IdentityOf(player, [9; 32]), Row::IdentityOf(IdentityKind::Subject));
    store.commit(changes).await.unwrap();
    w.settle();
}

async fn what_a_late_call_wrote_goes_with_the_second_look(w: World) {
    let player = well_known(&w).await;
    w.engine.erase_player(&w.by(player), player, None).await.unwrap();
    w.settle();
    write_late(&w, player).await;
    identity_left(&w, player).await;
    keep_up(&w, &Retention::default()).await;
    assert_eq!(traces(&w, player).len(), 3, "not yet");
    w.clock.advance_ms(60_000);
    keep_up(&w, &Retention::default()).await;
    assert_eq!(traces(&w, player), []);
    // A score for somebody who is no more is refused.
    let of = Submission { player, values: vec![9], at: None, metadata: Some("zaphod".to_owned()) };
    let laps = BoardName::new("laps").unwrap();
    refused(w.engine.submit(&w.server(), &laps, &[of]).await, "not_found");
}

async fn another_node_goes_on_where_one_stopped(w: World) {
    let player = well_known(&w).await;
    // The store takes the decision and nothing after it.
    let call = w.by(player);
    let of = w.engine.erase_player(&call, player, None);
    let mut of = Box::pin(of);
    let decided = |w: &World| rows(w).iter().any(|(key, _)| matches!(key, Key::Erased(_)));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    w.stores.iter().for_each(|store| store.set_faults(Faults { yields_max: 1, ..Faults::NONE }));
    while !decided(&w) {
        assert!(of.as_mut().poll(&mut context).is_pending(), "it takes more than one commit");
    }
    drop(of);
    w.stores.iter().for_each(|store| store.set_faults(Faults::NONE));
    w.settle();
    assert!(traces(&w, player).len() > 3, "{:?}", traces(&w, player));
    let next = w.node("next").await;
    for _ in 0..20 {
        next.upkeep(&Retention::default()).await.unwrap();
        w.settle();
    }
    assert_eq!(traces(&w, player), []);
    assert!(next.erasure(player).await.unwrap().row.finished_at.is_some());
}

async fn a_player_has_so_many_identities_and_not_more(w: World) {
    let player = somebody(&w).await;
    let link = |n: usize| {
        let (w, subject) = (&w, RequestKey::new(&format!("subject-{n}")).unwrap());
        async move { w.engine.link_subject(&w.by(player), player, "https://b", &subject).await }
    };
    for n in 2..gsm_core::limits::IDENTITIES_MAX {
        link(n).await.unwrap();
    }
    refused(link(99).await, "invalid");
    let done = w.engine.erase_player(&w.by(player), player, None).await.unwrap();
    assert_eq!(done.row.identities.len(), gsm_core::limits::IDENTITIES_MAX);
    w.settle();
    assert_eq!(traces(&w, player), []);
}

async fn export(w: &World, call: &gsm_engine::Call, player: PlayerId) -> Vec<ExportItem> {
    let (mut from, mut items) = (ExportCursor::default(), Vec::new());
    loop {
        let page = w.engine.export_player(call, player, &from).await.unwrap();
        items.extend(page.items);
        let Some(next) = page.next else { return items };
        assert_eq!(ExportCursor::decode(&next.encode()), Some(next.clone()));
        from = next;
    }
}

async fn an_export_has_everything_and_nothing_of_others(w: World) {
    let player = well_known(&w).await;
    let other = w.players(1).await[0];
    let id = made(&w, &[player, other]).await.id;
    w.engine.report_result(&w.server(), id, None, &places(&[1, 2], &[])).await.unwrap();
    w.settle();
    w.turn().await;
    let running = made(&w, &[player, other]).await.id;
    made(&w, &[other, w.engine.sign_in(&w.admin(), "third-0123456789abcdef", None).await.unwrap().player])
        .await;
    gamelift_duel(&w, None).await;
    let strangers = w.engine.gamelift_players(&w.server(), &names(&["trillian"])).await.unwrap();
    let brought = vec![
        Brought { name: Some(MARK.to_owned()), ..Brought::default() },
        Brought { name: Some("trillian".to_owned()), ..Brought::default() },
    ];
    w.teams("pair", 2, None).await;
    let members = vec![(strangers[0], None)];
    let new = NewTicket { brought, members, intake: Intake::GameLift, ..ticket("pair", player) };
    w.engine.create_ticket(&w.server(), &new).await.unwrap();
    w.settle();
    flag(&w, player, other).await;
    flag(&w, other, strangers[0]).await;
    let mine = export(&w, &w.by(player), player).await;
    let of = |wanted: fn(&ExportItem) -> bool| mine.iter().filter(|item| wanted(item)).count();
    let Some(ExportItem::Account(account)) = mine.first() else { panic!("{mine:?}") };
    assert_eq!((account.identities.len(), account.places.groups.len()), (2, 1));
    assert!(account.claim.is_some());
    assert_eq!(of(|item| matches!(item, ExportItem::Rating(..))), 1);
    assert_eq!(of(|item| matches!(item, ExportItem::Learnt(_, of) if of.matches == 1 && of.wins == 1.0)), 1);
    assert_eq!(of(|item| matches!(item, ExportItem::Flag(_))), 0, "nobody is told of a suspicion");
    assert_eq!(of(|item| matches!(item, ExportItem::Step(..))), 1);
    assert_eq!(of(|item| matches!(item, ExportItem::Watch(..))), 1);
    assert_eq!(of(|item| matches!(item, ExportItem::Ticket(_))), 2);
    let entry = |item: &ExportItem| match item {
        ExportItem::Entry(_, 0, row) => row.metadata.as_deref() == Some("zaphod was here"),
        _ => false,
    };
    assert_eq!(mine.iter().filter(|item| entry(item)).count(), 1);
    let matches: Vec<_> = mine
        .iter()
        .filter_map(|item| {
            if let ExportItem::Match(view) = item { Some((view.id, view.result.is_some())) } else { None }
        })
        .collect();
    assert_eq!(matches, [(running, false), (id, true)]);
    assert!(!format!("{mine:?}").contains("trillian"), "what others brought is theirs");
    assert!(!format!("{mine:?}").contains("Shadow") && !format!("{mine:?}").contains("shadow: true"));
    let all = export(&w, &w.admin(), player).await;
    let more = |wanted: fn(&ExportItem) -> bool| all.iter().filter(|item| wanted(item)).count();
    assert_eq!(more(|item| matches!(item, ExportItem::Ban(ban) if ban.kind == BanKind::Shadow)), 1);
    assert_eq!(more(|item| matches!(item, ExportItem::Hidden(..))), 1);
    assert_eq!(more(|item| matches!(item, ExportItem::Flag(of) if of.row.meetings == 9)), 1);
}

async fn an_export_is_for_the_player_and_operators(w: World) {
    let p = w.players(2).await;
    let from = ExportCursor::default();
    for call in [w.by(p[1]), w.server()] {
        refused(w.engine.export_player(&call, p[0], &from).await, "not_found");
    }
    for bytes in [&[][..], &[8], &[200], &[1, 1]] {
        assert_eq!(ExportCursor::decode(bytes), None, "{bytes:?}");
    }
    w.engine.erase_player(&w.by(p[0]), p[0], None).await.unwrap();
    w.settle();
    refused(w.engine.export_player(&w.admin(), p[0], &from).await, "not_found");
}

const DAY_MS: i64 = 86_400_000;

fn days(of: i64) -> Option<Millis> {
    Some(Millis::from_secs(of as u64 * 86_400))
}

async fn matches_go_when_their_time_is_over(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(2).await;
    let rules = Retention { matches: days(30), every: Millis::from_secs(3_600), ..Retention::default() };
    let mut ids = Vec::new();
    for _ in 0..2 {
        let id = made(&w, &p).await.id;
        w.engine.report_result(&w.server(), id, None, &places(&[1, 2], &[])).await.unwrap();
        w.turn().await;
        ids.push(id);
        w.clock.advance_ms(20 * DAY_MS);
    }
    let archived = || rows(&w).iter().filter(|(key, _)| matches!(key, Key::Archive(_))).count();
    assert_eq!(archived(), 2);
    keep_up(&w, &Retention { matches: None, ..rules }).await;
    assert_eq!(archived(), 2, "for ever");
    w.clock.advance_ms(3_600_000);
    keep_up(&w, &rules).await;
    assert_eq!(archived(), 1, "the older one is gone");
    // Its result is not, nor what follows from it.
    let view = w.engine.match_view(&w.by(p[0]), ids[0]).await.unwrap();
    assert!(view.result.is_some());
    let report = w.engine.rebuild(&w.admin(), &mode("duel"), false).await.unwrap();
    assert_eq!((report.results, report.differing), (2, 0));
    w.engine.void_result(&w.admin(), ids[0], "late").await.unwrap();
    w.clock.advance_ms(10 * DAY_MS);
    keep_up(&w, &rules).await;
    assert_eq!(archived(), 0);
}

async fn bans_and_erasures_go_when_their_time_is_over(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(3).await;
    let rules = Retention {
        bans: days(30),
        penalties: days(30),
        erasures: days(100),
        every: Millis::from_secs(3_600),
        ..Retention::default()
    };
    let call = w.admin();
    let ban = |kind, days: i64| Ban {
        kind,
        reason: "r".to_owned(),
        by: "ops".to_owned(),
        since: call.now,
        until: Some(call.now.saturating_add(Millis::from_secs(days as u64 * 86_400))),
    };
    w.engine.ban(&call, p[0], &ban(BanKind::Play, 1)).await.unwrap();
    w.engine.ban(&call, p[0], &ban(BanKind::Shadow, 50)).await.unwrap();
    w.engine.ban(&call, p[1], &ban(BanKind::Play, 1)).await.unwrap();
    w.settle();
    w.engine.erase_player(&call, p[2], Some("asked")).await.unwrap();
    w.settle();
    let count = |wanted: fn(&Key) -> bool| rows(&w).iter().filter(|(key, _)| wanted(key)).count();
    let stored_bans = |w: &World| -> usize {
        rows(w).iter().map(|(_, row)| if let Row::Bans(all) = &**row { all.len() } else { 0 }).sum()
    };
    w.clock.advance_ms(30 * DAY_MS);
    keep_up(&w, &rules).await;
    assert_eq!(stored_bans(&w), 3, "a day after the end is not thirty");
    w.clock.advance_ms(DAY_MS);
    keep_up(&w, &rules).await;
    assert_eq!((stored_bans(&w), count(|key| matches!(key, Key::Bans(_)))), (1, 1));
    assert!(w.engine.is_erased(p[2]));
    w.clock.advance_ms(70 * DAY_MS);
    keep_up(&w, &rules).await;
    assert_eq!(stored_bans(&w), 0);
    assert_eq!(count(|key| matches!(key, Key::Erased(_))), 0);
    refused(w.engine.erasure(p[2]).await, "not_found");
}

async fn penalties_go_so_long_after_they_are_forgotten(w: World) {
    let day = Millis::from_secs(86_400);
    let leave = Ladder { locks_ms: vec![day], forget_after_ms: day };
    let penalties = Some(Penalties { leave: Some(leave), ..Penalties::default() });
    let config = w.teams("duel", 1, None).await;
    w.put(QueueConfig { penalties, ..config }).await;
    let p = w.players(2).await;
    let id = made(&w, &p).await.id;
    w.settle();
    w.engine.report_leavers(&w.server(), id, &p[..1]).await.unwrap();
    w.settle();
    let rules = Retention { penalties: days(30), every: Millis::from_secs(3_600), ..Retention::default() };
    let kept = || rows(&w).iter().filter(|(key, _)| matches!(key, Key::Leaves(..))).count();
    w.clock.advance_ms(31 * DAY_MS);
    keep_up(&w, &rules).await;
    assert_eq!((kept(), w.engine.penalties(&w.admin(), p[0]).await.unwrap()), (1, vec![]), "forgotten");
    w.clock.advance_ms(DAY_MS);
    keep_up(&w, &rules).await;
    assert_eq!(kept(), 0);
}

async fn one_node_at_a_time_keeps_up(w: World) {
    let rules = Retention::default();
    assert!(w.engine.upkeep(&rules).await.unwrap().more);
    w.settle();
    let next = w.node("next").await;
    assert!(!next.upkeep(&rules).await.unwrap().more, "another has the lease");
    assert_eq!(
        (Key::Upkeep.home(), Key::Erased(PlayerId::from_u128(1)).home()),
        (Home::Live, Home::Document)
    );
    // Once nobody renews it, it is taken over.
    let mut taken = false;
    for _ in 0..12 {
        w.clock.advance_ms(10_000);
        taken |= next.upkeep(&rules).await.unwrap().more;
        w.settle();
    }
    assert!(taken);
}
