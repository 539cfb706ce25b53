//! The calibration plot: of matches predicted at so much, how many were won.
use super::{Row, Table};
use crate::output::{Failure, Outcome, note};
use gsm_rating::evaluation::TwoSidesReport;
use plotters::prelude::*;
use std::path::Path;

/// Panels side by side, and their size.
const COLUMNS: usize = 2;
const PANEL: (u32, u32) = (640, 520);
/// A bin of fewer matches is noise.
const BIN_MIN: u64 = 20;

/// Whether a file has a panel: of free-for-all there is no calibration of matches.
fn has_panel(table: &Table) -> bool {
    table.rows.iter().any(|row| row.test.two_sides.is_some())
}

/// Whether any file has a panel.
pub(super) fn is_drawable(tables: &[Table]) -> bool {
    tables.iter().any(has_panel)
}

/// Writes one SVG with a panel a file and a line a system, and says so, or that there is nothing to draw.
pub(crate) fn write(path: &Path, tables: &[Table]) -> Outcome {
    if !is_drawable(tables) {
        note(format_args!("no history of matches of two teams alone: `{}` was not written", path.display()));
        return Ok(());
    }
    let tables: Vec<&Table> = tables.iter().filter(|table| has_panel(table)).collect();
    let columns = tables.len().clamp(1, COLUMNS);
    let lines = tables.len().div_ceil(columns).max(1);
    let size = (PANEL.0 * columns as u32, PANEL.1 * lines as u32);
    let mut text = String::new();
    draw(&mut text, size, (lines, columns), &tables)
        .map_err(|e| Failure::failed(format!("cannot draw the calibration: {e}")))?;
    std::fs::write(path, text)
        .map_err(|e| Failure::failed(format!("cannot write `{}`: {e}", path.display())))?;
    note(format_args!("calibration: {}", path.display()));
    Ok(())
}

type Drawn = Result<(), Box<dyn std::error::Error>>;

fn draw(text: &mut String, size: (u32, u32), grid: (usize, usize), tables: &[&Table]) -> Drawn {
    let area = SVGBackend::with_string(text, size).into_drawing_area();
    area.fill(&WHITE)?;
    for (panel, table) in area.split_evenly(grid).iter().zip(tables) {
        let name = Path::new(&table.file).file_name().unwrap_or_default().to_string_lossy();
        let mut chart = ChartBuilder::on(panel)
            .caption(name, ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(36)
            .y_label_area_size(44)
            .build_cartesian_2d(0.0..1.0, 0.0..1.0)?;
        chart
            .configure_mesh()
            .x_desc("predicted")
            .y_desc("came true")
            .light_line_style(WHITE)
            .bold_line_style(BLACK.mix(0.1))
            .draw()?;
        chart.draw_series(LineSeries::new([(0.0, 0.0), (1.0, 1.0)], BLACK.mix(0.4)))?;
        for (nth, row) in table.rows.iter().enumerate() {
            let Some(report) = &row.test.two_sides else { continue };
            let colour = colour(nth, table.rows.len());
            let points = points(report);
            chart
                .draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)))?
                .label(label(row, report))
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
            chart.draw_series(points.iter().map(|point| Circle::new(*point, 2, colour.filled())))?;
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE.mix(0.8))
            .label_font(("sans-serif", 11))
            .draw()?;
    }
    area.present()?;
    Ok(())
}

fn label(row: &Row, report: &TwoSidesReport) -> String {
    format!("{}  ece {:.3}", row.name, report.ece)
}

/// Around the circle of colours, darker every other time, so that neighbours differ in print as well.
fn colour(nth: usize, of: usize) -> HSLColor {
    HSLColor(nth as f64 / of.max(1) as f64, 0.8, if nth.is_multiple_of(2) { 0.45 } else { 0.32 })
}

fn points(report: &TwoSidesReport) -> Vec<(f64, f64)> {
    let bins = report.calibration.iter().filter(|bin| bin.count >= BIN_MIN);
    bins.filter_map(|bin| Some((bin.predicted?, bin.actual?))).collect()
}
