//! A simulation as one page that needs no other file.
use super::{
    bars::bars,
    plot::Curves,
    report::{Report, Side},
    table::{figures, headline, segments, stages},
};
use crate::output::Failure;
use gsm_traffic::Segment;

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

/// The values of both sides by name, in the order of their first appearance.
fn side_by_side<'a, T: 'a>(
    report: &'a Report,
    all: fn(&'a Side) -> &'a [T],
    name: impl Fn(&T) -> Option<String>,
    value: impl Fn(&T) -> Option<f64>,
) -> Vec<(String, Vec<Option<f64>>)> {
    let sides = report.sides().count();
    let mut rows: Vec<(String, Vec<Option<f64>>)> = Vec::new();
    for (nth, side) in report.sides().enumerate() {
        for of in all(side) {
            let Some(name) = name(of) else { continue };
            if !rows.iter().any(|(other, _)| *other == name) {
                rows.push((name.clone(), vec![None; sides]));
            }
            let row = rows.iter_mut().find(|(other, _)| *other == name);
            if let Some(cell) = row.and_then(|(_, values)| values.get_mut(nth)) {
                *cell = value(of);
            }
        }
    }
    rows
}

fn segment_bars(report: &Report) -> Vec<String> {
    let plot = |(kind, title): (&str, &str)| {
        let name = |of: &Segment| (of.kind.name() == kind).then(|| of.name.clone());
        let wait = |of: &Segment| of.wait_s.as_ref().map(|waits| waits.p90);
        bars(title, &side_by_side(report, |side| &side.summary.segments, name, wait), 1)
    };
    let kinds = [
        ("region", "p90 of waits by region, seconds"),
        ("skill", "p90 of waits by skill, seconds"),
        ("party", "p90 of waits by size of the party, seconds"),
    ];
    kinds.into_iter().filter_map(plot).collect()
}

fn stage_bars(report: &Report) -> Option<String> {
    let rows = side_by_side(
        report,
        |side| &side.summary.stages,
        |stage| Some(format!("from {} s", stage.from_s)),
        |stage| Some(100.0 * stage.share),
    );
    bars("Matches by the expansions they were judged under, %", &rows, 1)
}
