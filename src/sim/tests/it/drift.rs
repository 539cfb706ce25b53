//! The drift alarm, through a whole engine.
use gsm_sim::drift;

#[test]
fn the_alarm_is_quiet_until_players_change_and_then_raised() {
    for seed in 101..=104 {
        let steady = drift(seed, 1_500, None).unwrap();
        assert_eq!((steady.matches, steady.raised_at), (1_500, None), "seed {seed}");
        let raised = drift(seed, 1_120, Some(1_000)).unwrap().raised_at;
        assert!(raised.is_some_and(|at| at > 1_000), "seed {seed}: {raised:?}");
    }
}
