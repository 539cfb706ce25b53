//! Deciding: the plain questions from a table, the others by Cedar.
use crate::{
    Policies,
    table::{ADMIN_ROLES, Action, PRINCIPALS, principal_type},
};
use cedar_policy::{
    ActionConstraint, Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, Policy, PolicySet,
    PrincipalConstraint, Request, ResourceConstraint, RestrictedExpression,
};
use std::{borrow::Cow, collections::HashSet, str::FromStr as _};

/// Cedar's type of actions, and ours of the roles of operators.
const ACTION: &str = "Action";
const ROLE: &str = "Role";

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Who<'a> {
    /// `none`, `player`, `server`, `match` or `admin`.
    pub kind: &'a str,
    /// The name of the player, key or subject.
    pub id: &'a str,
    /// Of an operator, the role.
    pub admin: Option<&'a str>,
}

/// What it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resource<'a> {
    /// The Cedar type.
    pub kind: &'a str,
    /// Its name.
    pub id: &'a str,
}

/// May `who` do `action` with `resource`?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question<'a> {
    /// Who asks.
    pub who: Who<'a>,
    /// As `gsm:GetRank`.
    pub action: &'a str,
    /// What it is about.
    pub resource: Resource<'a>,
    /// Texts by name: parameters of the path, `reason`, and `address`.
    pub context: &'a [(&'a str, &'a str)],
}

/// The answer, and which policies it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decision {
    /// Whether it may.
    pub allowed: bool,
    /// The policies that permitted it or, if it was forbidden, that forbade it; none where no policy permits it.
    pub policies: Vec<String>,
    /// Policies that could not be evaluated (they count for nothing).
    pub errors: Vec<String>,
}

