//! The inputs of the operations: botocore's model of GameLift (2015-10-01), and where that is silent the limits of the
//! developer guide.
use super::shape::{Member, Pattern, Shape, Text};
use gsm_core::limits::{ATTRIBUTE_NAME_CHARS_MAX, ATTRIBUTE_STRINGS_MAX, LATENCIES_MAX};

/// Longest text where the model names no limit; the body's limit is below it anyway.
const UNLIMITED: usize = super::protocol::BODY_BYTES_MAX;
/// Largest number of the model's integers.
const INTEGER_MAX: i64 = i32::MAX as i64;

/// Whether a name is one to the model. Names of the native API may have `_` as well.
pub(super) fn is_name(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
}

fn is_name_or_arn(text: &str, kind: &str) -> bool {
    let arn = text.rsplit_once('/').is_some_and(|(head, name)| {
        let between = head.strip_prefix("arn:").and_then(|rest| rest.strip_suffix(kind));
        is_name(name) && between.is_some_and(|rest| !rest.contains('\n'))
    });
    arn || is_name(text)
}

const NAME_PATTERN: Pattern = Pattern { text: r"[a-zA-Z0-9-\.]*", fits: is_name };
const RULE_SET_PATTERN: Pattern = Pattern {
    text: r"[a-zA-Z0-9-\.]*|arn:.*:matchmakingruleset\/[a-zA-Z0-9-\.]*",
    fits: |text| is_name_or_arn(text, ":matchmakingruleset"),
};
const CONFIGURATION_PATTERN: Pattern = Pattern {
    text: r"[a-zA-Z0-9-\.]*|arn:.*:matchmakingconfiguration\/[a-zA-Z0-9-\.]*",
    fits: |text| is_name_or_arn(text, ":matchmakingconfiguration"),
};
const ARN_PATTERN: Pattern = Pattern {
    text: "[a-zA-Z0-9:/-]+",
    fits: |text| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b':' | b'/' | b'-'))
    },
};
const TARGET_PATTERN: Pattern = Pattern {
    text: r"[a-zA-Z0-9:_/-]*(\.fifo)?",
    fits: |text| {
        let plain = text.strip_suffix(".fifo").unwrap_or(text);
        plain.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b':' | b'_' | b'/' | b'-'))
    },
};

const fn text(min: usize, max: usize) -> Text {
    Text { min, max, pattern: None }
}
const fn patterned(min: usize, max: usize, pattern: Pattern) -> Shape {
    Shape::Text(Text { min, max, pattern: Some(pattern) })
}
const fn must(name: &'static str, shape: Shape) -> Member {
    Member { name, required: true, shape }
}
const fn may(name: &'static str, shape: Shape) -> Member {
    Member { name, required: false, shape }
}
const fn integer(min: i64, max: i64) -> Shape {
    Shape::Integer { min, max }
}

/// The name of something new. The model lets it be empty; nothing could then be done with it.
const NEW_NAME: Shape = patterned(1, 128, NAME_PATTERN);
const TICKET_ID: Shape = patterned(1, 128, NAME_PATTERN);
const RULE_SET: Shape = patterned(1, 256, RULE_SET_PATTERN);
const CONFIGURATION: Shape = patterned(1, 256, CONFIGURATION_PATTERN);
const RULE_SET_BODY: Shape = Shape::Text(text(1, 65_535));
const NEXT_TOKEN: Shape = Shape::Text(text(1, 1_024));
const RESOURCE: Shape = Shape::Text(text(1, 1_011));
const PLAYER_ID: Shape = Shape::Text(text(1, 1_024));

const TAGS: Shape = Shape::List {
    min: 0,
    max: 200,
    of: &Shape::Structure(&[
        must("Key", Shape::Text(text(1, 128))),
        must("Value", Shape::Text(text(0, 256))),
    ]),
};
const GAME_PROPERTIES: Shape = Shape::List {
    min: 0,
    max: 16,
    of: &Shape::Structure(&[must("Key", Shape::Text(text(0, 32))), must("Value", Shape::Text(text(0, 96)))]),
};
const QUEUE_ARNS: Shape = Shape::List { min: 0, max: UNLIMITED, of: &patterned(1, 512, ARN_PATTERN) };

