//! Tickets of a pool, as traffic has them.
use crate::{shape::skill_attribute, traffic::number};
use gsm_core::{PlayerId, TicketId, Timestamp};
use gsm_matchmaking::RuledTicket;
use gsm_rules::{Member, RuleSet};

/// Bits of a player's id that are his place on the ticket.
const MEMBER_BITS: u32 = 8;

/// The id of the `nth` ticket.
#[must_use]
pub fn ticket_id(nth: usize) -> TicketId {
    TicketId::from_u128(nth as u128)
}

/// The `nth` ticket as a pool of this rule set takes it. A rating, which recordings know as an attribute of the rule set
/// ([`skill_attribute`]), is what a server would bring.
#[must_use]
pub fn ruled_ticket(nth: usize, members: &[Member], started_at: Timestamp, set: &RuleSet) -> RuledTicket {
    let rating = skill_attribute(set);
    let player = |(place, member): (usize, &Member)| {
        let skill = rating.and_then(|name| number(member, name));
        let id = PlayerId::from_u128(((nth as u128) << MEMBER_BITS) | place as u128);
        (id, Member { skill, ..member.clone() })
    };
    let players = members.iter().enumerate().map(player).collect();
    RuledTicket { id: ticket_id(nth), players, backfill: None, started_at }
}

/// Which ticket a player of such tickets is on, and at which place.
pub(crate) fn place_of(player: PlayerId) -> (usize, usize) {
    let (ticket, place) = (player.as_u128() >> MEMBER_BITS, player.as_u128() & ((1 << MEMBER_BITS) - 1));
    (ticket as usize, place as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gsm_rules::{Dialect, Value, parse};

    #[test]
    fn a_rating_is_what_a_server_would_bring() {
        let text = include_str!("../../../config/rule-sets/duel.json");
        let set = parse(text, Dialect::Extended).unwrap().set;
        let member = |rating: Value| Member {
            attributes: [(skill_attribute(&set).unwrap().to_owned(), rating)].into(),
            ..Member::default()
        };
        let members =
            [member(Value::Number(1_620.0)), member(Value::Text("good".to_owned())), Member::default()];
        let ticket = ruled_ticket(7, &members, Timestamp::EPOCH, &set);
        let skills: Vec<_> = ticket.players.iter().map(|(_, member)| member.skill).collect();
        assert_eq!((ticket.id, skills), (ticket_id(7), vec![Some(1_620.0), None, None]));
        let places: Vec<_> = ticket.players.iter().map(|(id, _)| place_of(*id)).collect();
        assert_eq!(places, [(7, 0), (7, 1), (7, 2)]);
    }
}
