use super::*;
use crate::{Caller, Entry, Face, List, NetworkSet, Profile, RuleConfig, rules};
use std::{
    cell::Cell,
    sync::atomic::{AtomicU64, Ordering},
};

const NO_HEADER: &dyn Fn(&str) -> Option<&'static [u8]> = &|_| None;

fn request(address: &str, action: Option<&'static str>, moment: Moment<'static>) -> Request<'static> {
    Request {
        address: address.parse().unwrap(),
        face: Face::Native,
        method: "GET",
        path: "/v1/x",
        action,
        header: NO_HEADER,
        moment,
    }
}
fn player(id: u128) -> Moment<'static> {
    Moment::Known(Caller { role: "player", is_player: true, id: Some(id) })
}
fn key(id: u128) -> Moment<'static> {
    Moment::Known(Caller { role: "server", is_player: false, id: Some(id) })
}
const NOBODY: Moment<'static> = Moment::Known(Caller { role: "none", is_player: false, id: None });

fn list(entries: Vec<Entry>) -> List {
    List { written: Arc::new(NetworkSet::new(entries)), stored: Arc::default() }
}
fn made(profile: Profile, written: &[RuleConfig], keys_max: usize) -> Firewall {
    let plan = Plan {
        rules: rules(&profile.rules(), written).unwrap(),
        keys_max,
        deny_counts_only: false,
        exempt_paths: profile.exempt_paths().iter().map(ToString::to_string).collect(),
    };
    let lists = Lists { deny: list(profile.denied()), allow: list(profile.allowed()) };
    Firewall::new(plan, Arc::new(lists), 1)
}
fn written(json: serde_json::Value) -> Vec<RuleConfig> {
    serde_json::from_value(json).unwrap()
}
fn at(ms: u64) -> Now<impl Fn() -> u64> {
    Now { monotonic: move || ms, at: Timestamp::from_millis(ms as i64) }
}
fn passes(firewall: &Firewall, request: &Request<'_>, ms: u64) -> bool {
    matches!(firewall.decide(request, at(ms)), Verdict::Allow { .. })
}
fn remaining(firewall: &Firewall, request: &Request<'_>, ms: u64) -> Option<(String, u32)> {
    match firewall.decide(request, at(ms)) {
        Verdict::Allow { quota: Some(quota) } => Some((quota.name.to_string(), quota.remaining)),
        _ => None,
    }
}

