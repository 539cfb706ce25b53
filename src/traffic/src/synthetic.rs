//! Traffic made of a few numbers.
use crate::{
    plausible::{Choices, Spread, Values},
    rng::Rng,
    shape::Shape,
    traffic::{Answers, Arrival, Traffic},
};
use gsm_core::Millis;
use gsm_rules::Member;
use std::collections::BTreeMap;

/// Tickets that traffic has at most.
const TICKETS_MAX: f64 = 5e6;
/// Milliseconds to the location of a player's own region, in the median.
const NEAR_MS: f64 = 25.0;
/// To the next one, and for each further one.
const FAR_MS: f64 = 70.0;
const FARTHER_MS: f64 = 45.0;
/// How much latencies scatter: the deviation of their logarithm.
const JITTER: f64 = 0.3;

/// How many tickets come in a second.
#[derive(Debug, Clone, PartialEq)]
pub struct Rates {
    /// From when on so many, ascending; the first from 0.
    steps: Vec<(Millis, f64)>,
    /// How much the daily wave adds and takes, `0.0..=1.0` of the rate.
    pub wave: f64,
    /// A day of the wave.
    pub day: Millis,
}

/// Where players are, and how far it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Regions {
    shares: Choices,
    /// Median milliseconds from the players of a region to a location, where they are told.
    table: BTreeMap<String, BTreeMap<String, f64>>,
}

/// Traffic made of a few numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Synthetic {
    /// Tickets a second.
    pub rates: Rates,
    /// Time before the part that is measured.
    pub warm_up: Millis,
    /// The part that is measured.
    pub length: Millis,
    /// Time after it, in which the last measured tickets find partners.
    pub cool_down: Millis,
    /// The skill of players; nothing: around the rule set's default.
    pub skill: Option<Spread>,
    /// The attribute that is the skill; nothing: as the rule sets tell.
    pub skill_attribute: Option<String>,
    /// Where players are.
    pub regions: Regions,
    /// How often parties have so many players; sizes that do not fit any team are left out.
    pub parties: Vec<(usize, f64)>,
    /// Values of attributes, by name; others as the rule sets tell.
    pub attributes: Vec<(String, String)>,
    /// How long a ticket waits in the mean before it cancels; nothing: for ever.
    pub patience: Option<Millis>,
    /// How proposals are answered.
    pub answers: Option<Answers>,
}

impl Default for Synthetic {
    fn default() -> Self {
        Self {
            rates: Rates { steps: vec![(Millis::ZERO, 2.0)], wave: 0.0, day: Millis::from_secs(86_400) },
            warm_up: Millis::from_secs(60),
            length: Millis::from_secs(1_800),
            cool_down: Millis::from_secs(120),
            skill: None,
            skill_attribute: None,
            regions: Regions { shares: Choices::default(), table: BTreeMap::new() },
            parties: vec![(1, 0.6), (2, 0.2), (3, 0.1), (4, 0.05), (5, 0.05)],
            attributes: Vec::new(),
            patience: None,
            answers: None,
        }
    }
}

/// Why traffic cannot be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SyntheticError {
    /// More tickets than traffic may have.
    #[error(
        "up to about {0:.0} tickets would come, at most {TICKETS_MAX:.0} are made: a lower rate, or less time"
    )]
    TooMany(f64),
    /// No party of these sizes fits a team.
    #[error("no party of these sizes fits a team of {0}")]
    NoParty(usize),
    /// An attribute that no rule set declares.
    #[error("no rule set declares the attribute `{0}`")]
    NoAttribute(String),
    /// Values for the attribute that says how good a player is, and a spread for the same.
    #[error(
        "attribute `{0}` says how good a player is: a spread of skill and values of its own are too much"
    )]
    SkillTwice(String),
    /// Values that do not fit the attribute.
    #[error("attribute `{0}`: {1}")]
    BadValues(String, String),
}

