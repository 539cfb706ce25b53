//! Rating a history from its first match on, and judging each prediction before its match is known.
use super::history::{History, Match, Side};
use gsm_core::{PlayerId, Timestamp};
use gsm_ranking::{Board, Mark, Order};
use gsm_rating::{
    Entrant, RatedState, Rating, RatingError, Side as RatedSide, System,
    evaluation::{Evaluation, Report},
};

/// How the predictions of two windows held up.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub(super) struct Figures {
    /// The second half: what systems are compared by.
    pub(super) test: Report,
    /// Every match.
    pub(super) all: Report,
}

/// A player after the last match.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    pub(super) state: RatedState,
    /// Thousandths of a point, as boards compare them.
    pub(super) score: i64,
    reached_at: Timestamp,
}

/// A history, rated.
pub(super) struct Rated {
    /// By the player's number.
    pub(super) players: Vec<Standing>,
    pub(super) figures: Figures,
    /// Every player under the number as id.
    pub(super) board: Board,
}

/// The number behind an id of [`Rated::board`].
pub(super) fn number_of(id: PlayerId) -> u32 {
    u32::try_from(id.as_u128()).unwrap_or(u32::MAX)
}

/// Rates all matches in order. Matches of one timestamp are all predicted before the first of them counts, so that no
/// result leaks into a prediction of the same moment. `each` hears of every match that was rated.
///
/// # Errors
/// A match that the system cannot rate, by its index.
pub(super) fn rate(
    history: &History,
    system: &System,
    mut each: impl FnMut(),
) -> Result<Rated, (usize, RatingError)> {
    let new =
        Standing { state: RatedState::new(system.initial()), score: i64::MIN, reached_at: Timestamp::EPOCH };
    let mut rater = Rater {
        history,
        system,
        players: vec![new; history.names.len()],
        test: Evaluation::new(),
        all: Evaluation::new(),
        test_from: history.matches().len() / 2,
        two_sided: history.is_two_sided(),
        entrants: Vec::new(),
    };
    let mut index = 0;
    for group in history.matches().chunk_by(|a, b| a.at == b.at) {
        for (nth, of) in group.iter().enumerate() {
            rater.predict(index + nth, of);
        }
        for (nth, of) in group.iter().enumerate() {
            rater.update(index + nth, of).map_err(|error| (index + nth, error))?;
            each();
        }
        index += group.len();
    }
    let Rater { players, test, all, .. } = rater;
    let seen = players.iter().enumerate().filter(|(_, player)| player.state.games > 0);
    let marks =
        seen.map(|(number, p)| (PlayerId::from_u128(number as u128), Mark::new(p.score, p.reached_at, 1)));
    let board = Board::with_marks(Order::SCORE, marks);
    Ok(Rated { players, figures: Figures { test: test.report(), all: all.report() }, board })
}

struct Rater<'a> {
    history: &'a History,
    system: &'a System,
    players: Vec<Standing>,
    test: Evaluation,
    all: Evaluation,
    /// The first match of the second half.
    test_from: usize,
    two_sided: bool,
    /// Kept for its memory.
    entrants: Vec<Entrant>,
}

