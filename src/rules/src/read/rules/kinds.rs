//! The types of rules, one function each.
use super::{Source, measure::ReferenceValue};
use crate::{
    columns::{Aggregation, WordSource},
    expression::{ListUse, Typed},
    json::Kind,
    judge::{
        Check, Counts, Leaves, Operation, Reference, Span,
        avoid::Avoid,
        latency::{From, Latency, Spread},
        numbers::{Measured, Number},
        sort::{By, Sort},
        strings::Strings,
    },
    rule_set::AttributeKind,
};

/// Greatest number of `minCount` and `maxCount`.
const COUNT_MAX: u32 = 1_000_000;

const OPERATIONS: [(&str, Operation); 6] = [
    ("<", Operation::Less),
    ("<=", Operation::AtMost),
    ("=", Operation::Equal),
    ("!=", Operation::Different),
    (">=", Operation::AtLeast),
    (">", Operation::More),
];

#[derive(Clone, Copy, PartialEq)]
enum Collecting {
    Contains,
    Intersection,
    Reference,
}

const COLLECTIONS: [(&str, Collecting); 3] = [
    ("contains", Collecting::Contains),
    ("intersection", Collecting::Intersection),
    ("reference_intersection_count", Collecting::Reference),
];

impl Source<'_, '_> {
    fn number_uses(&mut self) -> ListUse {
        ListUse { numbers: self.aggregation(), sets: None, own_outside: false }
    }
    pub(super) fn fault(&mut self, member: &str, message: impl Into<String>) {
        self.faults.add(self.object.place(member), message);
    }

    pub(crate) fn comparison(&mut self) -> Option<Check> {
        let uses = self.number_uses();
        let measured = self.measurements(uses);
        self.object.need("operation", self.faults);
        let operation = self.object.choice("operation", &OPERATIONS, self.faults);
        let has_reference = self.object.get("referenceValue").is_some();
        let is_equality = matches!(operation, Some(Operation::Equal | Operation::Different));
        if !has_reference && operation.is_some() && !is_equality {
            self.fault("operation", "without `referenceValue` only `=` and `!=` can be asked");
            return None;
        }
        let is_text = |typed: &Typed| {
            matches!(typed, Typed::Texts { .. } | Typed::Lists { .. } | Typed::Strings { .. })
        };
        let texts = measured.iter().filter(|(_, typed)| is_text(typed)).count();
        if texts > 0 && texts < measured.len() {
            self.fault("measurements", "numbers and strings cannot be compared with each other");
            return None;
        }
        let operation = operation?;
        if texts > 0 {
            self.text_comparison(measured, operation, uses)
        } else {
            self.number_comparison(measured, operation, uses)
        }
    }

    fn number_comparison(
        &mut self,
        measured: Vec<(u32, Typed)>,
        operation: Operation,
        uses: ListUse,
    ) -> Option<Check> {
        let measured = self.numbers(measured);
        if self.object.get("referenceValue").is_none() {
            let differ = operation == Operation::Different;
            let measured = if differ { measured? } else { distinct(measured?) };
            return Some(Check::Alike { measured, differ });
        }
        let reference = self.number_reference(uses);
        Some(Check::Compare { measured: distinct(measured?), operation, reference: reference? })
    }

    fn text_comparison(
        &mut self,
        measured: Vec<(u32, Typed)>,
        operation: Operation,
        uses: ListUse,
    ) -> Option<Check> {
        if !matches!(operation, Operation::Equal | Operation::Different) {
            self.fault("operation", "strings can only be compared by `=` and `!=`");
            return None;
        }
        let leaves = |typed| match typed {
            Typed::Texts { texts, .. } => Some(Leaves::Texts(texts)),
            typed => typed.collections().map(|(strings, _)| Leaves::Of(strings)),
        };
        let measured = measured.into_iter().filter_map(|(_, typed)| leaves(typed)).collect();
        let differ = operation == Operation::Different;
        if self.object.get("referenceValue").is_none() {
            return Some(Check::AlikeText { measured, differ });
        }
        let text = match self.reference(uses)? {
            ReferenceValue::Literal { text: Some(text), .. } => Some(text.to_owned()),
            _ => None,
        };
        let Some(text) = text else {
            self.fault("referenceValue", "strings can only be compared with a string");
            return None;
        };
        Some(Check::CompareText { measured: distinct(measured), reference: self.literal(&text), differ })
    }

