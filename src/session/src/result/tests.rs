use super::*;
use proptest::prelude::*;

fn ids<const N: usize>(from: u128) -> [PlayerId; N] {
    std::array::from_fn(|i| PlayerId::from_u128(from + i as u128))
}
/// Sides of the given sizes; players are numbered from 1.
fn roster(sizes: &[usize]) -> Roster {
    let mut all = (1..).map(PlayerId::from_u128);
    Roster::new(sizes.iter().map(|&n| all.by_ref().take(n).collect()).collect()).unwrap()
}
fn line(player: u128, place: u32) -> PlayerReport {
    PlayerReport { player: PlayerId::from_u128(player), place, score: None, quit: false, share: None }
}
fn scored(player: u128, place: u32, score: f64) -> PlayerReport {
    PlayerReport { score: Some(score), ..line(player, place) }
}
fn by_player(lines: &[PlayerReport]) -> Report {
    Report {
        standings: Standings::Players(lines.to_vec()),
        quits: vec![],
        duration: None,
        variant: None,
        afk: vec![],
    }
}
fn by_side(places: &[u32]) -> Report {
    let sides = places.iter().map(|&place| SideReport { place, score: None }).collect();
    Report { standings: Standings::Sides(sides), quits: vec![], duration: None, variant: None, afk: vec![] }
}
fn side_score(score: f64) -> Report {
    let sides = vec![SideReport { place: 1, score: Some(score) }, SideReport { place: 2, score: None }];
    Report { standings: Standings::Sides(sides), quits: vec![], duration: None, variant: None, afk: vec![] }
}
fn check_places(reported: &[u32], expected: &[u32]) {
    let result = MatchResult::validate(&by_side(reported), &roster(&vec![1; reported.len()])).unwrap();
    assert_eq!(result.places(), expected);
}
fn check_refused(report: &Report, sizes: &[usize], text: &str) {
    let refused = MatchResult::validate(report, &roster(sizes)).unwrap_err();
    assert_eq!(refused.to_string(), text);
}

#[test]
fn a_match_of_one_side_has_no_result() {
    let alone = Roster::formed(vec![ids::<3>(1).to_vec()]).unwrap();
    let refused = MatchResult::validate(&by_side(&[1]), &alone).unwrap_err().to_string();
    assert_eq!(refused, "`match` has 1 sides, a result is taken of 2 to 100");
}

#[test]
fn places_are_numbered_by_the_sides_ahead() {
    check_places(&[1, 2], &[1, 2]);
    check_places(&[1, 1], &[1, 1]);
    check_places(&[3, 1, 3], &[2, 1, 2]);
    check_places(&[1, 1, 2], &[1, 1, 3]);
    check_places(&[1, 2, 2, 3], &[1, 2, 2, 4]);
}

#[test]
fn a_place_is_between_one_and_the_sides() {
    check_refused(
        &by_side(&[1, 0]),
        &[1, 1],
        "`sides[1].place` is `0`, a place of this match is between 1 and 2",
    );
    check_refused(
        &by_side(&[3, 1]),
        &[1, 1],
        "`sides[0].place` is `3`, a place of this match is between 1 and 2",
    );
    check_refused(
        &by_player(&[line(1, 1), line(2, 3)]),
        &[1, 1],
        "`placements[1].place` is `3`, a place of this match is between 1 and 2",
    );
}

#[test]
fn somebody_is_first() {
    let tail = "has nobody in place 1; the best side is in place 1, equal places are a tie";
    check_refused(&by_side(&[2, 3, 3]), &[1, 1, 1], &format!("`sides` {tail}"));
    check_refused(&by_player(&[line(1, 2), line(2, 2)]), &[1, 1], &format!("`placements` {tail}"));
}

#[test]
fn every_side_has_one_place() {
    check_refused(&by_side(&[1]), &[1, 1], "`sides` has 1 entries, the match has 2 sides");
    check_refused(&by_side(&[]), &[1, 1], "`sides` has 0 entries, the match has 2 sides");
    check_refused(&by_side(&[1, 2, 3]), &[1, 1], "`sides` has 3 entries, the match has 2 sides");
}

#[test]
fn every_player_is_named_once_and_no_stranger() {
    let [p1, p2, p3] = ids(1);
    check_refused(
        &by_player(&[line(1, 1)]),
        &[1, 1],
        &format!("`placements` lacks `{p2}`, every player of the match needs a place"),
    );
    check_refused(
        &by_player(&[line(1, 1), line(3, 2)]),
        &[1, 1],
        &format!("`placements[1].player_id` names `{p3}`, who does not play this match"),
    );
    check_refused(
        &by_player(&[line(1, 1), line(2, 2), line(1, 1)]),
        &[1, 1],
        &format!("`placements[2].player_id` names `{p1}` a second time"),
    );
}

