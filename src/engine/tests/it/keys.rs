//! API keys: shown once, or again to who repeats the call; ended for good.
use crate::world::{World, both, keyed, refused};
use gsm_core::KeyId;
use gsm_engine::{Principal, Role};

both! { a_key_speaks_until_it_is_revoked, issuing_is_replayed, revoking_is_compared, no_key_is_a_players }

async fn a_key_speaks_until_it_is_revoked(w: World) {
    let made = w.engine.issue_key(&w.admin(), Role::Server, "for gs").await.unwrap();
    let (id, who) = w.engine.key_principal(&made.text).await.unwrap().unwrap();
    assert_eq!((id, who), (made.row.id, Principal::Server(made.row.id.to_string())));
    for wrong in
        [format!("{}0", made.text), made.text.replace("gsmk_", "gsmk-"), "gsmk_1_2".into(), String::new()]
    {
        assert_eq!(w.engine.key_principal(&wrong).await.unwrap(), None);
    }
    let at = w.engine.revoke_key(&w.admin(), id).await.unwrap();
    w.clock.advance_ms(1_000);
    assert_eq!(w.engine.revoke_key(&w.admin(), id).await.unwrap(), at);
    assert_eq!(w.engine.key_principal(&made.text).await.unwrap(), None);
    assert_eq!(w.engine.keys().await.unwrap()[0].revoked_at, Some(at));
    refused(w.engine.revoke_key(&w.admin(), KeyId::from_u128(1)).await, "not_found");
}

async fn issuing_is_replayed(w: World) {
    let call = |body| keyed(w.admin(), "k", body);
    let first = w.engine.issue_key(&call("a"), Role::Server, "a").await.unwrap();
    assert_eq!(w.engine.issue_key(&call("a"), Role::Server, "a").await.unwrap(), first);
    refused(w.engine.issue_key(&call("b"), Role::Admin, "a").await, "idempotency_mismatch");
    w.clock.advance_ms(25 * 3_600_000);
    assert_eq!(w.engine.issue_key(&call("a"), Role::Server, "a").await.unwrap(), first, "a day later too");
    refused(w.engine.issue_key(&call("b"), Role::Admin, "a").await, "idempotency_mismatch");
    assert_eq!(w.engine.keys().await.unwrap().len(), 1);
}

async fn revoking_is_compared(w: World) {
    let one = w.engine.issue_key(&w.admin(), Role::Server, "").await.unwrap().row.id;
    let two = w.engine.issue_key(&w.admin(), Role::Server, "").await.unwrap().row.id;
    w.engine.revoke_key(&keyed(w.admin(), "k", "1"), one).await.unwrap();
    w.engine.revoke_key(&keyed(w.admin(), "k", "1"), one).await.unwrap();
    refused(w.engine.revoke_key(&keyed(w.admin(), "k", "2"), two).await, "idempotency_mismatch");
}

async fn no_key_is_a_players(w: World) {
    refused(w.engine.issue_key(&w.admin(), Role::Player, "").await, "invalid");
    refused(w.engine.issue_key(&w.admin(), Role::Server, &"x".repeat(129)).await, "invalid");
}
