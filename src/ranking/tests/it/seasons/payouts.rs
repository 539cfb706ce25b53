use gsm_core::{Millis, Timestamp};
use gsm_ranking::payout::{
    Acknowledged, NeverHandedOut, PAYOUT_AHEAD_MAX, Page, Payout, PayoutConfig, PayoutRules,
};
use proptest::{collection::vec, prelude::*};
use std::collections::BTreeSet;

const RETRY: Millis = Millis::from_secs(30);
const NOW: Timestamp = Timestamp::EPOCH;

fn config() -> PayoutConfig {
    PayoutConfig { page_size: 10, in_flight_max: 3, retry_after_ms: RETRY.get() }
}

fn rules() -> PayoutRules {
    PayoutRules::new(config()).unwrap()
}

/// The numbers of all pages that go out at once.
fn all_out(payout: &mut Payout, now: Timestamp) -> Vec<u64> {
    std::iter::from_fn(|| payout.hand_out(&rules(), now)).map(|page| page.number).collect()
}

#[test]
fn pages_cut_the_table_without_gap_or_overlap() {
    let pages = |rows| {
        (0..).map_while(move |number| Payout::of_table(&rules(), rows).page(number)).collect::<Vec<_>>()
    };
    let page = |number, first_row, rows| Page { number, first_row, rows };
    assert_eq!(pages(25), [page(0, 0, 10), page(1, 10, 10), page(2, 20, 5)]);
    assert_eq!(pages(20), [page(0, 0, 10), page(1, 10, 10)]);
    assert_eq!(pages(0), []);
    assert_eq!(Payout::of_table(&rules(), u64::MAX).page(u64::MAX), None);
}

#[test]
fn an_empty_table_is_done_at_once() {
    let mut payout = Payout::of_table(&rules(), 0);
    assert_eq!((payout.hand_out(&rules(), NOW), payout.is_done()), (None, true));
}

#[test]
fn few_pages_are_in_flight_and_overdue_ones_go_again() {
    let mut payout = Payout::of_table(&rules(), 100);
    assert_eq!(all_out(&mut payout, NOW), [0, 1, 2]);
    assert_eq!(payout.acknowledge(1), Ok(Acknowledged::First));
    assert_eq!(all_out(&mut payout, NOW.saturating_add(Millis::new(29_999))), [3]);
    assert_eq!(all_out(&mut payout, NOW.saturating_add(RETRY)), [0, 2]);
    assert_eq!(all_out(&mut payout, NOW.saturating_add(RETRY)), [0u64; 0]);
    assert_eq!(all_out(&mut payout, NOW.saturating_sub(RETRY)), [0u64; 0]); // the clock stepped back
}

#[test]
fn a_page_counts_once() {
    let mut payout = Payout::of_table(&rules(), 100);
    all_out(&mut payout, NOW);
    all_out(&mut payout, NOW.saturating_add(RETRY));
    for number in [2, 0] {
        assert_eq!(payout.acknowledge(number), Ok(Acknowledged::First));
        assert_eq!(payout.acknowledge(number), Ok(Acknowledged::Repeated));
    }
    assert_eq!(payout.acknowledge(3), Err(NeverHandedOut { number: 3 }));
}

#[test]
fn a_page_that_nobody_takes_holds_the_ledger_small() {
    let mut payout = Payout::of_table(&rules(), u64::MAX);
    assert_eq!(payout.hand_out(&rules(), NOW).map(|page| page.number), Some(0));
    let mut highest = 0;
    while let Some(page) = payout.hand_out(&rules(), NOW) {
        highest = page.number;
        payout.acknowledge(page.number).unwrap();
    }
    assert_eq!(highest, PAYOUT_AHEAD_MAX - 1);
    assert!(!payout.is_done());
    payout.acknowledge(0).unwrap();
    assert_eq!(payout.hand_out(&rules(), NOW).map(|page| page.number), Some(PAYOUT_AHEAD_MAX));
}

#[test]
fn a_delivery_keeps_the_page_size_that_it_began_with() {
    let mut payout = Payout::of_table(&rules(), 100);
    let larger = PayoutRules::new(PayoutConfig { page_size: 50, ..config() }).unwrap();
    assert_eq!(payout.hand_out(&larger, NOW), Some(Page { number: 0, first_row: 0, rows: 10 }));
}