#[test]
fn players_of_a_side_share_their_place() {
    let [p1] = ids(1);
    let text = format!(
        "`placements[1].place` is `2`, but `{p1}` of the same side has `1`; players of a side share a place"
    );
    check_refused(&by_player(&[line(1, 1), line(2, 2), line(3, 2)]), &[2, 1], &text);
}

#[test]
fn scores_are_finite_and_bounded() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, SCORE_ABS_MAX * 1.000_001] {
        let text =
            format!("`sides[0].score` is `{bad}`, a score is a number between -1000000000 and 1000000000");
        check_refused(&side_score(bad), &[1, 1], &text);
    }
    for good in [SCORE_ABS_MAX, -SCORE_ABS_MAX, -0.0] {
        assert!(MatchResult::validate(&side_score(good), &roster(&[1, 1])).is_ok());
    }
    let report = by_player(&[scored(1, 1, SCORE_ABS_MAX), scored(2, 1, 1.0), line(3, 2)]);
    let text = "`placements` gives side 0 the score `1000000001` in sum, a score is between -1000000000 and 1000000000";
    check_refused(&report, &[2, 1], text);
}

#[test]
fn negative_zero_is_stored_as_zero() {
    let result = MatchResult::validate(&side_score(-0.0), &roster(&[1, 1])).unwrap();
    assert_eq!(result.scores()[0].map(f64::to_bits), Some(0));
}

#[test]
fn a_side_is_scored_whole_or_not() {
    let [p1, p2] = ids(1);
    let text = |p| format!("`placements` lacks the score of `{p}`; score all players of a side or none");
    check_refused(&by_player(&[scored(1, 1, 5.0), line(2, 1), line(3, 2)]), &[2, 1], &text(p2));
    check_refused(&by_player(&[line(1, 1), scored(2, 1, 5.0), line(3, 2)]), &[2, 1], &text(p1));
}

#[test]
fn a_lower_score_may_win() {
    let report = by_player(&[scored(1, 1, 68.0), scored(2, 2, 71.0)]);
    assert_eq!(MatchResult::validate(&report, &roster(&[1, 1])).unwrap().scores(), [Some(68.0), Some(71.0)]);
}

#[test]
fn quits_are_players_named_once() {
    let [p1, p2, p3] = ids(1);
    let with = |quits: Vec<PlayerId>| Report { quits, ..by_side(&[1, 2]) };
    check_refused(
        &with(vec![p3]),
        &[1, 1],
        &format!("`quits[0]` names `{p3}`, who does not play this match"),
    );
    check_refused(&with(vec![p1, p1]), &[1, 1], &format!("`quits[1]` names `{p1}` a second time"));
    let flagged = PlayerReport { quit: true, ..line(1, 1) };
    let both = Report { quits: vec![p2, p1], ..by_player(&[flagged, line(2, 2)]) };
    assert_eq!(MatchResult::validate(&both, &roster(&[1, 1])).unwrap().quits(), [p1, p2]);
}

#[test]
fn a_match_takes_at_most_a_year() {
    let with = |ms| Report { duration: Some(Millis::new(ms)), ..by_side(&[1, 2]) };
    assert!(MatchResult::validate(&with(DURATION_MAX.get()), &roster(&[1, 1])).is_ok());
    let text = "`duration_ms` is `31536000001` ms, a match takes at most 31536000000 ms";
    check_refused(&with(DURATION_MAX.get() + 1), &[1, 1], text);
}

#[test]
fn the_variant_is_the_reports_or_else_the_rosters() {
    let [clay, grass] = ["clay", "grass"].map(|name| Some(name.parse().unwrap()));
    let check = |before: &Option<Variant>, said: &Option<Variant>, wanted: &Option<Variant>| {
        let roster = roster(&[1, 1]).with_variant(before.clone());
        let report = Report { variant: said.clone(), ..by_side(&[1, 2]) };
        assert_eq!(MatchResult::validate(&report, &roster).unwrap().variant(), wanted.as_ref());
    };
    check(&None, &None, &None);
    check(&clay, &None, &clay);
    check(&clay, &grass, &grass);
    check(&None, &grass, &grass);
}

#[test]
fn both_forms_of_one_result_are_equal() {
    let roster = roster(&[2, 1]);
    let players = by_player(&[scored(3, 2, 4.0), scored(2, 1, 7.0), scored(1, 1, 3.0)]);
    let sides = vec![SideReport { place: 1, score: Some(10.0) }, SideReport { place: 2, score: Some(4.0) }];
    let sides = Report { standings: Standings::Sides(sides), ..players.clone() };
    assert_eq!(MatchResult::validate(&players, &roster), MatchResult::validate(&sides, &roster));
}

