//! Why a ticket still waits.
use crate::{
    index::{Side, Waiting},
    packing::{Counts, packs},
    pool::Pool,
    rules::Format,
    search::{Meter, Search, View},
};
use gsm_core::{Millis, TicketId, Timestamp, limits::PARTY_SIZE_MAX};
use serde::{Deserialize, Serialize};

/// Tickets that one [`Pool::explain`] looks at; a larger pool is counted so far and marked incomplete.
const EXPLAIN_TICKETS_MAX: usize = 100_000;
/// Work units of the search that [`Pool::explain`] makes.
const EXPLAIN_WORK_MAX: u32 = 100_000;
/// How far [`Explain::window_soon`] looks ahead.
const SOON: Millis = Millis::from_secs(10);

/// Why a ticket still waits, and what will change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explain {
    /// Place in the queue: 1 is the longest waiting. 0 of a short look ([`Pool::glance`]).
    pub position: usize,
    /// How long it has waited.
    pub waited: Millis,
    /// Its skill: the mean of its players'.
    pub skill: f64,
    /// Points to either side that it takes now.
    pub window: f64,
    /// Other tickets within its own window.
    pub in_window: usize,
    /// Those of them that have it in their window too.
    pub consenting: usize,
    /// Players that it and the consenting tickets lack to the smallest match that one of them takes now; 0 when there
    /// are enough.
    pub players_missing: usize,
    /// Its window in ten seconds.
    pub window_soon: f64,
    /// How many more tickets will consent in ten seconds, if nobody comes or goes.
    pub unlocked_soon: usize,
    /// What stands in the way.
    pub binding: Binding,
    /// Whether all tickets were counted; otherwise the counts are at least so much.
    pub complete: bool,
}

/// What stands in the way of a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Binding {
    /// Fewer players wait than a match needs, whatever their skill.
    TooFewPlayers,
    /// There are enough players, also within the windows, but their parties do not fill the sides exactly.
    PartyFit,
    /// There would be a match, but for the skill windows.
    SkillWindow,
    /// Nothing found: the next steps take it, unless tickets that wait longer take its partners.
    Nothing,
}

impl Pool {
    /// Why this ticket still waits; `None` when it does not. Costs a walk over its window and over those that wait
    /// longer, bounded.
    #[must_use]
    pub fn explain(&self, id: TicketId, now: Timestamp) -> Option<Explain> {
        let (_, view) = self.look(id, now)?;
        let (why, _) = self.looked_into(id, now, EXPLAIN_TICKETS_MAX, EXPLAIN_WORK_MAX)?;
        let ahead = view.index.by_age(None).take(EXPLAIN_TICKETS_MAX).take_while(|who| who.id != id).count();
        Some(Explain { position: ahead + 1, complete: why.complete && ahead < EXPLAIN_TICKETS_MAX, ..why })
    }

    /// The same by a short look, whatever else waits, and about how many work units it took.
    #[must_use]
    pub fn glance(&self, id: TicketId, now: Timestamp, budget: u32) -> Option<(Explain, u32)> {
        self.looked_into(id, now, budget as usize / 2, budget / 2)
    }

    fn looked_into(&self, id: TicketId, now: Timestamp, tickets: usize, work: u32) -> Option<(Explain, u32)> {
        let (me, view) = self.look(id, now)?;
        let waited = now.since(me.queued_at);
        let soon = View { now: now.saturating_add(SOON), ..view };
        let near = Near::count(&me, view, soon, tickets);
        let mut meter = Meter::new(work);
        let why = Explain {
            position: 0,
            waited,
            skill: me.skill,
            window: view.window(&me),
            in_window: near.in_window,
            consenting: near.consenting,
            players_missing: view.players_min(near.longest).saturating_sub(me.size + near.players),
            window_soon: soon.window(&me),
            unlocked_soon: near.unlocked,
            binding: binding(&me, &near, view, &mut meter),
            complete: near.complete,
        };
        Some((why, meter.used.saturating_add(near.seen as u32)))
    }
}

struct Near {
    in_window: usize,
    consenting: usize,
    players: usize,
    sizes: Counts,
    unlocked: usize,
    /// Tickets that were looked at.
    seen: usize,
    complete: bool,
    /// Since when the longest waiting of them and the ticket itself waits.
    longest: Timestamp,
}

impl Near {
    fn count(me: &Waiting, now: View<'_>, soon: View<'_>, most: usize) -> Self {
        let mut near = Self {
            in_window: 0,
            consenting: 0,
            players: 0,
            sizes: Counts::default(),
            unlocked: 0,
            seen: 0,
            complete: true,
            longest: me.queued_at,
        };
        let (window, window_soon) = (now.window(me), soon.window(me));
        for size in 1..=PARTY_SIZE_MAX {
            for side in [Side::Weaker, Side::Stronger] {
                for who in now.index.outward(size, side, me.by_skill()) {
                    let distance = (who.skill - me.skill).abs();
                    if distance > window_soon {
                        break;
                    }
                    if near.seen == most {
                        near.complete = false;
                        break;
                    }
                    near.seen += 1;
                    near.in_window += usize::from(distance <= window);
                    if distance <= window.min(now.window(&who)) {
                        near.consenting += 1;
                        near.players += size;
                        near.sizes.add(size);
                        near.longest = near.longest.min(who.queued_at);
                    } else if distance <= soon.window(&who) {
                        near.unlocked += 1;
                    }
                }
            }
        }
        near
    }
}

fn binding(me: &Waiting, near: &Near, view: View<'_>, meter: &mut Meter) -> Binding {
    let fits = |others: &Counts, players_min: usize| match view.rules.format {
        Format::Teams { teams, size } => packs(teams, size, me.size, others, &mut 0),
        Format::FreeForAll { .. } => me.size == 1 && others.get(1) + 1 >= players_min,
    };
    let mut all = view.index.counts();
    all.take(me.size);
    let players_min = view.players_min(view.longest(me));
    if me.size + all.players() < players_min {
        return Binding::TooFewPlayers;
    }
    if !fits(&all, players_min) {
        return Binding::PartyFit;
    }
    let players_min = view.players_min(near.longest);
    if me.size + near.players < players_min {
        return Binding::SkillWindow;
    }
    if !fits(&near.sizes, players_min) {
        return Binding::PartyFit;
    }
    let mut search = Search::new(*me, false, view);
    let known = search.run(view, meter);
    if known && search.pick(view.rules.format).is_none() { Binding::SkillWindow } else { Binding::Nothing }
}
