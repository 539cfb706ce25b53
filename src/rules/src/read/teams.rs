//! `teams`.
use super::{PLAYERS_MAX, faults::Faults, object::Object};
use crate::rule_set::{Team, TeamSize};
use std::collections::BTreeSet;

/// An entry of `teams`, which may stand for several teams.
pub(crate) struct Entry {
    name: String,
    quantity: u32,
    size: TeamSize,
}

pub(crate) fn read(top: &Object<'_>, faults: &mut Faults) -> Vec<Entry> {
    let (mut all, mut taken) = (Vec::new(), BTreeSet::new());
    if top.need("teams", faults).is_none() {
        return all;
    }
    let nodes = top.list("teams", faults);
    if nodes.is_empty() {
        faults.add(top.place("teams"), "there must be a team");
    }
    for node in nodes {
        let Some(object) = Object::of(node, "a team", faults) else { continue };
        object.allow(&["name", "minPlayers", "maxPlayers", "quantity"], faults);
        let name = object.need_text("name", faults).unwrap_or_default();
        let mut limit = |member: &str, least: u32| {
            object.need(member, faults)?;
            object.count(member, (least, PLAYERS_MAX), faults)
        };
        let (min, max) = (limit("minPlayers", 0), limit("maxPlayers", 1));
        if let (Some(min), Some(max)) = (min, max)
            && min > max
        {
            let at = object.place("minPlayers").max(object.place("maxPlayers"));
            faults.add(at, format!("team `{name}`: minPlayers {min} is above maxPlayers {max}"));
        }
        let quantity = object.count("quantity", (1, PLAYERS_MAX), faults).unwrap_or(1);
        let size = TeamSize { min: min.unwrap_or(0) as u8, max: max.unwrap_or(1) as u8 };
        let entry = Entry { name: name.to_owned(), quantity, size };
        // `squad` and, with a quantity, `squad_1`, ..: no two teams of a match may have one name.
        let is_new = taken.insert(entry.name.clone());
        if !name.is_empty() && !(is_new && (quantity == 1 || entry.names().all(|name| taken.insert(name)))) {
            faults.add(object.place("name"), format!("team `{name}` is defined before"));
            continue;
        }
        all.push(entry);
    }
    all
}

impl Entry {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
    fn names(&self) -> impl Iterator<Item = String> {
        (1..=self.quantity).map(|number| match self.quantity {
            1 => self.name.clone(),
            _ => format!("{}_{number}", self.name),
        })
    }
}

/// Most players of a match.
pub(crate) fn players(entries: &[Entry]) -> u32 {
    entries
        .iter()
        .map(|entry| u32::from(entry.size.max).saturating_mul(entry.quantity))
        .fold(0, u32::saturating_add)
}

/// The teams of a match.
pub(crate) fn numbered(entries: &[Entry]) -> Vec<Team> {
    let teams =
        |(entry, of): (usize, &Entry)| of.names().map(|name| Team { name, entry }).collect::<Vec<_>>();
    // More would be refused for the number of their players.
    entries.iter().enumerate().flat_map(teams).take(1 + PLAYERS_MAX as usize).collect()
}

/// Their sizes, in the same order.
pub(crate) fn sizes(entries: &[Entry]) -> Vec<TeamSize> {
    let sizes = entries.iter().flat_map(|entry| std::iter::repeat_n(entry.size, entry.quantity as usize));
    sizes.take(1 + PLAYERS_MAX as usize).collect()
}
