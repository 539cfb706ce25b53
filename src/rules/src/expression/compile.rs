//! Trees of expressions get types, and become what is evaluated.
use super::{Expression, Function, Names, Path, Property, Wrong};
use crate::{
    columns::{Aggregation, SetAggregation, WordSource},
    judge::{
        numbers::{Flat, Measured, Number, Numbers, Of},
        strings::{Lists, Strings, Texts},
    },
    read::{Scope, did_you_mean},
    rule_set::{AttributeKind, Team},
    seat::TeamSet,
};
use std::collections::BTreeSet;

/// What the players of a ticket carry where an expression names an attribute.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ListUse {
    /// Of numbers.
    pub(crate) numbers: Aggregation,
    /// Of string lists, for the operations on sets; `None` where each player keeps his own.
    pub(crate) sets: Option<SetAggregation>,
    /// Do only `set_intersection`s take sets, and the rest of the expression each player's own list?
    pub(crate) own_outside: bool,
}

/// A compiled expression by its type.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Typed {
    /// Players: a list, or a list for each team (`grouped`).
    Players {
        teams: TeamSet,
        grouped: bool,
    },
    /// A number for each player: a list, or a list for each team.
    Flat {
        flat: Flat,
        grouped: bool,
    },
    /// A list of numbers.
    Numbers(Numbers),
    Number(Number),
    /// A string for each player: a list, or a list for each team.
    Texts {
        texts: Texts,
        grouped: bool,
    },
    /// A list of strings for each player, `grouped` by team or not.
    Lists {
        lists: Lists,
        grouped: bool,
    },
    /// A list of strings, or several.
    Strings {
        strings: Strings,
        several: bool,
    },
}

pub(crate) fn compile(expression: &Expression, uses: ListUse, scope: &mut Scope) -> Result<Typed, Wrong> {
    match expression {
        Expression::Path(path) => self::path(path, uses, scope),
        Expression::Fold { function: Function::Count, argument, at } => {
            count(compile(argument, uses, scope)?).ok_or_else(|| Wrong::on(*at, "`count` takes a list"))
        }
        Expression::Fold { function, argument, at } => {
            let wrong = || Wrong::on(*at, "this function takes a list of numbers");
            fold(*function, compile(argument, uses, scope)?).ok_or_else(wrong)
        }
        Expression::Flatten { argument, at } => {
            flatten(compile(argument, uses, scope)?).ok_or_else(|| Wrong::on(*at, "`flatten` takes a list"))
        }
        Expression::Common { argument, at } => {
            let uses = ListUse { own_outside: false, ..uses };
            let wrong = || Wrong::on(*at, "`set_intersection` takes a list of string lists");
            common(compile(argument, uses, scope)?).ok_or_else(wrong)
        }
    }
}

impl Wrong {
    fn on(at: usize, message: &str) -> Self {
        Self { at, message: message.to_owned() }
    }
}

fn path(path: &Path, uses: ListUse, scope: &mut Scope) -> Result<Typed, Wrong> {
    let (teams, grouped) = self::teams(&path.teams, scope)?;
    let (name, at) = match &path.property {
        Property::Players => return Ok(Typed::Players { teams, grouped }),
        Property::PlayerId => {
            let column = scope.columns.word(WordSource::Players);
            return Ok(Typed::Texts { texts: Texts { teams, column }, grouped });
        }
        Property::Attribute(name, at) => (name, *at),
    };
    let Some(attribute) = scope.attributes.iter().position(|attribute| attribute.name == *name) else {
        return Err(Wrong { at, message: scope.undeclared(name) });
    };
    match scope.kind(attribute) {
        Some(AttributeKind::Number) => {
            let of = Of::Column(scope.columns.number(attribute, uses.numbers));
            Ok(Typed::Flat { flat: Flat { teams, of }, grouped })
        }
        Some(AttributeKind::String) => {
            let column = scope.columns.word(WordSource::Texts { attribute });
            Ok(Typed::Texts { texts: Texts { teams, column }, grouped })
        }
        Some(AttributeKind::StringList) => {
            let source = match uses.sets.filter(|_| !uses.own_outside) {
                Some(aggregation) => WordSource::Set { attribute, aggregation },
                None => WordSource::Lists { attribute },
            };
            let own = matches!(source, WordSource::Lists { .. });
            Ok(Typed::Lists { lists: Lists { teams, column: scope.columns.word(source), own }, grouped })
        }
        _ => Err(Wrong { at, message: format!("attribute `{name}` is a map: only sort rules can use it") }),
    }
}

/// The teams that are meant; several are grouped.
fn teams(names: &Names, scope: &mut Scope) -> Result<(TeamSet, bool), Wrong> {
    let Names::Some(names) = names else {
        return Ok(((0..scope.teams.len()).filter_map(|team| u8::try_from(team).ok()).collect(), true));
    };
    let (mut teams, mut seen) = (TeamSet::default(), BTreeSet::new());
    for (name, at) in names.iter().filter(|(name, _)| seen.insert(name)) {
        let is_meant = |team: &Team| team.name == *name || scope.entries.get(team.entry) == Some(name);
        let mut meant = (0_u8..=u8::MAX).zip(&scope.teams).filter(|(_, team)| is_meant(team)).peekable();
        if meant.peek().is_none() {
            let near = did_you_mean(name, scope.entries.iter().map(String::as_str));
            return Err(Wrong { at: *at, message: format!("unknown team `{name}`{near}") });
        }
        for (index, team) in meant {
            teams.insert(index);
            // By its number: the others of its entry are not meant.
            if scope.entries.get(team.entry) != Some(name) {
                scope.numbered.insert(index);
            }
        }
    }
    Ok((teams, teams.iter().nth(1).is_some()))
}

