//! Scores as files have them: CSV, and what Nakama and PlayFab answer when a leaderboard is listed.
use gsm_core::Timestamp;
use gsm_engine::Visibility;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The last millisecond of the year 9999.
const MILLIS_ABS_MAX: u64 = 253_402_300_799_999;

/// One player's scores.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Record {
    /// Its line in a file of lines, else its number in the answer, from 1.
    pub(super) number: usize,
    /// The id under which the source knows the player.
    pub(super) player: String,
    pub(super) name: Option<String>,
    pub(super) values: Vec<i64>,
    pub(super) at: Option<Timestamp>,
    pub(super) metadata: Option<String>,
    /// In how many games they were made, where the file is of a board that counted them.
    pub(super) games: Option<u32>,
    /// Where the player had a seat, where the file is of a board with cohorts.
    pub(super) seat: Seat,
    /// Where not everybody shall see the player.
    pub(super) visibility: Option<Visibility>,
}

/// A seat as an export tells it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Seat {
    pub(super) level: Option<u64>,
    pub(super) cohort: Option<u64>,
}

/// Who sees a player: nobody, or he alone; `None` for everybody.
fn visibility(text: &str) -> Result<Option<Visibility>, String> {
    match text {
        "" | "shown" => Ok(None),
        "hidden" => Ok(Some(Visibility::Hidden)),
        "shadow" => Ok(Some(Visibility::Shadow)),
        other => Err(format!("the visibility `{other}` is none of hidden, shadow, shown")),
    }
}

