//! What the options make of the players of one match.
use super::adjusted::effective;
use super::{Adjusted, Person, Recent};
use crate::options::{Newcomer, Options, RepeatedPair};
use crate::{Change, Entrant, Game, System, outcome};

/// One player of a match.
#[derive(Clone, Copy)]
struct Seat<'a> {
    side: usize,
    player: &'a Entrant,
    person: &'a Person<'a>,
}

/// The players of a match, side by side.
pub(super) struct Roster<'a> {
    seats: Vec<Seat<'a>>,
    /// Those who were there, in the same order; none where fewer than two sides were, and nobody is rated. Not by id: ids
    /// are drawn, and the same history shall give the same ratings.
    rated: Vec<Seat<'a>>,
}

impl<'a> Roster<'a> {
    /// `people` are as many as the match has players.
    pub(super) fn new(game: &'a Game<'a>, people: &'a [Person<'a>]) -> Self {
        let players = game.sides.iter().enumerate();
        let players = players.flat_map(|(side, of)| of.players.iter().map(move |player| (side, player)));
        let seats: Vec<Seat<'a>> =
            players.zip(people).map(|((side, player), person)| Seat { side, player, person }).collect();
        let mut rated = Vec::new();
        if game.sides.iter().filter(|side| outcome::is_present(side)).count() > 1 {
            rated.extend(seats.iter().copied().filter(|seat| seat.player.is_present()));
        }
        Self { seats, rated }
    }

    /// What the options do to each. O(players² · remembered opponents).
    pub(super) fn adjusted(&self, system: &System, options: &Options) -> Vec<Adjusted> {
        self.seats.iter().map(|own| self.adjusted_one(system, options, own)).collect()
    }

    fn adjusted_one(&self, system: &System, options: &Options, own: &Seat<'_>) -> Adjusted {
        if !self.is_rated(own) {
            return Adjusted::default();
        }
        let watched = options.smurf.filter(|option| own.player.games < option.games_max);
        let boost = watched.map_or(1.0, |option| option.boost(own.person.recent.surprise()));
        Adjusted {
            repeated_weight: options
                .repeated_pair
                .map_or(1.0, |option| self.mean_weight(own, |other| pair_weight(&option, own, other))),
            newcomer_weight: options
                .newcomer
                .filter(|option| own.player.games >= option.games)
                .map_or(1.0, |option| self.mean_weight(own, |other| opponent_weight(&option, other))),
            boost: effective(system, own.player.rating.deviation, boost),
            bonus: options.party.map_or(0.0, |option| option.bonus(own.person.party)),
        }
    }

    /// What is remembered of each after the match.
    pub(super) fn recent<'b>(
        &'b self,
        options: &'b Options,
        changes: &'b [Change],
        adjusted: &'b [Adjusted],
    ) -> impl Iterator<Item = Recent> {
        self.seats.iter().zip(changes).zip(adjusted).map(|((own, change), adjusted)| {
            if !self.is_rated(own) {
                return own.person.recent.clone();
            }
            let met = self.opponents(own).map(|other| other.person.id);
            own.person.recent.after(options, own.player, change, adjusted.weight(), met)
        })
    }

    fn is_rated(&self, own: &Seat<'_>) -> bool {
        !self.rated.is_empty() && own.player.is_present()
    }

    fn opponents(&self, own: &Seat<'_>) -> impl Iterator<Item = &Seat<'a>> {
        let side = own.side;
        self.rated.iter().filter(move |other| other.side != side)
    }

    /// The mean over all opponents; 1 exactly where each weighs 1.
    fn mean_weight(&self, own: &Seat<'_>, weight: impl Fn(&Seat<'_>) -> f64) -> f64 {
        let (mut sum, mut n) = (0.0, 0.0);
        for other in self.opponents(own) {
            sum += weight(other);
            n += 1.0;
        }
        if n > 0.0 { sum / n } else { 1.0 }
    }
}

fn pair_weight(option: &RepeatedPair, own: &Seat<'_>, other: &Seat<'_>) -> f64 {
    let (own, other) = (own.person, other.person);
    option.weight(own.recent.times_met(option, other.id).max(other.recent.times_met(option, own.id)))
}

fn opponent_weight(option: &Newcomer, other: &Seat<'_>) -> f64 {
    if other.player.games < option.games { option.opponents_weight } else { 1.0 }
}
