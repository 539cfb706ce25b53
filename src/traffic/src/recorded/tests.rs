use super::*;
use gsm_rules::Value;

const DEADLINE: Millis = Millis::from_secs(20);

fn read(lines: &[&str]) -> Recording {
    let mut recording = Recording::default();
    lines.iter().for_each(|line| recording.push(line).unwrap());
    recording
}

const HEAD: &str = r#"{"type":"recording","version":1,"at_ms":1000}"#;
const A: &str = r#"{"type":"arrived","at_ms":2000,"ticket":"a","queue":"duel","players":[{"player":"x","attributes":{"rating":1500,"mode":"m","roles":["r"],"map":{"k":1.5}},"latency_ms":{"eu":20}}]}"#;
const B: &str = r#"{"type":"arrived","at_ms":1500,"ticket":"b","queue":"duel","players":[{"player":"y"}]}"#;
const A_GOES: &str = r#"{"type":"ended","at_ms":5000,"ticket":"a","outcome":"cancelled"}"#;
const C: &str = r#"{"type":"arrived","at_ms":4000,"ticket":"c","queue":"trio","players":[{"player":"z"}]}"#;

#[test]
fn lines_become_traffic_in_the_order_of_arrival() {
    let traffic = read(&[HEAD, A, B, "", A_GOES]).traffic(None, DEADLINE, 1).unwrap();
    let [b, a] = &traffic.arrivals[..] else { panic!("{traffic:?}") };
    assert_eq!((b.at, a.at, traffic.until), (Millis::ZERO, Millis::new(500), Millis::new(3_500)));
    assert_eq!(a.patience, Some(Millis::new(3_000)));
    assert_eq!(a.members[0].attributes["rating"], Value::Number(1_500.0));
    assert_eq!(a.members[0].attributes["roles"], Value::List(vec!["r".to_owned()]));
    assert_eq!(a.members[0].attributes["map"], Value::Map([("k".to_owned(), 1.5)].into()));
    assert_eq!(a.members[0].latency_ms["eu"], 20);
    assert_eq!(traffic.answers, None);
}

#[test]
fn a_line_is_read_as_it_is_written() {
    for text in [HEAD, A, B, A_GOES] {
        let line: Line = serde_json::from_str(text).unwrap();
        let written = serde_json::to_string(&line).unwrap();
        assert_eq!(serde_json::from_str::<Line>(&written).unwrap(), line);
    }
}

#[test]
fn names_are_as_long_as_they_have_characters() {
    let named = |chars: usize| B.replace("\"b\"", &format!("{:?}", "é".repeat(chars)));
    assert_eq!(read(&[&named(NAME_CHARS_MAX)]).waiting(None).unwrap().len(), 1);
    for bad in [named(NAME_CHARS_MAX + 1), named(0)] {
        let refused = Recording::default().push(&bad).unwrap_err();
        assert!(refused.what.contains("longer than 256 characters"), "{refused}");
    }
}

#[test]
fn several_queues_must_be_told_apart() {
    let recording = read(&[A, C]);
    let refused = |queue| recording.traffic(queue, DEADLINE, 1).unwrap_err();
    assert_eq!(refused(None), RecordingError::ManyQueues("duel, trio".to_owned()));
    assert_eq!(refused(Some("x")), RecordingError::Nothing("duel, trio".to_owned()));
    assert_eq!(recording.traffic(Some("trio"), DEADLINE, 1).unwrap().arrivals.len(), 1);
    assert_eq!(read(&[]).traffic(None, DEADLINE, 1), Err(RecordingError::Nothing(String::new())));
}

#[test]
fn what_waits_at_the_end_is_told() {
    let recording = read(&[A, B, C, A_GOES]);
    let waiting = recording.waiting(Some("duel")).unwrap();
    assert_eq!(
        (waiting.len(), waiting[0].ticket, waiting[0].at_ms, recording.last_ms()),
        (1, "b", 1_500, 5_000)
    );
    assert_eq!(recording.waiting(None), Err(RecordingError::ManyQueues("duel, trio".to_owned())));
    assert_eq!(recording.waiting(Some("x")), Err(RecordingError::Nothing("duel, trio".to_owned())));
}