/// How many of 3,000 such requests pass at one instant, and the refusal of the last.
fn check(profile: Profile, requests: &[Request<'_>], passing: usize, refusal: Option<(&str, u16)>) {
    let firewall = made(profile, &[], 100_000);
    let verdicts: Vec<_> =
        (0..3_000).map(|i| firewall.decide(&requests[i % requests.len()], at(5))).collect();
    assert_eq!(verdicts.iter().filter(|v| matches!(v, Verdict::Allow { .. })).count(), passing);
    let last = match &verdicts[2_999] {
        Verdict::Deny { rule, status, .. } => Some((&**rule, *status)),
        Verdict::Allow { .. } => None,
    };
    assert_eq!(last, refusal);
}

#[test]
fn each_rule_of_the_default_profile_counts() {
    let check = |action, moment, passing, rule| {
        check(Profile::Default, &[request("192.0.2.1", action, moment)], passing, Some((rule, 429)));
    };
    check(None, Moment::Arrival, 2_000, "address");
    check(Some("gsm:CreateTicket"), Moment::Arrival, 2_000, "address");
    check(Some("gsm:SignIn"), Moment::Arrival, 5, "sign_in");
    check(None, Moment::BadToken, 10, "bad_token");
    check(Some("gsm:CreateTicket"), player(1), 20, "ticket_create");
    check(Some("gsm:GetRank"), player(1), 60, "rank_read");
    check(Some("gsm:ReportResult"), key(1), 600, "result");
}

#[test]
fn aws_clients_are_counted_by_key_or_address_and_nowhere_else() {
    let of = |moment| Request { face: Face::Gamelift, ..request("192.0.2.1", None, moment) };
    check(Profile::TestLimit, &[of(NOBODY)], 100, Some(("aws_client", 429)));
    check(Profile::TestLimit, &[of(key(1)), of(key(2))], 200, Some(("aws_client", 429)));
    check(Profile::TestLimit, &[of(Moment::Arrival)], 3_000, None);
    check(Profile::Default, &[of(NOBODY)], 3_000, None);
}

#[test]
fn a_player_is_counted_across_addresses_and_an_address_across_players() {
    let from = |address| request(address, Some("gsm:GetRank"), player(1));
    check(Profile::TestLimit, &[from("192.0.2.1"), from("192.0.2.2")], 60, Some(("player", 429)));
    let from = |address| request(address, None, Moment::Arrival);
    check(Profile::TestLimit, &[from("192.0.2.1"), from("192.0.2.2")], 200, Some(("address", 429)));
}

#[test]
fn a_server_that_reports_results_is_no_player() {
    check(Profile::TestLimit, &[request("192.0.2.1", Some("gsm:ReportResult"), key(1))], 3_000, None);
}

#[test]
fn the_lists_come_before_the_limits() {
    let from = |address| [request(address, None, Moment::Arrival)];
    check(Profile::TestLimit, &from("127.0.0.66"), 0, Some((DENIED_ADDRESS, 403)));
    check(Profile::TestLimit, &from("::ffff:127.0.0.66"), 0, Some((DENIED_ADDRESS, 403)));
    check(Profile::TestLimit, &from("127.0.0.77"), 3_000, None);
    check(Profile::Default, &from("127.0.0.66"), 2_000, Some(("address", 429)));
}

#[test]
fn exempt_paths_pass_uncounted_but_not_from_a_denied_address() {
    let to = |address, path| Request { path, ..request(address, None, Moment::Arrival) };
    check(Profile::TestLimit, &[to("192.0.2.1", "/healthz")], 3_000, None);
    check(Profile::TestLimit, &[to("192.0.2.1", "/healthz/x")], 100, Some(("address", 429)));
    check(Profile::TestLimit, &[to("127.0.0.66", "/healthz")], 0, Some((DENIED_ADDRESS, 403)));
}

#[test]
fn a_load_test_meets_no_limit() {
    check(Profile::TestLenient, &[request("192.0.2.1", Some("gsm:SignIn"), Moment::Arrival)], 3_000, None);
}

#[test]
fn a_request_that_one_rule_refuses_counts_in_no_other() {
    let firewall = made(Profile::Default, &[], 100);
    let sign_in = request("::1", Some("gsm:SignIn"), Moment::Arrival);
    let plain = request("::1", None, Moment::Arrival);
    for left in (0..5).rev() {
        assert_eq!(remaining(&firewall, &sign_in, 0), Some(("sign_in".into(), left)));
    }
    (0..10).for_each(|_| assert_eq!(remaining(&firewall, &sign_in, 0), None));
    assert_eq!(remaining(&firewall, &plain, 0), Some(("address".into(), 1_994)));
    // The other way round: what the address may not do is no sign-in.
    (0..1_994).for_each(|_| assert!(remaining(&firewall, &plain, 0).is_some()));
    let Verdict::Deny { rule, quota: Some(quota), .. } = firewall.decide(&sign_in, at(20_000)) else {
        panic!()
    };
    assert_eq!((&*rule, quota.remaining, quota.reset_ms), ("address", 0, 280_001));
    let report = firewall.report();
    let of = |name: &str| report.iter().find(|one| *one.rule.name == *name).unwrap().tally.clone();
    assert_eq!((of("sign_in").passed(), of("sign_in").blocked()), (5, 10));
    assert_eq!((of("address").passed(), of("address").blocked()), (2_000, 1));
    assert_eq!(firewall.blocks()[&Arc::from("sign_in")], 10);
}

#[test]
fn a_bad_token_is_not_a_second_request() {
    let firewall = made(Profile::Default, &[], 100);
    passes(&firewall, &request("::1", None, Moment::Arrival), 0);
    passes(&firewall, &request("::1", None, Moment::BadToken), 0);
    let next = remaining(&firewall, &request("::1", None, Moment::Arrival), 0);
    assert_eq!(next, Some(("address".into(), 1_998)));
}

#[test]
fn a_rule_that_only_counts_lets_pass_and_remembers() {
    let rule = serde_json::json!([
        { "name": "mine", "key": "address", "limit": 2, "window_s": 10, "action": "count" }
    ]);
    let firewall = made(Profile::Default, &written(rule), 100);
    let plain = request("192.0.2.1", None, Moment::Arrival);
    (0..5).for_each(|i| assert!(passes(&firewall, &plain, 1 + i * 200)));
    let (tally, blocks) = (firewall.report()[0].tally.clone(), firewall.blocks());
    assert_eq!((tally.passed(), tally.counted(), tally.blocked()), (2, 3, 0));
    assert_eq!(blocks[&Arc::from("mine")], 0);
    let samples = tally.samples();
    assert_eq!(samples.len(), 3, "newest first: {samples:?}");
    assert_eq!((samples[0].at, samples[0].path.as_str()), (Timestamp::from_millis(801), "/v1/x"));
    // Its quota is nobody's business.
    assert_eq!(remaining(&firewall, &plain, 900).unwrap().0, "address");
}

#[test]
fn samples_are_few_in_a_flood() {
    let firewall = made(Profile::TestLimit, &[], 100);
    let denied = request("127.0.0.66", None, Moment::Arrival);
    (0..100_000).for_each(|i| drop(firewall.decide(&denied, at(1 + i / 10))));
    let (tally, _) = firewall.denied();
    assert_eq!((tally.blocked(), tally.samples().len()), (100_000, crate::SAMPLES_MAX));
}

#[test]
fn other_rules_give_nobody_a_new_budget() {
    let rule = |limit: u32| {
        let json = serde_json::json!([{ "name": "mine", "key": "address", "limit": limit, "window_s": 10 }]);
        rules(&[], &written(json)).unwrap()
    };
    let plan = Plan { rules: rule(2), keys_max: 100, deny_counts_only: false, exempt_paths: vec![] };
    let first = Firewall::new(plan, Arc::default(), 1);
    let plain = request("192.0.2.1", None, Moment::Arrival);
    assert!(passes(&first, &plain, 0) && passes(&first, &plain, 0));
    let same = first.with_rules(rule(2)).with_lists(Arc::default());
    assert!(!passes(&same, &plain, 0) && !passes(&first, &plain, 0));
    let more = same.with_rules(rule(4));
    assert!(passes(&more, &plain, 0) && passes(&more, &plain, 0) && !passes(&more, &plain, 0));
    assert_eq!(more.report()[0].tally.blocked(), 3, "what it did stays");
    let fewer = more.with_rules(rule(3));
    assert!(
        !passes(&fewer, &plain, 0) && !passes(&fewer.with_rules(rule(4)), &plain, 0),
        "so does whom it blocks"
    );
    let deny = Entry { network: "192.0.2.0/24".parse().unwrap(), until: None };
    let denied = same.with_lists(Arc::new(Lists { deny: list(vec![deny]), ..Lists::default() }));
    assert!(matches!(denied.decide(&plain, at(99_999)), Verdict::Deny { status: 403, .. }));
}

#[test]
fn a_rule_may_refuse_with_403() {
    let rule = serde_json::json!([
        { "name": "mine", "key": "address", "limit": 1, "window_s": 10, "status": 403 }
    ]);
    let firewall = made(Profile::Default, &written(rule), 100);
    let plain = request("192.0.2.1", None, Moment::Arrival);
    assert!(passes(&firewall, &plain, 0));
    assert!(matches!(firewall.decide(&plain, at(0)), Verdict::Deny { status: 403, quota: Some(_), .. }));
}

#[test]
fn a_full_table_refuses_newcomers_and_frees_nobody_whom_it_blocks() {
    let firewall = made(Profile::TestLimit, &[], 16);
    let blocked = request("192.0.2.1", None, Moment::Arrival);
    (0..100).for_each(|_| assert!(passes(&firewall, &blocked, 0)));
    for i in 0..10_000u32 {
        let address = IpAddrs(i).to_string();
        passes(&firewall, &request(&address, None, Moment::Arrival), 1);
    }
    assert!(!passes(&firewall, &blocked, 10_000));
    assert!(firewall.report().iter().all(|one| one.keys <= 16));
    assert!(passes(&firewall, &blocked, 10_001));
}

struct IpAddrs(u32);
impl std::fmt::Display for IpAddrs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::net::Ipv4Addr::from(0x0a00_0000 + self.0).fmt(f)
    }
}

