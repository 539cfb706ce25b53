//! What a change made, for `responseElements`: the id of it in the call's answer, which its record has among what it is about.
use gsm_core::{KeyId, MatchId, PlayerId, TicketId};
use gsm_engine::store::AuditRecord;

/// By its action: what the answer calls the id, and how that begins.
const MADE: [(&str, &str, &str); 9] = [
    ("gsm:SignIn", "player_id", PlayerId::PREFIX),
    ("gsm:CreateTicket", "ticket_id", TicketId::PREFIX),
    ("gamelift:StartMatchmaking", "ticket_id", TicketId::PREFIX),
    ("gamelift:StartMatchBackfill", "ticket_id", TicketId::PREFIX),
    ("gsm:CreateMatch", "match_id", MatchId::PREFIX),
    ("gsm:IssueKey", "key_id", KeyId::PREFIX),
    ("gsm:IssueAwsKey", "key_id", KeyId::PREFIX),
    ("gsm:RotateSigningKeys", "key_id", KeyId::PREFIX),
    ("gsm:RotateAuditKey", "vkey", "gsm/audit/"),
];

/// What a call answered of what it made. What had to change beforehand has no request, and was not asked for.
pub(super) fn by(record: &AuditRecord) -> Option<(&'static str, &str)> {
    let (_, member, prefix) = MADE.iter().find(|(action, ..)| *action == record.action)?;
    let made = record.resources.iter().find(|thing| thing.starts_with(prefix));
    made.filter(|_| !record.request_id.is_empty()).map(|id| (*member, id.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gsm_core::EventId;

    #[test]
    fn what_a_call_made_is_told_and_nothing_of_other_records() {
        let check = |action: &str, request_id: &str, resources: &[&str], expected| {
            let record = AuditRecord {
                event_id: EventId::from_u128(1),
                action: action.to_owned(),
                principal: "admin:ops".to_owned(),
                request_id: request_id.to_owned(),
                resources: resources.iter().map(|thing| (*thing).to_owned()).collect(),
                reason: None,
                origin: Default::default(),
            };
            assert_eq!(by(&record), expected, "{action}");
        };
        check("gsm:CreateTicket", "req-1", &["tkt-1", "duel"], Some(("ticket_id", "tkt-1")));
        check("gsm:CreateTicket", "req-1", &["duel"], None);
        check("gamelift:StartMatchmaking", "", &["tkt-1"], None);
        check("gsm:CancelTicket", "req-1", &["tkt-1"], None);
    }

    #[test]
    fn what_makes_something_is_an_operation() {
        let native = crate::api::operations().all().map(|(.., action)| action);
        let all: Vec<&str> = native.chain(crate::gamelift::actions()).collect();
        for (action, ..) in MADE {
            assert!(all.contains(&action), "{action}");
        }
    }
}
