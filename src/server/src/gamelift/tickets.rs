//! Tickets: the same ones, in the same pools, as those of the native API.
use super::{Asked, arn, configurations, fault::Fault, tree::Tree};
use gsm_core::{PlayerId, RequestKey, TicketId};
use gsm_engine::{CANCELLED, Engine, EngineError, Intake, NewTicket, TicketView, store::Brought};
use gsm_rules::Value;
use gsm_session::TicketState;
use std::collections::{BTreeMap, BTreeSet};

pub(super) async fn start(asked: &Asked<'_>, input: &Tree) -> Result<Tree, Fault> {
    enter(asked, input, Intake::GameLift).await
}

pub(super) async fn backfill(asked: &Asked<'_>, input: &Tree) -> Result<Tree, Fault> {
    enter(asked, input, Intake::Backfill).await
}

async fn enter(asked: &Asked<'_>, input: &Tree, intake: Intake) -> Result<Tree, Fault> {
    let queue = configurations::found(asked, input.text("ConfigurationName").unwrap_or_default())?;
    let brought = input
        .items("Players")
        .iter()
        .enumerate()
        .map(|(at, player)| brought(at, player, intake))
        .collect::<Result<Vec<_>, _>>()?;
    let names: Vec<String> = brought.iter().filter_map(|of| of.name.clone()).collect();
    let mut seen = BTreeSet::new();
    if let Some(twice) = names.iter().find(|name| !seen.insert(*name)) {
        return Err(Fault::invalid(format!("player `{twice}` comes twice in the ticket")));
    }
    let own_id = match input.text("TicketId") {
        Some(id) => id.to_owned(),
        None => super::uuid(&**asked.engine.ids()),
    };
    let own_id = RequestKey::new(&own_id).map_err(|error| Fault::invalid(format!("`ticketId`: {error}")))?;
    let known = asked.engine.gamelift_known(&names).await?;
    let mut seen = BTreeMap::new();
    for (player, name) in known.iter().zip(&names).filter_map(|(player, name)| Some((player.as_ref()?, name)))
    {
        if let Some(first) = seen.insert(player, name) {
            let detail = format!("player `{first}` comes twice in the ticket, once as `{name}`");
            return Err(Fault::invalid(detail));
        }
    }
    let new = NewTicket {
        own_id: Some(own_id),
        brought,
        intake,
        session: input.text("GameSessionArn").map(str::to_owned),
        ..NewTicket::new(queue.name.clone(), PlayerId::from_u128(0))
    };
    let players = match known.iter().copied().collect::<Option<Vec<_>>>() {
        Some(players) => players,
        None => {
            // Who is new is not made for a ticket that is refused: until that is known, any id does.
            let any = || PlayerId::fresh(&**asked.engine.ids());
            let players: Vec<PlayerId> = known.iter().map(|player| player.unwrap_or_else(any)).collect();
            asked.engine.check_ticket(&asked.call, &of(new.clone(), &players)?).await.map_err(told)?;
            asked.engine.gamelift_players(&asked.call, &names).await?
        }
    };
    let new = of(new, &players)?;
    let made = asked.engine.create_ticket(&asked.call, &new).await;
    let view = made.map_err(|error| by_name(told(error), players.iter().zip(&names)))?;
    Ok(Tree::empty().with("MatchmakingTicket", shown(asked, &view)))
}

/// The ticket of these players.
fn of(new: NewTicket, players: &[PlayerId]) -> Result<NewTicket, Fault> {
    let none = || Fault::invalid("a ticket has at least one player");
    let (leader, members) = players.split_first().ok_or_else(none)?;
    let members = members.iter().map(|player| (*player, None)).collect();
    Ok(NewTicket { leader: *leader, members, ..new })
}

/// Why a ticket is not made, in the words that clients know.
fn told(error: EngineError) -> Fault {
    match error {
        // Natively a request may be repeated under its id.
        EngineError::TicketIdTaken => {
            Fault::invalid("`ticketId`: a ticket had this id before: each needs one of its own")
        }
        EngineError::Invalid { field, detail } if field == "attributes" => {
            Fault::invalid(format!("`playerAttributes`: {detail}"))
        }
        other => other.into(),
    }
}

/// A refusal that names players as the wire does.
fn by_name<'a>(fault: Fault, players: impl Iterator<Item = (&'a PlayerId, &'a String)>) -> Fault {
    let message = players.fold(fault.message.into_owned(), |message, (player, name)| {
        message.replace(&format!("`{player}`"), &format!("`{name}`"))
    });
    Fault { message: message.into(), ..fault }
}

