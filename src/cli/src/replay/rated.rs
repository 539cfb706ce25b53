//! Rating a history from its first match on, and judging each prediction before its match is known.
use crate::history::Chronicle;
use gsm_core::{PlayerId, Timestamp};
use gsm_ranking::{Board, Mark, Order};
use gsm_rating::{
    RatedState, System,
    evaluation::{Contender, Evaluation, Report, Unrated},
    history::History,
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
pub(super) fn rate(read: &Chronicle, system: &System, mut each: impl FnMut()) -> Result<Rated, Unrated> {
    let history = &read.history;
    let mut contender = Contender::new(system, history);
    let mut players = vec![
        Standing {
            state: RatedState::new(system.initial()),
            score: i64::MIN,
            reached_at: Timestamp::EPOCH
        };
        read.names.len()
    ];
    let (mut test, mut all) = (Evaluation::new(), Evaluation::new());
    let (test_from, two_sided) = (history.len() / 2, history.is_two_sided());
    let mut from = 0;
    while from < history.len() {
        let to = history.group_end(from);
        for index in from..to {
            predict(
                &mut contender,
                history,
                index,
                two_sided,
                &mut all,
                (index >= test_from).then_some(&mut test),
            );
        }
        for index in from..to {
            let changes = contender.rate(index).map_err(|error| Unrated { index, error })?;
            let at = history.at(index);
            let numbers = history.sides(index).flat_map(|side| side.players);
            for (number, change) in numbers.zip(changes) {
                let Some(player) = players.get_mut(*number as usize) else { continue };
                player.state = player.state.after(change, at);
                let score = (change.after.mean * 1_000.0).round() as i64;
                if score != player.score {
                    (player.score, player.reached_at) = (score, at);
                }
            }
            each();
        }
        from = to;
    }
    let seen = players.iter().enumerate().filter(|(_, player)| player.state.games > 0);
    let marks =
        seen.map(|(number, p)| (PlayerId::from_u128(number as u128), Mark::new(p.score, p.reached_at, 1)));
    let board = Board::with_marks(Order::SCORE, marks);
    Ok(Rated { players, figures: Figures { test: test.report(), all: all.report() }, board })
}

fn predict(
    contender: &mut Contender<'_>,
    history: &History,
    index: usize,
    two_sided: bool,
    all: &mut Evaluation,
    test: Option<&mut Evaluation>,
) {
    if two_sided {
        let (p, y) = (contender.expected(index).get(), history.outcome(index));
        all.two_sides(p, y);
        test.into_iter().for_each(|test| test.two_sides(p, y));
        return;
    }
    // Pair by pair: a match of thousands has more than are to be kept.
    all.pairs_told(|all| match test {
        None => contender.pairs(index, all),
        Some(test) => test.pairs_told(|test| {
            contender.pairs(index, |p, y| {
                all(p, y);
                test(p, y);
            });
        }),
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{HEADER, Reading, read};

    fn rated(rows: &[&str]) -> (Chronicle, Rated) {
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
