use gsm_ranking::cohort::{Bucket, COHORT_SIZE_MAX, CohortConfig, CohortRule, Cohorts, Entrant, Seat};
use proptest::{collection::vec, prelude::*};
use std::collections::{BTreeMap, BTreeSet};

fn cohorts(size: u32, rule: CohortRule) -> Cohorts {
    Cohorts::new(CohortConfig { size, rule }).unwrap()
}

fn rated(rating: i64) -> Entrant<'static> {
    Entrant { rating, ..Entrant::default() }
}

/// The seats of entrants, one after another, as a caller keeps them.
fn seated(cohorts: &Cohorts, entrants: &[Entrant<'_>]) -> Vec<(Bucket, Seat)> {
    let (mut opened, mut last) = (0, BTreeMap::new());
    let mut seat = |entrant: &Entrant<'_>| {
        let bucket = cohorts.bucket(entrant);
        let seat = cohorts.next_seat(last.get(&bucket).copied(), &mut opened);
        last.insert(bucket.clone(), seat);
        (bucket, seat)
    };
    entrants.iter().map(&mut seat).collect()
}

fn check(rule: CohortRule, entrants: &[Entrant<'_>], cohorts_of: &[u64]) {
    let seats = seated(&cohorts(2, rule), entrants);
    assert_eq!(seats.iter().map(|(_, seat)| seat.cohort).collect::<Vec<_>>(), cohorts_of);
}

#[test]
fn cohorts_fill_by_rule() {
    let of = |rating, region, platform| Entrant { rating, region, platform };
    let entrants = [
        of(10, Some("eu"), Some("pc")),
        of(60, Some("na"), Some("pc")),
        of(49, Some("eu"), None),
        of(-1, Some("eu"), None),
        of(0, None, Some("pc")),
        of(99, Some("na"), None),
    ];
    check(CohortRule::Arrival, &entrants, &[1, 1, 2, 2, 3, 3]);
    check(CohortRule::RatingBand { width: 50 }, &entrants, &[1, 2, 1, 3, 4, 2]);
    check(CohortRule::Region, &entrants, &[1, 2, 1, 3, 4, 2]);
    check(CohortRule::Platform, &entrants, &[1, 1, 2, 2, 3, 4]);
}

#[test]
fn each_bucket_has_a_text_of_its_own() {
    let text = |of: Option<&str>| of.map(str::to_owned);
    let buckets = [
        Bucket::All,
        Bucket::Band(-3),
        Bucket::Band(3),
        Bucket::Region(None),
        Bucket::Region(text(Some("eu"))),
        Bucket::Platform(None),
        Bucket::Platform(text(Some("eu"))),
        Bucket::Level(3),
    ];
    let texts: BTreeSet<String> = buckets.iter().map(Bucket::to_string).collect();
    assert_eq!(texts.len(), buckets.len());
}

#[test]
fn bad_settings_are_refused_by_name() {
    let refused = |size, rule| Cohorts::new(CohortConfig { size, rule }).unwrap_err().to_string();
    assert_eq!(refused(1, CohortRule::Region), "`size`: `1` is not allowed; use 2 to 1000");
    assert_eq!(
        refused(COHORT_SIZE_MAX + 1, CohortRule::Arrival),
        "`size`: `1001` is not allowed; use 2 to 1000"
    );
    let band = refused(2, CohortRule::RatingBand { width: 0 });
    assert!(band.starts_with("`rule.rating_band.width`: `0`"), "{band}");
    let config: CohortConfig = serde_json::from_str(r#"{"size": 50}"#).unwrap();
    assert_eq!(config, CohortConfig { size: 50, rule: CohortRule::Arrival });
    assert!(serde_json::from_str::<CohortConfig>(r#"{"size": 50, "sort": 1}"#).is_err());
}

proptest! {
    /// No two have a seat, none is left out, and of each bucket only the newest cohort is not full.
    #[test]
    fn seats_are_taken_once_and_in_order(size in 2..6_u32, ratings in vec(-100..100_i64, 0..80)) {
        let cohorts = cohorts(size, CohortRule::RatingBand { width: 30 });
        let seats = seated(&cohorts, &ratings.iter().copied().map(rated).collect::<Vec<_>>());
        let mut by_cohort: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
        let mut of_bucket: BTreeMap<&Bucket, Vec<u64>> = BTreeMap::new();
        for (bucket, seat) in &seats {
            by_cohort.entry(seat.cohort).or_default().push(seat.number);
            of_bucket.entry(bucket).or_default().push(seat.cohort);
        }
        prop_assert!(by_cohort.keys().copied().eq(1..=by_cohort.len() as u64));
        for numbers in by_cohort.values() {
            prop_assert!(numbers.iter().copied().eq(1..=numbers.len() as u32) && numbers.len() <= size as usize);
        }
        let mut owners: BTreeMap<u64, &Bucket> = BTreeMap::new();
        for (bucket, cohorts) in of_bucket {
            let newest = cohorts.iter().max().copied();
            for cohort in cohorts {
                prop_assert_eq!(*owners.entry(cohort).or_insert(bucket), bucket);
                prop_assert!(Some(cohort) == newest || by_cohort[&cohort].len() == size as usize);
            }
        }
    }
}