/// Strings of a list as they come: repeats are dropped before the quota counts them.
const STRINGS_SENT_MAX: usize = 10 * ATTRIBUTE_STRINGS_MAX;

/// Maps and numbers of attributes as the quotas have them.
const ATTRIBUTE: Shape = Shape::Structure(&[
    may("S", Shape::Text(text(1, 100))),
    may("N", Shape::Double),
    may("SL", Shape::List { min: 0, max: STRINGS_SENT_MAX, of: &Shape::Text(text(1, 100)) }),
    may("SDM", Shape::Map { max: 10, keys: text(1, 100), of: &Shape::Double }),
]);
const PLAYER: Shape = Shape::Structure(&[
    // The model does not require it; a player without an id could not be told from another.
    must("PlayerId", PLAYER_ID),
    may("PlayerAttributes", Shape::Map { max: 10, keys: text(1, 1_024), of: &ATTRIBUTE }),
    may("Team", Shape::Text(text(1, 1_024))),
    // The model names no limits of these.
    may(
        "LatencyInMs",
        Shape::Map {
            max: LATENCIES_MAX,
            keys: text(1, ATTRIBUTE_NAME_CHARS_MAX),
            of: &integer(1, INTEGER_MAX),
        },
    ),
]);

pub(crate) const CREATE_RULE_SET: &[Member] =
    &[must("Name", NEW_NAME), must("RuleSetBody", RULE_SET_BODY), may("Tags", TAGS)];
pub(crate) const VALIDATE_RULE_SET: &[Member] = &[must("RuleSetBody", RULE_SET_BODY)];
pub(crate) const DESCRIBE_RULE_SETS: &[Member] = &[
    may("Names", Shape::List { min: 1, max: 10, of: &RULE_SET }),
    may("Limit", integer(1, 10)),
    may("NextToken", NEXT_TOKEN),
];
pub(crate) const DELETE_RULE_SET: &[Member] = &[must("Name", RULE_SET)];

pub(crate) const CREATE_CONFIGURATION: &[Member] = &[
    must("Name", NEW_NAME),
    may("Description", Shape::Text(text(1, 1_024))),
    may("GameSessionQueueArns", QUEUE_ARNS),
    must("RequestTimeoutSeconds", integer(1, 43_200)),
    may("AcceptanceTimeoutSeconds", integer(1, 600)),
    must("AcceptanceRequired", Shape::Flag),
    must("RuleSetName", RULE_SET),
    may("NotificationTarget", patterned(0, 300, TARGET_PATTERN)),
    may("AdditionalPlayerCount", integer(0, INTEGER_MAX)),
    may("CustomEventData", Shape::Text(text(0, 256))),
    may("GameProperties", GAME_PROPERTIES),
    may("GameSessionData", Shape::Text(text(1, 4_096))),
    may("BackfillMode", Shape::OneOf(&["AUTOMATIC", "MANUAL"])),
    may("FlexMatchMode", Shape::OneOf(&["STANDALONE", "WITH_QUEUE"])),
    may("Tags", TAGS),
];
pub(crate) const UPDATE_CONFIGURATION: &[Member] = &[
    must("Name", CONFIGURATION),
    may("Description", Shape::Text(text(1, 1_024))),
    may("GameSessionQueueArns", QUEUE_ARNS),
    may("RequestTimeoutSeconds", integer(1, 43_200)),
    may("AcceptanceTimeoutSeconds", integer(1, 600)),
    may("AcceptanceRequired", Shape::Flag),
    may("RuleSetName", RULE_SET),
    may("NotificationTarget", patterned(0, 300, TARGET_PATTERN)),
    may("AdditionalPlayerCount", integer(0, INTEGER_MAX)),
    may("CustomEventData", Shape::Text(text(0, 256))),
    may("GameProperties", GAME_PROPERTIES),
    may("GameSessionData", Shape::Text(text(1, 4_096))),
    may("BackfillMode", Shape::OneOf(&["AUTOMATIC", "MANUAL"])),
    may("FlexMatchMode", Shape::OneOf(&["STANDALONE", "WITH_QUEUE"])),
];
pub(crate) const DESCRIBE_CONFIGURATIONS: &[Member] = &[
    may("Names", Shape::List { min: 0, max: UNLIMITED, of: &CONFIGURATION }),
    may("RuleSetName", RULE_SET),
    may("Limit", integer(1, INTEGER_MAX)),
    may("NextToken", NEXT_TOKEN),
];
pub(crate) const DELETE_CONFIGURATION: &[Member] = &[must("Name", CONFIGURATION)];