    /// All as numbers; a fault for what is none.
    fn numbers(&mut self, measured: Vec<(u32, Typed)>) -> Option<Vec<Measured>> {
        let mut all = Vec::new();
        let mut lawful = !measured.is_empty();
        for (at, typed) in measured {
            let word = typed.word();
            match typed.measured() {
                Some(measured) => all.push(measured),
                None => {
                    self.faults.add(at, format!("must be a number or a list of numbers, not {word}"));
                    lawful = false;
                }
            }
        }
        lawful.then_some(all)
    }

    /// One number: a constant or an expression.
    fn number_reference(&mut self, uses: ListUse) -> Option<Number> {
        let wrong = match self.reference(uses)? {
            ReferenceValue::Expression(Typed::Number(number)) => return Some(number),
            ReferenceValue::Literal { number: Some(number), .. } => return Some(Number::Const(number)),
            ReferenceValue::Expression(typed) => format!("must be one number, not {}", typed.word()),
            ReferenceValue::Literal { .. } => "must be a number, or an expression that gives one".to_owned(),
            ReferenceValue::List(_) => "must be one number, not a list".to_owned(),
        };
        self.fault("referenceValue", wrong);
        None
    }

    pub(crate) fn distance(&mut self) -> Option<Check> {
        let uses = self.number_uses();
        let measured = self.measurements(uses);
        let measured = self.numbers(measured);
        let reference = match self.object.need("referenceValue", self.faults) {
            Some(_) => self.number_reference(uses),
            None => None,
        };
        let min = self.object.amount("minDistance", self.faults);
        let max = self.object.amount("maxDistance", self.faults);
        if self.object.get("minDistance").is_none() && self.object.get("maxDistance").is_none() {
            self.faults.add(self.object.begin, "needs `maxDistance`, `minDistance` or both");
        }
        let allowed = Span { min: min.unwrap_or(0.0), max: max.unwrap_or(f64::INFINITY) };
        if allowed.min > allowed.max {
            self.fault("minDistance", "`minDistance` is above `maxDistance`");
        }
        Some(Check::distance(distinct(measured?), reference?, allowed))
    }

    pub(crate) fn batch_distance(&mut self) -> Option<Check> {
        let aggregation = self.aggregation();
        let width = self.object.amount("maxDistance", self.faults);
        let name = self.object.need_text("batchAttribute", self.faults)?;
        let attribute = self.scope.attribute(name, self.object.place("batchAttribute"), self.faults)?;
        match (self.scope.kind(attribute)?, width) {
            (AttributeKind::Number, Some(width)) => {
                Some(Check::Batch { column: self.scope.columns.number(attribute, aggregation), width })
            }
            (AttributeKind::Number, None) => {
                self.faults.warn(self.object.begin, "without `maxDistance` this rule always holds");
                Some(Check::Always)
            }
            // Strings are 0 or 1 apart.
            (AttributeKind::String, Some(width)) if width >= 1.0 => Some(Check::Always),
            (AttributeKind::String, _) => {
                Some(Check::BatchText { column: self.scope.columns.word(WordSource::Texts { attribute }) })
            }
            _ => {
                self.fault("batchAttribute", format!("attribute `{name}` must be a number or a string"));
                None
            }
        }
    }

