//! Seasons: the turn, the past that stays, and payouts.
use crate::{
    defined::{of_mode, whole},
    matches::made,
    verdicts::{begin, counted, rebuilt},
    world::{World, both, keyed, mode, one_home, places, refused, three_homes},
};
use gsm_core::{BoardName, CommitKey, MatchId, PlayerId, limits};
use gsm_engine::{
    BoardConfig, BoardRef, Column, Direction, Eligibility, Operator, PayoutConfig, ScheduleConfig, Source,
    Submission, TierPlace, Value, Viewer, Visibility,
    store::{ChangeSet, Expect, Key, Op, Row, Store},
};
use std::{collections::BTreeMap, sync::Arc};

both! {
    the_turn_empties_a_board_and_the_past_stays,
    a_board_defined_later_counts_what_was,
    a_season_that_is_over_judges_players_as_it_ended,
    scores_count_in_the_season_they_were_made_in,
    each_player_is_paid_once,
    who_is_hidden_after_the_payout_began_moves_no_rank,
    what_is_paid_out_stays,
    a_board_with_seasons_stays_as_it_is,
    a_listing_stays_in_its_season,
    a_visible_place_moves_apart_from_the_rating,
}

const HOUR: i64 = 3_600_000;
const WEEK: i64 = 7 * 24 * HOUR;

/// Seasons of a week; the world's clock begins in the first, 22 hours and 13 minutes after its start.
pub(crate) fn weekly() -> Option<ScheduleConfig> {
    Some(ScheduleConfig::Days { every: 7, zone: "UTC".into(), from: "2023-11-14T00:00".into() })
}

fn of_season(board: &str, season: u64) -> BoardRef {
    BoardRef { season: Some(season), ..whole(board) }
}

fn column(value: Value, operator: Operator) -> Column {
    Column { value, direction: Direction::Descending, operator }
}

fn ladder(name: &str) -> BoardConfig {
    let columns = vec![column(Value::Games, Operator::Last), column(Value::Wins, Operator::Last)];
    BoardConfig { columns, season: weekly(), ..of_mode(name, "duel") }
}

fn scores(name: &str) -> BoardConfig {
    let columns = vec![column(Value::Submitted, Operator::Incr)];
    BoardConfig { source: Source::Submissions, columns, ..ladder(name) }
}

fn name(text: &str) -> BoardName {
    BoardName::new(text).unwrap()
}

async fn define(w: &World, config: BoardConfig) {
    w.engine.put_board(&w.admin(), config).await.unwrap();
    w.settle();
}

async fn beats(w: &World, winner: PlayerId, loser: PlayerId) -> MatchId {
    let id = made(w, &[winner, loser]).await.id;
    w.engine.report_result(&w.server(), id, None, &places(&[1, 2], &[])).await.unwrap();
    w.clock.advance_ms(1_000);
    w.settle();
    id
}

/// Ranks and first numbers on a season of a board.
async fn table(engine: &gsm_engine::Engine, of: &BoardRef) -> Vec<(PlayerId, u64, i64)> {
    let (rows, _) = engine.top(of, 0, 100).await.unwrap();
    rows.iter().map(|row| (row.player, row.rank.get(), row.keys.first())).collect()
}

