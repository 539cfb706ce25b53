//! Predictions: what they are learnt from, what is kept of them, who sees what, how they are judged.
use crate::{
    matches::made,
    snapshots::Shelf,
    world::{World, both, mode, places, refused, wide},
};
use gsm_core::{Attribute, MatchId, PlayerId, QueueName, RuleSetName, Variant};
use gsm_engine::{
    Ask, Balance, CONTENDERS, ModelView, NewMatch, Places, Plausibility, QueueConfig, Span,
    store::{Forecast, Home, Key, KeyRange, LessonRow, Row, Store, Version},
};
use gsm_ml::{FEATURES, Meeting, Model, NAMES, Outcome, PARTS, SEEN};
use gsm_session::{SideReport, Standings};
use std::collections::BTreeMap;

both! {
    a_start_learns_all_to_the_bit,
    stored_features_are_those_of_the_log,
    what_a_result_taught_stays,
    players_see_chances_and_no_more,
    strangers_are_even_and_unsure,
    contributions_sum_to_the_logit,
    free_for_alls_are_predicted_and_judged,
    every_prediction_is_judged_in_its_parts,
    what_is_ruled_to_count_is_judged_by_what_was_predicted_of_it,
    each_player_counts_where_he_lives,
    questions_that_make_no_sense_are_refused,
    a_side_that_came_together_is_known_to_win,
}

