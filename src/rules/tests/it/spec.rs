//! Rule sets as trees of the twin, and their text.
use gsm_rules::Member;
use serde_json::{Value as Json, json};

pub(crate) struct SetSpec {
    pub(crate) teams: Vec<TeamSpec>,
    pub(crate) rules: Vec<RuleSpec>,
}

pub(crate) struct TeamSpec {
    pub(crate) name: String,
    pub(crate) quantity: usize,
    pub(crate) min: usize,
    pub(crate) max: usize,
}

#[derive(Clone, Debug)]
pub(crate) enum Sel {
    All,
    Names(Vec<String>),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum What {
    Players,
    Ids,
    Attribute(&'static str),
}

#[derive(Clone, Debug)]
pub(crate) enum Expr {
    Path(Sel, What),
    Call(&'static str, Box<Expr>),
}

pub(crate) type Counts = (Option<usize>, Option<usize>);

pub(crate) enum RuleSpec {
    Compare {
        measured: Vec<Expr>,
        operation: &'static str,
        reference: Result<Expr, f64>,
        aggregation: &'static str,
    },
    Alike {
        measured: Vec<Expr>,
        differ: bool,
        aggregation: &'static str,
    },
    Texts {
        measured: Vec<Expr>,
        differ: bool,
        reference: Option<&'static str>,
    },
    Distance {
        measured: Vec<Expr>,
        reference: Result<Expr, f64>,
        min: Option<f64>,
        max: Option<f64>,
        aggregation: &'static str,
    },
    Batch {
        attribute: &'static str,
        max: Option<f64>,
        aggregation: &'static str,
    },
    Contains {
        measured: Vec<Expr>,
        wanted: &'static str,
        counts: Counts,
        sets: &'static str,
    },
    Intersection {
        measured: Vec<Expr>,
        counts: Counts,
        sets: &'static str,
    },
    Reference {
        measured: Vec<Expr>,
        reference: Result<Expr, Vec<&'static str>>,
        counts: Counts,
        sets: &'static str,
    },
    Latency {
        max: Option<f64>,
        spread: Option<f64>,
        from_min: bool,
        aggregation: &'static str,
    },
    Roles {
        team: Option<String>,
        counts: Vec<(&'static str, usize)>,
        autofill: usize,
    },
    PartyBalance {
        most: usize,
    },
    Avoid {
        opponents: bool,
        most: usize,
    },
    Compound(String),
}

impl Expr {
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Call(name, inner) => format!("{name}({})", inner.text()),
            Self::Path(sel, what) => {
                let names = match sel {
                    Sel::All => "*".to_owned(),
                    Sel::Names(names) => names.join(","),
                };
                match what {
                    What::Players => format!("teams[{names}].players"),
                    What::Ids => format!("teams[{names}].players[playerId]"),
                    What::Attribute(name) => format!("teams[{names}].players.attributes[{name}]"),
                }
            }
        }
    }
}

fn texts(measured: &[Expr]) -> Vec<String> {
    measured.iter().map(Expr::text).collect()
}

fn put(rule: &mut Json, name: &str, value: Option<impl Into<Json>>) {
    if let Some(value) = value {
        rule[name] = value.into();
    }
}

impl RuleSpec {
    fn json(&self, name: &str) -> Json {
        let reference = |reference: &Result<Expr, f64>| match reference {
            Ok(expr) => json!(expr.text()),
            Err(number) => json!(number),
        };
        let mut rule = match self {
            Self::Compare { measured, operation, reference: value, aggregation } => {
                json!({"type": "comparison",
                "measurements": texts(measured), "operation": operation, "referenceValue": reference(value),
                "partyAggregation": aggregation})
            }
            Self::Alike { measured, differ, aggregation } => json!({"type": "comparison",
                "measurements": texts(measured), "operation": if *differ { "!=" } else { "=" },
                "partyAggregation": aggregation}),
            Self::Texts { measured, differ, .. } => {
                json!({"type": "comparison", "measurements": texts(measured),
                "operation": if *differ { "!=" } else { "=" }})
            }
            Self::Distance { measured, reference: value, aggregation, .. } => json!({"type": "distance",
                "measurements": texts(measured), "referenceValue": reference(value), "partyAggregation": aggregation}),
            Self::Batch { attribute, aggregation, .. } => {
                json!({"type": "batchDistance", "batchAttribute": attribute,
                "partyAggregation": aggregation})
            }
            Self::Contains { measured, wanted, sets, .. } => {
                json!({"type": "collection", "operation": "contains",
                "measurements": texts(measured), "referenceValue": wanted, "partyAggregation": sets})
            }
            Self::Intersection { measured, sets, .. } => {
                json!({"type": "collection", "operation": "intersection",
                "measurements": texts(measured), "partyAggregation": sets})
            }
            Self::Reference { measured, reference, sets, .. } => json!({"type": "collection",
                "operation": "reference_intersection_count", "measurements": texts(measured),
                "referenceValue": match reference { Ok(expr) => json!(expr.text()), Err(list) => json!(list) },
                "partyAggregation": sets}),
            Self::Latency { from_min, spread, aggregation, .. } => {
                let mut rule = json!({"type": "latency", "partyAggregation": aggregation});
                put(&mut rule, "distanceReference", spread.map(|_| if *from_min { "min" } else { "avg" }));
                rule
            }
            Self::Roles { counts, autofill, .. } => {
                let counts: serde_json::Map<_, _> =
                    counts.iter().map(|(role, count)| ((*role).to_owned(), json!(count))).collect();
                json!({"type": "roles", "attribute": "roles", "counts": counts, "autofill": autofill})
            }
            Self::PartyBalance { most } => json!({"type": "partyBalance", "maxDifference": most}),
            Self::Avoid { opponents, most } => json!({"type": "avoid", "attribute": "foes",
                "who": if *opponents { "opponents" } else { "anyone" }, "maxCount": most}),
            Self::Compound(statement) => json!({"type": "compound", "statement": statement}),
        };
        rule["name"] = json!(name);
        match self {
            Self::Texts { reference, .. } => put(&mut rule, "referenceValue", *reference),
            Self::Distance { min, max, .. } => {
                put(&mut rule, "minDistance", *min);
                put(&mut rule, "maxDistance", *max);
            }
            Self::Roles { team, .. } => put(&mut rule, "team", team.as_deref()),
            Self::Batch { max, .. } => put(&mut rule, "maxDistance", *max),
            Self::Contains { counts, .. }
            | Self::Intersection { counts, .. }
            | Self::Reference { counts, .. } => {
                put(&mut rule, "minCount", counts.0);
                put(&mut rule, "maxCount", counts.1);
            }
            Self::Latency { max, spread, .. } => {
                put(&mut rule, "maxLatency", *max);
                put(&mut rule, "maxDistance", *spread);
            }
            _ => {}
        }
        rule
    }
}

impl SetSpec {
    pub(crate) fn text(&self) -> String {
        let teams = self.teams.iter().map(|team| {
            json!({"name": team.name, "minPlayers": team.min, "maxPlayers": team.max, "quantity": team.quantity})
        });
        let rules = self.rules.iter().enumerate().map(|(at, rule)| rule.json(&format!("r{at}")));
        json!({
            "ruleLanguageVersion": "1.0",
            "playerAttributes": [{"name": "skill", "type": "number"}, {"name": "level", "type": "number"},
                {"name": "mode", "type": "string"}, {"name": "picks", "type": "string_list"},
                {"name": "maps", "type": "string_list"}, {"name": "roles", "type": "string_list"},
                {"name": "foes", "type": "string_list"}],
            "teams": teams.collect::<Vec<_>>(),
            "rules": rules.collect::<Vec<_>>(),
        })
        .to_string()
    }
    /// The teams with their numbers: which entry each is of.
    pub(crate) fn entries(&self) -> Vec<usize> {
        self.teams.iter().enumerate().flat_map(|(at, team)| vec![at; team.quantity]).collect()
    }
    /// Named by a compound?
    fn is_inside(&self, rule: usize) -> bool {
        let name = format!("r{rule}");
        let names = |statement: &String| {
            statement.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == name)
        };
        self.rules.iter().any(|rule| matches!(rule, RuleSpec::Compound(statement) if names(statement)))
    }
    pub(crate) fn holds(&self, seats: &[(usize, Vec<Member>)], doubt: bool) -> bool {
        let sizes = self.entries().iter().enumerate().all(|(team, entry)| {
            let players: usize =
                seats.iter().filter(|(at, _)| *at == team).map(|(_, party)| party.len()).sum();
            (self.teams[*entry].min..=self.teams[*entry].max).contains(&players)
        });
        sizes
            && (0..self.rules.len())
                .all(|at| self.is_inside(at) || self.verdict(at, seats, doubt) != Some(false))
    }
}
