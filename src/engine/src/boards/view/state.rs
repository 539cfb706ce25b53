//! Everything of a board that moves, and how it moves: the whole board and its parts at once.
use super::{Brought, Cohort, Part, Seated, mark};
use crate::{
    boards::{
        config::{BoardConfig, Dimension},
        facts::{Fact, Facts},
        paging::Pagings,
    },
    store::AttributesRow,
};
use gsm_core::{Attribute, Map, Millis, PlayerId, Timestamp};
use gsm_ranking::{Board, Change, Entry, Mark, Visibility};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Everything of a board that moves.
pub(crate) struct State {
    pub(super) whole: Board,
    pub(super) parts: BTreeMap<Part, Board>,
    pub(super) facts: Facts,
    /// Who is not ranked like everybody else.
    pub(super) shades: Map<PlayerId, Visibility>,
    /// Of a season whose ranks are final: who is not seen by everybody today, whatever the ranks.
    today: Option<Map<PlayerId, Visibility>>,
    /// Where players who are on the board belong, where they belong anywhere.
    pub(super) homes: Map<PlayerId, Arc<AttributesRow>>,
    /// Who has a seat, on the board or not.
    pub(super) seats: Map<PlayerId, Seated>,
    pub(super) cohorts: BTreeMap<u64, Cohort>,
    /// When each player was last active, the longest ago first: only where idle players are not ranked. What is told late may
    /// be of long ago, so that the order of arrival would not do.
    pub(super) active: BTreeSet<(Timestamp, PlayerId)>,
    pub(super) last_active: Map<PlayerId, Timestamp>,
    /// Whether all rows of the past are in.
    pub(super) is_filled: bool,
}

impl State {
    /// An empty board.
    pub(super) fn new(config: &BoardConfig, is_filled: bool) -> Self {
        Self {
            whole: Board::new(config.order()),
            parts: BTreeMap::new(),
            facts: Facts::default(),
            shades: Map::default(),
            today: None,
            homes: Map::default(),
            seats: Map::default(),
            cohorts: BTreeMap::new(),
            active: BTreeSet::new(),
            last_active: Map::default(),
            is_filled,
        }
    }

    pub(crate) fn fact(&self, player: PlayerId) -> Fact {
        self.whole.slot(player).and_then(|slot| self.facts.get(slot)).unwrap_or_default()
    }

    /// Who sees a player today, ranked or not.
    pub(in crate::boards) fn seen(&self, player: PlayerId) -> Visibility {
        self.today.as_ref().unwrap_or(&self.shades).get(&player).copied().unwrap_or_default()
    }

    /// Whether only the player himself is shown his rank.
    pub(in crate::boards) fn is_shadow(&self, player: PlayerId) -> bool {
        self.shades.get(&player) == Some(&Visibility::Shadow)
    }

    /// Who is in the shadow.
    pub(in crate::boards) fn shadows(&self) -> impl Iterator<Item = PlayerId> {
        self.shades.iter().filter(|(_, seen)| **seen == Visibility::Shadow).map(|(player, _)| *player)
    }

