//! Limits that no setting changes, for `docs/config.md`.
use crate::{
    audit, recording, webhooks,
    who::{jwks::SET_BYTES_MAX, key_file},
};
use gsm_core::limits;
use gsm_engine::SEASON_STARTS_PER_DAY_MAX;
use gsm_security::LIST_ENTRIES_MAX;
use std::fmt::Write as _;

/// Where nobody is answered.
const LOST: &str = "lost, and the log says so";

/// Of what there are how many at most, and what is answered to more.
const LIMITS: &[(&str, usize, &str)] = &[
    (
        "queues, which are the matchmaking configurations of the GameLift wire",
        limits::QUEUES_MAX,
        "429 `too_many_queues`",
    ),
    ("waiting tickets of a queue", limits::POOL_TICKETS_MAX, "429 `queue_full`"),
    ("queues that one ticket waits in", limits::TICKET_QUEUES_MAX, "422 `invalid`"),
    ("rule sets", limits::RULE_SETS_MAX, "429 `too_many_rule_sets`"),
    ("versions of a rule set", limits::RULE_SET_VERSIONS_MAX, "429 `too_many_rule_set_versions`"),
    ("boards, beside those of the modes", limits::BOARDS_MAX, "429 `too_many_boards`"),
    (
        "boards that count the results of one mode",
        limits::BOARDS_COUNTING_MAX,
        "429 `too_many_counting_boards`",
    ),
    ("seasons of a board that begin on one day", SEASON_STARTS_PER_DAY_MAX, "422 `invalid`"),
    ("API keys that have not been ended", limits::KEYS_MAX, "429 `too_many_keys`"),
    ("access keys of AWS clients that have not been ended", limits::KEYS_MAX, "429 `too_many_keys`"),
    (
        "keys of sessions: the next one, the one that signs, and those that retired within a day",
        limits::SIGNING_KEYS_MAX,
        "429 `too_many_signing_keys`",
    ),
    (
        "keys of tokens, and master keys: the newest, and those before it until a day after they were good",
        key_file::KEYS_MAX,
        "429 `too_many_old_keys`",
    ),
    (
        "bytes of a JWKS that is fetched, and of an issuer's discovery document",
        SET_BYTES_MAX,
        "401 `invalid_token`",
    ),
    (
        "keys of the audit log: the one that signs, and those that still sign beside it, for 30 days",
        audit::KEYS_MAX,
        "429 `too_many_audit_keys`",
    ),
    ("push streams of a player", limits::STREAMS_PER_PLAYER_MAX, "429 `too_many_streams`"),
    ("boards that a player watches", limits::WATCHES_PER_PLAYER_MAX, "429 `too_many_watches`"),
    ("friends of a watch", limits::WATCH_FRIENDS_MAX, "422 `invalid`"),
    ("watches that name one player as a friend", limits::WATCHED_BY_MAX, "422 `invalid`"),
    ("watches and their friends, of all players together", limits::WATCH_LINKS_MAX, "429 `too_many_watches`"),
    ("ways to sign in of a player", limits::IDENTITIES_MAX, "422 `invalid`"),
    ("groups of a player", limits::GROUPS_MAX, "422 `invalid`"),
    ("networks of the deny list, and of the allow list", LIST_ENTRIES_MAX, "429 `list_full`"),
    ("events that wait for one webhook", webhooks::WAITING_MAX, LOST),
    ("bytes of them", webhooks::WAITING_BYTES_MAX, LOST),
    ("lines of a recording that wait for the disk", recording::WAITING_MAX, LOST),
    ("bytes that they take in memory", recording::WAITING_BYTES_MAX, LOST),
];

/// The table.
pub(super) fn markdown(out: &mut String) {
    out.push_str(
        "\n## Limits\n\nThat no setting changes; what belongs to one document (sizes of texts, players of a ticket) is in that document.\n\n\
         | what | at most | more is |\n|---|---|---|\n",
    );
    for (what, most, answer) in LIMITS {
        let _ = writeln!(out, "| {what} | {} | {answer} |", grouped(*most));
    }
}

/// With a comma between thousands.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        for (number, shown) in [(8, "8"), (256, "256"), (1_000, "1,000"), (5_000_000, "5,000,000")] {
            assert_eq!(grouped(number), shown);
        }
    }

    /// What is said of an answer is a code of ours.
    #[test]
    fn answers_are_documented() {
        let codes = crate::codes_markdown();
        for (what, _, answer) in LIMITS.iter().filter(|(_, _, answer)| *answer != LOST) {
            let (status, code) = answer.split_once(' ').unwrap();
            assert!(codes.contains(&format!("| {status} | {code} |")), "{what}");
        }
    }
}