fn uid(kind: &str, id: &str) -> Option<EntityUid> {
    let kind = EntityTypeName::from_str(kind).ok()?;
    Some(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
}

/// What is made ready for questions about an action: nearly all of what an answer takes.
pub(crate) struct Ready {
    name: EntityUid,
    /// The action in its groups. Whoever is not in there has no attributes and is in nothing.
    entities: Entities,
    /// The policies that can have a say on it.
    set: PolicySet,
    /// Whether they ask for nothing but the kind or role of the caller, and the action.
    is_plain: bool,
}

impl Ready {
    fn new(name: &str, action: &Action, all: &PolicySet) -> Result<Self, String> {
        let named = |name: &str| uid(ACTION, name).ok_or_else(|| format!("no action `{name}`"));
        let own = named(name)?;
        let groups = action.groups.iter().map(|group| named(group)).collect::<Result<HashSet<_>, _>>()?;
        let is_action = |of: &EntityUid| *of == own || groups.contains(of);
        let (mut set, mut is_plain) = (PolicySet::new(), true);
        for policy in all.policies().filter(|policy| concerns(policy, &is_action)) {
            is_plain &= self::is_plain(policy);
            set.add(policy.clone()).map_err(|error| error.to_string())?;
        }
        let entity = Entity::new_no_attrs(own.clone(), groups);
        let entities = Entities::from_entities([entity], None).map_err(|error| error.to_string())?;
        Ok(Self { name: own, entities, set, is_plain })
    }
}

impl Policies {
    /// Decides. What is asked of an action that is not in the table is denied.
    #[must_use]
    pub fn decide(&self, asked: &Question<'_>) -> Cow<'_, Decision> {
        self.known(asked).map_or_else(|| Cow::Owned(self.evaluate(asked)), Cow::Borrowed)
    }

    /// The answer if it was found beforehand.
    #[must_use]
    pub fn known(&self, asked: &Question<'_>) -> Option<&Decision> {
        let caller = callers().position(|caller| caller == (asked.who.kind, asked.who.admin))?;
        self.plain.get(asked.action)?.get(caller)
    }

    /// Which kinds of callers, and which roles of operators, may do this with this resource in this context.
    #[must_use]
    pub fn who_may(&self, asked: &Question<'_>) -> Vec<String> {
        let mut found = Vec::new();
        for (kind, admin) in callers() {
            let who = Who { kind, id: asked.who.id, admin };
            if self.decide(&Question { who, ..*asked }).allowed {
                found.push(admin.map_or_else(|| kind.to_owned(), |role| format!("admin:{role}")));
            }
        }
        found
    }

    /// The actions of the table.
    pub fn actions(&self) -> impl Iterator<Item = &str> {
        self.actions.keys().map(String::as_str)
    }

    /// Whether an action is everybody's: nobody is asked who it is, so policies see a caller who is not known.
    #[must_use]
    pub fn is_open(&self, action: &str) -> bool {
        self.actions.get(action).is_some_and(|known| known.principals.contains(principal_type("none")))
    }

    /// What an action of the table may be about, besides the service as a whole: types of resources.
    pub fn resources(&self, action: &str) -> impl Iterator<Item = &str> {
        self.actions.get(action).into_iter().flat_map(|known| known.resources.iter().map(String::as_str))
    }

    /// How policies write a caller, as `Admin::"anna"`.
    #[must_use]
    pub fn written(who: &Who<'_>) -> String {
        uid(principal_type(who.kind), who.id).map_or_else(String::new, |uid| uid.to_string())
    }

    fn evaluate(&self, asked: &Question<'_>) -> Decision {
        self.ask_cedar(asked).unwrap_or_else(|what| Decision { errors: vec![what], ..Decision::default() })
    }

    fn ask_cedar(&self, asked: &Question<'_>) -> Result<Decision, String> {
        let known = self.actions.get(asked.action).ok_or_else(|| format!("no action `{}`", asked.action))?;
        let kind = principal_type(asked.who.kind);
        if !known.principals.contains(kind) {
            // What an operation was not written for, no policy can open it to.
            return Ok(Decision::default());
        }
        let ready = self.ready.get(asked.action).ok_or_else(|| format!("no action `{}`", asked.action))?;
        let named = |kind: &str, id: &str| uid(kind, id).ok_or_else(|| format!("no type `{kind}`"));
        let principal = named(kind, asked.who.id)?;
        let resource = named(asked.resource.kind, asked.resource.id)?;
        let entities = match asked.who.admin {
            None => Cow::Borrowed(&ready.entities),
            Some(role) => {
                let admin = Entity::new_no_attrs(principal.clone(), HashSet::from([named(ROLE, role)?]));
                let with = ready.entities.clone().add_entities([admin], None);
                Cow::Owned(with.map_err(|error| error.to_string())?)
            }
        };
        let pairs = asked.context.iter().map(|(name, text)| {
            let value = match *name {
                "address" => RestrictedExpression::new_ip(text),
                _ => RestrictedExpression::new_string((*text).to_owned()),
            };
            ((*name).to_owned(), value)
        });
        let context = Context::from_pairs(pairs).map_err(|e| e.to_string())?;
        let request = Request::new(principal, ready.name.clone(), resource, context, None);
        let request = request.map_err(|error| error.to_string())?;
        let answer = self.authorizer.is_authorized(&request, &ready.set, &entities);
        let mut policies: Vec<String> = answer.diagnostics().reason().map(ToString::to_string).collect();
        policies.sort_unstable();
        Ok(Decision {
            allowed: answer.decision() == cedar_policy::Decision::Allow,
            policies,
            errors: answer.diagnostics().errors().map(ToString::to_string).collect(),
        })
    }

    /// Makes every action ready, and answers what depends on nothing but the kind of caller and the action.
    pub(crate) fn make_ready(&mut self, set: &PolicySet) -> Result<(), String> {
        for (name, action) in &self.actions {
            self.ready.insert(name.clone(), Ready::new(name, action, set)?);
        }
        let plain = self.ready.iter().filter(|(_, ready)| ready.is_plain).map(|(name, _)| {
            let answers = callers().map(|(kind, admin)| {
                let who = Who { kind, id: "", admin };
                let resource = Resource { kind: "Service", id: "" };
                self.evaluate(&Question { who, action: name, resource, context: &[] })
            });
            (name.clone(), answers.collect())
        });
        self.plain = plain.collect();
        Ok(())
    }
}

/// Every kind of caller, an operator once for each role.
fn callers() -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
    let others = PRINCIPALS.iter().map(|(word, _)| (*word, None)).filter(|(word, _)| *word != "admin");
    others.chain(ADMIN_ROLES.into_iter().map(|role| ("admin", Some(role))))
}

/// Whether a policy can have a say on an action.
fn concerns(policy: &Policy, is_action: &impl Fn(&EntityUid) -> bool) -> bool {
    match policy.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(one) => is_action(&one),
        ActionConstraint::In(many) => many.iter().any(is_action),
    }
}