#[test]
fn an_outcome_is_a_win_a_draw_or_a_loss() {
    let check = |places: &[u32], kinds: &[OutcomeKind]| {
        let roster = roster(&vec![1; places.len()]);
        let result = MatchResult::validate(&by_side(places), &roster).unwrap();
        let seen: Vec<_> = roster.players().map(|p| result.outcome_for(&roster, p).unwrap().kind).collect();
        assert_eq!(seen, kinds);
    };
    use OutcomeKind::{Draw, Loss, Win};
    check(&[2, 1, 2], &[Loss, Win, Loss]);
    check(&[1, 1, 3], &[Draw, Draw, Loss]);
    // Who left has lost, whatever the others made of it.
    let (roster, [mate, quitter]) = (roster(&[2, 1]), ids(1));
    for (places, kinds) in [([1, 2], [Win, Loss]), ([1, 1], [Draw, Loss])] {
        let report = Report { quits: vec![quitter], ..by_side(&places) };
        let result = MatchResult::validate(&report, &roster).unwrap();
        assert_eq!([mate, quitter].map(|player| result.outcome_for(&roster, player).unwrap().kind), kinds);
    }
}

#[test]
fn an_outcome_knows_the_side_and_the_quitter() {
    let roster = roster(&[1, 2]);
    let [p1, p2, p3, stranger] = ids(1);
    let result = MatchResult::validate(&Report { quits: vec![p3], ..by_side(&[2, 1]) }, &roster).unwrap();
    let seen = |p| result.outcome_for(&roster, p).map(|o| (o.side, o.place, o.quit));
    assert_eq!([p1, p2, p3].map(seen), [Some((0, 2, false)), Some((1, 1, false)), Some((1, 1, true))]);
    assert_eq!(seen(stranger), None);
}

#[test]
fn reading_back_checks_the_canonical_form() {
    let report = Report { quits: ids::<2>(1).to_vec(), ..side_score(2.5) };
    let result = MatchResult::validate(&report, &roster(&[1, 1])).unwrap();
    let json = serde_json::to_value(&result).unwrap();
    assert_eq!(serde_json::from_value::<MatchResult>(json.clone()).unwrap(), result);
    for (field, bad) in [
        ("places", serde_json::json!([1, 3])),
        ("places", serde_json::json!([2, 2])),
        ("scores", serde_json::json!([1.0])),
        ("scores", serde_json::json!([2e9, null])),
        ("quits", serde_json::json!([ids::<1>(2)[0], ids::<1>(1)[0]])),
        ("quits", serde_json::json!([ids::<1>(1)[0], ids::<1>(1)[0]])),
        ("duration", serde_json::json!(DURATION_MAX.get() + 1)),
        ("shares", serde_json::json!([[ids::<1>(1)[0], 1.0]])),
        ("shares", serde_json::json!([[ids::<1>(1)[0], -0.5]])),
        ("shares", serde_json::json!([[ids::<1>(2)[0], 0.5], [ids::<1>(1)[0], 0.5]])),
    ] {
        let mut broken = json.clone();
        broken[field] = bad.clone();
        assert!(serde_json::from_value::<MatchResult>(broken).is_err(), "{field} {bad}");
    }
}

/// A roster, and a full report of it with the places of a possible ranking.
fn full_report() -> impl Strategy<Value = (Roster, Vec<PlayerReport>)> {
    let side = (1usize..5, any::<u32>(), any::<bool>());
    prop::collection::vec(side, 2..7).prop_flat_map(|sides| {
        let sizes: Vec<usize> = sides.iter().map(|side| side.0).collect();
        let places = competition(&sides.iter().map(|side| side.1 % 4).collect::<Vec<_>>());
        let whole = roster(&sizes);
        let lines: Vec<(PlayerId, u32, bool)> =
            std::iter::zip(whole.sides(), std::iter::zip(&places, &sides))
                .flat_map(|(members, (&place, side))| members.iter().map(move |&p| (p, place, side.2)))
                .collect();
        let share = prop::option::of(prop_oneof![0.0..=1.0f64, Just(1.0)]);
        let extras = prop::collection::vec((-1e6..1e6f64, any::<bool>(), share), lines.len());
        (Just(whole), Just(lines), extras).prop_map(|(whole, lines, extras)| {
            let line = |((player, place, scored), (score, quit, share)): ((_, _, bool), (f64, _, _))| {
                PlayerReport { player, place, score: scored.then_some(score), quit, share }
            };
            (whole, lines.into_iter().zip(extras).map(line).collect())
        })
    })
}

