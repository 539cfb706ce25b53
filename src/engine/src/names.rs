//! Display names, kept in memory once they were read: a page of a board names everybody on it.
use crate::{
    Engine, EngineError,
    generations::Generations,
    store::{Home, Key, PlayerRow, Row},
};
use gsm_core::{Label, PlayerId};
use parking_lot::Mutex;

/// Names of one generation: what a table of 2^20 places holds before it grows, some 45 MB. There are two.
const GENERATION_MAX: usize = (1 << 20) / 8 * 7;

/// Display names, followed from the player rows.
#[derive(Default)]
pub(crate) struct Names(Mutex<Known>);

/// Names that were read, `None` for a player without.
#[derive(Default)]
struct Known {
    names: Generations<PlayerId, Option<Label>, GENERATION_MAX>,
    /// Grows with every change of a name: what was read before one may be older than it.
    changes: u64,
}

impl Names {
    /// Takes in a changed row.
    pub(crate) fn follow(&self, id: PlayerId, row: &PlayerRow) {
        let mut known = self.0.lock();
        known.changes += 1;
        if let Some(name) = known.names.get_mut(id) {
            *name = shown(row);
        }
    }

    /// A player is no more, and neither is the name.
    pub(crate) fn forget(&self, id: PlayerId) {
        let mut known = self.0.lock();
        known.changes += 1;
        if let Some(name) = known.names.get_mut(id) {
            *name = None;
        }
    }

    /// What is known of each, and what [`learn`](Self::learn) wants to be told of the moment.
    fn look_up(&self, players: &[PlayerId]) -> (Vec<Option<Option<Label>>>, u64) {
        let mut known = self.0.lock();
        (players.iter().map(|id| known.names.get(*id)).collect(), known.changes)
    }

    /// Keeps names that were read, unless one has changed since the look that found them unknown.
    fn learn(&self, names: impl Iterator<Item = (PlayerId, Option<Label>)>, looked: u64) {
        let mut known = self.0.lock();
        if known.changes == looked {
            names.for_each(|(id, name)| known.names.put(id, name));
        }
    }
}

/// What people see: the chosen name, else the id that an import brought.
fn shown(row: &PlayerRow) -> Option<Label> {
    row.name.clone().or_else(|| row.external_id.as_ref().and_then(|id| Label::new(id.as_str()).ok()))
}

impl Engine {
    /// Display names in the order asked, from memory where they are known.
    pub(crate) async fn names(
        &self,
        players: impl Iterator<Item = PlayerId>,
    ) -> Result<Vec<Option<Label>>, EngineError> {
        let players: Vec<PlayerId> = players.collect();
        let (mut names, looked) = self.views.names.look_up(&players);
        let unknown: Vec<PlayerId> =
            players.iter().zip(&names).filter(|(_, name)| name.is_none()).map(|(id, _)| *id).collect();
        if !unknown.is_empty() {
            let keys: Vec<Key> = unknown.iter().map(|id| Key::Player(*id)).collect();
            let rows = self.get(Home::Document, &keys).await?;
            let read = rows.into_iter().map(|found| match found.as_ref().map(|found| &*found.row) {
                Some(Row::Player(row)) => shown(row),
                _ => None,
            });
            let read: Vec<Option<Label>> = read.collect();
            self.views.names.learn(unknown.into_iter().zip(read.iter().cloned()), looked);
            let mut read = read.into_iter();
            names.iter_mut().filter(|name| name.is_none()).for_each(|name| *name = read.next());
        }
        Ok(names.into_iter().map(Option::flatten).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gsm_core::Timestamp;

    fn row(name: &str) -> PlayerRow {
        PlayerRow { name: Label::new(name).ok(), external_id: None, created_at: Timestamp::from_millis(0) }
    }

    #[test]
    fn a_name_that_changed_during_a_read_is_not_kept() {
        let (names, ann) = (Names::default(), PlayerId::from_u128(1));
        let (_, looked) = names.look_up(&[ann]);
        names.follow(ann, &row("Anna"));
        names.learn([(ann, Label::new("Ann").ok())].into_iter(), looked);
        assert_eq!(names.look_up(&[ann]).0, [None]);
    }

    #[test]
    fn who_is_asked_for_outlives_a_generation_and_is_followed() {
        let (names, ann) = (Names::default(), PlayerId::from_u128(0));
        let others = |from: u128| (from..).take(GENERATION_MAX).map(|n| (PlayerId::from_u128(n), None));
        names.learn([(ann, Label::new("Ann").ok())].into_iter(), 0);
        names.learn(others(1), 0);
        names.follow(ann, &row("Anna"));
        assert_eq!(names.look_up(&[ann]).0, [Some(Label::new("Anna").ok())], "of the older generation");
        names.learn(others(1 << 32), 1);
        names.learn(others(2 << 32), 1);
        assert_eq!(names.look_up(&[ann]).0, [None], "two generations were full since");
    }
}