/// What a player of an input brings. Teams are for players who play already.
fn brought(at: usize, player: &Tree, intake: Intake) -> Result<Brought, Fault> {
    let path = format!("players.{}.member", at + 1);
    let mut attributes = BTreeMap::new();
    if let Some(Tree::Members(given)) = player.get("PlayerAttributes") {
        for (name, given) in given {
            let value = value(given).ok_or_else(|| {
                let path = format!("{path}.playerAttributes.{name}");
                Fault::invalid(format!("`{path}` must have exactly one of S, N, SL and SDM"))
            })?;
            attributes.insert(name.clone(), value);
        }
    }
    let mut latency_ms = BTreeMap::new();
    if let Some(Tree::Members(given)) = player.get("LatencyInMs") {
        let number = |value: &Tree| value.as_integer().and_then(|ms| u32::try_from(ms).ok());
        latency_ms = given.iter().filter_map(|(place, ms)| Some((place.clone(), number(ms)?))).collect();
    }
    let team = match (intake, player.text("Team")) {
        (Intake::Backfill, Some(team)) => Some(team.to_owned()),
        (Intake::Backfill, None) => {
            return Err(Fault::invalid(format!("`{path}.team`: the players of a backfill have teams")));
        }
        _ => None,
    };
    let name = player.text("PlayerId").map(str::to_owned);
    Ok(Brought { name, attributes, latency_ms, team, role: None })
}

