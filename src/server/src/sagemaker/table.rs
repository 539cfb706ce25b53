//! Requests as CSV, a match a row. Cells may be quoted; a row is one line.
//!
//! With a head of column names (`team_a,team_b` or `player1,player2` or `rating_a,rating_b`, `variant`, `home`, `parties`) a row is
//! answered by a row;
//! without one a row has two columns (two ratings where both are numbers, else two teams) and is answered by its quality.
//! Two players whom the model knows are a row, whatever they are called.
//! A first row whose cells all begin as columns of players do (`player_a`, `team1`), of whom the model knows nobody, and
//! beneath which a row looks otherwise, is taken for a head that there is not, and refused.
//! Players of a team or party stand with `|` between them, parties with `;`.
use super::{
    body::{Item, check_sides, premade},
    oracle::Asked,
    people::{Someone, fault, guest, id},
};
use crate::problem::ApiError;
use gsm_core::Timestamp;
use gsm_ml::{Home, Premade};
use std::borrow::Cow;

/// What a column has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Team(usize),
    Rating(usize),
    Variant,
    Home,
    Parties,
}

fn column(name: &str) -> Option<Column> {
    match name.to_ascii_lowercase().as_str() {
        "team_a" | "player1" => Some(Column::Team(0)),
        "team_b" | "player2" => Some(Column::Team(1)),
        "rating_a" => Some(Column::Rating(0)),
        "rating_b" => Some(Column::Rating(1)),
        "variant" => Some(Column::Variant),
        "home" => Some(Column::Home),
        "parties" => Some(Column::Parties),
        _ => None,
    }
}

pub(super) const HEADS: &str = "two cells a row, or a head: team_a,team_b or player1,player2 or rating_a,rating_b, and if wanted variant, home, parties";

/// The number of a line, and its text.
pub(super) type Row<'a> = (usize, &'a str);

/// What names of columns with players begin with, elsewhere.
const PLAYERS: [&str; 5] = ["player", "team", "side", "rating", "elo"];

fn is_like_head(row: &[Cow<'_, str>]) -> bool {
    let is_like_name = |cell: &Cow<'_, str>| {
        let cell = cell.to_ascii_lowercase();
        PLAYERS.iter().any(|start| cell.starts_with(start))
    };
    !row.is_empty() && row.iter().all(is_like_name)
}

/// The rows, and whether there is a head; `knows` tells of an id whether it is a player of the model.
pub(super) fn rows(
    text: &str,
    knows: impl Fn(&str) -> bool,
) -> Result<(impl Iterator<Item = Row<'_>>, Head), ApiError> {
    let lines = text.lines().zip(1..).map(|(line, number)| (number, line.trim_end_matches('\r')));
    let lines = lines.filter(|(_, line)| !line.trim().is_empty());
    let mut begin = lines.clone();
    let mut next = || begin.next().map(|(number, line)| cells(line, number)).transpose();
    let first = next()?.unwrap_or_default();
    let second = next()?;
    let is_of_side = |name: &Cow<'_, str>| matches!(column(name), Some(Column::Team(_) | Column::Rating(_)));
    let known = |cell: &Cow<'_, str>| cell.split('|').any(|id| knows(id.trim()));
    // Players may be called `player1` as well: the model knows them, or all are called so.
    let is_row = first.len() == 2
        && if first.iter().all(|name| column(name).is_some()) {
            first.iter().all(known)
        } else {
            first.iter().any(known) || is_like_head(&first) && second.as_deref().is_some_and(is_like_head)
        };
    if is_row || !first.iter().any(is_of_side) {
        let next_is_data = second.is_some_and(|next| !is_like_head(&next));
        if next_is_data && is_like_head(&first) && !first.iter().any(known) {
            let names: Vec<String> = first.iter().map(|cell| format!("`{}`", shown(cell))).collect();
            let detail = format!("{} look like names of columns, and are none", names.join(", "));
            return Err(fault("invalid", "line 1", detail).hint(HEADS));
        }
        return Ok(behind(lines, Head(None)));
    }
    let mut columns = Vec::new();
    for name in first {
        let column = column(&name).filter(|column| !columns.contains(column));
        let wrong = || fault("invalid", "line 1", format!("`{}` is no column, or comes twice", shown(&name)));
        columns.push(column.ok_or_else(wrong)?);
    }
    let sides = |of: fn(usize) -> Column| (0..2).all(|side| columns.contains(&of(side)));
    if sides(Column::Team) == sides(Column::Rating) {
        return Err(fault("missing_field", "line 1", "the head has team_a,team_b or rating_a,rating_b"));
    }
    Ok(behind(lines, Head(Some(columns))))
}

