//! Sign-in, profiles, names.
use crate::world::{World, both, keyed, refused};
use gsm_core::{Label, PlayerId, RequestKey};
use gsm_engine::Principal;

const SECRET: &str = "one-secret-0123456789abcdef";

both! {
    a_secret_is_one_player, a_subject_is_one_player_of_its_issuer, others_see_no_claim, names_are_their_owners,
    a_repeat_of_a_rename_is_told_what_it_did,
    a_device_is_one_player, a_guest_becomes_an_account
}

async fn a_secret_is_one_player(w: World) {
    let call = w.call(Principal::Anonymous);
    let first = w.engine.sign_in(&call, SECRET, Label::new("Ann").ok()).await.unwrap();
    let again = w.engine.sign_in(&call, SECRET, Label::new("Bob").ok()).await.unwrap();
    assert_eq!((first.created, again.created, first.player), (true, false, again.player));
    let seen = w.engine.player(&w.by(first.player), first.player).await.unwrap();
    assert_eq!(seen.row.name, Label::new("Ann").ok(), "signing in again renames nobody");
}

async fn a_subject_is_one_player_of_its_issuer(w: World) {
    let (call, subject) = (w.call(Principal::Anonymous), RequestKey::new("user-1").unwrap());
    let first = w.engine.player_of_subject(&call, "https://a", &subject).await.unwrap();
    assert_eq!(w.engine.player_of_subject(&call, "https://a", &subject).await.unwrap(), first);
    assert_ne!(w.engine.player_of_subject(&call, "https://b", &subject).await.unwrap(), first);
}

async fn others_see_no_claim(w: World) {
    w.teams("duel", 1, None).await;
    let players = w.players(2).await;
    w.enter("duel", players[0]).await;
    assert!(w.engine.player(&w.by(players[0]), players[0]).await.unwrap().claim.is_some());
    assert!(w.engine.player(&w.server(), players[0]).await.unwrap().claim.is_some());
    assert!(w.engine.player(&w.by(players[1]), players[0]).await.unwrap().claim.is_none());
    refused(w.engine.player(&w.admin(), PlayerId::from_u128(1)).await, "not_found");
}

async fn names_are_their_owners(w: World) {
    let players = w.players(2).await;
    let name = Label::new("Ann").ok();
    let renamed = w.engine.rename(&w.by(players[0]), players[0], name.clone()).await.unwrap();
    assert_eq!(renamed.row.name, name);
    refused(w.engine.rename(&w.by(players[1]), players[0], None).await, "not_found");
    assert_eq!(w.engine.player(&w.admin(), players[0]).await.unwrap().row.name, name);
}

async fn a_repeat_of_a_rename_is_told_what_it_did(w: World) {
    w.teams("duel", 1, None).await;
    let player = w.players(1).await[0];
    let rename = async |key: &str, name: &str| {
        let call = keyed(w.by(player), key, name);
        let view = w.engine.rename(&call, player, Label::new(name).ok()).await.unwrap();
        w.settle();
        view
    };
    let first = rename("k", "Ann").await;
    assert_eq!((first.row.name.as_ref(), first.claim), (Label::new("Ann").ok().as_ref(), None));
    rename("l", "Bea").await;
    w.enter("duel", player).await;
    w.settle();
    assert_eq!(rename("k", "Ann").await, first);
    let now = w.engine.player(&w.by(player), player).await.unwrap();
    assert_eq!(now.row.name, Label::new("Bea").ok(), "it is not done again");
    w.unanswered().await;
    assert_eq!(rename("k", "Ann").await, now, "one of a version that kept no answer");
}

async fn a_device_is_one_player(w: World) {
    let call = w.call(Principal::Anonymous);
    let first = w.engine.sign_in_device(&call, b"key a", None).await.unwrap();
    let again = w.engine.sign_in_device(&call, b"key a", None).await.unwrap();
    assert_eq!((first.created, again.created, first.player), (true, false, again.player));
    assert_ne!(w.engine.sign_in_device(&call, b"key b", None).await.unwrap().player, first.player);
    let (challenge, until) = w.engine.challenge(7, call.now);
    assert_eq!(w.engine.open_challenge(&challenge, call.now).map(|claim| claim.nonce >> 64), Ok(7));
    assert!(w.engine.open_challenge(&challenge, until).is_err(), "expired");
    assert_ne!(w.engine.challenge(7, call.now).0, challenge);
}

async fn a_guest_becomes_an_account(w: World) {
    let call = w.call(Principal::Anonymous);
    let (guest, other) = (w.engine.sign_in(&call, SECRET, None).await.unwrap().player, w.players(1).await[0]);
    let subject = RequestKey::new("user-1").unwrap();
    w.engine.link_subject(&w.by(guest), guest, "https://a", &subject).await.unwrap();
    w.engine.link_subject(&w.by(guest), guest, "https://a", &subject).await.unwrap();
    assert_eq!(w.engine.player_of_subject(&call, "https://a", &subject).await.unwrap(), guest);
    assert_eq!(
        w.engine.sign_in(&call, SECRET, None).await.unwrap().player,
        guest,
        "the secret is good still"
    );
    assert_eq!(w.engine.player(&w.by(guest), guest).await.unwrap().row.external_id, Some(subject.clone()));
    refused(w.engine.link_subject(&w.by(other), other, "https://a", &subject).await, "identity_taken");
    assert_eq!(w.engine.player_of_subject(&call, "https://a", &subject).await.unwrap(), guest);
    let nobody = PlayerId::from_u128(1);
    refused(w.engine.link_subject(&w.by(nobody), nobody, "https://b", &subject).await, "not_found");
}
