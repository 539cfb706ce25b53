use super::{
    Place,
    segments::{Segments, whole_lines},
};
use crate::output::{Failure, Outcome, is_unread, say};
use clap::Args;
use serde_json::Value;
use std::{collections::VecDeque, time::Duration};

/// Between looks.
const LOOK: Duration = Duration::from_millis(500);

/// `gsm audit tail`
#[derive(Args)]
#[command(after_help = "Examples:
  gsm audit tail --dir gsm-data/audit
  gsm audit tail --dir gsm-data/audit -n 100 --json | jq .eventName
  gsm audit tail --dir gsm-data/audit --follow")]
pub(crate) struct Tail {
    #[command(flatten)]
    place: Place,
    /// So many
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    lines: usize,
    /// Wait for more, until Ctrl-C, or until nobody reads them (`| head`)
    #[arg(long)]
    follow: bool,
    /// The records as they are
    #[arg(long)]
    json: bool,
}

impl Tail {
    pub(super) fn run(self) -> Outcome {
        let mut reader = Reader { log: self.place.segments()?, next: None, seen: None };
        loop {
            for line in reader.look(self.lines)? {
                if self.json {
                    say(String::from_utf8_lossy(&line));
                } else {
                    say(shown(&serde_json::from_slice(&line).unwrap_or(Value::Null)));
                }
            }
            if !self.follow || is_unread() {
                return Ok(());
            }
            std::thread::sleep(LOOK);
        }
    }
}

/// Looks at a log again and again, and reads no more of it than it must.
struct Reader {
    log: Segments,
    /// The first record that was not there.
    next: Option<u64>,
    /// The checkpoint of the last look.
    seen: Option<Vec<u8>>,
}

impl Reader {
    /// The last records, at most so many; at another look those that came since.
    fn look(&mut self, most: usize) -> Result<Vec<Vec<u8>>, Failure> {
        // Before the records: those that come meanwhile have a later one.
        let now = self.log.checkpoint()?;
        let Some(next) = self.next else {
            self.seen = now;
            return self.last(most);
        };
        if now.is_some() && now == self.seen {
            return Ok(Vec::new());
        }
        self.seen = now;
        self.log.list()?;
        let (mut fresh, mut seq) = (Vec::new(), next);
        for segment in self.log.from(next) {
            let (first, text) = segment?;
            let skip = usize::try_from(next.saturating_sub(first)).unwrap_or(usize::MAX);
            let lines = whole_lines(&text);
            seq = first + lines.len() as u64;
            fresh.extend(lines.into_iter().skip(skip).map(<[u8]>::to_vec));
        }
        self.next = Some(seq.max(next));
        Ok(fresh)
    }

    /// From the end as far back as it takes.
    fn last(&mut self, most: usize) -> Result<Vec<Vec<u8>>, Failure> {
        let mut last = VecDeque::new();
        for segment in self.log.from(0).rev() {
            let (first, text) = segment?;
            let lines = whole_lines(&text);
            self.next.get_or_insert(first + lines.len() as u64);
            let left = most - last.len();
            lines.iter().rev().take(left).for_each(|line| last.push_front(line.to_vec()));
            if last.len() == most {
                break;
            }
        }
        Ok(last.into())
    }
}

/// A record for people.
fn shown(record: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let who = &record["userIdentity"];
    let about = record["resources"].as_array().into_iter().flatten().map(|of| text(&of["ARN"]));
    let about = about.take(3).collect::<Vec<_>>().join(" ");
    let error = record["errorCode"].as_str().map(|code| format!(" refused: {code}")).unwrap_or_default();
    let count =
        record["additionalEventData"]["count"].as_u64().map(|n| format!(" ({n} times)")).unwrap_or_default();
    format!(
        "{} {} {} {} {}{error}{count} {about}",
        record["seq"],
        text(&record["eventTime"]),
        text(&record["eventName"]),
        text(&who["type"]),
        text(&who["principalId"]),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use gsm_audit::{CHECKPOINT, Files, SEGMENTS, segment_path};
    use std::{
        collections::BTreeMap,
        io,
        sync::{Arc, Mutex},
    };

    /// Files in memory, which tell what was read.
    #[derive(Default)]
    struct Held {
        files: BTreeMap<String, Vec<u8>>,
        read: Vec<String>,
    }

    #[derive(Clone, Default)]
    struct Seen(Arc<Mutex<Held>>);

    impl Files for Seen {
        fn list(&self, dir: &str) -> io::Result<Vec<String>> {
            let held = self.0.lock().unwrap();
            let within = |path: &String| path.strip_prefix(dir)?.strip_prefix('/').map(str::to_owned);
            Ok(held.files.keys().filter_map(within).collect())
        }
        fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
            let mut held = self.0.lock().unwrap();
            held.read.push(path.to_owned());
            Ok(held.files.get(path).cloned())
        }
    }

    impl Seen {
        fn put(&self, path: &str, text: &str) {
            self.0.lock().unwrap().files.insert(path.to_owned(), text.as_bytes().to_vec());
        }
        /// The segments that were read since the last call, by their first records.
        fn read_since(&self) -> Vec<u64> {
            let paths = std::mem::take(&mut self.0.lock().unwrap().read);
            let digits = |path: &String| {
                path.strip_prefix(SEGMENTS)?.trim_matches(|c: char| !c.is_ascii_digit()).parse().ok()
            };
            paths.iter().filter_map(digits).collect()
        }
    }

    fn check(looked: Vec<Vec<u8>>, wanted: &[&str]) {
        let looked: Vec<_> = looked.iter().map(|line| String::from_utf8_lossy(line.trim_ascii())).collect();
        assert_eq!(looked, wanted);
    }

    #[test]
    fn no_more_is_read_than_is_shown() {
        let files = Seen::default();
        for (first, text) in [(0, "a\nb\n"), (2, "c\nd\ne\n"), (5, "f\ng\nhal")] {
            files.put(&segment_path(first), text);
        }
        files.put(CHECKPOINT, "7");
        let reader = || {
            let log = Segments::of(Box::new(files.clone())).unwrap();
            Reader { log, next: None, seen: None }
        };
        check(reader().look(9).unwrap(), &["a", "b", "c", "d", "e", "f", "g"]);
        assert_eq!(files.read_since(), [5, 2, 0]);
        check(reader().look(3).unwrap(), &["e", "f", "g"]);
        assert_eq!(files.read_since(), [5, 2]);
        let mut reader = reader();
        check(reader.look(2).unwrap(), &["f", "g"]);
        assert_eq!(files.read_since(), [5]);
        check(reader.look(2).unwrap(), &[]);
        assert!(files.read_since().is_empty(), "nothing came");
        files.put(&segment_path(5), "f\ng\nhalf\n");
        files.put(&segment_path(8), "i\nj\nk\n");
        files.put(CHECKPOINT, "11");
        check(reader.look(2).unwrap(), &["half", "i", "j", "k"]);
        assert_eq!(files.read_since(), [5, 8]);
        files.put(&segment_path(8), "i\nj\nk\nl\n");
        files.put(CHECKPOINT, "12");
        check(reader.look(2).unwrap(), &["l"]);
        assert_eq!(files.read_since(), [8]);
        // Whoever asks for records from the middle on is not given what is before.
        let from: Vec<u64> = reader.log.from(6).map(|of| of.unwrap().0).collect();
        assert_eq!((from, files.read_since()), (vec![5, 8], vec![5, 8]));
        assert_eq!((reader.log.from(4).next().unwrap().unwrap().0, files.read_since()), (2, vec![2]));
    }
}
