//! What comes to queues, for whoever writes it down: each step of a ticket, once, after its commit.
use crate::{
    Engine, EngineError,
    pools::{Rules, members},
    proposals::{DECLINED, SILENT},
    store::{Key, KeyRange, Row, TicketRow},
};
use gsm_core::{PlayerId, QueueName, TicketId, Timestamp};
use gsm_rules::Member;
use gsm_session::TicketState;
use std::sync::Arc;

/// What a window of skill goes by, as an attribute.
const RATING: &str = "rating";

/// A step of a ticket.
#[derive(Debug, Clone, PartialEq)]
pub enum TicketStep {
    /// It came to its queue.
    Arrived {
        /// When.
        at: Timestamp,
        /// The queue.
        queue: QueueName,
        /// Its players with the attributes that the queue goes by, and their latencies. Who has a name beside the id by
        /// which others may name him has it as the alias.
        players: Vec<(PlayerId, Member)>,
        /// The attributes that are lists of ids or names of players.
        naming: Vec<String>,
    },
    /// It is in a match that has to be accepted.
    Proposed,
    /// It ended.
    Ended {
        /// When.
        at: Timestamp,
        /// How.
        how: TicketEnd,
    },
}

/// How a ticket ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TicketEnd {
    /// In a match.
    Matched,
    /// Its time was up.
    TimedOut,
    /// It was taken out.
    Cancelled,
    /// A player of it declined a match.
    Declined,
    /// A player of it did not answer.
    Ignored,
    /// The server ended it.
    Failed,
}

/// Whoever writes down what comes. Must not block.
pub trait Recorder: Send + Sync {
    /// Takes a step. Of a node's first commits after its start it may hear twice of tickets that came before.
    fn note(&self, ticket: TicketId, step: TicketStep);
}

impl Engine {
    /// Tells `recorder` of every ticket that waits, and from now on of each that comes to a queue. Only the first one is taken.
    ///
    /// # Errors
    /// The tickets cannot be read.
    pub async fn record(&self, recorder: Arc<dyn Recorder>) -> Result<(), EngineError> {
        if self.views.pools.recorder.set(recorder).is_err() {
            return Ok(());
        }
        self.each(KeyRange::Tickets, |key, found| {
            if let (Key::Ticket(id), Row::Ticket(row)) = (key, &*found.row)
                && !row.state.is_terminal()
            {
                let came = TicketRow { state: TicketState::Queued, ..(**row).clone() };
                self.views.pools.record(id, &came);
                if row.state == TicketState::RequiresAcceptance {
                    self.views.pools.record(id, row);
                }
            }
            Ok(())
        })
        .await
    }
}

/// The step that a ticket's row tells of; nothing if it is none to be written down.
pub(crate) fn step(row: &TicketRow, rules: &Rules) -> Option<TicketStep> {
    if row.backfill {
        return None;
    }
    let how = match row.state {
        // Back from a proposal it is `Searching`: it came once.
        TicketState::Queued => {
            let players = row.players.iter().map(|p| p.player).zip(brought(row, rules)).collect();
            let (at, queue, naming) = (row.queued_at, row.queue.clone(), naming(rules));
            return Some(TicketStep::Arrived { at, queue, players, naming });
        }
        TicketState::RequiresAcceptance => return Some(TicketStep::Proposed),
        TicketState::Completed => TicketEnd::Matched,
        TicketState::TimedOut => TicketEnd::TimedOut,
        TicketState::Failed => TicketEnd::Failed,
        TicketState::Cancelled => match row.reason.as_deref() {
            Some(DECLINED) => TicketEnd::Declined,
            Some(SILENT) => TicketEnd::Ignored,
            _ => TicketEnd::Cancelled,
        },
        _ => return None,
    };
    Some(TicketStep::Ended { at: row.ended_at?, how })
}

/// The attributes in which players name players.
fn naming(rules: &Rules) -> Vec<String> {
    let Rules::Set { set, .. } = rules else { return Vec::new() };
    set.lists_of_players().map(|attribute| attribute.name.clone()).collect()
}