    /// The parts, cohorts aside.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (&Dimension, &Attribute, &Board)> {
        self.parts.iter().filter_map(|(part, board)| match part {
            Part::Of(dimension, value) => Some((dimension, value, board)),
            Part::Cohort(_) => None,
        })
    }

    /// Where a player has a seat.
    pub(in crate::boards) fn seated(&self, player: PlayerId) -> Option<Seated> {
        self.seats.get(&player).copied()
    }

    /// The cohorts after one, by number.
    pub(in crate::boards) fn cohorts_after(
        &self,
        after: u64,
    ) -> impl Iterator<Item = (u64, &Cohort, Option<&Board>)> {
        self.cohorts.range(after.saturating_add(1)..).map(|(number, cohort)| {
            let board = self.parts.get(&Part::Cohort(*number));
            (*number, cohort, board)
        })
    }

    /// A cohort and its board; `None` where there is none.
    pub(in crate::boards) fn cohort(&self, number: u64) -> Option<(&Cohort, &Board)> {
        self.cohorts.get(&number).zip(self.parts.get(&Part::Cohort(number)))
    }

    pub(super) fn board(&self, part: Option<&Part>) -> Option<&Board> {
        match part {
            None => Some(&self.whole),
            Some(part) => self.parts.get(part),
        }
    }

    pub(super) fn put(
        &mut self,
        watcher: &mut Watcher<'_>,
        player: PlayerId,
        brought: Brought,
        home: Option<&Arc<AttributesRow>>,
        version: u64,
        now: Timestamp,
    ) {
        let config = watcher.config;
        let mark = mark(config, &brought, version, now);
        let seen = self.shades.get(&player).copied();
        let change = watcher.change(None, &mut self.whole, player, |board| {
            let change = board.set(player, mark);
            if let Some(seen) = seen {
                board.set_visibility(player, seen);
            }
            change
        });
        if change == Change::Ignored {
            return;
        }
        if let Some(slot) = self.whole.slot(player) {
            self.facts.put(slot, brought.fact);
        }
        if config.eligibility.idle_days_max > 0 {
            self.note_active(player, brought.active_at);
        }
        if let Some(home) = home.filter(|_| !config.by.is_empty()) {
            for part in parts(config, home) {
                self.put_part(watcher, part, player, mark);
            }
            self.homes.insert(player, home.clone());
        }
        if let Some(seated) = self.seated(player) {
            self.put_part(watcher, Part::Cohort(seated.seat.cohort), player, mark);
        }
    }

    /// A seat never changes: whoever says it again says the same.
    pub(super) fn seat(&mut self, watcher: &mut Watcher<'_>, player: PlayerId, seated: Seated) {
        if self.seats.insert(player, seated).is_some() {
            return;
        }
        let part = Part::Cohort(seated.seat.cohort);
        let cohort = self.cohorts.entry(seated.seat.cohort);
        let cohort = cohort.or_insert_with(|| Cohort { level: seated.level, seated: Vec::new() });
        // Commits of other nodes may come late.
        let seats = &self.seats;
        let number = |player: &PlayerId| seats.get(player).map_or(0, |other| other.seat.number);
        let at = cohort.seated.partition_point(|other| number(other) < seated.seat.number);
        cohort.seated.insert(at, player);
        let order = watcher.config.order();
        self.parts.entry(part.clone()).or_insert_with(|| Board::new(order));
        if let Some(kept) = self.whole.kept(player) {
            self.put_part(watcher, part, player, kept.mark);
        }
    }

    fn put_part(&mut self, watcher: &mut Watcher<'_>, part: Part, player: PlayerId, mark: Mark) {
        let seen = self.shades.get(&player).copied().unwrap_or(Visibility::Shown);
        let order = watcher.config.order();
        let board = self.parts.entry(part.clone()).or_insert_with(|| Board::new(order));
        watcher.change(Some(&part), board, player, |board| {
            board.set(player, mark);
            // A part remembers how somebody was seen when he left it, and is not told what is decided while he is away.
            if board.kept(player).is_some_and(|kept| kept.visibility != seen) {
                board.set_visibility(player, seen);
            }
        });
    }

    fn note_active(&mut self, player: PlayerId, at: Timestamp) {
        if let Some(before) = self.last_active.insert(player, at) {
            self.active.remove(&(before, player));
        }
        self.active.insert((at, player));
    }

    fn forget_active(&mut self, player: PlayerId) {
        if let Some(before) = self.last_active.remove(&player) {
            self.active.remove(&(before, player));
        }
    }

    /// Does the same on every board of the view that has the player.
    fn everywhere(&mut self, watcher: &mut Watcher<'_>, player: PlayerId, change: impl Fn(&mut Board)) {
        watcher.change(None, &mut self.whole, player, &change);
        let mut of = self.homes.get(&player).map(|home| parts(watcher.config, home)).unwrap_or_default();
        of.extend(self.seated(player).map(|seated| Part::Cohort(seated.seat.cohort)));
        for part in &of {
            if let Some(board) = self.parts.get_mut(part).filter(|board| board.kept(player).is_some()) {
                watcher.change(Some(part), board, player, &change);
            }
            self.drop_if_empty(part);
        }
    }

    /// A part is there as long as somebody is; a cohort as long as its season.
    fn drop_if_empty(&mut self, part: &Part) {
        let is_empty = self.parts.get(part).is_some_and(|board| board.kept_len() == 0);
        if is_empty && matches!(part, Part::Of(..)) {
            self.parts.remove(part);
        }
    }

    pub(super) fn remove(&mut self, watcher: &mut Watcher<'_>, player: PlayerId, version: u64) {
        self.everywhere(watcher, player, |board| {
            let _ = board.remove(player, version);
        });
        if self.whole.kept(player).is_none() {
            self.forget_active(player);
            self.homes.remove(&player);
        }
    }

    pub(super) fn shade(&mut self, watcher: &mut Watcher<'_>, player: PlayerId, visibility: Visibility) {
        let shades = self.today.as_mut().unwrap_or(&mut self.shades);
        if visibility == Visibility::Shown {
            shades.remove(&player);
        } else {
            shades.insert(player, visibility);
        }
        if self.today.is_none() {
            self.everywhere(watcher, player, |board| board.set_visibility(player, visibility));
        }
    }

    /// Ranks are from here on those of a final table, whoever is hidden or shown later. Said again it changes nothing.
    pub(super) fn freeze(
        &mut self,
        watcher: &mut Watcher<'_>,
        unseen: impl Iterator<Item = (PlayerId, Visibility)>,
    ) {
        if self.today.is_some() {
            return;
        }
        let today = self.shades.clone();
        let shown = today.keys().map(|player| (*player, Visibility::Shown));
        for (player, visibility) in shown.chain(unseen) {
            self.shade(watcher, player, visibility);
        }
        self.today = Some(today);
    }

    pub(super) fn moved(
        &mut self,
        watcher: &mut Watcher<'_>,
        player: PlayerId,
        home: Option<&Arc<AttributesRow>>,
        version: u64,
    ) {
        let config = watcher.config;
        let Some(kept) = self.whole.kept(player).filter(|_| !config.by.is_empty()) else { return };
        let before = self.homes.remove(&player).map(|home| parts(config, &home)).unwrap_or_default();
        let after = home.map(|home| parts(config, home)).unwrap_or_default();
        for part in before.iter().filter(|part| !after.contains(part)) {
            if let Some(board) = self.parts.get_mut(part) {
                watcher.change(Some(part), board, player, |board| board.remove(player, version));
            }
            self.drop_if_empty(part);
        }
        for part in after {
            self.put_part(watcher, part, player, Mark { version, ..kept.mark });
        }
        if let Some(home) = home {
            self.homes.insert(player, home.clone());
        }
    }

    pub(super) fn sweep(&mut self, watcher: &mut Watcher<'_>, now: Timestamp) -> Vec<PlayerId> {
        let idle_max = Millis::from_secs(u64::from(watcher.config.eligibility.idle_days_max) * 86_400);
        let mut swept = Vec::new();
        while let Some((at, player)) = self.active.first().copied() {
            if now.since(at) <= idle_max {
                break;
            }
            self.forget_active(player);
            self.everywhere(watcher, player, |board| board.set_eligible(player, false));
            swept.push(player);
        }
        swept
    }
}

