//! What comes to queues, written down for `gsm simulate`: one JSON object a line (docs/simulate.md), in files of bounded
//! size, of which a bounded number is kept.
//!
//! Ids are hashed under a key that is drawn at the start and kept nowhere, so that nobody, not even its owner, can tell
//! from a recording who a player was; the same player has the same hash within one run of the server, which tells of all who
//! wait when it begins.
mod files;
#[cfg(test)]
mod tests;

pub(crate) use files::Files;

use gsm_core::{Clock, IdSource, PlayerId, TicketId};
use gsm_engine::{Recorder, TicketEnd, TicketStep};
use gsm_rules::Value;
use gsm_traffic::{Line, Outcome, Plain, Player};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
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
/// Hexadecimal digits of a hash.
const HASH_DIGITS: usize = 32;
/// Characters of an id.
const ID_CHARS: usize = PlayerId::PREFIX.len() + 1 + 32;

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
