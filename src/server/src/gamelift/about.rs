//! What a call of the wire is about, in the words of policies: the same queue or rule set that the native API means.
use super::{arn, tree::Tree};
use crate::authz::{QUEUE, QUEUE_PARAMETER, RULE_SET, RULE_SET_PARAMETER};
use gsm_core::QueueName;
use gsm_engine::Engine;
use std::collections::BTreeSet;

/// Which member of the input says what a call is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    /// Nothing in particular.
    Service,
    /// One configuration, by name or ARN.
    Queue(&'static str),
    /// One rule set, likewise.
    RuleSet(&'static str),
    /// One configuration, and the rule set that it is to go by.
    QueueBy(&'static str, &'static str),
    /// A list of configurations; an absent one means all, or those that go by the rule set that is named beside it.
    QueuesBy(&'static str, &'static str),
    RuleSets(&'static str),
    /// Either, by ARN.
    Resource(&'static str),
}

/// A resource of policies: its type and name.
pub(crate) type Thing = (&'static str, String);

const SERVICE: &str = "Service";

/// What the name of a resource is called in the context of policies, as in the paths of the native API.
pub(super) const fn parameter(kind: &str) -> &'static str {
    match kind.as_bytes() {
        b"Queue" => QUEUE_PARAMETER,
        b"RuleSet" => RULE_SET_PARAMETER,
        _ => "",
    }
}

impl About {
    /// The types of resources.
    pub(super) const fn kinds(self) -> &'static [&'static str] {
        match self {
            Self::Service => &[SERVICE],
            Self::Queue(_) => &[QUEUE],
            Self::RuleSet(_) => &[RULE_SET],
            Self::QueueBy(..) => &[QUEUE, RULE_SET],
            Self::QueuesBy(..) => &[SERVICE, QUEUE, RULE_SET],
            Self::RuleSets(_) => &[SERVICE, RULE_SET],
            Self::Resource(_) => &[SERVICE, QUEUE, RULE_SET],
        }
    }

    /// What a call is about; nothing means the service. The input fits the operation's shape.
    ///
    /// Of a list of configurations those that there are: a list may name any number, and there are few.
    pub(super) fn things(self, input: &Tree, engine: &Engine) -> BTreeSet<Thing> {
        let mut things = self.named(input);
        if let Self::QueuesBy(..) = self {
            let is_there = |name: &str| QueueName::new(name).is_ok_and(|name| engine.queue(&name).is_ok());
            things.retain(|(kind, name)| *kind != QUEUE || is_there(name));
        }
        things
    }

    fn named(self, input: &Tree) -> BTreeSet<Thing> {
        let named = |kind, text: &str| (kind, arn::name(text).to_owned());
        let one = |kind, member| input.text(member).map(|text| named(kind, text)).into_iter().collect();
        let many = |kind, member| input.texts(member).into_iter().map(|text| named(kind, text)).collect();
        let both = |queues: BTreeSet<Thing>, rule_sets: BTreeSet<Thing>| &queues | &rule_sets;
        match self {
            Self::Service => BTreeSet::new(),
            Self::Queue(member) => one(QUEUE, member),
            Self::RuleSet(member) => one(RULE_SET, member),
            Self::QueueBy(queue, rule_set) => both(one(QUEUE, queue), one(RULE_SET, rule_set)),
            Self::QueuesBy(queues, rule_set) => both(many(QUEUE, queues), one(RULE_SET, rule_set)),
            Self::RuleSets(member) => many(RULE_SET, member),
            Self::Resource(member) => match arn::resource(input.text(member).unwrap_or_default()) {
                Ok((arn::Kind::Configuration, name)) => BTreeSet::from([(QUEUE, name.to_owned())]),
                Ok((arn::Kind::RuleSet, name)) => BTreeSet::from([(RULE_SET, name.to_owned())]),
                Err(_) => BTreeSet::new(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gamelift::shape::Known;

    fn check(about: About, input: &str, things: &[(&str, &str)]) {
        let input = super::super::json::read(input.as_bytes(), Known::All).unwrap();
        let found = about.named(&input);
        let found: Vec<(&str, &str)> = found.iter().map(|(kind, name)| (*kind, name.as_str())).collect();
        assert_eq!(found, things);
    }

    #[test]
    fn a_name_and_an_arn_are_the_same_thing() {
        let queue = About::Queue("Name");
        check(queue, r#"{"Name":"duel"}"#, &[("Queue", "duel")]);
        check(
            queue,
            r#"{"Name":"arn:aws:gamelift:r:0:matchmakingconfiguration/duel"}"#,
            &[("Queue", "duel")],
        );
        check(About::RuleSet("Name"), r#"{"Name":"a.1"}"#, &[("RuleSet", "a.1")]);
        let tagged = About::Resource("ResourceARN");
        check(tagged, r#"{"ResourceARN":"arn:aws:gamelift:r:0:matchmakingruleset/a"}"#, &[("RuleSet", "a")]);
        check(tagged, r#"{"ResourceARN":"arn::matchmakingconfiguration/duel"}"#, &[("Queue", "duel")]);
        check(tagged, r#"{"ResourceARN":"duel"}"#, &[]);
    }

    #[test]
    fn a_list_is_about_each_once_and_an_absent_one_about_nothing_in_particular() {
        let queues = About::QueuesBy("Names", "RuleSetName");
        check(queues, r#"{"Names":["b","a","b"]}"#, &[("Queue", "a"), ("Queue", "b")]);
        check(queues, "{}", &[]);
        check(queues, r#"{"Names":["a"],"RuleSetName":"b"}"#, &[("Queue", "a"), ("RuleSet", "b")]);
        check(queues, r#"{"RuleSetName":"arn::matchmakingruleset/b"}"#, &[("RuleSet", "b")]);
        let queue = About::QueueBy("Name", "RuleSetName");
        check(queue, r#"{"Name":"a","RuleSetName":"b"}"#, &[("Queue", "a"), ("RuleSet", "b")]);
        check(queue, r#"{"Name":"a"}"#, &[("Queue", "a")]);
        check(About::Service, r#"{"Name":"a"}"#, &[]);
    }
}
