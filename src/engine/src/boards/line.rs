//! A board through its seasons: one view in memory for each that is looked at.
use super::{BoardConfig, counted, grouping::Groups, view::View};
use gsm_core::{Millis, Timestamp};
use gsm_ranking::{
    season::{Schedule, Season},
    tier::{Bounds, Tiers},
};
use parking_lot::{Mutex, RwLock};
use std::{collections::BTreeMap, sync::Arc};

/// Views of a board that are kept, at most: the season under way, the one before, and what else is asked for.
const VIEWS_MAX: usize = 4;
/// Seasons that start so soon are read from the store when they are looked at: another node's clock may be ahead.
const CLOCKS_APART_MAX: Millis = Millis::from_secs(3_600);

/// Seasons whose times are kept.
const KNOWN_MAX: usize = 4_096;

/// A board; where it has seasons, all of them. A board without has one view, under the number 0.
pub(crate) struct Line {
    pub(crate) config: Arc<BoardConfig>,
    /// A name for what it counts by.
    pub(super) counting_mark: u64,
    schedule: Option<Schedule>,
    /// Its visible tiers, where it has any, and where they start, where that is said by ratings.
    pub(super) tiers: Option<(Tiers, Option<Bounds>)>,
    /// Its cohorts, where it has any.
    pub(super) groups: Option<Groups>,
    /// Seasons that were asked for, by their first instants: to work one out costs up to a tenth of a millisecond.
    known: Mutex<BTreeMap<Timestamp, Season>>,
    views: RwLock<Views>,
    /// One reads a season, the others wait.
    pub(super) reading: tokio::sync::Mutex<()>,
    /// One call gives seats, the others wait.
    pub(super) seating: Arc<tokio::sync::Mutex<()>>,
}

struct Views {
    by_number: BTreeMap<u64, Arc<View>>,
    /// Seasons up to this one may have entries that are in the store alone; of later ones everything is told.
    told_after: u64,
}

impl Line {
    /// A board that is made at `now`; `is_filled` if nothing can be in the store.
    pub(super) fn new(config: BoardConfig, now: Timestamp, is_filled: bool) -> Self {
        // What is stored was checked.
        let schedule = config.season.as_ref().and_then(|season| Schedule::new(season).ok());
        let tiers = config.tiers.as_ref().and_then(|tiers| Tiers::new(tiers.clone()).ok());
        let tiers = tiers.map(|tiers| {
            // Nothing is asked where starts are given as ratings.
            let given = (!tiers.start_by_shares()).then(|| tiers.bounds(|_| 0));
            (tiers, given)
        });
        let groups = Groups::of(&config);
        let soon = now.saturating_add(CLOCKS_APART_MAX);
        let begun = schedule.as_ref().and_then(|schedule| schedule.season_at(soon));
        let counting_mark = if config.has_entries() { counted::mark_of(&config) } else { 0 };
        let config = Arc::new(config);
        let mut by_number = BTreeMap::new();
        if schedule.is_none() {
            by_number.insert(0, Arc::new(View::new(config.clone(), None, is_filled)));
        }
        let views = RwLock::new(Views { by_number, told_after: begun.map_or(0, |season| season.number) });
        let (known, reading, seating) = (Mutex::default(), tokio::sync::Mutex::default(), Arc::default());
        Self { config, counting_mark, schedule, tiers, groups, known, views, reading, seating }
    }

    /// Its tiers, where they start as shares of the players say.
    pub(crate) fn tiers_by_shares(&self) -> Option<&Tiers> {
        self.tiers.as_ref().map(|(tiers, _)| tiers).filter(|tiers| tiers.start_by_shares())
    }

    /// Whether it has seasons.
    pub(crate) fn has_seasons(&self) -> bool {
        self.schedule.is_some()
    }

    /// Whether it is divided into cohorts.
    pub(crate) fn has_groups(&self) -> bool {
        self.groups.is_some()
    }

    /// The season that an instant belongs to; `None` before the first, and where there are none.
    pub(crate) fn season_of(&self, at: Timestamp) -> Option<Season> {
        let schedule = self.schedule.as_ref()?;
        let is_in = |of: &Season| of.ends_at.is_none_or(|end| at < end);
        let known = self.known.lock().range(..=at).next_back().map(|(_, season)| *season);
        if let Some(season) = known.filter(is_in) {
            return Some(season);
        }
        let found = schedule.season_at(at)?;
        let mut known = self.known.lock();
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.insert(found.starts_at, found);
        Some(found)
    }

    /// The number under which entries of an instant are kept: 0 where there are no seasons, `None` before the first.
    pub(crate) fn number_at(&self, at: Timestamp) -> Option<u64> {
        if self.has_seasons() { self.season_of(at).map(|season| season.number) } else { Some(0) }
    }

    /// A season by its number.
    pub(crate) fn season(&self, number: u64) -> Option<Season> {
        self.kept(number).map_or_else(|| self.scheduled(number), |view| view.season)
    }

    /// A season by its number, worked out.
    pub(super) fn scheduled(&self, number: u64) -> Option<Season> {
        let known = self.known.lock().values().find(|season| season.number == number).copied();
        known.or_else(|| self.schedule.as_ref()?.season(number))
    }

    /// The views there are.
    pub(super) fn views(&self) -> Vec<Arc<View>> {
        self.views.read().by_number.values().cloned().collect()
    }

    /// A season that is in memory.
    pub(super) fn kept(&self, number: u64) -> Option<Arc<View>> {
        self.views.read().by_number.get(&number).cloned()
    }

    /// Whether all of a season's entries are told from its first on.
    pub(super) fn is_told(&self, number: u64) -> bool {
        number > self.views.read().told_after
    }

    /// The season before another.
    pub(super) fn before(&self, season: &Season) -> Option<Season> {
        self.schedule.as_ref()?.season_at(season.starts_at.saturating_sub(Millis::new(1)))
    }

    /// The view of a season of which everything is told, made where there is none yet.
    pub(super) fn told(&self, number: u64, make: impl FnOnce() -> View) -> Option<Arc<View>> {
        if let Some(view) = self.kept(number) {
            return Some(view);
        }
        let mut views = self.views.write();
        if number <= views.told_after {
            return views.by_number.get(&number).cloned();
        }
        Some(views.keep(number, make))
    }

    /// The view of a season, made where there is none.
    pub(super) fn keep(&self, number: u64, make: impl FnOnce() -> View) -> Arc<View> {
        self.views.write().keep(number, make)
    }
}

impl Views {
    /// Makes a view where there is none; the oldest other gives way, and is read from the store should it be asked for.
    fn keep(&mut self, number: u64, make: impl FnOnce() -> View) -> Arc<View> {
        let view = self.by_number.entry(number).or_insert_with(|| Arc::new(make())).clone();
        let oldest = self.by_number.keys().copied().find(|other| *other != number);
        if self.by_number.len() > VIEWS_MAX
            && let Some(oldest) = oldest
        {
            self.by_number.remove(&oldest);
            self.told_after = self.told_after.max(oldest);
        }
        view
    }
}
