use crate::System;
use crate::evaluation::Windows;
use crate::history::History;
use crate::kalman::Margin;

/// One setting that is tuned.
#[derive(Clone, Copy, Debug)]
pub struct Knob {
    /// The setting's name.
    pub name: &'static str,
    /// Its value.
    pub read: fn(&System) -> f64,
    /// Sets it.
    pub write: fn(&mut System, f64),
    /// What is tried.
    pub steps: Steps,
}

/// What is tried for a setting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Steps {
    /// Larger and smaller by a factor; from 0, this.
    Factor {
        /// The first value that is not 0.
        from_zero: f64,
    },
    /// Each of these.
    OneOf(&'static [f64]),
}

macro_rules! knob {
    ($system:ident, $field:ident, $steps:expr) => {
        Knob {
            name: stringify!($field),
            read: |system| if let System::$system(settings) = system { settings.$field } else { 0.0 },
            write: |system, value| {
                if let System::$system(settings) = system {
                    settings.$field = value;
                }
            },
            steps: $steps,
        }
    };
}

const FACTOR: Steps = Steps::Factor { from_zero: 1.0 };
const SMALL: Steps = Steps::Factor { from_zero: 0.01 };
const EXPONENTS: Steps = Steps::OneOf(&[0.0, 0.25, 0.5, 0.6, 0.75, 0.9, 1.0]);
const HOME: Steps = Steps::OneOf(&[0.0, 20.0, 40.0, 60.0, 80.0, 100.0, 130.0]);
const HOME_SMALL: Steps = Steps::OneOf(&[0.0, 0.5, 1.0, 1.5, 2.0, 3.0]);

/// The settings of a system that matter to a history, the weightiest first: those of teams only where there are teams in the
/// first half of it, by which settings are chosen.
#[must_use]
pub fn knobs(system: &System, history: &History) -> Vec<Knob> {
    let facts = Facts::of(history);
    let mut knobs = match system {
        System::Elo(_) => vec![
            knob!(Elo, k, FACTOR),
            provisional(),
            knob!(Elo, provisional_k, FACTOR),
            knob!(Elo, home_advantage, HOME),
        ],
        System::Glicko(_) => vec![
            newcomer(
                |system| if let System::Glicko(of) = system { of.deviation } else { 0.0 },
                |system, value| {
                    if let System::Glicko(of) = system {
                        (of.deviation, of.deviation_max) = (value, value);
                    }
                },
            ),
            knob!(Glicko, growth_per_day, FACTOR),
            knob!(Glicko, deviation_min, FACTOR),
            knob!(Glicko, field_exponent, EXPONENTS),
            knob!(Glicko, home_advantage, HOME),
        ],
        System::Glicko2(_) => vec![
            newcomer(
                |system| if let System::Glicko2(of) = system { of.deviation } else { 0.0 },
                |system, value| {
                    if let System::Glicko2(of) = system {
                        (of.deviation, of.deviation_max) = (value, value);
                    }
                },
            ),
            knob!(Glicko2, volatility, SMALL),
            period(),
            knob!(Glicko2, deviation_min, FACTOR),
            knob!(Glicko2, tau, Steps::OneOf(&[0.2, 0.5, 1.0])),
            knob!(Glicko2, field_exponent, EXPONENTS),
            knob!(Glicko2, home_advantage, HOME),
        ],
        System::WengLin(_) => vec![
            newcomer(
                |system| if let System::WengLin(of) = system { of.deviation } else { 0.0 },
                |system, value| {
                    if let System::WengLin(of) = system {
                        (of.deviation, of.deviation_max) = (value, value);
                    }
                },
            ),
            knob!(WengLin, beta, FACTOR),
            knob!(WengLin, tau, SMALL),
            knob!(WengLin, growth_per_day, SMALL),
            knob!(WengLin, home_advantage, HOME_SMALL),
        ],
        System::TrueSkill(_) => vec![
            newcomer(
                |system| if let System::TrueSkill(of) = system { of.deviation } else { 0.0 },
                |system, value| {
                    if let System::TrueSkill(of) = system {
                        (of.deviation, of.deviation_max) = (value, value);
                    }
                },
            ),
            knob!(TrueSkill, beta, FACTOR),
            knob!(TrueSkill, tau, SMALL),
            knob!(TrueSkill, growth_per_day, SMALL),
            knob!(TrueSkill, draw_probability, Steps::OneOf(&[0.01, 0.1, 0.2, 0.3])),
            knob!(TrueSkill, home_advantage, HOME_SMALL),
        ],
        System::Kalman(_) => vec![
            knob!(Kalman, deviation, FACTOR),
            knob!(Kalman, growth_per_day, FACTOR),
            knob!(Kalman, growth_per_match, FACTOR),
            knob!(Kalman, newcomer_fade, Steps::OneOf(&[0.0, 0.5, 0.75, 1.0, 1.5])),
            knob!(Kalman, team_exponent, EXPONENTS),
            margin(),
            knob!(Kalman, margin_noise, Steps::OneOf(&[0.35, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0])),
            knob!(Kalman, variant_deviation, Steps::OneOf(&[0.0, 17.0, 25.0, 39.0, 55.0, 78.0, 110.0])),
            knob!(Kalman, newcomer_wander, Steps::OneOf(&[0.0, 0.02, 0.2, 0.5, 1.7, 5.0])),
            knob!(Kalman, field_weight, FACTOR),
            knob!(Kalman, field_exponent, EXPONENTS),
        ],
    };
    knobs.retain(|knob| facts.matters(knob.name));
    knobs
}

