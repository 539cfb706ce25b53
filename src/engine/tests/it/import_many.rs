//! Match histories: many matches in one commit are what they are one after another.
use crate::world::{World, one_home, places, three_homes, world};
use gsm_core::{Mode, PlayerId, RequestKey, Timestamp};
use gsm_engine::{
    BoardRef, EngineError, HistoryEntry, IMPORT_MATCHES_MAX, ImportMatch, ImportPlayer, Imported,
    QueueConfig, Viewer,
    store::{RatingRow, memory::Faults},
};
use gsm_rating::options::{Options, RepeatedPair};
use gsm_session::{Report, Roster, SideReport, Standings};

const PLAYERS: u64 = 12;

fn mode() -> Mode {
    Mode::new("old").unwrap()
}

/// Some match among few players: duels, teams and free-for-all, with draws.
fn some_match(number: u64) -> ImportMatch {
    let dice = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    let shape: &[usize] = [&[1, 1][..], &[2, 2], &[1, 1, 1], &[3, 1]][(dice % 4) as usize];
    let mut next = dice / 4;
    let mut player = || {
        next += 1;
        PlayerId::from_u128(u128::from(next % PLAYERS) + 1)
    };
    let sides: Vec<Vec<PlayerId>> = shape.iter().map(|n| (0..*n).map(|_| player()).collect()).collect();
    let places: &[u32] = if dice.is_multiple_of(5) { &[1, 1, 1] } else { &[2, 1, 2] };
    let standings =
        places.iter().take(sides.len()).map(|place| SideReport { place: *place, score: None }).collect();
    ImportMatch {
        number,
        mode: mode(),
        roster: Roster::new(sides).unwrap(),
        report: Report {
            standings: Standings::Sides(standings),
            quits: vec![],
            afk: vec![],
            duration: None,
            variant: None,
        },
        at: Timestamp::from_millis(i64::try_from(number / 3).unwrap() * 86_400_000 - 5_000_000_000),
    }
}

fn matches(n: u64) -> Vec<ImportMatch> {
    (1..=n).map(some_match).collect()
}

async fn state(world: &World) -> Vec<(RatingRow, Vec<HistoryEntry>)> {
    let mut all = Vec::new();
    for n in 1..=u128::from(PLAYERS) {
        let player = PlayerId::from_u128(n);
        let row = world.engine.rating(&mode(), player).await.unwrap();
        all.push((row, world.engine.history(&mode(), player, None, 1_000).await.unwrap()));
    }
    all
}

#[tokio::test]
async fn many_at_once_are_bit_for_bit_what_they_are_one_by_one() {
    let one_by_one = one_home();
    for new in matches(200) {
        assert_eq!(one_by_one.engine.import_match(&new).await.unwrap(), Imported::New);
    }
    let wanted = state(&one_by_one).await;
    for other in [one_home(), three_homes(), world(1, 16, Faults::NONE), world(1, 5, Faults::NONE)] {
        let all = matches(200);
        assert_eq!(other.engine.import_matches(&all).await.unwrap(), vec![Imported::New; 200]);
        assert_eq!(state(&other).await, wanted);
        let ranks = |world: &World| {
            let rank =
                |n| world.engine.rank(&BoardRef::from(&mode()), PlayerId::from_u128(n), Viewer::All).unwrap();
            (1..=u128::from(PLAYERS)).map(rank).collect::<Vec<_>>()
        };
        assert_eq!(ranks(&other), ranks(&one_by_one));
    }
}

/// A crowd of six of nine players each time: more opponents than are remembered.
#[tokio::test]
async fn ratings_do_not_depend_on_the_ids_that_were_drawn() {
    let rated = async |id: fn(u64) -> u64| {
        let w = one_home();
        let config = w.teams("old", 1, None).await;
        let rating_options = Options { repeated_pair: Some(RepeatedPair::default()), ..Options::default() };
        w.put(QueueConfig { rating_options, ..config }).await;
        let player = |n| PlayerId::from_u128(u128::from(id(n)));
        for number in 1..=30 {
            let first = number * 5 % 9;
            let sides = (0..6).map(|seat| vec![player((first + seat * (1 + number % 2)) % 9)]).collect();
            let new = ImportMatch {
                number,
                mode: mode(),
                roster: Roster::new(sides).unwrap(),
                report: places(&[1, 2, 3, 4, 5, 6], &[]),
                at: Timestamp::from_millis(number as i64 * 1_000),
            };
            assert_eq!(w.engine.import_match(&new).await.unwrap(), Imported::New);
        }
        let rebuilt = w.engine.rebuild(&w.admin(), &mode(), false).await.unwrap();
        assert_eq!((rebuilt.differing, rebuilt.results), (0, 30));
        let mut ratings = Vec::new();
        for n in 0..9 {
            ratings.push(w.engine.rating(&mode(), player(n)).await.unwrap().rating);
        }
        ratings
    };
    let first = rated(|n| n + 1).await;
    assert_eq!(rated(|n| 1_000 - n).await, first);
    assert_eq!(rated(|n| (n + 1) * 7 % 10).await, first);
}

