//! The statement of a compound rule.
use super::Read;
use crate::{
    expression::Wrong,
    judge::logic::{Join, Logic},
    read::{did_you_mean, faults::Faults, object::Object},
    rule_set::RuleKind,
};

/// Parts within each other.
const DEPTH_MAX: usize = 16;
/// Evaluations of rules that one statement may stand for, with those of the compounds that it names.
const WEIGHT_MAX: usize = 1_000;
/// Compounds that name each other, one below the other.
const CHAIN_MAX: usize = 64;

const JOINS: [(&str, Join); 3] = [("and", Join::And), ("or", Join::Or), ("xor", Join::Xor)];

/// The logic over the rules `before` it, how many evaluations of rules it stands for, and how many compounds it is deep,
/// itself included.
pub(crate) fn read(object: &Object<'_>, before: &[Read], faults: &mut Faults) -> (Option<Logic>, Extent) {
    let Some(text) = object.need_text("statement", faults) else {
        return (None, Extent { weight: 1, depth: 1 });
    };
    let mut parser = Parser { text, at: 0, before, weight: 0, depth: 0 };
    let read = parser.part(0).and_then(|logic| match parser.next() {
        None => Ok(logic),
        Some(_) => Err(parser.wrong("the statement has ended, and more follows")),
    });
    let (weight, depth) = (parser.weight, parser.depth + 1);
    // A chain that is too deep is told once, not again of all that name it.
    let extent = Extent { weight: weight.min(WEIGHT_MAX), depth: if depth > CHAIN_MAX { 0 } else { depth } };
    match read {
        Ok(_) if weight > WEIGHT_MAX => {
            let message =
                format!("stands for {weight} evaluations of rules, at most {WEIGHT_MAX} are allowed");
            faults.add(object.place("statement"), message);
            (None, extent)
        }
        Ok(_) if depth > CHAIN_MAX => {
            let message = format!("compounds name each other {depth} deep, at most {CHAIN_MAX} are allowed");
            faults.add(object.place("statement"), message);
            (None, extent)
        }
        Ok(logic) => (Some(logic), extent),
        Err(wrong) => {
            object.wrong("statement", &wrong, faults);
            (None, extent)
        }
    }
}

/// What a rule stands for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    /// Evaluations of rules, those of the rules that it names included.
    pub(super) weight: usize,
    /// Compounds that name each other, down from it.
    pub(super) depth: usize,
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    before: &'t [Read],
    weight: usize,
    /// Of the deepest compound that it names.
    depth: usize,
}

impl Parser<'_> {
    fn wrong(&self, message: impl Into<String>) -> Wrong {
        Wrong { at: self.at, message: message.into() }
    }
    /// The next character that is not blank, where the parser then stands.
    fn next(&mut self) -> Option<char> {
        let rest = self.text.get(self.at..)?;
        self.at += rest.len() - rest.trim_start().len();
        rest.trim_start().chars().next()
    }
    fn takes(&mut self, wanted: char) -> bool {
        let found = self.next() == Some(wanted);
        self.at += usize::from(found);
        found
    }
    fn part(&mut self, depth: usize) -> Result<Logic, Wrong> {
        self.next();
        let at = self.at;
        if depth > DEPTH_MAX {
            return Err(self.wrong(format!("more than {DEPTH_MAX} parts within each other")));
        }
        let rest = self.text.get(at..).unwrap_or_default();
        let word = rest.split(['(', ')', ',']).next().unwrap_or_default();
        self.at += word.len();
        let word = word.trim();
        if word.is_empty() {
            return Err(Wrong {
                at,
                message: "a rule, or `and`, `or`, `xor`, `not` must stand here".to_owned(),
            });
        }
        if !self.takes('(') {
            return self.rule(word, at);
        }
        let join = JOINS.iter().find(|(name, _)| *name == word).map(|(_, join)| *join);
        if join.is_none() && word != "not" {
            let near = did_you_mean(word, ["and", "or", "xor", "not"]);
            return Err(Wrong { at, message: format!("unknown operation `{word}`{near}") });
        }
        let mut parts = vec![self.part(depth + 1)?];
        while self.takes(',') {
            parts.push(self.part(depth + 1)?);
        }
        if !self.takes(')') {
            return Err(self.wrong("`,` or `)` must stand here"));
        }
        match (join, parts.len()) {
            (Some(join), _) => Ok(Logic::Join(join, parts)),
            (None, 1) => Ok(Logic::Not(Box::new(parts.remove(0)))),
            (None, _) => Err(Wrong { at, message: "`not` takes one part".to_owned() }),
        }
    }
    fn rule(&mut self, name: &str, at: usize) -> Result<Logic, Wrong> {
        let Some(index) = self.before.iter().position(|read| read.name == name) else {
            let near = did_you_mean(name, self.before.iter().map(|read| read.name.as_str()));
            return Err(Wrong { at, message: format!("no rule `{name}` is defined before this one{near}") });
        };
        let Some(read) = self.before.get(index) else { return Err(self.wrong("unknown rule")) };
        if read.kind == RuleKind::BatchDistance {
            let message = format!("rule `{name}` is of type `batchDistance`, which no statement can use");
            return Err(Wrong { at, message });
        }
        self.weight = self.weight.saturating_add(read.extent.weight);
        self.depth = self.depth.max(read.extent.depth);
        Ok(Logic::Rule(index))
    }
}