/// The rows behind a head, and the head.
fn behind<'a>(lines: impl Iterator<Item = Row<'a>>, head: Head) -> (impl Iterator<Item = Row<'a>>, Head) {
    (lines.skip(usize::from(head.is_told())), head)
}

/// The cells of a row, which is line `number`; one in quotes may have commas, and quotes that are doubled (RFC 4180, section 2).
fn cells(line: &str, number: usize) -> Result<Vec<Cow<'_, str>>, ApiError> {
    let mut cells = Vec::new();
    let mut rest = Some(line);
    while let Some(line) = rest {
        let (cell, left) = match (line.trim_start().strip_prefix('"'), line.split_once(',')) {
            (Some(quoted), _) => unquoted(quoted).ok_or_else(|| unclosed(cells.len() + 1, number))?,
            (None, Some((cell, left))) => (Cow::Borrowed(cell.trim()), Some(left)),
            (None, None) => (Cow::Borrowed(line.trim()), None),
        };
        cells.push(cell);
        rest = left;
    }
    Ok(cells)
}

fn unclosed(nth: usize, number: usize) -> ApiError {
    let detail = format!("cell {nth} begins with a quote, and does not end with one");
    fault("invalid", &format!("line {number}"), detail)
        .hint("close the quotes of a cell at its end, and double the quotes in it (RFC 4180, section 2)")
}

/// The cell whose opening quote was before `text`, and what is behind its comma; none where it does not end as it should.
fn unquoted(text: &str) -> Option<(Cow<'_, str>, Option<&str>)> {
    let mut from = 0;
    loop {
        let end = from + text.get(from..)?.find('"')?;
        let behind = text.get(end + 1..)?;
        if behind.starts_with('"') {
            from = end + 2;
            continue;
        }
        let cell = text.get(..end)?;
        let cell =
            if cell.contains('"') { Cow::Owned(cell.replace("\"\"", "\"")) } else { Cow::Borrowed(cell) };
        let behind = behind.trim_start();
        return match behind.strip_prefix(',') {
            Some(left) => Some((cell, Some(left))),
            None => behind.is_empty().then_some((cell, None)),
        };
    }
}

fn shown(text: &str) -> String {
    text.chars().take(64).flat_map(char::escape_debug).collect()
}

/// What the columns of a table are.
#[derive(Debug)]
pub(super) struct Head(Option<Vec<Column>>);

impl Head {
    /// Whether the table names its columns.
    pub(super) fn is_told(&self) -> bool {
        self.0.is_some()
    }

    /// The match of a row.
    pub(super) fn item(&self, line: usize, row: &str, now: Timestamp) -> Result<Item, ApiError> {
        let path = format!("line {line}");
        let cells = cells(row, line)?;
        let mut asked = Asked {
            sides: [Vec::new(), Vec::new()],
            premade: [Premade::NONE; 2],
            variant: None,
            home: Home::AsEver,
            at: now,
            explain: false,
        };
        let mut parties: Vec<Vec<String>> = Vec::new();
        let plain;
        let columns = match &self.0 {
            Some(columns) => columns,
            None => {
                let numbers = cells.iter().all(|cell| cell.parse::<f64>().is_ok());
                let of = if numbers { Column::Rating } else { Column::Team };
                plain = vec![of(0), of(1)];
                &plain
            }
        };
        if cells.len() != columns.len() {
            let detail = format!("the row has {} cells, {} are wanted", cells.len(), columns.len());
            return Err(fault("invalid", &path, detail).hint(HEADS));
        }
        for (cell, column) in cells.iter().map(|cell| &**cell).zip(columns) {
            match *column {
                Column::Team(side) => put(&mut asked.sides, side, team(cell, &path)?),
                Column::Rating(side) => {
                    let rating = cell.parse().unwrap_or(f64::NAN);
                    put(&mut asked.sides, side, vec![Someone::Guest(guest(rating, None, 0, &path)?)]);
                }
                Column::Parties => parties = told_parties(cell),
                Column::Variant => asked.variant = (!cell.is_empty()).then(|| cell.to_owned()),
                Column::Home => {
                    asked.home = match cell {
                        "" => Home::AsEver,
                        "0" => Home::Side(0),
                        "1" => Home::Side(1),
                        "nobody" => Home::Nobody,
                        _ => return Err(fault("invalid", &path, "home is 0, 1, `nobody` or empty")),
                    }
                }
            }
        }
        check_sides(&asked.sides, |_| path.clone())?;
        asked.premade = premade(&asked.sides, &parties, |_| path.clone())?;
        Ok(Item { asked, is_bare: self.0.is_none() })
    }
}