impl Rater<'_> {
    /// A player's rating, grown to a time.
    fn at(&self, number: u32, at: Timestamp) -> Rating {
        self.players
            .get(number as usize)
            .map_or_else(|| self.system.initial(), |p| self.system.at(p.state.rating, p.state.rated_at, at))
    }

    fn predict(&mut self, index: usize, of: &Match) {
        let sides: Vec<(u32, Vec<Rating>)> = self
            .history
            .sides(index)
            .map(|(side, players)| (side.place, players.iter().map(|p| self.at(*p, of.at)).collect()))
            .collect();
        let pair = |i: usize, j: usize| {
            let ((place, a), (other, b)) = (sides.get(i)?, sides.get(j)?);
            let y = match place.cmp(other) {
                std::cmp::Ordering::Less => 1.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Greater => 0.0,
            };
            // Ties between two of many are not judged: no need to predict them.
            let p = if self.two_sided || y != 0.5 { self.system.expected_pair(a, b).get() } else { 0.5 };
            Some((p, y))
        };
        let is_test = index >= self.test_from;
        if self.two_sided {
            if let Some((p, y)) = pair(0, 1) {
                self.all.two_sides(p, y);
                if is_test {
                    self.test.two_sides(p, y);
                }
            }
        } else {
            let n = sides.len();
            let pairs: Vec<(f64, f64)> = (0..n)
                .flat_map(|i| (i + 1..n).map(move |j| (i, j)))
                .filter_map(|(i, j)| pair(i, j))
                .collect();
            self.all.pairs(pairs.iter().copied());
            if is_test {
                self.test.pairs(pairs);
            }
        }
    }

    fn update(&mut self, index: usize, of: &Match) -> Result<(), RatingError> {
        let sides: Vec<(&Side, &[u32])> = self.history.sides(index).collect();
        let mut entrants = std::mem::take(&mut self.entrants);
        entrants.clear();
        entrants
            .extend(sides.iter().flat_map(|(_, players)| *players).map(|p| Entrant::new(self.at(*p, of.at))));
        let mut rest = entrants.as_slice();
        let mut rated = Vec::with_capacity(sides.len());
        for (side, players) in &sides {
            let (own, others) = rest.split_at(players.len().min(rest.len()));
            rated.push(RatedSide::new(side.place, own));
            rest = others;
        }
        let changes = self.system.update_any_size(&rated)?;
        self.entrants = entrants;
        let players = sides.iter().flat_map(|(_, players)| *players);
        for (number, change) in players.zip(changes.iter().flatten()) {
            let Some(player) = self.players.get_mut(*number as usize) else { continue };
            player.state = player.state.after(change, of.at);
            let score = (change.after.mean * 1_000.0).round() as i64;
            if score != player.score {
                (player.score, player.reached_at) = (score, of.at);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::history::{HEADER, Reading, read};
    use super::*;

    fn rated(rows: &[&str]) -> (History, Rated) {
        let text = format!("{HEADER}\n{}\n", rows.join("\n"));
        let history = read(text.as_bytes(), Reading::default()).unwrap();
        let rated = rate(&history, &System::default(), || ()).unwrap();
        (history, rated)
    }

    #[test]
    fn matches_of_one_moment_are_predicted_before_any_of_them_counts() {
        let duel = |id: u32, at: u32| [format!("{id},{at},0,a,1,,"), format!("{id},{at},1,b,2,,")];
        let one = [duel(1, 5), duel(2, 5), duel(3, 5), duel(4, 5)].concat();
        let apart = [duel(1, 5), duel(2, 6), duel(3, 7), duel(4, 8)].concat();
        let loss = |rows: &[String]| {
            let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
            let two = rated(&rows).1.figures.all.two_sides.unwrap();
            (two.matches, two.log_loss)
        };
        let (n, loss_of_one) = loss(&one);
        assert!(n == 4 && (loss_of_one - std::f64::consts::LN_2).abs() < 1e-12, "{loss_of_one}");
        assert!(loss(&apart).1 < 0.6);
    }

    #[test]
    fn the_second_half_is_the_test_and_the_odd_match_is_in_it() {
        let rows: Vec<String> =
            (1..=3).flat_map(|n| [format!("{n},{n},0,a,1,,"), format!("{n},{n},1,b,2,,")]).collect();
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        let figures = rated(&rows).1.figures;
        assert_eq!(figures.test.two_sides.unwrap().matches, 2);
        assert_eq!(figures.all.two_sides.unwrap().matches, 3);
    }

    #[test]
    fn one_match_of_three_makes_all_free_for_all() {
        let rows = ["1,1,0,a,1,,", "1,1,1,b,2,,", "2,2,0,a,1,,", "2,2,1,b,2,,", "2,2,2,c,2,,"];
        let (history, rated) = rated(&rows);
        assert!(rated.figures.all.two_sides.is_none());
        assert_eq!(rated.figures.all.pairs.unwrap().matches, 2);
        assert_eq!(history.names[number_of(rated.board.top(0, 1)[0].entry.player) as usize], "a");
        assert_eq!(rated.board.len(), 3);
    }
}
