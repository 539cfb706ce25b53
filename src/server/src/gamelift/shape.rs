//! What inputs look like, and the check of an input against it. The tables are in `shapes`.
use super::{fault::Fault, tree::Tree};

/// Violations that one answer names.
const NAMED_MAX: usize = 10;
/// Characters of a value that an answer repeats.
const SHOWN_CHARS_MAX: usize = 128;

/// A regular expression of the model, written as a predicate.
#[derive(Clone, Copy)]
pub(crate) struct Pattern {
    /// As the model writes it, without the anchors.
    pub(crate) text: &'static str,
    pub(crate) fits: fn(&str) -> bool,
}

/// What a text may be; lengths are in characters.
#[derive(Clone, Copy)]
pub(crate) struct Text {
    pub(crate) min: usize,
    pub(crate) max: usize,
    pub(crate) pattern: Option<Pattern>,
}

/// What a value may be.
pub(crate) enum Shape {
    Text(Text),
    OneOf(&'static [&'static str]),
    Integer { min: i64, max: i64 },
    Double,
    Flag,
    List { min: usize, max: usize, of: &'static Shape },
    Map { max: usize, keys: Text, of: &'static Shape },
    Structure(&'static [Member]),
}

/// One member of a structure.
pub(crate) struct Member {
    pub(crate) name: &'static str,
    pub(crate) required: bool,
    pub(crate) shape: Shape,
}

/// What is read of a body: the members that an input has. All others are passed over where they are well-formed.
#[derive(Clone, Copy)]
pub(crate) enum Known {
    /// A structure with these members.
    Members(&'static [Member]),
    /// A value.
    Value(&'static Shape),
    /// Whatever there is.
    #[cfg(test)]
    All,
}

impl Known {
    /// What is read of the member of this name.
    pub(super) fn member(self, name: &str) -> Option<Self> {
        let named = |members: &'static [Member]| {
            members.iter().find(|member| member.name == name).map(|member| Self::Value(&member.shape))
        };
        match self {
            Self::Members(members) => named(members),
            Self::Value(Shape::Structure(members)) => named(members),
            Self::Value(Shape::Map { of, .. }) => Some(Self::Value(of)),
            // It should be something else, which the check says.
            Self::Value(_) => None,
            #[cfg(test)]
            Self::All => Some(Self::All),
        }
    }

    /// What is read of the items of a list.
    pub(super) fn item(self) -> Option<Self> {
        match self {
            Self::Value(Shape::List { of, .. }) => Some(Self::Value(of)),
            Self::Value(_) | Self::Members(_) => None,
            #[cfg(test)]
            Self::All => Some(Self::All),
        }
    }
}

/// Checks an input: a value of another type is one fault, values outside their constraints are another that names them
/// all. Members that are not known were passed over when it was read.
pub(crate) fn check(members: &[Member], input: &Tree) -> Result<(), Fault> {
    let mut found = Violations::default();
    found.structure(&mut Vec::new(), members, input)?;
    found.into_result()
}

#[derive(Default)]
struct Violations {
    count: usize,
    named: Vec<String>,
}

/// Where a value is, from the outside to the inside.
type Path<'a> = Vec<std::borrow::Cow<'a, str>>;

impl Violations {
    fn into_result(self) -> Result<(), Fault> {
        if self.count == 0 {
            return Ok(());
        }
        let errors = if self.count == 1 { "error" } else { "errors" };
        Err(Fault::invalid(format!("{} validation {errors} detected: {}", self.count, self.named.join("; "))))
    }

    fn add(&mut self, path: &Path<'_>, value: Option<String>, constraint: std::fmt::Arguments<'_>) {
        self.count += 1;
        if self.named.len() < NAMED_MAX {
            let value = value.map_or_else(|| "null".to_owned(), |value| format!("'{}'", shortened(&value)));
            let path = path.join(".");
            self.named.push(format!("Value {value} at '{path}' failed to satisfy constraint: {constraint}"));
        }
    }

    fn structure<'a>(
        &mut self,
        path: &mut Path<'a>,
        members: &'a [Member],
        value: &'a Tree,
    ) -> Result<(), Fault> {
        if !matches!(value, Tree::Members(_)) {
            return Err(mistyped(path, "a structure"));
        }
        for member in members {
            path.push(lower_camel(member.name).into());
            match value.get(member.name) {
                Some(value) => self.value(path, &member.shape, value)?,
                None if member.required => self.add(path, None, format_args!("Member must not be null")),
                None => {}
            }
            path.pop();
        }
        Ok(())
    }

    fn value<'a>(&mut self, path: &mut Path<'a>, shape: &'a Shape, value: &'a Tree) -> Result<(), Fault> {
        match shape {
            Shape::Text(text) => {
                let value = value.as_text().ok_or_else(|| mistyped(path, "a string"))?;
                self.text(path, text, value);
            }
            Shape::OneOf(known) => {
                let value = value.as_text().ok_or_else(|| mistyped(path, "a string"))?;
                if !known.contains(&value) {
                    let known = known.join(", ");
                    let constraint = format_args!("Member must satisfy enum value set: [{known}]");
                    self.add(path, Some(value.to_owned()), constraint);
                }
            }
            Shape::Integer { min, max } => {
                let value = value.as_integer().filter(|value| i32::try_from(*value).is_ok());
                let value = value.ok_or_else(|| mistyped(path, "an integer"))?;
                self.bounds(
                    path,
                    value.to_string(),
                    "value",
                    i128::from(value),
                    [i128::from(*min), i128::from(*max)],
                );
            }
            Shape::Double => {
                let finite =
                    matches!(value, Tree::Integer(_)) || matches!(value, Tree::Float(v) if v.is_finite());
                if !finite {
                    return Err(mistyped(path, "a finite number"));
                }
            }
            Shape::Flag => {
                if !matches!(value, Tree::Flag(_)) {
                    return Err(mistyped(path, "a boolean"));
                }
            }
            Shape::List { min, max, of } => {
                let Tree::List(items) = value else { return Err(mistyped(path, "a list")) };
                self.size(path, items.len(), *min, *max);
                for (at, item) in items.iter().enumerate() {
                    path.push(format!("{}", at + 1).into());
                    path.push("member".into());
                    match item {
                        Tree::Null => self.add(path, None, format_args!("Member must not be null")),
                        item => self.value(path, of, item)?,
                    }
                    path.truncate(path.len() - 2);
                }
            }
            Shape::Map { max, keys, of } => {
                let Tree::Members(members) = value else { return Err(mistyped(path, "a map")) };
                self.size(path, members.len(), 0, *max);
                for (key, value) in members {
                    path.push(shortened(key).into());
                    self.text(path, keys, key);
                    path.push("member".into());
                    self.value(path, of, value)?;
                    path.truncate(path.len() - 2);
                }
            }
            Shape::Structure(members) => self.structure(path, members, value)?,
        }
        Ok(())
    }

    fn text(&mut self, path: &Path<'_>, shape: &Text, value: &str) {
        let bounds = [shape.min as i128, shape.max as i128];
        self.bounds(path, value.to_owned(), "length", value.chars().count() as i128, bounds);
        if let Some(pattern) = shape.pattern
            && !(pattern.fits)(value)
        {
            let text = pattern.text;
            let constraint = format_args!("Member must satisfy regular expression pattern: {text}");
            self.add(path, Some(value.to_owned()), constraint);
        }
    }

    fn size(&mut self, path: &Path<'_>, len: usize, min: usize, max: usize) {
        self.bounds(path, format!("[{len} items]"), "length", len as i128, [min as i128, max as i128]);
    }

    fn bounds(&mut self, path: &Path<'_>, shown: String, of: &str, value: i128, [min, max]: [i128; 2]) {
        if value < min {
            self.add(path, Some(shown), format_args!("Member must have {of} greater than or equal to {min}"));
        } else if value > max {
            self.add(path, Some(shown), format_args!("Member must have {of} less than or equal to {max}"));
        }
    }
}

fn mistyped(path: &Path<'_>, wanted: &str) -> Fault {
    let path = path.join(".");
    let what = if path.is_empty() { "the input".to_owned() } else { format!("`{path}`") };
    Fault::serialization(format!("{what} is not {wanted}"))
}

/// A member's name as messages write it: `TicketId` as `ticketId`, `ResourceARN` as `resourceARN`.
fn lower_camel(name: &str) -> String {
    let (first, rest) = name.split_at_checked(1).unwrap_or((name, ""));
    first.to_ascii_lowercase() + rest
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
