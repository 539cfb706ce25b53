//! Rows of offences, read together, changed, and written with what changed them.
use super::{FILES, FileKey};
use crate::{
    Engine, EngineError,
    store::{ChangeSet, Expect, Home, Key, Op, PenaltiesRow, Row, Version},
};
use gsm_core::{MatchId, Mode, PlayerId, Timestamp};
use gsm_session::{Ladder, Offence, OffenceKind, Offences, Stand};
use std::{collections::BTreeMap, sync::Arc};

struct File {
    row: PenaltiesRow,
    version: Option<Version>,
    changed: bool,
}

/// Rows of one home.
pub(super) struct Files {
    key: FileKey,
    files: BTreeMap<Key, File>,
}

impl Files {
    pub(super) async fn read(
        engine: &Engine,
        home: Home,
        of: impl Iterator<Item = (&Mode, PlayerId)>,
    ) -> Result<Self, EngineError> {
        let key = FILES.iter().find(|(of, _)| *of == home).map_or(Key::Leaves as FileKey, |(_, key)| *key);
        let mut keys: Vec<Key> = of.map(|(scope, player)| key(scope.clone(), player)).collect();
        keys.sort_unstable();
        keys.dedup();
        let mut files = BTreeMap::new();
        for (key, found) in keys.iter().zip(engine.get(home, &keys).await?) {
            let (row, version) = match found {
                None => (PenaltiesRow::default(), None),
                Some(found) => match &*found.row {
                    Row::Penalties(row) => (row.clone(), Some(found.version)),
                    _ => return Err(EngineError::damaged(key)),
                },
            };
            files.insert(key.clone(), File { row, version, changed: false });
        }
        Ok(Self { key, files })
    }

    fn file(&mut self, scope: &Mode, player: PlayerId) -> Option<&mut File> {
        self.files.get_mut(&(self.key)(scope.clone(), player))
    }

    /// Adds an offence; how its player stands at `now`, unless it is known.
    pub(super) fn add(
        &mut self,
        scope: &Mode,
        player: PlayerId,
        kind: OffenceKind,
        (offence, now): (Offence, Timestamp),
        ladder: &Ladder,
    ) -> Option<Stand> {
        let file = self.file(scope, player)?;
        let offences = file.row.0.entry(kind).or_insert_with(|| Offences::new(ladder.clone()));
        if !offences.add(offence, ladder) {
            return None;
        }
        file.changed = true;
        Some(offences.stand(now))
    }

    /// Takes back the offences of a kind, or the one of a match; how the player stands then, if there was any.
    pub(super) fn remove(
        &mut self,
        scope: &Mode,
        player: PlayerId,
        kind: OffenceKind,
        of: Option<MatchId>,
        now: Timestamp,
    ) -> Option<Stand> {
        let file = self.file(scope, player)?;
        let offences = file.row.0.get_mut(&kind)?;
        let matches = match of {
            Some(one) => vec![one],
            None => offences.list().iter().map(|offence| offence.match_id).collect(),
        };
        let mut removed = false;
        matches.into_iter().for_each(|one| removed |= offences.remove(one));
        if !removed {
            return None;
        }
        let stand = offences.stand(now);
        if offences.list().is_empty() {
            file.row.0.remove(&kind);
        }
        file.changed = true;
        Some(stand)
    }

    pub(super) fn stand(
        &self,
        scope: &Mode,
        player: PlayerId,
        kind: OffenceKind,
        now: Timestamp,
    ) -> Option<Stand> {
        let file = self.files.get(&(self.key)(scope.clone(), player))?;
        Some(file.row.0.get(&kind)?.stand(now))
    }

    /// Each kind of offence that a player has done in a scope.
    pub(super) fn each(&self) -> impl Iterator<Item = (&Key, OffenceKind, &Offences)> {
        self.files.iter().flat_map(|(key, file)| file.row.0.iter().map(move |(kind, of)| (key, *kind, of)))
    }

    /// Whether anything was changed.
    pub(super) fn is_changed(&self) -> bool {
        self.files.values().any(|file| file.changed)
    }

    /// Writes what was changed, and lets the change set rest on the rest. What is forgotten stays in its row until the
    /// upkeep takes that away: an offence that is ruled on late comes at its own time, when it was not forgotten yet.
    pub(super) fn write(self, changes: &mut ChangeSet) {
        for (key, file) in self.files {
            let expect = file.version.map_or(Expect::Absent, Expect::At);
            let op = if !file.changed {
                Op::Check
            } else if file.row.0.is_empty() {
                Op::Delete
            } else {
                Op::Put { row: Arc::new(Row::Penalties(file.row)), expires_at: None }
            };
            changes.write(key, expect, op);
        }
    }
}
