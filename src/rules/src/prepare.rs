//! Tickets become parties.
use crate::{
    columns::{Aggregation, NumberSource, SetAggregation, WordSource},
    party::{Never, Party, entry_cells, list_cells},
    rule_set::{Attribute, AttributeKind, RuleKind, RuleSet},
    symbols::{Symbol, Symbols},
    value::{Member, Value},
};
use std::collections::{BTreeMap, BTreeSet};

/// Why a ticket is refused. One that only lacks something is taken, and waits ([`Party::never`]).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// A player's attribute is of another type than the rule set declares.
    #[error("attribute `{attribute}` of player `{player}` must be {expected}")]
    WrongType {
        /// The player's id.
        player: String,
        /// The attribute's name.
        attribute: String,
        /// What it must be, with its article.
        expected: &'static str,
    },
    /// A player's number is not finite.
    #[error("attribute `{attribute}` of player `{player}` must be a finite number")]
    NotFinite {
        /// The player's id.
        player: String,
        /// The attribute's name.
        attribute: String,
    },
    /// No player, or more than 255.
    #[error("a ticket has 1 to 255 players, not {0}")]
    Size(usize),
}

impl AttributeKind {
    const fn expected(self) -> &'static str {
        match self {
            Self::String => "a string",
            Self::Number => "a number",
            Self::StringList => "a list of strings",
            Self::StringNumberMap => "a map of numbers",
        }
    }
    pub(crate) const fn takes(self, value: &Value) -> bool {
        matches!(
            (self, value),
            (Self::String, Value::Text(_))
                | (Self::Number, Value::Number(_))
                | (Self::StringList, Value::List(_))
                | (Self::StringNumberMap, Value::Map(_))
        )
    }
}

impl RuleSet {
    /// A ticket as the rules see it; `symbols` keeps its strings until [`RuleSet::release`].
    ///
    /// # Errors
    /// [`Unfit`] where the ticket must be refused; `symbols` is then as it was.
    pub fn prepare(&self, members: &[Member], symbols: &mut Symbols) -> Result<Party, Unfit> {
        if members.is_empty() || members.len() > usize::from(u8::MAX) {
            return Err(Unfit::Size(members.len()));
        }
        let never = self.lacking(members)?;
        self.party(members, (members, never), symbols)
    }

    /// A ticket whose players sit on several teams: so many of them in each part, in their order. Each part is a party of
    /// its own for the rules, but that nobody avoids who came with him.
    ///
    /// # Errors
    /// As [`RuleSet::prepare`].
    pub fn prepare_parts(
        &self,
        members: &[Member],
        sizes: &[usize],
        symbols: &mut Symbols,
    ) -> Result<Vec<Party>, Unfit> {
        let total = sizes.iter().fold(0_usize, |sum, size| sum.saturating_add(*size));
        if total != members.len() || sizes.iter().any(|size| *size == 0 || *size > usize::from(u8::MAX)) {
            return Err(Unfit::Size(members.len()));
        }
        self.lacking(members)?;
        let mut rest = members;
        let mut parties = Vec::with_capacity(sizes.len());
        for size in sizes {
            let (part, after) = rest.split_at_checked(*size).unwrap_or((rest, &[]));
            parties.push(self.party(part, (members, self.lacking(part)?), symbols)?);
            rest = after;
        }
        Ok(parties)
    }

    /// The first attribute that a player lacks, once all values are known to be lawful.
    fn lacking(&self, members: &[Member]) -> Result<Option<Never>, Unfit> {
        let mut never = None;
        for (index, attribute) in self.attributes.iter().enumerate() {
            for member in members {
                if attribute.checked(member)?.is_none() {
                    never = never.or(Some(Never::Missing { attribute: index as u16 }));
                }
            }
        }
        Ok(never)
    }

