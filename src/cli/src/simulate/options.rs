//! Options of the traffic, and of the queue that it is put through.
use super::seconds;
use crate::output::Failure;
use clap::Args;
use gsm_core::Millis;
use gsm_traffic::{Answers, Choices, Rates, Regions, Shape, Spread, Synthetic};
use std::{collections::BTreeMap, fs, path::PathBuf};

/// Seconds to accept a proposal, if nothing is said.
const ACCEPTANCE_S: u32 = 20;

/// Options of the traffic, and of the queue that it is put through.
#[derive(Args)]
pub(super) struct Options {
    /// Traffic made of the options below
    #[arg(long)]
    synthetic: bool,
    /// Tickets a second; RATE,SECOND:RATE,.. changes it
    #[arg(long, value_name = "RATE", conflicts_with = "traffic", help_heading = "Synthetic traffic", value_parser = Rates::parse)]
    rate: Option<Rates>,
    /// How much the daily wave adds and takes, 0 to 1 of the rate
    #[arg(long, value_name = "SHARE", conflicts_with = "traffic", help_heading = "Synthetic traffic", value_parser = share)]
    wave: Option<f64>,
    /// Seconds of the day of the wave [default: 86400]
    #[arg(long, value_name = "S", requires = "wave", help_heading = "Synthetic traffic")]
    day_s: Option<u32>,
    /// Seconds that are measured [default: 1800]
    #[arg(long, value_name = "S", conflicts_with = "traffic", help_heading = "Synthetic traffic", value_parser = positive)]
    length_s: Option<u32>,
    /// Seconds before them, in which the pool fills [default: 60]
    #[arg(long, value_name = "S", conflicts_with = "traffic", help_heading = "Synthetic traffic")]
    warm_up_s: Option<u32>,
    /// Seconds after them, in which the last find partners [default: 120]
    #[arg(long, value_name = "S", conflicts_with = "traffic", help_heading = "Synthetic traffic")]
    cool_down_s: Option<u32>,
    /// Skill of the players, MEAN:DEVIATION or uniform:LOW:HIGH [default: around the rule set's default]
    #[arg(long, value_name = "SPREAD", conflicts_with = "traffic", help_heading = "Synthetic traffic", value_parser = Spread::parse)]
    skill: Option<Spread>,
    /// Regions with their shares, neighbours side by side
    #[arg(
        long,
        value_name = "NAME:SHARE,..",
        conflicts_with = "traffic",
        help_heading = "Synthetic traffic",
        default_value = "eu:5,us:4,asia:3"
    )]
    regions: String,
    /// Median milliseconds from each region to each location, as JSON: {"eu": {"eu-1": 20, "us-1": 95}, ..}
    #[arg(long, value_name = "FILE", conflicts_with = "traffic", help_heading = "Synthetic traffic")]
    latencies: Option<PathBuf>,
    /// Sizes of parties with their shares; those that fit no team are left out
    #[arg(
        long,
        value_name = "SIZE:SHARE,..",
        conflicts_with = "traffic",
        help_heading = "Synthetic traffic",
        default_value = "1:60,2:20,3:10,4:5,5:5"
    )]
    parties: String,
    /// Values of an attribute: words or numbers with shares, or a spread as of --skill; once for each attribute
    #[arg(long, value_name = "NAME=VALUES", conflicts_with = "traffic", help_heading = "Synthetic traffic")]
    attribute: Vec<String>,
    /// Seconds that a ticket waits in the mean before it cancels; nobody does, if not given
    #[arg(long, value_name = "S", conflicts_with = "traffic", help_heading = "Synthetic traffic", value_parser = positive)]
    patience_s: Option<u32>,
    /// Share of tickets that decline a match, 0 to 1; this or --ignore makes the queue ask for acceptance
    #[arg(long, value_name = "SHARE", conflicts_with = "traffic", help_heading = "Synthetic traffic", value_parser = share)]
    decline: Option<f64>,
    /// Share of tickets that do not answer
    #[arg(long, value_name = "SHARE", conflicts_with = "traffic", help_heading = "Synthetic traffic", value_parser = share)]
    ignore: Option<f64>,
    /// Seconds that an answer takes in the mean, where players have to accept [default: 4]
    #[arg(long, value_name = "S", conflicts_with = "traffic", help_heading = "Synthetic traffic", value_parser = positive)]
    answer_s: Option<u32>,
    /// Seconds to accept a match, where players have to [default: 20]
    #[arg(long, value_name = "S", help_heading = "Queue", value_parser = positive)]
    acceptance_s: Option<u32>,
    /// Seconds until a ticket times out
    #[arg(long, value_name = "S", help_heading = "Queue", default_value_t = 600, value_parser = positive)]
    timeout_s: u32,
    /// Milliseconds from a turn of the matcher to the next
    #[arg(long, value_name = "MS", help_heading = "Queue", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=60_000))]
    turn_ms: u32,
    /// The attribute that says how good a player is [default: as the rule set tells]
    #[arg(long, value_name = "NAME", help_heading = "Queue")]
    skill_attribute: Option<String>,
    /// The difference in skill at which the better player wins ten times of eleven
    #[arg(long, value_name = "POINTS", help_heading = "Queue", default_value_t = 400.0, value_parser = points)]
    points: f64,
}