#[test]
fn a_refusal_names_the_path_and_what_is_allowed() {
    let refused = |config: PayoutConfig| PayoutRules::new(config).unwrap_err().to_string();
    let page_size = |page_size| refused(PayoutConfig { page_size, ..config() });
    assert_eq!(page_size(0), "`page_size`: `0` is not allowed; use 1 to 1000");
    assert_eq!(page_size(1_001), "`page_size`: `1001` is not allowed; use 1 to 1000");
    let in_flight = refused(PayoutConfig { in_flight_max: 65, ..config() });
    assert_eq!(in_flight, "`in_flight_max`: `65` is not allowed; use 1 to 64");
    let retry = refused(PayoutConfig { retry_after_ms: 999, ..config() });
    assert_eq!(retry, "`retry_after_ms`: `999` is not allowed; use 1000 to 86400000");
    let text = serde_json::to_string(&config()).unwrap();
    assert_eq!(serde_json::from_str::<PayoutConfig>(&text).unwrap(), config());
    assert!(serde_json::from_str::<PayoutConfig>(&text.replacen('{', r#"{"pages":1,"#, 1)).is_err());
}

/// One step of a bad day.
#[derive(Debug, Clone)]
enum Step {
    /// A page goes out; the network loses it or not.
    Send { lost: bool },
    /// The receiver pays some page that reached it, now or again; its acknowledgement is lost, late or repeated.
    Receive { which: usize, acks: usize },
    /// Some acknowledgement on its way arrives.
    Acknowledge { which: usize },
    /// The sender dies after it stored the ledger; what was on its way to it is gone.
    Crash,
    /// Time goes on.
    Wait { seconds: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => any::<bool>().prop_map(|lost| Step::Send { lost }),
        4 => (any::<usize>(), 0..3usize).prop_map(|(which, acks)| Step::Receive { which, acks }),
        4 => any::<usize>().prop_map(|which| Step::Acknowledge { which }),
        1 => Just(Step::Crash),
        2 => (0..40u64).prop_map(|seconds| Step::Wait { seconds }),
    ]
}

/// The newest instead of some.
const NEWEST: usize = usize::MAX;

fn chosen(which: usize, len: usize) -> usize {
    if which == NEWEST { len - 1 } else { which % len }
}

proptest! {
    #[test]
    fn every_player_is_paid_exactly_once(rows in 0..120u64, steps in vec(step(), 0..300)) {
        let rules = rules();
        let mut payout = Payout::of_table(&rules, rows);
        let mut now = NOW;
        let (mut sent, mut acks) = (Vec::<Page>::new(), Vec::<u64>::new());
        // Paid by the sender's own commit at the first acknowledgement; and by a receiver that keeps numbers.
        let (mut own, mut remote) = (vec![0u32; rows as usize], vec![0u32; rows as usize]);
        let mut paid_pages = BTreeSet::new();
        // After the bad day comes a good one.
        let good = (0..200).flat_map(|_| {
            let pause = Step::Wait { seconds: 10 };
            [Step::Send { lost: false }, Step::Receive { which: NEWEST, acks: 1 }, Step::Acknowledge { which: NEWEST }, pause]
        });
        for step in steps.into_iter().chain(good) {
            match step {
                Step::Send { lost } => {
                    let page = payout.hand_out(&rules, now);
                    sent.extend(page.filter(|_| !lost));
                }
                Step::Receive { which, acks: count } if !sent.is_empty() => {
                    let page = sent[chosen(which, sent.len())];
                    let rows = page.first_row as usize..(page.first_row + u64::from(page.rows)) as usize;
                    if paid_pages.insert(page.number) {
                        remote[rows].iter_mut().for_each(|paid| *paid += 1);
                    }
                    acks.extend(std::iter::repeat_n(page.number, count));
                }
                Step::Acknowledge { which } if !acks.is_empty() => {
                    let number = acks.swap_remove(chosen(which, acks.len()));
                    if payout.acknowledge(number) == Ok(Acknowledged::First) {
                        let page = payout.page(number).unwrap();
                        let rows = page.first_row as usize..(page.first_row + u64::from(page.rows)) as usize;
                        own[rows].iter_mut().for_each(|paid| *paid += 1);
                    }
                }
                Step::Receive { .. } | Step::Acknowledge { .. } => {}
                Step::Crash => {
                    acks.clear();
                    payout = serde_json::from_str(&serde_json::to_string(&payout).unwrap()).unwrap();
                }
                Step::Wait { seconds } => now = now.saturating_add(Millis::from_secs(seconds)),
            }
            prop_assert!(own.iter().chain(&remote).all(|&paid| paid <= 1));
            prop_assert_eq!(payout.is_done(), own.iter().all(|&paid| paid == 1));
        }
        prop_assert!(payout.is_done());
        prop_assert!(remote.iter().all(|&paid| paid == 1));
    }
}