impl Rates {
    /// Of `2`, or `2,600:8,1200:2`: 2 a second, from the 600th second on 8, from the 1200th on 2 again.
    pub fn parse(text: &str) -> Result<Self, String> {
        let bad = || format!("`{text}` is not a rate, as in 2, or 2,600:8 for 8 from the 600th second on");
        let rate = |text: &str| text.parse().ok().filter(|rate| (0.0..=1e6).contains(rate)).ok_or_else(bad);
        let mut parts = text.split(',');
        let mut steps = vec![(Millis::ZERO, rate(parts.next().unwrap_or_default())?)];
        for part in parts {
            let (from, then) = part.split_once(':').ok_or_else(bad)?;
            let from = Millis::from_secs(from.parse::<u32>().map_err(|_| bad())?.into());
            if steps.last().is_some_and(|(before, _)| from <= *before) {
                return Err(bad());
            }
            steps.push((from, rate(then)?));
        }
        if steps.iter().all(|(_, rate)| *rate == 0.0) {
            return Err(bad());
        }
        Ok(Self { steps, ..Synthetic::default().rates })
    }

    /// How high the wave stands at a time in seconds: 1 is its middle.
    fn wave_at(&self, seconds: f64) -> f64 {
        let day = self.day.as_secs_f64().max(1.0);
        1.0 + self.wave * libm::sin(std::f64::consts::TAU * seconds / day)
    }

    /// The parts of the time before `end` that have one rate each: from when to when, in seconds, and the most that
    /// come in a second of them.
    fn parts(&self, end: f64) -> impl Iterator<Item = (f64, f64, f64)> {
        let ends = self.steps.iter().skip(1).map(move |(from, _)| from.as_secs_f64().min(end)).chain([end]);
        let parts = self.steps.iter().zip(ends);
        let parts = parts.map(move |((from, rate), to)| (from.as_secs_f64(), to, rate * (1.0 + self.wave)));
        parts.filter(|(from, to, _)| from < to)
    }
}

impl Regions {
    /// Of `eu:5,us:4,asia:1`: names with their shares of the players, in an order in which neighbours are near.
    pub fn parse(text: &str) -> Result<Self, String> {
        Ok(Self { shares: Choices::parse(text)?, table: BTreeMap::new() })
    }

    /// With median latencies of one's own, from each region to each location.
    pub fn with_table(mut self, table: BTreeMap<String, BTreeMap<String, f64>>) -> Result<Self, String> {
        for (region, row) in &table {
            if !self.shares.all().iter().any(|(name, _)| name == region) {
                return Err(format!("there are latencies from `{region}`, which is no region"));
            }
            if row.is_empty() || row.values().any(|ms| !(0.0..=60_000.0).contains(ms)) {
                return Err(format!("latencies from `{region}` are not milliseconds from 0 to 60,000"));
            }
        }
        match self.shares.all().iter().find(|(name, _)| !table.contains_key(name)) {
            Some((name, _)) => Err(format!("there are no latencies from `{name}`")),
            None => {
                self.table = table;
                Ok(self)
            }
        }
    }

    /// Median milliseconds from a region to each location.
    fn medians(&self, region: &str) -> Vec<(&str, f64)> {
        if let Some(row) = self.table.get(region) {
            return row.iter().map(|(name, ms)| (name.as_str(), *ms)).collect();
        }
        // Without a table regions lie on a ring, as on the earth.
        let all = self.shares.all();
        let own = all.iter().position(|(name, _)| name == region).unwrap_or(0);
        let median = |at: usize| {
            let apart = at.abs_diff(own);
            let apart = apart.min(all.len() - apart);
            if apart == 0 { NEAR_MS } else { FAR_MS + FARTHER_MS * (apart - 1) as f64 }
        };
        all.iter().enumerate().map(|(at, (name, _))| (name.as_str(), median(at))).collect()
    }
}