fn share(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|share| (0.0..=1.0).contains(share)).ok_or_else(|| "not from 0 to 1".to_owned())
}

fn positive(text: &str) -> Result<u32, String> {
    text.parse().ok().filter(|s| *s > 0).ok_or_else(|| "not a number of whole seconds above 0".to_owned())
}

fn points(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|points| (1e-6..=1e9).contains(points)).ok_or_else(|| "not above 0".to_owned())
}

impl Options {
    pub(super) fn timeout(&self) -> Millis {
        seconds(self.timeout_s)
    }
    pub(super) fn turn(&self) -> Millis {
        Millis::new(self.turn_ms.into())
    }
    pub(super) fn acceptance(&self) -> Millis {
        seconds(self.acceptance_s.unwrap_or(ACCEPTANCE_S))
    }
    pub(super) const fn points(&self) -> f64 {
        self.points
    }

    /// The attribute that was named as the skill.
    pub(super) fn named_skill(&self) -> Option<&str> {
        self.skill_attribute.as_deref()
    }

    /// The attribute that is the skill; that of the first rule set that has one, if none is named.
    pub(super) fn skill_attribute(&self, shapes: &[&Shape]) -> Result<Option<String>, Failure> {
        match &self.skill_attribute {
            Some(name) if shapes.iter().any(|shape| shape.has_number(name)) => Ok(Some(name.clone())),
            Some(name) => Err(Failure::usage(format!(
                "--skill-attribute `{name}`: no rule set declares a number of this name"
            ))),
            None => match shapes.iter().find_map(|shape| shape.skill()) {
                None if self.skill.is_some() => Err(Failure::usage(
                    "--skill: no attribute of the rule set says how good a player is: --skill-attribute NAME names one",
                )),
                skill => Ok(skill.map(str::to_owned)),
            },
        }
    }

    /// The traffic that is asked for.
    pub(super) fn synthetic(&self) -> Result<Synthetic, Failure> {
        let of = Synthetic::default();
        let bad = |option: &str, what: String| Failure::usage(format!("{option}: {what}"));
        let mut rates = self.rate.clone().unwrap_or(of.rates);
        rates.wave = self.wave.unwrap_or(rates.wave);
        rates.day = self.day_s.map_or(rates.day, seconds);
        let mut regions = Regions::parse(&self.regions).map_err(|what| bad("--regions", what))?;
        if let Some(file) = &self.latencies {
            let bad = |what: String| bad("--latencies", format!("{}: {what}", file.display()));
            let text = fs::read_to_string(file).map_err(|error| bad(error.to_string()))?;
            let table: BTreeMap<String, BTreeMap<String, f64>> =
                serde_json::from_str(&text).map_err(|error| bad(error.to_string()))?;
            regions = regions.with_table(table).map_err(bad)?;
        }
        let sizes = Choices::parse(&self.parties).map_err(|what| bad("--parties", what))?;
        let size = |(size, weight): &(String, f64)| {
            let size = size.parse().ok().filter(|size| (1..=40).contains(size));
            let size = size.ok_or_else(|| bad("--parties", "sizes are from 1 to 40".to_owned()))?;
            Ok((size, *weight))
        };
        let attribute = |text: &String| match text.split_once('=') {
            Some((name, values)) => Ok((name.to_owned(), values.to_owned())),
            None => Err(bad("--attribute", format!("`{text}` is not NAME=VALUES"))),
        };
        let attributes: Vec<(String, String)> =
            self.attribute.iter().map(attribute).collect::<Result<_, Failure>>()?;
        let mut names: Vec<&str> = attributes.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        if let Some([name, _]) = names.array_windows().find(|[one, other]| one == other) {
            return Err(bad(
                "--attribute",
                format!("`{name}` is named twice: NAME=VALUES has all its values"),
            ));
        }
        let (decline, ignore) = (self.decline.unwrap_or(0.0), self.ignore.unwrap_or(0.0));
        if decline + ignore > 1.0 {
            return Err(bad("--decline", "with --ignore more than all".to_owned()));
        }
        let asks = self.decline.is_some() || self.ignore.is_some();
        for (option, of) in [("--answer-s", self.answer_s), ("--acceptance-s", self.acceptance_s)] {
            if of.is_some() && !asks {
                return Err(bad(
                    option,
                    "nobody has to accept: --decline or --ignore makes the queue ask".to_owned(),
                ));
            }
        }
        let delay = seconds(self.answer_s.unwrap_or(4));
        Ok(Synthetic {
            rates,
            warm_up: self.warm_up_s.map_or(of.warm_up, seconds),
            length: self.length_s.map_or(of.length, seconds),
            cool_down: self.cool_down_s.map_or(of.cool_down, seconds),
            skill: self.skill,
            skill_attribute: self.skill_attribute.clone(),
            regions,
            parties: sizes.all().iter().map(size).collect::<Result<_, Failure>>()?,
            attributes,
            patience: self.patience_s.map(seconds),
            answers: asks.then(|| Answers { deadline: self.acceptance(), decline, ignore, delay }),
        })
    }
}
