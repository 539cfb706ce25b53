//! Who waits how long: by region, skill and size of the party.
use crate::{
    calibration::Calibration,
    ran::{End, Fate, Ran},
    summary::{Quantiles, Share, seconds, share},
};
use serde::Serialize;
use std::collections::BTreeMap;

/// Bands of skill, each with as many tickets.
const BANDS: usize = 5;
/// Digits behind the point of an edge, at most.
const DIGITS_MAX: usize = 17;
/// Segments of fewer tickets do not count for fairness: their means are noise.
const FAIR_MIN: usize = 20;

/// By what tickets are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SegmentKind {
    /// The location that is nearest to them.
    Region,
    /// Fifths by mean skill, the weakest first.
    Skill,
    /// Number of players.
    Party,
}

/// Tickets that are alike in something.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Segment {
    /// By what.
    pub kind: SegmentKind,
    /// Which of them.
    pub name: String,
    /// The band of skill, from 0, or the size of the party; 0 of a region. By it, and not by its name, a band is the same
    /// in another rule set, where it has edges of its own.
    #[serde(skip)]
    pub place: usize,
    /// How many there are.
    pub tickets: usize,
    /// How many of them were matched.
    pub matched: Share,
    /// Waits of those, in seconds.
    pub wait_s: Option<Quantiles>,
    /// How what tickets were told held.
    pub calibration: Calibration,
    /// Mean of the skill gaps of their matches, each counted once a ticket.
    pub gap_mean: Option<f64>,
}

/// How evenly waits fall on the segments of a kind, of those with 20 tickets or more.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fairness {
    /// By what tickets are told apart.
    pub kind: SegmentKind,
    /// The longest mean wait of a segment over the shortest; 1 is even.
    pub wait_ratio: f64,
    /// Jain's index of the mean waits: 1 is even, 1/n is all of it on one of n segments (Jain, Chiu and Hawe 1984).
    pub jain: f64,
    /// Who waits longest.
    pub longest: String,
}

impl SegmentKind {
    /// As in names of figures.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Region => "region",
            Self::Skill => "skill",
            Self::Party => "party",
        }
    }
}

/// The segments of tickets that count; a kind that does not tell any apart has none.
pub(crate) fn segments(runs: &[&Ran], came: &[&Fate]) -> Vec<Segment> {
    // The match of each ticket lies in its own run.
    let gaps: Vec<Option<f64>> = runs
        .iter()
        .flat_map(|ran| ran.fates.iter().map(move |fate| (ran, fate)))
        .filter(|(_, fate)| fate.is_measured && fate.end != End::Busy)
        .map(|(ran, fate)| match fate.end {
            End::Matched(at) => ran.made.get(at)?.gap,
            _ => None,
        })
        .collect();
    let edges = edges(came);
    let mut groups: BTreeMap<(SegmentKind, Place), Vec<Gapped<'_>>> = BTreeMap::new();
    for (fate, gap) in came.iter().zip(gaps) {
        let mut add = |kind, place| groups.entry((kind, place)).or_default().push((*fate, gap));
        if let Some(region) = &fate.region {
            add(SegmentKind::Region, (0, region.to_string()));
        }
        if let Some(skill) = fate.skill {
            let band = edges.partition_point(|edge| *edge <= skill);
            add(SegmentKind::Skill, (band, band_name(&edges, band)));
        }
        add(SegmentKind::Party, (fate.size, fate.size.to_string()));
    }
    groups.into_iter().map(|((kind, place), tickets)| segment(kind, place, &tickets)).collect()
}

/// Its place in the order, and its name.
type Place = (usize, String);
/// A ticket, and the gap of its match.
type Gapped<'a> = (&'a Fate, Option<f64>);

