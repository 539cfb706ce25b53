use crate::twin;
use gsm_core::{Millis, PlayerId, TicketId, Timestamp};
use gsm_matchmaking::{Format, Formed, MatchRules, Pool, PoolPlayer, PoolTicket, SKILL_ABS_MAX, Window};
use proptest::{collection::vec, prelude::*, sample::select};
use std::collections::BTreeSet;

const PLENTY: u32 = u32::MAX;
const NOW: Timestamp = Timestamp::from_millis(60_000);

fn format() -> impl Strategy<Value = Format> {
    let teams =
        [(2, 1), (2, 2), (2, 3), (2, 5), (3, 2), (4, 1)].map(|(teams, size)| Format::Teams { teams, size });
    let free = [(2, 4), (3, 3), (2, 8)].map(|(min, max)| Format::FreeForAll {
        min,
        max,
        fill_after_ms: Millis::from_secs(30),
    });
    select([teams.as_slice(), free.as_slice()].concat())
}

/// Mostly few different ones, so that ties and narrow escapes are common; now and then the ends of the range.
fn skill() -> impl Strategy<Value = f64> {
    let ends = select(vec![-SKILL_ABS_MAX, -0.0, 0.0, SKILL_ABS_MAX]);
    prop_oneof![19 => (0i32..16).prop_map(|s| 1500.0 + 25.0 * f64::from(s)), 1 => ends]
}

/// Tickets of which some have not come yet at [`NOW`], as after a clock stepped back.
fn tickets(format: Format, most: usize) -> impl Strategy<Value = Vec<PoolTicket>> {
    let party = vec(skill(), 1..=format.side_size().min(3));
    vec((party, 0i64..80), 0..=most).prop_map(|rows| {
        let make = |(n, (skills, since)): (usize, (Vec<f64>, i64))| PoolTicket {
            id: TicketId::from_u128(n as u128),
            players: (0..)
                .zip(skills)
                .map(|(i, skill)| PoolPlayer {
                    id: PlayerId::from_u128(n as u128 * 10 + i),
                    skill,
                    deviation: 1.0,
                })
                .collect(),
            queued_at: Timestamp::from_millis(since * 1_000),
        };
        rows.into_iter().enumerate().map(make).collect()
    })
}

fn rules() -> impl Strategy<Value = MatchRules> {
    let usual = (0u8..8, 0u8..4, 0u8..12).prop_map(|(min, growth, more)| {
        let min = 25.0 * f64::from(min);
        Window { min, growth_per_s: f64::from(growth), max: min + 1.0 + 25.0 * f64::from(more) }
    });
    let boundless = Just(Window { min: 0.0, growth_per_s: SKILL_ABS_MAX / 10.0, max: f64::MAX });
    let window = prop_oneof![9 => usual, 1 => boundless];
    (format(), window).prop_map(|(format, window)| MatchRules { format, window })
}

fn case(most: usize) -> impl Strategy<Value = (MatchRules, Vec<PoolTicket>)> {
    rules().prop_flat_map(move |rules| (Just(rules.clone()), tickets(rules.format, most)))
}

fn pool(rules: &MatchRules, tickets: &[PoolTicket]) -> Pool {
    let mut pool = Pool::new(rules.clone()).unwrap();
    tickets.iter().for_each(|t| pool.insert(t.clone()).unwrap());
    pool
}

fn by_age(tickets: &[PoolTicket]) -> Vec<&PoolTicket> {
    let mut sorted: Vec<_> = tickets.iter().collect();
    sorted.sort_by_key(|t| (t.queued_at, t.id));
    sorted
}