    pub(crate) fn collection(&mut self) -> Option<Check> {
        let sets = self.set_aggregation();
        let min = self.object.count("minCount", (0, COUNT_MAX), self.faults);
        let max = self.object.count("maxCount", (0, COUNT_MAX), self.faults);
        // Without either every count would do: one is meant.
        let is_open = self.object.get("minCount").is_none() && self.object.get("maxCount").is_none();
        if is_open {
            let message = "without `minCount` and `maxCount` the count must be 1 or more";
            self.faults.warn(self.object.begin, message);
        }
        let allowed = Counts { min: min.unwrap_or(u32::from(is_open)), max: max.unwrap_or(u32::MAX) };
        if allowed.min > allowed.max {
            self.fault("minCount", "`minCount` is above `maxCount`");
        }
        self.object.need("operation", self.faults);
        let operation = self.object.choice("operation", &COLLECTIONS, self.faults);
        // Players count as often as they are, so `contains` looks at their own lists.
        let own_outside = operation == Some(Collecting::Contains);
        let uses = ListUse { numbers: Aggregation::Avg, sets: Some(sets), own_outside };
        let measured = self.measurements(uses);
        let measured = self.strings(measured);
        let has_reference = self.object.get("referenceValue").is_some();
        match operation? {
            Collecting::Intersection => {
                if has_reference {
                    self.fault("referenceValue", "`intersection` takes no reference");
                }
                Some(Check::Intersection { measured: distinct(measured?), allowed })
            }
            Collecting::Contains => {
                let text = match self
                    .object
                    .need("referenceValue", self.faults)
                    .and_then(|_| self.reference(uses))?
                {
                    ReferenceValue::Literal { text: Some(text), .. } => Some(text.to_owned()),
                    _ => None,
                };
                let Some(text) = text else {
                    self.fault("referenceValue", "`contains` looks for one string");
                    return None;
                };
                Some(Check::Contains { measured: measured?, wanted: self.literal(&text), allowed })
            }
            Collecting::Reference => {
                self.object.need("referenceValue", self.faults);
                let reference = self.set_reference(ListUse { own_outside: false, ..uses });
                let measured = distinct(measured?);
                Some(Check::Reference { measured, reference: reference?, allowed })
            }
        }
    }

    /// All as collections of strings; a fault for what is none.
    fn strings(&mut self, measured: Vec<(u32, Typed)>) -> Option<Vec<Strings>> {
        let mut all = Vec::new();
        let mut lawful = !measured.is_empty();
        for (at, typed) in measured {
            let word = typed.word();
            match typed.collections() {
                Some((strings, _)) => all.push(strings),
                None => {
                    self.faults.add(at, format!("must be a list of strings or several, not {word}"));
                    lawful = false;
                }
            }
        }
        lawful.then_some(all)
    }

    /// One list of strings: constants or an expression.
    fn set_reference(&mut self, uses: ListUse) -> Option<Reference> {
        let wrong = match self.reference(uses)? {
            ReferenceValue::Expression(typed) => match typed.clone().collections() {
                Some((strings, true)) => return Some(Reference::Of(strings)),
                _ => format!("must be one list of strings, not {}", typed.word()),
            },
            ReferenceValue::Literal { text: Some(text), .. } => {
                let text = text.to_owned();
                return Some(Reference::Const(Box::new([self.literal(&text)])));
            }
            ReferenceValue::Literal { text: None, .. } => {
                "must be a list of strings, not a number".to_owned()
            }
            ReferenceValue::List(items) => {
                let texts = items.iter().map(|item| match &item.kind {
                    Kind::Text(text) => Some(text.clone()),
                    _ => None,
                });
                match texts.collect::<Option<Vec<String>>>() {
                    Some(texts) => {
                        let mut all: Vec<_> = texts.iter().map(|text| self.literal(text)).collect();
                        all.sort_unstable();
                        return Some(Reference::Const(all.into()));
                    }
                    None => "must be a list of strings".to_owned(),
                }
            }
        };
        self.fault("referenceValue", wrong);
        None
    }

