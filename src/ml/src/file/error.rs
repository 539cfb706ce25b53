/// Why bytes are not a model that can be used here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// They do not begin as a model does.
    #[error("this is no model file: it does not begin with `gsmmodel`")]
    NoModel,
    /// There are fewer than any model has.
    #[error("the model file is cut off after {bytes} bytes; copy it again")]
    CutOff {
        /// How many there are.
        bytes: usize,
    },
    /// They are not those that were written.
    #[error(
        "the model file is damaged or cut off: its content has the hash {found}, it was written as {told}; copy it again"
    )]
    Damaged {
        /// The hash at its end.
        told: String,
        /// That of its content.
        found: String,
    },
    /// A later release wrote it.
    #[error("the model file has format {format}, this program reads up to {newest}; use a newer release")]
    Newer {
        /// Its format.
        format: u16,
        /// The newest that is known here.
        newest: u16,
    },
    /// It was trained on other features.
    #[error(
        "the model was trained on other features (schema {told}, here {own}); train it again with this release"
    )]
    OtherFeatures {
        /// The hash of its features.
        told: String,
        /// That of ours.
        own: String,
    },
    /// Its hash is right, but it is not what a model is.
    #[error("the part `{part}` of the model file makes no sense; train it again")]
    Malformed {
        /// Which part.
        part: &'static str,
    },
    /// The model and the names given do not fit each other.
    #[error("the model cannot be written: its {part} do not fit")]
    Unwritable {
        /// What does not fit.
        part: &'static str,
    },
}