async fn the_turn_empties_a_board_and_the_past_stays(w: World) {
    w.teams("duel", 1, None).await;
    define(&w, ladder("ladder")).await;
    let p = w.players(3).await;
    beats(&w, p[0], p[1]).await;
    let left = beats(&w, p[0], p[2]).await;
    let first = table(&w.engine, &whole("ladder")).await;
    assert_eq!(first, [(p[0], 1, 2), (p[1], 2, 1), (p[2], 2, 1)]);
    // To the last millisecond before the turn, and to the turn.
    let now = w.admin().now.as_millis();
    let turn = 1_699_920_000_000 + WEEK;
    w.clock.advance_ms(turn - now - 1);
    assert_eq!(table(&w.engine, &whole("ladder")).await, first);
    w.clock.advance_ms(1);
    assert_eq!(table(&w.engine, &whole("ladder")).await, []);
    refused(w.engine.rank(&whole("ladder"), p[0], Viewer::All), "not_found");
    let seasons = w.engine.seasons(&name("ladder"), None, 10).unwrap();
    assert_eq!(seasons.iter().map(|season| season.number).collect::<Vec<_>>(), [2, 1]);
    assert_eq!((seasons[0].starts_at.as_millis(), seasons[1].ends_at), (turn, Some(seasons[0].starts_at)));
    for _ in 0..6 {
        beats(&w, p[1], p[2]).await;
        w.clock.advance_ms(WEEK);
    }
    assert_eq!(table(&w.engine, &whole("ladder")).await, []);
    beats(&w, p[2], p[1]).await;
    let past = async |engine: &gsm_engine::Engine| {
        let mut seasons = Vec::new();
        for number in 1..=8 {
            seasons.push(table(engine, &of_season("ladder", number)).await);
        }
        seasons
    };
    let told = past(&w.engine).await;
    assert_eq!((&told[0], told[1].len(), told[7].len()), (&first, 2, 2));
    assert_eq!(past(&w.node("again").await).await, told, "a restart shows the same");
    // A ruling reaches back into its season, in memory or not.
    w.engine.void_result(&w.admin(), left, "why").await.unwrap();
    w.settle();
    let now = past(&w.engine).await;
    assert_eq!((&now[0][..], &now[1..]), (&[(p[0], 1, 1), (p[1], 2, 1)][..], &told[1..]));
    assert_eq!(past(&w.node("again").await).await, now);
    let numbers = |before, limit| {
        let seasons = w.engine.seasons(&name("ladder"), before, limit).unwrap();
        seasons.iter().map(|season| season.number).collect::<Vec<_>>()
    };
    assert_eq!((numbers(None, 3), numbers(Some(6), 3)), (vec![8, 7, 6], vec![5, 4, 3]));
    assert_eq!(
        (numbers(Some(99), 2), numbers(Some(2), 9), numbers(Some(0), 9)),
        (vec![8, 7], vec![1], vec![])
    );
    refused(w.engine.top(&of_season("ladder", 9), 0, 1).await, "not_found");
    refused(w.engine.top(&of_season("ladder", 0), 0, 1).await, "not_found");
    refused(w.engine.top(&of_season("duel", 1), 0, 1).await, "invalid");
    refused(w.engine.seasons(&name("duel"), None, 1), "invalid");
}

async fn a_board_defined_later_counts_what_was(w: World) {
    let players = begin(&w).await;
    let mut ids = Vec::new();
    for n in 0..12 {
        ids.push(beats(&w, players[n % 5], players[(n * n + 1) % 5 % 4 + 1]).await);
        w.clock.advance_ms(20 * HOUR);
        if n % 4 == 3 {
            w.engine.void_result(&w.admin(), ids[n - 2], "x").await.unwrap();
            w.engine.set_rating(&w.admin(), &mode("duel"), players[n % 5], 1_700.0, None, "x").await.unwrap();
        }
    }
    let told = counted(&w).await;
    assert!(told.len() > 10);
    // What was counted on the way is what is counted afterwards.
    for board in ["weekly", "peak", "visible"] {
        w.engine.delete_board(&w.admin(), &name(board)).await.unwrap();
    }
    w.settle();
    assert_eq!(counted(&w).await, []);
    for config in crate::verdicts::counting() {
        define(&w, config).await;
    }
    assert_eq!(counted(&w).await, told);
    // And what is damaged is found, and put right by a rebuild, or by defining the board again.
    let rebuild = async |repair| w.engine.rebuild(&w.admin(), &mode("duel"), repair).await.unwrap();
    rebuilt(rebuild(false).await);
    for by_rebuild in [true, false] {
        let mut damage = ChangeSet::new(CommitKey::from_u128(1 + u128::from(by_rebuild)), w.admin().now);
        let Some((key, Row::Entry(row))) = told.first().cloned() else { panic!("an entry") };
        let bent = Row::Entry(gsm_engine::store::EntryRow { submissions: 99, ..row });
        damage.write(key, Expect::Any, Op::Put { row: Arc::new(bent.clone()), expires_at: None });
        let Some((last, _)) = told.last().cloned() else { panic!("an entry") };
        damage.write(last, Expect::Any, Op::Delete);
        let nobody = Key::Entry(name("peak"), 0, PlayerId::from_u128(9));
        damage.write(nobody, Expect::Any, Op::Put { row: Arc::new(bent), expires_at: None });
        w.stores[0].commit(damage).await.unwrap();
        assert_eq!(rebuild(false).await.differing, 3);
        if by_rebuild {
            assert_eq!(rebuild(true).await.differing, 3);
        } else {
            for config in crate::verdicts::counting() {
                define(&w, config).await;
            }
        }
        assert_eq!(counted(&w).await, told);
        rebuilt(rebuild(false).await);
    }
}

