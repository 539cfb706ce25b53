//! What comes to queues, written down for `gsm simulate`: one JSON object a line (docs/simulate.md), in files of bounded
//! size, of which a bounded number is kept.
//!
//! Ids are hashed under a key that is drawn at the start and kept nowhere, so that nobody, not even its owner, can tell
//! from a recording who a player was; the same player has the same hash within one run of the server, which tells of all who
//! wait when it begins.
use crate::config::RecordingConfig;
use gsm_core::{Clock, IdSource, PlayerId, TicketId, Timestamp};
use gsm_engine::{Recorder, TicketEnd, TicketStep};
use gsm_rules::Value;
use gsm_traffic::{Line, Outcome, Plain, Player, VERSION};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Lines that wait to be written; more are lost, and counted.
pub(crate) const WAITING_MAX: usize = 65_536;
/// Bytes that they need in memory, together.
pub(crate) const WAITING_BYTES_MAX: usize = 64 << 20;
/// What a line, and each of its values, is in memory beside its texts, about.
const VALUE_BYTES: usize = 64;
/// Lines written at once.
const BATCH_MAX: usize = 4_096;
/// Bytes that are read at once of a file that was there before.
const BLOCK_BYTES: u64 = 64 * 1024;
/// Bytes of the first line of a file, at most.
const HEAD_BYTES_MAX: usize = 256;
/// Hexadecimal digits of a hash.
const HASH_DIGITS: usize = 32;
/// Characters of an id.
const ID_CHARS: usize = PlayerId::PREFIX.len() + 1 + 32;

/// The files of a recording.
pub(crate) struct Files {
    dir: PathBuf,
    file: File,
    /// Bytes of the file, all of whole lines.
    written: u64,
    /// Whether a piece of a line is behind them.
    is_torn: bool,
    /// Whether anything was written since the start of the server.
    is_begun: bool,
    file_bytes_max: u64,
    files_max: usize,
}

impl Files {
    /// Goes on in the newest file of `dir`, once there is something to write. A file of other lines than ours is full.
    pub(crate) fn open(dir: &Path, config: &RecordingConfig) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        let mut file = opened(OpenOptions::new().read(true).create(true), dir)?;
        let file_bytes_max = (config.file_mib as u64) << 20;
        let (whole, there) = (whole_lines(&mut file)?, file.metadata()?.len());
        let (written, is_torn) =
            if is_ours(&mut file)? { (whole, whole < there) } else { (there.max(file_bytes_max), false) };
        let dir = dir.to_owned();
        Ok(Self { dir, file, written, is_torn, is_begun: false, file_bytes_max, files_max: config.files_max })
    }

    /// The first line of a file, or since the start of the server.
    fn head(&mut self, now: Timestamp) -> io::Result<()> {
        let (mut text, start) = (Vec::new(), !self.is_begun);
        write_line(&mut text, &Line::Recording { version: VERSION, at_ms: now.as_millis(), start })?;
        self.put(&text, &mut 0)?;
        self.is_begun = true;
        Ok(())
    }

    /// Writes lines, and begins the next file when this one is full; tells how many are lost where that failed.
    fn write(&mut self, lines: &[Line], now: Timestamp) -> (usize, io::Result<()>) {
        let mut written = 0;
        let done = self.write_counted(lines, now, &mut written);
        (lines.len().saturating_sub(written), done)
    }

    fn write_counted(&mut self, lines: &[Line], now: Timestamp, written: &mut usize) -> io::Result<()> {
        let mut text = Vec::new();
        for line in lines {
            if self.written + text.len() as u64 >= self.file_bytes_max {
                self.put(&text, written)?;
                text.clear();
                rotate(&self.dir, self.files_max)?;
                self.file = opened(OpenOptions::new().create_new(true), &self.dir)?;
                (self.written, self.is_torn) = (0, false);
            }
            // There may have been no room for it when the file was begun.
            if !self.is_begun || (self.written == 0 && text.is_empty()) {
                self.head(now)?;
            }
            write_line(&mut text, line)?;
        }
        self.put(&text, written)
    }

    /// Adds whole lines to the file, counting them: where not all can be written, as many as can. What is there of the
    /// next one is cut off, at once or before more is written.
    fn put(&mut self, text: &[u8], lines: &mut usize) -> io::Result<()> {
        self.cut()?;
        let (done, result) = write_some(&mut self.file, text);
        let done = text.get(..done).unwrap_or(text);
        let whole = done.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        self.written += whole as u64;
        self.is_torn = whole < done.len();
        *lines += done.iter().filter(|byte| **byte == b'\n').count();
        if result.is_err() {
            let _ = self.cut();
        }
        result
    }

    fn cut(&mut self) -> io::Result<()> {
        if self.is_torn {
            self.file.set_len(self.written)?;
            self.is_torn = false;
        }
        Ok(())
    }
}