/// `ann|bob;kim|eve`
fn told_parties(cell: &str) -> Vec<Vec<String>> {
    let parties = cell.split(';').map(str::trim).filter(|party| !party.is_empty());
    parties.map(|party| party.split('|').map(|id| id.trim().to_owned()).collect()).collect()
}

fn put(sides: &mut [Vec<Someone>; 2], side: usize, players: Vec<Someone>) {
    if let Some(slot) = sides.get_mut(side) {
        *slot = players;
    }
}

fn team(cell: &str, path: &str) -> Result<Vec<Someone>, ApiError> {
    if cell.is_empty() {
        return Ok(Vec::new());
    }
    cell.split('|').map(|player| id(player.trim(), path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_read_as_libraries_write_them() {
        for (line, wanted) in [
            ("a, b ,c", &["a", "b", "c"][..]),
            ("", &[""]),
            ("a,", &["a", ""]),
            (r#""a,b",c"#, &["a,b", "c"]),
            (r#" "a" , "b""c","""" "#, &["a", "b\"c", "\""]),
            (r#""","""#, &["", ""]),
            // What does not begin with a quote is taken as it stands.
            (r#"a"b,c"#, &["a\"b", "c"]),
        ] {
            assert_eq!(cells(line, 1).unwrap(), wanted, "{line}");
        }
        for line in [r#""a"b,c"#, r#""a,c"#, r#"a,"c"#, r#"a, "c"x"#, r#"""#, r#"a,"c"""#] {
            assert!(cells(line, 1).is_err(), "{line}");
        }
    }

    /// Whether a table of two lines has a head, for a model that knows these players; none where it is refused.
    fn is_head(first: &str, second: &str, known: &[&str]) -> Option<bool> {
        let text = format!("{first}\n{second}\n");
        rows(&text, |id| known.contains(&id)).ok().map(|(_, head)| head.is_told())
    }

    #[test]
    fn players_who_are_called_as_columns_are_players() {
        let both = ["player1", "player2", "ann"];
        assert_eq!(is_head("player1,player2", "player3,player4", &both), Some(false));
        assert_eq!(is_head("player2,ann", "ann,player2", &both), Some(false));
        assert_eq!(is_head("player2,ann", "ann,player2", &both[1..2]), Some(false));
        assert_eq!(is_head("player1,player9", "player3,player4", &[]), Some(false));
        // Of whom it knows one, or nobody, it is a head, and a wrong name in it is a wrong name.
        assert_eq!(is_head("player1,player2", "ann,player9", &both[1..]), Some(true));
        assert_eq!(is_head("player1,player2", "ann,bob", &[]), Some(true));
        assert_eq!(is_head("team_a,who", "ann,bob", &[]), None);
        assert_eq!(is_head("team_a,team_b,who", "ann,bob,cid", &both), None);
        assert_eq!(is_head("team_a,team_b,home", "ann,bob,1", &both), Some(true));
    }

    #[test]
    fn a_quoted_head_is_a_head() {
        let (rows, head) = rows("\"rating_a\",\"rating_b\"\n1500,\"1600\"\n", |_| false).unwrap();
        let rows: Vec<Row<'_>> = rows.collect();
        assert_eq!(rows, [(2, "1500,\"1600\"")]);
        assert!(head.item(2, rows[0].1, Timestamp::EPOCH).is_ok());
    }
}
