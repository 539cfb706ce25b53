//! What the rules of a stage ask of any two tickets of a match.
use super::{
    Check, Leaves, Operation, Reference,
    numbers::{Flat, Measured, Number, Numbers, Of},
    strings::{Lists, Strings},
};
use crate::{
    columns::NumberColumn, expression::Function, pairwise::Pairwise, rule_set::TeamSize, seat::TeamSet,
};

/// How far a bound that goes through a third value may be off by rounding, in parts.
const ROUNDING: f64 = 1e-9;

/// What the rules `must` (indexes into `checks`), each of which may not fail, ask of two tickets on any of `teams`.
pub(crate) fn pairwise(
    must: &[usize],
    checks: &[Check],
    teams: &TeamSet,
    sizes: &[TeamSize],
) -> Vec<Pairwise> {
    let mut all = Vec::new();
    for &rule in must {
        let Some(check) = checks.get(rule) else { continue };
        Pairs { rule, teams, all: &mut all }.of(check);
        if let Some((column, most)) = check.deviation(teams) {
            // Two players alone bring half the square of their distance, which all share.
            let players: f64 = sizes.iter().map(|size| f64::from(size.max)).sum();
            let width = most * f64::sqrt(2.0 * players) * (1.0 + ROUNDING) + ROUNDING;
            all.push(Pairwise::Within { column, width, rule });
        }
    }
    all
}

impl Check {
    /// Where it limits the standard deviation of a number over all players of a match: that column, and the limit.
    pub(crate) fn deviation(&self, everybody: &TeamSet) -> Option<(NumberColumn, f64)> {
        let (measured, most) = match self {
            Self::Compare {
                measured,
                operation: Operation::Less | Operation::AtMost | Operation::Equal,
                reference: Number::Const(most),
            } => (measured, *most),
            Self::Distance { measured, reference: Number::Const(reference), allowed } => {
                (measured, reference + allowed.max)
            }
            _ => return None,
        };
        let column = measured.iter().find_map(|one| match one {
            Measured::One(Number::Fold(
                Function::Stddev,
                Numbers::Flat(Flat { teams, of: Of::Column(column) }),
            )) if teams == everybody => Some(*column),
            _ => None,
        });
        column.filter(|_| most.is_finite()).map(|column| (column, most.max(0.0)))
    }

    /// Whether a ticket alone may fail it on some teams and not on others.
    pub(crate) fn chooses_teams(&self, everybody: &TeamSet, sizes: &[TeamSize]) -> bool {
        let some = |teams: &TeamSet| teams != everybody;
        let of_some = |one: &Measured| match one {
            Measured::One(Number::Fold(_, Numbers::Flat(flat))) | Measured::Each(Numbers::Flat(flat)) => {
                some(&flat.teams)
            }
            _ => false,
        };
        match self {
            Self::Compare { measured, reference: Number::Const(_), .. }
            | Self::Distance { measured, reference: Number::Const(_), .. } => measured.iter().any(of_some),
            Self::CompareText { measured, .. } => {
                measured.iter().any(|one| matches!(one, Leaves::Texts(texts) if some(&texts.teams)))
            }
            Self::Reference { measured, reference: Reference::Const(_), .. } => {
                measured.iter().any(|one| some(one.teams()))
            }
            // Nobody of the team may have it, or everybody must.
            Self::Contains { measured, allowed, .. } => measured.iter().any(|one| {
                let most = |team: u8| sizes.get(usize::from(team)).map_or(0, |size| u32::from(size.max));
                let room: u32 = one.teams().iter().map(most).sum();
                some(one.teams()) && (allowed.max == 0 || allowed.min >= room)
            }),
            Self::Roles(roles) => some(&roles.teams),
            _ => false,
        }
    }
}

struct Pairs<'a> {
    rule: usize,
    teams: &'a TeamSet,
    all: &'a mut Vec<Pairwise>,
}

