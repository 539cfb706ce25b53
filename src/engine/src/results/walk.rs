//! Rating again what follows from a changed entry: the entries of the players it left otherwise than before, in the
//! order of their places, until bits agree again or the chains end.
//!
//! Places never change, so the order of the walk is the order in which all of it once counted, and what comes out is
//! what would have come out then. Costs one read an entry to find it, from the end of each chain back, and one to rate
//! it; memory for the places that are still to come.
use super::chain::{Link, Moved};
use crate::{
    Engine, EngineError,
    boards::Rewritten,
    jobs::{Sink, Stop},
    store::{Entry, Expect, Key, Place, PushEvent, PushKind, RatingCause, Row, StandingRow, Version},
};
use gsm_core::{MatchId, Mode, PlayerId, Timestamp};
use gsm_rating::System;
use std::collections::{BTreeMap, BTreeSet};

/// A walk from one entry on.
pub(super) struct Walk<'a> {
    engine: &'a Engine,
    mode: Mode,
    /// Players who stand otherwise than their next entry found them.
    dirty: BTreeMap<PlayerId, StandingRow>,
    /// Everyone who was dirty: the end of the chain as it is stored.
    ends: BTreeMap<PlayerId, (StandingRow, Version)>,
    /// Entries to come.
    ahead: BTreeSet<Place>,
    /// What becomes of histories.
    rewritten: Rewritten,
}

impl<'a> Walk<'a> {
    pub(super) fn new(engine: &'a Engine, mode: &Mode) -> Self {
        let (dirty, ends, ahead) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        Self { engine, mode: mode.clone(), dirty, ends, ahead, rewritten: Rewritten::new() }
    }

    /// Notes what an entry made of its players, and what it makes of them now. `old` and `new` are in the same order.
    async fn turn(
        &mut self,
        place: Place,
        old: Vec<Moved>,
        new: Vec<Moved>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Stop> {
        for (old, new) in old.into_iter().zip(new) {
            if old.history != new.history {
                if let Some(step) = new.history.as_ref().or(old.history.as_ref()) {
                    let of_player = self.rewritten.entry(new.player).or_default();
                    of_player.insert(place.depth, (step.at, new.history.clone()));
                }
                let key = Key::History(self.mode.clone(), new.player, place.depth);
                sink.history(key, new.history.map(Row::History)).await?;
            }
            if old.after == new.after {
                self.dirty.remove(&new.player);
                continue;
            }
            self.dirty.insert(new.player, new.after);
            if !self.ends.contains_key(&new.player) {
                self.look_ahead(new.player, place, sink).await?;
            }
        }
        Ok(())
    }

    /// Finds a player's entries after `place`, from the end of the chain back.
    async fn look_ahead(
        &mut self,
        player: PlayerId,
        place: Place,
        sink: &mut Sink<'_>,
    ) -> Result<(), EngineError> {
        let found = self.engine.standings(&self.mode, &[player]).await?.pop().flatten();
        // Whoever has an entry has a standing: none is a stale read.
        let end = found.ok_or(EngineError::Raced(None))?;
        let mut last = end.0.last;
        self.ends.insert(player, end);
        while last.depth > place.depth {
            self.ahead.insert(last);
            let (link, _) = self.engine.link(last.entry).await?;
            let at = link.players().iter().position(|one| *one == player);
            let before = at.and_then(|at| link.from().get(at)?.as_ref());
            last = before.ok_or(EngineError::Raced(None))?.last;
            sink.alive().await?;
        }
        // Anything else at this depth is a stale read.
        if last == place { Ok(()) } else { Err(EngineError::Raced(None)) }
    }

    /// Rates again from `place` on, where `old` became `new`.
    pub(super) async fn run(
        &mut self,
        place: Place,
        old: Vec<Moved>,
        new: Vec<Moved>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Stop> {
        self.turn(place, old, new, sink).await?;
        while let Some(place) = self.ahead.pop_first() {
            let (link, version) = self.engine.link(place.entry).await?;
            if link.place() != place {
                return Err(EngineError::Raced(None).into());
            }
            let players = link.players();
            if !players.iter().any(|player| self.dirty.contains_key(player)) {
                continue;
            }
            let scheme = self.engine.scheme(link.scheme()).await?;
            let from = players
                .iter()
                .zip(link.from())
                .map(|(player, found)| self.dirty.get(player).or(found.as_ref()).cloned())
                .collect();
            let old = link.moved(&scheme);
            let again = link.clone().found(&scheme, from)?;
            let new = again.moved(&scheme);
            if again == link {
                // It rests on this row being as it is.
                sink.check(place.entry.key(), Expect::At(version)).await?;
            } else {
                sink.put(place.entry.key(), Some(version), again.into_row()).await?;
            }
            self.turn(place, old, new, sink).await?;
            sink.alive().await?;
        }
        Ok(())
    }

    /// Writes how the players stand in the end, and tells them.
    pub(super) async fn close(
        self,
        cause: (MatchId, RatingCause),
        at: Timestamp,
        initial: &System,
        sink: &mut Sink<'_>,
    ) -> Result<(), Stop> {
        let (match_id, cause) = cause;
        self.engine.recount_players(&self.mode, &self.rewritten, &self.dirty, sink).await?;
        for (player, standing) in self.dirty {
            let Some((old, version)) = self.ends.get(&player) else { continue };
            let rating = |standing: &StandingRow| {
                standing.rating.as_ref().map_or_else(|| initial.initial(), |row| row.rating)
            };
            let (before, after) = (rating(old), rating(&standing));
            sink.put(Key::Rating(self.mode.clone(), player), Some(*version), Row::Rating(standing)).await?;
            if before != after {
                let kind = PushKind::Rating { mode: self.mode.clone(), match_id, cause, before, after };
                sink.tell(player, PushEvent { at, kind }).await?;
            }
        }
        Ok(())
    }
}

impl Engine {
    /// An entry and the version of its row.
    pub(crate) async fn link(&self, entry: Entry) -> Result<(Link, Version), EngineError> {
        let key = entry.key();
        // An entry that a chain names is there: none is a stale read.
        let found = self.get_one(&key).await?.ok_or(EngineError::Raced(None))?;
        Ok((Link::of(&key, &found.row)?, found.version))
    }
}
