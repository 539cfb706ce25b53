//! A model that was trained on a server's own results says what that server says once it is champion.
use crate::{
    champions::{begin, of_file},
    forecasts::{drawn, play},
    matches::made,
    world::{World, mode, places},
};
use gsm_core::{Clock as _, MatchId, PlayerId, QueueName, Timestamp, Variant};
use gsm_engine::{Ask, NewMatch};
use gsm_ml::{About, Home, Kept, ModelFile, Oracle, Plan, Premade, Query, Who, train};

fn variant(name: Option<&str>) -> Option<Variant> {
    name.map(|name| Variant::new(name).unwrap())
}

/// A match with variant and home, one side after the other the winner.
async fn of_variants(w: &World, players: &[PlayerId], nth: u64) -> MatchId {
    let one = drawn(nth, players.len() as u64);
    let other = (one + 1 + drawn(nth + 77, players.len() as u64 - 1)) % players.len();
    let new = NewMatch {
        queue: QueueName::new("duel").unwrap(),
        sides: vec![vec![players[one]], vec![players[other]]],
        parties: vec![],
        home: [None, Some(0), Some(1)][nth as usize % 3],
        variant: variant([None, Some("dust"), Some("ice")][nth as usize % 5 % 3]),
    };
    let id = w.engine.create_match(&w.server(), &new).await.unwrap().id;
    let ended = if drawn(nth + 5, 3) == 0 { places(&[1, 2], &[]) } else { places(&[2, 1], &[]) };
    w.engine.report_result(&w.server(), id, None, &ended).await.unwrap();
    w.settle();
    w.clock.advance_ms(45_000);
    id
}

async fn trained(w: &World) -> ModelFile {
    let (history, players) = w.engine.match_history_by_name(&mode("duel")).await.unwrap();
    let plan = Plan { history: &history, holdout: 0.2, forgetting: Some(1e-3), trees: 0, champion: None };
    let trained = train(&plan, || ()).unwrap().unwrap();
    let mut about = About::new("duel-1", "duel", w.clock.now(), "ops");
    about.window = trained.window;
    let names = plan.names(players.iter().map(ToString::to_string).collect());
    let file = ModelFile { about, names, model: trained.model };
    w.engine.with_players(&mode("duel"), file).await.unwrap()
}

/// That the file, once read, and a server that begins with it say the same of all pairs, to the bit.
async fn check(w: &World, file: &ModelFile, players: &[PlayerId]) {
    let node = w.newborn("promoted");
    node.begin_models_with(begin(Some(of_file(file, "abc")), vec![]));
    node.load().await.unwrap();
    let oracle = Oracle::new(ModelFile::read(&file.to_bytes(Kept::All).unwrap()).unwrap());
    let at: Timestamp = w.clock.now();
    let stranger = PlayerId::from_u128(77);
    for (nth, one) in players.iter().enumerate() {
        let others = players.iter().skip(nth + 1).chain([&stranger]);
        for (other, name) in others.zip([None, Some("dust"), Some("ice"), Some("never")].into_iter().cycle())
        {
            for home in [None, Some(0), Some(1)] {
                let sides = vec![vec![*one], vec![*other]];
                let parties = Vec::new();
                let ask = Ask { mode: mode("duel"), sides, parties, home, variant: variant(name) };
                let here = node.predict(&w.admin(), &ask).await.unwrap().forecast;
                let ids = [one, other].map(ToString::to_string);
                let [one, other] = ids.each_ref().map(|id| [Who::Named(id)]);
                // Without a word nobody is at home, as in the server.
                let home = home.map_or(Home::AsEver, Home::Side);
                let premade = [Premade::NONE; 2];
                let query = Query { at, variant: name, home, sides: [&one, &other], premade };
                let there = oracle.ask(&query).unwrap().prediction;
                let here = here.chances.unwrap().map(f64::to_bits);
                let there = [there.win, there.draw, there.loss].map(f64::to_bits);
                assert_eq!(here, there, "{ids:?} {name:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_trained_model_says_what_its_server_says() {
    let w = crate::world::one_home();
    w.teams("duel", 1, None).await;
    let p = w.players(7).await;
    play(&w, &p, 40).await;
    check(&w, &trained(&w).await, &p).await;
    // Results with variants and who is at home; the last is voided, and stays learnt.
    let mut last = None;
    for nth in 0..60 {
        last = Some(of_variants(&w, &p, nth).await);
    }
    w.engine.void_result(&w.admin(), last.unwrap(), "a test").await.unwrap();
    w.settle();
    check(&w, &trained(&w).await, &p).await;
    // A match that is running is learnt by what it was predicted from.
    let running = made(&w, &p[..2]).await;
    of_variants(&w, &p, 61).await;
    w.engine.report_result(&w.server(), running.id, None, &places(&[1, 2], &[])).await.unwrap();
    w.settle();
    check(&w, &trained(&w).await, &p).await;
}
