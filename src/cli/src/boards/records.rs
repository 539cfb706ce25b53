//! Scores as files have them: CSV, and what Nakama and PlayFab answer when a leaderboard is listed.
use gsm_core::Timestamp;
use serde::Deserialize;
use serde_json::Value;

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
}

/// A field as CSV has it (RFC 4180): in quotes where it has to be.
pub(super) fn quoted(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// The fields of a line of CSV; a quoted field does not go over lines here.
fn fields(line: &str) -> Result<Vec<String>, String> {
    let mut fields = vec![String::new()];
    let mut in_quotes = false;
    let mut chars = line.chars().peekable();
    while let Some(char) = chars.next() {
        let Some(field) = fields.last_mut() else { break };
        match char {
            '"' if in_quotes && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' if in_quotes => in_quotes = false,
            '"' if field.is_empty() => in_quotes = true,
            ',' if !in_quotes => fields.push(String::new()),
            _ => field.push(char),
        }
    }
    if in_quotes { Err("a quote is not closed".to_owned()) } else { Ok(fields) }
}

/// CSV with a head: `player_id`, then `score` or `value_1`, `value_2`, ..., and if wanted `display_name`, `timestamp`
/// (milliseconds since 1970) and `metadata`, in any order; other columns are left out.
///
/// # Errors
/// `line N: what`.
pub(super) fn csv(text: &str) -> Result<Vec<Record>, String> {
    let mut lines = text.lines().enumerate().map(|(nth, line)| (nth + 1, line));
    let (_, head) = lines.next().ok_or("line 1: the file is empty")?;
    let head = fields(head.trim_start_matches('\u{feff}')).map_err(|e| format!("line 1: {e}"))?;
    let place = |name: &str| head.iter().position(|column| column == name);
    let player = place("player_id").ok_or("line 1: there is no column `player_id`")?;
    let mut values: Vec<usize> = (1..).map_while(|nth| place(&format!("value_{nth}"))).collect();
    if let Some(score) = place("score").filter(|_| values.is_empty()) {
        values.push(score);
    }
    if values.is_empty() {
        return Err("line 1: there is no column `score` or `value_1`".to_owned());
    }
    let (name, at, metadata) = (place("display_name"), place("timestamp"), place("metadata"));
    lines
        .filter(|(_, line)| !line.is_empty())
        .map(|(line_number, line)| {
            let wrong = |what: String| format!("line {line_number}: {what}");
            let fields = fields(line).map_err(wrong)?;
            if fields.len() != head.len() {
                return Err(wrong(format!("has {} fields, the head has {}", fields.len(), head.len())));
            }
            let text = |at: Option<usize>| at.and_then(|at| fields.get(at)).filter(|text| !text.is_empty());
            let number = |at: usize| {
                let text = fields.get(at).map(String::as_str).unwrap_or_default();
                whole(text).ok_or_else(|| wrong(format!("`{text}` is no whole number")))
            };
            Ok(Record {
                number: line_number,
                player: text(Some(player)).cloned().ok_or_else(|| wrong("has no player_id".to_owned()))?,
                name: text(name).cloned(),
                values: values.iter().map(|at| number(*at)).collect::<Result<_, _>>()?,
                at: text(at).map(|_| number(at.unwrap_or_default())).transpose()?.map(Timestamp::from_millis),
                metadata: text(metadata).cloned(),
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

fn number(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => whole(text),
        other => whole(&other.to_string()),
    }
}

#[derive(Deserialize)]
struct Nakama {
    records: Vec<NakamaRecord>,
}

/// As `GET /v2/leaderboard/{id}` has it: numbers as strings, metadata as a text of JSON.
#[derive(Deserialize)]
struct NakamaRecord {
    owner_id: String,
    username: Option<Value>,
    score: Value,
    #[serde(default)]
    subscore: Option<Value>,
    metadata: Option<Value>,
}

/// What Nakama answers when records are listed; `columns` says whether the subscore is taken.
pub(super) fn nakama(text: &str, columns: usize) -> Result<Vec<Record>, String> {
    let read: Nakama = serde_json::from_str(text).map_err(|e| format!("is no answer of Nakama: {e}"))?;
    read.records
        .into_iter()
        .zip(1..)
        .map(|(record, nth)| {
            let score = number(&record.score)
                .ok_or(format!("record {nth}: score `{}` is no whole number", record.score))?;
            let subscore = record.subscore.as_ref().map_or(Some(0), number);
            let subscore = subscore.ok_or(format!("record {nth}: the subscore is no whole number"))?;
            let mut values = vec![score, subscore];
            values.truncate(columns);
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
                at: None,
                metadata: record.metadata.and_then(text).filter(|text| text != "{}"),
            })
        })
        .collect()
}

/// What PlayFab answers: `GetLeaderboard` of leaderboards v2 (`Rankings` with `Scores`), or of statistics
/// (`Leaderboard` with `StatValue`).
pub(super) fn playfab(text: &str) -> Result<Vec<Record>, String> {
    let read: Value = serde_json::from_str(text).map_err(|e| format!("is no JSON: {e}"))?;
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
            Ok(Record {
                number: nth,
                player: id.ok_or(format!("record {nth}: has no id: {row}"))?.to_owned(),
                name: text("DisplayName"),
                values: scores.ok_or(format!("record {nth}: has no whole scores: {row}"))?,
                at: None,
                metadata: text("Metadata").filter(|text| !text.is_empty()),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(number: usize, player: &str, values: &[i64]) -> Record {
        let player = player.to_owned();
        Record { number, player, name: None, values: values.to_vec(), at: None, metadata: None }
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
            ("player_id\na", "`score`"),
            ("player_id,score\na,1\nb,x", "line 3: `x`"),
            ("player_id,score\na,NaN", "line 2: `NaN`"),
            ("player_id,score\na", "line 2: has 1 fields"),
            ("player_id,score\n\"a,1", "line 2: a quote"),
            ("player_id,score\n,1", "line 2: has no player_id"),
        ] {
            assert!(csv(text).unwrap_err().contains(part), "{text:?}");
        }
        assert_eq!(fields(&quoted("a,\"b\"")).unwrap(), ["a,\"b\""]);
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
        assert!(nakama("{}", 1).is_err() && playfab("{}").is_err() && playfab("nonsense").is_err());
    }
}