/// A text without the byte order mark that some editors and spreadsheets put before it.
fn unmarked(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// A field as CSV has it (RFC 4180): in quotes where it has to be.
pub(super) fn quoted(text: &str) -> String {
    // An empty text is none without quotes.
    if text.is_empty() || text.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// A field of CSV.
#[derive(Debug, Clone, Default, PartialEq)]
struct Field {
    text: String,
    /// An empty text in quotes is a text.
    is_quoted: bool,
}

/// The records of a text of CSV, each with the line that it begins on; a quoted field may go over lines. Empty lines are
/// left out.
///
/// # Errors
/// `line N: what`.
fn rows(text: &str) -> Result<Vec<(usize, Vec<Field>)>, String> {
    let (mut rows, mut fields) = (Vec::new(), vec![Field::default()]);
    let (mut line, mut begun, mut in_quotes) = (1, 1, false);
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        let Some(field) = fields.last_mut() else { break };
        match char {
            '"' if in_quotes && chars.peek() == Some(&'"') => {
                chars.next();
                field.text.push('"');
            }
            '"' if in_quotes => in_quotes = false,
            '"' if field.text.is_empty() && !field.is_quoted => {
                field.is_quoted = true;
                in_quotes = true;
            }
            ',' if !in_quotes => fields.push(Field::default()),
            '\r' if !in_quotes && chars.peek() == Some(&'\n') => {}
            '\n' if !in_quotes => {
                rows.push((begun, std::mem::replace(&mut fields, vec![Field::default()])));
                line += 1;
                begun = line;
            }
            _ if field.is_quoted && !in_quotes => {
                return Err(format!("line {line}: `{char}` stands behind a field in quotes"));
            }
            _ => {
                line += usize::from(char == '\n');
                field.text.push(char);
            }
        }
    }
    if in_quotes {
        return Err(format!("line {begun}: a quote is not closed"));
    }
    rows.push((begun, fields));
    rows.retain(|(_, fields)| {
        fields.len() > 1 || fields.first().is_some_and(|field| *field != Field::default())
    });
    Ok(rows)
}

/// CSV with a head: `player_id`, then `score` or `value_1`, `value_2`, ..., and if wanted `display_name`, `timestamp`
/// (milliseconds since 1970; else `reached_at`, as our exports have it), `games`, `level`, `cohort`, `metadata` and `visibility`, in
/// any order; other columns are left out.
///
/// # Errors
/// `line N: what`.
pub(super) fn csv(text: &str) -> Result<Vec<Record>, String> {
    let mut rows = rows(unmarked(text))?.into_iter();
    let (_, head) = rows.next().ok_or("line 1: the file is empty")?;
    let place = |name: &str| head.iter().position(|column| column.text == name);
    if let Some(twice) = head.iter().enumerate().find(|(at, name)| place(&name.text) != Some(*at)) {
        return Err(format!("line 1: there are two columns `{}`", twice.1.text));
    }
    let player = place("player_id").ok_or("line 1: there is no column `player_id`")?;
    let mut values: Vec<usize> = (1..).map_while(|nth| place(&format!("value_{nth}"))).collect();
    match place("score") {
        Some(score) if values.is_empty() => values.push(score),
        Some(_) => return Err("line 1: there are `score` and `value_1`: name the score once".to_owned()),
        None => {}
    }
    if values.is_empty() {
        return Err("line 1: there is no column `score` or `value_1`".to_owned());
    }
    let at = place("timestamp").or_else(|| place("reached_at"));
    let (name, metadata, games) = (place("display_name"), place("metadata"), place("games"));
    let (level, cohort, seen) = (place("level"), place("cohort"), place("visibility"));
    rows.map(|(line_number, fields)| {
        let wrong = |what: String| format!("line {line_number}: {what}");
        if fields.len() != head.len() {
            return Err(wrong(format!("has {} fields, the head has {}", fields.len(), head.len())));
        }
        let field = |at: Option<usize>| at.and_then(|at| fields.get(at));
        let text = |at: Option<usize>| field(at).map(|field| &field.text).filter(|text| !text.is_empty());
        let count = |text: &String| {
            let games = whole(text).and_then(|games| u32::try_from(games).ok());
            games.ok_or_else(|| wrong(format!("`{text}` is no count of games")))
        };
        let number = |at: usize| {
            let text = fields.get(at).map(|field| field.text.as_str()).unwrap_or_default();
            whole(text).ok_or_else(|| wrong(format!("`{text}` is no whole number")))
        };
        Ok(Record {
            number: line_number,
            player: text(Some(player)).cloned().ok_or_else(|| wrong("has no player_id".to_owned()))?,
            name: text(name).cloned(),
            values: values.iter().map(|at| number(*at)).collect::<Result<_, _>>()?,
            at: text(at)
                .map(|_| number(at.unwrap_or_default()).and_then(|at| moment(at).map_err(wrong)))
                .transpose()?,
            metadata: field(metadata).filter(|of| **of != Field::default()).map(|of| of.text.clone()),
            games: text(games).map(count).transpose()?,
            // Other boards may call something else so.
            seat: Seat {
                level: text(level).and_then(|text| text.parse().ok()),
                cohort: text(cohort).and_then(|text| text.parse().ok()),
            },
            visibility: visibility(text(seen).map(String::as_str).unwrap_or_default()).map_err(wrong)?,
        })
    })
    .collect()
}

/// A whole number, also one written as `12.0`.
pub(super) fn whole(text: &str) -> Option<i64> {
    let text = text.trim();
    text.parse().ok().or_else(|| {
        let float: f64 = text.parse().ok()?;
        let bound = gsm_core::limits::BOARD_VALUE_ABS_MAX as f64;
        (float.fract() == 0.0 && float.abs() <= bound).then_some(float as i64)
    })
}

/// The instant of so many milliseconds since 1970; what is beyond those years was meant as something else.
fn moment(millis: i64) -> Result<Timestamp, String> {
    if millis.unsigned_abs() <= MILLIS_ABS_MAX {
        Ok(Timestamp::from_millis(millis))
    } else {
        Err(format!("`{millis}` is no time in milliseconds since 1970, as 1700000000000 is one"))
    }
}

fn number(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => whole(text),
        other => whole(&other.to_string()),
    }
}

