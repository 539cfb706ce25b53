//! Answers in the media types that there are.
use super::answer::Answer;
use axum::http::{HeaderMap, header};
use serde::Serialize;

/// How requests and answers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Media {
    Json,
    Lines,
    Csv,
}

impl Media {
    const ALL: [(Self, &'static [&'static str]); 3] = [
        (Self::Json, &["application/json"]),
        (Self::Lines, &["application/jsonlines", "application/x-jsonlines", "application/x-ndjson"]),
        (Self::Csv, &["text/csv"]),
    ];

    fn of(text: &str) -> Option<Self> {
        let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        Self::ALL.iter().find(|(_, names)| names.contains(&essence.as_str())).map(|(media, _)| *media)
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Lines => "application/jsonlines",
            Self::Csv => "text/csv",
        }
    }

    /// Of a body; JSON where nothing is said, none where it is another.
    pub(super) fn of_body(headers: &HeaderMap) -> Option<Self> {
        let Some(named) = headers.get(header::CONTENT_TYPE) else { return Some(Self::Json) };
        Self::of(named.to_str().ok()?)
    }

    /// The one that is accepted most (RFC 9110, 12.5.1); of several the one that is named first, where any will do that of
    /// the body. None where none is accepted.
    pub(super) fn accepted(headers: &HeaderMap, body: Self) -> Option<Self> {
        let lines = headers.get_all(header::ACCEPT).into_iter();
        let lines = lines.flat_map(|line| line.to_str().unwrap_or_default().split(','));
        let ranges: Vec<Range> = lines.filter_map(Range::read).collect();
        if ranges.is_empty() {
            return Some(body);
        }
        let others = Self::ALL.map(|(media, _)| media).into_iter().filter(|media| *media != body);
        let mut best: Option<(u16, usize, Self)> = None;
        for media in std::iter::once(body).chain(others) {
            // The narrowest range that has it says how much.
            let of =
                ranges.iter().enumerate().filter_map(|(at, of)| Some((of.narrowness(media)?, at, of.weight)));
            let Some((_, at, weight)) =
                of.max_by_key(|(narrowness, at, _)| (*narrowness, std::cmp::Reverse(*at)))
            else {
                continue;
            };
            let is_better = best.is_none_or(|(most, first, _)| (weight, first) > (most, at));
            if weight > 0 && is_better {
                best = Some((weight, at, media));
            }
        }
        best.map(|(.., media)| media)
    }
}

/// A range of media types that is accepted.
struct Range {
    essence: String,
    /// In thousandths.
    weight: u16,
}

impl Range {
    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let essence = parts.next().filter(|essence| !essence.is_empty())?.to_ascii_lowercase();
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        // A weight that is none is not said.
        let weight = weight.and_then(|text| text.parse::<f64>().ok()).filter(|q| (0.0..=1.0).contains(q));
        Some(Self { essence, weight: weight.map_or(1_000, |q| (q * 1_000.0).round() as u16) })
    }

    /// 0 for any media type, 1 for a family, 2 for this one; none where it has not this one.
    fn narrowness(&self, media: Media) -> Option<u8> {
        if self.essence == "*/*" {
            return Some(0);
        }
        if Media::of(&self.essence) == Some(media) {
            return Some(2);
        }
        let family = media.name().split_once('/').map(|(family, _)| family);
        (self.essence.strip_suffix("/*") == family).then_some(1)
    }
}

/// What stands around the answers, as JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// The one answer.
    One,
    /// `[..]`
    List,
    /// `{"predictions": [..]}`
    Predictions,
}

/// The columns of a full answer.
const HEAD: &str = "quality,win,draw,loss,expected,low,high,margin\n";

/// Answers as they are written, one after another.
pub(super) struct Written {
    media: Media,
    text: Vec<u8>,
    /// Of a table: the rows that have a quality alone end here, and whether any has more.
    bare: Vec<usize>,
    has_full: bool,
}

impl Written {
    pub(super) fn new(media: Media) -> Self {
        Self { media, text: Vec::new(), bare: Vec::new(), has_full: false }
    }

    /// Bytes so far.
    pub(super) fn bytes(&self) -> usize {
        self.text.len()
    }

    /// A match that is answered by its quality.
    pub(super) fn bare(&mut self, quality: f64) -> Result<(), serde_json::Error> {
        if self.media == Media::Csv {
            serde_json::to_writer(&mut self.text, &quality)?;
            self.bare.push(self.text.len());
            self.text.push(b'\n');
            return Ok(());
        }
        self.json(&quality)
    }

    /// A match that is answered in full.
    pub(super) fn full(&mut self, of: &Answer<'_>) -> Result<(), serde_json::Error> {
        if self.media != Media::Csv {
            return self.json(of);
        }
        self.has_full = true;
        for number in [of.quality, of.win, of.draw, of.loss, of.expected, of.interval.low, of.interval.high] {
            serde_json::to_writer(&mut self.text, &number)?;
            self.text.push(b',');
        }
        if let Some(margin) = of.margin {
            serde_json::to_writer(&mut self.text, &margin)?;
        }
        self.text.push(b'\n');
        Ok(())
    }

    fn json(&mut self, of: &impl Serialize) -> Result<(), serde_json::Error> {
        if self.media == Media::Json && !self.text.is_empty() {
            self.text.push(b',');
        }
        serde_json::to_writer(&mut self.text, of)?;
        if self.media == Media::Lines {
            self.text.push(b'\n');
        }
        Ok(())
    }

    /// The body of an answer.
    pub(super) fn whole(self, shape: Shape) -> Vec<u8> {
        match (self.media, shape) {
            (Media::Lines, _) | (Media::Json, Shape::One) => self.text,
            (Media::Csv, _) if !self.has_full => self.text,
            (Media::Csv, _) => self.table(),
            (Media::Json, Shape::List) => around("[", self.text, "]"),
            (Media::Json, Shape::Predictions) => around("{\"predictions\":[", self.text, "]}"),
        }
    }

    /// With a head; who has a quality alone has empty cells.
    fn table(self) -> Vec<u8> {
        if self.bare.is_empty() {
            return around(HEAD, self.text, "");
        }
        let cells = ",".repeat(HEAD.matches(',').count());
        let mut all = HEAD.as_bytes().to_vec();
        let mut from = 0;
        for end in self.bare {
            all.extend_from_slice(self.text.get(from..end).unwrap_or_default());
            all.extend_from_slice(cells.as_bytes());
            from = end;
        }
        all.extend_from_slice(self.text.get(from..).unwrap_or_default());
        all
    }
}

fn around(before: &str, mut text: Vec<u8>, after: &str) -> Vec<u8> {
    text.splice(0..0, before.bytes());
    text.extend_from_slice(after.as_bytes());
    text
}
