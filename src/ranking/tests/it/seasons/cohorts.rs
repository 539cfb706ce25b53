use gsm_ranking::cohort::{
    COHORT_KEY_BYTES_MAX, COHORTS_OPEN_MAX, CohortConfig, CohortError, CohortRule, CohortState, Cohorts,
    Entrant, Seat,
};
use proptest::{collection::vec, prelude::*, sample::select};
use std::collections::BTreeMap;

fn cohorts(size: u32, rule: CohortRule) -> Cohorts {
    Cohorts::new(CohortConfig { size, rule }).unwrap()
}

fn entrant(rating: i64, key: &str) -> Entrant<'_> {
    Entrant { rating, key, seat: None }
}

fn check(rule: CohortRule, entrants: &[(i64, &str)], cohorts_of: &[u64]) {
    let (cohorts, mut state) = (cohorts(2, rule), CohortState::default());
    let mut enter =
        |&(rating, key): &(i64, &str)| cohorts.enter(&mut state, &entrant(rating, key)).unwrap().cohort;
    assert_eq!(entrants.iter().map(&mut enter).collect::<Vec<_>>(), cohorts_of);
}

#[test]
fn cohorts_fill_by_rule() {
    let entrants = [(10, "eu"), (95, "us"), (12, "eu"), (99, "eu"), (-1, "us"), (-3, "us")];
    check(CohortRule::Arrival, &entrants, &[1, 1, 2, 2, 3, 3]);
    check(CohortRule::RatingBand { width: 50 }, &entrants, &[1, 2, 1, 2, 3, 3]);
    check(CohortRule::Key, &entrants, &[1, 2, 1, 3, 2, 4]);
}

#[test]
fn a_seat_is_kept_whatever_happens_meanwhile() {
    let (cohorts, mut state) = (cohorts(2, CohortRule::RatingBand { width: 50 }), CohortState::default());
    let seat = cohorts.enter(&mut state, &entrant(10, "")).unwrap();
    cohorts.enter(&mut state, &entrant(12, "")).unwrap();
    let before = state.clone();
    let again = Entrant { rating: 900, key: "", seat: Some(seat) };
    assert_eq!((cohorts.enter(&mut state, &again), state), (Ok(seat), before));
}

#[test]
fn a_smaller_size_closes_what_is_already_as_large() {
    let mut state = CohortState::default();
    let enter = |state: &mut CohortState, size| {
        cohorts(size, CohortRule::Arrival).enter(state, &entrant(0, "")).unwrap()
    };
    for number in 1..=5 {
        assert_eq!(enter(&mut state, 9), Seat { cohort: 1, number });
    }
    assert_eq!(enter(&mut state.clone(), 6), Seat { cohort: 1, number: 6 });
    for size in [5, 3] {
        assert_eq!(enter(&mut state.clone(), size), Seat { cohort: 2, number: 1 });
    }
}

#[test]
fn limits_hold_at_their_edges() {
    let (cohorts, mut state) = (cohorts(2, CohortRule::RatingBand { width: 1 }), CohortState::default());
    for rating in 0..COHORTS_OPEN_MAX as i64 {
        cohorts.enter(&mut state, &entrant(rating, "")).unwrap();
    }
    let full = state.clone();
    assert_eq!(cohorts.enter(&mut state, &entrant(-1, "")), Err(CohortError::TooManyOpen));
    assert_eq!(state, full);
    assert_eq!(cohorts.enter(&mut state, &entrant(5, "")).map(|seat| seat.number), Ok(2));
    assert_eq!(cohorts.enter(&mut state, &entrant(-1, "")).map(|seat| seat.number), Ok(1));

    let by_key =
        |key: &str| self::cohorts(2, CohortRule::Key).enter(&mut CohortState::default(), &entrant(0, key));
    assert!(by_key(&"x".repeat(COHORT_KEY_BYTES_MAX)).is_ok());
    assert_eq!(by_key(&"x".repeat(COHORT_KEY_BYTES_MAX + 1)), Err(CohortError::KeyTooLong { bytes: 65 }));
}

#[test]
fn a_refusal_names_the_path_and_what_is_allowed() {
    let refused = |size, rule| Cohorts::new(CohortConfig { size, rule }).unwrap_err().to_string();
    assert_eq!(refused(1, CohortRule::Key), "`size`: `1` is not allowed; use 2 to 10000");
    assert_eq!(refused(10_001, CohortRule::Key), "`size`: `10001` is not allowed; use 2 to 10000");
    let band = refused(2, CohortRule::RatingBand { width: 0 });
    assert!(band.starts_with("`rule.rating_band.width`: `0` is not allowed; use 1 to "), "{band}");
    let text = r#"{"size":50,"rule":{"rating_band":{"width":100000}}}"#;
    let config = CohortConfig { size: 50, rule: CohortRule::RatingBand { width: 100_000 } };
    assert_eq!(serde_json::from_str::<CohortConfig>(text).unwrap(), config);
    assert!(
        serde_json::from_str::<CohortConfig>(&text.replace(r#"{"width""#, r#"{"wide":1,"width""#)).is_err()
    );
}

proptest! {
    /// Against a twin that remembers everybody.
    #[test]
    fn cohorts_are_those_of_a_full_memory(
        size in 2..6u32,
        rule in select(vec![CohortRule::Arrival, CohortRule::RatingBand { width: 100 }, CohortRule::Key]),
        entrants in vec((-300..300i64, select(vec!["eu", "us", "asia"])), 0..200),
    ) {
        let (cohorts, mut state) = (cohorts(size, rule), CohortState::default());
        let mut members: Vec<(String, u32)> = Vec::new(); // bucket and count of each cohort
        let mut seats: BTreeMap<Seat, usize> = BTreeMap::new();
        for (n, &(rating, key)) in entrants.iter().enumerate() {
            let bucket = match rule {
                CohortRule::Arrival => String::new(),
                CohortRule::RatingBand { .. } => ((rating + 1_000) / 100).to_string(),
                CohortRule::Key => key.to_owned(),
            };
            let free = members.iter().position(|(of, count)| *of == bucket && *count < size);
            let at = free.unwrap_or_else(|| {
                members.push((bucket, 0));
                members.len() - 1
            });
            members[at].1 += 1;
            let seat = cohorts.enter(&mut state, &entrant(rating, key)).unwrap();
            prop_assert_eq!(seat, Seat { cohort: at as u64 + 1, number: members[at].1 });
            prop_assert_eq!(seats.insert(seat, n), None);
            // A restart changes nothing.
            state = serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap();
        }
    }
}
