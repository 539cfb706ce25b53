//! Each invariant is seen red: a planted bug is found, by the invariant that it breaks and by no other.
use gsm_sim::{Invariant, Options, Plant, Shape, run};

/// Seeds in which most bugs show; most in the first, a race for a lease in one of fifteen.
const SEEDS: u64 = 60;
/// Seeds that are tried for a bug that has not shown by then: a result beside a new board is in few of a hundred.
const SEEDS_MAX: u64 = 720;

fn check(plant: Plant, shape: Shape) {
    let mut found = 0;
    for seed in 1..=SEEDS_MAX {
        if seed > SEEDS && found > 0 {
            return;
        }
        let Err(violation) = run(seed, &Options { steps: 200, shape, plant: Some(plant) }) else { continue };
        // A write that was left out leaves its writer with a version that the store never gave: a later job over the
        // same rows is `contended` for ever, which says nothing of the invariant that the plant is for.
        if plant == Plant::JobHalfDone && violation.to_string().contains("was told contended") {
            continue;
        }
        // A word of a player that the store refused, or so it said, counts all the same: where it was the one that was
        // missing, the match has a result by fewer than the books know of.
        if plant == Plant::RefusedApplied && violation.invariant == Invariant::EnoughAgree {
            continue;
        }
        found += 1;
        assert_eq!(violation.invariant, plant.breaks(), "{plant:?}\n{violation}");
        let text = violation.to_string();
        assert!(text.contains(&format!("seed {seed},")), "the seed is in the text");
        assert!(violation.tail.len() <= 30 && !violation.tail.is_empty());
        if found == 3 {
            return;
        }
    }
    assert!(found > 0, "{plant:?} was not found in {SEEDS_MAX} seeds");
}

macro_rules! plants {
    ($($name:ident: $plant:ident in $shape:ident,)*) => {
        $(#[test] fn $name() { check(Plant::$plant, Shape::$shape); })*
        /// No plant is forgotten, and no invariant is without one.
        #[test]
        fn every_plant_has_its_test() {
            assert_eq!([$(Plant::$plant,)*], Plant::ALL);
            for invariant in Invariant::ALL {
                assert!(Plant::ALL.iter().any(|plant| plant.breaks() == *invariant), "{invariant:?}");
            }
        }
    };
}

plants! {
    a_lost_result_is_found: ResultDropped in OneHome,
    a_result_rated_twice_is_found: RatedTwice in OneHome,
    a_bent_rating_is_found: RatingBent in OneHome,
    an_unchecked_claim_is_found: ClaimUnchecked in OneHome,
    a_kept_claim_is_found: ClaimKept in OneHome,
    a_dropped_ticket_is_found: TicketDropped in OneHome,
    a_second_proposal_is_found: ProposedTwice in OneHome,
    a_deaf_pool_is_found: PoolDeaf in OneHome,
    a_deaf_board_is_found: BoardDeaf in ThreeHomes,
    a_stuck_fence_is_found: FenceStuck in ManyNodes,
    an_unchecked_lease_is_found: LeaseUnchecked in ManyNodes,
    a_dropped_event_is_found: EventDropped in OneHome,
    a_forgotten_answer_is_found: ReplayDropped in OneHome,
    a_refusal_that_was_applied_is_found: RefusedApplied in ThreeHomes,
    an_ignored_limit_is_found: LimitIgnored in ThreeHomes,
    a_match_that_is_not_kept_is_found: CopyDropped in OneHome,
    a_result_behind_a_closed_gate_is_found: GateUnchecked in ManyNodes,
    a_forgotten_seat_is_found: SeatForgotten in OneHome,
    a_job_half_done_is_found: JobHalfDone in ThreeHomes,
    a_board_that_results_do_not_heed_is_found: CountingUnheeded in ManyNodes,
    a_forgotten_offence_is_found: OffenceForgotten in ThreeHomes,
    a_lock_that_nobody_heeds_is_found: LocksUnheeded in OneHome,
    a_ban_that_an_erasure_ends_is_found: BanForgotten in ThreeHomes,
    a_lesson_that_is_not_kept_is_found: LessonDropped in ManyNodes,
    an_answer_that_another_match_keeps_is_found: AnswerMisplaced in OneHome,
    a_second_backfill_is_found: BackfillUnheeded in OneHome,
    an_identity_that_is_kept_is_found: IdentityKept in ThreeHomes,
    a_name_that_is_left_is_found: LeftoversKept in OneHome,
    a_dropped_audit_record_is_found: AuditDropped in ThreeHomes,
    a_doubled_audit_record_is_found: AuditTwice in OneHome,
    a_word_that_is_as_good_as_two_is_found: AgreementForged in OneHome,
}
