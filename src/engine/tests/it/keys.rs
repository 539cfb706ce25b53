//! API keys: shown once, or again to who repeats the call; ended for good.
use crate::world::{World, both, keyed, refused};
use gsm_core::{Clock as _, CommitKey, KeyId, Millis, limits};
use gsm_engine::{
    AdminRole, Principal, Role,
    store::{ChangeSet, CredentialRow, Key, Row, Store as _, WhoRow},
    token::{TokenKey, TokenKeys},
};
use sha2::Digest as _;

both! {
    a_key_speaks_until_it_is_revoked, issuing_is_replayed, revoking_is_compared, no_key_is_a_players,
    a_key_has_two_secrets_while_one_is_changed, an_operators_key_has_a_role, only_hashes_are_stored,
    no_more_keys_are_good_than_are_listed, what_was_made_under_another_key_of_tokens_is_shown_again, an_idempotency_key_that_is_forgotten_brings_no_secret_back
}

async fn a_key_speaks_until_it_is_revoked(w: World) {
    let made = w.engine.issue_key(&w.admin(), Role::Server, None, "for gs").await.unwrap();
    let now = w.clock.now();
    let holder = w.engine.key_holder(&made.text, now).await.unwrap().unwrap();
    let id = holder.id;
    assert_eq!((id, holder.principal), (made.row.id, Principal::Server(made.row.id.to_string())));
    for wrong in
        [format!("{}0", made.text), made.text.replace("gsmk_", "gsmk-"), "gsmk_1_2".into(), String::new()]
    {
        assert_eq!(w.engine.key_holder(&wrong, now).await.unwrap(), None);
    }
    let at = w.engine.revoke_key(&w.admin(), id).await.unwrap();
    w.clock.advance_ms(1_000);
    assert_eq!(w.engine.revoke_key(&w.admin(), id).await.unwrap(), at);
    assert_eq!(w.engine.key_holder(&made.text, now).await.unwrap(), None);
    assert_eq!(w.engine.keys().await.unwrap()[0].revoked_at, Some(at));
    refused(w.engine.revoke_key(&w.admin(), KeyId::from_u128(1)).await, "not_found");
}

async fn a_key_has_two_secrets_while_one_is_changed(w: World) {
    let first = w.engine.issue_key(&w.admin(), Role::Server, None, "gs").await.unwrap();
    let overlap = Millis::from_secs(3_600);
    let second = w.engine.rotate_key(&keyed(w.admin(), "r", "1"), first.row.id, overlap).await.unwrap();
    let again = w.engine.rotate_key(&keyed(w.admin(), "r", "1"), first.row.id, overlap).await.unwrap();
    assert_eq!(
        (second.row.id, &again),
        (first.row.id, &second),
        "the name stays, a repeat shows the same secret"
    );
    let good = async |text: &str| w.engine.key_holder(text, w.clock.now()).await.unwrap().is_some();
    assert!(good(&first.text).await && good(&second.text).await, "both are good");
    w.clock.advance_ms(3_600_000);
    assert!(!good(&first.text).await && good(&second.text).await, "the old one has run out");
    let third = w.engine.rotate_key(&w.admin(), first.row.id, overlap).await.unwrap();
    let fourth = w.engine.rotate_key(&w.admin(), first.row.id, overlap).await.unwrap();
    assert!(!good(&second.text).await, "two at a time");
    assert!(good(&third.text).await && good(&fourth.text).await);
    let now = w.engine.rotate_key(&w.admin(), first.row.id, Millis::from_secs(0)).await.unwrap();
    assert!(!good(&fourth.text).await && good(&now.text).await, "without overlap the old one ends at once");
    w.engine.revoke_key(&w.admin(), first.row.id).await.unwrap();
    assert!(!good(&now.text).await);
    refused(w.engine.rotate_key(&w.admin(), first.row.id, overlap).await, "invalid");
    refused(w.engine.rotate_key(&w.admin(), KeyId::from_u128(1), overlap).await, "not_found");
}