    pub(crate) fn avoid(&mut self) -> Option<Check> {
        let who = [("anyone", false), ("opponents", true)];
        let opponents_only = self.object.choice("who", &who, self.faults).unwrap_or_default();
        let most = self.object.count("maxCount", (0, COUNT_MAX), self.faults).unwrap_or(0);
        let name = self.object.need_text("attribute", self.faults)?;
        let attribute = self.scope.attribute(name, self.object.place("attribute"), self.faults)?;
        if self.scope.kind(attribute)? != AttributeKind::StringList {
            self.fault("attribute", format!("attribute `{name}` must be a list of strings: ids of players"));
            return None;
        }
        let columns = &mut self.scope.columns;
        let (lists, players) =
            (columns.word(WordSource::Avoided { attribute }), columns.word(WordSource::Ids));
        Some(Check::Avoid(Avoid { lists, players, opponents_only, most }))
    }

    pub(crate) fn latency(&mut self) -> Option<Check> {
        let aggregation = self.aggregation();
        let max = self.object.amount("maxLatency", self.faults);
        let spread = self.object.amount("maxDistance", self.faults);
        let words = [("avg", From::Avg), ("min", From::Min)];
        let from = self.object.choice("distanceReference", &words, self.faults);
        let (has_max, has_spread) =
            (self.object.get("maxLatency").is_some(), self.object.get("maxDistance").is_some());
        if !has_max && !has_spread {
            self.faults.add(self.object.begin, "needs `maxLatency`, `maxDistance` or both");
        }
        if !has_spread && self.object.get("distanceReference").is_some() {
            self.fault("distanceReference", "`distanceReference` means nothing without `maxDistance`");
        }
        if has_spread && self.scope.is_large {
            self.fault("maxDistance", "matches of more than 40 players take `maxLatency` only");
        }
        Some(Check::Latency(Latency {
            column: self.scope.columns.word(WordSource::Latency { aggregation }),
            max_ms: max.unwrap_or(f64::INFINITY),
            spread: spread.map(|max_ms| Spread { max_ms, from: from.unwrap_or(From::Avg) }),
        }))
    }

    pub(crate) fn sort(&mut self, distance: bool) -> Option<Check> {
        let aggregation = self.aggregation();
        let directions = [("ascending", false), ("descending", true)];
        self.object.need("sortDirection", self.faults);
        let descending = self.object.choice("sortDirection", &directions, self.faults);
        let key = self.object.choice("mapKey", &[("minValue", false), ("maxValue", true)], self.faults);
        let name = self.object.need_text("sortAttribute", self.faults)?;
        let attribute = self.scope.attribute(name, self.object.place("sortAttribute"), self.faults)?;
        let kind = self.scope.kind(attribute)?;
        let has_key = self.object.get("mapKey").is_some();
        if has_key && kind != AttributeKind::StringNumberMap {
            self.fault("mapKey", format!("attribute `{name}` is no map"));
        }
        let by = match kind {
            AttributeKind::Number => By::Number(self.scope.columns.number(attribute, aggregation)),
            AttributeKind::String => By::Text(self.scope.columns.word(WordSource::Texts { attribute })),
            AttributeKind::StringNumberMap if has_key => By::Map {
                column: self.scope.columns.word(WordSource::Map { attribute, aggregation }),
                highest: key?,
            },
            AttributeKind::StringNumberMap => {
                self.faults.add(self.object.begin, format!("attribute `{name}` is a map: needs `mapKey`"));
                return None;
            }
            AttributeKind::StringList => {
                self.fault("sortAttribute", format!("attribute `{name}` is a list, which has no order"));
                return None;
            }
        };
        Some(Check::Sort(Sort { by, distance, descending: descending? }))
    }
}

/// Each measurement once: a second look at the same values says nothing more.
fn distinct<T: PartialEq>(measured: Vec<T>) -> Vec<T> {
    let mut all: Vec<T> = Vec::with_capacity(measured.len());
    for one in measured {
        if !all.contains(&one) {
            all.push(one);
        }
    }
    all
}
