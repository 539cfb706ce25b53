//! Matchmaking configurations: queues that go by a rule set.
use super::{Asked, arn, fault::Fault, page, shapes::is_name, tags::given, tree::Tree};
use gsm_core::{Millis, Mode, QueueName, RuleSetName, Timestamp, limits};
use gsm_engine::{EngineError, GameLift, QueueConfig, TagChange};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Configurations of a page where the caller names no number, and at most.
const PAGE_SIZE: usize = 100;
/// Seconds to accept where the caller names none: the model's most.
const ACCEPTANCE_S: u32 = 600;
/// Seconds that a ticket may wait, at most.
const REQUEST_S: u32 = 43_200;
const STANDALONE: &str = "STANDALONE";

/// A configuration by its name or ARN.
pub(super) fn found(asked: &Asked<'_>, text: &str) -> Result<Arc<QueueConfig>, Fault> {
    let unknown = || Fault::not_found("there is no such matchmaking configuration");
    let name = QueueName::new(arn::name(text)).map_err(|_| unknown())?;
    let queue = asked.engine.queue(&name).map_err(|_| unknown())?;
    if queue.rule_set.is_some() {
        return Ok(queue);
    }
    let unknown = unknown().message;
    Err(Fault::not_found(format!("{unknown}: the native queue `{name}` goes by no rule set")))
}

/// Why a configuration is not made. What has its name is not always shown on the wire.
fn not_made(asked: &Asked<'_>, name: &QueueName, error: EngineError) -> Fault {
    let is_hidden = asked.engine.queue(name).is_ok_and(|queue| queue.rule_set.is_none());
    match error {
        EngineError::NameTaken { .. } if is_hidden => Fault::invalid(format!(
            "`name`: a native queue that goes by no rule set, and is no configuration for that, has the name \
             `{name}`: take another one"
        )),
        other => other.into(),
    }
}

/// What a queue has of the wire that was made there now; natively, of nobody knows when.
pub(super) fn bare(created_at: Option<Timestamp>) -> GameLift {
    GameLift {
        created_at,
        description: None,
        acceptance_timeout_s: None,
        custom_event_data: None,
        notification_target: None,
        additional_player_count: None,
        game_properties: Vec::new(),
        game_session_data: None,
        backfill_mode: None,
        flex_match_mode: None,
        game_session_queue_arns: Vec::new(),
        tags: std::collections::BTreeMap::new(),
        region: None,
    }
}

/// A span as the wire tells it: whole seconds, from 1 to `most`. A native queue may have others.
fn seconds(span: Millis, most: u32) -> u32 {
    u32::try_from(span.get().div_ceil(1_000)).unwrap_or(u32::MAX).clamp(1, most)
}

pub(super) fn shown(asked: &Asked<'_>, queue: &QueueConfig) -> Tree {
    let name = queue.name.as_str();
    let accepts = queue.acceptance_ms.map(|span| seconds(span, ACCEPTANCE_S));
    let number = |number: Option<u32>| number.map(|number| Tree::Integer(i64::from(number)));
    let rule_set = queue.rule_set.as_ref().map(RuleSetName::as_str);
    let tree = Tree::empty()
        .with("Name", name)
        .with("ConfigurationArn", asked.place.arn(arn::Kind::Configuration, name))
        .with("RequestTimeoutSeconds", Tree::Integer(seconds(queue.ticket_timeout_ms, REQUEST_S).into()))
        .with("AcceptanceRequired", queue.acceptance_ms.is_some())
        .with_some("RuleSetName", rule_set)
        .with_some("RuleSetArn", rule_set.map(|name| asked.place.arn(arn::Kind::RuleSet, name)));
    let Some(of) = &queue.gamelift else {
        return tree.with("FlexMatchMode", STANDALONE).with_some("AcceptanceTimeoutSeconds", number(accepts));
    };
    let text = |text: &Option<String>| text.as_deref().map(Tree::from);
    let accepts = accepts.or(of.acceptance_timeout_s);
    let property = |(key, value): &(String, String)| {
        Tree::empty().with("Key", key.as_str()).with("Value", value.as_str())
    };
    let properties: Vec<Tree> = of.game_properties.iter().map(property).collect();
    let queues: Vec<Tree> = of.game_session_queue_arns.iter().map(|arn| Tree::from(arn.as_str())).collect();
    let unless_empty = |list: Vec<Tree>| Some(list).filter(|list| !list.is_empty());
    tree.with_some("CreationTime", of.created_at)
        .with_some("Description", text(&of.description))
        .with_some("AcceptanceTimeoutSeconds", number(accepts))
        .with_some("CustomEventData", text(&of.custom_event_data))
        .with_some("NotificationTarget", text(&of.notification_target))
        .with_some("AdditionalPlayerCount", number(of.additional_player_count))
        .with_some("GameProperties", unless_empty(properties))
        .with_some("GameSessionData", text(&of.game_session_data))
        .with_some("GameSessionQueueArns", unless_empty(queues))
        .with_some("BackfillMode", text(&of.backfill_mode))
        .with("FlexMatchMode", of.flex_match_mode.as_deref().unwrap_or(STANDALONE))
}