async fn an_operators_key_has_a_role(w: World) {
    let role = async |admin| {
        let made = w.engine.issue_key(&w.admin(), Role::Admin, admin, "").await.unwrap();
        w.engine.key_holder(&made.text, w.clock.now()).await.unwrap().unwrap().admin
    };
    assert_eq!(role(None).await, Some(AdminRole::Owner));
    assert_eq!(role(Some(AdminRole::Auditor)).await, Some(AdminRole::Auditor));
    let server = w.engine.issue_key(&w.admin(), Role::Server, Some(AdminRole::Owner), "").await.unwrap();
    assert_eq!(server.row.admin, None, "a game server is no operator");
}

async fn only_hashes_are_stored(w: World) {
    let made = w.engine.issue_key(&w.admin(), Role::Server, None, "").await.unwrap();
    let secret = made.text.rsplit('_').next().unwrap();
    assert_eq!(secret.len(), 64, "256 bits");
    let rows = w.engine.keys().await.unwrap();
    let stored: [u8; 32] = sha2::Sha256::digest(secret.as_bytes()).into();
    assert_eq!(rows[0].secrets[0].sha256, stored);
    assert!(!format!("{rows:?}").contains(secret));
}

async fn issuing_is_replayed(w: World) {
    let call = |body| keyed(w.admin(), "k", body);
    let first = w.engine.issue_key(&call("a"), Role::Server, None, "a").await.unwrap();
    assert_eq!(w.engine.issue_key(&call("a"), Role::Server, None, "a").await.unwrap(), first);
    refused(w.engine.issue_key(&call("b"), Role::Admin, None, "a").await, "idempotency_mismatch");
    w.clock.advance_ms(25 * 3_600_000);
    assert_eq!(
        w.engine.issue_key(&call("a"), Role::Server, None, "a").await.unwrap(),
        first,
        "a day later too"
    );
    refused(w.engine.issue_key(&call("b"), Role::Admin, None, "a").await, "idempotency_mismatch");
    assert_eq!(w.engine.keys().await.unwrap().len(), 1);
}

async fn what_was_made_under_another_key_of_tokens_is_shown_again(w: World) {
    let issue = async |key| {
        let call = keyed(w.admin(), key, "a");
        w.engine.issue_key(&call, Role::Server, None, "a").await.unwrap()
    };
    let first = issue("k").await;
    let rotate = async || {
        let call = keyed(w.admin(), "r", "1");
        w.engine.rotate_key(&call, first.row.id, Millis::from_secs(60)).await.unwrap()
    };
    let second = rotate().await;
    let key = |n| TokenKey::new([n; 32]);
    // Its tokens are refused by now; what was made with it is shown all the same.
    let older = vec![(key(1), w.clock.now())];
    w.engine.take_token_keys(TokenKeys { signing: key(2), older, bans: key(1) });
    assert_eq!(issue("k").await.text, first.text);
    assert_eq!(rotate().await, second);
    let other = issue("l").await;
    assert_eq!(issue("l").await, other, "by the new one");
    assert_eq!(w.engine.keys().await.unwrap().len(), 2);
}

async fn an_idempotency_key_that_is_forgotten_brings_no_secret_back(w: World) {
    let made = async |note| w.engine.issue_key(&w.admin(), Role::Server, None, note).await.unwrap().row.id;
    let (one, two) = (made("one").await, made("two").await);
    let nightly = async |id: KeyId, body| {
        let call = keyed(w.admin(), "nightly", body);
        w.engine.rotate_key(&call, id, Millis::from_secs(0)).await.unwrap().text
    };
    let secret = |text: &str| text.rsplit('_').next().unwrap().to_owned();
    let first = nightly(one, "1").await;
    assert_eq!(secret(&first).len(), 64, "256 bits");
    w.engine.rotate_key(&w.admin(), one, Millis::from_secs(0)).await.unwrap();
    assert_eq!(
        nightly(one, "1").await,
        first,
        "a repeat is told what it was told, though it is good no more"
    );
    w.clock.advance_ms(25 * 3_600_000);
    let second = nightly(one, "1").await;
    assert_ne!(second, first, "a secret that was taken away stays away");
    w.clock.advance_ms(25 * 3_600_000);
    let of_another = nightly(two, "2").await;
    assert!([first, second].iter().all(|text| secret(text) != secret(&of_another)), "one secret, one key");
    // A key that was ended is given to nobody as a new one.
    let call = keyed(w.admin(), "k", "a");
    let made = w.engine.issue_key(&call, Role::Server, None, "a").await.unwrap();
    w.engine.revoke_key(&w.admin(), made.row.id).await.unwrap();
    w.clock.advance_ms(25 * 3_600_000);
    refused(w.engine.issue_key(&call, Role::Server, None, "a").await, "idempotency_mismatch");
}

