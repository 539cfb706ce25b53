//! A checked rule set.
use crate::{
    columns::{Columns, NumberColumn, NumberSource, WordColumn, WordSource},
    judge::stand_in::StandIns,
    objective::Objective,
    party::Party,
    stage::Stage,
    symbols::Symbols,
    value::Value,
};
use gsm_core::{Millis, limits::PARTY_SIZE_MAX};
use serde::Serialize;

/// A rule set that was read without a fault: made by [`parse`](crate::parse).
#[derive(Debug, Clone)]
pub struct RuleSet {
    pub(crate) name: Option<String>,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) teams: Vec<Team>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) stages: Vec<Stage>,
    pub(crate) columns: Columns,
    pub(crate) literals: Vec<String>,
    pub(crate) is_large: bool,
    pub(crate) expansion_age: ExpansionAge,
    pub(crate) objective: Option<Objective>,
    pub(crate) parties: Parties,
    pub(crate) even_by: Option<EvenBy>,
    pub(crate) stand_ins: StandIns,
}

/// By what teams are made even where the rules leave it open who plays with whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EvenBy {
    /// By players' [strengths](crate::Member::strength), where all of a match have one.
    pub strength: NumberColumn,
    /// Else by their [ratings](crate::Member::skill), where all have one.
    pub skill: NumberColumn,
}

/// Which parties are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parties {
    pub(crate) players_max: usize,
    /// Whether one that fits no team is spread over several.
    pub(crate) split: bool,
}

impl Default for Parties {
    fn default() -> Self {
        Self { players_max: PARTY_SIZE_MAX, split: false }
    }
}

/// An attribute that the rule set declares.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Attribute {
    /// Unique in the rule set.
    pub name: String,
    /// What its values are.
    pub kind: AttributeKind,
    /// The value of players that bring none.
    pub default: Option<Value>,
    /// Which matches the server fills it in from, with whom the player met in them; an extension.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supplied: Option<Supplied>,
}

/// The last matches of a player that an attribute is filled in from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Supplied {
    /// How many at most.
    pub matches: u32,
    /// How long ago at most, in seconds.
    pub within_s: Option<u32>,
}

/// What the values of an attribute are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AttributeKind {
    /// A string.
    String,
    /// A number.
    Number,
    /// A list of strings.
    StringList,
    /// Numbers by name.
    StringNumberMap,
}

/// One team of a match; a team with a quantity is so many of them, `squad_1`, `squad_2`, ..
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Team {
    /// Unique in the rule set.
    pub name: String,
    /// Which entry of `teams` it comes from, from 0. Teams of one entry are interchangeable, but for what names one by its
    /// number ([`Stage::kinds`]).
    pub entry: usize,
}

/// How many players a team takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TeamSize {
    /// May be 0: then the team may stay empty.
    pub min: u8,
    /// 1 to 200, not less than `min`.
    pub max: u8,
}

/// A rule by name, the same in all stages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// Unique in the rule set.
    pub name: String,
    /// Its type.
    pub kind: RuleKind,
    /// Does it count by itself? Otherwise a compound names it, and it counts through that alone.
    pub counts_alone: bool,
}

/// The types of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum RuleKind {
    /// Values against a reference, or among each other.
    Comparison,
    /// Numbers near, or far from, a reference.
    Distance,
    /// Tickets of one batch: near in a number, equal in a string.
    BatchDistance,
    /// How many of something are in collections.
    Collection,
    /// A location that is near enough for everybody.
    Latency,
    /// The order of the others: by the distance to the anchor.
    DistanceSort,
    /// The order of the others: by their own value.
    AbsoluteSort,
    /// Logic over other rules.
    Compound,
    /// Players who do not want to meet; an extension.
    Avoid,
    /// Places that are filled by players who name them; an extension.
    Roles,
    /// Parties meet parties; an extension.
    PartyBalance,
}

/// How matches are looked for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Algorithm {
    /// `exhaustiveSearch` or `balanced`.
    pub strategy: Strategy,
    /// How the pool is cut.
    pub batching: Batching,
    /// The order of batches under [`Batching::Sorted`]: the first one is the primary key.
    pub sort_by: Vec<SortBy>,
    /// What balanced teams are even in: an index into [`RuleSet::attributes`] and the column of its average.
    pub balanced: Option<(usize, NumberColumn)>,
    /// Under [`Batching::FastestRegion`] of large matches: the column of the latencies by which batches are made.
    pub places: Option<WordColumn>,
    /// When backfill tickets have their turn.
    pub backfill: BackfillPriority,
}

/// `strategy` of the algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Strategy {
    /// Small matches.
    #[default]
    ExhaustiveSearch,
    /// Large matches; a small one is searched exhaustively, with even teams.
    Balanced,
}

/// `batchingPreference` of the algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Batching {
    /// Any cut.
    #[default]
    Random,
    /// By `sortByAttributes`.
    Sorted,
    /// Everybody with an acceptable latency anywhere.
    LargestPopulation,
    /// By each player's best location.
    FastestRegion,
}

