//! Upkeep: what is left of erased players and of boards that were given up goes, and what is kept no longer.
//!
//! One node at a time does it, under a lease; each step reads one page of a range and deletes, by their versions, the
//! rows whose time is over. A pass goes through all classes; then it rests.
use crate::{
    Engine, EngineError,
    forming::Turn,
    store::{Home, Key, KeyRange, Row, Version, Versioned},
};
use gsm_core::{MatchId, Millis, PlayerId, Timestamp, limits};

/// Erasures that one turn goes on with.
const ERASURES_PER_TURN: usize = 16;
/// Steps of each.
const STEPS_PER_TURN: usize = 16;

/// How long each class of data is kept; what has `None` is kept for ever.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retention {
    /// Matches, after they have ended. Their results stay.
    pub matches: Option<Millis>,
    /// Bans, after they are over.
    pub bans: Option<Millis>,
    /// Penalties, after all offences of their kind are forgotten.
    pub penalties: Option<Millis>,
    /// That a player was erased, and what of him: what receipts are made of.
    pub erasures: Option<Millis>,
    /// Between two passes.
    pub every: Millis,
}

/// A class of data that goes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataClass {
    /// Matches that ended.
    Matches,
    /// Bans that are over.
    Bans,
    /// Penalties of proposals, which are forgotten.
    Dodges,
    /// Penalties of matches, likewise.
    Leaves,
    /// Erasures.
    Erasures,
}

impl DataClass {
    /// Every class, in the order of a pass.
    pub const ALL: [Self; 5] = [Self::Matches, Self::Bans, Self::Dodges, Self::Leaves, Self::Erasures];

    /// As in metrics and log lines.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Matches => "matches",
            Self::Bans => "bans",
            Self::Dodges | Self::Leaves => "penalties",
            Self::Erasures => "erasures",
        }
    }

    fn range(self) -> KeyRange {
        match self {
            Self::Matches => KeyRange::Archives,
            Self::Bans => KeyRange::AllBans,
            Self::Dodges => KeyRange::AllDodges,
            Self::Leaves => KeyRange::AllLeaves,
            Self::Erasures => KeyRange::AllErased,
        }
    }

    const fn life(self, of: &Retention) -> Option<Millis> {
        match self {
            Self::Matches => of.matches,
            Self::Bans => of.bans,
            Self::Dodges | Self::Leaves => of.penalties,
            Self::Erasures => of.erasures,
        }
    }
}

/// What a turn of upkeep did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UpkeepReport {
    /// Erased players of whom something may be left, as far as one page tells.
    pub erasing: usize,
    /// Rows dropped, of which class.
    pub dropped: Option<(DataClass, usize)>,
    /// Whether this was the end of a pass through all classes.
    pub passed: bool,
    /// Whether there is more to do at once.
    pub more: bool,
}

/// Where a node's upkeep stands.
#[derive(Default)]
pub(crate) struct Upkeep {
    turn: Turn,
    /// The class of the pass under way, by its place, and up to where it was looked at.
    class: usize,
    after: Option<Key>,
    /// When the next pass begins.
    due: Option<Timestamp>,
    /// Where the next turn goes on with erasures.
    erased_after: Option<Key>,
    /// Where it goes on with boards that were given up.
    closed_after: Option<Key>,
}

impl Engine {
    /// One turn of upkeep, bounded: a few steps of some erasures, a page of each of some boards that are given up, and a page
    /// of a class of data. Another node's turn is left to it.
    pub async fn upkeep(&self, rules: &Retention) -> Result<UpkeepReport, EngineError> {
        let mut report = UpkeepReport::default();
        // A turn that is still under way does this one's work.
        let Ok(mut upkeep) = self.upkeep.try_lock() else { return Ok(report) };
        let now = self.clock.now();
        if self.hold_lease(&Key::Upkeep, &mut upkeep.turn, now).await?.is_none() {
            return Ok(report);
        }
        self.go_on_erasing(&mut upkeep, &mut report).await?;
        report.more |= self.close_boards(&mut upkeep.closed_after).await?;
        if upkeep.due.is_some_and(|due| due > now) {
            return Ok(report);
        }
        let Some(class) = DataClass::ALL.get(upkeep.class).copied() else {
            (upkeep.class, upkeep.due) = (0, Some(now.saturating_add(rules.every)));
            report.passed = true;
            return Ok(report);
        };
        report.more = true;
        let after = match class.life(rules) {
            Some(life) => {
                let (after, dropped) = self.drop_page(class, upkeep.after.as_ref(), life, now).await?;
                report.dropped = (dropped > 0).then_some((class, dropped));
                after
            }
            None => None,
        };
        if after.is_none() {
            upkeep.class += 1;
        }
        upkeep.after = after;
        Ok(report)
    }