impl Pairs<'_> {
    fn of(&mut self, check: &Check) {
        let rule = self.rule;
        match check {
            Check::Compare { measured, reference: Number::Const(_), .. }
                if measured.iter().any(|one| self.each_player(one).is_some()) =>
            {
                self.all.push(Pairwise::Unary { rule });
            }
            Check::CompareText { measured, .. }
                if measured
                    .iter()
                    .any(|one| matches!(one, Leaves::Texts(texts) if texts.teams == *self.teams)) =>
            {
                self.all.push(Pairwise::Unary { rule });
            }
            Check::Alike { measured, differ } => {
                if *differ {
                    self.all.push(Pairwise::Unary { rule });
                }
                for one in measured {
                    let Some(column) = self.each_player(one) else { continue };
                    self.all.push(match differ {
                        true => Pairwise::DifferentNumber { column, rule },
                        false => Pairwise::SameNumber { column, rule },
                    });
                }
            }
            Check::AlikeText { measured, differ } => {
                self.all.push(Pairwise::Unary { rule });
                for one in measured {
                    let Leaves::Texts(texts) = one else { continue };
                    let column = texts.column;
                    if texts.teams == *self.teams {
                        self.all.push(match differ {
                            true => Pairwise::DifferentText { column, rule },
                            false => Pairwise::SameText { column, rule },
                        });
                    }
                }
            }
            Check::Distance { measured, reference, allowed } if allowed.max < f64::INFINITY => {
                self.distance(measured, reference, allowed.max);
            }
            Check::Spread { teams, column, allowed }
                if allowed.max < f64::INFINITY && teams == self.teams =>
            {
                self.all.push(Pairwise::Within { column: *column, width: allowed.max, rule });
            }
            Check::Batch { column, width } if *width < f64::INFINITY => {
                self.all.push(Pairwise::Within { column: *column, width: *width, rule });
            }
            Check::BatchText { column } => {
                self.all.push(Pairwise::SameText { column: *column, rule });
                self.all.push(Pairwise::Unary { rule });
            }
            Check::Reference { measured, reference: Reference::Const(_), .. } => {
                let everybody =
                    |one: &Strings| matches!(one, Strings::PerPlayer(lists) if lists.teams == *self.teams);
                if measured.iter().any(everybody) {
                    self.all.push(Pairwise::Unary { rule });
                }
            }
            Check::Intersection { measured, allowed } => {
                for one in measured {
                    let Strings::PerPlayer(Lists { teams, column, own: false }) = one else { continue };
                    if teams == self.teams && allowed.min > 0 {
                        self.all.push(Pairwise::Overlap { column: *column, at_least: allowed.min, rule });
                    }
                }
            }
            Check::Roles(roles) if roles.teams == *self.teams => self.all.push(Pairwise::Unary { rule }),
            Check::Latency(latency) => {
                let (column, max_ms, apart_ms) = (latency.column, latency.max_ms, latency.apart_ms());
                self.all.push(Pairwise::Region { column, max_ms, apart_ms, rule });
                self.all.push(Pairwise::Unary { rule });
            }
            _ => {}
        }
    }

    /// The column that a measurement reads of each player of the match.
    fn each_player(&self, measured: &Measured) -> Option<NumberColumn> {
        match measured {
            Measured::Each(Numbers::Flat(flat)) => self.everybody(flat),
            _ => None,
        }
    }
    fn everybody(&self, flat: &Flat) -> Option<NumberColumn> {
        match flat.of {
            Of::Column(column) if flat.teams == *self.teams => Some(column),
            _ => None,
        }
    }
    /// A fold over everybody, and the column it reads.
    fn extreme(&self, number: &Number) -> Option<(Function, NumberColumn)> {
        match number {
            Number::Fold(function, Numbers::Flat(flat)) => Some((*function, self.everybody(flat)?)),
            _ => None,
        }
    }
    /// Has it a value in every match? A rule whose reference has none (a team that may stay empty) passes.
    fn is_there(&self, reference: &Number) -> bool {
        match reference {
            Number::Const(_) | Number::Fold(Function::Count, _) | Number::Size(_) => true,
            Number::Fold(_, Numbers::Flat(flat) | Numbers::PerTeam(_, flat)) => {
                self.everybody(flat).is_some()
            }
            Number::Fold(_, Numbers::Sizes(_)) => false,
        }
    }
    fn distance(&mut self, measured: &[Measured], reference: &Number, width: f64) {
        let rule = self.rule;
        let reference_fold = self.extreme(reference);
        let folds = |wanted: Function| {
            let of = |one: &Measured| match one {
                Measured::One(number) => self.extreme(number).filter(|(function, _)| *function == wanted),
                Measured::Each(_) => None,
            };
            measured.iter().find_map(of).map(|(_, column)| column)
        };
        let (highest, lowest) = (folds(Function::Max), folds(Function::Min));
        let everybody = measured.iter().find_map(|one| self.each_player(one));
        // Largest against smallest, or everybody against one of them: one distance covers any two tickets.
        let directly = match reference_fold {
            Some((Function::Min, column)) => highest.or(everybody).filter(|other| *other == column),
            Some((Function::Max, column)) => lowest.or(everybody).filter(|other| *other == column),
            _ => None,
        };
        // Anything else that all are near: two distances.
        let around = everybody.or(highest.filter(|_| highest == lowest)).filter(|_| self.is_there(reference));
        if let Some(column) = directly {
            self.all.push(Pairwise::Within { column, width, rule });
        } else if let Some(column) = around {
            self.all.push(Pairwise::Within {
                column,
                width: 2.0 * width * (1.0 + ROUNDING) + ROUNDING,
                rule,
            });
        }
        if everybody.is_some() && matches!(reference, Number::Const(_)) {
            self.all.push(Pairwise::Unary { rule });
        }
    }
}