/// A line of our own exports; what else it has follows from the board.
#[derive(Deserialize)]
struct Line {
    player_id: String,
    display_name: Option<String>,
    values: Vec<Value>,
    reached_at: Option<i64>,
    games: Option<u32>,
    metadata: Option<String>,
    level: Option<Value>,
    cohort: Option<Value>,
    visibility: Option<String>,
}

/// JSON lines, as our exports have them.
///
/// # Errors
/// `line N: what`.
pub(super) fn jsonl(text: &str) -> Result<Vec<Record>, String> {
    let lines = unmarked(text).lines().zip(1..).filter(|(line, _)| !line.is_empty());
    lines
        .map(|(line, line_number)| {
            let wrong = |what: String| format!("line {line_number}: {what}");
            let line: Line = serde_json::from_str(line).map_err(|e| wrong(format!("is no entry: {e}")))?;
            let value =
                |value: &Value| number(value).ok_or_else(|| wrong(format!("`{value}` is no whole number")));
            Ok(Record {
                number: line_number,
                values: line.values.iter().map(value).collect::<Result<_, _>>()?,
                player: line.player_id,
                name: line.display_name,
                at: line.reached_at.map(moment).transpose().map_err(wrong)?,
                metadata: line.metadata,
                games: line.games,
                seat: Seat {
                    level: line.level.and_then(|level| level.as_u64()),
                    cohort: line.cohort.and_then(|cohort| cohort.as_u64()),
                },
                visibility: visibility(&line.visibility.unwrap_or_default()).map_err(wrong)?,
            })
        })
        .collect()
}

/// A list without records has none of its members, or those of paging. Owners who were asked for by id stand in a list of
/// their own, whether their records are on the page or not.
#[derive(Deserialize)]
struct Nakama {
    records: Option<Vec<NakamaRecord>>,
    owner_records: Option<Vec<NakamaRecord>>,
    #[serde(rename = "next_cursor")]
    _next_cursor: Option<IgnoredAny>,
    #[serde(rename = "prev_cursor")]
    _prev_cursor: Option<IgnoredAny>,
    #[serde(rename = "rank_count")]
    _rank_count: Option<IgnoredAny>,
    #[serde(flatten)]
    other: BTreeMap<String, IgnoredAny>,
}

/// As `GET /v2/leaderboard/{id}` has it: numbers as strings, metadata as a text of JSON. What is zero is left out.
#[derive(Deserialize)]
struct NakamaRecord {
    owner_id: String,
    username: Option<Value>,
    score: Option<Value>,
    subscore: Option<Value>,
    metadata: Option<Value>,
    update_time: Option<String>,
}

/// The instant that a record of others gives as RFC 3339.
fn instant(name: &str, text: &str) -> Result<Timestamp, String> {
    let read: Result<jiff::Timestamp, _> = text.parse();
    let read = read.map_err(|_| format!("{name} `{text}` is no time as 2026-01-02T03:04:05Z is one"))?;
    Ok(Timestamp::from_millis(read.as_millisecond()))
}

