//! Measurements and reference values.
use super::Source;
use crate::{
    columns::{Aggregation, SetAggregation},
    expression::{ListUse, Typed, Wrong, compile, is_expression, parse},
    json::{Kind, Node},
    read::{
        faults::Faults,
        object::{Object, number},
    },
    symbols::Symbol,
};

/// A reference value before its type is asked for.
pub(crate) enum ReferenceValue<'n> {
    Expression(Typed),
    /// A number, or a string with what number it is.
    Literal {
        text: Option<&'n str>,
        number: Option<f64>,
    },
    List(&'n [Node]),
}

impl Source<'_, '_> {
    pub(crate) fn aggregation(&mut self) -> Aggregation {
        let words = [("avg", Aggregation::Avg), ("min", Aggregation::Min), ("max", Aggregation::Max)];
        self.object.choice("partyAggregation", &words, self.faults).unwrap_or_default()
    }
    pub(crate) fn set_aggregation(&mut self) -> SetAggregation {
        let words = [("union", SetAggregation::Union), ("intersection", SetAggregation::Intersection)];
        self.object.choice("partyAggregation", &words, self.faults).unwrap_or_default()
    }
    /// Each measurement with its place; a single string stands for a list of one. Empty where there is a fault.
    pub(crate) fn measurements(&mut self, uses: ListUse) -> Vec<(u32, Typed)> {
        let Some(node) = self.object.need("measurements", self.faults) else { return Vec::new() };
        let items = match &node.kind {
            Kind::List(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        if items.is_empty() {
            self.faults.add(node.begin, "something must be measured");
        }
        items.iter().filter_map(|item| Some((item.begin, self.measurement(item, uses)?))).collect()
    }
    fn measurement(&mut self, node: &Node, uses: ListUse) -> Option<Typed> {
        match &node.kind {
            Kind::Text(text) => self.expression(node, text, uses),
            _ => {
                self.faults
                    .add(node.begin, format!("a measurement must be an expression, not {}", node.word()));
                None
            }
        }
    }
    fn expression(&mut self, node: &Node, text: &str, uses: ListUse) -> Option<Typed> {
        let compiled = parse(text).and_then(|tree| compile(&tree, uses, self.scope));
        compiled.map_err(|wrong| wrong.tell(node, text, self.faults)).ok()
    }
    pub(crate) fn reference(&mut self, uses: ListUse) -> Option<ReferenceValue<'_>> {
        let node = self.object.get("referenceValue")?;
        match &node.kind {
            Kind::Text(text) if is_expression(text) => {
                Some(ReferenceValue::Expression(self.expression(node, text, uses)?))
            }
            Kind::Text(text) => Some(ReferenceValue::Literal { text: Some(text), number: number(node) }),
            Kind::Number(number) => Some(ReferenceValue::Literal { text: None, number: Some(*number) }),
            Kind::List(items) => Some(ReferenceValue::List(items)),
            _ => {
                let message = format!("must be a number, a string or a list of strings, not {}", node.word());
                self.faults.add(node.begin, message);
                None
            }
        }
    }
    pub(crate) fn literal(&mut self, text: &str) -> Symbol {
        let next = self.scope.literals.len() as u32;
        Symbol(*self.scope.literals.entry(text.to_owned()).or_insert(next))
    }
}

impl Wrong {
    /// Tells it of the string `node`; where the string has escapes, of the string as a whole.
    fn tell(&self, node: &Node, text: &str, faults: &mut Faults) {
        let is_plain = (node.end - node.begin) as usize == text.len() + 2;
        faults.add_within(node.begin, if is_plain { 1 + self.at as u32 } else { 0 }, self.message.clone());
    }
}

impl Object<'_> {
    /// Tells what is wrong within a string.
    pub(crate) fn wrong(&self, name: &str, wrong: &Wrong, faults: &mut Faults) {
        if let Some((node, Kind::Text(text))) = self.get(name).map(|node| (node, &node.kind)) {
            wrong.tell(node, text, faults);
        }
    }
}
