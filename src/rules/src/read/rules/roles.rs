//! Rules about who plays together as what, and with how many: `roles` and `partyBalance`, extensions.
use super::Source;
use crate::{
    columns::WordSource,
    json::Kind,
    judge::{
        Check,
        party_balance::PartyBalance,
        roles::{ROLES_MAX, Roles},
    },
    read::{SMALL_PLAYERS_MAX, did_you_mean, object::Object, object::whole},
    rule_set::AttributeKind,
    seat::TeamSet,
    value::Value,
};

impl Source<'_, '_> {
    pub(crate) fn party_balance(&mut self) -> Option<Check> {
        let most = self.object.count("maxDifference", (0, SMALL_PLAYERS_MAX), self.faults).unwrap_or(0);
        Some(Check::PartyBalance(PartyBalance { most }))
    }

    pub(crate) fn roles(&mut self) -> Option<Check> {
        let autofill = self.object.count("autofill", (0, SMALL_PLAYERS_MAX), self.faults).unwrap_or(0);
        let counts = self.counts();
        let teams = self.roles_teams();
        let name = self.object.need_text("attribute", self.faults)?;
        let attribute = self.scope.attribute(name, self.object.place("attribute"), self.faults)?;
        if self.scope.kind(attribute)? != AttributeKind::StringList {
            self.fault(
                "attribute",
                format!("attribute `{name}` must be a list of strings: roles, the preferred one first"),
            );
            return None;
        }
        let (counts, teams) = (counts?, teams?);
        self.check_default(attribute, &counts);
        self.check_room(&counts, &teams);
        self.check_once(&teams);
        let lists = self.scope.columns.word(WordSource::Ranked { attribute });
        let places = counts.iter().map(|(role, count)| (self.literal(role), *count)).collect();
        Some(Check::Roles(Roles { lists, teams, places, autofill }))
    }

    /// `counts`, in the order of the text.
    fn counts(&mut self) -> Option<Vec<(String, u32)>> {
        let node = self.object.need("counts", self.faults)?;
        Object::of(node, "`counts`", self.faults)?;
        let Kind::Object(entries) = &node.kind else { return None };
        if entries.is_empty() || entries.len() > ROLES_MAX {
            self.faults.add(node.begin, format!("`counts` names 1 to {ROLES_MAX} roles"));
            return None;
        }
        let mut counts: Vec<(String, u32)> = Vec::new();
        let mut is_lawful = true;
        for entry in entries {
            if entry.key.is_empty() {
                self.faults.add(entry.key_begin, "a role must have a name");
            }
            match whole(&entry.value, &entry.key, (0, SMALL_PLAYERS_MAX), self.faults) {
                // Of a key that stands twice the last one counts.
                Some(count) => match counts.iter_mut().find(|(role, _)| *role == entry.key) {
                    Some((_, known)) => *known = count,
                    None => counts.push((entry.key.clone(), count)),
                },
                None => is_lawful = false,
            }
        }
        is_lawful.then_some(counts)
    }

    /// The teams of `team`; all without it.
    fn roles_teams(&mut self) -> Option<TeamSet> {
        let all = || (0_u8..=u8::MAX).zip(&self.scope.teams);
        if self.object.get("team").is_none() {
            return Some(all().map(|(at, _)| at).collect());
        }
        let name = self.object.need_text("team", self.faults)?;
        let Some(entry) = self.scope.entries.iter().position(|entry| entry == name) else {
            let near = did_you_mean(name, self.scope.entries.iter().map(String::as_str));
            self.fault("team", format!("there is no team `{name}`{near}"));
            return None;
        };
        Some(all().filter(|(_, team)| team.entry == entry).map(|(at, _)| at).collect())
    }

    /// A default that names other roles is a slip, if a lawful one: another rule may have them.
    fn check_default(&mut self, attribute: usize, counts: &[(String, u32)]) {
        let Some(Value::List(roles)) =
            self.scope.attributes.get(attribute).and_then(|attribute| attribute.default.as_ref())
        else {
            return;
        };
        for role in roles.iter().filter(|role| counts.iter().all(|(known, _)| known != *role)) {
            let near = did_you_mean(role, counts.iter().map(|(known, _)| known.as_str()));
            let message = format!("the attribute's default names `{role}`, which is not in `counts`{near}");
            self.faults.warn(self.object.place("attribute"), message);
        }
    }

    /// There must be a player for each place.
    fn check_room(&mut self, counts: &[(String, u32)], teams: &TeamSet) {
        let places: u32 = counts.iter().map(|(_, count)| *count).sum();
        let sizes = self.scope.sizes.iter().enumerate();
        let tight = sizes
            .filter(|(at, _)| u8::try_from(*at).is_ok_and(|at| teams.has(at)))
            .find(|(_, size)| u32::from(size.max) < places);
        if let Some((at, size)) = tight {
            let (team, most) = (self.scope.teams.get(at).map_or("", |team| team.name.as_str()), size.max);
            let message = format!("`counts` has {places} places, team `{team}` takes {most} players at most");
            self.fault("counts", message);
        }
    }

    /// A player has one role.
    fn check_once(&mut self, teams: &TeamSet) {
        if self.scope.with_roles.meets(teams) {
            self.faults.add(self.object.begin, "a rule before has the roles of this team already");
        }
        teams.iter().for_each(|team| self.scope.with_roles.insert(team));
    }
}
