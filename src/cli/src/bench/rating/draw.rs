//! Who plays in the matches of the bench. The peers' example of gsm-rating includes this file.

/// The players of each match of two sides of `size`, match by match; nobody twice in one.
pub(super) fn draw(players: u64, matches: usize, size: usize) -> Vec<u32> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut list: Vec<u32> = Vec::with_capacity(matches * 2 * size);
    for _ in 0..matches {
        let first = list.len();
        while list.len() < first + 2 * size {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let player = (((state >> 32) * players) >> 32) as u32;
            if !list[first..].contains(&player) {
                list.push(player);
            }
        }
    }
    list
}
