//! The turn that tells watchers what has become news.
use super::{
    best,
    index::{Task, TopTask, told_of, watch_of},
    news::{Look, have_same_bests, is_of_earlier_season, news, see, settings_of},
};
use crate::{
    Call, Engine, EngineError,
    boards::{
        BoardRef, Source,
        view::{State, View},
    },
    store::{Best, Expect, Home, Key, KeyRange, Op, PushEvent, PushKind, Row, ToldRow, WatchRow},
};
use futures::{StreamExt, stream};
use gsm_core::{BoardName, Millis, PlayerId, limits};
use gsm_ranking::Board;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Watches looked at while the board is held.
const LOOKS_AT_ONCE: usize = 64;
/// Commits under way at once.
const COMMITS_AT_ONCE: usize = 256;
/// Players looked through for those who came into a top as others moved: where more share the last rank of a top, the
/// rest are told when they move themselves.
const TOP_ROWS_MAX: usize = 2 * limits::WATCH_TOP_MAX as usize;

/// From when on something is news to a watcher.
#[derive(Clone, Copy)]
pub(super) enum Since<'a> {
    /// From when he was told this, or from a board that nobody is on.
    Told(&'a ToldRow),
    /// From now on, by the board's settings of this hash: nothing is. A best of before is still one.
    Now(u64, Option<Best>),
}

/// What was told to whom nothing was, by the hash of the board's settings.
fn nothing_told(of: u64) -> ToldRow {
    ToldRow { of, ..ToldRow::default() }
}

/// The best of what was told under whatever settings of the board, where it is one under those of this hash.
pub(super) fn best_under(of: u64, told: Option<&ToldRow>) -> Option<Best> {
    told.filter(|told| have_same_bests(told.of, of)).and_then(|told| told.best)
}

/// A watch whose news is due.
struct Due {
    view: Arc<View>,
    /// The hash of the board's settings.
    of: u64,
    task: Task,
}

/// The first column of what a board keeps of a player, ranked or not.
fn first_column(board: &Board, player: PlayerId) -> Option<i64> {
    board.kept(player).map(|kept| kept.mark.keys.first())
}

/// Players who have a rank within the best so many.
fn within(board: &Board, top: u32) -> Vec<PlayerId> {
    let mut found = Vec::new();
    while found.len() < TOP_ROWS_MAX {
        let rows = board.top(found.len() as u64, top as usize);
        let inside = rows.iter().take_while(|row| row.rank.get() <= u64::from(top)).count();
        found.extend(rows.iter().take(inside).map(|row| row.entry.player));
        if inside < top as usize {
            break;
        }
    }
    found
}

impl Engine {
    /// Returns when somebody has moved whom a watch is about, or after `at_most`.
    pub async fn wait_for_moves(&self, at_most: Millis) {
        let _ = tokio::time::timeout(at_most.as_duration(), self.views.watches.wake.notified()).await;
    }

    /// Tells watchers what has become news since the last turn; how many events that took. Call it again after
    /// [`Engine::wait_for_moves`].
    ///
    /// # Errors
    /// Where a store did not do its part: what could not be told is told by a later turn.
    pub async fn tell_ranks(&self) -> Result<usize, EngineError> {
        let due = self.due_news();
        let told = stream::iter(due)
            .map(|due| async move { (due.task.slot, self.tell(&due).await) })
            .buffer_unordered(COMMITS_AT_ONCE)
            .collect::<Vec<_>>()
            .await;
        let (mut events, mut again, mut failed) = (0, Vec::new(), None);
        for (slot, told) in told {
            match told {
                Ok(told) => events += told,
                Err(error) => {
                    again.push(slot);
                    // Another node told it, or the watch was changed: nothing is wrong.
                    failed = failed.or(Some(error).filter(|error| !matches!(error, EngineError::Raced(_))));
                }
            }
        }
        self.views.watches.again(again.into_iter());
        failed.map_or(Ok(events), Err)
    }