fn newcomer(read: fn(&System) -> f64, write: fn(&mut System, f64)) -> Knob {
    Knob { name: "deviation", read, write, steps: FACTOR }
}

fn provisional() -> Knob {
    Knob {
        name: "provisional_games",
        read: |system| if let System::Elo(of) = system { f64::from(of.provisional_games) } else { 0.0 },
        write: |system, value| {
            if let System::Elo(of) = system {
                of.provisional_games = value as u32;
            }
        },
        steps: Steps::OneOf(&[0.0, 5.0, 10.0, 20.0, 40.0, 80.0]),
    }
}

fn period() -> Knob {
    Knob {
        name: "period_ms",
        read: |system| if let System::Glicko2(of) = system { of.period_ms.get() as f64 } else { 0.0 },
        write: |system, value| {
            if let System::Glicko2(of) = system {
                of.period_ms = gsm_core::Millis::new(value as u64);
            }
        },
        steps: FACTOR,
    }
}

fn margin() -> Knob {
    const KINDS: [Margin; 4] = [Margin::Scaled, Margin::Ratio, Margin::Difference, Margin::Share];
    Knob {
        name: "margin",
        read: |system| match system {
            System::Kalman(of) => KINDS.iter().position(|kind| *kind == of.margin).unwrap_or(0) as f64,
            _ => 0.0,
        },
        write: |system, value| {
            if let System::Kalman(of) = system {
                of.margin = KINDS.get(value as usize).copied().unwrap_or_default();
            }
        },
        steps: Steps::OneOf(&[0.0, 1.0, 2.0, 3.0]),
    }
}

/// What a history has in the matches that settings may be chosen by: what comes later says nothing yet. Whether it is of
/// two sides is no choice of settings, but how all of it is judged.
struct Facts {
    teams: bool,
    fields: bool,
    scores: bool,
    variants: bool,
    home: bool,
}

impl Facts {
    fn of(history: &History) -> Self {
        let seen = 0..Windows::of(history).test;
        let sides = || seen.clone().flat_map(|index| history.sides(index));
        Self {
            teams: sides().any(|side| side.players.len() > 1),
            fields: !history.is_two_sided(),
            scores: sides().any(|side| side.score.is_some()),
            variants: seen.clone().any(|index| history.variant_of(index) != history.variant_of(0)),
            home: crate::evaluation::has_home(history),
        }
    }

    fn matters(&self, knob: &str) -> bool {
        match knob {
            "team_exponent" => self.teams,
            "field_weight" | "field_exponent" => self.fields,
            "margin" | "margin_noise" => self.scores && !self.fields,
            "variant_deviation" => self.variants,
            "home_advantage" => self.home,
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KalmanSettings;
    use crate::history::Lineup;
    use gsm_core::Timestamp;

    /// The names of the knobs of a history of ten matches, of which those from `from` on have teams, points and maps.
    fn named(from: usize) -> Vec<&'static str> {
        let mut history = History::new(Vec::new());
        let maps = ["", "one", "other"].map(|name| history.variant(name));
        for index in 0..10 {
            let is_late = index >= from;
            let score = is_late.then_some(3.0);
            let players: [&[u32]; 2] = if is_late { [&[0, 1], &[2, 3]] } else { [&[0], &[1]] };
            let sides = players.into_iter().zip(1..).map(|(players, place)| Lineup { place, score, players });
            let variant = maps[if is_late { 1 + index % 2 } else { 0 }];
            history.push(Timestamp::from_millis(index as i64), variant, sides);
        }
        knobs(&System::Kalman(KalmanSettings::default()), &history).iter().map(|knob| knob.name).collect()
    }

    #[test]
    fn what_only_the_test_has_is_not_tuned() {
        let of_all = named(4);
        for name in ["team_exponent", "margin", "margin_noise", "variant_deviation"] {
            assert!(of_all.contains(&name) && !named(5).contains(&name), "{name}");
        }
        assert!(named(5).contains(&"deviation"));
    }
}
