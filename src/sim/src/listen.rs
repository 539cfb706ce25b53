//! Players who listen to their events, lose the line, and resume.
use crate::{Fault, Invariant, check::broken, world::World};
use futures::FutureExt;
use gsm_core::PlayerId;
use gsm_engine::{
    PushItem, Subscription,
    store::{Cursor, PushEvent},
};
use std::collections::BTreeMap;

/// Players of a world who listen.
const LISTENERS_MAX: usize = 4;

struct Line {
    node: usize,
    /// Which life of the node it is connected to.
    life: u32,
    stream: Subscription,
}

struct Listener {
    player: PlayerId,
    line: Option<Line>,
    last: Cursor,
    heard: BTreeMap<Cursor, PushEvent>,
}

/// All who listen.
#[derive(Default)]
pub(crate) struct Listeners(Vec<Listener>);

impl Listeners {
    /// Lets one more player listen, from his first event on.
    pub(crate) fn join(&mut self, player: PlayerId) {
        if self.0.len() < LISTENERS_MAX && self.0.iter().all(|l| l.player != player) {
            let (last, heard) = (Cursor::default(), BTreeMap::new());
            self.0.push(Listener { player, line: None, last, heard });
        }
    }

    /// Hears what there is to hear; resumes where a line was cut, and cuts one now and then.
    pub(crate) async fn hear(&mut self, world: &mut World) -> Result<(), Fault> {
        for listener in &mut self.0 {
            if world.random.chance(0.03) {
                listener.line = None;
            }
            listener.hear(world).await?;
        }
        Ok(())
    }

    /// All that can still be resumed from has been heard. To be called when no fold is held back.
    pub(crate) fn missed_nothing(&self, world: &World) -> Result<(), Fault> {
        for listener in &self.0 {
            for (cursor, event) in world.eye.events(listener.player) {
                if listener.heard.get(&cursor) != Some(&event) {
                    let player = listener.player;
                    return broken(
                        Invariant::EventsWhole,
                        format!("{player} never heard {event:?} at {cursor:?}"),
                    );
                }
            }
        }
        Ok(())
    }
}

impl Listener {
    async fn hear(&mut self, world: &mut World) -> Result<(), Fault> {
        loop {
            let dead = |line: &Line| world.nodes[line.node].lives != line.life;
            if self.line.as_ref().is_none_or(dead) {
                let node = world.random.below(world.nodes.len());
                let engine = &world.nodes[node].engine;
                let Ok(stream) = engine.subscribe(self.player, Some(self.last)).await else { return Ok(()) };
                self.line = Some(Line { node, life: world.nodes[node].lives, stream });
            }
            // The runtime lets a task read only so much in one turn.
            tokio::task::yield_now().await;
            let Some(line) = &mut self.line else { return Ok(()) };
            match line.stream.next().now_or_never() {
                None => return Ok(()),
                Some(None) => self.line = None,
                Some(Some(item)) => self.take(item)?,
            }
        }
    }

    fn take(&mut self, item: PushItem) -> Result<(), Fault> {
        if item.cursor <= self.last {
            let (player, last) = (self.player, self.last);
            let detail = format!("{player} heard {:?} at {:?} after {last:?}", item.event, item.cursor);
            return broken(Invariant::EventsWhole, detail);
        }
        self.last = item.cursor;
        self.heard.insert(item.cursor, item.event);
        Ok(())
    }
}
