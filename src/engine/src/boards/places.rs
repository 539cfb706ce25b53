//! Where players belong, and who sees them.
use crate::{
    Call, Engine, EngineError,
    store::{AttributesRow, Home, Key, KeyRange, Row, ShadeRow},
};
use gsm_core::{Attribute, BoardName, PlayerId, limits};
use gsm_ranking::Visibility;
use serde::{Deserialize, Serialize};

/// Where a player belongs: what boards are divided by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Places {
    /// A part of the world.
    pub region: Option<Attribute>,
    /// A kind of machine.
    pub platform: Option<Attribute>,
    /// Guilds, clans, schools.
    pub groups: Vec<Attribute>,
}

impl From<AttributesRow> for Places {
    fn from(row: AttributesRow) -> Self {
        Self { region: row.region, platform: row.platform, groups: row.groups }
    }
}

impl Engine {
    /// Where a player belongs.
    pub async fn places(&self, player: PlayerId) -> Result<Places, EngineError> {
        self.player_row(player).await?;
        Ok(self.attributes(player).await?.map(|(row, _)| row.into()).unwrap_or_default())
    }

    async fn attributes(&self, player: PlayerId) -> Result<Option<(AttributesRow, u64)>, EngineError> {
        let key = Key::Attributes(player);
        match self.get_one(&key).await? {
            None => Ok(None),
            Some(found) => match &*found.row {
                Row::Attributes(row) => Ok(Some((row.clone(), found.version))),
                _ => Err(EngineError::damaged(&key)),
            },
        }
    }

    /// Says where a player belongs; all divided boards follow with the commit.
    pub async fn set_places(
        &self,
        call: &Call,
        player: PlayerId,
        mut places: Places,
    ) -> Result<Places, EngineError> {
        self.player_row(player).await?;
        places.groups.sort_unstable();
        places.groups.dedup();
        if places.groups.len() > limits::GROUPS_MAX {
            return Err(EngineError::invalid("groups", format!("must be at most {}", limits::GROUPS_MAX)));
        }
        let Places { region, platform, groups } = places.clone();
        let row = AttributesRow { region, platform, groups };
        let mut tries = self.lines.tries();
        while tries.again().await {
            if let Some(first) = self.replayed(call, Home::Record).await? {
                return Ok(first);
            }
            let version = self.attributes(player).await?.map(|(_, version)| version);
            let mut changes = self.changes(call, &[&player]);
            changes.replace(Key::Attributes(player), version, Row::Attributes(row.clone()));
            self.remember(&mut changes, call, Home::Record, &places)?;
            match self.commit(Home::Record, changes).await {
                Ok(_) => return Ok(places),
                Err(EngineError::Raced(row)) => tries.lost(row),
                Err(other) => return Err(other),
            }
        }
        Err(EngineError::Contended)
    }

    /// Decides who sees a player on a board, until it is decided anew; everybody else's rank is right at once.
    pub async fn set_visibility(
        &self,
        call: &Call,
        name: &BoardName,
        player: PlayerId,
        visibility: Visibility,
        reason: &str,
    ) -> Result<(), EngineError> {
        self.line(name)?;
        self.player_row(player).await?;
        let key = Key::Shade(name.clone(), player);
        let mut tries = self.lines.tries();
        while tries.again().await {
            if self.replayed::<()>(call, Home::Record).await?.is_some() {
                return Ok(());
            }
            let found = self.get_one(&key).await?;
            let mut changes = self.changes(call, &[name, &player]);
            changes.because(reason);
            match (visibility, found) {
                (Visibility::Shown, None) => {}
                (Visibility::Shown, Some(found)) => {
                    changes.delete(key.clone(), found.version);
                }
                (Visibility::Hidden | Visibility::Shadow, found) => {
                    let shadow = visibility == Visibility::Shadow;
                    let row = ShadeRow { shadow, reason: reason.to_owned(), at: call.now };
                    changes.replace(key.clone(), found.map(|f| f.version), Row::Shade(row));
                }
            }
            self.remember(&mut changes, call, Home::Record, &())?;
            match self.commit(Home::Record, changes).await {
                Ok(_) => return Ok(()),
                Err(EngineError::Raced(row)) => tries.lost(row),
                Err(other) => return Err(other),
            }
        }
        Err(EngineError::Contended)
    }

    /// Who is not seen by everybody on a board, by player id, and why; the first `limit` without `after`, and after whom
    /// there are more.
    pub async fn hidden(
        &self,
        name: &BoardName,
        after: Option<PlayerId>,
        limit: usize,
    ) -> Result<(Vec<(PlayerId, ShadeRow)>, Option<PlayerId>), EngineError> {
        self.line(name)?;
        let after = after.map(|player| Key::Shade(name.clone(), player));
        let range = KeyRange::ShadesOf(name.clone());
        let page = self.store(Home::Record).list(&range, after.as_ref(), limit, false).await?;
        let is_full = page.len() >= limit;
        let shades = page.into_iter().map(|(key, found)| match (&key, &*found.row) {
            (Key::Shade(_, player), Row::Shade(row)) => Ok((*player, row.clone())),
            _ => Err(EngineError::damaged(&key)),
        });
        let shades = shades.collect::<Result<Vec<_>, _>>()?;
        let next = shades.last().map(|(player, _)| *player).filter(|_| is_full);
        Ok((shades, next))
    }
}
