//! Strings as small numbers.
use std::{collections::BTreeMap, sync::Arc};

/// A string of one [`Symbols`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(pub(crate) u32);

impl Symbol {
    /// A dense index, for tables by symbol. It is given again once nobody uses the string any more.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The strings that a pool's tickets and its rule set use, each kept once and counted.
///
/// Made by [`RuleSet::symbols`](crate::RuleSet::symbols), which puts the strings of the rules first; they stay for ever.
/// Parties belong to the symbols that they were prepared with.
#[derive(Debug, Clone, Default)]
pub struct Symbols {
    by_text: BTreeMap<Arc<str>, u32>,
    slots: Vec<Slot>,
    free: Vec<u32>,
}

#[derive(Debug, Clone)]
struct Slot {
    text: Arc<str>,
    uses: u32,
}

impl Symbols {
    /// With the strings of a rule set, numbered from 0.
    pub(crate) fn with(literals: &[String]) -> Self {
        let mut symbols = Self::default();
        for text in literals {
            symbols.take(text);
        }
        symbols
    }
    /// How many strings are in use.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_text.len()
    }
    /// Is no string in use?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_text.is_empty()
    }
    /// The symbol of a string that is in use.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<Symbol> {
        self.by_text.get(text).copied().map(Symbol)
    }
    /// The string; empty for a symbol that nobody uses any more.
    #[must_use]
    pub fn text(&self, symbol: Symbol) -> &str {
        self.slots.get(symbol.index()).map_or("", |slot| &slot.text)
    }
    /// The string's symbol, with one use more.
    pub(crate) fn take(&mut self, text: &str) -> Symbol {
        if let Some(&at) = self.by_text.get(text) {
            if let Some(slot) = self.slots.get_mut(at as usize) {
                slot.uses = slot.uses.saturating_add(1);
            }
            return Symbol(at);
        }
        let text: Arc<str> = text.into();
        let slot = Slot { text: Arc::clone(&text), uses: 1 };
        let at = match self.free.pop() {
            Some(at) => at,
            None => self.slots.len() as u32,
        };
        match self.slots.get_mut(at as usize) {
            Some(old) => *old = slot,
            None => self.slots.push(slot),
        }
        self.by_text.insert(text, at);
        Symbol(at)
    }
    /// One use less; the last one frees the string.
    pub(crate) fn give_back(&mut self, symbol: Symbol) {
        let Some(slot) = self.slots.get_mut(symbol.index()) else { return };
        slot.uses = slot.uses.saturating_sub(1);
        if slot.uses == 0 && self.by_text.get(&*slot.text) == Some(&symbol.0) {
            self.by_text.remove(&*slot.text);
            slot.text = "".into();
            self.free.push(symbol.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_is_kept_once_and_freed_with_its_last_use() {
        let mut symbols = Symbols::with(&["ice".to_owned()]);
        let (ice, dam) = (symbols.take("ice"), symbols.take("dam"));
        assert_eq!((ice.index(), dam.index(), symbols.take("dam")), (0, 1, dam));
        symbols.give_back(dam);
        assert_eq!((symbols.find("dam"), symbols.text(dam)), (Some(dam), "dam"));
        symbols.give_back(dam);
        assert_eq!((symbols.find("dam"), symbols.text(dam), symbols.len()), (None, "", 1));
        assert_eq!(symbols.take("mine"), dam);
        symbols.give_back(ice);
        assert_eq!(symbols.find("ice"), Some(ice), "the rules use it");
    }
}
