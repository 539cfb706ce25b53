use gsm_rating::history::History;

/// The hash of matches and of who played them, and came together, as 64 hexadecimal digits: the same for the same matches in the same order,
/// wherever they were read from. O(matches).
#[must_use]
pub fn data_hash(history: &History, players: &[String]) -> String {
    let mut hasher = blake3::Hasher::new();
    let text = |hasher: &mut blake3::Hasher, text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    let mut row = Vec::new();
    for index in 0..history.len() {
        row.clear();
        row.extend_from_slice(&history.at(index).as_millis().to_le_bytes());
        row.extend_from_slice(&history.variant_of(index).to_le_bytes());
        for side in history.sides(index) {
            row.extend_from_slice(&side.place.to_le_bytes());
            row.extend_from_slice(&side.score.unwrap_or(f64::NAN).to_bits().to_le_bytes());
            row.extend_from_slice(&(side.players.len() as u64).to_le_bytes());
            for player in side.players {
                row.extend_from_slice(&player.to_le_bytes());
            }
        }
        if history.has_parties() {
            for sizes in history.party_sizes(index) {
                row.extend_from_slice(&(sizes.len() as u64).to_le_bytes());
                sizes.iter().for_each(|size| row.extend_from_slice(&size.to_le_bytes()));
            }
        }
        hasher.update(&(row.len() as u64).to_le_bytes());
        hasher.update(&row);
    }
    for variant in 0..history.variants() {
        text(&mut hasher, history.variant_name(u16::try_from(variant).unwrap_or(u16::MAX)));
    }
    players.iter().for_each(|player| text(&mut hasher, player));
    hasher.finalize().to_hex().to_string()
}