/// Puts what an input names into a queue; the rest stays.
fn apply(queue: &mut QueueConfig, input: &Tree) -> Result<(), EngineError> {
    let mut accepts = queue.acceptance_ms.is_some();
    let mut of = queue.gamelift.take().unwrap_or_else(|| bare(None));
    let text = |name: &str, place: &mut Option<String>| {
        if let Some(text) = input.text(name) {
            *place = Some(text.to_owned());
        }
    };
    text("Description", &mut of.description);
    text("CustomEventData", &mut of.custom_event_data);
    text("NotificationTarget", &mut of.notification_target);
    text("GameSessionData", &mut of.game_session_data);
    text("BackfillMode", &mut of.backfill_mode);
    text("FlexMatchMode", &mut of.flex_match_mode);
    let number = |name: &str| input.integer(name).and_then(|number| u32::try_from(number).ok());
    let to_accept = number("AcceptanceTimeoutSeconds");
    let before = queue.acceptance_ms.map(|span| seconds(span, ACCEPTANCE_S));
    of.acceptance_timeout_s = to_accept.or(before).or(of.acceptance_timeout_s);
    of.additional_player_count = number("AdditionalPlayerCount").or(of.additional_player_count);
    if input.get("GameSessionQueueArns").is_some() {
        of.game_session_queue_arns =
            input.texts("GameSessionQueueArns").into_iter().map(str::to_owned).collect();
    }
    if input.get("GameProperties").is_some() {
        let text = |of: &Tree, name| of.text(name).unwrap_or_default().to_owned();
        let properties = input.items("GameProperties").iter();
        of.game_properties = properties.map(|of| (text(of, "Key"), text(of, "Value"))).collect();
    }
    if let Some(Tree::Flag(required)) = input.get("AcceptanceRequired") {
        accepts = *required;
    }
    if let Some(seconds) = number("RequestTimeoutSeconds") {
        queue.ticket_timeout_ms = Millis::from_secs(u64::from(seconds));
    }
    if let Some(text) = input.text("RuleSetName") {
        let name =
            RuleSetName::new(arn::name(text)).map_err(|_| EngineError::Unknown { what: "rule set" })?;
        // The wire knows the first version alone; a queue that goes by a later one natively goes on so.
        if queue.rule_set.as_ref() != Some(&name) {
            queue.rule_set_version = Some(1);
        }
        queue.rule_set = Some(name);
    }
    let known = Millis::from_secs(of.acceptance_timeout_s.unwrap_or(ACCEPTANCE_S).into());
    // What is not sent stays, to the millisecond.
    let stays = queue.acceptance_ms.filter(|_| to_accept.is_none());
    queue.acceptance_ms = accepts.then(|| stays.unwrap_or(known));
    modes_agree(&of)?;
    queue.gamelift = Some(of);
    Ok(())
}

/// What the modes of a configuration ask of each other. There are no game-session queues here to place with.
fn modes_agree(of: &GameLift) -> Result<(), EngineError> {
    let refuse = |field: &str, detail: &str| {
        Err(EngineError::Invalid { field: field.to_owned(), detail: detail.to_owned() })
    };
    let queues = of.game_session_queue_arns.len();
    match of.flex_match_mode.as_deref() {
        Some(STANDALONE) if queues > 0 => {
            refuse("gameSessionQueueArns", "a STANDALONE configuration places with no queue")
        }
        Some(STANDALONE) if of.backfill_mode.as_deref() == Some("AUTOMATIC") => {
            refuse("backfillMode", "a STANDALONE configuration has no automatic backfill")
        }
        Some(STANDALONE) => Ok(()),
        None if queues == 0 => refuse("flexMatchMode", "without a game-session queue it must be STANDALONE"),
        _ if queues != 1 => refuse("gameSessionQueueArns", "WITH_QUEUE places with exactly one queue"),
        _ => Err(EngineError::Unknown { what: "game-session queue" }),
    }
}

/// The mode that a configuration's matches are rated in: one of its own, of its name as far as a mode's name goes.
fn mode_of(name: &str) -> Result<Mode, Fault> {
    let mode = if name.len() <= limits::NAME_CHARS_MAX {
        Mode::new(name)
    } else {
        let hash = blake3::hash(name.as_bytes()).to_hex();
        let (start, hash) = (name.get(..limits::NAME_CHARS_MAX - 17), hash.get(..16));
        Mode::new(&format!("{}-{}", start.unwrap_or_default(), hash.unwrap_or_default()))
    };
    mode.map_err(|error| Fault::invalid(format!("`name`: {error}")))
}

