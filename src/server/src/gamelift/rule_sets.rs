//! Rule sets: made, checked, read, deleted.
use super::{Asked, arn, fault::Fault, page, shapes::is_name, tags::given, tree::Tree};
use gsm_core::RuleSetName;
use gsm_engine::{EngineError, store::RuleSetRow};
use gsm_rules::Dialect;

/// Rule sets of a page where the caller names no number; the most that one may name.
const PAGE_SIZE: usize = 10;

fn shown(asked: &Asked<'_>, row: &RuleSetRow) -> Tree {
    let name = row.name.as_str();
    Tree::empty()
        .with("RuleSetName", name)
        .with("RuleSetArn", asked.place.arn(arn::Kind::RuleSet, name))
        .with("RuleSetBody", &*row.body)
        .with("CreationTime", row.created_at)
}

/// Faults of a body under the name that clients know it by.
fn told(error: EngineError) -> Fault {
    match error {
        EngineError::Invalid { field, detail } if field == "body" => {
            Fault::invalid(format!("`ruleSetBody`: {detail}"))
        }
        other => other.into(),
    }
}

/// The wire knows FlexMatch's language and nothing else.
fn check(asked: &Asked<'_>, body: &str) -> Result<(), Fault> {
    asked.engine.check_rule_set(body, Dialect::Strict).map_err(|error| {
        let fault = told(error);
        if asked.engine.check_rule_set(body, Dialect::Extended).is_err() {
            return fault;
        }
        let message = format!(
            "{}; these are extensions of FlexMatch's language, which the native API takes (`PUT \
             /v1/admin/rule-sets/{{rule_set}}`) and this one does not",
            fault.message
        );
        Fault { message: message.into(), ..fault }
    })
}

pub(super) async fn create(asked: &Asked<'_>, input: &Tree) -> Result<Tree, Fault> {
    let name = RuleSetName::new(input.text("Name").unwrap_or_default())
        .map_err(|error| Fault::invalid(format!("`name`: {error}")))?;
    let body = input.text("RuleSetBody").unwrap_or_default();
    check(asked, body)?;
    let made = asked.engine.create_rule_set(&asked.call, &name, body, given(input)?).await;
    let row = made.map_err(told)?;
    Ok(Tree::empty().with("RuleSet", shown(asked, &row)))
}

pub(super) fn validate(asked: &Asked<'_>, input: &Tree) -> Result<Tree, Fault> {
    let body = input.text("RuleSetBody").unwrap_or_default();
    check(asked, body)?;
    Ok(Tree::empty().with("Valid", true))
}

/// Those of these names, each of which must be there; or a page of all. A native rule set whose name the wire does not take is
/// not shown.
pub(super) fn describe(asked: &Asked<'_>, input: &Tree) -> Result<Tree, Fault> {
    let mut next = None;
    let rows = if input.get("Names").is_some() {
        let names = input.texts("Names").into_iter();
        names
            .map(|name| Ok(asked.engine.rule_set(&arn::rule_set(name)?)?))
            .collect::<Result<Vec<_>, Fault>>()?
    } else {
        let mut after: Option<RuleSetName> = input
            .text("NextToken")
            .map(|token| page::last(asked.masters.pagings(), page::List::RuleSets, token))
            .transpose()?;
        let limit = input.integer("Limit").and_then(|limit| usize::try_from(limit).ok()).unwrap_or(PAGE_SIZE);
        let mut rows = Vec::new();
        while rows.len() <= limit {
            let found = asked.engine.rule_sets(after.as_ref(), limit + 1);
            let Some(last) = found.last() else { break };
            after = Some(last.name.clone());
            rows.extend(found.into_iter().filter(|row| is_name(row.name.as_str())));
        }
        if rows.len() > limit {
            rows.truncate(limit);
            let key = &asked.masters.newest.paging;
            next = rows.last().map(|row| page::token(key, page::List::RuleSets, row.name.as_str()));
        }
        rows
    };
    let rows: Vec<Tree> = rows.iter().map(|row| shown(asked, row)).collect();
    Ok(Tree::empty().with("RuleSets", rows).with_some("NextToken", next))
}

pub(super) async fn delete(asked: &Asked<'_>, input: &Tree) -> Result<Tree, Fault> {
    let name = arn::rule_set(input.text("Name").unwrap_or_default())?;
    asked.engine.delete_rule_set(&asked.call, &name).await?;
    Ok(Tree::empty())
}