/// What the queue goes by, and nothing else that players brought: no attributes that its rules do not declare, and no names
/// but where its rules let players name others.
fn brought(row: &TicketRow, rules: &Rules) -> Vec<Member> {
    let (declared, rating) = match rules {
        Rules::Set { set, rating_attribute, .. } => (Some(set), rating_attribute.as_deref()),
        Rules::Window(..) | Rules::Unknown => (None, Some(RATING)),
    };
    let names = declared.is_some_and(|set| set.lists_of_players().next().is_some());
    let mut all = members(row, rating);
    for member in &mut all {
        let (name, id) = (std::mem::take(&mut member.player), member.alias.take());
        member.alias = id.filter(|_| names).map(|_| name);
        member.attributes.retain(|name, _| match declared {
            Some(set) => set.attributes().iter().any(|attribute| attribute.name == *name),
            None => name == RATING,
        });
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Brought, TicketPlayer};
    use gsm_rating::Rating;
    use gsm_rules::{Dialect, Value, parse};

    fn rules() -> Rules {
        let text = r#"{"ruleLanguageVersion": "1.0", "teams": [{"name": "a", "minPlayers": 2, "maxPlayers": 2}],
            "playerAttributes": [{"name": "skill", "type": "number"}, {"name": "mode", "type": "string"}]}"#;
        let set = parse(text, Dialect::Extended).unwrap().set;
        Rules::Set { set: Arc::new(set), rating_attribute: Some("skill".to_owned()), judged: None }
    }

    fn row(state: TicketState, reason: Option<&str>) -> TicketRow {
        let player = PlayerId::from_u128(1);
        let text = |text: &str| Value::Text(text.to_owned());
        let attributes = [("mode", text("ranked")), ("mail", text("ann@example.org"))];
        let brought = Brought {
            name: Some("Ann".to_owned()),
            attributes: attributes.map(|(name, value)| (name.to_owned(), value)).into(),
            ..Brought::default()
        };
        TicketRow {
            own_id: None,
            owner: player,
            queue: QueueName::new("duel").unwrap(),
            players: vec![TicketPlayer {
                player,
                rating: Rating { mean: 1_600.0, deviation: 80.0, volatility: 0.06 },
            }],
            also: Vec::new(),
            brought: vec![brought],
            backfill: false,
            shadow: false,
            session: None,
            state,
            queued_at: Timestamp::from_millis(5),
            expires_at: Timestamp::from_millis(99),
            ended_at: state.is_terminal().then_some(Timestamp::from_millis(9)),
            reason: reason.map(str::to_owned),
            proposal: None,
            match_id: None,
        }
    }

    #[test]
    fn what_the_rules_go_by_is_told_and_nothing_else() {
        let Some(TicketStep::Arrived { players, .. }) = step(&row(TicketState::Queued, None), &rules())
        else {
            panic!("a ticket that came is told");
        };
        let [(_, member)] = &players[..] else { panic!("{players:?}") };
        assert_eq!((member.player.as_str(), &member.alias), ("", &None));
        assert_eq!(member.attributes.keys().collect::<Vec<_>>(), ["mode", "skill"]);
        assert_eq!(member.attributes["skill"], Value::Number(1_600.0));
        let Some(TicketStep::Arrived { players, .. }) =
            step(&row(TicketState::Queued, None), &Rules::Unknown)
        else {
            panic!("a ticket that came is told");
        };
        assert_eq!(players[0].1.attributes.keys().collect::<Vec<_>>(), ["rating"]);
    }

    #[test]
    fn names_are_told_where_rules_let_players_name_others() {
        let text = r#"{"ruleLanguageVersion": "1.0", "teams": [{"name": "a", "minPlayers": 2, "maxPlayers": 2}],
            "playerAttributes": [{"name": "mode", "type": "string"}, {"name": "foes", "type": "string_list", "default": []},
                {"name": "met", "type": "string_list", "default": [], "source": "recentOpponents", "matches": 3}],
            "rules": [{"name": "Foes", "type": "avoid", "attribute": "foes"}]}"#;
        let set = Arc::new(parse(text, Dialect::Extended).unwrap().set);
        let rules = Rules::Set { set, rating_attribute: None, judged: None };
        let Some(TicketStep::Arrived { players, naming, .. }) = step(&row(TicketState::Queued, None), &rules)
        else {
            panic!("a ticket that came is told");
        };
        assert_eq!(naming, ["foes", "met"]);
        assert_eq!((players[0].1.player.as_str(), players[0].1.alias.as_deref()), ("", Some("Ann")));
    }

    #[test]
    fn ends_are_told_apart_and_who_comes_back_is_not_told_again() {
        let how = |state, reason| match step(&row(state, reason), &rules()) {
            Some(TicketStep::Ended { how, .. }) => Some(how),
            _ => None,
        };
        assert_eq!(how(TicketState::Completed, None), Some(TicketEnd::Matched));
        assert_eq!(how(TicketState::Cancelled, Some(DECLINED)), Some(TicketEnd::Declined));
        assert_eq!(how(TicketState::Cancelled, Some(SILENT)), Some(TicketEnd::Ignored));
        assert_eq!(how(TicketState::Cancelled, None), Some(TicketEnd::Cancelled));
        assert_eq!(step(&row(TicketState::Searching, None), &rules()), None);
        let backfill = TicketRow { backfill: true, ..row(TicketState::Queued, None) };
        assert_eq!(step(&backfill, &rules()), None);
    }
}