pub(super) async fn create(asked: &Asked<'_>, input: &Tree) -> Result<Tree, Fault> {
    let text = input.text("Name").unwrap_or_default();
    let name = QueueName::new(text).map_err(|error| Fault::invalid(format!("`name`: {error}")))?;
    let mut queue = QueueConfig::new(name.clone(), mode_of(text)?, gsm_matchmaking::MatchRules::default());
    let region = Some(asked.place.region.clone());
    let mut tags = BTreeMap::new();
    TagChange::Put(given(input)?).apply(&mut tags)?;
    queue.gamelift = Some(GameLift { tags, region, ..bare(Some(asked.call.now)) });
    apply(&mut queue, input)?;
    let made = asked.engine.create_queue(&asked.call, queue).await;
    let made = made.map_err(|error| not_made(asked, &name, error))?;
    Ok(Tree::empty().with("Configuration", shown(asked, &made)))
}

pub(super) async fn update(asked: &Asked<'_>, input: &Tree) -> Result<Tree, Fault> {
    let name = found(asked, input.text("Name").unwrap_or_default())?.name.clone();
    let changed = asked.engine.change_queue(&asked.call, &name, |queue| {
        let before = queue.clone();
        // One that was made natively is what it is shown as.
        let of = queue.gamelift.get_or_insert_with(|| bare(None));
        of.flex_match_mode.get_or_insert_with(|| STANDALONE.to_owned());
        let mut as_shown = queue.clone();
        apply(queue, input)?;
        // What is as it was shown to be stays as it is.
        if apply(&mut as_shown, &Tree::empty()).is_ok() && *queue == as_shown {
            *queue = before;
        }
        Ok(())
    });
    Ok(Tree::empty().with("Configuration", shown(asked, &changed.await?)))
}

/// Those of these names that there are, each once, or a page of all, or of those that go by a rule set. A native queue whose name
/// the wire does not take is not shown.
pub(super) fn describe(asked: &Asked<'_>, input: &Tree) -> Result<Tree, Fault> {
    let mut next = None;
    let mut queues: Vec<Arc<QueueConfig>> = if input.items("Names").is_empty() {
        let after: Option<QueueName> = input
            .text("NextToken")
            .map(|token| page::last(asked.masters.pagings(), page::List::Configurations, token))
            .transpose()?;
        let is_shown = |queue: &Arc<QueueConfig>| queue.rule_set.is_some() && is_name(queue.name.as_str());
        let all = asked.engine.queues().into_iter().filter(is_shown);
        all.filter(|queue| after.as_ref().is_none_or(|after| queue.name > *after)).collect()
    } else {
        // A body has room for very many names, of which there are few.
        let mut seen = BTreeSet::new();
        let named = input.texts("Names").into_iter().filter_map(|name| found(asked, name).ok());
        named.filter(|queue| seen.insert(queue.name.clone())).collect()
    };
    if let Some(text) = input.text("RuleSetName") {
        queues.retain(|queue| queue.rule_set.as_ref().is_some_and(|name| name.as_str() == arn::name(text)));
    }
    let limit = input.integer("Limit").and_then(|limit| usize::try_from(limit).ok());
    let limit = limit.unwrap_or(PAGE_SIZE).min(PAGE_SIZE);
    if input.items("Names").is_empty() && queues.len() > limit {
        queues.truncate(limit);
        next = queues.last().map(|queue| {
            page::token(&asked.masters.newest.paging, page::List::Configurations, queue.name.as_str())
        });
    }
    let queues: Vec<Tree> = queues.iter().map(|queue| shown(asked, queue)).collect();
    Ok(Tree::empty().with("Configurations", queues).with_some("NextToken", next))
}

pub(super) async fn delete(asked: &Asked<'_>, input: &Tree) -> Result<Tree, Fault> {
    let name = found(asked, input.text("Name").unwrap_or_default())?.name.clone();
    asked.engine.delete_queue(&asked.call, &name).await?;
    Ok(Tree::empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_mode_of_its_own() {
        let long = "n".repeat(127);
        assert_eq!(mode_of("ladder.2").unwrap().as_str(), "ladder.2");
        let modes = [mode_of(&format!("{long}a")).unwrap(), mode_of(&format!("{long}b")).unwrap()];
        assert_ne!(modes[0], modes[1]);
        assert!(modes[0].as_str().len() == limits::NAME_CHARS_MAX && modes[0].as_str().starts_with("nnn"));
    }
}