async fn a_season_that_is_over_judges_players_as_it_ended(w: World) {
    w.teams("duel", 1, None).await;
    let eligibility = Eligibility { games_min: 2, idle_days_max: 3, ..Eligibility::default() };
    define(&w, BoardConfig { eligibility, ..ladder("regulars") }).await;
    let p = w.players(4).await;
    for (winner, loser) in [(0, 1), (0, 1), (2, 3)] {
        beats(&w, p[winner], p[loser]).await;
    }
    w.clock.advance_ms(5 * 24 * HOUR);
    for (winner, loser) in [(2, 1), (2, 3)] {
        beats(&w, p[winner], p[loser]).await;
    }
    w.clock.advance_ms(30 * 24 * HOUR);
    w.turn().await;
    // The first has been idle since the first day of the season; the others had played within the last three.
    let of = of_season("regulars", 1);
    let expected = [(p[1], 1, 3), (p[2], 2, 3), (p[3], 3, 2)].map(|(player, _, games)| (player, games));
    for engine in [&w.engine, &w.node("again").await] {
        let rows = table(engine, &of).await;
        let mut rows: Vec<_> = rows.iter().map(|row| (row.0, row.2)).collect();
        rows.sort_unstable();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(rows, expected);
    }
}

async fn scores_count_in_the_season_they_were_made_in(w: World) {
    w.teams("duel", 1, None).await;
    let later = Some(ScheduleConfig::At { starts_at: vec!["2023-12-01T00:00:00Z".into()] });
    define(&w, BoardConfig { season: later, ..scores("soon") }).await;
    define(&w, scores("fishing")).await;
    let p = w.players(2).await;
    let submit = async |board: &str, player, value, at| {
        let of = Submission { player, values: vec![value], at, metadata: None };
        let done = w.engine.submit(&w.server(), &name(board), &[of]).await;
        w.settle();
        done
    };
    refused(submit("soon", p[0], 1, None).await, "no_season");
    refused(w.engine.rank(&whole("soon"), p[0], Viewer::All), "no_season");
    submit("fishing", p[0], 5, None).await.unwrap();
    let then = w.admin().now;
    w.clock.advance_ms(WEEK);
    submit("fishing", p[0], 1, None).await.unwrap();
    submit("fishing", p[1], 7, Some(then)).await.unwrap();
    assert_eq!(table(&w.engine, &whole("fishing")).await, [(p[0], 1, 1)]);
    assert_eq!(table(&w.engine, &of_season("fishing", 1)).await, [(p[1], 1, 7), (p[0], 2, 5)]);
    let entry = w.engine.entry(&of_season("fishing", 1), p[0]).await.unwrap().unwrap();
    assert_eq!((entry.values[0], entry.submissions), (5, 1));
    // Of several, each goes where it belongs, all or none.
    let of = |player, value, at| Submission { player, values: vec![value], at, metadata: None };
    let far = w.admin().now.saturating_sub(gsm_core::Millis::new(5 * WEEK.unsigned_abs()));
    let mixed = [of(p[0], 1, Some(then)), of(p[0], 1, None), of(p[1], 1, Some(far))];
    refused(w.engine.submit(&w.server(), &name("fishing"), &mixed).await, "no_season");
    let taken = w.engine.submit(&w.server(), &name("fishing"), &mixed[..2]).await.unwrap();
    assert_eq!(taken.iter().map(|of| of.values[0]).collect::<Vec<_>>(), [6, 2]);
    w.settle();
    w.engine.remove_entry(&w.admin(), &of_season("fishing", 1), p[1], "cheated").await.unwrap();
    w.settle();
    assert_eq!(table(&w.engine, &of_season("fishing", 1)).await, [(p[0], 1, 6)]);
    assert_eq!(table(&w.engine, &whole("fishing")).await, [(p[0], 1, 2)]);
    let modes: Vec<_> = w.engine.boards().iter().map(|b| (b.season.map(|s| s.number), b.players)).collect();
    assert_eq!(modes, [(None, 0), (Some(2), 1), (None, 0)]);
}