/// The one value that an attribute has.
fn value(given: &Tree) -> Option<Value> {
    let Tree::Members(members) = given else { return None };
    let number = |value: &Tree| match value {
        Tree::Integer(number) => Some(*number as f64),
        Tree::Float(number) => Some(*number),
        _ => None,
    };
    let mut found = ["S", "N", "SL", "SDM"].into_iter().filter_map(|kind| Some((kind, members.get(kind)?)));
    let (first, None) = (found.next()?, found.next()) else { return None };
    Some(match first {
        ("S", text) => Value::Text(text.as_text()?.to_owned()),
        ("N", value) => Value::Number(number(value)?),
        ("SL", Tree::List(_)) => {
            let mut seen = BTreeSet::new();
            let texts = given.texts("SL").into_iter().filter(|text| seen.insert(*text));
            Value::List(texts.map(str::to_owned).collect())
        }
        (_, Tree::Members(entries)) => {
            let entries = entries.iter().map(|(name, value)| Some((name.clone(), number(value)?)));
            Value::Map(entries.collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

fn attribute(value: &Value) -> Tree {
    match value {
        Value::Number(number) => Tree::empty().with("N", Tree::Float(*number)),
        Value::Text(text) => Tree::empty().with("S", text.as_str()),
        Value::List(texts) => {
            Tree::empty().with("SL", texts.iter().map(|text| Tree::from(text.as_str())).collect::<Vec<_>>())
        }
        Value::Map(entries) => {
            let entries = entries.iter().map(|(name, number)| (name.clone(), Tree::Float(*number)));
            Tree::empty().with("SDM", Tree::Members(entries.collect()))
        }
    }
}

/// What FlexMatch says of a ticket whose time is up.
pub(crate) const TIMED_OUT: &str = "Removed from matchmaking due to timing out.";

/// What we say of a ticket whose match was not accepted by all, and which searches on.
const NOT_ACCEPTED: &str = "A proposed match was not accepted; searching for another one.";

/// What it says of one that was stopped; of other ends we say what they were.
pub(crate) fn cancelled(why: Option<&str>) -> &str {
    why.filter(|why| *why != CANCELLED).unwrap_or("Cancelled by request.")
}

/// Why a ticket ended, in the words of events; or why it searches again.
fn why(state: TicketState, why: Option<&str>) -> Option<(&'static str, &str)> {
    match state {
        TicketState::TimedOut => Some(("TimedOut", TIMED_OUT)),
        TicketState::Cancelled => Some(("Cancelled", cancelled(why))),
        // The service gives a reason here, and does not say which.
        TicketState::Searching => why.map(|_| ("AcceptanceFailed", NOT_ACCEPTED)),
        _ => None,
    }
}

fn status(state: &str) -> String {
    state.to_ascii_uppercase()
}

fn shown(asked: &Asked<'_>, view: &TicketView) -> Tree {
    let row = &view.row;
    let (reason, message) = why(row.state, row.reason.as_deref()).unzip();
    let session = row.session.as_deref().map(|arn| Tree::empty().with("GameSessionArn", arn));
    let nothing = Brought::default();
    let player = |(at, player): (usize, &gsm_engine::store::TicketPlayer)| {
        let of = row.brought.get(at).unwrap_or(&nothing);
        let attributes = of.attributes.iter().map(|(name, value)| (name.clone(), attribute(value))).collect();
        let latencies =
            of.latency_ms.iter().map(|(at, ms)| (at.clone(), Tree::Integer(i64::from(*ms)))).collect();
        let unless_empty = |map: BTreeMap<String, Tree>| (!map.is_empty()).then_some(Tree::Members(map));
        Tree::empty()
            .with("PlayerId", of.name.clone().unwrap_or_else(|| player.player.to_string()))
            .with_some("PlayerAttributes", unless_empty(attributes))
            .with_some("LatencyInMs", unless_empty(latencies))
            .with_some("Team", of.team.as_deref())
    };
    let players: Vec<Tree> = row.players.iter().enumerate().map(player).collect();
    let wait = asked.engine.estimated_wait(&row.queue).filter(|_| !row.state.is_terminal());
    let wait = wait.map(|wait| Tree::Integer(i64::try_from(wait.get().div_ceil(1_000)).unwrap_or(i64::MAX)));
    Tree::empty()
        .with("TicketId", Engine::gamelift_ticket_name(view.id, row))
        .with("ConfigurationName", row.queue.as_str())
        .with("ConfigurationArn", asked.place.arn(arn::Kind::Configuration, row.queue.as_str()))
        .with("Status", status(row.state.as_str()))
        .with_some("StatusReason", reason)
        .with_some("StatusMessage", message)
        .with("StartTime", row.queued_at)
        .with_some("EndTime", row.ended_at)
        .with_some("EstimatedWaitTime", wait)
        .with("Players", players)
        .with_some("GameSessionConnectionInfo", session)
}

fn key(text: &str) -> Result<RequestKey, Fault> {
    RequestKey::new(text).map_err(|_| unknown())
}

fn unknown() -> Fault {
    Fault::not_found("there is no such matchmaking ticket")
}

/// Whether a ticket has this name on the wire: one that has its caller's own id has no other.
fn is_called(view: &TicketView, name: &str) -> bool {
    Engine::gamelift_ticket_name(view.id, &view.row) == name
}

/// The ticket that is meant by a name.
async fn named(asked: &Asked<'_>, name: &str) -> Result<TicketId, Fault> {
    let id = Engine::gamelift_ticket_id(&key(name)?);
    if name.parse::<TicketId>().is_ok() {
        let found = asked.engine.tickets(&asked.call, &[id]).await?;
        if found.iter().any(|view| !is_called(view, name)) {
            return Err(unknown());
        }
    }
    Ok(id)
}

pub(super) async fn stop(asked: &Asked<'_>, input: &Tree) -> Result<Tree, Fault> {
    let id = named(asked, input.text("TicketId").unwrap_or_default()).await?;
    match asked.engine.stop_ticket(&asked.call, id).await {
        Ok(_) => Ok(Tree::empty()),
        Err(EngineError::Unknown { .. }) => Err(unknown()),
        Err(EngineError::NotWaiting { state }) => {
            let state = status(state);
            Err(Fault::invalid(format!("Matchmaking ticket is in {state} status and cannot be canceled.")))
        }
        Err(other) => Err(other.into()),
    }
}

/// Those of these ids that there are.
pub(super) async fn describe(asked: &Asked<'_>, input: &Tree) -> Result<Tree, Fault> {
    let mut ids = Vec::new();
    for text in input.texts("TicketIds") {
        let id = Engine::gamelift_ticket_id(&key(text)?);
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    let views = asked.engine.tickets(&asked.call, &ids).await?;
    let is_meant = |view: &&TicketView| input.texts("TicketIds").iter().any(|name| is_called(view, name));
    let views: Vec<Tree> = views.iter().filter(is_meant).map(|view| shown(asked, view)).collect();
    Ok(Tree::empty().with("TicketList", views))
}

pub(super) async fn accept(asked: &Asked<'_>, input: &Tree) -> Result<Tree, Fault> {
    let id = named(asked, input.text("TicketId").unwrap_or_default()).await?;
    let players: Vec<String> = input.texts("PlayerIds").into_iter().map(str::to_owned).collect();
    let accept = input.text("AcceptanceType") == Some("ACCEPT");
    match asked.engine.answer_for(&asked.call, id, &players, accept).await {
        Ok(()) => Ok(Tree::empty()),
        Err(EngineError::Unknown { .. }) => Err(unknown()),
        Err(EngineError::NotWaiting { state }) => {
            let state = status(state);
            Err(Fault::invalid(format!(
                "Matchmaking ticket is in {state} status and has no match to accept."
            )))
        }
        Err(other) => Err(other.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gamelift::{json, shape::Known};

    fn check(text: &str, expected: Option<Value>) {
        assert_eq!(value(&json::read(text.as_bytes(), Known::All).unwrap()), expected, "{text}");
    }

    #[test]
    fn an_attribute_has_exactly_one_value() {
        check(r#"{"N":7}"#, Some(Value::Number(7.0)));
        check(r#"{"S":"x","N":null}"#, Some(Value::Text("x".into())));
        check(r#"{"SL":["b","a","b"]}"#, Some(Value::List(vec!["b".into(), "a".into()])));
        check(r#"{"SDM":{"a":1.5}}"#, Some(Value::Map([("a".to_owned(), 1.5)].into())));
        check("{}", None);
        check(r#"{"S":"x","N":7}"#, None);
    }

    #[test]
    fn attributes_are_written_as_they_are_read() {
        let values = [
            Value::Number(7.5),
            Value::Text("x".into()),
            Value::List(vec!["b".into(), "a".into()]),
            Value::Map([("a".to_owned(), 1.5)].into()),
        ];
        values.into_iter().for_each(|one| assert_eq!(value(&attribute(&one)), Some(one)));
    }
}