/// Writes as much as can be; how many bytes that are.
fn write_some(sink: &mut impl io::Write, text: &[u8]) -> (usize, io::Result<()>) {
    let mut done = 0;
    while let Some(rest) = text.get(done..).filter(|rest| !rest.is_empty()) {
        match sink.write(rest) {
            Ok(0) => return (done, Err(io::ErrorKind::WriteZero.into())),
            Ok(count) => done += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (done, Err(error)),
        }
    }
    (done, Ok(()))
}

fn write_line(text: &mut Vec<u8>, line: &Line) -> io::Result<()> {
    serde_json::to_writer(&mut *text, line)?;
    text.push(b'\n');
    Ok(())
}

fn file_name(age: usize) -> String {
    if age == 0 { "tickets.jsonl".to_owned() } else { format!("tickets.{age}.jsonl") }
}

/// Makes room for the next file: each becomes the next older one, up to where one is missing, and the oldest goes if none
/// is. So nothing goes where that failed half way and is done again.
fn rotate(dir: &Path, files_max: usize) -> io::Result<()> {
    let path = |age: usize| dir.join(file_name(age));
    let oldest = files_max.saturating_sub(1);
    let mut room = 0;
    while room < oldest && path(room).try_exists()? {
        room += 1;
    }
    if room == oldest && path(oldest).try_exists()? {
        fs::remove_file(path(oldest))?;
    }
    for age in (0..room).rev() {
        fs::rename(path(age), path(age + 1))?;
    }
    Ok(())
}

/// The newest file, which its owner alone reads. Whatever is written goes to its end, also where that was cut off.
fn opened(options: &mut OpenOptions, dir: &Path) -> io::Result<File> {
    options.append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.open(dir.join(file_name(0)))
}

/// The bytes of a file up to the end of its last whole line.
fn whole_lines(file: &mut File) -> io::Result<u64> {
    let mut end = file.metadata()?.len();
    while end > 0 {
        let from = end.saturating_sub(BLOCK_BYTES);
        let mut block = Vec::new();
        file.seek(SeekFrom::Start(from))?;
        file.by_ref().take(end - from).read_to_end(&mut block)?;
        if let Some(at) = memchr::memrchr(b'\n', &block) {
            return Ok(from + at as u64 + 1);
        }
        end = from;
    }
    Ok(0)
}

/// Whether a file begins as those that are written here, or is a piece of that: nobody else's file is cut.
fn is_ours(file: &mut File) -> io::Result<bool> {
    let mut there = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.by_ref().take(BLOCK_BYTES).read_to_end(&mut there)?;
    let mut lines = there.split(|byte| *byte == b'\n');
    let (first, is_whole) = (lines.next().unwrap_or_default(), lines.next().is_some());
    if !is_whole {
        let head = format!("{{\"type\":\"recording\",\"version\":{VERSION},\"at_ms\":");
        let common = first.len().min(head.len());
        return Ok(first.len() < HEAD_BYTES_MAX && first.get(..common) == head.as_bytes().get(..common));
    }
    Ok(matches!(serde_json::from_slice(first), Ok(Line::Recording { version: VERSION, .. })))
}

