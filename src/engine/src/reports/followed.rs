//! What is followed of players' reports in memory: when they fall due, which are disputed, and who is often overruled.
use crate::store::{ReportsRow, ReportsStage};
use gsm_core::{Map, MatchId, Mode, PlayerId, Timestamp};
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

/// How a player's reports went, where not all agreed or an operator ruled otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Candour {
    /// Matches that came to a dispute, in which the player had reported.
    pub disputes: u32,
    /// Reports of the player that were not what counts in the end.
    pub overruled: u32,
}

#[derive(Default)]
pub(crate) struct Followed(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    known: Map<MatchId, Known>,
    /// When each is due, and its mode.
    due: BTreeMap<(Timestamp, MatchId), Mode>,
    disputed: BTreeSet<MatchId>,
    candour: Map<PlayerId, Candour>,
}

/// What a row has added to the rest.
#[derive(Default)]
struct Known {
    due: Option<(Timestamp, Mode)>,
    disputed: bool,
    disputants: Vec<PlayerId>,
    overruled: Vec<PlayerId>,
}

impl Known {
    fn of(row: &ReportsRow) -> Self {
        let disputed = row.stage == ReportsStage::Disputed;
        let was_disputed = disputed || row.stage == ReportsStage::Ruled;
        let voices = row.voices.all().iter().filter(|_| was_disputed);
        Self {
            due: (row.stage == ReportsStage::Open).then(|| (row.deadline, row.mode.clone())),
            disputed,
            disputants: voices.map(|voice| voice.player).collect(),
            overruled: row.overruled.clone(),
        }
    }
}

impl Known {
    /// Whether it adds nothing.
    fn is_empty(&self) -> bool {
        self.due.is_none() && !self.disputed && self.disputants.is_empty() && self.overruled.is_empty()
    }
}

impl Kept {
    fn forget(&mut self, id: MatchId) {
        let Some(old) = self.known.remove(&id) else { return };
        if let Some((due, _)) = old.due {
            self.due.remove(&(due, id));
        }
        self.disputed.remove(&id);
        let mut less = |player: &PlayerId, of: fn(&mut Candour) -> &mut u32| {
            if let Some(candour) = self.candour.get_mut(player) {
                let count = of(candour);
                *count = count.saturating_sub(1);
                if *candour == Candour::default() {
                    self.candour.remove(player);
                }
            }
        };
        old.disputants.iter().for_each(|player| less(player, |of| &mut of.disputes));
        old.overruled.iter().for_each(|player| less(player, |of| &mut of.overruled));
    }

    fn put(&mut self, id: MatchId, known: Known) {
        // Of most matches, on which all agreed, nothing is to be followed.
        if known.is_empty() {
            return;
        }
        if let Some((due, mode)) = &known.due {
            self.due.insert((*due, id), mode.clone());
        }
        if known.disputed {
            self.disputed.insert(id);
        }
        for player in &known.disputants {
            self.candour.entry(*player).or_default().disputes += 1;
        }
        for player in &known.overruled {
            self.candour.entry(*player).or_default().overruled += 1;
        }
        self.known.insert(id, known);
    }
}

/// Whether something of a row is followed: all others lie where the start does not look.
pub(super) fn is_followed(row: &ReportsRow) -> bool {
    !Known::of(row).is_empty()
}

impl Followed {
    /// Takes in a changed row.
    pub(crate) fn follow(&self, id: MatchId, row: Option<&ReportsRow>) {
        let mut kept = self.0.lock();
        kept.forget(id);
        if let Some(row) = row {
            kept.put(id, Known::of(row));
        }
    }

    /// Takes in a row that was read, unless a commit of the meantime was here first.
    pub(crate) fn load(&self, id: MatchId, row: &ReportsRow) {
        let mut kept = self.0.lock();
        if !kept.known.contains_key(&id) {
            kept.put(id, Known::of(row));
        }
    }

    /// Those of some modes whose deadline has passed.
    pub(crate) fn due(&self, now: Timestamp, limit: usize, of: impl Fn(&Mode) -> bool) -> Vec<MatchId> {
        let kept = self.0.lock();
        let due = kept.due.iter().take_while(|((at, _), _)| *at <= now).filter(|(_, mode)| of(mode));
        due.take(limit).map(|((_, id), _)| *id).collect()
    }

    /// Those that wait for an operator, by match id.
    pub(crate) fn disputed(&self, after: Option<MatchId>, limit: usize) -> Vec<MatchId> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.0.lock().disputed.range((from, Bound::Unbounded)).take(limit).copied().collect()
    }

    pub(crate) fn candour(&self, player: PlayerId) -> Candour {
        self.0.lock().candour.get(&player).copied().unwrap_or_default()
    }

    /// Those who were overruled so often, the most often first.
    pub(crate) fn overruled(&self, least: u32, limit: usize) -> Vec<(PlayerId, Candour)> {
        let kept = self.0.lock();
        let often = kept.candour.iter().filter(|(_, of)| of.overruled >= least);
        let mut often: Vec<_> = often.map(|(player, of)| (*player, *of)).collect();
        often.sort_unstable_by_key(|(player, of)| (std::cmp::Reverse(of.overruled), *player));
        often.truncate(limit);
        often
    }
}
