//! What players wish to be told about boards: made, read, ended.
use super::{
    best::has_bests,
    index::told_of,
    news::{Look, is_ahead, mark_ahead, settings_of},
    tell::{Since, best_under},
};
use crate::{
    Call, Engine, EngineError,
    boards::{BoardRef, view::View},
    store::{Expect, Home, Key, KeyRange, Op, Row, ToldRow, Version, WatchRow},
};
use gsm_core::{BoardName, Millis, PlayerId, limits};
use std::sync::Arc;

/// How long a watch that nobody renews goes on.
const WATCH_LIFE: Millis = Millis::from_secs(30 * 86_400);

/// What a player wishes to be told about a board.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WatchWish {
    /// Told when one of these is ahead and was not; at most [`limits::WATCH_FRIENDS_MAX`].
    pub friends: Vec<PlayerId>,
    /// Told on coming into or falling out of the best so many; 1 to [`limits::WATCH_TOP_MAX`], at most
    /// [`limits::WATCH_TOPS_MAX`] of them.
    pub top: Vec<u32>,
    /// Told on having more than ever before in the first column.
    pub personal_best: bool,
}

/// A watch with what was told, as they are stored.
#[derive(Default)]
struct Stored {
    watch: Option<(WatchRow, Version)>,
    told: Option<(ToldRow, Version)>,
}

impl WatchWish {
    fn checked(mut self, watcher: PlayerId, view: &View) -> Result<Self, EngineError> {
        if let Some(at) = self.friends.iter().position(|friend| *friend == watcher) {
            return Err(EngineError::invalid(format!("friends[{at}]"), "is the watcher"));
        }
        let most = u64::from(limits::WATCH_TOP_MAX);
        if let Some(at) = self.top.iter().position(|top| !(1..=most).contains(&u64::from(*top))) {
            return Err(EngineError::invalid(format!("top[{at}]"), format!("must be 1 to {most}")));
        }
        self.friends.sort_unstable();
        self.friends.dedup();
        self.top.sort_unstable();
        self.top.dedup();
        if self.friends.len() > limits::WATCH_FRIENDS_MAX {
            let detail = format!("must be at most {}", limits::WATCH_FRIENDS_MAX);
            return Err(EngineError::invalid("friends", detail));
        }
        if self.top.len() > limits::WATCH_TOPS_MAX {
            return Err(EngineError::invalid("top", format!("must be at most {}", limits::WATCH_TOPS_MAX)));
        }
        if self.friends.is_empty() && self.top.is_empty() && !self.personal_best {
            return Err(EngineError::invalid("friends", "name `friends`, `top` or `personal_best`"));
        }
        if self.personal_best && !has_bests(&view.config) {
            let detail = "the board's first column counts matches: each would be a best";
            return Err(EngineError::invalid("personal_best", detail));
        }
        Ok(self)
    }
}

/// What was told, as a changed watch goes on from it: `now` is how things stand, `old` what was told under the old
/// watch.
fn carried(watch: &WatchRow, now: ToldRow, old: Option<(&WatchRow, &ToldRow)>) -> ToldRow {
    let Some((old_watch, old)) = old.filter(|(_, old)| old.of == now.of) else { return now };
    let mut next = now;
    if watch.top == old_watch.top {
        next.top = old.top;
    }
    if let (Some(ahead), Some(was)) = (&mut next.ahead, &old.ahead) {
        for (at, friend) in watch.friends.iter().enumerate() {
            if let Ok(old_at) = old_watch.friends.binary_search(friend) {
                mark_ahead(ahead, at, is_ahead(was, old_at));
            }
        }
    }
    next.best = if watch.personal_best { old.best.or(next.best) } else { None };
    next
}

impl Engine {
    /// What a player watches on a board.
    pub async fn watch(&self, name: &BoardName, player: PlayerId) -> Result<WatchRow, EngineError> {
        let stored = self.stored_watch(name, player).await?;
        let none = EngineError::Unknown { what: "watch: the player does not watch this board" };
        stored.watch.map(|(row, _)| row).ok_or(none)
    }