/// A line that waits, and its bytes until it is written.
type Waiting = (Line, OwnedSemaphorePermit);

/// Bytes that a line needs in memory, about.
fn bytes_of(line: &Line) -> usize {
    let of_value = |value: &Plain| match value {
        Plain::Number(_) => 0,
        Plain::Text(text) => text.len(),
        Plain::List(texts) => texts.iter().map(|text| VALUE_BYTES + text.len()).sum(),
        Plain::Map(entries) => entries.keys().map(|key| VALUE_BYTES + key.len()).sum(),
    };
    let of_player = |player: &Player| {
        let attributes = player.attributes.iter().map(|(name, value)| name.len() + of_value(value));
        let latencies = player.latency_ms.keys().map(String::len);
        let values = attributes.chain(latencies).map(|bytes| VALUE_BYTES + bytes).sum::<usize>();
        VALUE_BYTES + player.player.len() + player.alias.as_ref().map_or(0, String::len) + values
    };
    let of_players = match line {
        Line::Arrived { queue, players, .. } => queue.len() + players.iter().map(of_player).sum::<usize>(),
        _ => 0,
    };
    VALUE_BYTES + HASH_DIGITS + of_players
}

/// Hears the engine, and hands lines to who writes them.
pub(crate) struct Writing {
    key: [u8; 32],
    lines: mpsc::Sender<Waiting>,
    /// One for each byte that may wait.
    bytes: Arc<Semaphore>,
    clock: Arc<dyn Clock>,
    lost: Arc<AtomicU64>,
}

