//! Bars with names, as SVG.
use super::{html::escape, plot::COLOURS};

/// Geometry in pixels.
const WIDTH: f64 = 620.0;
const NAMES: f64 = 150.0;
const BAR: f64 = 12.0;
const GAP: f64 = 10.0;
const TOP: f64 = 34.0;

/// Of each name a bar a side; nothing without names.
pub(super) fn bars(title: &str, rows: &[(String, Vec<Option<f64>>)], digits: usize) -> Option<String> {
    let most = rows.iter().flat_map(|(_, values)| values.iter().flatten()).copied().fold(0.0, f64::max);
    let sides = rows.iter().map(|(_, values)| values.len()).max()?;
    let line = BAR * sides as f64 + GAP;
    let height = TOP + line * rows.len() as f64 + GAP;
    let mut svg = format!(
        r#"<svg width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" xmlns="http://www.w3.org/2000/svg" font-family="sans-serif"><rect width="{WIDTH}" height="{height}" fill="white"/><text x="{}" y="20" font-size="16" text-anchor="middle">{}</text>"#,
        WIDTH / 2.0,
        escape(title)
    );
    for (nth, (name, values)) in rows.iter().enumerate() {
        let top = TOP + line * nth as f64;
        svg.push_str(&format!(
            r#"<text x="{}" y="{:.1}" font-size="12" text-anchor="end">{}</text>"#,
            NAMES - 8.0,
            top + (line - GAP) / 2.0 + 4.0,
            escape(name)
        ));
        for (side, (value, colour)) in values.iter().zip(COLOURS).enumerate() {
            let Some(value) = value else { continue };
            let (y, width) = (top + BAR * side as f64, (WIDTH - NAMES - 70.0) * value / most.max(1e-9));
            svg.push_str(&format!(
                r#"<rect x="{NAMES}" y="{y:.1}" width="{width:.1}" height="{}" fill="rgb({},{},{})"/><text x="{:.1}" y="{:.1}" font-size="11">{value:.digits$}</text>"#,
                BAR - 1.0,
                colour.0,
                colour.1,
                colour.2,
                NAMES + width + 5.0,
                y + BAR - 2.0
            ));
        }
    }
    svg.push_str("</svg>");
    Some(svg)
}

#[cfg(test)]
mod tests {
    use super::bars;

    #[test]
    fn a_bar_is_as_long_as_its_value_and_names_are_no_markup() {
        let rows = [("<b>".to_owned(), vec![Some(2.0), Some(1.0)]), ("empty".to_owned(), vec![None, None])];
        let svg = bars("t", &rows, 1).unwrap();
        assert!(svg.contains(r#"width="400.0""#) && svg.contains(r#"width="200.0""#), "{svg}");
        assert!(svg.contains("&lt;b&gt;") && !svg.contains("<b>"));
        assert_eq!(svg.matches("<rect").count(), 3);
        assert_eq!(bars("t", &[], 1), None);
    }
}