/// `backfillPriority` of the algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BackfillPriority {
    /// By age, among the other tickets.
    #[default]
    Normal,
    /// After new matches.
    Low,
    /// Before new matches.
    High,
}

/// `expansionAgeSelection` of the algorithm: whose age says which stage a candidate is judged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExpansionAge {
    /// That of the candidate's newest ticket.
    #[default]
    Newest,
    /// That of its oldest one.
    Oldest,
}

/// An attribute that batches are sorted by, ascending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortBy {
    /// By the average of the ticket's players.
    Number(NumberColumn),
    /// By the alphabet; a ticket by its first player's string.
    Text(WordColumn),
}

impl RuleSet {
    /// What matches cost, where they are chosen by that.
    #[must_use]
    pub const fn objective(&self) -> Option<&Objective> {
        self.objective.as_ref()
    }
    /// By what teams are made even, where the rules leave a choice and do not say how it is made: by an objective whose cost
    /// depends on it, or by the `balancedAttribute` of a [stage](Stage::algorithm).
    #[must_use]
    pub const fn even_by(&self) -> Option<EvenBy> {
        self.even_by
    }
    /// The same for tickets of which one may [stand in](RuleSet::stands_in) for the other, and hardly ever for the rest.
    #[must_use]
    pub fn class(&self, party: &Party) -> u32 {
        self.stand_ins.class(party)
    }
    /// Whether each match that tickets `with` and `other` are in is one as well if `one` takes the place of `other`, in any
    /// stage, as far as the rules are concerned. It may miss some, and is never wrong.
    #[must_use]
    pub fn stands_in(&self, with: &Party, one: &Party, other: &Party) -> bool {
        self.stand_ins.may(with, one, other)
    }
    /// Whether anything reads players' [strengths](crate::Member::strength).
    #[must_use]
    pub fn reads_strengths(&self) -> bool {
        self.even_by.is_some() || self.objective.as_ref().is_some_and(Objective::reads_strengths)
    }
    /// Its label, if it has one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
    /// What it declares, in the order of the text.
    #[must_use]
    pub fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }
    /// Those whose strings are ids of players: what `avoid` rules read, and what the server fills in.
    pub fn lists_of_players(&self) -> impl Iterator<Item = &Attribute> {
        let is_avoided = |attribute| self.columns.words.contains(&WordSource::Avoided { attribute });
        let attributes = self.attributes.iter().enumerate();
        attributes.filter(move |(at, of)| of.supplied.is_some() || is_avoided(*at)).map(|(_, of)| of)
    }
    /// The teams of a match, 1 to 200; those of a quantity one after another.
    #[must_use]
    pub fn teams(&self) -> &[Team] {
        &self.teams
    }
    /// The rules, in the order of the text.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }
    /// The versions that expansions make of it, ascending by [`Stage::from`], the first one from age zero.
    /// At least one, at most [`STAGES_MAX`](crate::STAGES_MAX).
    #[must_use]
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }
    /// The stage that is in force at an age: an index into [`RuleSet::stages`].
    #[must_use]
    pub fn stage_at(&self, age: Millis) -> usize {
        self.stages.partition_point(|stage| stage.from() <= age).saturating_sub(1)
    }
    /// How a match is looked for at first; a stage may have changed it ([`Stage::algorithm`]).
    #[must_use]
    pub fn algorithm(&self) -> Option<&Algorithm> {
        self.stages.first().map(Stage::algorithm)
    }
    /// Whose age tells the stage of a candidate.
    #[must_use]
    pub const fn expansion_age(&self) -> ExpansionAge {
        self.expansion_age
    }
    /// Most players that a match can have in any stage.
    #[must_use]
    pub fn players_max(&self) -> usize {
        self.stages.iter().map(Stage::players_max).max().unwrap_or(0) as usize
    }
    /// Most players that a party may have; it may still fit no team.
    #[must_use]
    pub const fn party_max(&self) -> usize {
        self.parties.players_max
    }
    /// Whether a party that fits no team is spread over several.
    #[must_use]
    pub const fn splits_parties(&self) -> bool {
        self.parties.split
    }
    /// Is it for matches of more than 40 players? Such rule sets have `batchDistance` and `latency` rules only.
    #[must_use]
    pub const fn is_large(&self) -> bool {
        self.is_large
    }
    /// The columns of numbers, in the order of [`NumberColumn`].
    pub fn number_columns(&self) -> impl ExactSizeIterator<Item = (NumberColumn, NumberSource)> {
        self.columns.numbers.iter().enumerate().map(|(at, source)| (NumberColumn(at as u16), *source))
    }
    /// The columns of symbols, in the order of [`WordColumn`].
    pub fn word_columns(&self) -> impl ExactSizeIterator<Item = (WordColumn, WordSource)> {
        self.columns.words.iter().enumerate().map(|(at, source)| (WordColumn(at as u16), *source))
    }
    /// Fresh symbols for a pool of its tickets.
    #[must_use]
    pub fn symbols(&self) -> Symbols {
        Symbols::with(&self.literals)
    }
}