/// Tells the listings what a change of a board does to a player's place.
pub(super) struct Watcher<'a> {
    pub(super) config: &'a BoardConfig,
    pub(super) pagings: &'a mut Pagings,
}

impl Watcher<'_> {
    fn change<T>(
        &mut self,
        part: Option<&Part>,
        board: &mut Board,
        player: PlayerId,
        change: impl FnOnce(&mut Board) -> T,
    ) -> T {
        if !self.pagings.watches(part) {
            return change(board);
        }
        let before = place(board, player);
        let done = change(board);
        self.pagings.moved(self.config, part, before.as_ref(), place(board, player).as_ref());
        done
    }
}

/// A player's place in the listing, as everybody sees it.
fn place(board: &Board, player: PlayerId) -> Option<Entry> {
    let kept = board.kept(player)?;
    let seen = kept.mark.eligible && kept.visibility == Visibility::Shown;
    seen.then_some(Entry { player, keys: kept.mark.keys, reached_at: kept.mark.reached_at })
}

fn parts(config: &BoardConfig, home: &AttributesRow) -> Vec<Part> {
    let mut parts = Vec::new();
    for dimension in &config.by {
        let values = match dimension {
            Dimension::Region => home.region.as_slice(),
            Dimension::Platform => home.platform.as_slice(),
            Dimension::Group => &home.groups,
        };
        parts.extend(values.iter().map(|value| Part::Of(*dimension, value.clone())));
    }
    parts
}
