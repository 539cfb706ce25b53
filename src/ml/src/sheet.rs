//! A side summed up before a match.
use crate::company::Company;
use crate::experts::Experts;
use crate::record::{Record, Traits};
use crate::variants::Variants;
use gsm_core::Timestamp;

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
        let mut sheet = Sheet { games_min: f64::INFINITY, ..Sheet::default() };
        let share = 1.0 / players.len() as f64;
        for player in players {
            let new = Record::default();
            let record = self.records.get(*player as usize).unwrap_or(&new);
            let level = self.experts.level(*player);
            let mut traits = record.traits(at, level, |opponent| self.experts.level(opponent));
            traits.variant_experience =
                variant.map_or(0.0, |variant| self.variants.experience(*player, variant));
            sheet.traits.add(&traits, share);
            sheet.games_min = sheet.games_min.min(f64::from(record.games));
            if players.len() > 1 {
                sheet.most_experience = sheet.most_experience.max(traits.experience);
            }
        }
        sheet.together = self.company.together(players);
        sheet.lineup = self.company.lineup(players);
        sheet
    }

    /// The mean level of players.
    pub(crate) fn level(&self, players: &[u32]) -> f64 {
        players.iter().map(|player| self.experts.level(*player)).sum::<f64>() / players.len() as f64
    }
}