/// What Nakama answers when records are listed; `columns` says whether the subscore is taken. Those of single owners are
/// numbered behind those of the page, and taken where they are not on it.
pub(super) fn nakama(text: &str, columns: usize) -> Result<Vec<Record>, String> {
    let read: Nakama =
        serde_json::from_str(unmarked(text)).map_err(|e| format!("is no answer of Nakama: {e}"))?;
    if read.records.is_none() && read.owner_records.is_none() && !read.other.is_empty() {
        return Err("is no answer of Nakama: there are no `records`".to_owned());
    }
    let page = read.records.unwrap_or_default();
    let on_page: BTreeSet<String> = page.iter().map(|record| record.owner_id.clone()).collect();
    let owners = read.owner_records.unwrap_or_default().into_iter();
    page.into_iter()
        .chain(owners.filter(|record| !on_page.contains(&record.owner_id)))
        .zip(1..)
        .map(|(record, nth)| {
            let wrong = |what: String| format!("record {nth}: {what}");
            let whole = |name: &str, value: Option<&Value>| {
                let Some(value) = value else { return Ok(0) };
                number(value).ok_or_else(|| wrong(format!("{name} `{value}` is no whole number")))
            };
            let mut values =
                vec![whole("score", record.score.as_ref())?, whole("subscore", record.subscore.as_ref())?];
            values.truncate(columns);
            let at = record.update_time.map(|text| instant("update_time", &text)).transpose();
            let text = |value: Value| match value {
                Value::String(text) => Some(text),
                Value::Null => None,
                other => Some(other.to_string()),
            };
            Ok(Record {
                number: nth,
                player: record.owner_id,
                name: record.username.and_then(text),
                values,
                at: at.map_err(wrong)?,
                metadata: record.metadata.and_then(text).filter(|text| text != "{}"),
                games: None,
                seat: Seat::default(),
                visibility: None,
            })
        })
        .collect()
}