const PAYOUT: PayoutConfig = PayoutConfig { page_size: 3, in_flight_max: 2, retry_after_ms: 60_000 };

async fn each_player_is_paid_once(w: World) {
    w.teams("duel", 1, None).await;
    define(&w, scores("fishing")).await;
    let board = name("fishing");
    let p = w.players(8).await;
    for (player, value) in p.iter().zip([5, 9, 9, 3, 8, 1, 2, 7]) {
        let of = Submission { player: *player, values: vec![value], at: None, metadata: None };
        w.engine.submit(&w.server(), &board, &[of]).await.unwrap();
        w.clock.advance_ms(1_000);
    }
    w.settle();
    w.engine.set_visibility(&w.admin(), &board, p[4], Visibility::Hidden, "cheated").await.unwrap();
    w.settle();
    refused(w.engine.begin_payout(&w.admin(), &board, 1, PAYOUT).await, "season_open");
    refused(w.engine.begin_payout(&w.admin(), &board, 2, PAYOUT).await, "not_found");
    refused(w.engine.begin_payout(&w.admin(), &name("duel"), 1, PAYOUT).await, "not_found");
    refused(w.engine.next_payout_page(&w.server(), &board, 1).await, "not_found");
    w.clock.advance_ms(WEEK);
    let bad = PayoutConfig { page_size: 0, ..PAYOUT };
    refused(w.engine.begin_payout(&w.admin(), &board, 1, bad).await, "invalid");
    let begun = w.engine.begin_payout(&w.admin(), &board, 1, PAYOUT).await.unwrap();
    assert_eq!((begun.rows, begun.pages, begun.acknowledged), (8, 3, 0));
    let other = PayoutConfig { page_size: 1, ..PAYOUT };
    assert_eq!(w.engine.begin_payout(&w.admin(), &board, 1, other).await.unwrap(), begun);
    let next = async |w: &World| w.engine.next_payout_page(&w.server(), &board, 1).await.unwrap();
    let acknowledge = async |page| w.engine.acknowledge_payout(&w.server(), &board, 1, page).await;
    // Two are on their way, then nothing until one is acknowledged or overdue.
    let call = keyed(w.server(), "k", "next");
    let first = w.engine.next_payout_page(&call, &board, 1).await.unwrap().unwrap();
    assert_eq!(w.engine.next_payout_page(&call, &board, 1).await.unwrap().as_ref(), Some(&first));
    let second = next(&w).await.unwrap();
    assert_eq!(next(&w).await, None);
    refused(acknowledge(2).await, "invalid");
    assert!(acknowledge(1).await.unwrap());
    assert!(!acknowledge(1).await.unwrap());
    w.clock.advance_ms(60_000);
    assert_eq!(next(&w).await.as_ref(), Some(&first), "it is overdue");
    let third = next(&w).await.unwrap();
    assert_eq!([&first, &second, &third].map(|page| page.page.number), [0, 1, 2]);
    let mut paid: BTreeMap<PlayerId, (Option<u64>, u32)> = BTreeMap::new();
    let rows = [&first, &second, &third].map(|page| &page.rows).into_iter().flatten();
    for row in rows.clone() {
        let (rank, times) = paid.entry(row.player).or_default();
        (*rank, *times) = (row.rank.map(gsm_core::Rank::get), *times + 1);
    }
    assert_eq!(rows.map(|row| row.keys.first()).collect::<Vec<_>>(), [9, 9, 8, 7, 5, 3, 2, 1]);
    assert!(paid.values().all(|(_, times)| *times == 1));
    let ranks = p.iter().map(|player| paid[player].0).collect::<Vec<_>>();
    let expected = [4, 1, 1, 5, 0, 7, 6, 3].map(|rank| (rank > 0).then_some(rank));
    assert_eq!(ranks, expected);
    assert!(acknowledge(0).await.unwrap() && acknowledge(2).await.unwrap());
    w.clock.advance_ms(3_600_000);
    assert_eq!(next(&w).await, None);
    let again = w.node("again").await;
    let view = again.payout(&board, 1).await.unwrap();
    assert_eq!((view.acknowledged, view.in_flight, view.pages), (3, 0, 3));
}

