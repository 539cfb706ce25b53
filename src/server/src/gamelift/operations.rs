//! The operations of the wire: who may call each, what it takes, and who does it.
use super::{
    Asked,
    about::About,
    configurations,
    fault::Fault,
    rule_sets,
    shape::{Member, Shape},
    shapes::{self as takes},
    tags, tickets,
    tree::Tree,
};
use gsm_engine::Role;
use serde_json::{Value, json};

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    CreateRuleSet,
    ValidateRuleSet,
    DescribeRuleSets,
    DeleteRuleSet,
    CreateConfiguration,
    UpdateConfiguration,
    DescribeConfigurations,
    DeleteConfiguration,
    StartMatchmaking,
    StartBackfill,
    StopMatchmaking,
    DescribeMatchmaking,
    AcceptMatch,
    TagResource,
    UntagResource,
    ListTags,
}

/// An operation of the wire.
pub(crate) struct Operation {
    /// For the policy and the audit log; behind the colon stands the name that clients know.
    pub(crate) action: &'static str,
    /// Who may.
    pub(crate) roles: &'static [Role],
    /// Whether it changes anything.
    pub(crate) mutating: bool,
    /// Its input.
    pub(crate) takes: &'static [Member],
    /// What of it says what it is about.
    pub(crate) about: About,
    deed: Deed,
}

/// Before the name in an action.
const ACTION_PREFIX: &str = "gamelift:";
/// Operators alone, and back ends as well.
const ADMIN: &[Role] = &[Role::Admin];
const BOTH: &[Role] = &[Role::Server, Role::Admin];

const fn changes(
    action: &'static str,
    roles: &'static [Role],
    takes: &'static [Member],
    about: About,
    deed: Deed,
) -> Operation {
    Operation { action, roles, mutating: true, takes, about, deed }
}
const fn reads(action: &'static str, takes: &'static [Member], about: About, deed: Deed) -> Operation {
    Operation { action, roles: BOTH, mutating: false, takes, about, deed }
}

const QUEUE: About = About::Queue("Name");
const RULED_QUEUE: About = About::QueueBy("Name", "RuleSetName");
const TICKETS_QUEUE: About = About::Queue("ConfigurationName");
const RULE_SET: About = About::RuleSet("Name");
const TAGGED: About = About::Resource("ResourceARN");

static OPERATIONS: [Operation; 16] = [
    changes(
        "gamelift:CreateMatchmakingRuleSet",
        ADMIN,
        takes::CREATE_RULE_SET,
        RULE_SET,
        Deed::CreateRuleSet,
    ),
    reads(
        "gamelift:ValidateMatchmakingRuleSet",
        takes::VALIDATE_RULE_SET,
        About::Service,
        Deed::ValidateRuleSet,
    ),
    reads(
        "gamelift:DescribeMatchmakingRuleSets",
        takes::DESCRIBE_RULE_SETS,
        About::RuleSets("Names"),
        Deed::DescribeRuleSets,
    ),
    changes(
        "gamelift:DeleteMatchmakingRuleSet",
        ADMIN,
        takes::DELETE_RULE_SET,
        RULE_SET,
        Deed::DeleteRuleSet,
    ),
    changes(
        "gamelift:CreateMatchmakingConfiguration",
        ADMIN,
        takes::CREATE_CONFIGURATION,
        RULED_QUEUE,
        Deed::CreateConfiguration,
    ),
    changes(
        "gamelift:UpdateMatchmakingConfiguration",
        ADMIN,
        takes::UPDATE_CONFIGURATION,
        RULED_QUEUE,
        Deed::UpdateConfiguration,
    ),
    reads(
        "gamelift:DescribeMatchmakingConfigurations",
        takes::DESCRIBE_CONFIGURATIONS,
        About::QueuesBy("Names", "RuleSetName"),
        Deed::DescribeConfigurations,
    ),
    changes(
        "gamelift:DeleteMatchmakingConfiguration",
        ADMIN,
        takes::DELETE_CONFIGURATION,
        QUEUE,
        Deed::DeleteConfiguration,
    ),
    changes(
        "gamelift:StartMatchmaking",
        BOTH,
        takes::START_MATCHMAKING,
        TICKETS_QUEUE,
        Deed::StartMatchmaking,
    ),
    changes("gamelift:StartMatchBackfill", BOTH, takes::START_BACKFILL, TICKETS_QUEUE, Deed::StartBackfill),
    changes("gamelift:StopMatchmaking", BOTH, takes::STOP_MATCHMAKING, About::Service, Deed::StopMatchmaking),
    reads(
        "gamelift:DescribeMatchmaking",
        takes::DESCRIBE_MATCHMAKING,
        About::Service,
        Deed::DescribeMatchmaking,
    ),
    changes("gamelift:AcceptMatch", BOTH, takes::ACCEPT_MATCH, About::Service, Deed::AcceptMatch),
    changes("gamelift:TagResource", ADMIN, takes::TAG_RESOURCE, TAGGED, Deed::TagResource),
    changes("gamelift:UntagResource", ADMIN, takes::UNTAG_RESOURCE, TAGGED, Deed::UntagResource),
    reads("gamelift:ListTagsForResource", takes::LIST_TAGS, TAGGED, Deed::ListTags),
];

