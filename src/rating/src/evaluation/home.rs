use super::protocol::Windows;
use crate::history::History;

/// So many standard errors make an advantage: chance alone gives one to a file in 16,000.
const ERRORS: f64 = 4.0;
/// Fewer matches prove nothing.
const MATCHES_MIN: f64 = 30.0;
/// Variants whose name begins so are played on neutral ground.
const NEUTRAL: &str = "neutral";

/// For each variant, whether team 0 has the advantage of the game: it must have scored clearly more or less than half
/// of the points of the burn-in (but for a last moment that goes on in what is predicted), and the variant must not be
/// neutral. Histories in random order have none, nor has any with a match of more than two sides: there the first is often
/// who came first.
#[must_use]
pub fn advantages(history: &History) -> Vec<bool> {
    let variants = history.variants().max(1);
    let at_home: Vec<bool> = (0..variants)
        .map(|variant| !history.variant_name(u16::try_from(variant).unwrap_or(u16::MAX)).starts_with(NEUTRAL))
        .collect();
    if !history.is_two_sided() {
        return vec![false; variants];
    }
    let (mut n, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for index in 0..known(history) {
        let counts = at_home.get(usize::from(history.variant_of(index))).copied().unwrap_or(false);
        if counts && history.side_count(index) == 2 {
            let lead = history.outcome(index) - 0.5;
            n += 1.0;
            sum += lead;
            squares += lead * lead;
        }
    }
    let has = n >= MATCHES_MIN && sum.abs() > ERRORS * squares.sqrt();
    at_home.into_iter().map(|at_home| at_home && has).collect()
}

/// How many matches of the burn-in are known before the first that is scored is predicted.
fn known(history: &History) -> usize {
    let scored = Windows::of(history).tune;
    if scored >= history.len() {
        return scored;
    }
    let moment = history.at(scored);
    (0..scored).rev().find(|index| history.at(*index) != moment).map_or(0, |last| last + 1)
}

/// Whether team 0 has the advantage of the game in any variant.
pub(crate) fn has_home(history: &History) -> bool {
    advantages(history).contains(&true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Lineup;
    use gsm_core::Timestamp;

    fn check(won_of_ten: usize, variant: &str, has: bool) {
        let mut history = History::new(Vec::new());
        let variant = history.variant(variant);
        for index in 0..1000 {
            let (a, b) = if index % 10 < won_of_ten { (1, 2) } else { (2, 1) };
            let side = |place, player| Lineup { place, score: None, players: player };
            history.push(
                Timestamp::from_millis(index as i64),
                variant,
                [side(a, &[0][..]), side(b, &[1][..])],
            );
        }
        assert_eq!(advantages(&history), [has], "{won_of_ten} {variant:?}");
    }

    #[test]
    fn the_first_of_many_is_not_at_home() {
        let mut history = History::new(Vec::new());
        let variant = history.variant("");
        let side = |place, player| Lineup { place, score: None, players: player };
        let sides: [Lineup<'_>; 3] = [side(1, &[0]), side(2, &[1]), side(3, &[2])];
        for index in 0..1000 {
            let sides = if index == 990 { &sides[..] } else { &sides[..2] };
            history.push(Timestamp::from_millis(index), variant, sides.iter().copied());
        }
        assert_eq!(advantages(&history), [false]);
    }

    /// Of one moment, or of two where the first has so many matches.
    #[test]
    fn a_moment_says_nothing_of_its_own_matches() {
        for (first, has) in [(0, false), (29, false), (30, true), (200, true)] {
            let mut history = History::new(Vec::new());
            let variant = history.variant("");
            for index in 0..1000 {
                let side = |place, player| Lineup { place, score: None, players: player };
                let at = Timestamp::from_millis(i64::from(index >= first));
                history.push(at, variant, [side(1, &[0][..]), side(2, &[1][..])]);
            }
            assert_eq!(advantages(&history), [has], "{first}");
        }
    }
    #[test]
    fn a_side_that_wins_too_often_is_at_home() {
        check(7, "", true);
        check(3, "", true);
        check(5, "", false);
        check(6, "", false);
        check(7, "home-friendly", true);
        check(9, "neutral-friendly", false);
    }
}