    /// Players as one party, of the ticket `mates`; their values are lawful.
    fn party(
        &self,
        members: &[Member],
        (mates, mut never): (&[Member], Option<Never>),
        symbols: &mut Symbols,
    ) -> Result<Party, Unfit> {
        let size = u8::try_from(members.len()).map_err(|_| Unfit::Size(members.len()))?;
        let values = |attribute: usize| {
            let attribute = self.attributes.get(attribute);
            members.iter().filter_map(move |member| attribute?.of(member))
        };
        let numbers = self.columns.numbers.iter().map(|column| match *column {
            NumberSource::Attribute { attribute, aggregation } => {
                let numbers = values(attribute).filter_map(|value| match value {
                    Value::Number(number) => Some(*number),
                    _ => None,
                });
                aggregation.of(numbers).unwrap_or(f64::NAN)
            }
            NumberSource::Strength => mean(members, |member| member.strength).unwrap_or(f64::NAN),
            NumberSource::Skill => mean(members, |member| member.skill).unwrap_or(f64::NAN),
        });
        let numbers: Vec<f64> = numbers.collect();
        let words = self.columns.words.iter().map(|column| match *column {
            WordSource::Players => texts(members.iter().map(|member| member.player.as_str()), symbols),
            WordSource::Ids => {
                let mut cells = Vec::new();
                for member in members {
                    list_cells(&mut cells, &taken(member.ids().collect(), symbols));
                }
                cells
            }
            WordSource::Texts { attribute } => texts(
                values(attribute).filter_map(|value| match value {
                    Value::Text(text) => Some(text.as_str()),
                    _ => None,
                }),
                symbols,
            ),
            WordSource::Lists { attribute } => {
                let mut cells = Vec::new();
                for list in lists(values(attribute)) {
                    list_cells(&mut cells, &taken(list, symbols));
                }
                cells
            }
            WordSource::Avoided { attribute } => {
                let mut cells = Vec::new();
                for mut list in lists(values(attribute)) {
                    list.retain(|named| mates.iter().flat_map(Member::ids).all(|mate| mate != *named));
                    list_cells(&mut cells, &taken(list, symbols));
                }
                cells
            }
            WordSource::Ranked { attribute } => {
                let mut cells = Vec::new();
                for value in values(attribute) {
                    let Value::List(list) = value else { continue };
                    list_cells(&mut cells, &ranked(list, symbols));
                }
                cells
            }
            WordSource::Set { attribute, aggregation } => {
                taken(one_set(lists(values(attribute)), aggregation), symbols)
            }
            WordSource::Map { attribute, aggregation } => {
                let maps = values(attribute).filter_map(|value| match value {
                    Value::Map(map) => Some(map),
                    _ => None,
                });
                let mut keys: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
                for (key, value) in maps.flatten() {
                    keys.entry(key).or_default().push(*value);
                }
                entries(keys, aggregation, symbols)
            }
            WordSource::Latency { aggregation } => {
                let mut places: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
                for (place, ms) in members.iter().flat_map(|member| &member.latency_ms) {
                    places.entry(place).or_default().push(f64::from(*ms));
                }
                places.retain(|_, all| all.len() == members.len());
                entries(places, aggregation, symbols)
            }
        });
        let words: Vec<Vec<Symbol>> = words.collect();
        let needs_latency = self.rules.iter().any(|rule| rule.kind == RuleKind::Latency && rule.counts_alone);
        if needs_latency && !has_common_location(members) {
            never = never.or(Some(Never::NoLatency));
        }
        Ok(Party::new(size, never, &numbers, &words))
    }
}

impl RuleSet {
    /// Frees the strings of a party that is needed no more.
    pub fn release(&self, party: &Party, symbols: &mut Symbols) {
        for (column, source) in self.word_columns() {
            match source {
                WordSource::Players | WordSource::Texts { .. } | WordSource::Set { .. } => {
                    party.texts(column).iter().for_each(|symbol| symbols.give_back(*symbol));
                }
                WordSource::Ids
                | WordSource::Lists { .. }
                | WordSource::Ranked { .. }
                | WordSource::Avoided { .. } => {
                    party.lists(column).flatten().for_each(|symbol| symbols.give_back(*symbol));
                }
                WordSource::Map { .. } | WordSource::Latency { .. } => {
                    party.entries(column).for_each(|(symbol, _)| symbols.give_back(symbol));
                }
            }
        }
    }
}

