//! A side summed up before a match.
use crate::company::Company;
use crate::experts::Experts;
use crate::person::Person;
use crate::record::{Record, Traits};
use crate::variants::Variants;
use gsm_core::Timestamp;
use std::borrow::Cow;

/// One side.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sheet {
    /// The mean of its players.
    pub(crate) traits: Traits,
    /// The least matches that one of them has played.
    pub(crate) games_min: f64,
    /// Of several players, the greatest experience.
    pub(crate) most_experience: f64,
    pub(crate) together: f64,
    pub(crate) lineup: f64,
}

impl Sheet {
    /// Of players, at least one, without their company.
    fn of(players: impl Iterator<Item = (Traits, f64)>, size: usize) -> Self {
        let mut sheet = Self { games_min: f64::INFINITY, ..Self::default() };
        let share = 1.0 / size as f64;
        for (traits, games) in players {
            sheet.traits.add(&traits, share);
            sheet.games_min = sheet.games_min.min(games);
            if size > 1 {
                sheet.most_experience = sheet.most_experience.max(traits.experience);
            }
        }
        sheet
    }
}

/// What sheets are made of.
#[derive(Clone, Copy)]
pub(crate) struct Known<'a> {
    pub(crate) experts: &'a Experts,
    pub(crate) records: &'a [Record],
    pub(crate) variants: &'a Variants,
    pub(crate) company: &'a Company,
}

impl Known<'_> {
    /// Of players, at least one.
    pub(crate) fn sheet(&self, players: &[u32], at: Timestamp, variant: Option<u16>) -> Sheet {
        let people = players.iter().map(|player| self.player(*player, at, variant));
        let mut sheet = Sheet::of(people, players.len());
        sheet.together = self.company.together(players);
        sheet.lineup = self.company.lineup(players);
        sheet
    }

    /// The same of a side with guests, who have kept no company.
    pub(crate) fn sheet_of(&self, people: &[Person], at: Timestamp, variant: Option<u16>) -> Sheet {
        let each = people.iter().map(|person| match person {
            Person::Known(player) => self.player(*player, at, variant),
            Person::Guest(guest) => guest.traits(),
        });
        Sheet::of(each, people.len())
    }

    /// What is told of a player, and his matches.
    fn player(&self, player: u32, at: Timestamp, variant: Option<u16>) -> (Traits, f64) {
        let new = Record::default();
        let record = self.records.get(player as usize).unwrap_or(&new);
        let level = self.experts.level(player);
        let mut traits = record.traits(at, level, |opponent| self.experts.level(opponent));
        traits.variant_experience = variant.map_or(0.0, |variant| self.variants.experience(player, variant));
        (traits, f64::from(record.games))
    }

    /// The mean level of players.
    pub(crate) fn level(&self, players: &[u32]) -> f64 {
        players.iter().map(|player| self.experts.level(*player)).sum::<f64>() / players.len() as f64
    }

    /// The players of a side, the strongest first, of equals the one of more matches, then of the lower number: whatever the
    /// order they are listed in.
    pub(crate) fn ranked<'p>(&self, players: &'p [u32]) -> Cow<'p, [u32]> {
        if players.len() < 2 {
            return Cow::Borrowed(players);
        }
        let games = |player: u32| self.records.get(player as usize).map_or(0, |record| record.games);
        let each = players.iter().map(|player| (self.experts.level(*player), games(*player), *player));
        let mut ranked: Vec<(f64, u32, u32)> = each.collect();
        ranked.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)).then(a.2.cmp(&b.2)));
        ranked.into_iter().map(|(_, _, player)| player).collect()
    }
}