#[tokio::test]
async fn a_match_counts_once_however_often_it_comes() {
    let world = one_home();
    let all = matches(60);
    world.engine.import_matches(&all[..40]).await.unwrap();
    let twice: Vec<ImportMatch> = all.iter().chain(&all[50..]).cloned().collect();
    let done = world.engine.import_matches(&twice).await.unwrap();
    assert_eq!(done[..40], [Imported::Known; 40]);
    assert_eq!(done[40..60], [Imported::New; 20]);
    assert_eq!(done[60..], [Imported::Known; 10]);
    let wanted = one_home();
    wanted.engine.import_matches(&all).await.unwrap();
    assert_eq!(state(&world).await, state(&wanted).await);
}

#[tokio::test]
async fn what_comes_before_a_contradiction_counts_and_nothing_after() {
    let world = one_home();
    let mut all = matches(10);
    world.engine.import_matches(&all[4..5]).await.unwrap();
    let mut other = some_match(5);
    let Standings::Sides(sides) = &mut other.report.standings else { panic!("sides") };
    let (first, last) = (sides[0].place, sides[1].place);
    (sides[0].place, sides[1].place) = if first == last { (1, 2) } else { (last, first) };
    all[4] = other;
    let refused = world.engine.import_matches(&all).await.unwrap_err();
    assert!(matches!(refused, EngineError::ResultContradicts { .. }), "{refused}");
    let again = world.engine.import_matches(&matches(10)).await.unwrap();
    assert_eq!(again, [[Imported::Known; 5], [Imported::New; 5]].concat());
}

#[tokio::test]
async fn the_same_result_among_others_is_another_match() {
    for many in [false, true] {
        let world = one_home();
        let first = some_match(1);
        world.engine.import_match(&first).await.unwrap();
        let strangers = (100..).map(PlayerId::from_u128);
        let mut strangers = strangers.into_iter();
        let sides = first.roster.sides().iter().map(|side| strangers.by_ref().take(side.len()).collect());
        let other = ImportMatch { roster: Roster::new(sides.collect()).unwrap(), ..first };
        let refused = if many {
            world.engine.import_matches(&[other]).await.map(drop)
        } else {
            world.engine.import_match(&other).await.map(drop)
        };
        assert!(matches!(refused, Err(EngineError::ResultContradicts { .. })), "{refused:?}");
    }
}

#[tokio::test]
async fn a_run_ends_where_a_change_set_is_full_or_the_mode_changes() {
    let world = one_home();
    let mut all = matches(IMPORT_MATCHES_MAX as u64 + 1);
    let last = all.len() - 1;
    all[last].mode = Mode::new("new").unwrap();
    let done = world.engine.import_matches(&all).await.unwrap();
    assert_eq!(done.len(), all.len());
    let first = all[last].roster.players().next().unwrap();
    assert_eq!(world.engine.rating(&all[last].mode, first).await.unwrap().games, 1);
}

#[tokio::test]
async fn players_are_made_once() {
    for world in [one_home(), three_homes(), world(1, 5, Faults::NONE)] {
        let player = |id: &str| ImportPlayer {
            external: RequestKey::new(id).unwrap(),
            id: None,
            name: None,
            at: Timestamp::from_millis(5),
        };
        let ids = world.engine.import_players(&["a", "b", "a", "c"].map(player)).await.unwrap();
        assert_eq!(ids[0], ids[2]);
        assert!(ids[0] != ids[1] && ids[1] != ids[3] && ids[0] != ids[3]);
        assert_eq!(world.engine.import_players(&["c", "a"].map(player)).await.unwrap(), [ids[3], ids[0]]);
        assert_eq!(world.engine.import_players(&["b"].map(player)).await.unwrap(), [ids[1]]);
        let seen = world.engine.player(&world.admin(), ids[1]).await.unwrap();
        assert_eq!(seen.row.created_at, Timestamp::from_millis(5));
        // Ids that were drawn beforehand are those of who is new, whose first place in the list counts.
        let fresh = world.engine.fresh_players(4);
        assert!(fresh.is_sorted());
        let given = ["z", "a", "y", "z"].map(player).into_iter().zip(&fresh);
        let given: Vec<ImportPlayer> = given.map(|(of, id)| ImportPlayer { id: Some(*id), ..of }).collect();
        let made = world.engine.import_players(&given).await.unwrap();
        assert_eq!(made, [fresh[0], ids[0], fresh[2], fresh[0]]);
    }
}
