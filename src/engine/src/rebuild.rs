//! Ratings rebuilt from the results: everything derived is computed again, from nothing but what was reported, in the
//! order in which it once counted, and compared with what is stored, bit for bit.
use crate::{
    Call, Engine, EngineError,
    boards::Recount,
    jobs::{Sink, Stop},
    results::chain::{Link, standing},
    store::{Entry, Expect, Home, Key, KeyRange, Place, Row, StandingRow, Version},
};
use gsm_core::{Map, Mode, PlayerId, limits};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, BinaryHeap};

/// Places put in order at once: a mode with more entries is read as often as this goes into them.
const ORDERED_MAX: usize = 1 << 20;

/// What a rebuild found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RebuildReport {
    /// Players who have an entry in the mode.
    pub players: u64,
    /// Results, voided ones included.
    pub results: u64,
    /// Ratings set by hand.
    pub adjustments: u64,
    /// Rows that are not what the results give: ratings, history, entries of boards, and what results say they did.
    pub differing: u64,
    /// Whether those were put right.
    pub repaired: bool,
}

/// Players in a mode as they are stored.
type Ends = Map<PlayerId, (StandingRow, Version)>;

/// A rebuild under way.
struct Rebuild<'a> {
    engine: &'a Engine,
    mode: Mode,
    /// As stored when it began.
    ends: Ends,
    /// As computed so far.
    now: Map<PlayerId, StandingRow>,
    /// What that came from, where a list may be stale.
    followed: BTreeSet<Entry>,
    /// Boards that count the mode's results.
    counts: Vec<Recount>,
    /// That these are the boards that do.
    counted: (Key, Expect),
    report: RebuildReport,
}

impl Engine {
    /// Rebuilds all ratings of a mode and compares. With `repair` what differs is put right, all at once; the mode
    /// takes no results meanwhile (they are answered [`EngineError::Rerating`]). Without, it is closed only while its
    /// ratings are listed; a void or a correction of the meantime shows as rows that differ. With it, a mode whose system
    /// learns does so anew from the results that count; those that were rated keep what was known then.
    ///
    /// Costs two reads an entry, and memory for the players of the mode.
    pub async fn rebuild(
        &self,
        call: &Call,
        mode: &Mode,
        repair: bool,
    ) -> Result<RebuildReport, EngineError> {
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            if let Some(first) = self.replayed(call, Home::Record).await? {
                return Ok(first);
            }
            match self.try_rebuild(call, mode, repair).await {
                Err(EngineError::Raced(_)) => {}
                done => return done,
            }
        }
        Err(EngineError::Contended)
    }

    async fn try_rebuild(
        &self,
        call: &Call,
        mode: &Mode,
        repair: bool,
    ) -> Result<RebuildReport, EngineError> {
        let gate = self.close_gate(mode).await?;
        let mut sink = Sink::staged(self, gate);
        let rebuild = self.begin_rebuild(mode, repair, &mut sink).await;
        if repair {
            let prepared = match rebuild {
                Ok(rebuild) => rebuild.prepare(call, &mut sink).await,
                Err(error) => Err(error.into()),
            };
            let report = self.close_job(sink, prepared).await?;
            self.learn_anew_after_rebuild(mode).await;
            return Ok(report);
        }
        self.drop_job(sink).await;
        let rebuild = rebuild?;
        let (counting, expect) = rebuild.counted.clone();
        let (mut changes, report) = match rebuild.prepare(call, &mut Sink::Nowhere).await {
            Ok(prepared) => prepared,
            Err(Stop::Failed(error)) => return Err(error),
            Err(Stop::Large) => return Err(EngineError::Raced(None)),
        };
        // What was read while a job carries out its writes says nothing.
        changes.check(Key::Gate(mode.clone()), Expect::Absent);
        changes.check(counting, expect);
        self.commit(Home::Record, changes).await?;
        Ok(report)
    }

    /// Notes how the players of a mode are stored.
    async fn begin_rebuild(
        &self,
        mode: &Mode,
        repair: bool,
        sink: &mut Sink<'_>,
    ) -> Result<Rebuild<'_>, EngineError> {
        let mut ends = Ends::default();
        let mut after = None;
        while let Some(page) = self.page(&KeyRange::Ratings(mode.clone()), &mut after).await? {
            for (key, found) in page {
                if let Key::Rating(_, player) = key {
                    ends.insert(player, standing(&key, &found)?);
                }
                sink.alive().await?;
            }
        }
        if ends.is_empty() && !self.has_mode(mode) {
            return Err(EngineError::Unknown { what: "mode" });
        }
        let report = RebuildReport { players: 0, results: 0, adjustments: 0, differing: 0, repaired: repair };
        let mut counts = Vec::new();
        let found = self.counted(mode).await?;
        let counted = found.condition();
        for line in found.lines {
            counts.push(self.begin_recount(line, mode, false, sink).await?);
        }
        let (now, followed) = (Map::default(), BTreeSet::new());
        Ok(Rebuild { engine: self, mode: mode.clone(), ends, now, followed, counts, counted, report })
    }
}

