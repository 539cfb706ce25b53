//! Tickets that will come.
use crate::answers::Answer;
use gsm_core::Millis;
use gsm_matchmaking::nearest_region;
use gsm_rules::{Member, Value};

/// One ticket that will come.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrival {
    /// When, since the traffic began.
    pub at: Millis,
    /// Its players, one or more, with what they bring.
    pub members: Vec<Member>,
    /// It cancels when it has waited so long; nothing: it never does.
    pub patience: Option<Millis>,
    /// Whether it counts in reports: the first may find an empty pool, the last nobody after them.
    pub is_measured: bool,
}

/// Tickets in the order in which they come.
#[derive(Debug, Clone, PartialEq)]
pub struct Traffic {
    /// Ascending by [`Arrival::at`].
    pub arrivals: Vec<Arrival>,
    /// When it is over: what waits then has no outcome.
    pub until: Millis,
    /// How players answer a proposal; nothing: matches start at once.
    pub answers: Option<Answers>,
}

/// How players answer a proposed match. Shares of tickets; what is left accepts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answers {
    /// Who has not answered until then has not accepted.
    pub deadline: Millis,
    /// So many decline, `0.0..=1.0`.
    pub decline: f64,
    /// So many do not answer, `0.0..=1.0`; with `decline` at most 1.
    pub ignore: f64,
    /// How long an answer takes in the mean.
    pub delay: Millis,
}

impl Answers {
    /// What a ticket answers, and after how long.
    pub(crate) fn draw(&self, seed: u64, ticket: u64, attempt: u64) -> (Answer, Millis) {
        let mut rng = crate::rng::Rng::of(seed, "answer", &[ticket, attempt]);
        let what = rng.unit();
        let delay = Millis::new(rng.exponential(self.delay.get() as f64) as u64);
        let delay = delay.min(self.deadline);
        if what < self.decline {
            (Answer::Declines, delay)
        } else if what < self.decline + self.ignore {
            (Answer::Ignores, self.deadline)
        } else {
            (Answer::Accepts, delay)
        }
    }
}

impl Arrival {
    /// The mean of its players' numbers; nothing if none of them has one.
    #[must_use]
    pub fn mean_of(&self, attribute: &str) -> Option<f64> {
        mean_of(&self.members, attribute)
    }

    /// The location that is nearest to its players in the mean, of those to which all have a latency; of equals the
    /// first by name.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        nearest_region(self.members.iter().map(|member| &member.latency_ms))
    }
}

/// The mean of players' numbers; nothing if none of them has one.
pub(crate) fn mean_of(members: &[Member], attribute: &str) -> Option<f64> {
    let numbers = members.iter().filter_map(|member| number(member, attribute));
    let (sum, count) = numbers.fold((0.0, 0_u32), |(sum, count), number| (sum + number, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}

/// A player's number.
pub(crate) fn number(member: &Member, attribute: &str) -> Option<f64> {
    match member.attributes.get(attribute) {
        Some(Value::Number(number)) => Some(*number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(latencies: &[(&str, u32)], skill: Option<f64>) -> Member {
        Member {
            latency_ms: latencies.iter().map(|(name, ms)| ((*name).to_owned(), *ms)).collect(),
            attributes: skill.map(|skill| ("skill".to_owned(), Value::Number(skill))).into_iter().collect(),
            ..Member::default()
        }
    }

    fn arrival(members: Vec<Member>) -> Arrival {
        Arrival { at: Millis::ZERO, members, patience: None, is_measured: true }
    }

    #[test]
    fn the_region_is_the_nearest_to_which_all_have_a_latency() {
        let near = |members| arrival(members).region().map(str::to_owned);
        let (a, b) = (member(&[("eu", 20), ("us", 90)], None), member(&[("us", 30), ("sa", 5)], None));
        assert_eq!(near(vec![a.clone()]), Some("eu".to_owned()));
        assert_eq!(near(vec![a, b]), Some("us".to_owned()));
        assert_eq!(near(vec![member(&[("us", 5), ("eu", 5)], None)]), Some("eu".to_owned()));
        assert_eq!(near(vec![member(&[], None)]), None);
    }

    #[test]
    fn a_party_has_the_mean_skill_of_those_who_have_one() {
        let of = |skills: &[Option<f64>]| {
            arrival(skills.iter().map(|skill| member(&[], *skill)).collect()).mean_of("skill")
        };
        assert_eq!(of(&[Some(10.0), Some(30.0), None]), Some(20.0));
        assert_eq!(of(&[None]), None);
    }

    #[test]
    fn answers_come_in_their_shares_and_in_time() {
        let (deadline, delay) = (Millis::from_secs(10), Millis::from_secs(4));
        let answers = Answers { deadline, decline: 0.2, ignore: 0.1, delay };
        let all: Vec<_> = (0..20_000).map(|n| answers.draw(1, n, 0)).collect();
        let share = |what| all.iter().filter(|(answer, _)| *answer == what).count() as f64 / 20_000.0;
        assert!((share(Answer::Declines) - 0.2).abs() < 0.01 && (share(Answer::Ignores) - 0.1).abs() < 0.01);
        assert!(all.iter().all(|(_, delay)| *delay <= deadline));
    }
}
