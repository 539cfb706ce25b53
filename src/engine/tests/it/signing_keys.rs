//! Keys that sign sessions: the next one is known before it signs, an old one until its sessions are over.
use crate::world::{World, both, keyed, refused};
use gsm_core::{KeyId, Millis, limits};
use gsm_engine::{NewSigningKey, store::SigningKeyRow};

both! { keys_overlap, a_rotation_is_done_once, so_many_are_kept_and_later_there_is_room_again, another_seal_is_kept }

const LIFE: Millis = Millis::from_secs(100);

fn fresh(n: u8) -> [NewSigningKey; 2] {
    let key = |n: u8| NewSigningKey { id: KeyId::from_u128(u128::from(n)), public: [n; 32], sealed: vec![n] };
    [key(n), key(n + 100)]
}

/// Ids by what they do: signing, next, retired.
async fn state(w: &World) -> (Vec<u128>, Vec<u128>, Vec<u128>) {
    let keys = w.engine.signing_keys().await.unwrap();
    let of = |wanted: fn(bool, bool) -> bool| {
        let chosen = keys.iter().filter(|k| wanted(k.active_at.is_some(), k.retired_at.is_some()));
        chosen.map(|k| k.id.as_u128()).collect()
    };
    (of(|a, r| a && !r), of(|a, _| !a), of(|_, r| r))
}

async fn keys_overlap(w: World) {
    assert_eq!(state(&w).await, (vec![], vec![], vec![]));
    w.engine.rotate_signing_keys(&w.admin(), &fresh(1), LIFE).await.unwrap();
    w.settle();
    assert_eq!(state(&w).await, (vec![101], vec![1], vec![]));
    w.clock.advance_ms(1_000);
    w.engine.rotate_signing_keys(&w.admin(), &fresh(2), LIFE).await.unwrap();
    w.settle();
    assert_eq!(state(&w).await, (vec![1], vec![2], vec![101]), "what was published before signs now");
    w.clock.advance_ms(100_001);
    w.engine.rotate_signing_keys(&w.admin(), &fresh(3), LIFE).await.unwrap();
    w.settle();
    assert_eq!(state(&w).await, (vec![2], vec![3], vec![1]), "one without living sessions is forgotten");
}

async fn a_rotation_is_done_once(w: World) {
    let call = keyed(w.admin(), "k", "a");
    let first = w.engine.rotate_signing_keys(&call, &fresh(1), LIFE).await.unwrap();
    w.settle();
    assert_eq!(w.engine.signing_keys().await.unwrap(), first);
    assert_eq!(w.engine.rotate_signing_keys(&call, &fresh(2), LIFE).await.unwrap(), first);
    w.settle();
    assert_eq!(state(&w).await, (vec![101], vec![1], vec![]));
    for n in [3, 4] {
        w.clock.advance_ms(1_000);
        let next = w.engine.rotate_signing_keys(&w.admin(), &fresh(n), LIFE).await.unwrap();
        w.settle();
        assert_eq!(w.engine.signing_keys().await.unwrap(), next);
    }
    assert_eq!(
        w.engine.rotate_signing_keys(&call, &fresh(2), LIFE).await.unwrap(),
        first,
        "as they stood then"
    );
    assert_eq!(state(&w).await, (vec![3], vec![4], vec![101, 1]));
    w.unanswered().await;
    let now = w.engine.signing_keys().await.unwrap();
    assert_eq!(w.engine.rotate_signing_keys(&call, &fresh(2), LIFE).await.unwrap(), now);
}

async fn so_many_are_kept_and_later_there_is_room_again(w: World) {
    // The first rotation makes two.
    let most = limits::SIGNING_KEYS_MAX as u8;
    for n in 1..most {
        w.engine.rotate_signing_keys(&w.admin(), &fresh(n), LIFE).await.unwrap();
        w.settle();
        w.clock.advance_ms(1);
    }
    let next = fresh(most);
    refused(w.engine.rotate_signing_keys(&w.admin(), &next, LIFE).await, "too_many_signing_keys");
    w.clock.advance_ms(100_100);
    w.engine.rotate_signing_keys(&w.admin(), &next, LIFE).await.unwrap();
    w.settle();
    let most = u128::from(most);
    assert_eq!(state(&w).await, (vec![most - 1], vec![most], vec![most - 2]));
}

async fn another_seal_is_kept(w: World) {
    w.engine.rotate_signing_keys(&w.admin(), &fresh(1), LIFE).await.unwrap();
    w.settle();
    let anew = |row: &SigningKeyRow| (row.sealed == [1]).then(|| vec![9]);
    assert_eq!(w.engine.seal_signing_keys(&w.admin(), &anew).await.unwrap(), 1);
    w.settle();
    let sealed: Vec<_> = w.engine.signing_keys().await.unwrap().into_iter().map(|key| key.sealed).collect();
    assert_eq!(sealed, [vec![101], vec![9]]);
    assert_eq!(state(&w).await, (vec![101], vec![1], vec![]));
    assert_eq!(w.engine.seal_signing_keys(&w.admin(), &anew).await.unwrap(), 0, "once");
}