    /// The watches that may have news.
    fn due_news(&self) -> Vec<Due> {
        let watches = &self.views.watches;
        let mut work = watches.take(self.clock.now());
        if !work.modes.is_empty() || !work.boards.is_empty() {
            for (name, top) in watches.top_boards() {
                let Ok(view) = self.view(&BoardRef::whole(name.clone())) else { continue };
                let by_mode = view.config.mode().is_some_and(|mode| work.modes.contains(mode));
                if by_mode || work.boards.contains(&name) {
                    self.crossed(&view, &name, &top, &mut work.tasks);
                }
            }
        }
        let mut due = Vec::new();
        for (name, tasks) in work.tasks {
            let view = match self.view(&BoardRef::whole(name.clone())) {
                Ok(view) => view,
                Err(EngineError::BoardFilling { .. }) => {
                    watches.look_at_all_of(&name);
                    continue;
                }
                Err(_) => continue,
            };
            let of = settings_of(&view);
            let mut tasks = tasks.into_iter().peekable();
            while tasks.peek().is_some() {
                let some = tasks.by_ref().take(LOOKS_AT_ONCE);
                let found: Vec<Task> = if view.config.grouping.is_some() {
                    some.filter(|task| view.read_own(task.watcher, |board| is_due(board, of, task))).collect()
                } else {
                    let due = |board: &Board| some.filter(|task| is_due(board, of, task)).collect();
                    view.read(None, |board, _| due(board)).unwrap_or_default()
                };
                due.extend(found.into_iter().map(|task| Due { view: view.clone(), of, task }));
            }
        }
        due
    }

    /// Adds the watchers who came into a top, or fell out of one, as others moved.
    fn crossed(
        &self,
        view: &View,
        name: &BoardName,
        top: &TopTask,
        tasks: &mut BTreeMap<BoardName, Vec<Task>>,
    ) {
        // Each cohort has a top of its own: all who watch one are looked at.
        let players = if view.config.grouping.is_some() {
            self.views.watches.watchers_of_tops(name)
        } else {
            // Who is in the shadow is in a top that only he sees himself in: all of them are looked at.
            let found = |board: &Board, state: &State| -> Vec<PlayerId> {
                within(board, top.most).into_iter().chain(state.shadows()).collect()
            };
            view.read(None, found).unwrap_or_default()
        };
        let players: BTreeSet<PlayerId> = players.into_iter().chain(top.inside.iter().copied()).collect();
        let tasks = tasks.entry(name.clone()).or_default();
        let known: BTreeSet<u32> = tasks.iter().map(|task| task.slot).collect();
        let found = self.views.watches.of(name, players.into_iter());
        tasks.extend(found.into_iter().filter(|task| !known.contains(&task.slot)));
    }

    /// Tells one watcher; how many events that took.
    async fn tell(&self, due: &Due) -> Result<usize, EngineError> {
        let (name, watcher) = (&due.view.config.name, due.task.watcher);
        let keys = [Key::Watch(watcher, name.clone()), Key::Told(watcher, name.clone())];
        let rows = self.get(Home::Live, &keys).await?;
        // A watch that has ended is not looked at again; one that has not was not found by an old read.
        let [Some(watch), told] = &rows[..] else { return Err(EngineError::Raced(None)) };
        let [watch_key, told_key] = keys;
        let row = watch_of(&watch.row).ok_or_else(|| EngineError::damaged(&watch_key))?;
        let stored = told.as_ref().and_then(|found| told_of(&found.row));
        let known = stored.filter(|told| told.of == due.of);
        let begins = stored.is_some_and(|told| known.is_none() && is_of_earlier_season(&due.view, told));
        let is_same = known.is_some_and(|told| told.ahead.is_some()) && watch.row == due.task.watch;
        let look = if is_same { &due.task.look } else { &Look::All };
        let base = known.cloned().unwrap_or_else(|| nothing_told(due.of));
        let since = if known.is_some() || begins {
            Since::Told(&base)
        } else {
            Since::Now(due.of, best_under(due.of, stored))
        };
        let (next, news) = self.look(&due.view, watcher, row, since, look).await?;
        if stored == Some(&next) {
            // The row may be an old one where this node knows of another: it is read again.
            let is_known = due.task.told.as_deref().and_then(told_of) == stored;
            return if is_known { Ok(0) } else { Err(EngineError::Raced(None)) };
        }
        let call = Call::system("gsm:TellRanks", self.clock.now());
        let mut changes = self.changes(&call, &[&watcher, name]);
        changes.audit = None;
        changes.check(watch_key, Expect::At(watch.version));
        let expect = told.as_ref().map_or(Expect::Absent, |found| Expect::At(found.version));
        let put = Op::Put { row: Arc::new(Row::Told(next)), expires_at: Some(row.until) };
        changes.write(told_key, expect, put);
        // Where nothing was told yet, or under other settings of the board, telling begins with what is now; in a new season
        // with a board that nobody is on.
        for kind in news {
            changes.event(watcher, PushEvent { at: call.now, kind });
        }
        let events = changes.events.len();
        self.commit(Home::Live, changes).await?;
        Ok(events)
    }