/// A number below `most`, the same for the same `nth`.
pub(crate) fn drawn(nth: u64, most: u64) -> usize {
    let mixed = (nth + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    ((mixed >> 33) % most) as usize
}

/// Plays matches, two at a time, of which who comes first in the list wins three times of four. What was predicted of each.
pub(crate) async fn play(w: &World, players: &[PlayerId], matches: u64) -> Vec<(MatchId, Forecast)> {
    let mut played = Vec::new();
    let report = async |id: MatchId, winner: usize| {
        let ended = if winner == 0 { places(&[1, 2], &[]) } else { places(&[2, 1], &[]) };
        w.engine.report_result(&w.server(), id, None, &ended).await.unwrap();
        w.settle();
    };
    for nth in (0..matches).step_by(2) {
        let mut running = Vec::new();
        for of in [2 * nth, 2 * nth + 1] {
            let one = drawn(of, players.len() as u64);
            let other = (one + 1 + drawn(of + 1_000, players.len() as u64 - 1)) % players.len();
            let view = made(w, &[players[one], players[other]]).await;
            let strong = usize::from(one > other);
            running.push((view.id, if drawn(of + 2_000, 4) == 0 { 1 - strong } else { strong }));
            played.push((view.id, *view.row.prediction.forecast.unwrap()));
            w.clock.advance_ms(40_000);
        }
        // The one that began later ends first.
        for (id, winner) in running.into_iter().rev() {
            report(id, winner).await;
        }
    }
    played
}

async fn lessons(w: &World) -> Vec<(Version, MatchId, LessonRow)> {
    let store = &w.stores[0];
    let listed = store.list(&KeyRange::AllLessons, None, 10_000, false).await.unwrap();
    let mut lessons: Vec<_> = listed
        .into_iter()
        .map(|(key, found)| match (key, &*found.row) {
            (Key::Lesson(_, id), Row::Lesson(row)) => (found.version, id, (**row).clone()),
            other => panic!("no lesson: {other:?}"),
        })
        .collect();
    lessons.sort_by_key(|(version, id, row)| (*version, row.at, row.depth, *id));
    lessons
}

pub(crate) fn view(models: Vec<ModelView>) -> ModelView {
    models.into_iter().find(|of| of.mode == mode("duel")).expect("a model")
}

pub(crate) fn ask(sides: &[&[PlayerId]]) -> Ask {
    Ask {
        mode: mode("duel"),
        sides: sides.iter().map(|side| side.to_vec()).collect(),
        parties: Vec::new(),
        home: None,
        variant: None,
    }
}

async fn a_start_learns_all_to_the_bit(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(9).await;
    play(&w, &p, 60).await;
    let again = w.node("restarted").await;
    assert_eq!(again.models(), w.engine.models());
    for (one, other) in [(0, 1), (3, 7), (8, 2)] {
        let ask = ask(&[&p[one..=one], &p[other..=other]]);
        let (here, there) = (w.engine.predict(&w.admin(), &ask).await, again.predict(&w.admin(), &ask).await);
        let (here, there) = (here.unwrap(), there.unwrap());
        assert_eq!(here, there);
        assert!(here.forecast.chances.unwrap()[0] != 0.5 && here.unknown.is_empty());
    }
}

/// The slow twin: the lessons of the log up to the one that a prediction names, learnt anew for each prediction.
async fn stored_features_are_those_of_the_log(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(7).await;
    let played = play(&w, &p, 40).await;
    let lessons = lessons(&w).await;
    assert_eq!(lessons.len(), 40);
    let mut seen_late = 0;
    for (id, forecast) in &played {
        let inside = forecast.inside.as_ref().unwrap();
        let (mut model, mut numbers) = (Model::new(), BTreeMap::new());
        let number = |numbers: &mut BTreeMap<PlayerId, u32>, player: PlayerId| {
            let next = numbers.len() as u32;
            *numbers.entry(player).or_insert(next)
        };
        let before = lessons.iter().take_while(|(version, ..)| *version <= inside.sequence);
        let mut learnt = 0;
        for (_, _, lesson) in before {
            let sides: Vec<u32> = lesson.roster.players().map(|p| number(&mut numbers, p)).collect();
            let meeting = Meeting::new(lesson.at, &sides[..1], &sides[1..]);
            let kept = lesson.forecast.as_ref().unwrap().inside.as_ref().unwrap();
            let seen = kept.seen.as_ref().unwrap();
            let features = gsm_ml::Features::restore(seen.values.numbers(), None, seen.context).unwrap();
            let places = [lesson.places[0], lesson.places[1]];
            model.learn(&meeting, &features, &Outcome { places, scores: [None, None] }).unwrap();
            learnt += 1;
        }
        assert_eq!(learnt, inside.learnt);
        let (_, _, own) = lessons.iter().find(|(_, of, _)| of == id).unwrap();
        let sides: Vec<u32> = own.roster.players().map(|p| number(&mut numbers, p)).collect();
        let features = model.features(&Meeting::new(inside.at, &sides[..1], &sides[1..])).unwrap();
        let seen = inside.seen.as_ref().unwrap();
        let stored = seen.values.numbers();
        assert_eq!(features.seen().map(f64::to_bits), stored.map(f64::to_bits));
        assert_eq!(features.context().map(f64::to_bits), seen.context.map(f64::to_bits));
        assert_eq!(model.predict(&features).quality.to_bits(), forecast.quality.to_bits());
        seen_late += usize::from(stored.iter().filter(|value| **value != 0.0).count() > 10);
    }
    assert!(seen_late > 20, "the vectors are nearly empty");
}

async fn what_a_result_taught_stays(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(5).await;
    let played = play(&w, &p, 20).await;
    let (before, kept) = (w.engine.models(), lessons(&w).await);
    w.engine.void_result(&w.admin(), played[3].0, "a cheat").await.unwrap();
    w.engine.correct_result(&w.admin(), played[5].0, &places(&[1, 1], &[]), "a draw").await.unwrap();
    w.engine.rebuild(&w.admin(), &mode("duel"), true).await.unwrap();
    w.settle();
    assert_eq!((w.engine.models(), lessons(&w).await), (before.clone(), kept));
    assert_eq!(w.node("restarted").await.models(), before);
}

async fn players_see_chances_and_no_more(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(3).await;
    play(&w, &p, 6).await;
    let id = made(&w, &p[..2]).await.id;
    let mut seen = Vec::new();
    for call in [w.by(p[0]), w.server(), w.admin()] {
        let view = w.engine.match_view(&call, id).await.unwrap();
        seen.push(view.row.prediction.forecast.unwrap());
    }
    assert!(seen[0].inside.is_none() && seen[0].chances.is_some(), "{:?}", seen[0]);
    assert!(seen[1].inside.is_some() && seen[1] == seen[2]);
    // It outlives the match.
    w.engine.report_result(&w.server(), id, None, &places(&[1, 2], &[])).await.unwrap();
    w.settle();
    w.turn().await;
    let told = w.engine.match_prediction(&w.admin(), id).await.unwrap();
    assert_eq!(told.forecast, *seen[1]);
}

async fn strangers_are_even_and_unsure(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(6).await;
    play(&w, &p[..4], 80).await;
    let strangers = w.engine.predict(&w.admin(), &ask(&[&p[4..5], &p[5..6]])).await.unwrap();
    let friends = w.engine.predict(&w.admin(), &ask(&[&p[..1], &p[3..4]])).await.unwrap();
    assert_eq!((strangers.unknown.as_slice(), friends.unknown.len()), (&p[4..6], 0));
    assert_eq!((strangers.forecast.quality, strangers.forecast.expected[0]), (1.0, 0.5));
    let width = |of: &Forecast| {
        let [low, high] = of.inside.as_ref().unwrap().interval.unwrap();
        high - low
    };
    assert!(width(&strangers.forecast) > 0.8 && width(&friends.forecast) < 0.7);
    // Asking makes nobody known.
    assert_eq!(view(w.engine.models()).players, 4);
}

async fn contributions_sum_to_the_logit(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(6).await;
    let played = play(&w, &p, 40).await;
    for (id, forecast) in &played[20..] {
        let told = w.engine.match_prediction(&w.admin(), *id).await.unwrap();
        let sum: f64 = told.contributions.iter().map(|part| part.logit).sum();
        let expected = forecast.expected[0];
        assert!((sum - (expected / (1.0 - expected)).ln()).abs() < 1e-9, "{sum} {expected}");
        assert!(told.contributions.iter().all(|part| NAMES.contains(&part.name)) && sum != 0.0);
    }
}

async fn free_for_alls_are_predicted_and_judged(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(5).await;
    for nth in 0..30 {
        let order: Vec<PlayerId> = (0..5).map(|at| p[(at + nth) % 5]).collect();
        let view = made(&w, &order).await;
        let forecast = view.row.prediction.forecast.unwrap();
        if nth == 0 {
            let inside = forecast.inside.as_ref().unwrap();
            assert_eq!(inside.contenders[4], [0.2; 5], "equals share");
        }
        assert!(forecast.chances.is_none() && (forecast.expected.iter().sum::<f64>() - 2.5).abs() < 1e-9);
        // Who is first in the list always wins, the second is second.
        let ended: Vec<u32> =
            order.iter().map(|of| p.iter().position(|own| own == of).unwrap() as u32 + 1).collect();
        w.engine.report_result(&w.server(), view.id, None, &places(&ended, &[])).await.unwrap();
        w.settle();
        w.clock.advance_ms(60_000);
    }
    let asked = w.engine.predict(&w.admin(), &ask(&[&p[4..5], &p[..1], &p[2..3]])).await.unwrap();
    let expected = &asked.forecast.expected;
    assert!(expected[1] > expected[2] && expected[2] > expected[0], "{expected:?}");
    let view = view(w.engine.models());
    let champion = view.contenders[0].all.as_ref().unwrap();
    assert_eq!((view.matches, champion.matches), (30, 150));
    // The first was between equals; of the others the order came out as expected, so that they were less close than was told.
    let closeness = view.closeness.unwrap();
    assert_eq!(closeness.matches, 30);
    assert!(closeness.calibration.last().unwrap().actual > Some(0.0), "{closeness:?}");
    let late = closeness.calibration.iter().find(|bin| bin.count > 0).unwrap();
    assert!(late.actual.unwrap() < late.predicted.unwrap() && late.predicted.unwrap() < 0.8, "{late:?}");
    assert!(champion.log_loss < 0.69 && champion.accuracy.unwrap() > 0.7, "{champion:?}");
    // Its shares of the match are judged as the scores that they stand for.
    let rating = view.contenders[4].all.as_ref().unwrap();
    assert!(rating.log_loss < 0.69 && rating.accuracy.unwrap() > 0.7, "{rating:?}");
    assert!((rating.brier - champion.brier).abs() < 0.1, "{rating:?} {champion:?}");
    assert_eq!(w.node("restarted").await.models(), w.engine.models());
}

async fn every_prediction_is_judged_in_its_parts(w: World) {
    w.queue("duel", wide(1)).await;
    w.queue("other", wide(2)).await;
    let p = w.players(8).await;
    play(&w, &p, 30).await;
    // Of a match that began before anything was learnt, and a match that never ends.
    made(&w, &p[..2]).await;
    let judged = view(w.engine.models());
    assert_eq!((judged.learnt, judged.matches, judged.players), (30, 30, 8));
    assert_eq!(judged.contenders.iter().map(|of| of.name).collect::<Vec<_>>(), CONTENDERS);
    assert_eq!(judged.contenders.iter().filter(|of| of.is_champion).count(), 1);
    let closeness = judged.closeness.as_ref().unwrap();
    assert_eq!((closeness.matches, closeness.calibration.iter().map(|bin| bin.count).sum::<u64>()), (30, 30));
    // The first was between people of whom nothing was known.
    assert!(closeness.calibration.last().unwrap().count > 0 && closeness.error > 0.0, "{closeness:?}");
    assert_eq!(w.engine.model_glances()[0].1.closeness_error, Some(closeness.error));
    for contender in &judged.contenders {
        let all = contender.all.as_ref().unwrap();
        assert_eq!(all.matches, 30, "{}", contender.name);
        let by = |name: &str| {
            let parts = contender.parts.iter();
            let of = parts.filter(|of| serde_json::to_value(of.segment.by).unwrap() == name);
            of.map(|of| (of.segment.value.clone(), of.report.matches)).collect::<Vec<_>>()
        };
        assert_eq!((by("region"), by("party")), (vec![("unknown".into(), 30)], vec![("1".into(), 30)]));
        assert_eq!(by("experience").iter().map(|(_, n)| n).sum::<u64>(), 30);
    }
    let fair = w.engine.fairness(&mode("duel")).unwrap();
    assert_eq!((fair[0].matches, fair[0].score, fair[0].segment.is_none()), (60, Some(0.5), true));
    assert!(fair[0].losing_streaks.unwrap() > 0.0 && fair[0].losing_streak_max >= 3);
    assert!(w.engine.fairness(&mode("other")).unwrap().is_empty());
    refused(w.engine.fairness(&mode("none")), "not_found");
}

/// A result that was held is learnt late, by the vector of when its match was formed, and judged by what was said then.
async fn what_is_ruled_to_count_is_judged_by_what_was_predicted_of_it(w: World) {
    let config = w.teams("duel", 1, None).await;
    let score = Some(Span { least: None, most: Some(5.0) });
    w.put(QueueConfig {
        plausibility: Some(Plausibility { score, ..Plausibility::default() }),
        ..config.clone()
    })
    .await;
    let p = w.players(4).await;
    for player in &p[..2] {
        let places = Places { region: Some(Attribute::new("eu").unwrap()), ..Places::default() };
        w.engine.set_places(&w.admin(), *player, places).await.unwrap();
    }
    w.settle();
    let mut held = Vec::new();
    for _ in 0..2 {
        let view = made(&w, &p[..2]).await;
        let mut report = places(&[1, 2], &[]);
        report.standings = Standings::Sides(vec![
            SideReport { place: 1, score: Some(9.0) },
            SideReport { place: 2, score: Some(1.0) },
        ]);
        w.engine.report_result(&w.server(), view.id, None, &report).await.unwrap();
        w.settle();
        held.push((view.id, *view.row.prediction.forecast.unwrap()));
    }
    play(&w, &p, 20).await;
    let (before, fair) = (view(w.engine.models()), w.engine.fairness(&mode("duel")).unwrap());
    assert_eq!((before.learnt, before.matches), (20, 20));
    w.engine.release_result(&w.admin(), held[0].0, "seen on video").await.unwrap();
    w.engine.correct_result(&w.admin(), held[1].0, &places(&[2, 1], &[]), "swapped").await.unwrap();
    w.settle();
    w.turn().await;
    let lessons = lessons(&w).await;
    let mut lost = 0.0;
    for (id, told) in &held {
        let (_, _, lesson) = lessons.iter().find(|(_, of, _)| of == id).unwrap();
        let (kept, told_inside) = (lesson.forecast.as_ref().unwrap(), told.inside.as_ref().unwrap());
        assert_eq!((&kept.expected, kept.inside.as_ref().unwrap().learnt), (&told.expected, 0));
        assert_eq!(kept.inside.as_ref().unwrap().seen, told_inside.seen);
        for (p, place) in told.expected.iter().zip(&lesson.places) {
            lost -= if *place == 1 { p.ln() } else { (1.0 - p).ln() };
        }
    }
    let after = view(w.engine.models());
    assert_eq!((after.learnt, after.matches), (22, 22));
    let judged = w.engine.fairness(&mode("duel")).unwrap();
    let sum = |of: &gsm_engine::FairnessLine| of.log_loss.unwrap() * of.matches as f64;
    assert!((sum(&judged[0]) - sum(&fair[0]) - lost).abs() < 1e-9, "{judged:?} {fair:?}");
    let eu = |all: &[gsm_engine::FairnessLine]| {
        let of_eu = all.iter().find(|of| of.segment.as_ref().is_some_and(|part| part.value == "eu"));
        of_eu.map_or(0, |of| of.matches)
    };
    assert_eq!(eu(&judged) - eu(&fair), 4, "they belong to the part that they were formed in");
    assert_eq!(w.node("restarted").await.models(), w.engine.models());
}

/// A match between regions counts in both, for its players, and in none as a match.
async fn each_player_counts_where_he_lives(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(3).await;
    for (player, region) in p.iter().zip(["eu", "na"]) {
        let places = Places { region: Some(Attribute::new(region).unwrap()), ..Places::default() };
        w.engine.set_places(&w.admin(), *player, places).await.unwrap();
    }
    w.settle();
    // Who lives in `eu` wins all matches, against `na` and against somebody from nowhere.
    for nth in 0..30 {
        let view = made(&w, &[p[0], p[1 + nth % 3 / 2]]).await;
        w.engine.report_result(&w.server(), view.id, None, &places(&[1, 2], &[])).await.unwrap();
        w.settle();
        w.clock.advance_ms(60_000);
    }
    let check = |node: &gsm_engine::Engine| {
        let fair = node.fairness(&mode("duel")).unwrap();
        let region = |name: &str| {
            let of = fair.iter().find(|of| of.segment.as_ref().is_some_and(|of| of.value == name)).unwrap();
            (of.matches, of.score, of.overrated.unwrap())
        };
        let ((eu, na), nobody) = ((region("eu"), region("na")), region("unknown"));
        assert_eq!((eu.0, eu.1, na.0, na.1, nobody.0), (30, Some(1.0), 20, Some(0.0), 10));
        assert!(eu.2 < -0.1 && na.2 > 0.1, "{eu:?} {na:?}");
        let judged = view(node.models());
        let parts = judged.contenders[0].parts.iter();
        let regions = parts.filter(|of| serde_json::to_value(of.segment.by).unwrap() == "region");
        let mut regions: Vec<_> = regions.map(|of| (of.segment.value.clone(), of.report.matches)).collect();
        regions.sort();
        assert_eq!(regions, [("eu".to_owned(), 10), ("unknown".to_owned(), 20)]);
    };
    check(&w.engine);
    let node = w.newborn("again");
    node.load().await.unwrap();
    check(&node);
}

/// A side that came together wins: known when a match is formed, asked about, and learnt anew by a start.
async fn a_side_that_came_together_is_known_to_win(w: World) {
    w.teams("duel", 2, None).await;
    let p = w.players(8).await;
    let new = |nth: u64, together: Option<usize>| {
        let mut players = p.clone();
        players.rotate_left(drawn(nth, 8));
        players.swap(1, 2 + drawn(nth + 99, 6));
        let sides = vec![players[..2].to_vec(), players[2..4].to_vec()];
        let parties = together.map(|side| sides[side].clone()).into_iter().collect();
        NewMatch { queue: QueueName::new("duel").unwrap(), sides, parties, home: None, variant: None }
    };
    let told = |forecast: &Forecast| {
        let inside = forecast.inside.as_ref().unwrap();
        let part = inside.parts.numbers::<{ PARTS.len() }>()[PARTS.len() - 1];
        (inside.seen.as_ref().unwrap().values.numbers::<SEEN>()[FEATURES], part)
    };
    for nth in 0..60 {
        let whole = drawn(nth + 7, 2);
        let view = w.engine.create_match(&w.server(), &new(nth, Some(whole))).await.unwrap();
        let (seen, part) = told(&view.row.prediction.forecast.unwrap());
        assert_eq!(seen, [1.0, -1.0][whole]);
        assert!(nth < 5 || part * seen > 0.0, "{part}");
        let ended = if whole == 0 { places(&[1, 2], &[]) } else { places(&[2, 1], &[]) };
        w.engine.report_result(&w.server(), view.id, None, &ended).await.unwrap();
        w.settle();
        w.clock.advance_ms(60_000);
    }
    let NewMatch { sides, .. } = new(77, None);
    let ask = |parties: &[&[PlayerId]]| Ask {
        sides: sides.clone(),
        parties: parties.iter().map(|party| party.to_vec()).collect(),
        ..ask(&[])
    };
    let node = w.newborn("again");
    node.load().await.unwrap();
    let mut expected = Vec::new();
    for ask in [ask(&[]), ask(&[&sides[0]]), ask(&[&sides[1]]), ask(&[&sides[0], &sides[1]])] {
        let (here, there) = (w.engine.predict(&w.admin(), &ask).await, node.predict(&w.admin(), &ask).await);
        let here = here.unwrap();
        assert_eq!(here, there.unwrap());
        let part = here.contributions.iter().find(|part| part.name == "premade");
        assert_eq!(part.map_or(0.0, |part| part.logit), told(&here.forecast).1);
        expected.push(here.forecast.expected[0]);
    }
    assert!(expected[1] > expected[0] + 0.2 && expected[2] < expected[0] - 0.2, "{expected:?}");
    assert_eq!(expected[0], expected[3]);
    refused(w.engine.predict(&w.admin(), &ask(&[&p])).await, "invalid");
    // Histories tell it to whoever trains.
    let history = w.engine.match_history(&mode("duel")).await.unwrap();
    let whole =
        (0..history.len()).map(|index| history.party_sizes(index).filter(|of| **of == [2, 2]).count());
    assert!(history.len() == 60 && whole.into_iter().all(|whole| whole == 1));
}

async fn questions_that_make_no_sense_are_refused(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(3).await;
    let asked = async |ask: Ask| w.engine.predict(&w.admin(), &ask).await;
    refused(asked(ask(&[&p[..1]])).await, "invalid");
    refused(asked(ask(&[&p[..1], &[]])).await, "invalid");
    refused(asked(ask(&[&p[..1], &p[..1]])).await, "invalid");
    refused(asked(Ask { home: Some(2), ..ask(&[&p[..1], &p[1..2]]) }).await, "invalid");
    refused(asked(Ask { mode: mode("none"), ..ask(&[&p[..1], &p[1..2]]) }).await, "not_found");
    let variant = Some(Variant::new("dust").unwrap());
    assert!(asked(Ask { variant, ..ask(&[&p[..1], &p[1..2]]) }).await.is_ok());
}

/// A start from what was saved, whatever became of it, comes to the same bits as one that reads all lessons.
#[tokio::test]
async fn models_that_were_saved_are_brought_up_to_date() {
    let w = crate::world::one_home();
    w.teams("duel", 1, None).await;
    let p = w.players(8).await;
    play(&w, &p, 30).await;
    let shelf = Shelf::default();
    assert!(!w.engine.save_models(&shelf, 31).unwrap());
    assert!(w.engine.save_models(&shelf, 30).unwrap());
    assert!(!w.engine.save_models(&shelf, 1).unwrap(), "nothing has come since");
    let variant = Variant::new("dust").unwrap();
    let sides = [[p[0]].to_vec(), [p[3]].to_vec()].to_vec();
    let queue = QueueName::new("duel").unwrap();
    let new = NewMatch { queue, sides, parties: vec![], home: Some(1), variant: Some(variant.clone()) };
    let id = w.engine.create_match(&w.server(), &new).await.unwrap().id;
    w.engine.report_result(&w.server(), id, None, &places(&[1, 1], &[])).await.unwrap();
    play(&w, &p, 10).await;
    let asks = [(0, 3), (7, 1), (2, 5)].map(|(one, other)| Ask {
        variant: Some(variant.clone()),
        ..ask(&[&p[one..=one], &p[other..=other]])
    });
    let mut wanted = Vec::new();
    for ask in &asks {
        wanted.push(w.engine.predict(&w.admin(), ask).await.unwrap());
    }
    let whole = shelf.kept.lock().clone();
    let (name, bytes) = whole.iter().next().unwrap();
    let damaged = |at: usize| {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        bytes
    };
    let cut = bytes[..bytes.len() / 2].to_vec();
    for kept in [bytes.clone(), damaged(20), damaged(bytes.len() / 2), damaged(bytes.len() - 1), cut] {
        shelf.kept.lock().insert(name.clone(), kept);
        let node = w.newborn("restarted");
        let report = node.load_from(None, Some(&shelf)).await.unwrap();
        assert_eq!((report.lessons, node.models()), (41, w.engine.models()));
        for (ask, wanted) in asks.iter().zip(&wanted) {
            assert_eq!(node.predict(&w.admin(), ask).await.unwrap(), *wanted);
        }
    }
    // Saved where another store is: nothing of it fits.
    let other = crate::world::one_home();
    shelf.kept.lock().insert(name.clone(), bytes.clone());
    let node = other.newborn("elsewhere");
    assert_eq!(node.load_from(None, Some(&shelf)).await.unwrap().lessons, 0);
}

/// Waits and the region are those of the tickets; a formed match of the matcher is predicted like any other.
#[tokio::test]
async fn the_matcher_predicts_what_it_forms() {
    let w = crate::world::one_home();
    w.teams("duel", 1, None).await;
    let p = w.players(2).await;
    let tickets = {
        let first = w.enter("duel", p[0]).await.id;
        w.clock.advance_ms(7_000);
        let second = w.enter("duel", p[1]).await.id;
        w.turn().await;
        [first, second]
    };
    let id = w.seen(tickets[0]).await.match_id.unwrap();
    let view = w.engine.match_view(&w.admin(), id).await.unwrap();
    let inside = view.row.prediction.forecast.unwrap().inside.unwrap();
    let mut waits = inside.waits_ms.clone();
    waits.sort_unstable();
    assert_eq!((waits, inside.contenders.len()), (vec![0, 7_000], CONTENDERS.len()));
}

/// Four players, the first two of whom win all their matches against the others; their ratings say nothing.
async fn unlike(w: &World) -> Vec<PlayerId> {
    w.teams("duel", 1, None).await;
    let p = w.players(4).await;
    for nth in 0..40 {
        let id = made(w, &[p[nth % 2], p[2 + nth / 2 % 2]]).await.id;
        w.engine.report_result(&w.server(), id, None, &places(&[1, 2], &[])).await.unwrap();
        w.clock.advance_ms(60_000);
    }
    for (player, mean) in p.iter().zip([1500.0, 1503.0, 1501.0, 1502.0]) {
        w.engine.set_rating(&w.admin(), &mode("duel"), *player, mean, None, "a test").await.unwrap();
    }
    p
}

/// How many of the first two are on each side of the match that a queue makes of four, and its quality.
async fn split(w: &World, config: QueueConfig, p: &[PlayerId]) -> (Vec<usize>, f64) {
    let name = config.name.to_string();
    w.put(config).await;
    let tickets = w.enter_all(&name, &[p[0], p[3], p[1], p[2]]).await;
    let id = w.seen(tickets[0]).await.match_id.unwrap();
    let view = w.engine.match_view(&w.admin(), id).await.unwrap();
    let sides = view.row.roster.sides().iter();
    let strong = sides.map(|side| side.iter().filter(|of| p[..2].contains(of)).count()).collect();
    w.engine.report_result(&w.server(), id, None, &places(&[1, 1], &[])).await.unwrap();
    (strong, view.row.prediction.forecast.unwrap().quality)
}

/// Where the queue asks for it, sides are made even by what the model expects of the players.
#[tokio::test]
async fn sides_are_made_even_by_predictions_where_a_queue_asks_for_it() {
    let w = crate::world::one_home();
    let p = unlike(&w).await;
    let mut sides = Vec::new();
    for (name, balance) in [("plain", Balance::Rating), ("even", Balance::Prediction)] {
        let config = QueueConfig::new(QueueName::new(name).unwrap(), mode("duel"), wide(2));
        sides.push(split(&w, QueueConfig { balance, ..config }, &p).await);
    }
    let [(odd, plain), (even, better)] = sides.as_slice() else { panic!("{sides:?}") };
    assert!(odd.contains(&2) && even == &[1, 1] && better > plain, "{sides:?}");
}

/// And where the cost of a rule set's objective is the quality that a match lacks; of whom the model knows nothing, ratings
/// count.
#[tokio::test]
async fn sides_are_split_by_predictions_where_lost_quality_costs() {
    let w = crate::world::one_home();
    let p = unlike(&w).await;
    let mut sides = Vec::new();
    for (name, of, measure) in [
        ("plain", "duel", "unevenness"),
        ("even", "duel", "lostQuality"),
        ("unknown", "fresh", "lostQuality"),
    ] {
        let body = serde_json::json!({
            "ruleLanguageVersion": "1.0",
            "playerAttributes": [{ "name": "skill", "type": "number" }],
            "teams": [{ "name": "a", "minPlayers": 2, "maxPlayers": 2 }, { "name": "b", "minPlayers": 2, "maxPlayers": 2 }],
            "objective": { "cost": [{ measure: "skill" }], "starvationSeconds": 600 },
        });
        let rules = RuleSetName::new(name).unwrap();
        w.engine.create_rule_set(&w.admin(), &rules, &body.to_string(), [].into()).await.unwrap();
        let config = QueueConfig {
            rule_set: Some(rules),
            rating_attribute: Some("skill".to_owned()),
            ..QueueConfig::new(QueueName::new(name).unwrap(), mode(of), wide(2))
        };
        w.put(config.clone()).await;
        for (player, mean) in p.iter().zip([1500.0, 1503.0, 1501.0, 1502.0]) {
            w.engine.set_rating(&w.admin(), &mode(of), *player, mean, None, "a test").await.unwrap();
        }
        sides.push(split(&w, config, &p).await.0);
    }
    let [plain, even, unknown] = sides.as_slice() else { panic!("{sides:?}") };
    assert!(plain.contains(&2) && even == &[1, 1] && unknown.contains(&2), "{sides:?}");
}

/// A match that its own token reports, of which this home knows nothing more, still teaches.
#[tokio::test]
async fn a_result_without_its_match_teaches() {
    let w = crate::world::three_homes();
    w.teams("duel", 1, None).await;
    let p = w.players(2).await;
    let sides = p.iter().map(|p| vec![*p]).collect();
    let new = NewMatch {
        queue: QueueName::new("duel").unwrap(),
        sides,
        parties: vec![],
        home: None,
        variant: None,
    };
    let view = w.engine.create_match(&w.server(), &new).await.unwrap();
    let facts = gsm_engine::MatchFacts {
        mode: mode("duel"),
        queue: view.row.queue.clone(),
        roster: view.row.roster.clone(),
    };
    w.engine.report_result(&w.server(), view.id, Some(&facts), &places(&[1, 2], &[])).await.unwrap();
    w.settle();
    let judged = self::view(w.engine.models());
    assert_eq!((judged.learnt, judged.matches), (1, 0));
    assert_eq!(lessons(&w).await[0].2.forecast, None);
    assert_eq!(Home::Record, Key::Lesson(mode("duel"), view.id).home());
}