impl Synthetic {
    /// The traffic of a seed, for rule sets of these shapes: each attribute that one of them declares is brought. What a
    /// ticket brings depends on seed and number alone, so that rule sets are compared on the same tickets.
    ///
    /// # Errors
    /// What was asked makes no sense, or too many tickets.
    pub fn traffic(&self, shapes: &[&Shape], seed: u64) -> Result<Traffic, SyntheticError> {
        let until = self.warm_up.get().saturating_add(self.length.get()).saturating_add(self.cool_down.get());
        let seconds = until as f64 / 1_000.0;
        let most: f64 = self.rates.parts(seconds).map(|(from, to, most)| most * (to - from)).sum();
        if most > TICKETS_MAX {
            return Err(SyntheticError::TooMany(most));
        }
        let maker = Maker::new(self, shapes, seed)?;
        let measured = self.warm_up.get()..self.warm_up.get().saturating_add(self.length.get());
        let (mut clock, mut arrivals) = (Rng::of(seed, "arrivals", &[]), Vec::new());
        // Each part by itself, as a Poisson process has no memory: so no more is drawn than was counted above.
        for (from, to, most) in self.rates.parts(seconds) {
            let mut at = from;
            loop {
                at += clock.exponential(1.0 / most.max(1e-12));
                if at >= to {
                    break;
                }
                // Thinned from the top of the wave to where it stands.
                if clock.unit() * (1.0 + self.rates.wave) < self.rates.wave_at(at) {
                    let ms = (at * 1_000.0) as u64;
                    let is_measured = measured.contains(&ms);
                    arrivals.push(maker.arrival(arrivals.len() as u64, Millis::new(ms), is_measured));
                }
            }
        }
        Ok(Traffic { arrivals, until: Millis::new(until), answers: self.answers })
    }
}

/// Makes tickets.
struct Maker<'a> {
    of: &'a Synthetic,
    seed: u64,
    sizes: Vec<(usize, f64)>,
    values: Vec<(String, Values)>,
}

impl<'a> Maker<'a> {
    fn new(of: &'a Synthetic, shapes: &[&Shape], seed: u64) -> Result<Self, SyntheticError> {
        let mut values: Vec<(String, Values)> = Vec::new();
        for shape in shapes {
            let skill = of.skill_attribute.as_deref().or(shape.skill());
            for attribute in shape.attributes() {
                if values.iter().any(|(name, _)| *name == attribute.name) {
                    continue;
                }
                let said = of.attributes.iter().find(|(name, _)| *name == attribute.name);
                let is_skill = skill == Some(attribute.name.as_str());
                if let (Some((name, _)), true, true) = (said, is_skill, of.skill.is_some()) {
                    return Err(SyntheticError::SkillTwice(name.clone()));
                }
                let value = match (said, of.skill) {
                    (Some((name, text)), _) => Values::parse(attribute.kind, text)
                        .map_err(|bad| SyntheticError::BadValues(name.clone(), bad))?,
                    (None, Some(spread)) if is_skill => Values::Number(spread),
                    _ => shape.plausible(attribute),
                };
                values.push((attribute.name.clone(), value));
            }
        }
        let unknown = |name: &&String| !values.iter().any(|(known, _)| known == *name);
        let asked = of.attributes.iter().map(|(name, _)| name).chain(&of.skill_attribute);
        if let Some(name) = asked.into_iter().find(unknown) {
            return Err(SyntheticError::NoAttribute(name.clone()));
        }
        let most = shapes.iter().map(|shape| shape.party_max).min().unwrap_or(1);
        let sizes: Vec<(usize, f64)> = of.parties.iter().copied().filter(|(size, _)| *size <= most).collect();
        if !sizes.iter().any(|(size, weight)| *size > 0 && *weight > 0.0) {
            return Err(SyntheticError::NoParty(most));
        }
        Ok(Self { of, seed, sizes, values })
    }

    fn arrival(&self, nth: u64, at: Millis, is_measured: bool) -> Arrival {
        let mut rng = Rng::of(self.seed, "ticket", &[nth]);
        let size = rng.weighted(self.sizes.iter().map(|(_, weight)| *weight));
        let size = size.and_then(|at| self.sizes.get(at)).map_or(1, |(size, _)| *size);
        let region = self.of.regions.shares.draw(&mut rng).map(str::to_owned);
        let medians = region.as_deref().map(|region| self.of.regions.medians(region)).unwrap_or_default();
        let patience = self.of.patience.map(|mean| Millis::new(rng.exponential(mean.get() as f64) as u64));
        let members = (0..size as u64).map(|member| self.member(nth, member, &medians)).collect();
        Arrival { at, members, patience, is_measured }
    }