#[test]
fn explaining_says_of_each_rule_why_it_does_not_count() {
    let firewall = made(Profile::Default, &[], 100);
    let of = |moments: &[Moment<'static>]| -> Vec<(String, Result<(), Miss>)> {
        let asked = request("192.0.2.1", Some("gsm:CreateTicket"), Moment::Arrival);
        let explained = firewall.explain(&asked, moments).into_iter();
        explained.map(|(rule, found)| (rule.name.to_string(), found)).collect()
    };
    let found = of(&[Moment::Arrival, player(1)]);
    let counted: Vec<_> =
        found.iter().filter(|(_, found)| found.is_ok()).map(|(name, _)| name.as_str()).collect();
    assert_eq!(counted, ["ticket_create", "address"]);
    assert!(found.contains(&("rank_read".into(), Err(Miss::Action))));
    assert!(found.contains(&("aws_client".into(), Err(Miss::Face))));
    assert!(found.contains(&("bad_token".into(), Err(Miss::Moment))));
    // Whose token proves bad has arrived before.
    let found = of(&[Moment::Arrival, Moment::BadToken, NOBODY]);
    for (name, wanted) in [("bad_token", Ok(())), ("address", Ok(())), ("ticket_create", Err(Miss::Key))] {
        assert!(found.contains(&(name.into(), wanted)), "{name}: {found:?}");
    }
}

thread_local! {
    static READ: Cell<u64> = const { Cell::new(0) };
}