async fn who_is_hidden_after_the_payout_began_moves_no_rank(w: World) {
    define(&w, scores("fishing")).await;
    let board = name("fishing");
    let p = w.players(6).await;
    for (player, value) in p.iter().zip([9, 8, 7, 6, 5, 4]) {
        let of = Submission { player: *player, values: vec![value], at: None, metadata: None };
        w.engine.submit(&w.server(), &board, &[of]).await.unwrap();
    }
    w.settle();
    w.engine.set_visibility(&w.admin(), &board, p[4], Visibility::Hidden, "cheated").await.unwrap();
    w.settle();
    w.clock.advance_ms(WEEK);
    let by_two = PayoutConfig { page_size: 2, ..PAYOUT };
    w.engine.begin_payout(&w.admin(), &board, 1, by_two).await.unwrap();
    w.settle();
    let next = async |engine: &gsm_engine::Engine| {
        let page = engine.next_payout_page(&w.server(), &board, 1).await.unwrap().unwrap();
        w.settle();
        engine.acknowledge_payout(&w.server(), &board, 1, page.page.number).await.unwrap();
        w.settle();
        let ranks = page.rows.iter().map(|row| (row.player, row.rank.map_or(0, gsm_core::Rank::get)));
        (ranks.collect::<Vec<_>>(), page.players)
    };
    assert_eq!(next(&w.engine).await, (vec![(p[0], 1), (p[1], 2)], 5));
    for (player, seen) in [(0, Visibility::Hidden), (3, Visibility::Shadow), (4, Visibility::Shown)] {
        w.engine.set_visibility(&w.admin(), &board, p[player], seen, "late").await.unwrap();
        w.settle();
    }
    assert_eq!(next(&w.engine).await, (vec![(p[2], 3), (p[3], 4)], 5));
    // Nor does a restart forget it.
    let again = w.node("again").await;
    assert_eq!(next(&again).await, (vec![(p[4], 0), (p[5], 5)], 5));
}

