//! What a rule set says about the traffic that it is for.
use crate::plausible::{Choices, Spread, Values};
use gsm_rules::{Attribute, AttributeKind, NumberSource, Pairwise, RuleSet, Value};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// Words in the names of attributes that say how good a player is.
const SKILL_WORDS: [&str; 6] = ["skill", "rating", "mmr", "elo", "strength", "level"];
/// The weight of what players bring if the rule set does not say, against 1 for each other value it mentions.
const DEFAULT_WEIGHT: f64 = 3.0;
/// Where a number lies of which nothing is known.
const NUMBER_MEAN: f64 = 1_500.0;
/// The deviation of a number, as a share of its mean.
const DEVIATION_SHARE: f64 = 0.2;

/// What a rule set says about the traffic that it is for: attributes with values that its rules tell apart, and
/// sizes.
#[derive(Debug, Clone)]
pub struct Shape {
    attributes: Vec<Attribute>,
    /// Values that rules compare an attribute with.
    mentioned: BTreeMap<String, Vec<Json>>,
    /// The largest party that fits.
    pub(crate) party_max: usize,
    skill: Option<String>,
}

impl Shape {
    /// Of a rule set and the text that it was read from.
    #[must_use]
    pub fn of(set: &RuleSet, text: &str) -> Self {
        let mut mentioned: BTreeMap<String, Vec<Json>> = BTreeMap::new();
        let root: Json = serde_json::from_str(text).unwrap_or_default();
        for rule in root.get("rules").and_then(Json::as_array).into_iter().flatten() {
            // A role is as common as its places.
            if let (Some(name), Some(counts)) =
                (rule.get("attribute").and_then(Json::as_str), rule.get("counts").and_then(Json::as_object))
            {
                let places = |(role, count): (&String, &Json)| {
                    let count = count.as_u64().unwrap_or(1).min(40) as usize;
                    std::iter::repeat_n(Json::from(role.as_str()), count)
                };
                // In one order, whichever features serde_json is built with.
                let counts: BTreeMap<_, _> = counts.iter().collect();
                mentioned.entry(name.to_owned()).or_default().extend(counts.into_iter().flat_map(places));
            }
            let measured = rule.get("measurements").map(Json::to_string).unwrap_or_default();
            for attribute in set.attributes() {
                if measured.contains(&format!("attributes[{}]", attribute.name)) {
                    let all = mentioned.entry(attribute.name.clone()).or_default();
                    match rule.get("referenceValue") {
                        Some(Json::Array(values)) => all.extend(values.iter().cloned()),
                        Some(value) => all.push(value.clone()),
                        None => {}
                    }
                }
            }
        }
        Self {
            attributes: set.attributes().to_vec(),
            mentioned,
            party_max: party_max(set),
            skill: skill_attribute(set).map(str::to_owned),
        }
    }

    /// The attributes it declares.
    pub(crate) fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    /// The attribute that says how good a player is, as far as the rule set tells.
    #[must_use]
    pub fn skill(&self) -> Option<&str> {
        self.skill.as_deref()
    }

    /// Whether it declares a number of this name.
    #[must_use]
    pub fn has_number(&self, name: &str) -> bool {
        self.attributes.iter().any(|of| of.name == name && of.kind == AttributeKind::Number)
    }

    /// Values that players may plausibly bring.
    pub(crate) fn plausible(&self, attribute: &Attribute) -> Values {
        let mentioned = self.mentioned.get(&attribute.name).map_or(&[][..], Vec::as_slice);
        let mut choices = Choices::default();
        let mut add = |name: String, weight| choices.add(name, weight);
        match (&attribute.default, attribute.kind) {
            (default, AttributeKind::Number) => {
                let numbers: Vec<f64> = mentioned.iter().filter_map(Json::as_f64).collect();
                let default = match default {
                    Some(Value::Number(number)) => Some(*number),
                    _ => None,
                };
                let is_skill = self.skill.as_ref() == Some(&attribute.name);
                if is_skill || numbers.is_empty() {
                    let mean = default.unwrap_or(NUMBER_MEAN);
                    return Values::Number(Spread::Normal {
                        mean,
                        deviation: (mean.abs() * DEVIATION_SHARE).max(1.0),
                    });
                }
                default.into_iter().for_each(|number| add(number.to_string(), DEFAULT_WEIGHT));
                numbers.into_iter().for_each(|number| add(number.to_string(), 1.0));
                return Values::Numbers(choices);
            }
            (Some(Value::Text(text)), _) => add(text.clone(), DEFAULT_WEIGHT),
            (Some(Value::List(list)), _) => list.iter().for_each(|text| add(text.clone(), DEFAULT_WEIGHT)),
            (Some(Value::Map(map)), _) => map.keys().for_each(|key| add(key.clone(), DEFAULT_WEIGHT)),
            _ => {}
        }
        // A reference that is an expression is no value.
        let texts = mentioned.iter().filter_map(Json::as_str).filter(|text| !text.contains('('));
        let texts: Vec<String> = texts.filter(|text| !text.contains("teams[")).map(str::to_owned).collect();
        if texts.is_empty() {
            choices.add("other".to_owned(), 1.0);
        }
        texts.into_iter().for_each(|text| choices.add(text, 1.0));
        match attribute.kind {
            AttributeKind::StringList => Values::Lists(choices),
            AttributeKind::StringNumberMap => Values::Maps(choices),
            AttributeKind::String | AttributeKind::Number => Values::Texts(choices),
        }
    }
}