fn count(argument: Typed) -> Option<Typed> {
    let ones = |teams| Flat { teams, of: Of::One };
    let counted = |teams, grouped| match grouped {
        true => Typed::Numbers(Numbers::PerTeam(Function::Count, ones(teams))),
        false => Typed::Number(Number::Fold(Function::Count, Numbers::Flat(ones(teams)))),
    };
    Some(match argument {
        Typed::Players { teams, grouped } => counted(teams, grouped),
        Typed::Flat { flat, grouped } => counted(flat.teams, grouped),
        Typed::Texts { texts, grouped } => counted(texts.teams, grouped),
        Typed::Numbers(numbers) => Typed::Number(Number::Fold(Function::Count, numbers)),
        Typed::Lists { lists, grouped } if lists.own => {
            Typed::Flat { flat: Flat { teams: lists.teams, of: Of::Length(lists.column) }, grouped }
        }
        Typed::Lists { lists, .. } => Typed::Numbers(Numbers::Sizes(Strings::PerPlayer(lists))),
        Typed::Strings { strings, several: true } => Typed::Numbers(Numbers::Sizes(strings)),
        Typed::Strings { strings, several: false } => Typed::Number(Number::Size(strings)),
        Typed::Number(_) => return None,
    })
}

fn fold(function: Function, argument: Typed) -> Option<Typed> {
    Some(match argument {
        Typed::Flat { flat, grouped: true } => Typed::Numbers(Numbers::PerTeam(function, flat)),
        Typed::Flat { flat, grouped: false } => Typed::Number(Number::Fold(function, Numbers::Flat(flat))),
        Typed::Numbers(numbers) => Typed::Number(Number::Fold(function, numbers)),
        _ => return None,
    })
}

/// One level less. What has one level only stays as it is.
fn flatten(argument: Typed) -> Option<Typed> {
    Some(match argument {
        Typed::Players { teams, .. } => Typed::Players { teams, grouped: false },
        Typed::Flat { flat, .. } => Typed::Flat { flat, grouped: false },
        Typed::Texts { texts, .. } => Typed::Texts { texts, grouped: false },
        Typed::Lists { lists, grouped: true } => Typed::Lists { lists, grouped: false },
        Typed::Lists { lists, grouped: false } => {
            let strings = Strings::Concat(Box::new(Strings::PerPlayer(lists)));
            Typed::Strings { strings, several: false }
        }
        Typed::Strings { strings, several: true } => {
            Typed::Strings { strings: Strings::Concat(Box::new(strings)), several: false }
        }
        Typed::Strings { .. } | Typed::Numbers(_) => argument,
        Typed::Number(_) => return None,
    })
}

fn common(argument: Typed) -> Option<Typed> {
    let of = |strings| Typed::Strings { strings: Strings::Common(Box::new(strings)), several: false };
    Some(match argument {
        Typed::Texts { texts, grouped: true } => of(Strings::PerTeam(texts)),
        Typed::Lists { lists, grouped: false } => of(Strings::PerPlayer(lists)),
        Typed::Lists { lists, grouped: true } => {
            Typed::Strings { strings: Strings::CommonPerTeam(lists), several: true }
        }
        Typed::Strings { strings, several: true } => of(strings),
        _ => return None,
    })
}

impl Typed {
    /// As measured numbers. Lists of lists are measured number by number.
    pub(crate) fn measured(self) -> Option<Measured> {
        match self {
            Self::Number(number) => Some(Measured::One(number)),
            Self::Numbers(numbers) => Some(Measured::Each(numbers)),
            Self::Flat { flat, .. } => Some(Measured::Each(Numbers::Flat(flat))),
            _ => None,
        }
    }
    /// As collections of strings; the flag says whether it is exactly one.
    pub(crate) fn collections(self) -> Option<(Strings, bool)> {
        match self {
            Self::Texts { texts, grouped: true } => Some((Strings::PerTeam(texts), false)),
            Self::Texts { texts, grouped: false } => {
                Some((Strings::Concat(Box::new(Strings::PerTeam(texts))), true))
            }
            Self::Lists { lists, .. } => Some((Strings::PerPlayer(lists), false)),
            Self::Strings { strings, several } => Some((strings, !several)),
            _ => None,
        }
    }
    /// In words, for messages.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Number(_) => "a number",
            Self::Numbers(_) | Self::Flat { grouped: false, .. } => "a list of numbers",
            Self::Flat { grouped: true, .. } => "a list of numbers for each team",
            Self::Texts { grouped: false, .. } | Self::Strings { several: false, .. } => "a list of strings",
            Self::Texts { grouped: true, .. } => "a list of strings for each team",
            Self::Lists { .. } | Self::Strings { .. } => "several lists of strings",
            Self::Players { .. } => "players, who can only be counted",
        }
    }
}
