//! Access keys of AWS clients: kept once, good until they are revoked.
use crate::{
    keys::written,
    world::{World, both, keyed, refused},
};
use gsm_core::{Clock as _, KeyId, limits};
use gsm_engine::{
    NewAwsKey, Role,
    store::{AwsKeyRow, Key, Row},
};

both! {
    a_key_is_good_until_it_is_revoked, issuing_is_replayed, what_no_key_can_be, no_more_keys_are_good_than_are_listed
}

fn new(id: u128, role: Role, note: &str) -> NewAwsKey {
    let note = note.to_owned();
    NewAwsKey { id: KeyId::from_u128(id), sealed_secret: vec![id as u8, 2, 3], role, note }
}

async fn a_key_is_good_until_it_is_revoked(w: World) {
    let made = w.engine.issue_aws_key(&w.admin(), &new(5, Role::Server, "back end")).await.unwrap();
    assert_eq!(w.engine.aws_key(made.id).await.unwrap(), Some(made.clone()));
    let at = w.engine.revoke_aws_key(&w.admin(), made.id).await.unwrap();
    w.clock.advance_ms(1_000);
    assert_eq!(w.engine.revoke_aws_key(&w.admin(), made.id).await.unwrap(), at);
    assert_eq!(w.engine.aws_key(made.id).await.unwrap(), None);
    assert_eq!(w.engine.aws_keys().await.unwrap()[0].revoked_at, Some(at));
    assert_eq!(w.engine.aws_key(KeyId::from_u128(6)).await.unwrap(), None);
    refused(w.engine.revoke_aws_key(&w.admin(), KeyId::from_u128(6)).await, "not_found");
}

async fn issuing_is_replayed(w: World) {
    let call = |body| keyed(w.admin(), "k", body);
    let first = w.engine.issue_aws_key(&call("a"), &new(5, Role::Server, "a")).await.unwrap();
    let resealed = NewAwsKey { sealed_secret: vec![9], ..new(5, Role::Server, "a") };
    assert_eq!(w.engine.issue_aws_key(&call("a"), &resealed).await.unwrap(), first);
    refused(w.engine.issue_aws_key(&call("b"), &new(5, Role::Admin, "a")).await, "idempotency_mismatch");
    w.clock.advance_ms(25 * 3_600_000);
    refused(w.engine.issue_aws_key(&call("b"), &new(5, Role::Admin, "a")).await, "idempotency_mismatch");
    assert_eq!(w.engine.aws_keys().await.unwrap().len(), 1);
}

async fn what_no_key_can_be(w: World) {
    refused(w.engine.issue_aws_key(&w.admin(), &new(1, Role::Player, "")).await, "invalid");
    refused(w.engine.issue_aws_key(&w.admin(), &new(1, Role::Server, &"x".repeat(129))).await, "invalid");
}

async fn no_more_keys_are_good_than_are_listed(w: World) {
    let row = |n: usize| AwsKeyRow {
        id: KeyId::from_u128(n as u128 + 1),
        sealed_secret: vec![],
        role: Role::Server,
        note: String::new(),
        created_at: w.clock.now(),
        revoked_at: None,
    };
    written(&w, (1..limits::KEYS_MAX).map(|n| (Key::AwsKey(row(n).id), Row::AwsKey(row(n))))).await;
    let last = w.engine.issue_aws_key(&w.admin(), &new(1, Role::Server, "")).await.unwrap();
    w.settle();
    assert_eq!(w.engine.aws_keys().await.unwrap().len(), limits::KEYS_MAX);
    let more = new(1_000_000, Role::Server, "");
    refused(w.engine.issue_aws_key(&w.admin(), &more).await, "too_many_keys");
    w.engine.revoke_aws_key(&w.admin(), last.id).await.unwrap();
    w.settle();
    w.engine.issue_aws_key(&w.admin(), &more).await.unwrap();
}