/// Sixteen threads ask for the same addresses as fast as they can, under two rules at once, by a clock that moves with
/// every look. Of what passed, no window of any rule and key holds more than the limit.
#[test]
fn no_window_holds_one_too_many_with_sixteen_threads() {
    let rule = serde_json::json!([
        { "name": "burst", "key": "address", "limit": 7, "window_s": 1 },
        { "name": "steady", "key": "address", "limit": 30, "window_s": 10 },
        { "name": "game", "key": "header:x-game", "limit": 40, "window_s": 10 },
    ]);
    let plan = Plan {
        rules: rules(&[], &written(rule)).unwrap(),
        keys_max: 10_000,
        deny_counts_only: false,
        exempt_paths: vec![],
    };
    let (firewall, clock) = (Firewall::new(plan, Arc::default(), 3), AtomicU64::new(0));
    let one = |thread: usize| {
        let mut passed = Vec::new();
        let header = |_: &str| Some(&b"chess"[..]);
        for i in 0..4_000 {
            let who = (i + thread) % 5;
            let address = format!("192.0.2.{who}");
            let request = Request { header: &header, ..request(&address, None, Moment::Arrival) };
            let monotonic = || {
                READ.set(clock.fetch_add(1, Ordering::SeqCst));
                READ.get()
            };
            if let Verdict::Allow { .. } = firewall.decide(&request, Now { monotonic, at: Timestamp::EPOCH })
            {
                passed.push((who, READ.get()));
            }
        }
        passed
    };
    let mut passed: Vec<(usize, u64)> = std::thread::scope(|scope| {
        let one = &one;
        let threads: Vec<_> = (0..16).map(|thread| scope.spawn(move || one(thread))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    passed.sort_by_key(|(_, time)| *time);
    let most = |of: &[u64], window: u64| {
        let within = |from: u64| of.iter().filter(|time| (from..=from + window).contains(*time)).count();
        of.iter().map(|from| within(*from)).max().unwrap_or(0)
    };
    let all: Vec<u64> = passed.iter().map(|(_, time)| *time).collect();
    assert!(all.len() > 100, "some pass: {}", all.len());
    assert_eq!(most(&all, 10_000), 40);
    for who in 0..5 {
        let of: Vec<u64> = passed.iter().filter(|(one, _)| *one == who).map(|(_, time)| *time).collect();
        assert!(most(&of, 1_000) <= 7 && most(&of, 10_000) <= 30, "{who}");
    }
}

#[test]
fn what_is_foreseen_is_refused_and_counts_nothing() {
    let watched = written(serde_json::json!([
        { "name": "watch", "on": "bad_token", "key": "address", "limit": 1, "window_s": 60, "action": "count" },
    ]));
    let firewall = made(Profile::Default, &watched, 1_000);
    let bad = request("192.0.2.1", None, Moment::BadToken);
    let foreseen = || match firewall.foresee(&bad, at(5)) {
        Verdict::Allow { .. } => None,
        Verdict::Deny { rule, status, quota } => Some((rule.to_string(), status, quota.unwrap().remaining)),
    };
    for _ in 0..10 {
        // However often it is asked, each of the ten that prove bad passes; a rule that only counts refuses nothing.
        assert_eq!((foreseen(), foreseen()), (None, None));
        assert!(passes(&firewall, &bad, 5));
    }
    assert_eq!(foreseen(), Some(("bad_token".to_owned(), 429, 0)));
    assert_eq!(firewall.blocks()["bad_token"], 1, "a refusal is told like any other");
    let other = request("192.0.2.2", None, Moment::BadToken);
    assert!(matches!(firewall.foresee(&other, at(5)), Verdict::Allow { .. }));
    let allowed = made(Profile::TestLimit, &[], 1_000);
    let from = request("127.0.0.77", None, Moment::Arrival);
    (0..200).for_each(|_| assert!(passes(&allowed, &from, 5)));
    assert!(matches!(allowed.foresee(&from, at(5)), Verdict::Allow { .. }), "who is never limited");
}

#[test]
fn a_call_of_nobody_counts_once_in_every_rule() {
    let both = written(serde_json::json!([
        { "name": "both", "key": "address", "limit": 5, "window_s": 60 },
    ]));
    let firewall = made(Profile::TestLimit, &both, 1_000);
    let of = |moment| Request { face: Face::Gamelift, ..request("192.0.2.1", None, moment) };
    assert_eq!(remaining(&firewall, &of(Moment::Arrival), 5), Some(("both".to_owned(), 4)));
    assert_eq!(remaining(&firewall, &of(Moment::Unproved), 5), Some(("address".to_owned(), 99)));
    assert_eq!(remaining(&firewall, &of(Moment::Arrival), 5), Some(("both".to_owned(), 3)));
}