async fn revoking_is_compared(w: World) {
    let one = w.engine.issue_key(&w.admin(), Role::Server, None, "").await.unwrap().row.id;
    let two = w.engine.issue_key(&w.admin(), Role::Server, None, "").await.unwrap().row.id;
    w.engine.revoke_key(&keyed(w.admin(), "k", "1"), one).await.unwrap();
    w.engine.revoke_key(&keyed(w.admin(), "k", "1"), one).await.unwrap();
    refused(w.engine.revoke_key(&keyed(w.admin(), "k", "2"), two).await, "idempotency_mismatch");
}

async fn no_key_is_a_players(w: World) {
    refused(w.engine.issue_key(&w.admin(), Role::Player, None, "").await, "invalid");
    refused(w.engine.issue_key(&w.admin(), Role::Server, None, &"x".repeat(129)).await, "invalid");
}

/// Writes rows that nobody asked for into the document home.
pub(crate) async fn written(w: &World, rows: impl Iterator<Item = (Key, Row)>) {
    let store = w.stores.get(1).unwrap_or(&w.stores[0]);
    let rows: Vec<_> = rows.collect();
    for (nth, part) in rows.chunks(50).enumerate() {
        let mut changes = ChangeSet::new(CommitKey::from_u128(nth as u128 + 1), w.clock.now());
        part.iter().cloned().for_each(|(key, row)| {
            changes.create(key, row);
        });
        store.commit(changes).await.unwrap();
    }
    w.settle();
}

async fn no_more_keys_are_good_than_are_listed(w: World) {
    let now = w.clock.now();
    let row = |n: usize, revoked_at| CredentialRow {
        id: KeyId::from_u128(n as u128 + 1),
        role: Role::Server,
        admin: None,
        note: String::new(),
        created_at: now,
        revoked_at,
        secrets: vec![],
        first_hash: None,
    };
    // Ended ones come first in the store, the first of them is the oldest.
    let all = (0..limits::KEYS_MAX + 500).map(|n| {
        let ended = (n < 501).then(|| now.saturating_add(Millis::new(n as u64)));
        let row = row(n, ended);
        (Key::ApiKey(row.id), Row::Who(Box::new(WhoRow::ApiKey(row))))
    });
    written(&w, all).await;
    let last = w.engine.issue_key(&keyed(w.admin(), "k", "a"), Role::Server, None, "last").await.unwrap();
    w.settle();
    let listed = w.engine.keys().await.unwrap();
    assert!(listed.iter().all(|row| row.revoked_at.is_none()) && listed.len() == limits::KEYS_MAX);
    assert!(listed.contains(&last.row), "every key that is good");
    let again = w.engine.issue_key(&keyed(w.admin(), "k", "a"), Role::Server, None, "last").await.unwrap();
    assert_eq!(again, last, "a repeat is no other one");
    refused(w.engine.issue_key(&w.admin(), Role::Admin, None, "").await, "too_many_keys");
    w.engine.revoke_key(&w.admin(), last.row.id).await.unwrap();
    w.settle();
    let listed = w.engine.keys().await.unwrap();
    assert_eq!(listed.last().map(|row| row.id), Some(KeyId::from_u128(501)), "the one that was ended last");
    w.engine.issue_key(&w.admin(), Role::Admin, None, "").await.unwrap();
}