fn segment(kind: SegmentKind, (place, name): Place, tickets: &[Gapped<'_>]) -> Segment {
    let matched = || tickets.iter().filter(|(fate, _)| matches!(fate.end, End::Matched(_)));
    let gaps: Vec<f64> = tickets.iter().filter_map(|(_, gap)| *gap).collect();
    Segment {
        kind,
        name,
        place,
        tickets: tickets.len(),
        matched: share(matched().count(), tickets.len()),
        wait_s: Quantiles::of(seconds(matched().map(|(fate, _)| fate.wait))),
        calibration: Calibration::of(tickets.iter().map(|(fate, _)| *fate)),
        gap_mean: Quantiles::of(gaps).map(|of| of.mean),
    }
}

/// Skills at which a band begins, without the first.
fn edges(came: &[&Fate]) -> Vec<f64> {
    let mut skills: Vec<f64> = came.iter().filter_map(|fate| fate.skill).collect();
    skills.sort_by(f64::total_cmp);
    let mut edges: Vec<f64> =
        (1..BANDS).filter_map(|band| skills.get(skills.len() * band / BANDS).copied()).collect();
    edges.dedup();
    edges
}

/// Digits behind the point that keep all edges apart: a unit of the last is no more than their narrowest gap; of a single
/// edge, than itself.
fn digits(edges: &[f64]) -> usize {
    let gaps = edges.iter().zip(edges.iter().skip(1)).map(|(low, high)| high - low);
    let alone = edges.first().map(|edge| edge.abs()).filter(|size| edges.len() == 1 && *size > 0.0);
    let narrowest = gaps.chain(alone).fold(1.0, f64::min);
    let (mut unit, mut digits) = (1.0, 0);
    while unit > narrowest && digits < DIGITS_MAX {
        (unit, digits) = (unit / 10.0, digits + 1);
    }
    digits
}

fn band_name(edges: &[f64], band: usize) -> String {
    let digits = digits(edges);
    let edge = |at: usize| edges.get(at).map(|edge| format!("{edge:.digits$}"));
    match (band.checked_sub(1).and_then(edge), edge(band)) {
        (None, Some(to)) => format!("below {to}"),
        (Some(from), None) => format!("from {from}"),
        (Some(from), Some(to)) => format!("{from} to {to}"),
        (None, None) => "all".to_owned(),
    }
}

/// Of each kind with two segments or more that have tickets enough.
pub(crate) fn fairness(segments: &[Segment]) -> Vec<Fairness> {
    let of_kind = |same: &[Segment]| {
        let waits = same.iter().filter(|of| of.tickets >= FAIR_MIN);
        let waits: Vec<(f64, &str)> =
            waits.filter_map(|of| Some((of.wait_s.as_ref()?.mean, of.name.as_str()))).collect();
        let most = waits.iter().max_by(|a, b| a.0.total_cmp(&b.0))?;
        let least = waits.iter().min_by(|a, b| a.0.total_cmp(&b.0))?;
        let sum: f64 = waits.iter().map(|(wait, _)| wait).sum();
        let squares: f64 = waits.iter().map(|(wait, _)| wait * wait).sum();
        (waits.len() > 1 && least.0 > 0.0).then(|| Fairness {
            kind: same.first().map_or(SegmentKind::Party, |of| of.kind),
            wait_ratio: most.0 / least.0,
            jain: sum * sum / (waits.len() as f64 * squares),
            longest: most.1.to_owned(),
        })
    };
    segments.chunk_by(|a, b| a.kind == b.kind).filter_map(of_kind).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use gsm_core::Millis;

    fn fate(wait: u64, skill: f64, region: &str) -> Fate {
        Fate {
            at: Millis::ZERO,
            wait: Millis::from_secs(wait),
            end: End::Matched(0),
            is_measured: true,
            size: 1,
            skill: Some(skill),
            region: Some(region.into()),
            stated: None,
        }
    }

    #[test]
    fn bands_hold_as_many_and_are_named_by_their_edges() {
        let fates: Vec<Fate> = (0..100).map(|n| fate(1, f64::from(n), "eu")).collect();
        let came: Vec<&Fate> = fates.iter().collect();
        let found = segments(&[], &came);
        assert!(found.is_empty(), "tickets without their runs have no match");
        assert_eq!(edges(&came), [20.0, 40.0, 60.0, 80.0]);
        let names: Vec<String> = [0, 1, 4].map(|band| band_name(&edges(&came), band)).to_vec();
        assert_eq!(names, ["below 20", "20 to 40", "from 80"]);
        let named = |edges: &[f64]| (0..=edges.len()).map(|band| band_name(edges, band)).collect::<Vec<_>>();
        assert_eq!(
            named(&[0.201, 0.399, 0.6, 0.8]),
            ["below 0.2", "0.2 to 0.4", "0.4 to 0.6", "0.6 to 0.8", "from 0.8"]
        );
        assert_eq!(named(&[25.0, 25.03]), ["below 25.00", "25.00 to 25.03", "from 25.03"]);
        assert_eq!(named(&[1_500.0]), ["below 1500", "from 1500"]);
        assert_eq!(named(&[0.25]), ["below 0.2", "from 0.2"]);
        assert_eq!(named(&[]), ["all"]);
        let alike: Vec<Fate> = (0..9).map(|_| fate(1, 7.0, "eu")).collect();
        assert_eq!(edges(&alike.iter().collect::<Vec<_>>()), [7.0]);
    }

    #[test]
    fn fairness_is_the_ratio_of_mean_waits_and_jains_index() {
        let of = |name: &str, wait: u64, tickets: usize| {
            let all: Vec<Fate> = (0..tickets).map(|_| fate(wait, 0.0, name)).collect();
            segment(
                SegmentKind::Region,
                (0, name.to_owned()),
                &all.iter().map(|of| (of, None)).collect::<Vec<_>>(),
            )
        };
        // By hand: (3 + 9)^2 / (2 * (9 + 81)) = 0.8. The third has too few tickets to count.
        let found = fairness(&[of("eu", 3, 20), of("us", 9, 30), of("sa", 99, 19)]);
        assert_eq!(
            found,
            [Fairness { kind: SegmentKind::Region, wait_ratio: 3.0, jain: 0.8, longest: "us".to_owned() }]
        );
        assert_eq!(fairness(&[of("eu", 3, 20)]), []);
    }
}
