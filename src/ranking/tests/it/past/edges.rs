use super::world::{World, at};
use gsm_ranking::{Past, Step};

fn step(time: i64, before: Option<i64>, after: Option<i64>) -> Step {
    Step { at: at(time), before, after }
}

#[test]
fn a_past_without_steps_has_nobody() {
    let past = Past::new();
    assert_eq!((past.better_at(at(5), i64::MIN), past.players_at(at(5))), (Ok(0), Ok(0)));
    assert_eq!(past.series(&[], &[]), Ok(vec![]));
    assert_eq!((past.steps(), past.late(), past.segments()), (0, 0, 0));
}

#[test]
fn an_instant_is_read_at_its_end() {
    let past: Past = [step(5, None, Some(1)), step(5, Some(1), Some(9))].into_iter().collect();
    let better = |time| past.better_at(at(time), 3);
    assert_eq!([better(4), better(5), better(6)], [Ok(0), Ok(1), Ok(1)]);
}

#[test]
fn an_equal_score_is_not_better() {
    let past: Past = [step(1, None, Some(7)), step(2, None, Some(7))].into_iter().collect();
    assert_eq!((past.better_at(at(3), 7), past.better_at(at(3), 6)), (Ok(0), Ok(2)));
}

#[test]
fn a_step_that_moves_no_score_is_passed_over() {
    let mut past = Past::new();
    past.append(step(1, None, None));
    past.extend([step(1, Some(4), Some(4))]);
    assert_eq!((past.steps(), past.players_at(at(9))), (0, Ok(0)));
}

#[test]
fn who_left_is_not_counted() {
    let past: Past = [step(1, None, Some(7)), step(4, Some(7), None)].into_iter().collect();
    assert_eq!([3, 4].map(|time| past.players_at(at(time))), [Ok(1), Ok(0)]);
    let series = past.series(&[step(1, None, Some(7)), step(4, Some(7), None)], &[at(4), at(0), at(1)]);
    let ranks: Vec<_> = series.unwrap().iter().map(|s| s.place.map(|p| (p.rank.get(), p.score))).collect();
    assert_eq!(ranks, [None, None, Some((1, 7))]);
}

#[test]
fn a_correction_holds_from_its_instant_on() {
    let (join, up) = (step(1, None, Some(3)), step(5, Some(3), Some(8)));
    let mut past: Past = [join, up].into_iter().collect();
    past.rewrite(&[up], &[step(5, Some(3), Some(2))]);
    assert_eq!([1, 4, 5, 9].map(|time| past.better_at(at(time), 2)), [Ok(1), Ok(1), Ok(0), Ok(0)]);
    assert_eq!(past.players_at(at(9)), Ok(1));
}

/// Steps that make no sense together still get an answer.
#[test]
fn numbers_do_not_fall_below_zero() {
    let past: Past = [step(1, Some(5), None)].into_iter().collect();
    assert_eq!((past.better_at(at(1), 0), past.players_at(at(1))), (Ok(0), Ok(0)));
}

/// The player whose late step is still kept apart goes on: the segments see a score leave that never came.
#[test]
fn a_score_may_leave_the_segments_before_it_comes() {
    let mut world = World::default();
    for turn in 0..400 {
        let next = world.step(turn % 5, turn as i64, Some(turn as i64 % 11));
        world.past.append(next);
        if turn % 60 == 59 {
            world.void(turn % 5, 1, 2);
        }
    }
    world.check(9);
    world.compact();
    world.check(9);
}

#[test]
fn a_compacted_past_drops_what_was_taken_back() {
    let mut past = Past::new();
    let steps: Vec<Step> = (0..300).map(|n| step(n, (n > 0).then_some(n - 1), Some(n))).collect();
    past.extend(steps.iter().copied());
    past.rewrite(&steps, &[]);
    past.rewrite(&[], &steps);
    let answers = |past: &Past| (0..300).map(|n| past.better_at(at(n), n / 2)).collect::<Vec<_>>();
    let before = answers(&past);
    let late = past.late();
    past.compact().unwrap();
    assert_eq!((answers(&past), past.late()), (before, 0));
    // Each late step undid one of a segment or another late one.
    assert!((300..=900 - late).contains(&past.steps()));
    assert_eq!(past.compact(), Ok(past.segments()), "nothing is left to do");
}
