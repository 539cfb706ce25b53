//! Receipts of erasures: what was deleted of a player, and when, signed with the keys of the audit log, so that whoever has
//! the public key can check one without this server.
//!
//! A receipt is a signed note (C2SP): a line that says what it is, and the statement as JSON in one line.
use gsm_audit::{Note, NoteError, SigningKey, VerifierKey};
use gsm_core::Timestamp;
use gsm_engine::Erasure;
use serde_json::{Value, json};

/// The first line: no checkpoint of a log has it.
const TITLE: &str = "gsm erasure receipt 1";
/// What goes after the identity itself, without being counted.
const ERASED_TOO: [&str; 8] = [
    "waiting_ticket",
    "what_was_brought_to_tickets",
    "own_ids_of_tickets",
    "answers_kept_for_repeats",
    "watches",
    "groups",
    "texts_on_boards",
    "reasons_of_visibility",
];
/// What stays under the random id, and says of nobody who it was.
const KEPT: [&str; 11] = [
    "ratings_and_histories",
    "results",
    "matches",
    "entries_of_boards",
    "penalties",
    "match_reports",
    "predictions",
    "pair_flags",
    "region_and_platform",
    "visibility_on_boards",
    "audit_records",
];

/// Why a receipt is refused.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptError {
    /// Its signature, or its form as a note.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// Signed, but something else.
    #[error("signed, but not a receipt of an erasure")]
    Kind,
    /// The readable half is not what was signed.
    #[error("`statement` is not what was signed")]
    Statement,
}

fn at(of: Timestamp) -> String {
    let mut text = Vec::new();
    gsm_audit::rfc3339(of, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// What is said of an erasure that is done; nothing before.
pub(crate) fn statement(of: &Erasure) -> Option<Value> {
    let row = &of.row;
    let finished_at = row.finished_at?;
    let identities: Vec<&str> = row.identities.iter().map(|kind| kind.as_str()).collect();
    Some(json!({
        "player_id": of.player,
        "asked_for_by": if row.by_player { "player" } else { "operator" },
        "identity_erased_at": at(row.at),
        "finished_at": at(finished_at),
        "erased": {
            "ways_to_sign_in": identities,
            "display_name": row.name,
            "external_id": row.external_id,
            "bans": row.bans,
            "too": ERASED_TOO,
        },
        "kept_under_the_random_id": KEPT,
    }))
}

/// The statement as a signed note.
pub(crate) fn signed(statement: &Value, keys: &[SigningKey]) -> String {
    let keys: Vec<&SigningKey> = keys.iter().collect();
    Note::sign(&format!("{TITLE}\n{statement}\n"), &keys).to_string()
}

/// What a receipt states, if one of `keys` signed it. `bytes` is the note, or the JSON that it came in: an answer of the
/// server, whole, or its member `receipt`.
///
/// # Errors
/// What is wrong with it.
pub fn checked(bytes: &[u8], keys: &[VerifierKey]) -> Result<Value, ReceiptError> {
    let json: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let receipt = json.get("receipt").unwrap_or(&json);
    let note = receipt.get("note").and_then(Value::as_str).map_or(bytes, str::as_bytes);
    let note = Note::parse(note)?;
    let text = note.checked(keys)?;
    let stated = text.strip_prefix(TITLE).and_then(|rest| rest.strip_prefix('\n'));
    let stated =
        stated.and_then(|line| serde_json::from_str::<Value>(line).ok()).ok_or(ReceiptError::Kind)?;
    if receipt.get("statement").is_some_and(|shown| *shown != stated) {
        return Err(ReceiptError::Statement);
    }
    Ok(stated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gsm_core::PlayerId;
    use gsm_engine::store::{ErasedRow, IdentityKind};

    fn erasure() -> Erasure {
        let row = ErasedRow {
            at: Timestamp::from_millis(1_700_000_000_000),
            by_player: true,
            identities: vec![IdentityKind::GuestSecret],
            name: true,
            external_id: false,
            bans: 0,
            finished_at: Some(Timestamp::from_millis(1_700_000_000_500)),
        };
        Erasure { player: PlayerId::from_u128(7), row }
    }

    #[test]
    fn a_receipt_is_what_was_signed_and_nothing_else() {
        let key = SigningKey::of("gsm/audit/test", [3; 32]).unwrap();
        let keys = [key.verifier().clone()];
        let statement = statement(&erasure()).unwrap();
        assert_eq!(statement["identity_erased_at"], "2023-11-14T22:13:20.000Z");
        for class in ["match_reports", "predictions", "pair_flags"] {
            assert!(
                statement["kept_under_the_random_id"].as_array().unwrap().contains(&json!(class)),
                "{class}"
            );
        }
        let note = signed(&statement, std::slice::from_ref(&key));
        assert_eq!(checked(note.as_bytes(), &keys).unwrap(), statement);
        let whole = json!({ "player_id": "x", "receipt": { "statement": statement, "note": note } });
        assert_eq!(checked(whole.to_string().as_bytes(), &keys).unwrap(), statement);
        assert_eq!(checked(whole["receipt"].to_string().as_bytes(), &keys).unwrap(), statement);
        let fails = |bytes: &str| checked(bytes.as_bytes(), &keys).unwrap_err().to_string();
        let edited = note.replace("\"bans\":0", "\"bans\":1");
        assert!(fails(&edited).contains("does not fit"), "{}", fails(&edited));
        let mut shown = whole.clone();
        shown["receipt"]["statement"]["bans"] = json!(9);
        assert!(fails(&shown.to_string()).contains("not what was signed"));
        let other = SigningKey::of("gsm/audit/other", [4; 32]).unwrap();
        assert!(fails(&signed(&statement, &[other])).contains("not signed by a trusted key"));
        let checkpoint = Note::sign("gsm/audit/test\n7\nroot\n", &[&key]).to_string();
        assert!(fails(&checkpoint).contains("not a receipt"));
        for junk in ["", "{}", "null", "[1]", "\u{2014}", "{\"receipt\":{\"note\":7}}"] {
            assert!(fails(junk).contains("not a signed note"), "{junk}: {}", fails(junk));
        }
        let mut open = erasure();
        open.row.finished_at = None;
        assert_eq!(super::statement(&open), None, "there is none before the end");
    }
}