/// What PlayFab answers: `GetLeaderboard` of leaderboards v2 (`Rankings` with `Scores`), or of statistics
/// (`Leaderboard` with `StatValue`).
pub(super) fn playfab(text: &str) -> Result<Vec<Record>, String> {
    let read: Value = serde_json::from_str(unmarked(text)).map_err(|e| format!("is no JSON: {e}"))?;
    let data = read.get("data").unwrap_or(&read);
    let rows = data.get("Rankings").or_else(|| data.get("Leaderboard")).and_then(Value::as_array);
    let rows = rows.ok_or("is no answer of PlayFab: there is no `Rankings` and no `Leaderboard`")?;
    rows.iter()
        .zip(1..)
        .map(|(row, nth)| {
            let id = row.get("PlayFabId").or_else(|| row.pointer("/Entity/Id")).and_then(Value::as_str);
            let scores = match (row.get("Scores").and_then(Value::as_array), row.get("StatValue")) {
                (Some(scores), _) => scores.iter().map(number).collect::<Option<Vec<i64>>>(),
                (None, Some(value)) => number(value).map(|value| vec![value]),
                (None, None) => None,
            };
            let text = |name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
            let at = text("LastUpdated").map(|text| instant("LastUpdated", &text)).transpose();
            Ok(Record {
                number: nth,
                player: id.ok_or(format!("record {nth}: has no id: {row}"))?.to_owned(),
                name: text("DisplayName"),
                values: scores.ok_or(format!("record {nth}: has no whole scores: {row}"))?,
                at: at.map_err(|what| format!("record {nth}: {what}"))?,
                metadata: text("Metadata").filter(|text| !text.is_empty()),
                games: None,
                seat: Seat::default(),
                visibility: None,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(number: usize, player: &str, values: &[i64]) -> Record {
        let player = player.to_owned();
        Record {
            number,
            player,
            name: None,
            values: values.to_vec(),
            at: None,
            metadata: None,
            games: None,
            seat: Seat::default(),
            visibility: None,
        }
    }

    #[test]
    fn csv_is_read_by_its_head() {
        let found =
            csv("display_name,player_id,value_1,value_2\n\"Smith, \"\"J\"\"\",a b,5,-1\n,c,7.0,2\n").unwrap();
        let smith = Record { name: Some("Smith, \"J\"".to_owned()), ..plain(2, "a b", &[5, -1]) };
        assert_eq!(found, [smith, plain(3, "c", &[7, 2])]);
        let found = csv("\u{feff}player_id,score,timestamp,metadata\r\nx,3,1700000000000,hi\r\n").unwrap();
        assert_eq!(
            (found[0].at.unwrap().as_millis(), found[0].metadata.as_deref()),
            (1_700_000_000_000, Some("hi"))
        );
        for (text, part) in [
            ("", "line 1"),
            ("score\n1", "`player_id`"),
            ("player_id,score,score\na,1,2", "two columns `score`"),
            ("player_id\na", "`score`"),
            ("player_id,value_1,score\na,1,2", "`score` and `value_1`"),
            ("player_id,score\na,1\nb,x", "line 3: `x`"),
            ("player_id,score\na,NaN", "line 2: `NaN`"),
            ("player_id,score\n\"a\"x,1", "line 2: `x` stands behind a field in quotes"),
            ("player_id,score\n\"a\" ,1", "line 2: ` ` stands behind"),
            ("player_id,score\n\"a\"\"b\n\"\"\"c,1", "line 3: `c` stands behind"),
            (
                "player_id,score,timestamp\na,1,-9223372036854775808",
                "line 2: `-9223372036854775808` is no time",
            ),
            ("player_id,score,timestamp\na,1,1700000000000000", "is no time in milliseconds"),
            ("player_id,score,games\na,1,-1", "line 2: `-1` is no count"),
            ("player_id,score\na", "line 2: has 1 fields"),
            ("player_id,score,visibility\na,1,gone", "line 2: the visibility `gone`"),
            ("player_id,score\n\"a,1", "line 2: a quote"),
            ("player_id,score\n,1", "line 2: has no player_id"),
        ] {
            assert!(csv(text).unwrap_err().contains(part), "{text:?}");
        }
        let text = "a,\"b\"\r\nc";
        let field = |text: &str, is_quoted| Field { text: text.to_owned(), is_quoted };
        assert_eq!(
            rows(&format!("{},2\n\nd", quoted(text))).unwrap(),
            [(1, vec![field(text, true), field("2", false)]), (4, vec![field("d", false)])]
        );
        // An empty text is not none.
        let found = csv("player_id,score,games,metadata\na,1,12,\"\"\nb,1,,\n").unwrap();
        let a = Record { games: Some(12), metadata: Some(String::new()), ..plain(2, "a", &[1]) };
        assert_eq!(found, [a, plain(3, "b", &[1])]);
    }

    #[test]
    fn our_own_lines_are_read() {
        let text = "{\"rank\":1,\"player_id\":\"a\",\"display_name\":null,\"values\":[5.0,-1],\"reached_at\":7,\"games\":1,\"metadata\":\"m\"}\n\n{\"player_id\":\"b\",\"values\":[1,2]}\n";
        let a = Record {
            at: Some(Timestamp::from_millis(7)),
            metadata: Some("m".to_owned()),
            games: Some(1),
            ..plain(1, "a", &[5, -1])
        };
        assert_eq!(jsonl(text).unwrap(), [a, plain(3, "b", &[1, 2])]);
        assert!(jsonl("{\"player_id\":\"b\"}").unwrap_err().starts_with("line 1: is no entry"));
        assert!(jsonl("\n{\"player_id\":\"b\",\"values\":[1.5]}").unwrap_err().contains("line 2: `1.5`"));
        let at = |at: i64| jsonl(&format!("{{\"player_id\":\"b\",\"values\":[1],\"reached_at\":{at}}}"));
        assert!(at(253_402_300_799_999).is_ok() && at(-253_402_300_799_999).is_ok());
        assert!(at(253_402_300_800_000).unwrap_err().starts_with("line 1: `253402300800000` is no time"));
    }

    #[test]
    fn answers_of_others_are_read() {
        let text = r#"{"records":[{"owner_id":"u1","username":"ann","score":"12","subscore":"3","metadata":"{}"},
            {"owner_id":"u2","score":7}],"next_cursor":"x"}"#;
        let ann = Record { name: Some("ann".to_owned()), ..plain(1, "u1", &[12, 3]) };
        assert_eq!(nakama(text, 2).unwrap(), [ann, plain(2, "u2", &[7, 0])]);
        assert_eq!(nakama(text, 1).unwrap()[1].values, [7]);
        let text = r#"{"code":200,"data":{"Rankings":[{"Entity":{"Id":"E1","Type":"title_player_account"},"Rank":1,"Scores":["99","1"]}]}}"#;
        assert_eq!(playfab(text).unwrap(), [plain(1, "E1", &[99, 1])]);
        let text =
            r#"{"data":{"Leaderboard":[{"PlayFabId":"P","DisplayName":"Bo","StatValue":5,"Position":0}]}}"#;
        assert_eq!(playfab(text).unwrap(), [Record { name: Some("Bo".to_owned()), ..plain(1, "P", &[5]) }]);
        assert!(nakama(r#"{"data":{}}"#, 1).unwrap_err().contains("no `records`"));
        assert!(playfab("{}").is_err() && playfab("nonsense").is_err());
    }

    #[test]
    fn nakama_leaves_out_what_is_zero() {
        let text = r#"{"records":[{"owner_id":"u3","username":"zed","num_score":1,"metadata":"{}"},
            {"owner_id":"u4","score":"3"}]}"#;
        let zed = Record { name: Some("zed".to_owned()), ..plain(1, "u3", &[0, 0]) };
        assert_eq!(nakama(text, 2).unwrap(), [zed, plain(2, "u4", &[3, 0])]);
        assert_eq!(nakama("{}", 1).unwrap(), []);
        assert_eq!(nakama(r#"{"next_cursor":"","rank_count":"0"}"#, 1).unwrap(), []);
    }

    #[test]
    fn nakama_lists_single_owners_beside_a_page() {
        let text = r#"{"owner_records":[{"owner_id":"u1","score":"5"},{"owner_id":"u2","score":"4"}]}"#;
        assert_eq!(nakama(text, 1).unwrap(), [plain(1, "u1", &[5]), plain(2, "u2", &[4])]);
        let text = r#"{"records":[{"owner_id":"u2","score":"4"},{"owner_id":"u3","score":"3"}],
            "owner_records":[{"owner_id":"u1","score":"5"},{"owner_id":"u2","score":"4"}]}"#;
        let all = [plain(1, "u2", &[4]), plain(2, "u3", &[3]), plain(3, "u1", &[5])];
        assert_eq!(nakama(text, 1).unwrap(), all);
        assert_eq!(nakama(r#"{"records":[],"owner_records":[]}"#, 1).unwrap(), []);
    }

    #[test]
    fn a_byte_order_mark_is_passed_over() {
        let all = [
            csv("\u{feff}player_id,score\na,1\n"),
            jsonl("\u{feff}{\"player_id\":\"a\",\"values\":[1]}\n"),
            nakama("\u{feff}{\"records\":[{\"owner_id\":\"a\",\"score\":\"1\"}]}", 1),
            playfab("\u{feff}{\"Leaderboard\":[{\"PlayFabId\":\"a\",\"StatValue\":1}]}"),
        ];
        for found in all {
            let found = found.unwrap();
            assert_eq!((found.len(), found[0].player.as_str(), found[0].values[0]), (1, "a", 1));
        }
    }

    #[test]
    fn a_score_of_others_is_as_old_as_they_say() {
        let at = Some(Timestamp::from_millis(1_700_000_000_500));
        let text = r#"{"records":[{"owner_id":"u","score":"1","update_time":"2023-11-14T22:13:20.5Z"}]}"#;
        assert_eq!(nakama(text, 1).unwrap(), [Record { at, ..plain(1, "u", &[1]) }]);
        let text = r#"{"data":{"Rankings":[{"Entity":{"Id":"E"},"Scores":["1"],
            "LastUpdated":"2023-11-15T00:13:20.5+02:00"}]}}"#;
        assert_eq!(playfab(text).unwrap(), [Record { at, ..plain(1, "E", &[1]) }]);
        let text = r#"{"records":[{"owner_id":"u","update_time":"soon"}]}"#;
        assert!(nakama(text, 1).unwrap_err().starts_with("record 1: update_time `soon`"));
    }
}