/// What can be wrong with one field of a report.
#[derive(Debug, Clone, Copy)]
enum Broken {
    Stranger,
    Twice,
    Missing,
    NoPlace,
    PlaceBeyond,
    Score(f64),
    Share(f64),
    TooLong(u64),
    StrangerQuits,
}

fn broken() -> impl Strategy<Value = Broken> {
    let score = prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(-2e9), 1.1e9..f64::MAX];
    let share = prop_oneof![Just(f64::NAN), Just(2.0), f64::MIN..-1e-9, 1.000_001..f64::MAX];
    prop_oneof![
        Just(Broken::Stranger),
        Just(Broken::Twice),
        Just(Broken::Missing),
        Just(Broken::NoPlace),
        Just(Broken::PlaceBeyond),
        score.prop_map(Broken::Score),
        share.prop_map(Broken::Share),
        (DURATION_MAX.get() + 1..).prop_map(Broken::TooLong),
        Just(Broken::StrangerQuits),
    ]
}

/// Spoils a good report at the line that `at` falls on.
fn spoil(report: &mut Report, roster: &Roster, broken: Broken, at: prop::sample::Index) {
    let Standings::Players(lines) = &mut report.standings else { unreachable!() };
    let at = at.index(lines.len());
    let stranger = PlayerId::from_u128(99);
    match broken {
        Broken::Stranger => lines[at].player = stranger,
        Broken::Twice => lines.push(lines[at]),
        Broken::Missing => {
            lines.remove(at);
        }
        Broken::NoPlace => lines[at].place = 0,
        Broken::PlaceBeyond => lines[at].place = u32::try_from(roster.sides().len()).unwrap() + 1,
        Broken::Score(score) => lines[at].score = Some(score),
        Broken::Share(share) => lines[at].share = Some(share),
        Broken::TooLong(ms) => report.duration = Some(Millis::new(ms)),
        Broken::StrangerQuits => report.quits.push(stranger),
    }
}

fn is_named(broken: Broken, fault: &ResultFault) -> bool {
    match broken {
        Broken::Stranger | Broken::StrangerQuits => matches!(fault, ResultFault::UnknownPlayer(_)),
        Broken::Twice => matches!(fault, ResultFault::DuplicatePlayer(_)),
        Broken::Missing => matches!(fault, ResultFault::MissingPlayer(_)),
        Broken::NoPlace | Broken::PlaceBeyond => matches!(fault, ResultFault::PlaceRange { .. }),
        Broken::Score(_) => matches!(fault, ResultFault::ScoreRange(_)),
        Broken::Share(_) => matches!(fault, ResultFault::ShareRange(_)),
        Broken::TooLong(_) => matches!(fault, ResultFault::TooLong(_)),
    }
}

proptest! {
    #[test]
    fn the_order_of_placements_is_no_matter(
        ((roster, lines), shuffled) in full_report().prop_flat_map(|(roster, lines)| {
            (Just((roster, lines.clone())), Just(lines).prop_shuffle())
        })
    ) {
        let result = MatchResult::validate(&by_player(&lines), &roster).unwrap();
        let again = MatchResult::validate(&by_player(&shuffled), &roster).unwrap();
        prop_assert_eq!(&result, &again);
        for line in &lines {
            let outcome = result.outcome_for(&roster, line.player).unwrap();
            prop_assert_eq!((outcome.place, outcome.quit), (line.place, line.quit));
            prop_assert_eq!(result.share_of(line.player), line.share.unwrap_or(1.0));
        }
    }

    #[test]
    fn a_report_is_refused_for_what_is_wrong_with_it_or_canonical(
        (roster, lines) in full_report(),
        duration in prop::option::of(0..=DURATION_MAX.get()),
        quits in prop::collection::btree_set(1u128..3, 0..2),
        wrong in prop::option::of((broken(), any::<prop::sample::Index>())),
    ) {
        let quits = quits.into_iter().map(PlayerId::from_u128).collect();
        let mut report = Report { quits, duration: duration.map(Millis::new), ..by_player(&lines) };
        let Some((broken, at)) = wrong else {
            let result = MatchResult::validate(&report, &roster).unwrap();
            prop_assert!(result.shares().iter().all(|(_, share)| (0.0..1.0).contains(share)));
            let json = serde_json::to_value(&result).unwrap();
            prop_assert_eq!(serde_json::from_value::<MatchResult>(json).unwrap(), result);
            return Ok(());
        };
        spoil(&mut report, &roster, broken, at);
        let refused = MatchResult::validate(&report, &roster).unwrap_err();
        prop_assert!(is_named(broken, &refused.fault), "{:?}: {}", broken, refused);
    }
}
