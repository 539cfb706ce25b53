//! `parties`, an extension.
use super::{faults::Faults, object::Object};
use crate::{
    json::Kind,
    rule_set::{Parties, TeamSize},
    stage::Stage,
};
use gsm_core::limits::TICKET_PLAYERS_MAX;

/// What the document says; as if absent where it says nothing.
pub(crate) fn read(top: &Object<'_>, faults: &mut Faults) -> Parties {
    let mut parties = Parties::default();
    let Some(object) = top.get("parties").and_then(|node| Object::of(node, "`parties`", faults)) else {
        return parties;
    };
    object.allow(&["maxPlayers", "split"], faults);
    if let Some(node) = object.get("split") {
        match node.kind {
            Kind::Bool(split) => parties.split = split,
            _ => faults.add(node.begin, format!("`split` must be true or false, not {}", node.word())),
        }
    }
    object.need("maxPlayers", faults);
    if let Some(most) = object.count("maxPlayers", (1, TICKET_PLAYERS_MAX as u32), faults) {
        parties.players_max = most as usize;
    }
    parties
}

/// Refuses parties that no match has room for, in any stage.
pub(crate) fn check(top: &Object<'_>, parties: Parties, stages: &[Stage], faults: &mut Faults) {
    let Some(object) = top.get("parties").and_then(|node| Object::of(node, "`parties`", faults)) else {
        return;
    };
    let size = |size: &TeamSize| usize::from(size.max);
    let room = |stage: &Stage| match parties.split {
        true => stage.teams().iter().map(size).sum::<usize>(),
        false => stage.teams().iter().map(size).max().unwrap_or(0),
    };
    let most = stages.iter().map(room).max().unwrap_or(0);
    let asked = object.count("maxPlayers", (1, TICKET_PLAYERS_MAX as u32), &mut Faults::default());
    if asked.is_some_and(|asked| asked as usize > most) {
        let what = if parties.split { "no match" } else { "no team (without `split`)" };
        let message = format!("{what} has room for a party of {}, only for {most}", parties.players_max);
        faults.add(object.place("maxPlayers"), message);
    }
    if parties.split && stages.iter().all(|stage| stage.teams().len() == 1) {
        faults.warn(object.place("split"), "there is one team: nothing is split");
    }
}