impl Writing {
    /// Starts who writes; it ends with `stop`, when what waits is written.
    pub(crate) fn start(
        files: Files,
        ids: &dyn IdSource,
        clock: &Arc<dyn Clock>,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Arc<Self> {
        let (lines, waiting) = mpsc::channel(WAITING_MAX);
        let mut key = [0; 32];
        for half in key.chunks_exact_mut(16) {
            half.copy_from_slice(&ids.next_u128().to_be_bytes());
        }
        let lost = Arc::new(AtomicU64::new(0));
        tasks.spawn(write_all(files, waiting, clock.clone(), lost.clone(), stop.clone()));
        let bytes = Arc::new(Semaphore::new(WAITING_BYTES_MAX));
        Arc::new(Self { key, lines, bytes, clock: clock.clone(), lost })
    }

    fn hash(&self, kind: &str, id: &[u8]) -> String {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(kind.as_bytes()).update(id);
        hasher.finalize().to_hex().chars().take(HASH_DIGITS).collect()
    }

    fn player(&self, id: PlayerId) -> String {
        self.hash("player", &id.as_u128().to_be_bytes())
    }

    /// Whom a text names: an id is hashed as where it is the player's own.
    fn named(&self, text: &str) -> String {
        text.parse().map_or_else(|_| self.hash("name", text.as_bytes()), |id| self.player(id))
    }

    /// A text with a hash in the place of each id of a player, in whatever letters.
    fn without_ids(&self, text: String) -> String {
        let small = text.to_ascii_lowercase();
        let (mut plain, mut done) = (String::new(), 0);
        for (at, _) in small.match_indices(PlayerId::PREFIX) {
            let end = at + ID_CHARS;
            if let Some(Ok(id)) = small.get(at..end).map(str::parse::<PlayerId>) {
                plain.push_str(text.get(done..at).unwrap_or_default());
                plain.push_str(&self.player(id));
                done = end;
            }
        }
        plain.push_str(text.get(done..).unwrap_or_default());
        plain
    }

    /// An attribute's value without ids of players; `naming`: it is a list of nothing else.
    fn plain(&self, value: Value, naming: bool) -> Plain {
        let hidden = |text: String| if naming { self.named(&text) } else { self.without_ids(text) };
        match value {
            Value::Number(number) => Plain::Number(number),
            Value::Text(text) => Plain::Text(hidden(text)),
            Value::List(texts) => Plain::List(texts.into_iter().map(hidden).collect()),
            Value::Map(entries) => {
                Plain::Map(entries.into_iter().map(|(key, number)| (hidden(key), number)).collect())
            }
        }
    }

    fn line(&self, id: TicketId, step: TicketStep) -> Line {
        let ticket = self.hash("ticket", &id.as_u128().to_be_bytes());
        match step {
            TicketStep::Arrived { at, queue, players, naming } => {
                let plain = |(name, value): (String, Value)| {
                    let value = self.plain(value, naming.contains(&name));
                    (name, value)
                };
                let players = players.into_iter().map(|(id, member)| Player {
                    player: self.player(id),
                    alias: member.alias.map(|name| self.named(&name)),
                    attributes: member.attributes.into_iter().map(plain).collect(),
                    latency_ms: member.latency_ms,
                });
                let (queue, players) = (queue.to_string(), players.collect());
                Line::Arrived { at_ms: at.as_millis(), ticket, queue, players }
            }
            TicketStep::Proposed => Line::Proposed { at_ms: self.clock.now().as_millis(), ticket },
            TicketStep::Ended { at, how } => {
                let outcome = match how {
                    TicketEnd::Matched => Outcome::Matched,
                    TicketEnd::TimedOut => Outcome::TimedOut,
                    TicketEnd::Cancelled => Outcome::Cancelled,
                    TicketEnd::Declined => Outcome::Declined,
                    TicketEnd::Ignored => Outcome::Ignored,
                    TicketEnd::Failed => Outcome::Failed,
                };
                Line::Ended { at_ms: at.as_millis(), ticket, outcome }
            }
        }
    }
}

impl Recorder for Writing {
    fn note(&self, ticket: TicketId, step: TicketStep) {
        let line = self.line(ticket, step);
        let bytes = u32::try_from(bytes_of(&line)).unwrap_or(u32::MAX);
        let room = self.bytes.clone().try_acquire_many_owned(bytes);
        if !room.is_ok_and(|room| self.lines.try_send((line, room)).is_ok()) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

async fn write_all(
    mut files: Files,
    mut waiting: mpsc::Receiver<Waiting>,
    clock: Arc<dyn Clock>,
    lost: Arc<AtomicU64>,
    stop: CancellationToken,
) {
    let mut told = 0;
    // While it cannot be written: lines that are lost by that.
    let mut missed: Option<usize> = None;
    let mut stopping = false;
    while !stopping {
        let mut batch = Vec::new();
        tokio::select! {
            count = waiting.recv_many(&mut batch, BATCH_MAX) => stopping = count == 0,
            () = stop.cancelled() => stopping = true,
        }
        if stopping {
            // What was taken before the end is written as well.
            while let Ok(line) = waiting.try_recv() {
                batch.push(line);
            }
        }
        let (now, is_empty) = (clock.now(), batch.is_empty());
        let (lines, rooms): (Vec<Line>, Vec<OwnedSemaphorePermit>) = batch.into_iter().unzip();
        let write = move || {
            let done = files.write(&lines, now);
            drop(rooms);
            (files, done)
        };
        let (missing, done) = match tokio::task::spawn_blocking(write).await {
            Ok((back, done)) => {
                files = back;
                done
            }
            Err(error) => {
                tracing::error!(%error, "the recording of traffic ended badly");
                return;
            }
        };
        match (done, &mut missed) {
            (Err(error), None) => {
                tracing::error!(%error, "the recording of traffic cannot be written: lines are lost until it can");
                missed = Some(missing);
            }
            (Err(_), Some(missed)) => *missed += missing,
            (Ok(()), Some(lines)) if !is_empty => {
                tracing::info!(
                    lines = *lines,
                    "the recording of traffic goes on, without the lines that were lost"
                );
                missed = None;
            }
            (Ok(()), _) => {}
        }
        let lost = lost.load(Ordering::Relaxed);
        if lost > told {
            tracing::warn!(
                lines = lost - told,
                "lines of the recording are lost, the disk is slower than traffic"
            );
            told = lost;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gsm_adapters::{SystemClock, SystemIds};
    use gsm_core::QueueName;
    use gsm_rules::Member;
    use gsm_traffic::Recording;

    fn config(files_max: usize) -> RecordingConfig {
        RecordingConfig { dir: None, files_max, file_mib: 1 }
    }

    fn arrived(player: u128) -> TicketStep {
        let member = Member {
            player: String::new(),
            attributes: [("rating".to_owned(), Value::Number(1_500.0))].into(),
            latency_ms: [("eu".to_owned(), 20)].into(),
            ..Member::default()
        };
        let players = vec![(PlayerId::from_u128(player), member)];
        let (at, queue) = (Timestamp::from_millis(5), QueueName::new("duel").unwrap());
        TicketStep::Arrived { at, queue, players, naming: vec!["blocked".to_owned()] }
    }

    async fn written(dir: &Path, steps: &[(u128, TicketStep)]) -> String {
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let files = Files::open(dir, &config(3)).unwrap();
        let writing = Writing::start(files, &SystemIds, &clock, &tasks, &stop);
        steps.iter().for_each(|(id, step)| writing.note(TicketId::from_u128(*id), step.clone()));
        stop.cancel();
        tasks.close();
        tasks.wait().await;
        fs::read_to_string(dir.join("tickets.jsonl")).unwrap()
    }

    /// However few lines they are.
    #[tokio::test]
    async fn no_more_bytes_wait_than_may() {
        let (lines, mut waiting) = mpsc::channel(WAITING_MAX);
        let (clock, bytes) = (Arc::new(SystemClock::new()), Arc::new(Semaphore::new(WAITING_BYTES_MAX)));
        let writing = Writing { key: [7; 32], lines, bytes, clock, lost: Arc::default() };
        let TicketStep::Arrived { at, queue, mut players, naming } = arrived(7) else { panic!("it comes") };
        let [half, quarter] = [2, 4].map(|part| "x".repeat((1 << 20) / part));
        let list = Value::List(vec![quarter; 2]);
        players[0].1.attributes = [("a".to_owned(), Value::Text(half)), ("b".to_owned(), list)].into();
        let step = TicketStep::Arrived { at, queue, players, naming };
        (0..70).for_each(|id| writing.note(TicketId::from_u128(id), step.clone()));
        let lost = || writing.lost.load(Ordering::Relaxed);
        assert_eq!(lost(), 7, "each has some more than a MiB");
        // What is small has room, until the lines are too many.
        writing.note(TicketId::from_u128(1), TicketStep::Proposed);
        assert_eq!(lost(), 7);
        assert!(waiting.recv().await.is_some());
        writing.note(TicketId::from_u128(1), step);
        assert_eq!(lost(), 7, "what is written leaves room");
    }

    #[tokio::test]
    async fn what_is_written_is_read_and_names_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let end = TicketStep::Ended { at: Timestamp::from_millis(9), how: TicketEnd::Cancelled };
        let steps = [(1, arrived(7)), (2, arrived(7)), (1, end)];
        let text = written(dir.path(), &steps).await;
        let mut recording = Recording::default();
        text.lines().for_each(|line| recording.push(line).unwrap());
        assert_eq!(
            (recording.queues()["duel"], recording.waiting(None).unwrap().len(), recording.orphans),
            (2, 1, 0)
        );
        let traffic = recording.traffic(None, gsm_core::Millis::ZERO, 1).unwrap();
        let [one, two] = &traffic.arrivals[..] else { panic!("{traffic:?}") };
        assert_eq!(one.members[0].player, two.members[0].player, "one player has one hash");
        for id in [TicketId::from_u128(1).to_string(), PlayerId::from_u128(7).to_string()] {
            assert!(!text.contains(id.split('-').next_back().unwrap()), "{text}");
        }
        // Another run goes on behind it, under another key.
        let both = written(dir.path(), &steps).await;
        let again = both.strip_prefix(&text).unwrap();
        assert!(again.starts_with("{\"type\":\"recording\"") && again.contains("\"start\":true"), "{again}");
        assert_ne!(text.lines().nth(1), again.lines().nth(1));
        let mut recording = Recording::default();
        both.lines().for_each(|line| recording.push(line).unwrap());
        // Who waited when the first run ended would have come again.
        assert_eq!((recording.queues()["duel"], recording.waiting(None).unwrap().len()), (3, 1));
    }

    /// What the rules read of who names whom is the same of the hashes.
    #[tokio::test]
    async fn who_names_whom_is_kept_and_names_nobody() {
        let text = r#"{"ruleLanguageVersion": "1.0",
            "playerAttributes": [{"name": "blocked", "type": "string_list", "default": []}, {"name": "friends", "type": "string_list", "default": []}],
            "teams": [{"name": "a", "minPlayers": 1, "maxPlayers": 1}, {"name": "b", "minPlayers": 1, "maxPlayers": 1}],
            "rules": [{"name": "Blocked", "type": "avoid", "attribute": "blocked"}]}"#;
        let set = gsm_rules::parse(text, gsm_rules::Dialect::Extended).unwrap().set;
        let [ann, bob] = [7, 8].map(PlayerId::from_u128);
        let naming = |step: TicketStep, alias: Option<&str>, of: &str, named: &str| {
            let TicketStep::Arrived { at, queue, mut players, naming } = step else { panic!("it comes") };
            let list = Value::List(vec![named.to_owned()]);
            players[0].1.attributes = [(of.to_owned(), list)].into();
            players[0].1.alias = alias.map(str::to_owned);
            TicketStep::Arrived { at, queue, players, naming }
        };
        for (of, named, avoided) in [
            ("blocked", bob.to_string(), true),
            ("blocked", "Bob@home".to_owned(), true),
            ("blocked", "carol".to_owned(), false),
            ("friends", bob.to_string(), false),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let one = naming(arrived(ann.as_u128()), None, of, &named);
            let two = naming(arrived(bob.as_u128()), Some("Bob@home"), of, "nobody");
            let text = written(dir.path(), &[(1, one), (2, two)]).await;
            for clear in ["plr-", "@home", "carol"] {
                assert!(!text.contains(clear), "{text}");
            }
            assert_eq!(text.contains("nobody"), of == "friends", "what names no player stays: {text}");
            let mut recording = Recording::default();
            text.lines().for_each(|line| recording.push(line).unwrap());
            let mut symbols = set.symbols();
            let parties: Vec<_> = recording
                .waiting(None)
                .unwrap()
                .iter()
                .map(|of| set.prepare(of.members, &mut symbols).unwrap())
                .collect();
            let seats: Vec<_> =
                (0..).zip(&parties).map(|(team, party)| gsm_rules::Seat { team, party }).collect();
            assert_eq!(set.stages()[0].holds(&seats), !avoided, "{of} {named}");
        }
    }

    /// An id is found wherever a value has it.
    #[tokio::test]
    async fn ids_within_texts_and_names_are_hashed() {
        let ann = PlayerId::from_u128(7);
        let TicketStep::Arrived { at, queue, mut players, naming } = arrived(7) else { panic!("it comes") };
        let big = ann.to_string().to_uppercase();
        let text = |text: String| Value::Text(text);
        players[0].1.attributes = [
            ("said".to_owned(), text(format!("é hi {ann}, {ann}{ann}!"))),
            ("big".to_owned(), text(format!("plr-plr-{big}"))),
            ("tags".to_owned(), Value::List(vec![format!("a:{ann}"), "plr-7".to_owned()])),
            ("by".to_owned(), Value::Map([(format!("with {ann}"), 1.0)].into())),
            ("own".to_owned(), text(ann.to_string())),
        ]
        .into();
        let dir = tempfile::tempdir().unwrap();
        let step = TicketStep::Arrived { at, queue, players, naming };
        let written = written(dir.path(), &[(1, step)]).await;
        let digits = "00000000000000000000000000000007";
        assert!(!written.contains(digits), "{written}");
        let line: serde_json::Value = serde_json::from_str(written.lines().nth(1).unwrap()).unwrap();
        let (player, of) =
            (line["players"][0]["player"].as_str().unwrap(), &line["players"][0]["attributes"]);
        assert_eq!(of["own"], *player);
        assert_eq!(of["said"], format!("é hi {player}, {player}{player}!"));
        assert_eq!(of["big"], format!("plr-plr-{player}"));
        assert_eq!(of["tags"], serde_json::json!([format!("a:{player}"), "plr-7"]));
        assert_eq!(of["by"], serde_json::json!({ format!("with {player}"): 1.0 }));
    }

    #[test]
    fn files_have_their_size_and_the_oldest_go() {
        let dir = tempfile::tempdir().unwrap();
        let now = Timestamp::EPOCH;
        let mut files = Files::open(dir.path(), &config(3)).unwrap();
        let ticket = "t".repeat(200_000);
        for at_ms in 0..30 {
            files.write(&[Line::Proposed { at_ms, ticket: ticket.clone() }], now).1.unwrap();
        }
        let names = names(dir.path());
        assert_eq!(names, ["tickets.1.jsonl", "tickets.2.jsonl", "tickets.jsonl"]);
        for name in names {
            let path = dir.path().join(name);
            assert!(fs::metadata(&path).unwrap().len() < (1 << 20) + 300_000);
            assert!(fs::read_to_string(&path).unwrap().starts_with("{\"type\":\"recording\",\"version\":1"));
        }
        assert!(Files::open(Path::new("/dev/null/x"), &config(3)).is_err());
    }

    fn proposed(ticket: &str) -> Line {
        Line::Proposed { at_ms: 1, ticket: ticket.to_owned() }
    }

    /// The tickets that the lines of a file are about; each is whole.
    fn tickets(path: &Path) -> Vec<String> {
        let text = fs::read_to_string(path).unwrap();
        assert!(text.ends_with('\n') && text.starts_with("{\"type\":\"recording\""), "{text}");
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        lines
            .filter_map(|line| if let Line::Proposed { ticket, .. } = line { Some(ticket) } else { None })
            .collect()
    }

    fn names(dir: &Path) -> Vec<String> {
        let names = fs::read_dir(dir).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn a_start_goes_on_in_the_newest_file() {
        let dir = tempfile::tempdir().unwrap();
        let (now, path) = (Timestamp::EPOCH, dir.path().join("tickets.jsonl"));
        let open = || Files::open(dir.path(), &config(3)).unwrap();
        for ticket in ["a", "b"] {
            open().write(&[proposed(ticket)], now).1.unwrap();
            // Starts that write nothing leave nothing.
            for _ in 0..5 {
                open().write(&[], now).1.unwrap();
            }
        }
        assert_eq!((tickets(&path), names(dir.path()).len()), (vec!["a".to_owned(), "b".to_owned()], 1));
        // What a server that was killed left of a line goes, however long it is.
        let torn = "x".repeat(3 * BLOCK_BYTES as usize);
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        io::Write::write_all(&mut file, torn.as_bytes()).unwrap();
        open().write(&[proposed("c")], now).1.unwrap();
        assert_eq!(tickets(&path), ["a", "b", "c"]);
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches("\"start\":true").count(), 3, "{text}");
        // A file that is full stays as it is.
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        io::Write::write_all(&mut file, format!("{}\n", " ".repeat(1 << 20)).as_bytes()).unwrap();
        open().write(&[proposed("d")], now).1.unwrap();
        assert_eq!(tickets(&path), ["d"]);
        // So does one that another version wrote.
        fs::write(&path, "{\"type\":\"recording\",\"version\":0,\"at_ms\":1}\n").unwrap();
        open().write(&[proposed("e")], now).1.unwrap();
        assert_eq!(tickets(&path), ["e"]);
        assert_eq!(names(dir.path()), ["tickets.1.jsonl", "tickets.2.jsonl", "tickets.jsonl"]);
    }

    #[test]
    fn no_file_of_others_is_cut() {
        let head = "{\"type\":\"recording\",\"version\":1,\"at_ms\":17";
        for (there, is_ours) in [
            ("", true),
            ("{\"type\":", true),
            (head, true),
            ("notes of somebody, without an end of a line", false),
            ("{\"type\":\"report\"}", false),
            (&head.replace('1', "9"), false),
            (&format!("{head}{}", "x".repeat(HEAD_BYTES_MAX)), false),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("tickets.jsonl");
            fs::write(&path, there).unwrap();
            let mut files = Files::open(dir.path(), &config(3)).unwrap();
            files.write(&[proposed("a")], Timestamp::EPOCH).1.unwrap();
            assert_eq!(tickets(&path), ["a"], "{there}");
            let older = fs::read_to_string(dir.path().join("tickets.1.jsonl")).ok();
            assert_eq!(older.as_deref(), (!is_ours).then_some(there));
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_disk_that_was_full_loses_lines_and_no_more() {
        let dir = tempfile::tempdir().unwrap();
        let now = Timestamp::EPOCH;
        let mut files = Files::open(dir.path(), &config(3)).unwrap();
        files.write(&[proposed("a")], now).1.unwrap();
        let full = OpenOptions::new().append(true).open("/dev/full").unwrap();
        let there = std::mem::replace(&mut files.file, full);
        let (lost, done) = files.write(&[proposed("b"), proposed("c")], now);
        assert_eq!((lost, done.unwrap_err().kind()), (2, io::ErrorKind::StorageFull));
        files.file = there;
        let whole = files.written;
        io::Write::write_all(&mut files.file, b"{\"type\":\"prop").unwrap();
        files.is_torn = true;
        assert_eq!((files.written, files.write(&[proposed("d")], now).0), (whole, 0));
        assert_eq!(tickets(&dir.path().join("tickets.jsonl")), ["a", "d"]);
    }

    #[test]
    fn a_next_file_that_cannot_be_begun_takes_no_older_one_away() {
        let (dir, away) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (now, here) = (Timestamp::EPOCH, dir.path().join("recorded"));
        let mut files = Files::open(&here, &RecordingConfig { file_mib: 0, ..config(3) }).unwrap();
        for ticket in ["a", "b", "c"] {
            assert_eq!(files.write(&[proposed(ticket)], now).0, 0);
        }
        fs::rename(&here, away.path().join("x")).unwrap();
        for ticket in ["d", "e", "f"] {
            let (lost, done) = files.write(&[proposed(ticket)], now);
            assert!(lost == 1 && done.is_err(), "{ticket}");
        }
        fs::rename(away.path().join("x"), &here).unwrap();
        // Half a rotation was done when it failed.
        fs::rename(here.join("tickets.jsonl"), here.join("tickets.moved")).unwrap();
        assert_eq!(files.write(&[proposed("g")], now).0, 0);
        assert_eq!(tickets(&here.join("tickets.jsonl")), ["g"]);
        assert_eq!(tickets(&here.join("tickets.1.jsonl")), ["b"], "nothing went");
        assert_eq!(tickets(&here.join("tickets.2.jsonl")), ["a"]);
    }

    #[test]
    fn as_much_is_written_as_there_is_room_for() {
        let mut room = [0; 5];
        let (done, result) = write_some(&mut &mut room[..], b"12345678");
        assert_eq!((done, result.unwrap_err().kind(), &room), (5, io::ErrorKind::WriteZero, b"12345"));
        assert_eq!(write_some(&mut Vec::new(), b"12").0, 2);
    }
}
