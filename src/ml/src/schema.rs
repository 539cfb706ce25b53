//! The names and meaning of features, under one hash.
use crate::NAMES;

/// Raised whenever a feature keeps its name and changes its meaning.
const MEANING: u32 = 1;

/// The hash of all features, as 16 hexadecimal digits: weights learnt under another hash mean nothing here.
#[must_use]
pub fn schema() -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&MEANING.to_le_bytes());
    for name in NAMES {
        hasher.update(name.as_bytes());
        hasher.update(b"\n");
    }
    hasher.finalize().to_hex().chars().take(16).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_hash_is_that_of_the_features_released() {
        // A change here refuses every model that was trained before. That is right where features changed, and wrong otherwise.
        assert_eq!(super::schema(), "8bb14ceaf99b096b");
    }
}