async fn what_is_paid_out_stays(w: World) {
    w.teams("duel", 1, None).await;
    define(&w, ladder("ladder")).await;
    define(&w, scores("fishing")).await;
    let p = w.players(3).await;
    let id = beats(&w, p[0], p[1]).await;
    let of = |at| [Submission { player: p[0], values: vec![1], at, metadata: None }];
    w.engine.submit(&w.server(), &name("fishing"), &of(None)).await.unwrap();
    let then = w.admin().now;
    w.clock.advance_ms(WEEK);
    let season = table(&w.engine, &of_season("ladder", 1)).await;
    for board in ["ladder", "fishing"] {
        let view = w.engine.begin_payout(&w.admin(), &name(board), 1, PAYOUT).await.unwrap();
        assert_eq!(view.rows, if board == "ladder" { 2 } else { 1 });
    }
    w.settle();
    w.engine.void_result(&w.admin(), id, "too late").await.unwrap();
    w.settle();
    assert_eq!(table(&w.engine, &of_season("ladder", 1)).await, season);
    assert_eq!(w.engine.top(&whole("duel"), 0, 9).await.unwrap().1, 0, "ratings follow");
    refused(w.engine.submit(&w.server(), &name("fishing"), &of(Some(then))).await, "season_closed");
    let remove = w.engine.remove_entry(&w.admin(), &of_season("fishing", 1), p[0], "x").await;
    refused(remove, "season_closed");
    w.engine.submit(&w.server(), &name("fishing"), &of(None)).await.unwrap();
    // Nor is it counted again.
    define(&w, ladder("ladder")).await;
    let repaired = w.engine.rebuild(&w.admin(), &mode("duel"), true).await.unwrap();
    assert_eq!(repaired.differing, 0);
    assert_eq!(table(&w.engine, &of_season("ladder", 1)).await, season);
    // The next one is open.
    beats(&w, p[2], p[1]).await;
    assert_eq!(table(&w.engine, &whole("ladder")).await.len(), 2);
    let page = w.engine.next_payout_page(&w.server(), &name("ladder"), 1).await.unwrap().unwrap();
    assert_eq!(page.rows.iter().map(|row| row.player).collect::<Vec<_>>(), [p[0], p[1]]);
    // A board that is made anew knows nothing of it.
    w.engine.delete_board(&w.admin(), &name("ladder")).await.unwrap();
    w.settle();
    define(&w, ladder("ladder")).await;
    refused(w.engine.payout(&name("ladder"), 1).await, "not_found");
    assert_eq!(table(&w.engine, &of_season("ladder", 1)).await, []);
}

async fn a_board_with_seasons_stays_as_it_is(w: World) {
    w.teams("duel", 1, None).await;
    define(&w, ladder("ladder")).await;
    let put = async |config| w.engine.put_board(&w.admin(), config).await;
    refused(put(BoardConfig { season: None, ..ladder("ladder") }).await, "invalid");
    let columns = vec![column(Value::Wins, Operator::Last)];
    refused(put(BoardConfig { columns, ..ladder("ladder") }).await, "invalid");
    let every =
        |every| Some(ScheduleConfig::Days { every, zone: "UTC".into(), from: "2023-11-14T00:00".into() });
    refused(put(BoardConfig { season: every(8), ..ladder("ladder") }).await, "invalid");
    put(BoardConfig { season: every(7), ..ladder("ladder") }).await.unwrap();
    define(&w, scores("plain").tap(|config| config.season = None)).await;
    refused(put(scores("plain")).await, "invalid");
    // Instants to come can be added, and moved; those that have been stay.
    let at = |starts: &[&str]| BoardConfig {
        season: Some(ScheduleConfig::At { starts_at: starts.iter().map(ToString::to_string).collect() }),
        ..ladder("by-hand")
    };
    let (first, next) = ("2023-11-01T00:00:00Z", "2024-01-01T00:00:00Z");
    define(&w, at(&[first])).await;
    define(&w, at(&[first, next])).await;
    define(&w, at(&[first, "2023-12-24T00:00:00Z", next])).await;
    refused(put(at(&["2023-11-02T00:00:00Z", next])).await, "invalid");
    refused(put(at(&["2023-10-01T00:00:00Z", first])).await, "invalid");
    assert_eq!(
        w.engine.seasons(&name("by-hand"), None, 9).unwrap()[0].ends_at.unwrap().as_millis(),
        1_703_376_000_000
    );
}

