//! Text to rule set: every fault at once.
//!
//! An expansion replaces values, so each stage is the document with some values replaced, read like the document itself.
//! A replaced value keeps its place in the text, and with it what is said about it; what it makes wrong elsewhere is told of it too.
mod algorithm;
mod attributes;
mod expansions;
mod faults;
mod object;
mod objective;
mod parties;
mod rules;
mod teams;

use crate::{
    columns::Columns,
    fault::Fault,
    json::{Node, scan},
    judge::stand_in::StandIns,
    objective::Objective,
    rule_set::{Attribute, AttributeKind, EvenBy, Parties, Rule, RuleSet, Team, TeamSize},
    seat::TeamSet,
    stage::Stage,
};
use faults::{FAULTS_MAX, Faults};
pub(crate) use faults::{did_you_mean, one_of};
use gsm_core::{Millis, limits::MATCH_PLAYERS_MAX};
use object::Object;
use std::collections::BTreeMap;

/// Characters in the text of a rule set.
pub const TEXT_CHARS_MAX: usize = 65_535;
/// Which language a text may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// FlexMatch's and nothing else.
    Strict,
    /// With the extensions of this server: `objective`, `parties`, and rules of the types `avoid`, `roles` and `partyBalance`.
    Extended,
}

/// A text that was read without a fault.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// What it says.
    pub set: RuleSet,
    /// What is doubtful in it.
    pub warnings: Vec<Fault>,
}

/// Reads a rule set. Takes time in proportion to the text and the number of its stages; where it has wrong names also as
/// much as comparing each with up to 200 right ones takes.
///
/// # Errors
/// All faults of the text, in its order, at most 200 and one that says that there are more. A text that is not JSON has one.
pub fn parse(text: &str, dialect: Dialect) -> Result<Parsed, Vec<Fault>> {
    let length = text.chars().count();
    if length > TEXT_CHARS_MAX {
        let message = format!("the text has {length} characters, at most {TEXT_CHARS_MAX} are allowed");
        return Err(vec![Fault { path: "$".to_owned(), line: 1, column: 1, rule: None, message }]);
    }
    let (root, notes) = scan(text).map_err(|note| vec![faults::unreadable(text, note)])?;
    let mut faults = Faults::default();
    for note in notes {
        faults.warn(note.at, note.message);
    }
    let set = document(&root, dialect, &mut faults);
    let (faults, warnings) = faults.told(text, &root);
    match set {
        Some(set) if faults.is_empty() => Ok(Parsed { set, warnings }),
        _ => Err(faults),
    }
}

/// Faults that are found in later stages, those that are found again included; after that no stage is read any more.
const REPEATED_MAX: usize = 5 * FAULTS_MAX;

const MEMBERS: [&str; 7] =
    ["name", "ruleLanguageVersion", "playerAttributes", "algorithm", "teams", "rules", "expansions"];
/// Members that only the extended language has.
const EXTENSIONS: [&str; 2] = ["objective", "parties"];
/// Players of a small match.
pub(crate) const SMALL_PLAYERS_MAX: u32 = 40;
/// Players of any match.
const PLAYERS_MAX: u32 = MATCH_PLAYERS_MAX as u32;

fn document(root: &Node, dialect: Dialect, faults: &mut Faults) -> Option<RuleSet> {
    let top = Object::of(root, "a rule set", faults)?;
    let known: Vec<&str> = match dialect {
        Dialect::Strict => MEMBERS.to_vec(),
        Dialect::Extended => MEMBERS.iter().chain(&EXTENSIONS).copied().collect(),
    };
    top.allow(&known, faults);
    let name = top.text("name", faults).map(str::to_owned);
    if let Some(node) = top.need("ruleLanguageVersion", faults)
        && object::text(node, "ruleLanguageVersion", faults).is_some_and(|version| version != "1.0")
    {
        faults.add(node.begin, "`ruleLanguageVersion` must be `1.0`");
    }
    let attributes = attributes::read(&top, dialect == Dialect::Extended, faults);
    let expansion_age = algorithm::expansion_age(&top, faults);
    let entries = teams::read(&top, faults);
    let is_large = teams::players(&entries) > SMALL_PLAYERS_MAX;
    let mut scope = Scope {
        teams: teams::numbered(&entries),
        entries: entries.iter().map(|entry| entry.name().to_owned()).collect(),
        attributes,
        columns: Columns::default(),
        literals: BTreeMap::new(),
        is_large,
        is_extended: dialect == Dialect::Extended,
        sizes: Vec::new(),
        with_roles: TeamSet::default(),
        numbered: TeamSet::default(),
        rules: Vec::new(),
    };
    let objective = match dialect {
        Dialect::Strict => None,
        Dialect::Extended => objective::read(&top, &mut scope, faults),
    };
    let parties = match dialect {
        Dialect::Strict => Parties::default(),
        Dialect::Extended => parties::read(&top, faults),
    };
    let first = stage(Millis::ZERO, root, None, &mut scope, faults);
    let expansions = expansions::read(&top, faults);
    let (mut stages, mut repeated) = (vec![first], 0);
    for from in expansions::times(&expansions, faults) {
        // The faults of one stage are mostly those of the others, and each takes its time to be told.
        if faults.len() > FAULTS_MAX || repeated > REPEATED_MAX {
            faults.is_cut = true;
            break;
        }
        let (changed, blame) = expansions::applied(root, &expansions, from);
        let mut found = Faults::default();
        let stage = stage(Millis::from_secs(u64::from(from)), &changed, blame, &mut scope, &mut found);
        repeated += found.len();
        faults.take_stage(found, |at| expansions::made_by(&top, &expansions, from, at));
        let from = Millis::from_secs(u64::from(from));
        match stages.last_mut().filter(|last| matches!(last, Some(last) if last.from() == from)) {
            Some(last) => *last = stage,
            None => stages.push(stage),
        }
    }
    let stages = stages.into_iter().collect::<Option<Vec<Stage>>>()?;
    if dialect == Dialect::Extended {
        parties::check(&top, parties, &stages, faults);
        if let Some(objective) = &objective {
            objective::check(&top, objective, &stages, faults);
        }
    }
    let leaves_choice = !objective.as_ref().is_some_and(Objective::is_of_seats)
        && !is_large
        && stages.iter().any(leaves_choice);
    let even_by =
        leaves_choice.then(|| EvenBy { strength: scope.columns.strength(), skill: scope.columns.skill() });
    let everybody = (0_u8..=u8::MAX).take(scope.teams.len()).collect();
    let stand_ins = StandIns::new(stages.iter().map(Stage::checks), &everybody);
    let mut literals: Vec<(String, u32)> = scope.literals.into_iter().collect();
    literals.sort_unstable_by_key(|(_, at)| *at);
    Some(RuleSet {
        name,
        attributes: scope.attributes,
        teams: scope.teams,
        rules: scope.rules,
        stages,
        columns: scope.columns,
        literals: literals.into_iter().map(|(text, _)| text).collect(),
        is_large,
        expansion_age,
        objective,
        parties,
        even_by,
        stand_ins,
    })
}

