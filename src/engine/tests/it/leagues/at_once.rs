//! Calls at once, and whole histories.
use super::*;

/// Seats by cohort, and the players who have them.
async fn seats_of(
    w: &World,
    engine: &Engine,
    board: &str,
    season: u64,
    players: &[PlayerId],
) -> BTreeMap<u64, Vec<u32>> {
    let mut cohorts: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
    let mut seated = BTreeSet::new();
    for player in players {
        for of in ended(engine, board, *player).await.iter().filter(|of| of.0 == season) {
            assert!(seated.insert(*player), "{player} sits twice");
            cohorts.entry(of.2).or_default().push(of.3);
        }
    }
    cohorts.values_mut().for_each(|numbers| numbers.sort_unstable());
    let of = BoardRef { season: Some(season), ..whole(board) };
    w.settle();
    let listed = engine.cohorts(&of, None, 0, 1_000, Viewer::All).await.unwrap();
    let sizes: Vec<_> = listed.iter().map(|of| (of.cohort, of.taken as usize)).collect();
    assert_eq!(sizes, cohorts.iter().map(|(cohort, numbers)| (*cohort, numbers.len())).collect::<Vec<_>>());
    cohorts
}

#[tokio::test]
async fn calls_at_once_share_no_seat() {
    for (homes, items_max) in [(1, 4_096), (3, 100), (3, 9)] {
        let faults = Faults { seed: 5, yields_max: 7, ..Faults::NONE };
        let w = world(homes, items_max, faults);
        define(&w, league("league", LeagueConfig { size: 5, ..LEAGUE })).await;
        define(&w, of_scores(cohorts("fishing", 7, CohortRule::Arrival))).await;
        let p = w.players(40).await;
        let other = w.node("other").await;
        let mut ids = Vec::new();
        for pair in p.chunks(2) {
            ids.push(made(&w, pair).await.id);
        }
        w.settle();
        let report = async |(at, id): (usize, MatchId)| {
            let engine = if at % 2 == 0 { &w.engine } else { &other };
            let report = places(&[1, 2], &[]);
            while let Err(error) = engine.report_result(&w.server(), id, None, &report).await {
                assert_eq!(error.code(), "contended", "{error}");
            }
        };
        let submit = async |(at, player): (usize, PlayerId)| {
            let engine = if at % 2 == 0 { &w.engine } else { &other };
            let of = [Submission { player, values: vec![1], at: None, metadata: None }];
            while let Err(error) = engine.submit(&w.server(), &name("fishing"), &of).await {
                assert_eq!(error.code(), "contended", "{error}");
            }
        };
        let results = join_all(ids.into_iter().enumerate().map(report));
        let scores = join_all(p.iter().copied().enumerate().map(submit));
        futures::join!(results, scores);
        w.settle();
        for (board, size) in [("league", 5_usize), ("fishing", 7)] {
            for engine in [&w.engine, &other, &w.node("again").await] {
                let cohorts = seats_of(&w, engine, board, 1, &p).await;
                assert_eq!(
                    cohorts.keys().copied().collect::<Vec<_>>(),
                    (1..=40_usize.div_ceil(size) as u64).collect::<Vec<_>>()
                );
                for (cohort, numbers) in &cohorts {
                    let taken = if *cohort as usize * size <= 40 { size } else { 40 % size };
                    assert_eq!(*numbers, (1..=taken as u32).collect::<Vec<_>>());
                }
            }
        }
    }
}

#[tokio::test]
async fn a_history_takes_seats_like_its_matches_one_by_one() {
    let worlds = [one_home(), one_home(), three_homes(), world(1, 24, Faults::NONE)];
    let mut told = Vec::new();
    for (at, w) in worlds.iter().enumerate() {
        define(w, league("league", LEAGUE)).await;
        w.engine
            .put_board(&w.admin(), cohorts("peers", 3, CohortRule::RatingBand { width: 90_000 }))
            .await
            .unwrap();
        w.settle();
        let p = w.players(9).await;
        let sides = |n: u64| {
            let winner = (n * n + 3 * n) as usize % p.len();
            vec![vec![p[winner]], vec![p[(winner + 1 + n as usize % (p.len() - 1)) % p.len()]]]
        };
        let played = |number: u64| gsm_engine::ImportMatch {
            number,
            mode: mode("duel"),
            roster: gsm_session::Roster::new(sides(number)).unwrap(),
            report: places(&[1, 2], &[]),
            at: Timestamp::from_millis(FROM + number as i64 * 11 * HOUR),
        };
        let history: Vec<_> = (0..120).map(played).collect();
        if at == 0 {
            for new in &history {
                w.engine.import_match(new).await.unwrap();
            }
        } else {
            w.engine.import_matches(&history).await.unwrap();
        }
        w.clock.advance_ms(60 * DAY);
        w.settle();
        let mut seats = Vec::new();
        for player in &p {
            seats.push((ended(&w.engine, "league", *player).await, ended(&w.engine, "peers", *player).await));
        }
        assert!(seats.iter().any(|(of, _)| of.len() > 5 && of.iter().any(|of| of.1 != 2)));
        told.push(seats);
    }
    assert!(told.iter().all(|seats| *seats == told[0]));
}