async fn a_listing_stays_in_its_season(w: World) {
    w.teams("duel", 1, None).await;
    define(&w, scores("fishing")).await;
    let p = w.players(5).await;
    for player in &p {
        let of = Submission { player: *player, values: vec![3], at: None, metadata: None };
        w.engine.submit(&w.server(), &name("fishing"), &[of]).await.unwrap();
    }
    w.settle();
    let left = 1_699_920_000_000 + WEEK - w.admin().now.as_millis();
    w.clock.advance_ms(left - 1_000);
    let first = w.engine.board_page(&whole("fishing"), None, 2).await.unwrap();
    w.clock.advance_ms(2_000);
    let rest = w.engine.board_page(&whole("fishing"), first.next.as_deref(), 10).await.unwrap();
    assert_eq!((first.rows.len(), rest.rows.len(), rest.next), (2, 3, None));
    let now = w.engine.board_page(&whole("fishing"), None, 2).await.unwrap();
    assert_eq!((now.rows.len(), now.next), (0, None));
    let other = w.engine.board_page(&of_season("fishing", 2), first.next.as_deref(), 2).await;
    refused(other, "invalid");
}

async fn a_visible_place_moves_apart_from_the_rating(w: World) {
    let p = begin(&w).await;
    let board = whole("visible");
    let tier = async |player| w.engine.tier(&board, player, Viewer::Other).await;
    refused(tier(p[0]).await, "not_found");
    refused(w.engine.tier(&whole("duel"), p[0], Viewer::All).await, "invalid");
    let first = beats(&w, p[0], p[1]).await;
    // Placed by the hidden rating: 1,662 is 31 points into the fourth of five divisions, 1,338 is 68 into the second.
    let place = |tier: &str, division, points| Some(TierPlace { tier: tier.into(), division, points });
    assert_eq!(tier(p[0]).await.unwrap().place, place("silver", 1, 31));
    assert_eq!(tier(p[1]).await.unwrap().place, place("bronze", 1, 68));
    assert_eq!(w.engine.rank(&board, p[0], Viewer::Other).unwrap().keys.columns()[..2], [331, 331]);
    // A win is worth about 20, however far the rating jumps; the loser is kept from falling by the shield.
    beats(&w, p[0], p[1]).await;
    let after = tier(p[0]).await.unwrap();
    assert_eq!((after.place.clone(), after.shield_left), (place("silver", 1, 51), 0));
    // A new player lacks nothing but the game of placement, and a hand on the rating moves no place.
    w.engine.set_rating(&w.admin(), &mode("duel"), p[0], 2_500.0, None, "x").await.unwrap();
    w.settle();
    assert_eq!(tier(p[0]).await.unwrap(), after);
    let again = w.node("again").await;
    again.open_board(&board).await.unwrap();
    assert_eq!(again.tier(&board, p[0], Viewer::Other).await.unwrap(), after);
    // Voided, the first match is as if it had never been: the second one was of placement.
    w.engine.void_result(&w.admin(), first, "x").await.unwrap();
    w.settle();
    assert_eq!(tier(p[0]).await.unwrap().place, place("silver", 1, 31));
    w.engine.set_visibility(&w.admin(), &name("visible"), p[0], Visibility::Hidden, "x").await.unwrap();
    w.settle();
    refused(tier(p[0]).await, "not_found");
    // What makes no sense is refused.
    let bad = async |change: fn(&mut BoardConfig), field: &str| {
        let mut config = crate::verdicts::counting()[2].clone();
        change(&mut config);
        let refused = w.engine.put_board(&w.admin(), config).await.unwrap_err().to_string();
        assert!(refused.starts_with(&format!("`{field}`")), "{refused}");
    };
    bad(|config| config.tiers = None, "columns[0].value").await;
    bad(|config| config.tiers.as_mut().unwrap().placement_games = 200, "tiers.placement_games").await;
    bad(|config| config.tiers.as_mut().unwrap().tiers.clear(), "tiers.tiers (length)").await;
}

