use super::*;
use crate::{Key, address_key};

fn written(change: impl FnOnce(&mut RuleConfig)) -> RuleConfig {
    let mut rule = RuleConfig {
        name: "r".into(),
        on: Event::Request,
        face: None,
        methods: vec![],
        paths: vec![],
        actions: vec![],
        roles: vec![],
        key: "address".into(),
        limit: 5,
        window_s: 10,
        action: Action::Block,
        status: 429,
    };
    change(&mut rule);
    rule
}
fn check_bad(change: impl FnOnce(&mut RuleConfig), members: &[&str]) {
    let faults = Rule::new(&written(change)).unwrap_err();
    assert_eq!(faults.iter().map(|fault| fault.member).collect::<Vec<_>>(), members, "{faults:?}");
}

#[test]
fn a_fault_names_its_member() {
    check_bad(|r| r.name = "a b".into(), &["name"]);
    check_bad(|r| r.methods = vec!["get".into()], &["methods"]);
    check_bad(|r| r.methods = vec!["FETCH".into()], &["methods"]);
    check_bad(|r| r.roles = vec!["operator".into()], &["roles"]);
    check_bad(|r| r.paths = vec!["v1/x".into()], &["paths"]);
    check_bad(|r| r.paths = vec![String::new()], &["paths"]);
    check_bad(|r| r.actions = vec!["*".repeat(2) + &"a*".repeat(9)], &["actions"]);
    check_bad(|r| r.roles = vec!["Admin".into()], &["roles"]);
    check_bad(|r| r.roles = vec!["player".into(); 65], &["roles"]);
    check_bad(|r| r.key = "ip".into(), &["key"]);
    check_bad(|r| r.key = "header:a b".into(), &["key"]);
    check_bad(|r| (r.limit, r.window_s) = (0, 601), &["limit"]);
    check_bad(|r| r.window_s = 601, &["window_s"]);
    check_bad(|r| r.window_s = u64::MAX, &["window_s"]);
    check_bad(|r| r.status = 500, &["status"]);
    check_bad(|r| (r.on, r.key) = (Event::BadToken, "player".into()), &["key"]);
}

const PLAYER: Caller<'static> = Caller { role: "player", is_player: true, id: Some(7) };

fn check(change: impl FnOnce(&mut RuleConfig), moment: Moment<'_>, expected: Result<Key, Miss>) {
    check_method("POST", change, moment, expected);
}
fn check_method(
    method: &str,
    change: impl FnOnce(&mut RuleConfig),
    moment: Moment<'_>,
    expected: Result<Key, Miss>,
) {
    let header = |name: &str| (name == "x-game").then_some(&b"chess"[..]);
    let request = Request {
        address: "192.0.2.1".parse().unwrap(),
        face: Face::Native,
        method,
        path: "/v1/tickets",
        action: Some("gsm:CreateTicket"),
        header: &header,
        moment,
    };
    assert_eq!(Rule::new(&written(change)).unwrap().key_of(&request), expected);
}

#[test]
fn a_rule_counts_what_fits_all_of_its_lists() {
    let address = Ok(address_key("192.0.2.1".parse().unwrap()));
    check(|_| {}, Moment::Arrival, address);
    check(|r| r.methods = vec!["GET".into(), "POST".into()], Moment::Arrival, address);
    check(|r| r.methods = vec!["GET".into()], Moment::Arrival, Err(Miss::Method));
    check(|r| r.paths = vec!["/v1/*".into()], Moment::Arrival, address);
    check(|r| r.paths = vec!["/v2/*".into()], Moment::Arrival, Err(Miss::Path));
    check(|r| r.actions = vec!["gsm:Create*".into()], Moment::Arrival, address);
    check(|r| r.actions = vec!["gsm:Get*".into(), "gsm:X".into()], Moment::Arrival, Err(Miss::Action));
    check(|r| r.face = Some(Face::Gamelift), Moment::Arrival, Err(Miss::Face));
    check(|r| r.on = Event::BadToken, Moment::BadToken, address);
    check(|r| r.on = Event::BadToken, Moment::Arrival, Err(Miss::Moment));
}

#[test]
fn head_counts_as_get() {
    let address = Ok(address_key("192.0.2.1".parse().unwrap()));
    let check = |asked, rules: &str, expected| {
        check_method(asked, |r| r.methods = vec![rules.into()], Moment::Arrival, expected);
    };
    check("HEAD", "GET", address);
    check("HEAD", "HEAD", address);
    check("GET", "HEAD", Err(Miss::Method));
    check("HEAD", "POST", Err(Miss::Method));
}

#[test]
fn who_is_counted_goes_by_the_key() {
    let nobody = Caller { role: "none", is_player: false, id: None };
    let server = Caller { role: "server", is_player: false, id: Some(9) };
    let address = Ok(address_key("192.0.2.1".parse().unwrap()));
    let by = |key: &str| {
        let key = key.to_owned();
        move |r: &mut RuleConfig| r.key = key
    };
    check(by("player"), Moment::Known(PLAYER), Ok(Key::from_u128(7)));
    check(by("player"), Moment::Known(server), Err(Miss::Key));
    check(by("player"), Moment::Arrival, Err(Miss::Moment));
    check(by("address"), Moment::Known(PLAYER), Err(Miss::Moment));
    check(by("api_key"), Moment::Known(server), Ok(Key::from_u128(9)));
    check(by("api_key"), Moment::Known(PLAYER), Err(Miss::Key));
    check(by("caller"), Moment::Known(server), Ok(Key::from_u128(9)));
    check(by("caller"), Moment::Known(nobody), address);
    check(by("header:X-Game"), Moment::Arrival, Ok(Key::of_bytes(&[b"chess"])));
    check(by("header:X-Other"), Moment::Arrival, Err(Miss::Key));
    check(|r| r.roles = vec!["player".into()], Moment::Known(PLAYER), address);
    check(|r| r.roles = vec!["player".into()], Moment::Known(server), Err(Miss::Role));
}