#[test]
fn who_waits_already_does_not_come_again() {
    let again = B.replace("\"b\"", "\"b2\"").replace("1500", "1501");
    let party = again.replace("b2", "b3").replace(r#"{"player":"y"}"#, r#"{"player":"w"},{"player":"y"}"#);
    let other = A.replace("\"x\"", "\"w\"");
    let recording = read(&[&again, B, &party, &other]);
    let of = |of: &StillWaiting<'_>| (of.ticket.to_owned(), of.busy_in.map(str::to_owned));
    let told: Vec<_> = recording.waiting(None).unwrap().iter().map(of).collect();
    let (b, none) = (Some("b".to_owned()), None);
    let expected = [("b", none.clone()), ("b2", b.clone()), ("b3", b), ("a", none)];
    assert_eq!(told, expected.map(|(ticket, busy_in)| (ticket.to_owned(), busy_in)));
}

#[test]
fn waits_are_estimated_once_enough_have_ended() {
    let mut lines = Vec::new();
    for n in 0..20 {
        let (name, at) = (format!("\"t{n}\""), 10_000 * n);
        lines.push(B.replace("\"b\"", &name).replace("\"y\"", &name).replace("1500", &at.to_string()));
        let gone = A_GOES.replace("\"a\"", &name).replace("cancelled", "matched");
        lines.push(gone.replace("5000", &(at + 4_000).to_string()));
    }
    lines.push(A.replace("2000", "195000"));
    let recording = |from: usize| {
        let lines: Vec<&str> = lines.iter().skip(from).map(String::as_str).collect();
        read(&lines)
    };
    let told = |recording: &Recording| {
        let now = Timestamp::from_millis(196_000);
        recording.wait_estimates(None, Some("rating"), now).unwrap().get("a").copied()
    };
    let estimate = told(&recording(0)).unwrap();
    let [p50, p90] = [estimate.p50, estimate.p90].map(Millis::get);
    assert!((3_000..=5_000).contains(&p50) && (p50..=8_000).contains(&p90), "{estimate:?}");
    assert_eq!(told(&recording(34)), None, "three have ended");
}

#[test]
fn a_ticket_of_several_queues_is_in_the_traffic_of_each() {
    let in_trio = A.replace("\"duel\"", "\"trio\"");
    let proposed = r#"{"type":"proposed","at_ms":4000,"ticket":"a"}"#;
    // Told again at a start of its server.
    let recording = read(&[A, &in_trio, B, A, proposed, A_GOES]);
    assert_eq!(recording.queues(), [("duel", 2), ("trio", 1)].into());
    for queue in ["duel", "trio"] {
        let traffic = recording.traffic(Some(queue), DEADLINE, 1).unwrap();
        let a = traffic.arrivals.iter().find(|of| of.members[0].player == "x").unwrap();
        assert_eq!((a.patience, traffic.answers.is_some()), (Some(Millis::new(3_000)), true), "{queue}");
    }
    assert_eq!(recording.orphans, 0);
    let waits = read(&[A, &in_trio, B]);
    assert_eq!(["duel", "trio"].map(|queue| waits.waiting(Some(queue)).unwrap().len()), [2, 1]);
}

#[test]
fn who_waited_before_a_start_comes_again_or_has_gone() {
    let start = HEAD.replace("1000}", "6000,\"start\":true}");
    let again = B.replace("\"b\"", "\"b2\"");
    let recording = read(&[HEAD, A, B, A_GOES, C, &start, &again]);
    let names: Vec<&str> = recording.waiting(None).unwrap().iter().map(|of| of.ticket).collect();
    assert_eq!((names, recording.queues()), (vec!["b2"], [("duel", 2)].into()));
    let gone = A_GOES.replace("\"a\"", "\"b2\"");
    let recording = read(&[HEAD, A, B, A_GOES, &start, &again, &gone]);
    assert_eq!((recording.waiting(None).unwrap().len(), recording.orphans), (0, 0));
    // A full file alone changes nothing.
    assert_eq!(read(&[HEAD, A, HEAD]).waiting(None).unwrap().len(), 1);
}

/// The shell's order of `tickets*.jsonl` is the newer `tickets.1.jsonl` before `tickets.2.jsonl`.
#[test]
fn a_file_that_is_older_than_the_one_before_it_is_refused() {
    let head = |at_ms: i64| HEAD.replace("1000", &at_ms.to_string());
    let begin = |recording: &mut Recording, at_ms: i64| {
        recording.next_file();
        recording.push(&head(at_ms))
    };
    let mut recording = Recording::default();
    for at_ms in [1_000, 2_000, 2_000] {
        begin(&mut recording, at_ms).unwrap();
    }
    // A clock that was set back within a file is none of the order of files.
    recording.push(&head(500)).unwrap();
    // Nor is a file that does not say when it was begun.
    recording.next_file();
    recording.push(B).unwrap();
    let refused = begin(&mut recording, 1_999).unwrap_err();
    assert_eq!(refused.to_string(), "line 1: the file is older than the one before it: oldest file first");
}

#[test]
fn bad_lines_are_named() {
    let mut recording = read(&[HEAD]);
    let future = HEAD.replace("\"version\":1", "\"version\":2");
    let nobody = B.replace(r#"{"player":"y"}"#, "");
    for bad in ["{", "[]", r#"{"type":"left"}"#, &future, &nobody, &A.replace("1500", "\"1500\"}")] {
        assert!(recording.push(bad).is_err(), "{bad}");
    }
    assert_eq!(recording.push("{").unwrap_err().line, 8);
    // Of a ticket that came before the recording began.
    recording.push(A_GOES).unwrap();
    assert_eq!(recording.orphans, 1);
}

#[test]
fn what_is_wrong_is_told_without_names_of_types() {
    let check = |old: &str, new: &str, what: &str| {
        let line = A.replace(old, new);
        assert_ne!(line, A);
        let told = read(&[HEAD]).push(&line).unwrap_err().to_string();
        assert_eq!(told, format!("line 2: {what}"));
    };
    let kinds = "expected a number, a string, a list of strings or an object of numbers";
    check("1500", "null", &format!("attribute `rating`: invalid type: null, {kinds}"));
    check("1500", "true", &format!("attribute `rating`: invalid type: boolean `true`, {kinds}"));
    check("1.5", "\"b\"", "attribute `map`: entry `k`: invalid type: string \"b\", expected a number");
    check("[\"r\"]", "[7]", "attribute `roles`: invalid type: integer `7`, expected a string");
    check(
        "20}",
        "-1}",
        "latency `eu`: invalid value: integer `-1`, expected a whole number from 0 to 4294967295",
    );
    check("2000", "\"now\"", "invalid type: string \"now\", expected a whole number");
    check("{\"eu\":20}", "7", "invalid type: integer `7`, expected an object");
    check("[{\"player\"", "[7,{\"player\"", "invalid type: integer `7`, expected an object");
    check("\"duel\",", "\"duel\"", "expected `,` or `}` at column 59");
    assert_eq!(read(&[]).push("7").unwrap_err().what, "invalid type: integer `7`, expected an object");
}

#[test]
fn a_last_line_that_is_cut_off_is_passed_over() {
    let mut recording = read(&[HEAD, A]);
    for end in 0..B.len() {
        recording.push_last(&B.as_bytes()[..end]).unwrap();
    }
    recording.push_last(b"{\"type\":\"arrived\",\"ticket\":\"\xc3").unwrap();
    assert_eq!(recording.queues(), [("duel", 1)].into());
    recording.push_last(B.as_bytes()).unwrap();
    assert_eq!(recording.queues(), [("duel", 2)].into(), "one that is whole counts");
    assert!(recording.push_last(br#"{"type":"left"}"#).is_err());
}

#[test]
fn shares_of_answers_are_those_recorded() {
    let proposed = r#"{"type":"proposed","at_ms":4000,"ticket":"a"}"#;
    let declined = A_GOES.replace("cancelled", "declined");
    let b_proposed = proposed.replace("\"a\"", "\"b\"");
    let recording = read(&[A, B, proposed, &b_proposed, &declined]);
    let answers = recording.traffic(None, DEADLINE, 1).unwrap().answers.unwrap();
    assert_eq!((answers.decline, answers.ignore, answers.deadline), (0.5, 0.0, DEADLINE));
    // However many they are, and no more than all.
    let ignored = declined.replace("declined", "ignored");
    let b_ignored = ignored.replace("\"a\"", "\"b\"");
    for (lines, shares) in [
        (&[A, B, proposed, &b_proposed, &ignored, &b_ignored][..], (0.0, 1.0)),
        (&[A, B, proposed, &declined, &b_ignored], (0.5, 0.5)),
    ] {
        let answers = read(lines).traffic(None, DEADLINE, 1).unwrap().answers.unwrap();
        assert_eq!((answers.decline, answers.ignore), shares);
    }
}
