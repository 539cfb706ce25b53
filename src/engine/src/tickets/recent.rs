//! Recent opponents: what the server fills in where a rule set wants to know whom a player met last.
//!
//! They are read from the player's history and the results in it when the ticket is made, so nothing is kept for them.
use super::{Intake, NewTicket};
use crate::{
    Engine, EngineError, QueueConfig,
    store::{Brought, HistoryRow, Home, Key, KeyRange, Row, Step, TicketPlayer},
};
use gsm_core::{Mode, PlayerId, Timestamp, limits};
use gsm_rules::{Supplied, Value};
use std::sync::Arc;

impl Engine {
    /// What the players of a new ticket bring to each of its queues, with the attributes that the server fills in there. What
    /// a ticket brings in those is not looked at. Players of the GameLift wire have names of their own, by which nobody met
    /// them before.
    pub(super) async fn with_opponents(
        &self,
        new: &NewTicket,
        queues: &[Arc<QueueConfig>],
        players: &[TicketPlayer],
        now: Timestamp,
    ) -> Result<Vec<Vec<Brought>>, EngineError> {
        let mut all = Vec::with_capacity(queues.len());
        for queue in queues {
            let mut brought = new.brought.clone();
            let set = self.views.rule_sets.of(queue).filter(|_| new.intake == Intake::Native);
            for attribute in set.iter().flat_map(|set| set.attributes()) {
                let Some(supplied) = attribute.supplied else { continue };
                brought.resize(players.len(), Brought::default());
                for (brought, player) in brought.iter_mut().zip(players) {
                    let met = self.opponents(&queue.mode, player.player, supplied, now).await?;
                    let met = met.iter().map(ToString::to_string).collect();
                    brought.attributes.insert(attribute.name.clone(), Value::List(met));
                }
            }
            all.push(brought);
        }
        if all.iter().any(|brought| Some(brought) != all.first()) {
            all.iter_mut().for_each(|brought| brought.resize(players.len(), Brought::default()));
        }
        Ok(all)
    }

    /// Whom a player played against in the last matches of a mode, the last first, each once.
    async fn opponents(
        &self,
        mode: &Mode,
        player: PlayerId,
        of: Supplied,
        now: Timestamp,
    ) -> Result<Vec<PlayerId>, EngineError> {
        let range = KeyRange::History(mode.clone(), player);
        // A rating set by hand is a step as well.
        let steps = self.store(Home::Record).list(&range, None, of.matches as usize, true).await?;
        let matched = |row: &HistoryRow| match row.step {
            Step::Match { match_id, .. } => Some(match_id),
            _ => None,
        };
        let since = |at: Timestamp| of.within_s.is_none_or(|s| now.since(at).get() <= u64::from(s) * 1_000);
        let keys: Vec<Key> = steps
            .iter()
            .filter_map(|(_, found)| if let Row::History(row) = &*found.row { Some(row) } else { None })
            .filter(|row| since(row.at))
            .filter_map(matched)
            .map(Key::Result)
            .collect();
        let mut met = Vec::new();
        for (key, found) in keys.iter().zip(self.get(Home::Record, &keys).await?) {
            let Some(found) = found else { continue };
            let Row::Result(row) = &*found.row else { return Err(EngineError::damaged(key)) };
            let own = row.roster.side_of(player);
            let others = row.roster.players().filter(|other| row.roster.side_of(*other) != own);
            for other in others {
                if !met.contains(&other) {
                    met.push(other);
                }
                if met.len() == limits::ATTRIBUTE_STRINGS_MAX {
                    return Ok(met);
                }
            }
        }
        Ok(met)
    }
}
