//! A model as a file: everything that it predicts by and learns on with, under a hash.
//!
//! ```text
//! magic    8 bytes  "gsmmodel"
//! format   u16      little endian
//! parts    3 x u64  little endian: bytes of each part
//! about    JSON     what the model is, for people and machines
//! weights  postcard the regressions, with the names of the variants; the trees, if there are some; what parties are worth;
//!                   how fast skill moves; how small leads are
//! players  postcard ratings, records and company of every player; empty where only the weights are kept
//! hash     32 bytes BLAKE3 of all that comes before
//! ```
//!
//! A file is checked before it is used: first the hash, then the format, then the features, then whether every number is
//! one that a model could have.
mod about;
mod data;
mod error;
mod parts;

pub use about::{About, Compared, Figures, Metrics, Window};
pub use data::data_hash;
pub use error::FileError;
pub use parts::Names;

use crate::{Model, schema::schema};
use parts::{Behind, read_players, read_weights, write_players, write_weights};

/// What every file begins with.
const MAGIC: &[u8; 8] = b"gsmmodel";
/// The format that is written, and the newest that is read.
const FORMAT: u16 = 5;
/// The oldest that is read. It knows nothing of parties, the next nothing of how fast skill moves, the next nothing of leads.
const OLDEST: u16 = 2;
const PARTS: usize = 3;
const HEAD_BYTES: usize = MAGIC.len() + size_of::<u16>() + PARTS * size_of::<u64>();
const HASH_BYTES: usize = 32;

/// What of a model is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// The weights: some 20 KB and 200 bytes a tree, for who learns the players from results of his own.
    Weights,
    /// The players too: predicts and learns on where it was, to the bit.
    All,
}

/// A model with what is known of it.
#[derive(Clone, Debug)]
pub struct ModelFile {
    /// What it is.
    pub about: About,
    /// Whose numbers it speaks of.
    pub names: Names,
    /// The model; without players where the file had only weights.
    pub model: Model,
}

impl ModelFile {
    /// The bytes of the file. O(all that is remembered).
    ///
    /// # Errors
    /// Where `names` and the model do not fit each other.
    pub fn to_bytes(&self, kept: Kept) -> Result<Vec<u8>, FileError> {
        let about = serde_json::to_vec(&self.about).map_err(|_| FileError::Unwritable { part: "about" })?;
        let weights = write_weights(&self.model, &self.names)?;
        let players = match kept {
            Kept::Weights => Vec::new(),
            Kept::All => write_players(&self.model, &self.names)?,
        };
        let parts = [about, weights, players];
        let bytes: usize = parts.iter().map(Vec::len).sum();
        let mut file = Vec::with_capacity(HEAD_BYTES + bytes + HASH_BYTES);
        file.extend_from_slice(MAGIC);
        file.extend_from_slice(&FORMAT.to_le_bytes());
        for part in &parts {
            file.extend_from_slice(&(part.len() as u64).to_le_bytes());
        }
        parts.iter().for_each(|part| file.extend_from_slice(part));
        let hash = blake3::hash(&file);
        file.extend_from_slice(hash.as_bytes());
        Ok(file)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// What is no model file, is damaged or cut off, is of a newer format, or of other features.
    pub fn read(file: &[u8]) -> Result<Self, FileError> {
        let (format, [about, weights, players]) = checked(file)?;
        let about = read_about(about)?;
        let behind = match format {
            OLDEST => Behind::Nothing,
            3 => Behind::Parties,
            4 => Behind::Motion,
            _ => Behind::Leads,
        };
        let (names, model) = read_weights(weights, behind)?;
        let (names, model) =
            if players.is_empty() { (names, model) } else { read_players(players, names, model)? };
        Ok(Self { about, names, model })
    }

    /// Its weights in a model that knows no player, for a league whose variants have these numbers.
    #[must_use]
    pub fn weights(&self, variants: &[String]) -> Model {
        let mut model = self.model.without_players();
        let old = variants.iter().map(|name| self.names.variants.iter().position(|known| known == name));
        model.refinement = model.refinement.renumbered(old);
        model
    }

    /// Gives a model that has this one's weights what is known of a variant, which has this number there.
    pub fn lend_variant(&self, to: &mut Model, number: u16, name: &str) {
        let known = self.names.variants.iter().position(|of| of == name);
        if let Some(known) = known {
            to.refinement.take(usize::from(number), &self.model.refinement, known);
        }
    }

    /// The hash that names a file, as 64 hexadecimal digits: that of all its bytes but the hash at their end.
    ///
    /// # Errors
    /// What is no model file, is damaged or cut off.
    pub fn hash_of(file: &[u8]) -> Result<String, FileError> {
        let (_, hash) = sound(file)?;
        Ok(hash.to_hex().to_string())
    }
}

/// The bytes under the hash, which is right, and the hash.
fn sound(file: &[u8]) -> Result<(&[u8], blake3::Hash), FileError> {
    if !file.starts_with(MAGIC) {
        return Err(FileError::NoModel);
    }
    let (body, told) = file
        .split_last_chunk::<HASH_BYTES>()
        .filter(|(body, _)| body.len() >= HEAD_BYTES)
        .ok_or(FileError::CutOff { bytes: file.len() })?;
    let (told, found) = (blake3::Hash::from_bytes(*told), blake3::hash(body));
    if told != found {
        return Err(FileError::Damaged {
            told: told.to_hex().to_string(),
            found: found.to_hex().to_string(),
        });
    }
    Ok((body, found))
}

/// The format, and the parts.
fn checked(file: &[u8]) -> Result<(u16, [&[u8]; PARTS]), FileError> {
    let (body, _) = sound(file)?;
    let malformed = FileError::Malformed { part: "head" };
    let rest = body.get(MAGIC.len()..).unwrap_or_default();
    let (format, mut rest) = rest.split_first_chunk().ok_or(malformed.clone())?;
    let format = u16::from_le_bytes(*format);
    if format > FORMAT {
        return Err(FileError::Newer { format, newest: FORMAT });
    }
    if format < OLDEST {
        return Err(malformed);
    }
    let mut lengths = [0_usize; PARTS];
    for length in &mut lengths {
        let (told, after) = rest.split_first_chunk().ok_or(malformed.clone())?;
        *length = usize::try_from(u64::from_le_bytes(*told)).map_err(|_| malformed.clone())?;
        rest = after;
    }
    let mut parts = [&[][..]; PARTS];
    for (part, length) in parts.iter_mut().zip(lengths) {
        let (own, after) = rest.split_at_checked(length).ok_or(malformed.clone())?;
        (*part, rest) = (own, after);
    }
    if rest.is_empty() { Ok((format, parts)) } else { Err(malformed) }
}

fn read_about(part: &[u8]) -> Result<About, FileError> {
    let about: About = serde_json::from_slice(part).map_err(|_| FileError::Malformed { part: "about" })?;
    let own = schema();
    if about.schema == own { Ok(about) } else { Err(FileError::OtherFeatures { told: about.schema, own }) }
}
