//! Rating with options, and the answer to "why did I get +12".
//!
//! [`rate`] is [`System::update_into`] with the [`Options`] of a mode: it says what a match did to each player, what
//! the options had to do with it ([`Adjusted`]), and what is to be remembered of it ([`Recent`]). Without options it
//! gives the same bits, and runs the system once in any case. [`remembered`] and [`rate_again`] give parts of that
//! answer again, from the rest. [`why`] takes a gain apart, whenever somebody asks, from the match as it was stored:
//! its players before, the result, and what was [`Adjusted`].
//!
//! How options act, so that they act alike in every system:
//!
//! - A *weight* ([`Options::repeated_pair`], [`Options::newcomer`]) takes all numbers of a rating that part of the way
//!   from before to after: half the weight is half the points. Weights multiply.
//! - A *boost* ([`Options::smurf`]) multiplies the deviation before the match. Opponents see the wider deviation
//!   too, and so lose less where the system has it so.
//! - A *bonus* ([`Options::party`]) is added to the mean before the match and taken off after it.
//!
//! Who was not there, or had no opponent who was, is not touched and remembers nothing.
//!
//! ```
//! use gsm_rating::{Entrant, Game, Side, System};
//! use gsm_rating::explained::{Person, Recent, What, rate, why};
//! use gsm_rating::options::{Options, RepeatedPair};
//! let (system, new) = (System::default(), Recent::default());
//! let options = Options { repeated_pair: Some(RepeatedPair::default()), ..Options::default() };
//! let (a, b) = ([Entrant::new(system.initial())], [Entrant::new(system.initial())]);
//! let sides = [Side::new(1, &a), Side::new(2, &b)];
//! let game = Game::new(&sides);
//! let mut scratch = gsm_rating::Scratch::new();
//! let people = [Person { id: 7, party: 1, recent: &new }, Person { id: 8, party: 1, recent: &new }];
//! let first = rate(&system, &options, &game, &people, &mut scratch)?;
//! // The same two again, as if nothing else had changed: it counts 0.7.
//! let people = [Person { recent: &first[0].recent, ..people[0] }, Person { recent: &first[1].recent, ..people[1] }];
//! let again = rate(&system, &options, &game, &people, &mut scratch)?;
//! assert_eq!(again[0].adjusted.weight(), 0.7);
//! let why = why(&system, &game, &again.iter().map(|rated| rated.adjusted).collect::<Vec<_>>())?;
//! assert_eq!(why[0].items.iter().map(|item| item.what).collect::<Vec<_>>(), [What::Result, What::RepeatedPair]);
//! # Ok::<(), gsm_rating::RatingError>(())
//! ```

mod adjusted;
mod items;
mod recent;
mod rerate;
mod roster;
mod why;

pub use adjusted::Adjusted;
pub use recent::Recent;
pub use why::{Item, Opponents, What, Why, why};

use crate::options::Options;
use crate::{Change, Game, RatingError, Scratch, System, outcome};
use roster::Roster;

/// What the options ask about a player of a match.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Person<'a> {
    /// A hash of the player's id, the same in every match. That of two players may be the same: they then pass for
    /// one where opponents are remembered.
    pub id: u32,
    /// How many players queued together as this player's party, the player included; 0 is 1, and none counts as
    /// larger than `gsm_core::limits::PARTY_SIZE_MAX`.
    pub party: u32,
    /// What is remembered of the matches before.
    pub recent: &'a Recent,
}

/// What a match did to one player.
#[derive(Clone, Debug, PartialEq)]
pub struct Rated {
    /// The ratings before and after, as they count.
    pub change: Change,
    /// What is remembered from now on; to be stored with the rating.
    pub recent: Recent,
    /// What the options did; to be stored with the result, for [`why`].
    pub adjusted: Adjusted,
}

/// The changes of one match under `options`, one a player, side by side. `people` come in the same order; the
/// options are expected to have passed [`Options::validate`]. What the match teaches ([`System::learn`]) is left in
/// `scratch`. The cost is that of [`System::update_into`], and with options O(players² · remembered opponents).
///
/// # Errors
/// As [`System::update`]; and as many people as players are asked for.
pub fn rate(
    system: &System,
    options: &Options,
    game: &Game<'_>,
    people: &[Person<'_>],
    scratch: &mut Scratch,
) -> Result<Vec<Rated>, RatingError> {
    check_people(game, people.len())?;
    if options.are_off() {
        let mut changes = Vec::new();
        system.update_into(game, scratch, &mut changes)?;
        let alone = |change| Rated { change, recent: Recent::default(), adjusted: Adjusted::default() };
        return Ok(changes.into_iter().map(alone).collect());
    }
    // Before the options look at every pair of a match that is too large.
    outcome::check_size(game.sides)?;
    let roster = Roster::new(game, people);
    let adjusted = roster.adjusted(system, options);
    let changes = rerate::rerate(system, game, &adjusted, scratch)?;
    let recent = roster.recent(options, &changes, &adjusted);
    Ok(recent
        .zip(&changes)
        .zip(&adjusted)
        .map(|((recent, &change), &adjusted)| Rated { change, recent, adjusted })
        .collect())
}

/// The changes of a match that [`rate`] has rated, from what it said of the players (`adjusted`, side by side): the same,
/// unless other things are known of the match by now ([`Game::learnt`]). What it teaches is left in `scratch`.
///
/// # Errors
/// As [`rate`].
pub fn rate_again(
    system: &System,
    game: &Game<'_>,
    adjusted: &[Adjusted],
    scratch: &mut Scratch,
) -> Result<Vec<Change>, RatingError> {
    check_people(game, adjusted.len())?;
    let adjusted: Vec<Adjusted> = adjusted.iter().map(|of| of.in_range()).collect();
    rerate::rerate(system, game, &adjusted, scratch)
}

/// What is remembered of each player after a match that [`rate`] has rated ([`Rated::recent`]), from what it said of
/// the players: for who does not store it twice. `people` as they were then. O(players²).
///
/// # Errors
/// As many people, changes and adjusted as players are asked for.
pub fn remembered(
    options: &Options,
    game: &Game<'_>,
    people: &[Person<'_>],
    changes: &[Change],
    adjusted: &[Adjusted],
) -> Result<Vec<Recent>, RatingError> {
    for asked in [people.len(), changes.len(), adjusted.len()] {
        check_people(game, asked)?;
    }
    if options.are_off() {
        return Ok(vec![Recent::default(); people.len()]);
    }
    Ok(Roster::new(game, people).recent(options, changes, adjusted).collect())
}

/// Refuses another number of people than of players.
fn check_people(game: &Game<'_>, people: usize) -> Result<(), RatingError> {
    let players = game.sides.iter().map(|side| side.players.len()).sum();
    if people == players { Ok(()) } else { Err(RatingError::People { people, players }) }
}
