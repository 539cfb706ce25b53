//! The form of a record.
use gsm_audit::{RECORD_BYTES_MAX, Record, rfc3339};
use gsm_core::Timestamp;
use proptest::prelude::*;
use serde_json::Value;

fn line(record: &Record<'_>, seq: u64) -> String {
    let mut out = Vec::new();
    record.write(seq, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn a_record_is_one_line_in_the_words_of_cloudtrail() {
    let resources = ["mch-1".to_owned(), "duel".to_owned()];
    let record = Record {
        event_id: "evt-1",
        at: Timestamp::from_millis(1_795_764_600_123),
        node: "gsm-1",
        name: "gsm:ReportResult",
        principal: "server:arena",
        source: Some("hmac-2026:00ff"),
        agent: Some("curl/8 \"x\"\n"),
        request_id: "req-1",
        read_only: false,
        error: None,
        parameters: Some("{\"place\":1}"),
        made: None,
        resources: &resources,
        reason: Some("because"),
        policies: &["operators".to_owned(), "a \"b\"".to_owned()],
        commit: Some(9),
        folded: None,
    };
    assert_eq!(
        line(&record, 3),
        concat!(
            r#"{"seq":3,"node":"gsm-1","eventVersion":"1.11","userIdentity":{"type":"Server","principalId":"arena"},"#,
            r#""eventTime":"2026-11-27T07:30:00.123Z","eventSource":"gsm","eventName":"gsm:ReportResult","#,
            r#""sourceIPAddress":"hmac-2026:00ff","userAgent":"curl/8 \"x\"\n","requestID":"req-1","eventID":"evt-1","#,
            r#""readOnly":false,"requestParameters":{"place":1},"responseElements":null,"#,
            r#""resources":[{"ARN":"mch-1"},{"ARN":"duel"}],"eventType":"GsmApiCall","#,
            r#""additionalEventData":{"commit":9,"reason":"because","policies":["operators","a \"b\""]}}"#
        )
    );
    let made: Value =
        serde_json::from_str(&line(&Record { made: Some(("match_id", "mch-1")), ..record }, 3)).unwrap();
    assert_eq!(made["responseElements"], serde_json::json!({ "match_id": "mch-1" }));
    let refused =
        Record { error: Some("conflict"), folded: Some((7, Timestamp::EPOCH)), commit: None, ..record };
    let refused: Value = serde_json::from_str(&line(&refused, 0)).unwrap();
    assert_eq!(refused["errorCode"], "conflict");
    assert_eq!(refused["additionalEventData"]["count"], 7);
    assert_eq!(refused["additionalEventData"]["since"], "1970-01-01T00:00:00.000Z");
    let nobody: Value =
        serde_json::from_str(&line(&Record { principal: "anonymous", ..Record::default() }, 0)).unwrap();
    assert_eq!(nobody["userIdentity"], serde_json::json!({ "type": "Anonymous" }));
    assert!(nobody.get("errorCode").is_none() && nobody.get("requestID").is_none());
    assert!(nobody.get("additionalEventData").is_none());
}

#[test]
fn long_parameters_become_their_hash_and_no_record_is_too_long() {
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(5_000));
    let record = Record { parameters: Some(&long), ..Record::default() };
    let shown: Value = serde_json::from_str(&line(&record, 0)).unwrap();
    assert_eq!(shown["requestParameters"]["bytes"], long.len());
    assert_eq!(shown["requestParameters"]["sha256"].as_str().unwrap().len(), 64);
    let resources = vec!["\u{1}".repeat(300); 1_000];
    let record = Record { resources: &resources, ..record };
    let text = line(&record, 0);
    assert!(text.len() <= RECORD_BYTES_MAX, "{}", text.len());
    let shown: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(shown["additionalEventData"]["moreResources"], 1_000);
}

#[test]
fn times_are_written_as_rfc_3339() {
    let check = |ms: i64, expected: &str| {
        let mut out = Vec::new();
        rfc3339(Timestamp::from_millis(ms), &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    };
    check(0, "1970-01-01T00:00:00.000Z");
    check(-1, "1969-12-31T23:59:59.999Z");
    check(951_782_400_000, "2000-02-29T00:00:00.000Z");
    check(1_709_164_799_999, "2024-02-28T23:59:59.999Z");
    check(4_107_542_400_000, "2100-03-01T00:00:00.000Z");
}

proptest! {
    #[test]
    fn whatever_is_in_it_a_record_is_json_in_one_line(
        texts in any::<[String; 6]>(), seq in any::<u64>(), commit in any::<Option<u64>>(), resources in any::<Vec<String>>()
    ) {
        let [event_id, name, principal, agent, request_id, reason] = &texts;
        let record = Record {
            event_id, name, principal, agent: Some(agent), request_id, reason: Some(reason), commit, resources: &resources,
            ..Record::default()
        };
        let text = line(&record, seq);
        prop_assert!(!text.contains('\n'));
        let shown: Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&shown["seq"], &serde_json::json!(seq));
        prop_assert_eq!(&shown["additionalEventData"]["commit"], &serde_json::json!(commit));
    }
}