pub(crate) const START_MATCHMAKING: &[Member] = &[
    may("TicketId", TICKET_ID),
    must("ConfigurationName", CONFIGURATION),
    must("Players", Shape::List { min: 1, max: 10, of: &PLAYER }),
];
pub(crate) const START_BACKFILL: &[Member] = &[
    may("TicketId", TICKET_ID),
    must("ConfigurationName", CONFIGURATION),
    may("GameSessionArn", patterned(1, 512, ARN_PATTERN)),
    must("Players", Shape::List { min: 1, max: 199, of: &PLAYER }),
];
pub(crate) const STOP_MATCHMAKING: &[Member] = &[must("TicketId", TICKET_ID)];
pub(crate) const DESCRIBE_MATCHMAKING: &[Member] =
    &[must("TicketIds", Shape::List { min: 0, max: 10, of: &TICKET_ID })];
pub(crate) const ACCEPT_MATCH: &[Member] = &[
    must("TicketId", TICKET_ID),
    must("PlayerIds", Shape::List { min: 1, max: 199, of: &PLAYER_ID }),
    must("AcceptanceType", Shape::OneOf(&["ACCEPT", "REJECT"])),
];

pub(crate) const TAG_RESOURCE: &[Member] = &[must("ResourceARN", RESOURCE), must("Tags", TAGS)];
pub(crate) const UNTAG_RESOURCE: &[Member] = &[
    must("ResourceARN", RESOURCE),
    must("TagKeys", Shape::List { min: 0, max: 200, of: &Shape::Text(text(1, 128)) }),
];
pub(crate) const LIST_TAGS: &[Member] = &[must("ResourceARN", RESOURCE)];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gamelift::{
        json,
        shape::{Known, check},
        tree::Tree,
    };

    fn read(text: &str) -> Tree {
        json::read(text.as_bytes(), Known::All).unwrap()
    }

    #[track_caller]
    fn refused(members: &[Member], input: &str, message: &str) {
        let fault = check(members, &read(input)).unwrap_err();
        assert_eq!((fault.name, &*fault.message), ("InvalidRequestException", message));
    }

    #[track_caller]
    fn mistyped(members: &[Member], input: &str, message: &str) {
        let fault = check(members, &read(input)).unwrap_err();
        assert_eq!((fault.name, &*fault.message), ("SerializationException", message));
    }

    #[test]
    fn violations_are_told_as_the_real_service_tells_them() {
        refused(
            DELETE_RULE_SET,
            r#"{"Name":"has space"}"#,
            "1 validation error detected: Value 'has space' at 'name' failed to satisfy constraint: Member must satisfy \
             regular expression pattern: [a-zA-Z0-9-\\.]*|arn:.*:matchmakingruleset\\/[a-zA-Z0-9-\\.]*",
        );
        refused(
            CREATE_RULE_SET,
            r#"{"Name":"a","Tags":[{"Key":"k"}]}"#,
            "2 validation errors detected: Value null at 'ruleSetBody' failed to satisfy constraint: Member must not be \
             null; Value null at 'tags.1.member.value' failed to satisfy constraint: Member must not be null",
        );
        refused(
            DESCRIBE_RULE_SETS,
            r#"{"Limit":11,"Names":[]}"#,
            "2 validation errors detected: Value '[0 items]' at 'names' failed to satisfy constraint: Member must have \
             length greater than or equal to 1; Value '11' at 'limit' failed to satisfy constraint: Member must have \
             value less than or equal to 10",
        );
        refused(
            ACCEPT_MATCH,
            r#"{"TicketId":"t","PlayerIds":["p"],"AcceptanceType":"MAYBE"}"#,
            "1 validation error detected: Value 'MAYBE' at 'acceptanceType' failed to satisfy constraint: Member must \
             satisfy enum value set: [ACCEPT, REJECT]",
        );
        refused(
            START_MATCHMAKING,
            r#"{"ConfigurationName":"c","Players":[{"PlayerId":"p","LatencyInMs":{"eu":0},"PlayerAttributes":{"a":{"S":""}}}]}"#,
            "2 validation errors detected: Value '' at 'players.1.member.playerAttributes.a.member.s' failed to satisfy \
             constraint: Member must have length greater than or equal to 1; Value '0' at \
             'players.1.member.latencyInMs.eu.member' failed to satisfy constraint: Member must have value greater than \
             or equal to 1",
        );
    }

    #[test]
    fn values_of_other_types_are_no_input() {
        mistyped(DELETE_RULE_SET, r#"[]"#, "the input is not a structure");
        mistyped(DELETE_RULE_SET, r#"{"Name":7}"#, "`name` is not a string");
        mistyped(DESCRIBE_RULE_SETS, r#"{"Limit":2.5}"#, "`limit` is not an integer");
        mistyped(DESCRIBE_RULE_SETS, r#"{"Limit":3000000000}"#, "`limit` is not an integer");
        mistyped(DESCRIBE_RULE_SETS, r#"{"Names":{}}"#, "`names` is not a list");
        let player =
            r#"{"ConfigurationName":"c","Players":[{"PlayerId":"p","PlayerAttributes":{"a":{"N":"1"}}}]}"#;
        mistyped(
            START_MATCHMAKING,
            player,
            "`players.1.member.playerAttributes.a.member.n` is not a finite number",
        );
    }

    #[test]
    fn what_fits_passes_and_more_than_is_known_too() {
        check(
            DESCRIBE_RULE_SETS,
            &read(r#"{"Limit":10.0,"Names":["a","arn:x:matchmakingruleset/b"],"New":[7]}"#),
        )
        .unwrap();
        check(LIST_TAGS, &read(r#"{"ResourceARN":"x"}"#)).unwrap();
        let null = check(DESCRIBE_MATCHMAKING, &read(r#"{"TicketIds":[null]}"#)).unwrap_err();
        assert!(null.message.contains("at 'ticketIds.1.member'"), "{}", null.message);
    }

    #[test]
    fn a_body_of_faults_is_told_in_few_words() {
        let long = "ü".repeat(2_000);
        let many = vec![format!("{{\"Key\":\"{long}\"}}"); 150].join(",");
        let fault =
            check(TAG_RESOURCE, &read(&format!("{{\"ResourceARN\":\"a\",\"Tags\":[{many}]}}"))).unwrap_err();
        assert!(fault.message.starts_with("300 validation errors detected"));
        assert!(fault.message.len() < 5_000, "{}", fault.message.len());
    }

    #[test]
    fn patterns_are_those_of_the_model() {
        let fits = |pattern: Pattern, good: &[&str], bad: &[&str]| {
            good.iter().for_each(|text| assert!((pattern.fits)(text), "{text}"));
            bad.iter().for_each(|text| assert!(!(pattern.fits)(text), "{text}"));
        };
        fits(NAME_PATTERN, &["", "a-B.9"], &["a_b", "a b", "ä", "a/b"]);
        fits(
            RULE_SET_PATTERN,
            &["a", "arn::matchmakingruleset/", "arn:aws:gamelift:r:0:matchmakingruleset/a.b"],
            &[
                "arn:matchmakingruleset/a",
                "arn:aws:matchmakingconfiguration/a",
                "arn:aws:matchmakingruleset/a/b",
            ],
        );
        fits(ARN_PATTERN, &["arn:aws:gamelift/x-1"], &["", "a.b", "a_b"]);
        fits(TARGET_PATTERN, &["", "arn:aws:sns:r:0:my_topic", "t.fifo"], &["a.b", "t.fifo.fifo", "t.FIFO"]);
    }
}
