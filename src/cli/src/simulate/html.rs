//! A simulation as one page that needs no other file.
use super::{
    bars::bars,
    plot::Curves,
    report::{Report, Side},
    table::{figures, headline, segments, stages},
};
use crate::output::Failure;
use gsm_traffic::{Segment, SegmentKind, StageShare};

const STYLE: &str = "body{font:14px/1.5 system-ui,sans-serif;max-width:1320px;margin:24px auto;padding:0 16px;\
color:#1b1f24;background:#fff}h1{font-size:22px}h2{font-size:17px;margin-top:28px}\
table{border-collapse:collapse;margin:8px 0}td,th{padding:3px 12px 3px 0;text-align:right;border-bottom:1px solid #e3e6ea}\
td:first-child,th:first-child{text-align:left}.wide{overflow-x:auto}h1,p{overflow-wrap:anywhere}\
.plots{display:flex;flex-wrap:wrap;gap:16px}svg{max-width:100%;height:auto}.plots svg{border:1px solid #e3e6ea}";

/// The page.
pub(super) fn page(report: &Report) -> Result<String, Failure> {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>gsm simulate</title><style>{STYLE}</style></head><body>\n<h1>{}</h1>\n<p>{}</p>\n",
        escape(&report.sides().map(|side| side.file.as_str()).collect::<Vec<_>>().join(" against ")),
        escape(&headline(report))
    );
    page.push_str(&table(&figures(report)));
    page.push_str("<p>With several runs ± is half of the 95 % interval; * marks a difference whose interval leaves out 0.</p>\n");
    page.push_str("<h2>Waits, quality and load</h2>\n<div class=\"plots\">\n");
    for plot in curves(report)? {
        page.push_str(&plot);
        page.push('\n');
    }
    page.push_str("</div>\n<h2>Segments</h2>\n<div class=\"plots\">\n");
    for plot in segment_bars(report) {
        page.push_str(&plot);
        page.push('\n');
    }
    page.push_str("</div>\n");
    page.push_str(&table(&segments(report)));
    page.push_str("<h2>Relaxation</h2>\n");
    page.push_str(&stage_bars(report).unwrap_or_default());
    page.push_str(&table(&stages(report)));
    page.push_str("</body></html>\n");
    Ok(page)
}

/// Text that is no markup.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn table(rows: &[Vec<String>]) -> String {
    let row = |(nth, cells): (usize, &Vec<String>)| {
        let cell = if nth == 0 { "th" } else { "td" };
        let cells = cells.iter().map(|text| format!("<{cell}>{}</{cell}>", escape(text)));
        format!("<tr>{}</tr>\n", cells.collect::<String>())
    };
    // A table that is wider than the screen is moved by itself.
    format!(
        "<div class=\"wide\"><table>\n{}</table></div>\n",
        rows.iter().enumerate().map(row).collect::<String>()
    )
}

fn curves(report: &Report) -> Result<Vec<String>, Failure> {
    let of = |curve: for<'a> fn(&'a Side) -> &'a [f64]| {
        report.sides().map(|side| (side.file.as_str(), curve(side))).collect::<Vec<_>>()
    };
    let plots = [
        Curves {
            title: "Waits of matched tickets",
            x: "% of them waited at most",
            y: "seconds",
            x_max: 100.0,
            curves: of(|side| &side.summary.wait_curve_s),
        },
        Curves {
            title: "Skill gaps of matches",
            x: "% of them have at most",
            y: "points",
            x_max: 100.0,
            curves: of(|side| &side.summary.gap_curve),
        },
        Curves {
            title: "Waiting tickets over time",
            x: "seconds",
            y: "tickets",
            x_max: report.traffic.seconds,
            curves: of(|side| &side.summary.waiting_curve),
        },
    ];
    let drawn: Result<Vec<Option<String>>, Failure> = plots.iter().map(Curves::svg).collect();
    Ok(drawn?.into_iter().flatten().collect())
}