/// Whether a policy asks for nothing but the kind or role of the caller, and the action.
fn is_plain(policy: &Policy) -> bool {
    let principal = match policy.principal_constraint() {
        PrincipalConstraint::Any | PrincipalConstraint::Is(_) => true,
        PrincipalConstraint::In(of) | PrincipalConstraint::IsIn(_, of) => of.type_name().basename() == ROLE,
        PrincipalConstraint::Eq(_) => false,
    };
    principal && policy.resource_constraint() == ResourceConstraint::Any && !policy.has_non_scope_constraint()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Operation, SHIPPED};

    fn operation(action: &str, roles: &[&str], mutating: bool, resource: &str) -> Operation {
        Operation {
            action: action.into(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            mutating,
            needs_reason: action == "gsm:DeleteQueue",
            resource: resource.into(),
            parameters: vec!["queue".into()],
        }
    }

    fn operations() -> Vec<Operation> {
        let admin = &["admin"][..];
        vec![
            operation("gsm:SignIn", &["none"], true, "Service"),
            operation("gsm:GetRank", &["player", "server", "admin"], false, "Player"),
            operation("gsm:GetQueue", &["player", "server", "admin"], false, "Queue"),
            operation("gsm:CreateMatch", &["server", "admin"], true, "Service"),
            operation("gsm:ReportResult", &["server", "admin", "match"], true, "Match"),
            operation("gsm:DeleteQueue", admin, true, "Queue"),
            operation("gsm:IssueKey", admin, true, "Service"),
            operation("gsm:RotateTokenKey", admin, true, "Service"),
            operation("gsm:RotateMasterKey", admin, true, "Service"),
            operation("gsm:ListKeys", admin, false, "Service"),
            operation("gsm:RenamePlayer", &["player", "admin"], true, "Player"),
            operation("gsm:ExportPlayer", &["player", "admin"], false, "Player"),
            operation("gsm:CancelTicket", &["player", "admin"], true, "Ticket"),
            operation("gsm:LiftPenalties", admin, true, "Player"),
            operation("gsm:SetVisibility", admin, true, "Board"),
            operation("gsm:RemoveEntry", admin, true, "Board"),
        ]
    }

    fn load(text: &str) -> Policies {
        Policies::load(&operations(), &[("t.cedar".into(), text.into())]).unwrap()
    }
    fn shipped() -> Policies {
        let files: Vec<_> = SHIPPED.iter().map(|(n, t)| ((*n).to_owned(), (*t).to_owned())).collect();
        Policies::load(&operations(), &files).unwrap_or_else(|faults| panic!("{faults}"))
    }
    fn ask(
        policies: &Policies,
        who: (&str, Option<&str>),
        action: &str,
        context: &[(&str, &str)],
    ) -> Decision {
        let who = Who { kind: who.0, id: "a", admin: who.1 };
        let resource = Resource { kind: "Queue", id: "duel" };
        policies.decide(&Question { who, action, resource, context }).into_owned()
    }
    const WHY: &[(&str, &str)] = &[("reason", "the season is over")];

    #[test]
    fn who_is_for_what_as_shipped() {
        let policies = shipped();
        let may = |action| {
            policies.who_may(&Question {
                who: Who { kind: "none", id: "a", admin: None },
                action,
                resource: Resource { kind: "Queue", id: "duel" },
                context: WHY,
            })
        };
        assert_eq!(may("gsm:SignIn"), ["none"]);
        assert_eq!(may("gsm:CreateMatch"), ["server", "admin:operator", "admin:owner"]);
        assert_eq!(may("gsm:ReportResult"), ["server", "match", "admin:operator", "admin:owner"]);
        let readers = [
            "player",
            "server",
            "admin:viewer",
            "admin:support",
            "admin:operator",
            "admin:auditor",
            "admin:owner",
        ];
        assert_eq!(may("gsm:GetRank"), readers);
        assert_eq!(may("gsm:ListKeys"), ["admin:auditor", "admin:owner"]);
        assert_eq!(may("gsm:IssueKey"), ["admin:owner"]);
        assert_eq!(may("gsm:LiftPenalties"), ["admin:support", "admin:operator", "admin:owner"]);
        let exporters = ["player", "admin:support", "admin:operator", "admin:auditor", "admin:owner"];
        assert_eq!(may("gsm:ExportPlayer"), exporters);
        assert_eq!(may("gsm:Unknown"), [""; 0]);
    }

    #[test]
    fn a_dangerous_action_needs_a_reason() {
        let policies = shipped();
        let owner = ("admin", Some("owner"));
        let refused = ask(&policies, owner, "gsm:DeleteQueue", &[]);
        assert_eq!(
            (refused.allowed, &refused.policies[..]),
            (false, &["dangerous-actions-need-a-reason".to_owned()][..])
        );
        let done = ask(&policies, owner, "gsm:DeleteQueue", WHY);
        assert_eq!((done.allowed, &done.policies[..]), (true, &["owners".to_owned()][..]));
        assert!(!ask(&policies, ("admin", Some("support")), "gsm:DeleteQueue", WHY).allowed);
    }

    #[test]
    fn a_forbid_wins_and_nothing_is_permitted_by_itself() {
        assert!(!ask(&load(""), ("player", None), "gsm:GetRank", &[]).allowed);
        let policies = load(
            r#"permit (principal, action, resource);
               @id("not-duel") forbid (principal, action == Action::"gsm:GetQueue", resource == Queue::"duel");"#,
        );
        assert!(ask(&policies, ("player", None), "gsm:GetRank", &[]).allowed);
        let refused = ask(&policies, ("player", None), "gsm:GetQueue", &[]);
        assert_eq!(refused, Decision { allowed: false, policies: vec!["not-duel".into()], errors: vec![] });
    }

    #[test]
    fn no_policy_opens_what_an_operation_is_not_for() {
        let policies = load("permit (principal, action, resource);");
        assert!(!ask(&policies, ("player", None), "gsm:IssueKey", &[]).allowed);
        assert!(!ask(&policies, ("none", None), "gsm:GetRank", &[]).allowed);
        assert!(ask(&policies, ("none", None), "gsm:SignIn", &[]).allowed);
    }

    #[test]
    fn what_asks_for_more_than_the_role_is_not_answered_beforehand() {
        let plain = |text: &str, action: &str| {
            let policies = load(text);
            let who = Who { kind: "player", id: "a", admin: None };
            let resource = Resource { kind: "Queue", id: "duel" };
            policies.known(&Question { who, action, resource, context: &[] }).is_some()
        };
        assert!(plain("permit (principal, action, resource);", "gsm:GetRank"));
        assert!(plain(r#"permit (principal in Role::"owner", action, resource);"#, "gsm:GetRank"));
        for more in [
            r#"permit (principal == Player::"a", action, resource);"#,
            r#"permit (principal, action in Action::"reads", resource is Queue);"#,
            r#"permit (principal, action == Action::"gsm:GetRank", resource) when { context.address.isLoopback() };"#,
        ] {
            assert!(!plain(more, "gsm:GetRank"), "{more}");
            assert_eq!(plain(more, "gsm:CreateMatch"), !more.contains("action,"), "{more}");
        }
    }

    #[test]
    fn addresses_and_parameters_can_be_asked_for() {
        let policies = load(
            r#"permit (principal, action == Action::"gsm:GetQueue", resource)
               when { context.address.isInRange(ip("10.0.0.0/8")) && context has queue && context.queue == "duel" };"#,
        );
        let asked = |address, queue| {
            ask(&policies, ("player", None), "gsm:GetQueue", &[("address", address), ("queue", queue)])
                .allowed
        };
        assert!(asked("10.1.2.3", "duel"));
        assert!(!asked("11.1.2.3", "duel") && !asked("::1", "duel") && !asked("10.1.2.3", "squad"));
    }
}
