//! One row of a match history.
use super::{HEADER, PARTY};
use gsm_core::limits::SCORE_ABS_MAX;
use std::str::FromStr;

/// Longest player id, in bytes.
pub(crate) const PLAYER_BYTES_MAX: usize = 128;
/// The last second of the year 9999: a later one was meant as milliseconds.
pub(super) const SECONDS_ABS_MAX: i64 = 253_402_300_799;

/// A line that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// From 1.
    pub(crate) line: u64,
    /// Reads on from the line's number.
    pub(crate) what: String,
}

impl Fault {
    pub(crate) fn new(line: u64, what: String) -> Self {
        Self { line, what }
    }
}

/// A row: one player of one match.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) line: u64,
    pub(crate) number: u64,
    pub(crate) at_s: i64,
    pub(crate) team: u32,
    pub(crate) player: String,
    pub(crate) rank: u32,
    pub(crate) score: Option<f64>,
    /// The variant played: map, surface, queue.
    pub(crate) mode: String,
    /// Whoever has the same on the same team came together; empty: alone.
    pub(crate) party: String,
}

/// Reads a row, which may tell of parties.
pub(crate) fn parse_row(bytes: &[u8], line: u64, has_party: bool) -> Result<Row, Fault> {
    let wrong = |what: String| Fault::new(line, what);
    let text = std::str::from_utf8(bytes).map_err(|_| wrong("is not UTF-8 text".to_owned()))?;
    let fields: Vec<&str> = text.split(',').collect();
    let (fields, party) = match fields.split_last() {
        Some((party, fields)) if has_party => (fields, *party),
        _ => (fields.as_slice(), ""),
    };
    let [number, at, team, player, rank, score, mode] = fields else {
        let (wanted, more) = if has_party { (8, PARTY) } else { (7, "") };
        let told = fields.len() + usize::from(has_party);
        return Err(wrong(format!("has {told} fields, a row has {wanted}: {HEADER}{more}")));
    };
    let number = whole::<u64>("match_id", number, 1, u64::MAX).map_err(wrong)?;
    let at_s = whole::<i64>("timestamp", at, -SECONDS_ABS_MAX, SECONDS_ABS_MAX).map_err(wrong)?;
    let team = whole::<u32>("team", team, 0, u32::MAX).map_err(wrong)?;
    let rank = whole::<u32>("rank", rank, 1, u32::MAX).map_err(wrong)?;
    if player.len() > PLAYER_BYTES_MAX {
        return Err(wrong(format!(
            "has a player_id of {} bytes, it has at most {PLAYER_BYTES_MAX}",
            player.len()
        )));
    }
    let score = match *score {
        "" => None,
        text => match text.parse::<f64>() {
            // One zero only.
            Ok(score) if score.abs() <= SCORE_ABS_MAX => Some(score + 0.0),
            _ => {
                return Err(wrong(format!(
                    "has the score `{text}`: empty, or a number within {SCORE_ABS_MAX:e}"
                )));
            }
        },
    };
    if party.len() > PLAYER_BYTES_MAX {
        return Err(wrong(format!(
            "has a party of {} bytes, it has at most {PLAYER_BYTES_MAX}",
            party.len()
        )));
    }
    let [player, mode, party] = [*player, *mode, party].map(str::to_owned);
    Ok(Row { line, number, at_s, team, player, rank, score, mode, party })
}

/// The match of a row, whatever else is wrong with it.
pub(super) fn number_of(bytes: &[u8]) -> Option<u64> {
    let field = bytes.split(|byte| *byte == b',').next()?;
    whole::<u64>("match_id", std::str::from_utf8(field).ok()?, 1, u64::MAX).ok()
}

fn whole<T: FromStr + PartialOrd + std::fmt::Display>(
    name: &str,
    text: &str,
    least: T,
    most: T,
) -> Result<T, String> {
    match text.parse::<T>() {
        Ok(number) if least <= number && number <= most => Ok(number),
        _ => Err(format!("has the {name} `{text}`: a whole number from {least} to {most}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read() {
        let row = parse_row("7,-5,1,light (America),2,1.5,online".as_bytes(), 3, false).unwrap();
        assert_eq!(
            (row.line, row.number, row.at_s, row.team, row.rank, row.score),
            (3, 7, -5, 1, 2, Some(1.5))
        );
        assert_eq!(row.player, "light (America)");
        // Real histories have players whose name got lost; they count as one player.
        assert_eq!(parse_row(b"1,2,0,,1,,", 3, false).unwrap().player, "");
        assert_eq!(parse_row(b"7,-5,1,x,2,,", 3, false).unwrap().score, None);
    }

    fn check(row: &[u8], part: &str) {
        let fault = parse_row(row, 9, false).unwrap_err();
        assert!(fault.line == 9 && fault.what.contains(part), "{fault:?}");
    }

    #[test]
    fn a_row_may_tell_of_a_party() {
        let party = |row: &[u8]| parse_row(row, 3, true).map(|row| row.party);
        assert_eq!(party(b"7,-5,1,x,2,,,7a"), Ok("7a".to_owned()));
        assert_eq!(party(b"7,-5,1,x,2,,,"), Ok(String::new()));
        assert!(party(b"7,-5,1,x,2,,").unwrap_err().what.contains("7 fields, a row has 8"));
        assert!(party(&[b"7,-5,1,x,2,,,".as_slice(), &[b'x'; 129]].concat()).is_err());
    }

    #[test]
    fn each_field_is_checked() {
        check(b"", "1 fields");
        check(b"1,2,0,a,1,,,", "8 fields");
        check(b"0,2,0,a,1,,", "match_id `0`");
        check(b"1,1700000000000,0,a,1,,", "timestamp `1700000000000`");
        check(b"1,2,-1,a,1,,", "team `-1`");
        check(&[b"1,2,0,".as_slice(), &[b'x'; 129], b",1,,"].concat(), "player_id of 129 bytes");
        check(b"1,2,0,a,0,,", "rank `0`");
        check(b"1,2,0,a,first,,", "rank `first`");
        check(b"1,2,0,a,1,NaN,", "score `NaN`");
        check(b"1,2,0,a,1,2e9,", "score `2e9`");
        check(b"1,2,0,\xff,1,,", "UTF-8");
    }
}