    async fn go_on_erasing(&self, upkeep: &mut Upkeep, report: &mut UpkeepReport) -> Result<(), EngineError> {
        let range = KeyRange::AllErasing;
        let store = self.store(range.home());
        let page = store.list(&range, upkeep.erased_after.as_ref(), limits::PAGE_SIZE_MAX, false).await?;
        let now = self.clock.now();
        report.erasing = page.len();
        let due = page.iter().filter_map(|(key, found)| match (key, &*found.row) {
            (Key::Erasing(player), Row::Erasing(row)) if row.due <= now => Some(*player),
            _ => None,
        });
        let due: Vec<PlayerId> = due.take(ERASURES_PER_TURN).collect();
        upkeep.erased_after = match due.last() {
            Some(last) if due.len() == ERASURES_PER_TURN => Some(Key::Erasing(*last)),
            _ => page.last().filter(|_| page.len() == limits::PAGE_SIZE_MAX).map(|(key, _)| key.clone()),
        };
        report.more |= upkeep.erased_after.is_some();
        for player in due {
            match self.erase_leftovers(player, STEPS_PER_TURN).await {
                Ok(done) => report.more |= !done,
                // One that cannot be must not hold up the others.
                Err(error) => {
                    tracing::warn!(%player, %error, "something of an erased player is left for later")
                }
            }
        }
        Ok(())
    }

    /// Drops what is over on one page; where to read on, and how much it was.
    async fn drop_page(
        &self,
        class: DataClass,
        after: Option<&Key>,
        life: Millis,
        now: Timestamp,
    ) -> Result<(Option<Key>, usize), EngineError> {
        let range = class.range();
        let home = range.home();
        let page = self.store(home).list(&range, after, limits::PAGE_SIZE_MAX, false).await?;
        let next = page.last().filter(|_| page.len() == limits::PAGE_SIZE_MAX).map(|(key, _)| key.clone());
        let mut over: Vec<(Key, Version)> = Vec::new();
        let mut rest = self.quiet();
        for (key, found) in page {
            match remains(&found, |at| now.since(at) >= life) {
                Remains::All => {}
                Remains::Nothing => over.push((key, found.version)),
                Remains::Some(row) => {
                    rest.replace(key, Some(found.version), row);
                }
            }
        }
        if class == DataClass::Matches {
            self.drop_offences(&mut over).await?;
        }
        let dropped = over.len() + rest.writes.len();
        for (key, version) in over {
            rest.delete(key, version);
        }
        match self.commit_some(home, rest).await {
            // One has changed: the next pass looks at it again.
            Ok(()) | Err(EngineError::Raced(_)) => Ok((next, dropped)),
            Err(other) => Err(other),
        }
    }

    /// What results blame on players, and what players reported, goes with their matches; a match that has still to be
    /// ruled on, or whose end is owed to somebody, stays.
    async fn drop_offences(&self, over: &mut Vec<(Key, Version)>) -> Result<(), EngineError> {
        let id = |key: &Key| if let Key::Archive(id) = key { Some(*id) } else { None };
        for held in [Key::Quarantine as fn(MatchId) -> Key, Key::Outbox] {
            let keys: Vec<Key> = over.iter().filter_map(|(key, _)| id(key)).map(held).collect();
            let mut found = self.get(Home::Record, &keys).await?.into_iter();
            over.retain(|_| found.next().is_none_or(|held| held.is_none()));
        }
        for with in [Key::Offences as fn(MatchId) -> Key, Key::Reports, Key::Said] {
            let keys: Vec<Key> = over.iter().filter_map(|(key, _)| id(key)).map(with).collect();
            let mut changes = self.quiet();
            for (key, found) in keys.iter().zip(self.get(Home::Record, &keys).await?) {
                if let Some(found) = found {
                    changes.delete(key.clone(), found.version);
                }
            }
            self.commit_some(Home::Record, changes).await?;
        }
        Ok(())
    }
}

/// What is left of a row.
enum Remains {
    All,
    Some(Row),
    Nothing,
}

/// What is left of a row, where what ended at an instant is over by now or not.
fn remains(found: &Versioned, is_over: impl Fn(Timestamp) -> bool) -> Remains {
    match &*found.row {
        Row::Match(row) if is_over(row.changed_at) => Remains::Nothing,
        Row::Erased(row) if row.finished_at.is_some_and(&is_over) => Remains::Nothing,
        Row::Penalties(row) if row.0.values().all(|of| is_over(of.forgotten_at())) => Remains::Nothing,
        Row::Bans(all) => {
            let mut left = all.clone();
            left.retain(|ban| !ban.until.is_some_and(&is_over));
            match (left.is_empty(), left.len() == all.len()) {
                (true, _) => Remains::Nothing,
                (false, true) => Remains::All,
                (false, false) => Remains::Some(Row::Bans(left)),
            }
        }
        _ => Remains::All,
    }
}
