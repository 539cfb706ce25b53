//! Matchmaking events as FlexMatch writes them: for EventBridge, and for SNS with the same text as its message.
use crate::{api::PredictionDto, gamelift};
use gsm_core::{Millis, Timestamp};
use gsm_engine::{Decision, EventTicket, Happening, MatchmakingEvent, QueueConfig};
use jiff::{Timestamp as Instant, tz::TimeZone};
use serde_json::{Map, Value, json};

/// Whose names the events carry.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    /// The region of everything, if the settings name one.
    pub(crate) region: Option<String>,
    pub(crate) id: String,
}

impl Account {
    /// Where a queue is: an event has no caller, so it is the region of whoever made the configuration.
    pub(super) fn region<'a>(&'a self, queue: &'a QueueConfig) -> &'a str {
        let made_in = || queue.gamelift.as_ref().and_then(|of| of.region.as_deref());
        self.region.as_deref().or_else(made_in).unwrap_or(gamelift::REGION_DEFAULT)
    }
}

/// ISO 8601 with milliseconds, in UTC.
pub(super) fn iso(at: Timestamp) -> String {
    // What is out of the calendar's range is as late as it gets.
    let instant = Instant::from_millisecond(at.as_millis()).unwrap_or(Instant::MAX);
    instant.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// The event in its envelope.
pub(crate) fn event_bridge(event: &MatchmakingEvent, account: &Account) -> Value {
    let (region, name) = (account.region(&event.queue), &event.queue.name);
    json!({
        "version": "0",
        "id": gamelift::uuid_of(event.id.as_u128()),
        "detail-type": "GameLift Matchmaking Event",
        "source": "aws.gamelift",
        "account": account.id,
        "time": iso(event.at),
        "region": region,
        "resources": [format!("arn:aws:gamelift:{region}:{}:matchmakingconfiguration/{name}", account.id)],
        "detail": detail(event),
    })
}

/// The envelope as the message of a notification of `topic`.
pub(crate) fn sns(event: &MatchmakingEvent, account: &Account, topic: &str) -> Value {
    json!({
        "Type": "Notification",
        "MessageId": gamelift::uuid_of(event.id.as_u128()),
        "TopicArn": topic,
        "Message": event_bridge(event, account).to_string(),
        "Timestamp": iso(event.at),
    })
}

fn detail(event: &MatchmakingEvent) -> Value {
    let mut detail = Map::new();
    let mut put = |name: &str, value: Value| detail.insert(name.to_owned(), value);
    put("type", json!(name(&event.what)));
    let tickets: Vec<Value> = event.tickets.iter().map(ticket).collect();
    put("tickets", json!(tickets));
    let players: Vec<Value> = event.tickets.iter().flat_map(players).collect();
    let mut session = Map::from_iter([("players".to_owned(), json!(players))]);
    // Of a match at most one ticket has one: the backfill.
    if let Some(arn) = event.tickets.iter().find_map(|ticket| ticket.session.as_ref()) {
        session.insert("gameSessionArn".to_owned(), json!(arn));
    }
    put("gameSessionInfo", Value::Object(session));
    if let Some(data) = event.queue.gamelift.as_ref().and_then(|of| of.custom_event_data.as_ref()) {
        put("customEventData", json!(data));
    }
    if let Some(id) = event.match_id {
        put("matchId", json!(id.to_string()));
    }
    if let Some(of) = &event.prediction {
        put("prediction", json!(PredictionDto::from(of.clone())));
    }
    let mut counts = || {
        let count = |rule: &gsm_engine::RuleCount| json!({ "ruleName": rule.rule, "passedCount": rule.passed, "failedCount": rule.failed });
        let counts: Vec<Value> = event.rules.iter().map(count).collect();
        put("ruleEvaluationMetrics", json!(counts));
    };
    match &event.what {
        Happening::Searching(wait) => {
            put("estimatedWaitMillis", wait.map_or(json!("NOT_AVAILABLE"), |wait| json!(seconds(wait))));
        }
        Happening::PotentialMatch(patience) => {
            counts();
            put("acceptanceRequired", json!(patience.is_some()));
            if let Some(patience) = patience {
                put("acceptanceTimeout", json!(seconds(*patience)));
            }
        }
        Happening::Decided(decision) => {
            let word = match decision {
                Decision::Accepted => "Accepted",
                Decision::Rejected => "Rejected",
                Decision::TimedOut => "TimedOut",
            };
            put("acceptance", json!(word));
        }
        Happening::TimedOut => {
            counts();
            put("reason", json!("TimedOut"));
            put("message", json!(gamelift::TIMED_OUT));
        }
        Happening::Cancelled(why) => {
            counts();
            put("reason", json!("Cancelled"));
            put("message", json!(gamelift::cancelled(Some(why))));
        }
        Happening::Disputed(how) => {
            put("reason", json!("Disputed"));
            put("message", json!(how));
        }
        Happening::Answered | Happening::Succeeded => {}
    }
    Value::Object(detail)
}

/// The type of the event.
pub(crate) fn name(what: &Happening) -> &'static str {
    match what {
        Happening::Searching(_) => "MatchmakingSearching",
        Happening::PotentialMatch(_) => "PotentialMatchCreated",
        Happening::Answered => "AcceptMatch",
        Happening::Decided(_) => "AcceptMatchCompleted",
        Happening::Succeeded => "MatchmakingSucceeded",
        Happening::TimedOut => "MatchmakingTimedOut",
        Happening::Cancelled(_) => "MatchmakingCancelled",
        Happening::Disputed(_) => "MatchDisputed",
    }
}

fn seconds(span: Millis) -> u64 {
    span.get().div_ceil(1_000)
}

fn ticket(ticket: &EventTicket) -> Value {
    json!({
        "ticketId": ticket.id,
        "startTime": iso(ticket.queued_at),
        "players": players(ticket).collect::<Vec<_>>(),
    })
}

fn players(ticket: &EventTicket) -> impl Iterator<Item = Value> {
    ticket.players.iter().map(|player| {
        let mut shown = Map::from_iter([("playerId".to_owned(), json!(player.id))]);
        if let Some(team) = &player.team {
            shown.insert("team".to_owned(), json!(team));
        }
        // Rule sets of AWS have no roles: their players are shown as ever.
        if let Some(role) = &player.role {
            shown.insert("role".to_owned(), json!(role.name));
        }
        if let Some(accepted) = player.accepted {
            shown.insert("accepted".to_owned(), json!(accepted));
        }
        Value::Object(shown)
    })
}

#[cfg(test)]
mod tests;