impl Attribute {
    /// The member's value, or the default.
    fn of<'a>(&'a self, member: &'a Member) -> Option<&'a Value> {
        member.attributes.get(&self.name).or(self.default.as_ref())
    }
    fn checked<'a>(&'a self, member: &'a Member) -> Result<Option<&'a Value>, Unfit> {
        let Some(value) = self.of(member) else { return Ok(None) };
        let (player, attribute) = (|| member.player.clone(), || self.name.clone());
        if !self.kind.takes(value) {
            let expected = self.kind.expected();
            return Err(Unfit::WrongType { player: player(), attribute: attribute(), expected });
        }
        let is_finite = match value {
            Value::Number(number) => number.is_finite(),
            Value::Map(map) => map.values().all(|number| number.is_finite()),
            Value::Text(_) | Value::List(_) => true,
        };
        if is_finite {
            Ok(Some(value))
        } else {
            Err(Unfit::NotFinite { player: player(), attribute: attribute() })
        }
    }
}

/// The mean of a number of players; none where one of them has none.
fn mean(members: &[Member], of: impl Fn(&Member) -> Option<f64>) -> Option<f64> {
    let known = members.iter().map(|member| of(member).filter(|number| number.is_finite()));
    Aggregation::Avg.of(known.collect::<Option<Vec<f64>>>()?.into_iter())
}

/// One symbol where all have the same string, else one each.
fn texts<'a>(all: impl Iterator<Item = &'a str>, symbols: &mut Symbols) -> Vec<Symbol> {
    let all: Vec<&str> = all.collect();
    match all.as_slice() {
        [first, rest @ ..] if rest.iter().all(|text| text == first) => vec![symbols.take(first)],
        _ => all.iter().map(|text| symbols.take(text)).collect(),
    }
}

fn lists<'a>(values: impl Iterator<Item = &'a Value>) -> impl Iterator<Item = BTreeSet<&'a str>> {
    values.filter_map(|value| match value {
        Value::List(list) => Some(list.iter().map(String::as_str).collect()),
        _ => None,
    })
}

fn one_set<'a>(lists: impl Iterator<Item = BTreeSet<&'a str>>, by: SetAggregation) -> BTreeSet<&'a str> {
    lists
        .reduce(|all, list| match by {
            SetAggregation::Union => &all | &list,
            SetAggregation::Intersection => &all & &list,
        })
        .unwrap_or_default()
}

/// The symbols of strings, ascending.
fn taken(set: BTreeSet<&str>, symbols: &mut Symbols) -> Vec<Symbol> {
    let mut set: Vec<Symbol> = set.iter().map(|text| symbols.take(text)).collect();
    set.sort_unstable();
    set
}

/// The symbols of strings, in their order.
fn ranked(list: &[String], symbols: &mut Symbols) -> Vec<Symbol> {
    let is_first = |(at, text): &(usize, &String)| list.iter().take(*at).all(|before| before != *text);
    list.iter().enumerate().filter(is_first).map(|(_, text)| symbols.take(text)).collect()
}

/// The cells of a map, ascending by symbol.
fn entries(all: BTreeMap<&str, Vec<f64>>, by: Aggregation, symbols: &mut Symbols) -> Vec<Symbol> {
    let value = |values: Vec<f64>| by.of(values.into_iter());
    let all = all.into_iter().filter_map(|(key, values)| Some((symbols.take(key), value(values)?)));
    let mut all: Vec<(Symbol, f64)> = all.collect();
    all.sort_unstable_by_key(|(symbol, _)| *symbol);
    all.into_iter().flat_map(|(symbol, value)| entry_cells(symbol, value)).collect()
}

/// Is there a location to which all have a latency?
fn has_common_location(members: &[Member]) -> bool {
    let Some((first, rest)) = members.split_first() else { return false };
    first.latency_ms.keys().any(|place| rest.iter().all(|member| member.latency_ms.contains_key(place)))
}