/// The largest party that a match has room for.
fn party_max(set: &RuleSet) -> usize {
    let sizes = || set.stages().iter().flat_map(|stage| stage.teams()).map(|size| usize::from(size.max));
    let room = if set.splits_parties() { set.players_max() } else { sizes().max().unwrap_or(1) };
    room.min(set.party_max()).max(1)
}

/// The number attribute that says how good a player is, as far as the rule set tells: by its name, as what teams are
/// balanced in, or as what players of a match must be near in.
#[must_use]
pub fn skill_attribute(set: &RuleSet) -> Option<&str> {
    let numbers = || set.attributes().iter().filter(|attribute| attribute.kind == AttributeKind::Number);
    let name_of = |at: usize| set.attributes().get(at).map(|attribute| attribute.name.as_str());
    let by_name = SKILL_WORDS.iter().find_map(|word| {
        numbers()
            .map(|attribute| attribute.name.as_str())
            .find(|name| name.to_ascii_lowercase().contains(word))
    });
    let balanced = || set.algorithm().and_then(|of| of.balanced).and_then(|(at, _)| name_of(at));
    let near = || {
        let within = set.stages().first()?.pairwise().iter().find_map(|pair| match pair {
            Pairwise::Within { column, .. } => Some(*column),
            _ => None,
        })?;
        set.number_columns().find(|(column, _)| *column == within).and_then(|(_, source)| match source {
            NumberSource::Attribute { attribute, .. } => name_of(attribute),
            NumberSource::Strength | NumberSource::Skill => None,
        })
    };
    by_name.or_else(balanced).or_else(near)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gsm_rules::{Dialect, parse};

    fn shape(text: &str) -> Shape {
        Shape::of(&parse(text, Dialect::Extended).unwrap().set, text)
    }

    const HUNT: &str = include_str!("../../../config/rule-sets/hunt.json");
    const FIVES: &str = include_str!("../../../config/rule-sets/fives.json");

    fn values(shape: &Shape, name: &str) -> Values {
        shape.plausible(shape.attributes().iter().find(|attribute| attribute.name == name).unwrap())
    }

    fn choices(all: &[(&str, f64)]) -> Choices {
        let mut choices = Choices::default();
        all.iter().for_each(|(name, weight)| choices.add((*name).to_owned(), *weight));
        choices
    }

    #[test]
    fn values_are_those_that_rules_tell_apart() {
        let (hunt, fives) = (shape(HUNT), shape(FIVES));
        assert_eq!(values(&hunt, "wantsQuarry"), Values::Numbers(choices(&[("0", 4.0), ("1", 1.0)])));
        assert_eq!(values(&hunt, "skill"), Values::Number(Spread::Normal { mean: 10.0, deviation: 2.0 }));
        assert_eq!(values(&fives, "mode"), Values::Texts(choices(&[("ranked", 3.0), ("other", 1.0)])));
        assert_eq!(values(&fives, "roles"), Values::Lists(choices(&[("damage", 3.0), ("healer", 2.0)])));
        assert_eq!((fives.party_max, hunt.party_max), (5, 4));
    }

    #[test]
    fn roles_are_as_common_as_their_places() {
        let roles = shape(
            &include_str!("../../../config/rule-sets/roles.json")
                .replace(r#", "default": ["damage", "healer", "tank"]"#, ""),
        );
        assert_eq!(
            values(&roles, "roles"),
            Values::Lists(choices(&[("damage", 2.0), ("healer", 2.0), ("tank", 1.0)]))
        );
    }

    #[test]
    fn skill_is_found_by_name_or_by_what_matches_must_be_near_in() {
        assert_eq!(shape(FIVES).skill(), Some("skill"));
        let named_otherwise = FIVES.replace("skill", "points");
        assert_eq!(shape(&named_otherwise).skill(), Some("points"));
        let none =
            r#"{"ruleLanguageVersion": "1.0", "teams": [{"name": "a", "minPlayers": 2, "maxPlayers": 2}]}"#;
        assert_eq!(shape(none).skill(), None);
    }
}
