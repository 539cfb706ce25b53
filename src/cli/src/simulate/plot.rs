//! Curves, as SVG.
use crate::output::Failure;
use plotters::prelude::*;

/// Width and height of a plot.
const SIZE: (u32, u32) = (620, 320);
/// The sides' colours.
pub(super) const COLOURS: [RGBColor; 2] = [RGBColor(31, 105, 184), RGBColor(214, 108, 22)];

/// A curve of each side.
pub(super) struct Curves<'a> {
    pub(super) title: &'a str,
    pub(super) x: &'a str,
    pub(super) y: &'a str,
    /// The largest x; the points of a curve are even from 0 to it.
    pub(super) x_max: f64,
    pub(super) curves: Vec<(&'a str, &'a [f64])>,
}

impl Curves<'_> {
    /// The plot; nothing where no curve has two points.
    pub(super) fn svg(&self) -> Result<Option<String>, Failure> {
        if !self.curves.iter().any(|(_, curve)| curve.len() > 1) {
            return Ok(None);
        }
        let mut text = String::new();
        self.draw(&mut text)
            .map_err(|error| Failure::failed(format!("cannot draw `{}`: {error}", self.title)))?;
        Ok(Some(text))
    }

    fn draw(&self, text: &mut String) -> Result<(), Box<dyn std::error::Error>> {
        let most = self.curves.iter().flat_map(|(_, curve)| curve.iter()).copied().fold(0.0, f64::max);
        let area = SVGBackend::with_string(text, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(self.title, ("sans-serif", 16))
            .margin(10)
            .x_label_area_size(34)
            .y_label_area_size(52)
            .build_cartesian_2d(0.0..self.x_max.max(1e-9), 0.0..(most * 1.05).max(1e-9))?;
        chart
            .configure_mesh()
            .x_desc(self.x)
            .y_desc(self.y)
            .light_line_style(WHITE)
            .bold_line_style(BLACK.mix(0.1))
            .draw()?;
        for ((name, curve), colour) in self.curves.iter().zip(COLOURS) {
            let step = self.x_max / curve.len().saturating_sub(1).max(1) as f64;
            let points = curve.iter().enumerate().map(|(at, value)| (at as f64 * step, *value));
            chart
                .draw_series(LineSeries::new(points, colour.stroke_width(2)))?
                .label(*name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE.mix(0.8))
            .label_font(("sans-serif", 12))
            .draw()?;
        area.present()?;
        Ok(())
    }
}
