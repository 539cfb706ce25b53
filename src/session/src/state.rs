//! The three state machines. Each is one table, `next`: every arrow stands there, and no other is legal.
//! Stored data hold the variants by position: append, never reorder.

use gsm_core::{PlayerId, Timestamp};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Why a state machine refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// The table has no such arrow.
    #[error("a {what} cannot go from `{from}` to `{to}`")]
    NotAllowed {
        /// Which machine.
        what: &'static str,
        /// The state it is in.
        from: &'static str,
        /// The state it was to enter.
        to: &'static str,
    },
    /// No state has this name.
    #[error("unknown state `{text}` of a {what}")]
    UnknownState {
        /// Which machine.
        what: &'static str,
        /// What came, cut to 64 characters.
        text: String,
    },
}

macro_rules! machine {
    ($(#[$doc:meta])* $name:ident, $what:literal, { $($(#[$vdoc:meta])* $state:ident = $text:literal => [$($to:ident),*],)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $state,)* }

        impl $name {
            /// Every state, in the order of the declaration.
            pub const ALL: &'static [Self] = &[$(Self::$state,)*];
            /// The name, as serialised.
            #[must_use]
            pub const fn as_str(self) -> &'static str { match self { $(Self::$state => $text,)* } }
            /// The table: the states that may follow this one.
            #[must_use]
            pub const fn next(self) -> &'static [Self] { match self { $(Self::$state => &[$(Self::$to,)*],)* } }
            /// Whether `to` may follow this state. Staying is no move.
            #[must_use]
            pub fn can_become(self, to: Self) -> bool { self.next().contains(&to) }
            /// Whether nothing follows this state.
            #[must_use]
            pub const fn is_terminal(self) -> bool { self.next().is_empty() }
            /// `to`, if it may follow this state.
            pub fn step(self, to: Self) -> Result<Self, SessionError> {
                if self.can_become(to) {
                    Ok(to)
                } else {
                    Err(SessionError::NotAllowed { what: $what, from: self.as_str(), to: to.as_str() })
                }
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.as_str()) }
        }
        impl FromStr for $name {
            type Err = SessionError;
            fn from_str(text: &str) -> Result<Self, SessionError> {
                Self::ALL.iter().copied().find(|s| s.as_str() == text).ok_or_else(|| SessionError::UnknownState {
                    what: $what,
                    text: text.chars().take(64).collect(),
                })
            }
        }
    };
}

machine!(
    /// The state of a matchmaking ticket: FlexMatch's eight, with FlexMatch's moves. Of a ticket that has entered the pool for the
    /// first time nothing is written: what is stored as queued may be searching, and moves as that does.
    TicketState, "ticket", {
        /// Accepted, not looked at yet.
        Queued = "queued" => [Searching, RequiresAcceptance, Placing, Completed, Cancelled, TimedOut, Failed],
        /// In the pool.
        Searching = "searching" => [RequiresAcceptance, Placing, Completed, Cancelled, TimedOut, Failed],
        /// A proposal waits for its players; back to searching when someone else declines it.
        RequiresAcceptance = "requires_acceptance" => [Placing, Completed, Searching, Cancelled],
        /// A game server is being found; back to searching when none was in time.
        Placing = "placing" => [Completed, Searching, TimedOut, Failed],
        /// Matched.
        Completed = "completed" => [],
        /// Ended by an error of ours.
        Failed = "failed" => [],
        /// Ended by its players.
        Cancelled = "cancelled" => [],
        /// Waited as long as its queue lets it.
        TimedOut = "timed_out" => [],
    }
);

machine!(
    /// The state of a match. Without a placement target a match starts at [`MatchState::Running`].
    MatchState, "match", {
        /// Its players are known.
        Created = "created" => [Allocating, Abandoned],
        /// A game server is being found.
        Allocating = "allocating" => [Running, Abandoned],
        /// Being played.
        Running = "running" => [Reporting, Finished, Abandoned],
        /// Played; the result is awaited.
        Reporting = "reporting" => [Finished, Abandoned],
        /// Its result counts.
        Finished = "finished" => [],
        /// Ended without a result.
        Abandoned = "abandoned" => [],
    }
);

