use crate::field::Seen;

/// Memory that updates work in, kept by the caller so that a second match of the same size allocates nothing.
/// It carries nothing from one match to the next.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    /// The sides as the pairwise systems see them.
    pub(crate) seen: Vec<Seen>,
    /// The places, best first.
    pub(crate) places: Vec<u32>,
    /// A number a side.
    pub(crate) strengths: Vec<f64>,
}

impl Scratch {
    /// Empty.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}
