//! What comes in numbers, refusals and reads that are told: the first is written down as it is, those like it in its window as
//! one, with their count.
use super::Note;
use gsm_core::{Millis, Timestamp};
use std::{collections::HashMap, sync::Arc};

/// Of refusals, from the first of its kind on.
pub(super) const OF_REFUSALS: Millis = Millis::from_secs(10);
/// Of reads. Whoever follows the log reads what was written of his reading, so it is seldom.
pub(super) const OF_READS: Millis = Millis::from_secs(3_600);
/// Kinds that are told apart in a window.
const KINDS_MAX: usize = 4_096;

/// Refusals that say nothing of who called: where more is asked than can be served, they come in numbers and from everywhere.
const OF_ANYBODY: [&str; 2] = ["overloaded", "ServiceUnavailableException"];

/// Who, what, and why not or about what.
type Kind = (Arc<str>, &'static str, Arc<str>);

struct Cell {
    since: Timestamp,
    /// The last of those that were not written down, and how many.
    folded: Option<(Note, u64)>,
}

/// The windows that are open.
pub(super) struct Floods {
    window: Millis,
    cells: HashMap<Kind, Cell>,
    /// What found no room: one record for all of it.
    others: Option<(Note, u64, Timestamp)>,
}

impl Floods {
    /// With windows of this length.
    pub(super) fn within(window: Millis) -> Self {
        Self { window, cells: HashMap::new(), others: None }
    }

    /// Gives a refusal back if it is to be written down at once.
    pub(super) fn first(&mut self, note: Note) -> Option<Note> {
        let of_anybody = is_of_anybody(&note);
        let kind = kind_of(&note);
        if let Some(cell) = self.cells.get_mut(&kind) {
            let count = cell.folded.as_ref().map_or(0, |(_, count)| *count);
            cell.folded = Some((if of_anybody { nobodys(note) } else { note }, count + 1));
            return None;
        }
        if self.is_full() {
            self.other(note);
            return None;
        }
        self.cells.insert(kind, Cell { since: note.at, folded: None });
        Some(note)
    }

    /// Gives a read back if it is to be written down at once: what is not a `part` of one that began before is in any case, and
    /// where there is no room for another kind nothing is folded. Readers are known, and few.
    pub(super) fn first_read(&mut self, note: Note, part: bool) -> Option<Note> {
        let kind = kind_of(&note);
        let is_known = self.cells.contains_key(&kind);
        if !is_known && self.is_full() {
            return Some(note);
        }
        if part || !is_known {
            return self.first(note);
        }
        Some(note)
    }

    fn is_full(&self) -> bool {
        self.cells.len() >= KINDS_MAX
    }

    /// Counts what cannot be written down one by one.
    pub(super) fn other(&mut self, note: Note) {
        // It may stand for many already.
        let (of_it, from) = note.folded.unwrap_or((1, note.at));
        let (count, since) =
            self.others.take().map_or((0, from), |(_, count, since)| (count, since.min(from)));
        self.others = Some((nobodys(note), count + of_it, since));
    }

    /// What the windows that are over by now have to tell; `all` ends all of them.
    pub(super) fn over(&mut self, now: Timestamp, all: bool) -> Vec<Note> {
        let mut told = Vec::new();
        // A clock that was set back ends what began later.
        let is_over = |since: Timestamp| all || since > now || now.since(since) >= self.window;
        self.cells.retain(|_, cell| {
            let open = !is_over(cell.since);
            if !open && let Some((note, count)) = cell.folded.take() {
                told.push(Note { folded: Some((count, cell.since)), ..note });
            }
            open
        });
        if self.others.as_ref().is_some_and(|(_, _, since)| is_over(*since))
            && let Some((note, count, since)) = self.others.take()
        {
            told.push(Note { folded: Some((count, since)), ..note });
        }
        told.sort_by_key(|note| note.at);
        told
    }
}

fn is_of_anybody(note: &Note) -> bool {
    note.error.as_deref().is_some_and(|error| OF_ANYBODY.contains(&error))
}

fn kind_of(note: &Note) -> Kind {
    let who = match (&note.source, note.principal.as_ref()) {
        _ if is_of_anybody(note) => "".into(),
        (Some(source), "anonymous") => source.clone(),
        _ => note.principal.clone(),
    };
    let about = || note.resources.first().map(|thing| thing.as_str().into());
    (who, note.name, note.error.clone().or_else(about).unwrap_or_default())
}

/// A note with nothing of whom it is about: it is about many.
fn nobodys(note: Note) -> Note {
    let Note { event_id, name, at, request_id, read_only, error, .. } = note;
    Note { event_id, request_id, read_only, error, ..Note::new(name, at) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(who: &str, source: &str, error: &str, at: i64) -> Note {
        Note {
            principal: who.into(),
            source: Some(source.into()),
            error: Some(error.into()),
            ..Note::new("gsm:CreateTicket", Timestamp::from_millis(at))
        }
    }

    #[test]
    fn the_first_is_told_at_once_and_the_rest_with_their_count() {
        let mut floods = Floods::within(OF_REFUSALS);
        assert!(floods.first(refused("player:a", "x", "rate_limited", 0)).is_some());
        for at in 1..=5 {
            assert!(floods.first(refused("player:a", "x", "rate_limited", at)).is_none());
        }
        assert!(floods.first(refused("player:a", "x", "conflict", 6)).is_some(), "another reason");
        assert!(floods.first(refused("player:b", "x", "rate_limited", 6)).is_some(), "another caller");
        assert!(floods.first(refused("anonymous", "x", "rate_limited", 6)).is_some(), "another address");
        assert!(floods.first(refused("anonymous", "y", "rate_limited", 6)).is_some(), "another address");
        assert!(floods.over(Timestamp::from_millis(9_999), false).is_empty());
        let told = floods.over(Timestamp::from_millis(10_000), false);
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0].folded, Some((5, Timestamp::EPOCH)));
        assert_eq!(told[0].at, Timestamp::from_millis(5));
        assert!(floods.first(refused("player:a", "x", "rate_limited", 10_001)).is_some(), "a new window");
        assert!(floods.over(Timestamp::from_millis(10_002), true).is_empty() && floods.cells.is_empty());
    }

    #[test]
    fn a_clock_that_is_set_back_ends_what_began_later() {
        let mut floods = Floods::within(OF_REFUSALS);
        for at in [5_000, 6_000] {
            floods.first(refused("player:a", "x", "rate_limited", at));
        }
        floods.other(refused("player:b", "x", "rate_limited", 5_000));
        assert!(floods.over(Timestamp::from_millis(7_000), false).is_empty());
        assert_eq!(floods.over(Timestamp::EPOCH, false).len(), 2);
        assert!(floods.cells.is_empty());
    }

    #[test]
    fn where_more_is_asked_than_can_be_served_it_is_told_of_nobody() {
        for error in OF_ANYBODY {
            let mut floods = Floods::within(OF_REFUSALS);
            assert!(floods.first(refused("player:a", "x", error, 0)).is_some());
            for (who, source) in [("player:a", "x"), ("player:b", "x"), ("anonymous", "y")] {
                assert!(floods.first(refused(who, source, error, 1)).is_none(), "{who}");
            }
            let told = floods.over(Timestamp::EPOCH, true);
            assert_eq!(told.len(), 1);
            assert_eq!(
                (told[0].folded, told[0].error.as_deref()),
                (Some((3, Timestamp::EPOCH)), Some(error))
            );
            assert_eq!((&*told[0].principal, &told[0].source), ("anonymous", &None));
        }
    }

    #[test]
    fn more_kinds_than_are_told_apart_are_one() {
        let mut floods = Floods::within(OF_REFUSALS);
        for n in 0..KINDS_MAX + 3 {
            let told = floods.first(refused("anonymous", &n.to_string(), "unauthenticated", 0)).is_some();
            assert_eq!(told, n < KINDS_MAX, "{n}");
        }
        let told = floods.over(Timestamp::EPOCH, true);
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].folded, &told[0].source), (Some((3, Timestamp::EPOCH)), &None));
    }
    #[test]
    fn reads_are_told_by_who_read_what_and_the_parts_of_one_with_their_count() {
        let mut reads = Floods::within(OF_READS);
        let read = |who: &str, what: &str, at: i64| Note {
            error: None,
            resources: [what.to_owned()].into(),
            ..refused(who, "x", "", at)
        };
        for (note, part, is_told) in [
            (read("admin:a", "ann", 0), false, true),
            (read("admin:a", "ann", 1), true, false),
            (read("admin:a", "ann", 2), true, false),
            (read("admin:a", "ann", 3), false, true),
            (read("admin:a", "bob", 3), true, true),
            (read("admin:b", "ann", 3), true, true),
        ] {
            assert_eq!(reads.first_read(note.clone(), part).is_some(), is_told, "{note:?}");
        }
        assert!(reads.over(Timestamp::from_millis(3_599_999), false).is_empty());
        let told = reads.over(Timestamp::from_millis(3_600_000), false);
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!((told[0].folded, &*told[0].principal), (Some((2, Timestamp::EPOCH)), "admin:a"));
        assert_eq!(*told[0].resources, ["ann"]);
        // Where no more are told apart, each is told.
        for n in 0..KINDS_MAX + 2 {
            for _ in 0..2 {
                reads.first_read(read("admin:a", &n.to_string(), 3), true);
            }
        }
        assert!(reads.first_read(read("admin:a", "another", 3), true).is_some());
        assert!(reads.first_read(read("admin:a", "another", 3), true).is_some());
        assert!(reads.over(Timestamp::EPOCH, true).iter().all(|note| &*note.principal == "admin:a"));
    }
}
