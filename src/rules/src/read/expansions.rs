//! `expansions`: values that are replaced as tickets wait.
use super::{
    algorithm,
    faults::{Faults, did_you_mean, one_of},
    object::{Object, whole},
    rules,
};
use crate::{
    json::{Entry, Kind, Node},
    stage::STAGES_MAX,
};
use std::collections::BTreeSet;

/// The longest time that a ticket can wait: a later step is lawful and never reached.
const WAIT_SECONDS_MAX: u32 = 43_200;
/// Greatest number of `waitTimeSeconds`.
const SECONDS_MAX: u32 = 1_000_000_000;

/// One property of one or more things, and its values.
pub(crate) struct Expansion<'n> {
    target: Target,
    /// Ascending.
    steps: Vec<(u32, &'n Node)>,
}

struct Target {
    section: Section,
    names: BTreeSet<String>,
    property: String,
    /// The member of the property, which is an object.
    member: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Rules,
    Teams,
    Algorithm,
}

pub(crate) fn read<'n>(top: &Object<'n>, faults: &mut Faults) -> Vec<Expansion<'n>> {
    let (mut all, mut taken) = (Vec::new(), BTreeSet::new());
    for node in top.list("expansions", faults) {
        let Some(object) = Object::of(node, "an expansion", faults) else { continue };
        object.allow(&["target", "steps"], faults);
        let text = object.need_text("target", faults);
        let target = text.and_then(|text| target(top, text, object.place("target"), faults));
        if object.need("steps", faults).is_some() && object.list("steps", faults).is_empty() {
            faults.add(object.place("steps"), "an expansion needs a step");
        }
        let steps = steps(&object, faults);
        let Some(target) = target else { continue };
        for name in &target.names {
            if !taken.insert((name.clone(), target.property.clone(), target.member.clone())) {
                let message = format!(
                    "`{}` of `{name}` is the target of an expansion before; this one counts where both apply",
                    target.property
                );
                faults.warn(object.place("target"), message);
            }
        }
        all.push(Expansion { target, steps });
    }
    all
}

fn steps<'n>(expansion: &Object<'n>, faults: &mut Faults) -> Vec<(u32, &'n Node)> {
    let mut all: Vec<(u32, &Node)> = Vec::new();
    for node in expansion.list("steps", faults) {
        let Some(object) = Object::of(node, "a step", faults) else { continue };
        object.allow(&["waitTimeSeconds", "value"], faults);
        let value = object.need("value", faults);
        let Some(wait) = object.need("waitTimeSeconds", faults) else { continue };
        let Some(seconds) = whole(wait, "waitTimeSeconds", (0, SECONDS_MAX), faults) else { continue };
        if seconds > WAIT_SECONDS_MAX {
            faults.warn(wait.begin, format!("no ticket waits longer than {WAIT_SECONDS_MAX} seconds"));
        }
        match (all.last(), value) {
            (Some((last, _)), _) if *last >= seconds => faults.add(
                wait.begin,
                format!("steps must come later and later: {seconds} follows {last} (waits are not added up)"),
            ),
            (_, Some(value)) => all.push((seconds, value)),
            _ => {}
        }
    }
    all
}

const FORM: &str = "a target is `rules[name].property`, `teams[name].property` or `algorithm.property`";