/// Whether the same players may sit on its teams in more ways than one, and nothing says which.
fn leaves_choice(stage: &Stage) -> bool {
    let teams = stage.teams();
    stage.algorithm().balanced.is_none() && teams.len() > 1 && teams.iter().any(|size| size.max > 1)
}

/// What the rules of all stages share.
pub(crate) struct Scope {
    pub(crate) teams: Vec<Team>,
    /// Names of the entries of `teams`.
    pub(crate) entries: Vec<String>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) columns: Columns,
    pub(crate) literals: BTreeMap<String, u32>,
    pub(crate) is_large: bool,
    pub(crate) is_extended: bool,
    /// Of the teams, in the stage that is read.
    pub(crate) sizes: Vec<TeamSize>,
    /// The teams that a rule of the stage that is read has given roles.
    pub(crate) with_roles: TeamSet,
    /// The teams of a quantity that something names by their number, as far as was read.
    pub(crate) numbered: TeamSet,
}

impl Scope {
    /// The index of a declared attribute; a fault at the byte `at` if it is none.
    pub(crate) fn attribute(&self, name: &str, at: u32, faults: &mut Faults) -> Option<usize> {
        let found = self.attributes.iter().position(|attribute| attribute.name == name);
        if found.is_none() {
            faults.add(at, self.undeclared(name));
        }
        found
    }
    /// What is said of an attribute that is not declared.
    pub(crate) fn undeclared(&self, name: &str) -> String {
        let near = did_you_mean(name, self.attributes.iter().map(|attribute| attribute.name.as_str()));
        format!("attribute `{name}` is not declared in `playerAttributes`{near}")
    }
}

impl Scope {
    /// The first team of each kind: a team that is named by its number is one of its own, and parts the teams beside it.
    fn firsts(&self) -> Vec<u8> {
        let of = |at: u8, team: &Team| (team.entry, self.numbered.has(at).then_some(at));
        let mut last = None;
        let teams = (0_u8..=u8::MAX).zip(&self.teams);
        teams
            .filter(|(at, team)| last.replace(of(*at, team)) != Some(of(*at, team)))
            .map(|(at, _)| at)
            .collect()
    }
    /// The type of a declared attribute.
    pub(crate) fn kind(&self, attribute: usize) -> Option<AttributeKind> {
        self.attributes.get(attribute).map(|attribute| attribute.kind)
    }
}

/// One version of the document. `blame` is the replaced value that made its teams larger, if there is one.
fn stage(
    from: Millis,
    root: &Node,
    blame: Option<u32>,
    scope: &mut Scope,
    faults: &mut Faults,
) -> Option<Stage> {
    let top = Object::of(root, "a rule set", faults)?;
    let entries = teams::read(&top, faults);
    let players = teams::players(&entries);
    if players > PLAYERS_MAX {
        let at = blame.unwrap_or_else(|| top.place("teams"));
        faults.add(at, format!("a match could have {players} players, at most {PLAYERS_MAX} are allowed"));
    } else if players > SMALL_PLAYERS_MAX && !scope.is_large {
        let at = blame.unwrap_or_else(|| top.place("teams"));
        faults.add(
            at,
            format!("a match could grow to {players} players; one that begins with {SMALL_PLAYERS_MAX} or less must stay so"),
        );
    }
    scope.sizes = teams::sizes(&entries);
    scope.with_roles = TeamSet::default();
    let algorithm = algorithm::read(&top, scope, faults);
    let read = rules::read(&top, scope, faults);
    if from == Millis::ZERO {
        scope.rules = rules::names(&read);
    }
    let checks = rules::checks(read)?;
    let firsts = scope.firsts();
    Some(Stage::new(from, teams::sizes(&entries), algorithm, checks, &scope.rules, firsts))
}