impl MatchState {
    /// Whether a result is taken in this state.
    #[must_use]
    pub const fn takes_result(self) -> bool {
        matches!(self, Self::Running | Self::Reporting)
    }
}

machine!(
    /// The state of one player's place in a game session, as in GameLift.
    PlayerSessionState, "player session", {
        /// The place is kept; the player has not connected. Completed at once if the server gives the place up.
        Reserved = "reserved" => [Active, Completed, TimedOut],
        /// Connected.
        Active = "active" => [Completed],
        /// Left.
        Completed = "completed" => [],
        /// Did not connect in time.
        TimedOut = "timed_out" => [],
    }
);

/// One player's place in a game session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlayerSession {
    /// Whose place.
    pub player: PlayerId,
    /// How far it is.
    pub state: PlayerSessionState,
    /// Since when it is in this state.
    pub changed_at: Timestamp,
}

impl PlayerSession {
    /// A place kept for `player` from `now` on.
    #[must_use]
    pub const fn reserve(player: PlayerId, now: Timestamp) -> Self {
        Self { player, state: PlayerSessionState::Reserved, changed_at: now }
    }

    /// The place in state `to` since `now`, if the table allows it.
    pub fn step(self, to: PlayerSessionState, now: Timestamp) -> Result<Self, SessionError> {
        Ok(Self { state: self.state.step(to)?, changed_at: now, ..self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares a whole table with `rows`: one row a state, one column a state, `x` where the move is legal.
    fn check<S: Copy + fmt::Display>(all: &[S], rows: &[&str], can_become: fn(S, S) -> bool) {
        assert_eq!(all.len(), rows.len());
        for (from, row) in all.iter().zip(rows) {
            let seen: String = all.iter().map(|&to| if can_become(*from, to) { 'x' } else { '.' }).collect();
            assert_eq!(seen, *row, "moves from {from}");
        }
    }

    #[test]
    fn a_ticket_moves_as_in_flexmatch() {
        let rows =
            [".xxxxxxx", "..xxxxxx", ".x.xx.x.", ".x..xx.x", "........", "........", "........", "........"];
        check(TicketState::ALL, &rows, TicketState::can_become);
    }

    #[test]
    fn a_match_has_nine_moves_of_thirty_six() {
        let rows = [".x...x", "..x..x", "...xxx", "....xx", "......", "......"];
        check(MatchState::ALL, &rows, |from, to| from.step(to) == Ok(to));
    }

    #[test]
    fn a_player_session_moves_forward_only() {
        let rows = [".xxx", "..x.", "....", "...."];
        check(PlayerSessionState::ALL, &rows, PlayerSessionState::can_become);
    }

    #[test]
    fn a_refused_move_names_both_states() {
        let refused = MatchState::Created.step(MatchState::Finished).unwrap_err();
        assert_eq!(refused.to_string(), "a match cannot go from `created` to `finished`");
    }

    #[test]
    fn a_result_is_taken_while_running_and_reporting() {
        let taking: Vec<_> = MatchState::ALL.iter().filter(|s| s.takes_result()).collect();
        assert_eq!(taking, [&MatchState::Running, &MatchState::Reporting]);
        assert!(taking.iter().all(|s| s.can_become(MatchState::Finished)));
    }

    #[test]
    fn names_are_the_serialised_form_and_parse_back() {
        for &state in TicketState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        for &state in MatchState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        for &state in PlayerSessionState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        assert!("Running".parse::<MatchState>().is_err());
    }

    #[test]
    fn a_player_session_keeps_when_it_changed() {
        let [t0, t1] = [0, 5].map(Timestamp::from_millis);
        let place = PlayerSession::reserve(PlayerId::from_u128(1), t0);
        let active = place.step(PlayerSessionState::Active, t1).unwrap();
        assert_eq!((active.state, active.changed_at), (PlayerSessionState::Active, t1));
        assert!(active.step(PlayerSessionState::TimedOut, t1).is_err());
    }
}
