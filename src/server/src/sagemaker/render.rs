//! Answers in the media types that there are.
use super::answer::Answer;
use axum::http::{HeaderMap, header};
use serde::Serialize;
use serde_json::Value;

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

    /// The first of those accepted that there is, or that of the body where any will do; none where none will.
    pub(super) fn accepted(headers: &HeaderMap, body: Self) -> Option<Self> {
        let mut named = false;
        for accept in headers.get_all(header::ACCEPT) {
            for range in accept.to_str().unwrap_or_default().split(',') {
                let essence = range.split(';').next().unwrap_or_default().trim();
                if essence.is_empty() {
                    continue;
                }
                named = true;
                let any = matches!(essence, "*/*")
                    || body.name().split_once('/').is_some_and(|(family, _)| {
                        essence.strip_suffix("/*").is_some_and(|of| of.eq_ignore_ascii_case(family))
                    });
                if any {
                    return Some(body);
                }
                if let Some(media) = Self::of(essence) {
                    return Some(media);
                }
            }
        }
        (!named).then_some(body)
    }
}

/// What one match is answered by.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Output<'a> {
    Bare(f64),
    Full(Box<Answer<'a>>),
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

/// The body of an answer.
pub(super) fn render(
    outputs: &[Output<'_>],
    shape: Shape,
    media: Media,
) -> Result<Vec<u8>, serde_json::Error> {
    match media {
        Media::Csv => Ok(csv(outputs).into_bytes()),
        Media::Lines => {
            let mut bytes = Vec::new();
            for output in outputs {
                serde_json::to_writer(&mut bytes, output)?;
                bytes.push(b'\n');
            }
            Ok(bytes)
        }
        Media::Json => match (shape, outputs) {
            (Shape::One, [output]) => serde_json::to_vec(output),
            (Shape::Predictions, _) => {
                #[derive(Serialize)]
                struct Predictions<'a> {
                    predictions: &'a [Output<'a>],
                }
                serde_json::to_vec(&Predictions { predictions: outputs })
            }
            _ => serde_json::to_vec(outputs),
        },
    }
}

/// The columns of a full answer.
const HEAD: &str = "quality,win,draw,loss,expected,low,high,margin\n";

fn csv(outputs: &[Output<'_>]) -> String {
    let mut text = String::new();
    if outputs.iter().any(|output| matches!(output, Output::Full(_))) {
        text.push_str(HEAD);
    }
    for output in outputs {
        match output {
            Output::Bare(quality) => text.push_str(&format!("{}\n", Value::from(*quality))),
            Output::Full(of) => {
                let numbers =
                    [of.quality, of.win, of.draw, of.loss, of.expected, of.interval.low, of.interval.high];
                numbers.iter().for_each(|number| text.push_str(&format!("{},", Value::from(*number))));
                text.push_str(&of.margin.map(|margin| Value::from(margin).to_string()).unwrap_or_default());
                text.push('\n');
            }
        }
    }
    text
}