/// All of them.
pub(super) fn all() -> impl Iterator<Item = &'static Operation> {
    OPERATIONS.iter()
}

impl Operation {
    /// The operation that clients call by this name.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        OPERATIONS.iter().find(|operation| operation.name() == name)
    }

    /// Whether it changes nothing.
    pub(crate) fn reads(&self) -> bool {
        !self.mutating
    }

    pub(crate) fn name(&self) -> &'static str {
        self.action.strip_prefix(ACTION_PREFIX).unwrap_or_default()
    }

    /// Does it. The input fits the operation's shape.
    pub(crate) async fn run(&self, asked: &Asked<'_>, input: &Tree) -> Result<Tree, Fault> {
        match self.deed {
            Deed::CreateRuleSet => rule_sets::create(asked, input).await,
            Deed::ValidateRuleSet => rule_sets::validate(asked, input),
            Deed::DescribeRuleSets => rule_sets::describe(asked, input),
            Deed::DeleteRuleSet => rule_sets::delete(asked, input).await,
            Deed::CreateConfiguration => configurations::create(asked, input).await,
            Deed::UpdateConfiguration => configurations::update(asked, input).await,
            Deed::DescribeConfigurations => configurations::describe(asked, input),
            Deed::DeleteConfiguration => configurations::delete(asked, input).await,
            Deed::StartMatchmaking => tickets::start(asked, input).await,
            Deed::StartBackfill => tickets::backfill(asked, input).await,
            Deed::StopMatchmaking => tickets::stop(asked, input).await,
            Deed::DescribeMatchmaking => tickets::describe(asked, input).await,
            Deed::AcceptMatch => tickets::accept(asked, input).await,
            Deed::TagResource => tags::add(asked, input).await,
            Deed::UntagResource => tags::remove(asked, input).await,
            Deed::ListTags => tags::list(asked, input),
        }
    }
}

/// The names of all members that inputs have.
pub(crate) fn members() -> Vec<&'static str> {
    fn collect(shape: &'static Shape, names: &mut Vec<&'static str>) {
        match shape {
            Shape::List { of, .. } | Shape::Map { of, .. } => collect(of, names),
            Shape::Structure(members) => all(members, names),
            Shape::Text(_) | Shape::OneOf(_) | Shape::Integer { .. } | Shape::Double | Shape::Flag => {}
        }
    }
    fn all(members: &'static [Member], names: &mut Vec<&'static str>) {
        for member in members {
            names.push(member.name);
            collect(&member.shape, names);
        }
    }
    let mut names = Vec::new();
    OPERATIONS.iter().for_each(|operation| all(operation.takes, &mut names));
    names
}

/// The policy of the wire for the OpenAPI document, in the words of its own operations.
pub(crate) fn described() -> Value {
    let of = |operation: &Operation| {
        let roles: Vec<_> = operation.roles.iter().map(|role| role.as_str()).collect();
        let policy = json!({
            "x-gsm-action": operation.action,
            "x-gsm-roles": roles,
            "x-gsm-mutating": operation.mutating,
        });
        (operation.name().to_owned(), policy)
    };
    Value::Object(OPERATIONS.iter().map(of).collect())
}