    /// Begins to watch a board, or watches it otherwise from now on, for 30 days. Told is what happens from now on; what
    /// is watched as before goes on without a gap. Parts of a board are not watched.
    pub async fn put_watch(
        &self,
        call: &Call,
        name: &BoardName,
        player: PlayerId,
        wish: WatchWish,
    ) -> Result<WatchRow, EngineError> {
        let view = self.view(&BoardRef::whole(name.clone()))?;
        let wish = wish.checked(player, &view)?;
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            if let Some(first) = self.replayed(call, Home::Live).await? {
                return Ok(first);
            }
            match self.try_put_watch(call, &view, player, &wish).await {
                Err(EngineError::Raced(_)) => {}
                done => return done,
            }
        }
        Err(EngineError::Contended)
    }

    async fn try_put_watch(
        &self,
        call: &Call,
        view: &View,
        player: PlayerId,
        wish: &WatchWish,
    ) -> Result<WatchRow, EngineError> {
        let name = &view.config.name;
        let Stored { watch: old_watch, told: old_told } = self.stored_watch(name, player).await?;
        if old_watch.is_none() {
            self.room_for_watch(player).await?;
        }
        self.views.watches.has_room(old_watch.as_ref().map(|(old, _)| &*old.friends), &wish.friends)?;
        let watch = WatchRow {
            friends: wish.friends.clone(),
            top: wish.top.clone(),
            personal_best: wish.personal_best,
            since: old_watch.as_ref().map_or(call.now, |(old, _)| old.since),
            until: call.now.saturating_add(WATCH_LIFE),
        };
        let old = old_watch.as_ref().zip(old_told.as_ref());
        let of = settings_of(view);
        let best =
            best_under(of, old.filter(|((watch, _), _)| watch.personal_best).map(|(_, (told, _))| told));
        let (now, _) = self.look(view, player, &watch, Since::Now(of, best), &Look::All).await?;
        let told = carried(&watch, now, old.map(|((watch, _), (told, _))| (watch, told)));
        let mut changes = self.changes(call, &[name, &player]);
        let rows = [
            (Key::Watch(player, name.clone()), old_watch.map(|(_, v)| v), Row::Watch(watch.clone())),
            (Key::Told(player, name.clone()), old_told.map(|(_, v)| v), Row::Told(told)),
        ];
        for (key, version, row) in rows {
            let expect = version.map_or(Expect::Absent, Expect::At);
            changes.write(key, expect, Op::Put { row: Arc::new(row), expires_at: Some(watch.until) });
        }
        self.remember(&mut changes, call, Home::Live, &watch)?;
        self.commit(Home::Live, changes).await?;
        Ok(watch)
    }

    /// Ends a watch.
    pub async fn delete_watch(
        &self,
        call: &Call,
        name: &BoardName,
        player: PlayerId,
    ) -> Result<(), EngineError> {
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            if self.replayed::<()>(call, Home::Live).await?.is_some() {
                return Ok(());
            }
            let Stored { watch, told } = self.stored_watch(name, player).await?;
            let Some((_, version)) = watch else {
                return Err(EngineError::Unknown { what: "watch: the player does not watch this board" });
            };
            let mut changes = self.changes(call, &[name, &player]);
            changes.delete(Key::Watch(player, name.clone()), version);
            if let Some((_, version)) = told {
                changes.delete(Key::Told(player, name.clone()), version);
            }
            self.remember(&mut changes, call, Home::Live, &())?;
            match self.commit(Home::Live, changes).await {
                Ok(_) => return Ok(()),
                Err(EngineError::Raced(_)) => {}
                Err(other) => return Err(other),
            }
        }
        Err(EngineError::Contended)
    }

    async fn stored_watch(&self, name: &BoardName, player: PlayerId) -> Result<Stored, EngineError> {
        let keys = [Key::Watch(player, name.clone()), Key::Told(player, name.clone())];
        let mut stored = Stored::default();
        for (key, found) in keys.iter().zip(self.get(Home::Live, &keys).await?) {
            let Some(found) = found else { continue };
            match &*found.row {
                Row::Watch(row) => stored.watch = Some((row.clone(), found.version)),
                row => {
                    let told = told_of(row).ok_or_else(|| EngineError::damaged(key))?;
                    stored.told = Some((told.clone(), found.version));
                }
            }
        }
        Ok(stored)
    }

    /// Refuses one more watch of a player who has as many as he may.
    async fn room_for_watch(&self, player: PlayerId) -> Result<(), EngineError> {
        let range = KeyRange::Watches(player);
        let own = self.store(Home::Live).list(&range, None, limits::WATCHES_PER_PLAYER_MAX, false).await?;
        if own.len() >= limits::WATCHES_PER_PLAYER_MAX {
            return Err(EngineError::TooManyWatches);
        }
        Ok(())
    }
}