fn target(top: &Object<'_>, text: &str, at: u32, faults: &mut Faults) -> Option<Target> {
    let Some((thing, property)) = parts(text).map(|(thing, property)| (thing.trim(), property.trim())) else {
        faults.add(at, format!("`{text}` is no target: {FORM}"));
        return None;
    };
    if thing == "algorithm" {
        allowed(property, &algorithm::EXPANDABLE, "algorithm", at, faults)?;
        return Some(Target {
            section: Section::Algorithm,
            names: ["algorithm".to_owned()].into(),
            property: property.to_owned(),
            member: None,
        });
    }
    let (property, member) = match property.strip_suffix(']').and_then(|text| text.split_once('[')) {
        Some((property, member)) => (property.trim(), Some(member.trim())),
        None => (property, None),
    };
    let inner = thing.strip_suffix(']').and_then(|thing| thing.split_once('['));
    let section = match inner.map(|(section, names)| (section.trim(), names)) {
        Some(("rules" | "rule", names)) => Some((Section::Rules, names)),
        Some(("teams" | "team", names)) => Some((Section::Teams, names)),
        _ => None,
    };
    let Some((section, names)) = section else {
        faults.add(at, format!("`{text}` is no target: {FORM}"));
        return None;
    };
    // A name may have a comma itself.
    let names: BTreeSet<String> = match find(top, section, names.trim()) {
        Some(_) => [names.trim().to_owned()].into(),
        None => names.split(',').map(|name| name.trim().to_owned()).collect(),
    };
    for name in &names {
        let found = find(top, section, name);
        let known = || all_names(top, section);
        let kind = if section == Section::Rules { "rule" } else { "team" };
        let Some(found) = found else {
            faults.add(at, format!("unknown {kind} `{name}`{}", did_you_mean(name, known())));
            return None;
        };
        let expandable = match section {
            Section::Teams => &["minPlayers", "maxPlayers"][..],
            // A rule without a lawful type has its fault already.
            _ => rules::expandable(found)?,
        };
        if expandable.is_empty() {
            faults.add(at, format!("rule `{name}` is of a type that has nothing to expand"));
            return None;
        }
        allowed(property, expandable, name, at, faults)?;
        if let Some(member) = member {
            let members = entries(found).iter().find(|entry| entry.key == property);
            let members = || members.into_iter().flat_map(|entry| entries(&entry.value));
            if members().all(|entry| entry.key != member) {
                let near = did_you_mean(member, members().map(|entry| entry.key.as_str()));
                faults.add(at, format!("`{property}` of `{name}` has no `{member}`{near}"));
                return None;
            }
        }
    }
    Some(Target { section, names, property: property.to_owned(), member: member.map(str::to_owned) })
}

/// At the last dot that is not within brackets: names may have dots.
fn parts(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0_u32;
    let dots = text.char_indices().filter(|(_, letter)| {
        match letter {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && *letter == '.'
    });
    let dot = dots.last().map(|(at, _)| at);
    let parted = dot.and_then(|at| Some((text.get(..at)?, text.get(at + 1..)?)));
    parted.or_else(|| text.rsplit_once('.'))
}

fn allowed(property: &str, known: &[&str], of: &str, at: u32, faults: &mut Faults) -> Option<()> {
    if known.contains(&property) {
        return Some(());
    }
    let message =
        format!("`{property}` of `{of}` cannot be a target, only {}", one_of(known.iter().copied()));
    faults.add(at, message);
    None
}

fn entries(node: &Node) -> &[Entry] {
    match &node.kind {
        Kind::Object(entries) => entries,
        _ => &[],
    }
}

fn name_of(node: &Node) -> Option<&str> {
    entries(node).iter().find_map(|entry| match &entry.value.kind {
        Kind::Text(name) if entry.key == "name" => Some(name.as_str()),
        _ => None,
    })
}

fn section_nodes<'n>(top: &Object<'n>, section: Section) -> &'n [Node] {
    let name = if section == Section::Rules { "rules" } else { "teams" };
    match top.get(name).map(|node| &node.kind) {
        Some(Kind::List(items)) => items,
        _ => &[],
    }
}

fn find<'n>(top: &Object<'n>, section: Section, name: &str) -> Option<&'n Node> {
    section_nodes(top, section).iter().find(|node| name_of(node) == Some(name))
}

fn all_names<'n>(top: &Object<'n>, section: Section) -> impl Iterator<Item = &'n str> {
    section_nodes(top, section).iter().filter_map(name_of)
}