trait Tap: Sized {
    fn tap(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}
impl Tap for BoardConfig {}

/// Once `late` hears of nothing any more, another node defines a board: `late` counts for it all the same, and a board that
/// is gone is no burden.
#[tokio::test]
async fn a_node_that_has_not_heard_of_a_board_counts_for_it() {
    let w = three_homes();
    w.teams("duel", 1, None).await;
    let p = w.players(2).await;
    beats(&w, p[0], p[1]).await;
    let late = w.node("late").await;
    let (first, second, third) = (made(&w, &p).await.id, made(&w, &p).await.id, made(&w, &p).await.id);
    let report = async |id| late.report_result(&w.server(), id, None, &places(&[1, 2], &[])).await.unwrap();
    w.stores.iter().for_each(|store| store.drop_subscribers());
    let other = w.node("other").await;
    other.put_board(&w.admin(), ladder("ladder")).await.unwrap();
    report(first).await;
    w.settle();
    assert_eq!(table(&other, &whole("ladder")).await, [(p[0], 1, 2), (p[1], 2, 2)]);
    // Changed, which for results is another board.
    let columns = vec![column(Value::Wins, Operator::Last)];
    let wins = BoardConfig { columns, season: None, ..ladder("wins") };
    other.put_board(&w.admin(), wins.clone()).await.unwrap();
    report(second).await;
    let games = vec![column(Value::Games, Operator::Last)];
    other.put_board(&w.admin(), BoardConfig { columns: games, ..wins }).await.unwrap();
    other.delete_board(&w.admin(), &name("ladder")).await.unwrap();
    report(third).await;
    w.settle();
    assert_eq!(table(&other, &whole("wins")).await, [(p[0], 1, 4), (p[1], 1, 4)]);
    let fresh = w.node("fresh").await;
    assert_eq!(table(&fresh, &whole("wins")).await, [(p[0], 1, 4), (p[1], 1, 4)]);
    rebuilt(other.rebuild(&w.admin(), &mode("duel"), false).await.unwrap());
}

#[tokio::test]
async fn as_many_boards_count_a_mode_as_may() {
    let w = one_home();
    w.teams("duel", 1, None).await;
    w.teams("duo", 1, None).await;
    for nth in 0..limits::BOARDS_COUNTING_MAX {
        define(&w, ladder(&format!("ladder-{nth}"))).await;
    }
    refused(w.engine.put_board(&w.admin(), ladder("more")).await, "too_many_counting_boards");
    assert!(w.engine.board_config(&name("more")).is_err());
    define(&w, ladder("ladder-3")).await;
    define(&w, of_mode("shows", "duel")).await;
    define(&w, BoardConfig { source: Source::Mode(mode("duo")), ..ladder("of-duo") }).await;
    w.engine.delete_board(&w.admin(), &name("ladder-7")).await.unwrap();
    define(&w, ladder("more")).await;
    refused(w.engine.put_board(&w.admin(), ladder("ladder-7")).await, "too_many_counting_boards");
    let p = w.players(2).await;
    beats(&w, p[0], p[1]).await;
    assert_eq!(table(&w.engine, &whole("more")).await, [(p[0], 1, 1), (p[1], 2, 1)]);
}

/// As a node leaves it that dies between the two commits of a deletion.
#[tokio::test]
async fn a_board_that_is_gone_is_forgotten_by_the_next_result() {
    let w = three_homes();
    w.teams("duel", 1, None).await;
    define(&w, ladder("gone")).await;
    define(&w, ladder("stays")).await;
    let p = w.players(2).await;
    let mut deletion = ChangeSet::new(CommitKey::from_u128(1), w.admin().now);
    deletion.write(Key::Board(name("gone")), Expect::Any, Op::Delete);
    w.stores[1].commit(deletion).await.unwrap();
    w.settle();
    beats(&w, p[0], p[1]).await;
    let found = w.stores[0].get(&[Key::Counting(mode("duel"))]).await.unwrap().remove(0).unwrap();
    let Row::Counting(row) = &*found.row else { panic!("{found:?}") };
    assert_eq!(row.boards.keys().collect::<Vec<_>>(), [&name("stays")]);
    assert_eq!(table(&w.engine, &whole("stays")).await, [(p[0], 1, 1), (p[1], 2, 1)]);
}