/// All that one round finds, in steps of `budget`.
fn round(pool: &mut Pool, budget: u32) -> Vec<Formed> {
    let mut found = Vec::new();
    for _ in 0..1_000_000 {
        let step = pool.step(NOW, budget);
        found.extend(step.proposals);
        if step.finished {
            return found;
        }
    }
    panic!("the round does not end");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    /// Walks the queue beside the matcher: whoever can have a match gets one, as good as the best there is.
    #[test]
    fn whoever_can_have_a_match_gets_the_best((rules, tickets) in case(8)) {
        let mut left = by_age(&tickets);
        let mut found = pool(&rules, &tickets).step(NOW, PLENTY).proposals.into_iter().peekable();
        while let Some(anchor) = left.first().copied() {
            match twin::best(&rules, &left, NOW) {
                None => {
                    prop_assert!(found.peek().is_none_or(|f| f.tickets[0].id != anchor.id));
                    left.remove(0);
                }
                Some((players, spread)) => {
                    let Some(f) = found.next() else { panic!("{} is passed over", anchor.id) };
                    prop_assert_eq!(f.tickets[0].id, anchor.id);
                    prop_assert_eq!((f.sides.iter().map(Vec::len).sum::<usize>(), f.spread), (players, spread));
                    let gone: BTreeSet<_> = f.tickets.iter().map(|t| t.id).collect();
                    left.retain(|t| !gone.contains(&t.id));
                }
            }
        }
        prop_assert!(found.next().is_none());
    }

    #[test]
    fn every_match_obeys_the_rules((rules, tickets) in case(60)) {
        let mut pool = pool(&rules, &tickets);
        let mut seen = BTreeSet::new();
        for f in pool.step(NOW, PLENTY).proposals {
            let members: Vec<&PoolTicket> = f.tickets.iter().collect();
            prop_assert!(twin::feasible(&rules, &members, members[0], NOW));
            prop_assert_eq!(f.spread, twin::spread(&members));
            for (ticket, wait) in f.tickets.iter().zip(&f.waits) {
                prop_assert!(seen.insert(ticket.id), "{} is in two matches", ticket.id);
                prop_assert!(!pool.contains(ticket.id));
                prop_assert_eq!(*wait, NOW.since(ticket.queued_at));
                let whole = |side: &&Vec<_>| ticket.players.iter().all(|p| {
                    side.iter().any(|s: &gsm_matchmaking::Seat| (s.ticket, s.player) == (ticket.id, p.id))
                });
                prop_assert_eq!(f.sides.iter().filter(whole).count(), 1);
            }
            let seats: usize = f.tickets.iter().map(|t| t.players.len()).sum();
            prop_assert_eq!(f.sides.iter().map(Vec::len).sum::<usize>(), seats);
            match rules.format {
                Format::Teams { teams, size } => {
                    prop_assert!(f.sides.len() == teams && f.sides.iter().all(|side| side.len() == size));
                }
                Format::FreeForAll { .. } => prop_assert!(f.sides.iter().all(|side| side.len() == 1)),
            }
        }
        prop_assert_eq!(seen.len() + pool.len(), tickets.len());
    }

    #[test]
    fn a_round_in_small_steps_finds_the_same((rules, tickets) in case(40), budget in 0u32..9) {
        let (mut fast, mut slow) = (pool(&rules, &tickets), pool(&rules, &tickets));
        prop_assert_eq!(round(&mut fast, PLENTY), round(&mut slow, budget));
    }

    /// A step ends at its budget or, where parties are packed, at most one packing later; and it uses its budget if it
    /// does not finish, so a round ends.
    #[test]
    fn a_step_keeps_to_its_budget((rules, tickets) in case(60), budget in 0u32..200) {
        let mut pool = pool(&rules, &tickets);
        let budget = budget.max(1);
        // Two teams of five are packed in far fewer nodes.
        let one_packing = if rules.format.side_size() == 1 { 0 } else { 200 };
        let mut finished = false;
        while !finished {
            let step = pool.step(NOW, budget);
            prop_assert!(step.work <= budget + one_packing, "{} of {budget}", step.work);
            prop_assert!(step.finished || step.work >= budget);
            finished = step.finished;
        }
    }

    /// A round keeps the instant of its first step, whatever the clock does meanwhile.
    #[test]
    fn a_wandering_clock_breaks_no_rule(
        (rules, tickets) in case(40), steps in vec((0i64..120, 0u32..12), 0..80),
    ) {
        let mut pool = pool(&rules, &tickets);
        let (mut instant, mut seen) = (None, BTreeSet::new());
        for (second, budget) in steps {
            let now = Timestamp::from_millis(second * 1_000);
            let began = *instant.get_or_insert(now);
            let step = pool.step(now, budget);
            for f in &step.proposals {
                let members: Vec<&PoolTicket> = f.tickets.iter().collect();
                prop_assert!(twin::feasible(&rules, &members, members[0], began));
                prop_assert!(f.tickets.iter().zip(&f.waits).all(|(t, wait)| *wait == now.since(t.queued_at)));
                prop_assert!(f.tickets.iter().all(|t| seen.insert(t.id)), "a ticket is in two matches");
            }
            if step.finished {
                instant = None;
            }
        }
        prop_assert_eq!(seen.len() + pool.len(), tickets.len());
    }

    #[test]
    fn explain_says_what_trying_everything_says((rules, tickets) in case(8), second in 0i64..100) {
        let now = Timestamp::from_millis(second * 1_000);
        let soon = now.saturating_add(Millis::from_secs(10));
        let pool = pool(&rules, &tickets);
        for (position, me) in (1..).zip(by_age(&tickets)) {
            let why = pool.explain(me.id, now).unwrap();
            let others: Vec<&PoolTicket> = tickets.iter().filter(|t| t.id != me.id).collect();
            let window = rules.window.after(now.since(me.queued_at));
            prop_assert_eq!((why.position, why.waited, why.window), (position, now.since(me.queued_at), window));
            prop_assert_eq!((why.skill, why.complete), (me.skill(), true));
            let in_window = others.iter().filter(|t| (t.skill() - me.skill()).abs() <= window);
            prop_assert_eq!(why.in_window, in_window.count());
            let near = twin::consenting(&rules, me, &others, now);
            prop_assert_eq!(why.consenting, near.len());
            prop_assert_eq!(why.players_missing, twin::missing(&rules, me, &near, now));
            let later = twin::consenting(&rules, me, &others, soon);
            prop_assert_eq!(why.unlocked_soon, later.len() - near.len());
            prop_assert_eq!(why.window_soon, rules.window.after(soon.since(me.queued_at)));
            prop_assert_eq!(why.binding, twin::binding(&rules, me, &others, now));
        }
    }

    /// Whom explain promises a match finds one, unless those who wait longer take the partners.
    #[test]
    fn the_first_in_the_queue_gets_what_explain_promises((rules, tickets) in case(12)) {
        let mut pool = pool(&rules, &tickets);
        let Some(first) = pool.oldest().map(|t| t.id) else { return Ok(()) };
        let promised = pool.explain(first, NOW).unwrap().binding == gsm_matchmaking::Binding::Nothing;
        pool.step(NOW, PLENTY);
        prop_assert_eq!(pool.contains(first), !promised);
    }

    #[test]
    fn the_order_of_insertion_does_not_matter(
        ((rules, tickets), shuffled) in case(40).prop_flat_map(|(rules, tickets)| {
            (Just((rules, tickets.clone())), Just(tickets).prop_shuffle())
        })
    ) {
        prop_assert_eq!(pool(&rules, &tickets).step(NOW, PLENTY), pool(&rules, &shuffled).step(NOW, PLENTY));
    }

    /// Tickets come, go and are stepped over at random; then the pool answers like a fresh one with what is left.
    #[test]
    fn a_used_pool_is_as_good_as_new((rules, tickets) in case(30), moves in vec((0usize..30, 0u32..20), 0..60)) {
        let mut used = Pool::new(rules.clone()).unwrap();
        let mut matched = BTreeSet::new();
        for (at, budget) in moves {
            if let Some(ticket) = tickets.get(at)
                && used.remove(ticket.id).is_none()
                && !matched.contains(&ticket.id)
            {
                used.insert(ticket.clone()).unwrap();
            }
            let step = used.step(NOW, budget);
            for t in step.proposals.iter().flat_map(|f| &f.tickets) {
                prop_assert!(matched.insert(t.id), "{} is matched twice", t.id);
            }
        }
        round(&mut used, PLENTY).iter().flat_map(|f| &f.tickets).for_each(|t| { matched.insert(t.id); });
        let left: Vec<PoolTicket> = used.iter().cloned().collect();
        prop_assert_eq!(used.len(), left.len());
        prop_assert_eq!(by_age(&left), left.iter().collect::<Vec<_>>());
        prop_assert!(left.iter().all(|t| used.contains(t.id) && !matched.contains(&t.id)));
        prop_assert_eq!(used.oldest(), left.first());
        let mut fresh = pool(&rules, &left);
        prop_assert_eq!(used.step(NOW, PLENTY), fresh.step(NOW, PLENTY));
    }

    /// What a round leaves behind has no match with the longest waiting of it: nobody is passed over for ever.
    #[test]
    fn nothing_feasible_is_left_behind((rules, tickets) in case(14)) {
        let mut pool = pool(&rules, &tickets);
        round(&mut pool, 3);
        let left: Vec<PoolTicket> = pool.iter().cloned().collect();
        for at in 0..left.len() {
            let tail: Vec<&PoolTicket> = left.iter().skip(at).collect();
            prop_assert_eq!(twin::best(&rules, &tail, NOW), None);
        }
    }
}