impl Rebuild<'_> {
    /// All of it: what differs goes to `sink`, the record of it is returned.
    async fn prepare(
        mut self,
        call: &Call,
        sink: &mut Sink<'_>,
    ) -> Result<(crate::store::ChangeSet, RebuildReport), Stop> {
        let (key, expect) = self.counted.clone();
        sink.check(key, expect).await?;
        let mut done = None;
        loop {
            let places = self.places_after(done, sink).await?;
            for part in places.chunks(limits::PAGE_SIZE_MAX) {
                self.follow(part, sink).await?;
            }
            done = places.last().copied();
            if places.len() < ORDERED_MAX {
                break;
            }
        }
        self.compare_ends(sink).await?;
        for count in std::mem::take(&mut self.counts) {
            self.report.differing += count.close(sink).await?;
        }
        let mut head = self.engine.changes(call, &[&self.mode]);
        let done = if self.report.repaired { "differed and were put right" } else { "differ" };
        head.because(format!("{} rows {done}", self.report.differing));
        self.engine.remember(&mut head, call, Home::Record, &self.report)?;
        Ok((head, self.report))
    }

    /// Up to [`ORDERED_MAX`] places after `done`, in order.
    async fn places_after(
        &self,
        done: Option<Place>,
        sink: &mut Sink<'_>,
    ) -> Result<Vec<Place>, EngineError> {
        let mut first = BinaryHeap::new();
        for range in [KeyRange::Results, KeyRange::Adjustments] {
            let mut after = None;
            while let Some(page) = self.engine.page(&range, &mut after).await? {
                for (key, found) in page {
                    sink.alive().await?;
                    let link = Link::of(&key, &found.row)?;
                    let place = link.place();
                    if *link.mode() != self.mode
                        || done.is_some_and(|done| place <= done)
                        || !self.is_in(&link)
                    {
                        continue;
                    }
                    if first.len() < ORDERED_MAX {
                        first.push(place);
                    } else if let Some(mut most) = first.peek_mut()
                        && place < *most
                    {
                        *most = place;
                    }
                }
            }
        }
        Ok(first.into_sorted_vec())
    }

    /// Whether an entry is one of those that led to the ratings as they were when this began. Behind the gate all
    /// are, and one whose players' rows were lost is to bring them back.
    fn is_in(&self, link: &Link) -> bool {
        let seen =
            |player| self.ends.get(&player).is_some_and(|(end, _)| end.last.depth >= link.place().depth);
        self.report.repaired || link.players().into_iter().all(seen)
    }

    /// Computes entries again, in the order given.
    async fn follow(&mut self, places: &[Place], sink: &mut Sink<'_>) -> Result<(), Stop> {
        let keys: Vec<Key> = places.iter().map(|place| place.entry.key()).collect();
        let rows = self.engine.get(Home::Record, &keys).await?;
        let mut steps = Vec::new();
        for (key, found) in keys.into_iter().zip(rows) {
            // It was listed: none is a stale read.
            let found = found.ok_or(EngineError::Raced(None))?;
            let link = Link::of(&key, &found.row)?;
            match &link {
                Link::Result(..) => self.report.results += 1,
                Link::Adjustment(..) => self.report.adjustments += 1,
            }
            let scheme = self.engine.scheme(link.scheme()).await?;
            let from: Vec<_> = link.players().iter().map(|player| self.now.get(player).cloned()).collect();
            for (found, now) in link.from().iter().zip(&from) {
                self.misses_nothing(found.as_ref(), now.as_ref()).await?;
            }
            let again = link.clone().found(&scheme, from)?;
            let Place { depth, entry } = again.place();
            if !self.engine.homes.is_one() {
                self.followed.insert(entry);
            }
            for moved in again.moved(&scheme) {
                self.now.insert(moved.player, moved.after);
                for count in &mut self.counts {
                    moved.history.iter().for_each(|step| count.take(moved.player, step));
                }
                steps.push((Key::History(self.mode.clone(), moved.player, depth), moved.history));
            }
            if again != link {
                self.report.differing += 1;
                sink.put(key, Some(found.version), again.into_row()).await?;
            } else if !self.engine.homes.is_one() {
                // It rests on this row being as it is, and the read may be stale.
                sink.check(key, Expect::At(found.version)).await?;
            }
            sink.alive().await?;
        }
        let keys: Vec<Key> = steps.iter().map(|(key, _)| key.clone()).collect();
        let stored = self.engine.get(Home::Record, &keys).await?;
        for ((key, wanted), found) in steps.into_iter().zip(stored) {
            let same = match (found.as_ref().map(|found| &*found.row), &wanted) {
                (None, None) => true,
                (Some(Row::History(found)), Some(wanted)) => found == wanted,
                _ => false,
            };
            if !same {
                self.report.differing += 1;
                sink.history(key, wanted.map(Row::History)).await?;
            }
        }
        Ok(())
    }

    /// That the entry by which a player was `found` came before: an entry's place and those of its players before it never change,
    /// so one that did not is missing in the list, which was stale, or is lost for good.
    async fn misses_nothing(
        &self,
        found: Option<&StandingRow>,
        now: Option<&StandingRow>,
    ) -> Result<(), EngineError> {
        let Some(last) = found.map(|found| found.last) else { return Ok(()) };
        // What nothing rests on may pass over what has come since, with what follows from it.
        let is_known = !self.report.repaired
            || self.engine.homes.is_one()
            || now.is_some_and(|now| now.last == last)
            || self.followed.contains(&last.entry);
        if is_known || self.engine.is_gone(last.entry.key()).await? {
            return Ok(());
        }
        Err(EngineError::Raced(None))
    }

    /// Compares how the players stand in the end.
    async fn compare_ends(&mut self, sink: &mut Sink<'_>) -> Result<(), Stop> {
        let mut players: Vec<PlayerId> = self.now.keys().chain(self.ends.keys()).copied().collect();
        players.sort_unstable();
        players.dedup();
        self.report.players = players.len() as u64;
        for player in players {
            let stored = self.ends.get(&player);
            self.misses_nothing(stored.map(|(end, _)| end), self.now.get(&player)).await?;
            let wanted = match (self.now.get(&player), stored) {
                (Some(now), _) => now.clone(),
                // Nothing led to it.
                (None, Some((end, _))) => StandingRow { rating: None, last: end.last },
                (None, None) => continue,
            };
            if stored.is_none_or(|(end, _)| *end != wanted) {
                self.report.differing += 1;
                let key = Key::Rating(self.mode.clone(), player);
                sink.put(key, stored.map(|(_, version)| *version), Row::Rating(wanted)).await?;
            }
            sink.alive().await?;
        }
        Ok(())
    }
}
