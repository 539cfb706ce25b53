//! What the game server of a match is told of those who play it: FlexMatch's matchmaker data.
use crate::{
    Call, Engine, EngineError, QueueConfig,
    pools::members,
    store::{Home, Key},
    tickets::ticket_row,
};
use gsm_core::{MatchId, PlayerId, TicketId};
use gsm_rules::{Attribute, Value};
use std::{collections::BTreeMap, sync::Arc};

/// Who plays a match on which team, and what they brought.
#[derive(Debug, Clone, PartialEq)]
pub struct MatchmakerData {
    /// The match.
    pub id: MatchId,
    /// The queue that made it, as it judges the match; none where a server made it in a bare mode.
    pub queue: Option<Arc<QueueConfig>>,
    /// The teams, in the order of the match.
    pub teams: Vec<DataTeam>,
}

/// One team.
#[derive(Debug, Clone, PartialEq)]
pub struct DataTeam {
    /// Its name; its number from 1 where the rules name none.
    pub name: String,
    /// Its players.
    pub players: Vec<DataPlayer>,
}

/// One player.
#[derive(Debug, Clone, PartialEq)]
pub struct DataPlayer {
    /// As his ticket named him: a client's own name over the GameLift wire, else the player's id.
    pub id: String,
    /// The attributes that the rule set of the queue declares, as the matcher saw them: those that he lacked have their default.
    pub attributes: BTreeMap<String, Value>,
}

impl Engine {
    /// What is told of a match, for as long as its tickets are kept, which is a day from the match's beginning; afterwards, and
    /// of a match that a server created, without attributes. By which rule set a queue formed a match is not kept: once the queue
    /// goes by another one, the attributes are those that the other one declares. O(players).
    ///
    /// # Errors
    /// There is no such match for the caller.
    pub async fn matchmaker_data(&self, call: &Call, id: MatchId) -> Result<MatchmakerData, EngineError> {
        let row = self.match_view(call, id).await?.row;
        let queue = row.queue.as_ref().and_then(|name| self.views.queues.of_match(name, &row.mode));
        let mut known = self.brought_to(&row.tickets, queue.as_deref()).await?;
        let mut player = |player: &PlayerId| {
            let nothing = || DataPlayer { id: player.to_string(), attributes: BTreeMap::new() };
            known.remove(player).unwrap_or_else(nothing)
        };
        let mut teams = Vec::with_capacity(row.roster.sides().len());
        for (at, side) in row.roster.sides().iter().enumerate() {
            let name = row.teams.get(at).cloned().unwrap_or_else(|| (at + 1).to_string());
            teams.push(DataTeam { name, players: side.iter().map(&mut player).collect() });
        }
        Ok(MatchmakerData { id, queue, teams })
    }

    /// Of each player of some tickets, how he was named and what he brought.
    async fn brought_to(
        &self,
        tickets: &[TicketId],
        queue: Option<&QueueConfig>,
    ) -> Result<BTreeMap<PlayerId, DataPlayer>, EngineError> {
        let Some(queue) = queue else { return Ok(BTreeMap::new()) };
        let set = self.views.rule_sets.of(queue);
        let keys: Vec<Key> = tickets.iter().map(|id| Key::Ticket(*id)).collect();
        let mut known = BTreeMap::new();
        for (key, found) in keys.iter().zip(self.get(Home::Live, &keys).await?) {
            let Some(found) = found else { continue };
            let Some(row) = ticket_row(key, &found.row)?.seen_from(&queue.name) else { continue };
            let members = members(&row, queue.rating_attribute.as_deref());
            for (player, member) in row.players.iter().zip(members) {
                let attributes = match &set {
                    None => member.attributes,
                    Some(set) => {
                        let declared = set.attributes().iter();
                        let value = |of: &Attribute| {
                            let brought = member.attributes.get(&of.name);
                            Some((of.name.clone(), brought.or(of.default.as_ref())?.clone()))
                        };
                        declared.filter_map(value).collect()
                    }
                };
                known.insert(player.player, DataPlayer { id: member.player, attributes });
            }
        }
        Ok(known)
    }
}