    /// Looks at a board, or the watcher's cohort of it, for a watcher: what is told then, and the news.
    pub(super) async fn look(
        &self,
        view: &View,
        watcher: PlayerId,
        watch: &WatchRow,
        since: Since<'_>,
        look: &Look,
    ) -> Result<(ToldRow, Vec<PushKind>), EngineError> {
        let (base, from_nothing) = match since {
            Since::Told(told) => (told.clone(), true),
            Since::Now(of, best) => (ToldRow { best, ..nothing_told(of) }, false),
        };
        let config = &view.config;
        let read = |board: &Board| (see(board, watcher, watch, look), first_column(board, watcher));
        let (seen, first) = view.read_own(watcher, read);
        let (mut next, mut all) = news(watch, &base, &seen);
        if watch.personal_best && *look == Look::All {
            let (best, is_news) = match &config.source {
                // Who begins to watch has his history, ranked or not.
                Source::Mode(mode) if seen.own.is_some() || !from_nothing => {
                    self.best_of_history(view, mode, watcher, base.best, from_nothing).await?
                }
                Source::Submissions if first.is_none() || seen.own.is_some() => {
                    best::of_entry(config, base.best, first)
                }
                Source::Mode(_) | Source::Submissions => (base.best, None),
            };
            next.best = best;
            all.extend(is_news);
        }
        let Some(own) = seen.own.filter(|_| from_nothing) else { return Ok((next, Vec::new())) };
        let kind = |news| PushKind::Rank {
            board: config.name.clone(),
            rank: own.rank,
            players: own.players,
            percentile: own.percentile,
            news,
        };
        Ok((next, all.into_iter().map(kind).collect()))
    }

    /// Takes in all watches, at start. All are looked at in the first turn: what happened just before the end of the
    /// last process may not have been told.
    pub(crate) async fn load_watches(&self) -> Result<(), EngineError> {
        self.each(KeyRange::AllWatches, |key, found| {
            if let Key::Watch(watcher, board) = &key {
                self.views.watches.load(*watcher, board, &found.row);
            }
            Ok(())
        })
        .await?;
        self.each(KeyRange::AllTold, |key, found| {
            if let Key::Told(watcher, board) = &key {
                self.views.watches.load_told(*watcher, board, &found.row);
            }
            Ok(())
        })
        .await
    }
}

/// Whether a watch may have news, by what this node knows to be told.
fn is_due(board: &Board, of: u64, task: &Task) -> bool {
    let told = task.told.as_deref().and_then(told_of).filter(|told| told.of == of);
    let (Some(watch), Some(told)) = (watch_of(&task.watch), told) else { return true };
    let seen = see(board, task.watcher, watch, &task.look);
    // Bests are in the store: whoever has moved is looked up there.
    (watch.personal_best && task.look == Look::All) || news(watch, told, &seen).0 != *told
}
