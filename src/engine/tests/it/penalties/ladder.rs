//! The ladders of locks themselves.
use super::*;

both! {
    the_next_lock_is_that_of_the_ladder_as_it_is,
    a_ladder_must_be_one,
}

async fn the_next_lock_is_that_of_the_ladder_as_it_is(w: World) {
    let config = duel(&w, None).await;
    let p = w.players(2).await;
    let id = play(&w, &p).await;
    report(&w, id, &left(&p[..1], &[])).await;
    let next = async || {
        let view = stands(&w, p[0]).await.remove(0);
        (view.step, view.next_lock, view.locked_until)
    };
    let (_, lock, until) = next().await;
    assert_eq!(lock, Millis::from_secs(300));
    let with = |locks: &[u64]| {
        let penalties = Some(Penalties { leave: Some(ladder(locks)), ..all() });
        QueueConfig { penalties, ..config.clone() }
    };
    w.put(with(&[5, 60, 7_200])).await;
    assert_eq!(next().await, (1, Millis::from_secs(60), until));
    // And that is what it gets.
    w.clock.advance_ms(300_000);
    let id = play(&w, &p).await;
    report(&w, id, &left(&p[..1], &[])).await;
    assert_eq!(short(&w, p[0]).await, [(OffenceKind::Leave, 2, 60)]);
    // Of several queues it is the longest; where no ladder is left there is none.
    let other = w.teams("other", 1, None).await;
    let scope = Some("duel".parse().unwrap());
    let penalties = Some(Penalties { scope, leave: Some(ladder(&[9, 9, 9_000])), ..Penalties::default() });
    w.put(QueueConfig { penalties, ..other.clone() }).await;
    assert_eq!(next().await.1, Millis::from_secs(9_000));
    w.put(other).await;
    w.put(QueueConfig { penalties: Some(Penalties::default()), ..config.clone() }).await;
    assert_eq!(next().await.1, Millis::ZERO);
}

async fn a_ladder_must_be_one(w: World) {
    let config = duel(&w, None).await;
    let bad = Ladder { locks_ms: vec![], forget_after_ms: Millis::from_secs(1) };
    let penalties = Some(Penalties { afk: Some(bad), ..Penalties::default() });
    let refused = w.engine.put_queue(&w.admin(), QueueConfig { penalties, ..config }).await;
    assert!(
        matches!(&refused, Err(EngineError::Invalid { field, .. }) if field == "penalties.afk.locks_ms"),
        "{refused:?}"
    );
}