    fn member(&self, nth: u64, member: u64, medians: &[(&str, f64)]) -> Member {
        let mut rng = Rng::of(self.seed, "latency", &[nth, member]);
        let latency_ms = medians
            .iter()
            .map(|(name, ms)| ((*name).to_owned(), (ms * libm::exp(JITTER * rng.normal())).round() as u32))
            .collect();
        let value = |(name, values): &(String, Values)| {
            let topic = format!("attribute {name}");
            let mut party = Rng::of(self.seed, &topic, &[nth]);
            let value = values.draw(&mut party, &mut Rng::of(self.seed, &topic, &[nth, member]))?;
            Some((name.clone(), value))
        };
        Member {
            player: format!("p{nth}-{member}"),
            attributes: self.values.iter().filter_map(value).collect(),
            latency_ms,
            ..Member::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gsm_rules::{Dialect, Value, parse};

    fn shape(text: &str) -> Shape {
        Shape::of(&parse(text, Dialect::Extended).unwrap().set, text)
    }

    const DUEL: &str = include_str!("../../../config/rule-sets/duel.json");
    const FIVES: &str = include_str!("../../../config/rule-sets/fives.json");

    fn synthetic() -> Synthetic {
        Synthetic {
            rates: Rates::parse("5,600:20,1200:5").unwrap(),
            warm_up: Millis::from_secs(100),
            length: Millis::from_secs(1_600),
            cool_down: Millis::from_secs(100),
            regions: Regions::parse("eu:6,us:3,sa:1").unwrap(),
            ..Synthetic::default()
        }
    }

    #[test]
    fn tickets_come_at_their_rates_and_the_middle_is_measured() {
        let traffic = synthetic().traffic(&[&shape(FIVES)], 3).unwrap();
        let within = |from: u64, to: u64| {
            traffic.arrivals.iter().filter(|a| (from * 1_000..to * 1_000).contains(&a.at.get())).count()
                as f64
        };
        assert!(
            (within(0, 600) / 600.0 - 5.0).abs() < 0.4 && (within(600, 1_200) / 600.0 - 20.0).abs() < 0.8
        );
        assert!(traffic.arrivals.is_sorted_by_key(|arrival| arrival.at));
        let measured = traffic.arrivals.iter().filter(|arrival| arrival.is_measured).count() as f64;
        assert_eq!(measured, within(100, 1_700));
        assert_eq!(traffic.until, Millis::from_secs(1_800));
    }

    /// Only as long as a rate holds, and only within the traffic.
    #[test]
    fn a_high_rate_counts_for_its_time() {
        let made = |rate: &str| {
            let of = Synthetic { rates: Rates::parse(rate).unwrap(), ..Synthetic::default() };
            of.traffic(&[&shape(DUEL)], 1).map(|traffic| traffic.arrivals.len() as f64)
        };
        // 1,980 s of traffic: a step that begins behind its end changes nothing.
        assert_eq!(made("2,86400:10000"), made("2"));
        let spike = made("0.1,600:3000,601:0.1").unwrap();
        assert!((spike - 3_197.9).abs() < 300.0, "{spike}");
        assert_eq!(made("0,86400:1"), Ok(0.0));
        let refused = made("1000000,5:10,1980:1000000").unwrap_err();
        assert_eq!(refused, SyntheticError::TooMany(5_019_750.0));
    }

    #[test]
    fn a_wave_moves_tickets_in_the_day() {
        let mut of = synthetic();
        of.rates = Rates { wave: 0.8, day: Millis::from_secs(1_800), ..Rates::parse("10").unwrap() };
        let arrivals = of.traffic(&[&shape(DUEL)], 1).unwrap().arrivals;
        let first = arrivals.iter().filter(|arrival| arrival.at < Millis::from_secs(900)).count() as f64;
        // The mean of a half wave is 2/pi of its height.
        let expected = 9_000.0 * (1.0 + 0.8 * 2.0 / std::f64::consts::PI);
        assert!((first - expected).abs() < 400.0, "{first} instead of {expected}");
    }

    #[test]
    fn what_is_asked_is_brought() {
        let mut of = synthetic();
        of.skill = Some(Spread::Uniform { low: 10.0, high: 20.0 });
        of.attributes = vec![("mode".to_owned(), "blitz:9,slow:1".to_owned())];
        of.parties = vec![(1, 0.5), (3, 0.5), (9, 9.0)];
        let arrivals = of.traffic(&[&shape(FIVES)], 1).unwrap().arrivals;
        let share = |is: &dyn Fn(&Arrival) -> bool| {
            arrivals.iter().filter(|arrival| is(arrival)).count() as f64 / arrivals.len() as f64
        };
        assert!((share(&|a| a.members.len() == 3) - 0.5).abs() < 0.02);
        assert_eq!(
            share(&|a| matches!(a.mean_of("skill"), Some(skill) if (10.0..20.0).contains(&skill))),
            1.0
        );
        let blitz = Value::Text("blitz".to_owned());
        assert!((share(&|a| a.members[0].attributes["mode"] == blitz) - 0.9).abs() < 0.02);
        assert!((share(&|a| a.region() == Some("eu")) - 0.6).abs() < 0.04);
    }

    #[test]
    fn tickets_do_not_depend_on_the_rule_sets_that_are_compared() {
        let (duel, fives) = (shape(DUEL), shape(FIVES));
        let mut of = synthetic();
        of.parties = vec![(1, 1.0)];
        let (one, both) = (of.traffic(&[&duel], 1).unwrap(), of.traffic(&[&duel, &fives], 1).unwrap());
        assert_eq!(one.arrivals.len(), both.arrivals.len());
        for (a, b) in one.arrivals.iter().zip(&both.arrivals) {
            assert_eq!((a.at, &a.members[0].latency_ms), (b.at, &b.members[0].latency_ms));
            assert_eq!(a.members[0].attributes["rating"], b.members[0].attributes["rating"]);
            assert!(b.members[0].attributes.contains_key("roles"));
        }
        assert_ne!(one, of.traffic(&[&duel], 2).unwrap());
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let refused = |change: &dyn Fn(&mut Synthetic)| {
            let mut of = synthetic();
            change(&mut of);
            of.traffic(&[&shape(DUEL)], 1).unwrap_err()
        };
        assert!(matches!(
            refused(&|of| of.rates = Rates::parse("1000000").unwrap()),
            SyntheticError::TooMany(_)
        ));
        assert_eq!(refused(&|of| of.parties = vec![(2, 1.0)]), SyntheticError::NoParty(1));
        assert!(matches!(
            refused(&|of| of.attributes = vec![("x".to_owned(), "1".to_owned())]),
            SyntheticError::NoAttribute(_)
        ));
        let both = refused(&|of| {
            of.skill = Some(Spread::Uniform { low: 0.0, high: 1.0 });
            of.attributes = vec![("rating".to_owned(), "5".to_owned())];
        });
        assert_eq!(both, SyntheticError::SkillTwice("rating".to_owned()));
        assert!(matches!(
            refused(&|of| of.attributes = vec![("rating".to_owned(), "x".to_owned())]),
            SyntheticError::BadValues(..)
        ));
        for bad in ["", "x", "-1", "0", "nan", "2,5", "2,5:1,5:2", "2,5:"] {
            assert!(Rates::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_table_of_latencies_names_every_region() {
        let regions = || Regions::parse("eu:1,us:1").unwrap();
        let table = |rows: &[(&str, f64)]| {
            rows.iter()
                .map(|(name, ms)| ((*name).to_owned(), BTreeMap::from([("eu-1".to_owned(), *ms)])))
                .collect()
        };
        assert!(regions().with_table(table(&[("eu", 20.0), ("us", 90.0)])).is_ok());
        for bad in [table(&[("eu", 20.0)]), table(&[("eu", 20.0), ("us", -1.0)]), table(&[("x", 1.0)])] {
            assert!(regions().with_table(bad).is_err());
        }
    }
}
