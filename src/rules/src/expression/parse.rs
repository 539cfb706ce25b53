//! The grammar of expressions.
use super::{Function, Wrong};
use crate::read::{did_you_mean, one_of};

/// Calls within each other.
const DEPTH_MAX: usize = 16;

#[derive(Debug, PartialEq)]
pub(crate) enum Expression {
    /// A number of a list of numbers (or a count of anything).
    Fold {
        function: Function,
        argument: Box<Self>,
        at: usize,
    },
    /// One level less.
    Flatten {
        argument: Box<Self>,
        at: usize,
    },
    /// What all string lists have.
    Common {
        argument: Box<Self>,
        at: usize,
    },
    Path(Path),
}

/// `teams[..].players..`
#[derive(Debug, PartialEq)]
pub(crate) struct Path {
    pub(crate) teams: Names,
    pub(crate) property: Property,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Names {
    All,
    /// Each with its place.
    Some(Vec<(String, usize)>),
}

#[derive(Debug, PartialEq)]
pub(crate) enum Property {
    /// The players themselves, who can be counted.
    Players,
    PlayerId,
    /// With its place.
    Attribute(String, usize),
}

const FOLDS: [(&str, Function); 7] = [
    ("min", Function::Min),
    ("max", Function::Max),
    ("avg", Function::Avg),
    ("median", Function::Median),
    ("sum", Function::Sum),
    ("stddev", Function::Stddev),
    ("count", Function::Count),
];

/// Functions that make lists.
const LISTS: [&str; 2] = ["flatten", "set_intersection"];

/// Is this text meant as an expression, lawful or not? Anything else is a literal, such as `tank(main)` or `max (gold)`:
/// every expression reaches the players of teams, so behind its words with an open bracket there is `team[` or `teams[`,
/// or where that is misspelt at least `.players` or `attributes[`.
pub(crate) fn is_expression(text: &str) -> bool {
    let mut text = text.trim_start();
    loop {
        let is_path = ["team", "teams"]
            .iter()
            .any(|start| text.strip_prefix(start).is_some_and(|r| r.trim_start().starts_with('[')));
        let rest = text.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let word = text.strip_suffix(rest).unwrap_or_default();
        let Some(argument) = rest.trim_start().strip_prefix('(').filter(|_| !word.is_empty()) else {
            return is_path || text.contains(".players") || text.contains("attributes[");
        };
        text = argument.trim_start();
    }
}

pub(crate) fn parse(text: &str) -> Result<Expression, Wrong> {
    let mut parser = Parser { text, at: 0 };
    let expression = parser.expression(0)?;
    match parser.rest() {
        "" => Ok(expression),
        rest if rest.starts_with(')') => Err(parser.wrong("one `)` too many")),
        _ => Err(parser.wrong("the expression has ended, and more follows")),
    }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Parser<'t> {
    fn wrong(&self, message: impl Into<String>) -> Wrong {
        Wrong { at: self.at, message: message.into() }
    }
    /// What is left, blanks passed over.
    fn rest(&mut self) -> &'t str {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let trimmed = rest.trim_start();
        self.at += rest.len() - trimmed.len();
        trimmed
    }
    fn takes(&mut self, wanted: &str) -> bool {
        let found = self.rest().starts_with(wanted);
        if found {
            self.at += wanted.len();
        }
        found
    }
    fn needs(&mut self, wanted: &str) -> Result<(), Wrong> {
        if self.takes(wanted) { Ok(()) } else { Err(self.wrong(format!("`{wanted}` must stand here"))) }
    }
    fn word(&mut self) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let word = rest.get(..end).unwrap_or_default();
        self.at += word.len();
        word
    }
    fn expression(&mut self, depth: usize) -> Result<Expression, Wrong> {
        self.rest();
        let at = self.at;
        if depth > DEPTH_MAX {
            return Err(self.wrong(format!("more than {DEPTH_MAX} calls within each other")));
        }
        let word = self.word();
        if matches!(word, "team" | "teams") {
            return Ok(Expression::Path(self.path()?));
        }
        let fold = FOLDS.iter().find(|(name, _)| *name == word).map(|(_, function)| *function);
        if fold.is_none() && !LISTS.contains(&word) {
            let names = || FOLDS.iter().map(|(name, _)| *name).chain(LISTS);
            let message = match word {
                "" => "a function or `teams[..]` must stand here".to_owned(),
                _ => {
                    let near = did_you_mean(word, names().chain(["teams"]));
                    let near =
                        if near.is_empty() { format!(", there are {}", one_of(names())) } else { near };
                    format!("unknown function `{word}`{near}")
                }
            };
            return Err(Wrong { at, message });
        }
        self.needs("(")?;
        let argument = Box::new(self.expression(depth + 1)?);
        self.needs(")")?;
        Ok(match (fold, word) {
            (Some(function), _) => Expression::Fold { function, argument, at },
            (None, "flatten") => Expression::Flatten { argument, at },
            (None, _) => Expression::Common { argument, at },
        })
    }
    fn path(&mut self) -> Result<Path, Wrong> {
        self.needs("[")?;
        let names = self.names()?;
        let all = matches!(names.as_slice(), [(name, _)] if name == "*");
        let teams = if all { Names::All } else { Names::Some(names) };
        self.needs(".")?;
        self.needs("players")?;
        let property = if self.takes("[") {
            match self.names()?.as_slice() {
                [(name, _)] if name == "playerId" => Property::PlayerId,
                [(_, at), ..] => {
                    return Err(Wrong { at: *at, message: "only `[playerId]` goes here".to_owned() });
                }
                [] => return Err(self.wrong("only `[playerId]` goes here")),
            }
        } else if self.takes(".") {
            self.needs("attributes")?;
            self.needs("[")?;
            match self.names()?.as_slice() {
                [(name, at)] => Property::Attribute(name.clone(), *at),
                _ => return Err(self.wrong("one attribute must be named")),
            }
        } else {
            Property::Players
        };
        Ok(Path { teams, property })
    }
    /// Names with commas between, up to and with the closing bracket.
    fn names(&mut self) -> Result<Vec<(String, usize)>, Wrong> {
        let rest = self.rest();
        let Some((inner, _)) = rest.split_once(']') else {
            return Err(self.wrong("this bracket is not closed"));
        };
        let (mut names, mut at) = (Vec::new(), self.at);
        for part in inner.split(',') {
            let name = part.trim();
            if name.is_empty() {
                return Err(Wrong { at, message: "a name must stand here".to_owned() });
            }
            names.push((name.to_owned(), at + part.len() - part.trim_start().len()));
            at += part.len() + 1;
        }
        self.at += inner.len() + 1;
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_and_paths_become_a_tree() {
        let parsed = parse("max( flatten(team[red, blue].players.attributes[skill]) )").unwrap();
        let path = Expression::Path(Path {
            teams: Names::Some(vec![("red".to_owned(), 18), ("blue".to_owned(), 23)]),
            property: Property::Attribute("skill".to_owned(), 48),
        });
        let flat = Expression::Flatten { argument: Box::new(path), at: 5 };
        assert_eq!(parsed, Expression::Fold { function: Function::Max, argument: Box::new(flat), at: 0 });
        let ids = Path { teams: Names::All, property: Property::PlayerId };
        assert_eq!(parse("teams[*].players[playerId]"), Ok(Expression::Path(ids)));
    }

    #[track_caller]
    fn check_wrong(text: &str, at: usize, part: &str) {
        let wrong = parse(text).expect_err("must be refused");
        assert_eq!((wrong.at, wrong.message.contains(part)), (at, true), "{wrong:?}");
    }

    #[test]
    fn a_broken_expression_says_where() {
        check_wrong("avg(teams[*].players", 20, "`)`");
        check_wrong("avg(teams[*].players))", 21, "too many");
        check_wrong("flaten(teams[*].players)", 0, "did you mean");
        check_wrong("mean(teams[*].players)", 0, "did you mean");
        check_wrong("max()", 4, "must stand here");
        check_wrong("teams[*.players", 6, "not closed");
        check_wrong("teams[a,].players", 8, "a name");
        check_wrong("teams[a].player", 9, "`players`");
        check_wrong("teams[a].players[id]", 17, "playerId");
        check_wrong("teams[a].players.attributes[x, y]", 33, "one attribute");
        check_wrong("teams[a].players + 1", 17, "more follows");
        check_wrong(&"max(".repeat(1_000), 4 * (DEPTH_MAX + 1), "within each other");
    }

    #[test]
    fn literals_are_told_from_expressions() {
        let meant = [
            "max(teams[*].players)",
            "mean(teams[*].players)",
            "mean(flaten( teams[a].players))",
            "flatten (teams[b].players)",
            "avg (flatten(team(red).players))",
            "max(tems[red].players.attributes[x]",
            "flatten(attributes[skill])",
            "teams[a].players",
            "team [a]",
            " avg(teams[",
        ];
        let literal = [
            "",
            "ranked",
            "teams",
            "healer (main)",
            "Healer(EU)",
            "tank(main(eu))",
            "Max(x)",
            "max (gold)",
            "min(x)",
            "set_intersection()",
            "avg(",
            "(x)",
            "20",
            "team rocket",
        ];
        assert!(
            meant.iter().all(|text| is_expression(text)) && !literal.iter().any(|text| is_expression(text))
        );
    }
}
