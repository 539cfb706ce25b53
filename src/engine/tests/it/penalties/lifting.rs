//! Penalties that an operator lifts.
use super::*;

both! {
    a_lifted_penalty_is_gone,
    one_offence_can_be_lifted,
}

async fn a_lifted_penalty_is_gone(w: World) {
    duel(&w, None).await;
    let p = w.players(2).await;
    let id = play(&w, &p).await;
    report(&w, id, &left(&p[..1], &[])).await;
    let scope = "duel".parse().unwrap();
    for _ in 0..2 {
        let call = keyed(w.admin(), "lift", "");
        let after = w.engine.lift_penalties(&call, p[0], &scope, None, "his line was cut").await.unwrap();
        assert_eq!(after, []);
        w.settle();
    }
    assert!(!is_locked(&w, p[0]).await);
    let nobody = PlayerId::from_u128(99);
    refused(w.engine.lift_penalties(&w.admin(), nobody, &scope, None, "why").await, "not_found");
}

async fn one_offence_can_be_lifted(w: World) {
    duel(&w, Some(10)).await;
    let p = w.players(2).await;
    dodge(&w, p[0], p[1]).await;
    dodge(&w, p[0], p[1]).await;
    let first = stands(&w, p[0]).await[0].offences[0].match_id;
    let scope = "duel".parse().unwrap();
    w.engine.lift_penalties(&w.admin(), p[0], &scope, Some(first), "a bug").await.unwrap();
    w.settle();
    assert_eq!(short(&w, p[0]).await, [(OffenceKind::Dodge, 1, 0)], "as if there had been one");
}
