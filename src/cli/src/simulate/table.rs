//! A simulation for people.
use super::report::{Report, estimated, label, shown};
use crate::output::{Outcome, grouped, print_table, say};
use gsm_traffic::{Quantiles, Segment, Summary};

/// Order of the figures: as [`Summary::metrics`] has them.
pub(super) fn figures(report: &Report) -> Vec<Vec<String>> {
    let mut head = vec![String::new(), report.rules.file.clone()];
    if let Some(against) = &report.against {
        head.extend([against.file.clone(), "difference".to_owned()]);
    }
    let mut rows = vec![head];
    if report.against.is_some() {
        for of in &report.differences {
            let star = if of.is_significant == Some(true) { " *" } else { "" };
            rows.push(vec![
                label(&of.metric).0.to_owned(),
                estimated(&of.metric, of.rules),
                estimated(&of.metric, of.against),
                format!("{}{star}", estimated(&of.metric, of.difference)),
            ]);
        }
        return rows;
    }
    for (name, _) in report.rules.summary.metrics() {
        let value = report.rules.metrics.get(&name).copied().flatten();
        rows.push(vec![label(&name).0.to_owned(), estimated(&name, value)]);
    }
    rows
}

/// Segments with the waits and gaps of each side.
pub(super) fn segments(report: &Report) -> Vec<Vec<String>> {
    let mut rows = vec![
        ["by", "", "tickets", "matched, %", "wait, mean", "p50", "p90", "p99", "skill gap"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for (nth, side) in report.sides().enumerate() {
        if nth > 0 {
            rows.push(vec!["against:".to_owned()]);
        }
        rows.extend(side.summary.segments.iter().map(segment));
    }
    rows
}

fn segment(of: &Segment) -> Vec<String> {
    let wait = |pick: fn(&Quantiles) -> f64| {
        of.wait_s.as_ref().map_or("-".to_owned(), |waits| format!("{:.1}", pick(waits)))
    };
    vec![
        of.kind.name().to_owned(),
        of.name.clone(),
        grouped(of.tickets as u64),
        format!("{:.1}", 100.0 * of.matched.share),
        wait(|waits| waits.mean),
        wait(|waits| waits.p50),
        wait(|waits| waits.p90),
        wait(|waits| waits.p99),
        of.gap_mean.map_or("-".to_owned(), |gap| format!("{gap:.1}")),
    ]
}

/// Under which expansions matches were made.
pub(super) fn stages(report: &Report) -> Vec<Vec<String>> {
    let mut rows = vec![["rules", "from age, s", "matches", "%"].map(str::to_owned).to_vec()];
    for side in report.sides() {
        rows.extend(side.summary.stages.iter().map(|stage| {
            vec![
                side.file.clone(),
                format!("{}", stage.from_s),
                grouped(stage.matches as u64),
                format!("{:.1}", 100.0 * stage.share),
            ]
        }));
    }
    rows
}

/// What was run, in a line.
pub(super) fn headline(report: &Report) -> String {
    let traffic = &report.traffic;
    let runs = if report.runs == 1 { "one run".to_owned() } else { format!("{} runs", report.runs) };
    let orphans = match traffic.orphans {
        0 => String::new(),
        lines => format!("; {}", orphaned(lines)),
    };
    format!(
        "{} traffic: {} tickets in {:.0} s; {runs} from seed {}; tickets time out after {} s{orphans}",
        traffic.kind,
        grouped(traffic.tickets as u64),
        traffic.seconds,
        report.seed,
        report.timeout_s
    )
}

/// What is told of lines that nothing can be made of.
pub(crate) fn orphaned(lines: usize) -> String {
    format!("lines about tickets that came before the recording: {}", grouped(lines as u64))
}

/// What is left to say of a side.
fn rest(summary: &Summary) -> String {
    let even: Vec<String> = summary
        .fairness
        .iter()
        .map(|of| {
            let name = of.kind.name();
            format!("{name}: `{}` waits longest, Jain's index {:.3}", of.longest, of.jain)
        })
        .collect();
    format!(
        "{} matches, {} not accepted, {} tickets waited at the end, {} did not come, their players waiting; {}",
        grouped(summary.matches as u64),
        grouped(summary.failed_proposals as u64),
        grouped(summary.waiting.count as u64),
        grouped(summary.busy as u64),
        even.join("; ")
    )
}

pub(super) fn print(report: &Report) -> Outcome {
    let right = |columns: usize, from: usize| (0..columns).map(|at| at >= from).collect::<Vec<_>>();
    say(headline(report));
    say("");
    print_table(&figures(report), &right(4, 1));
    say("");
    print_table(&segments(report), &right(9, 2));
    say("");
    print_table(&stages(report), &right(4, 1));
    for side in report.sides() {
        say("");
        say(format_args!("{}: {}", side.file, rest(&side.summary)));
    }
    if report.skill_attribute.is_none() {
        say("\nNo attribute says how good a player is: --skill-attribute NAME names one.");
    }
    if report.rules.summary.tickets == 0 {
        say(format_args!("\nNo ticket counted: {} % matched of nothing.", shown("matched_share", 0.0)));
    }
    Ok(())
}