/// The values of both sides by what they are of, in the order of its first appearance and by its first name.
fn side_by_side<'a, T, K: PartialEq>(
    sides: &[&'a [T]],
    key: impl Fn(&'a T) -> Option<K>,
    name: impl Fn(&T) -> String,
    value: impl Fn(&T) -> Option<f64>,
) -> Vec<(String, Vec<Option<f64>>)> {
    let (mut keys, mut rows) = (Vec::new(), Vec::new());
    for (nth, side) in sides.iter().enumerate() {
        for of in *side {
            let Some(key) = key(of) else { continue };
            let at = keys.iter().position(|other| *other == key).unwrap_or_else(|| {
                keys.push(key);
                rows.push((name(of), vec![None; sides.len()]));
                rows.len() - 1
            });
            if let Some(cell) = rows.get_mut(at).and_then(|(_, values)| values.get_mut(nth)) {
                *cell = value(of);
            }
        }
    }
    rows
}

/// The waits of segments of a kind. Bands of skill have edges of their own on each side: they are joined by their place.
fn waits_by(sides: &[&[Segment]], kind: SegmentKind) -> Vec<(String, Vec<Option<f64>>)> {
    let key = |of: &Segment| {
        let name = if kind == SegmentKind::Skill { String::new() } else { of.name.clone() };
        (of.kind == kind).then_some((of.place, name))
    };
    let wait = |of: &Segment| of.wait_s.as_ref().map(|waits| waits.p90);
    side_by_side(sides, key, |of| of.name.clone(), wait)
}

fn segment_bars(report: &Report) -> Vec<String> {
    let sides: Vec<&[Segment]> = report.sides().map(|side| &side.summary.segments[..]).collect();
    let kinds = [
        (SegmentKind::Region, "p90 of waits by region, seconds"),
        (SegmentKind::Skill, "p90 of waits by skill, seconds"),
        (SegmentKind::Party, "p90 of waits by size of the party, seconds"),
    ];
    kinds.into_iter().filter_map(|(kind, title)| bars(title, &waits_by(&sides, kind), 1)).collect()
}

fn stage_bars(report: &Report) -> Option<String> {
    let sides: Vec<&[StageShare]> = report.sides().map(|side| &side.summary.stages[..]).collect();
    let rows = side_by_side(
        &sides,
        |stage| Some(stage.from_s),
        |stage| format!("from {} s", stage.from_s),
        |stage| Some(100.0 * stage.share),
    );
    bars("Matches by the expansions they were judged under, %", &rows, 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gsm_traffic::{Quantiles, Summary};

    fn segment(kind: SegmentKind, place: usize, name: &str, wait: f64) -> Segment {
        let none = Summary::of(&[]);
        Segment {
            kind,
            name: name.to_owned(),
            place,
            tickets: 1,
            matched: none.matched,
            wait_s: Quantiles::of(vec![wait]),
            calibration: none.calibration,
            gap_mean: None,
        }
    }

    /// Edges of the bands are those of each side's own tickets.
    #[test]
    fn bars_of_two_sides_are_joined_by_place_and_not_by_edges() {
        use SegmentKind::{Region, Skill};
        let one = [
            segment(Region, 0, "eu", 1.0),
            segment(Skill, 0, "below 20", 2.0),
            segment(Skill, 1, "from 20", 3.0),
        ];
        let two = [
            segment(Region, 0, "us", 4.0),
            segment(Skill, 0, "below 21", 5.0),
            segment(Skill, 1, "from 21", 6.0),
        ];
        let row = |name: &str, values: [Option<f64>; 2]| (name.to_owned(), values.to_vec());
        assert_eq!(
            waits_by(&[&one, &two], Skill),
            [row("below 20", [Some(2.0), Some(5.0)]), row("from 20", [Some(3.0), Some(6.0)])]
        );
        assert_eq!(
            waits_by(&[&one, &two], Region),
            [row("eu", [Some(1.0), None]), row("us", [None, Some(4.0)])]
        );
    }
}
