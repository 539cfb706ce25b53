//! Tags of rule sets and configurations.
use super::{Asked, arn, configurations, fault::Fault, tree::Tree};
use gsm_engine::TagChange;
use std::collections::BTreeMap;

/// Keys that begin so, in whatever case, are AWS's own.
const RESERVED: &str = "aws:";

/// The tags that an input brings, each key once.
pub(super) fn given(input: &Tree) -> Result<BTreeMap<String, String>, Fault> {
    let text = |tag: &Tree, name| tag.text(name).unwrap_or_default().to_owned();
    let mut tags = BTreeMap::new();
    for (at, tag) in input.items("Tags").iter().enumerate() {
        let (key, value) = (text(tag, "Key"), text(tag, "Value"));
        let bad = |what: &str| Fault::invalid(format!("`tags[{at}].key`: `{key}` {what}"));
        if key.get(..RESERVED.len()).is_some_and(|start| start.eq_ignore_ascii_case(RESERVED)) {
            return Err(bad("begins with `aws:`, which is reserved"));
        }
        if tags.contains_key(&key) {
            return Err(bad("is there twice"));
        }
        tags.insert(key, value);
    }
    Ok(tags)
}

fn resource(input: &Tree) -> Result<(arn::Kind, &str), Fault> {
    arn::resource(input.text("ResourceARN").unwrap_or_default())
}

pub(super) fn list(asked: &Asked<'_>, input: &Tree) -> Result<Tree, Fault> {
    let tags = match resource(input)? {
        (arn::Kind::RuleSet, name) => asked.engine.rule_set(&arn::rule_set(name)?)?.tags.clone(),
        (arn::Kind::Configuration, name) => {
            let found = configurations::found(asked, name)?;
            found.gamelift.as_ref().map(|of| of.tags.clone()).unwrap_or_default()
        }
    };
    let tag = |(key, value): (String, String)| Tree::empty().with("Key", key).with("Value", value);
    Ok(Tree::empty().with("Tags", tags.into_iter().map(tag).collect::<Vec<_>>()))
}

pub(super) async fn add(asked: &Asked<'_>, input: &Tree) -> Result<Tree, Fault> {
    change(asked, input, TagChange::Put(given(input)?)).await
}

pub(super) async fn remove(asked: &Asked<'_>, input: &Tree) -> Result<Tree, Fault> {
    let keys = input.texts("TagKeys").into_iter().map(str::to_owned).collect();
    change(asked, input, TagChange::Remove(keys)).await
}

async fn change(asked: &Asked<'_>, input: &Tree, change: TagChange) -> Result<Tree, Fault> {
    match resource(input)? {
        (arn::Kind::RuleSet, name) => {
            asked.engine.tag_rule_set(&asked.call, &arn::rule_set(name)?, &change).await?;
        }
        (arn::Kind::Configuration, name) => {
            let name = configurations::found(asked, name)?.name.clone();
            let changed = asked.engine.change_queue(&asked.call, &name, |queue| {
                let is_native = queue.gamelift.is_none();
                let of = queue.gamelift.get_or_insert_with(|| configurations::bare(None));
                change.apply(&mut of.tags)?;
                if is_native && of.tags.is_empty() {
                    queue.gamelift = None;
                }
                Ok(())
            });
            changed.await?;
        }
    }
    Ok(Tree::empty())
}