/// When something changes, ascending.
pub(crate) fn times(expansions: &[Expansion<'_>], faults: &mut Faults) -> Vec<u32> {
    let steps = || expansions.iter().flat_map(|expansion| &expansion.steps);
    let times: BTreeSet<u32> = steps().map(|(seconds, _)| *seconds).collect();
    // Age zero is a stage of its own.
    let allowed = if times.contains(&0) { STAGES_MAX } else { STAGES_MAX - 1 };
    if let Some(&first_over) = times.iter().nth(allowed) {
        let at = steps().find(|(seconds, _)| *seconds == first_over).map_or(0, |(_, value)| value.begin);
        faults.add(
            at,
            format!("expansions may take effect at {allowed} different times, these are {}", times.len()),
        );
    }
    times.into_iter().take(allowed).collect()
}

/// The document at an age, and the first value in it that replaced a `maxPlayers`.
pub(crate) fn applied(root: &Node, expansions: &[Expansion<'_>], age: u32) -> (Node, Option<u32>) {
    let (mut root, mut blame) = (root.clone(), None);
    for expansion in expansions {
        let Some((_, value)) = expansion.steps.iter().rfind(|(seconds, _)| *seconds <= age) else { continue };
        let Target { section, names, property, member } = &expansion.target;
        if property == "maxPlayers" {
            blame = blame.or(Some(value.begin));
        }
        let section_name = match section {
            Section::Rules => "rules",
            Section::Teams => "teams",
            Section::Algorithm => "algorithm",
        };
        let Kind::Object(top) = &mut root.kind else { continue };
        let Some(found) = top.iter_mut().find(|entry| entry.key == section_name) else {
            let member = replacement(property, value);
            let kind = Kind::Object(vec![member]);
            let node = Node { begin: value.begin, end: value.end, kind };
            top.push(Entry { key: section_name.to_owned(), key_begin: value.begin, value: node });
            continue;
        };
        match &mut found.value.kind {
            Kind::Object(members) => replace(members, property, value),
            Kind::List(items) => {
                let is_meant = |item: &&mut Node| name_of(item).is_some_and(|name| names.contains(name));
                for item in items.iter_mut().filter(is_meant) {
                    if let Kind::Object(members) = &mut item.kind {
                        replace_within(members, property, member.as_deref(), value);
                    }
                }
            }
            _ => {}
        }
    }
    (root, blame)
}

/// The value that made wrong what begins at the byte `at` when the expansions of an age took effect; none where that is such a
/// value itself.
pub(crate) fn made_by(top: &Object<'_>, expansions: &[Expansion<'_>], age: u32, at: u32) -> Option<u32> {
    let within = |node: &Node| (node.begin..=node.end).contains(&at);
    let values = || expansions.iter().flat_map(|of| of.steps.iter().map(move |step| (of, step)));
    if values().any(|(_, (_, value))| within(value)) {
        return None;
    }
    let is_of = |expansion: &Expansion<'_>| match expansion.target.section {
        Section::Algorithm => top.get("algorithm").is_some_and(within),
        section => expansion.target.names.iter().any(|name| find(top, section, name).is_some_and(within)),
    };
    let mut new = values().filter(|(_, (seconds, _))| *seconds == age);
    let first = new.clone().next();
    new.find(|(of, _)| is_of(of)).or(first).map(|(_, (_, value))| value.begin)
}

fn replacement(property: &str, value: &Node) -> Entry {
    Entry { key: property.to_owned(), key_begin: value.begin, value: value.clone() }
}

/// Replaces a property, or a member of it.
fn replace_within(members: &mut Vec<Entry>, property: &str, member: Option<&str>, value: &Node) {
    let Some(member) = member else { return replace(members, property, value) };
    let found = members.iter_mut().find(|entry| entry.key == property);
    if let Some(Kind::Object(inner)) = found.map(|entry| &mut entry.value.kind) {
        replace(inner, member, value);
    }
}

fn replace(members: &mut Vec<Entry>, property: &str, value: &Node) {
    match members.iter_mut().find(|entry| entry.key == property) {
        Some(entry) => entry.value = value.clone(),
        None => members.push(replacement(property, value)),
    }
}
