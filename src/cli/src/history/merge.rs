//! Several histories as one.
use super::Chronicle;
use gsm_rating::history::Lineup;
use std::collections::HashMap;

/// Of each side its place and its players.
type Lineups = Vec<(u32, Vec<u32>)>;

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
    // The matches of the moment by number: of each file, in which a number comes once.
    let (mut moment, mut seen) = (i64::MIN, HashMap::<u64, Vec<(usize, Lineups)>>::new());
    for (at, file, index) in order {
        let Some(of) = chronicles.get(file) else { continue };
        let variant = merged.variant_of(of.history.variant_name(of.history.variant_of(index)));
        let mut number = |player: &u32| {
            let name = of.names.get(*player as usize).cloned().unwrap_or_default();
            merged.number_of(name)
        };
        let players: Vec<Vec<u32>> =
            of.history.sides(index).map(|side| side.players.iter().map(&mut number).collect()).collect();
        if at > moment {
            (moment, _) = (at, seen.clear());
        }
        let number = of.numbers.get(index).copied().unwrap_or_default();
        let lineups: Lineups =
            of.history.sides(index).map(|side| side.place).zip(players.iter().cloned()).collect();
        let known = seen.entry(number).or_default();
        if known.iter().any(|(other, of)| *other != file && *of == lineups) {
            merged.repeated += 1;
            continue;
        }
        known.push((file, lineups));
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
