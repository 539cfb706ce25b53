use super::world::{World, at, better_at, inverse, players_at};
use gsm_ranking::{Past, Step};

fn step(time: i64, before: Option<i64>, after: Option<i64>) -> Step {
    Step { at: at(time), before, after }
}

#[test]
fn a_past_without_steps_has_nobody() {
    let past = Past::new();
    assert_eq!((better_at(&past, at(5), i64::MIN), players_at(&past, at(5))), (0, 0));
    assert!(past.series(&[], &[]).is_empty());
    assert_eq!((past.steps(), past.segments()), (0, 0));
}

#[test]
fn an_instant_is_read_at_its_end() {
    let past: Past = [step(5, None, Some(1)), step(5, Some(1), Some(9))].into_iter().collect();
    assert_eq!([4, 5, 6].map(|time| better_at(&past, at(time), 3)), [0, 1, 1]);
}

#[test]
fn an_equal_score_is_not_better() {
    let past: Past = [step(1, None, Some(7)), step(2, None, Some(7))].into_iter().collect();
    assert_eq!((better_at(&past, at(3), 7), better_at(&past, at(3), 6)), (0, 2));
}

#[test]
fn a_step_that_moves_no_score_is_passed_over() {
    let mut past = Past::new();
    past.append(step(1, None, None));
    past.extend([step(1, Some(4), Some(4))]);
    assert_eq!((past.steps(), players_at(&past, at(9))), (0, 0));
}

#[test]
fn who_left_is_not_counted() {
    let past: Past = [step(1, None, Some(7)), step(4, Some(7), None)].into_iter().collect();
    assert_eq!([3, 4].map(|time| players_at(&past, at(time))), [1, 0]);
    let series = past.series(&[step(1, None, Some(7)), step(4, Some(7), None)], &[at(4), at(0), at(1)]);
    let ranks: Vec<_> = series.iter().map(|s| s.place.map(|p| (p.rank.get(), p.score))).collect();
    assert_eq!(ranks, [None, None, Some((1, 7))]);
}

#[test]
fn a_correction_holds_from_its_instant_on() {
    let (join, up) = (step(1, None, Some(3)), step(5, Some(3), Some(8)));
    let mut past: Past = [join, up].into_iter().collect();
    past.append(inverse(&up));
    past.append(step(5, Some(3), Some(2)));
    assert_eq!([1, 4, 5, 9].map(|time| better_at(&past, at(time), 2)), [1, 1, 0, 0]);
    assert_eq!(players_at(&past, at(9)), 1);
}

/// Steps that make no sense together still get an answer.
#[test]
fn numbers_do_not_fall_below_zero() {
    let past: Past = [step(1, Some(5), None)].into_iter().collect();
    assert_eq!((better_at(&past, at(1), 0), players_at(&past, at(1))), (0, 0));
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
}
