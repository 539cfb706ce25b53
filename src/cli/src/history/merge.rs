//! Several histories as one.
use super::Chronicle;
use gsm_rating::history::Lineup;
use std::collections::HashMap;

/// Of each side its place and its players.
type Lineups = Vec<(u32, Vec<u32>)>;

/// Of so many numbers the table of a moment is kept for the next one: to empty it costs what it can hold.
const KEPT_MAX: usize = 1_024;

/// The matches of one moment by number: of each file, in which a number comes once.
struct Moment<L> {
    at: i64,
    seen: HashMap<u64, Vec<(usize, L)>>,
}

impl<L: PartialEq> Moment<L> {
    fn new() -> Self {
        Self { at: i64::MIN, seen: HashMap::new() }
    }

    /// Goes on to a moment, which is no earlier one.
    fn comes(&mut self, at: i64) {
        if at == self.at {
            return;
        }
        self.at = at;
        if self.seen.capacity() > 2 * KEPT_MAX {
            self.seen = HashMap::new();
        } else {
            self.seen.clear();
        }
    }

    /// Takes in a match of a file, unless another file has it.
    fn is_new(&mut self, file: usize, number: u64, lineups: L) -> bool {
        let known = self.seen.entry(number).or_default();
        let is_new = !known.iter().any(|(other, of)| *other != file && *of == lineups);
        if is_new {
            known.push((file, lineups));
        }
        is_new
    }
}

/// All matches by time; of one moment in the order of the files. Players and variants of one name are one. A match that
/// several files have, with the same number, time and lineups, counts once.
pub(crate) fn merged(mut chronicles: Vec<Chronicle>) -> Chronicle {
    if chronicles.len() == 1 {
        return chronicles.pop().unwrap_or_default();
    }
    let mut order: Vec<(i64, usize, usize)> = Vec::new();
    for (file, of) in chronicles.iter().enumerate() {
        order.extend((0..of.history.len()).map(|index| (of.history.at(index).as_millis(), file, index)));
    }
    order.sort_unstable();
    let mut merged = Chronicle::default();
    let mut moment = Moment::new();
    for (at, file, index) in order {
        let Some(of) = chronicles.get(file) else { continue };
        let variant = merged.variant_of(of.history.variant_name(of.history.variant_of(index)));
        let mut number = |player: &u32| {
            let name = of.names.get(*player as usize).cloned().unwrap_or_default();
            merged.number_of(name)
        };
        let players: Vec<Vec<u32>> =
            of.history.sides(index).map(|side| side.players.iter().map(&mut number).collect()).collect();
        moment.comes(at);
        let number = of.numbers.get(index).copied().unwrap_or_default();
        let lineups: Lineups =
            of.history.sides(index).map(|side| side.place).zip(players.iter().cloned()).collect();
        if !moment.is_new(file, number, lineups) {
            merged.repeated += 1;
            continue;
        }
        let sides = of.history.sides(index).zip(&players);
        let sides = sides.map(|(side, players)| Lineup { place: side.place, score: side.score, players });
        merged.history.push(of.history.at(index), variant, sides);
        merged.history.came_together(&of.history.party_sizes(index).flatten().copied().collect::<Vec<_>>());
        merged.numbers.push(number);
    }
    for of in chronicles {
        merged.skipped += of.skipped;
        merged.faults.extend(of.faults);
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// Lineups that count how often they are compared.
    struct Counted<'a>(u64, &'a Cell<usize>);

    impl PartialEq for Counted<'_> {
        fn eq(&self, other: &Self) -> bool {
            self.1.set(self.1.get() + 1);
            self.0 == other.0
        }
    }

    #[test]
    fn a_match_is_compared_with_those_of_its_number_alone() {
        let (compared, mut moment) = (Cell::new(0), Moment::new());
        moment.comes(5);
        for (file, number) in (0..3).flat_map(|file| (0..1_000).map(move |number| (file, number))) {
            let played = if file == 2 { number + 1 } else { number };
            assert_eq!(moment.is_new(file, number, Counted(played, &compared)), file != 1);
        }
        assert_eq!(compared.get(), 2_000);
    }

    #[test]
    fn a_moment_of_many_matches_leaves_no_large_table_behind() {
        let mut moment = Moment::new();
        for (at, matches) in [(1, 100_000), (2, 10), (3, 1_000)] {
            moment.comes(at);
            assert!(moment.seen.is_empty() && moment.seen.capacity() <= 2 * KEPT_MAX, "at {at}");
            assert!((0..matches).all(|number| moment.is_new(0, number, ())));
        }
        // Of few it is kept.
        moment.comes(4);
        assert!(moment.seen.capacity() >= 1_000);
    }
}
