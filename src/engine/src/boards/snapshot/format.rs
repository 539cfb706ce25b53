//! A board as bytes, in [frames](crate::frames): what it is a board of, and where it stood; then its players, in no order.
use crate::{
    boards::{BoardConfig, facts::Fact},
    frames::{Reader, Writer},
    store::Position,
};
use gsm_core::{PlayerId, Timestamp};
use gsm_ranking::{COLUMNS_MAX, Mark};
use serde::{Deserialize, Serialize};
use std::{io, sync::mpsc::sync_channel, thread};

/// Changes with everything that a snapshot says, and with how boards make their numbers of a rating's row.
const FORMAT: u32 = 1;
/// Frames that were read and not yet taken in.
const AHEAD: usize = 16;

/// What a snapshot begins with.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Head {
    format: u32,
    /// Only the release that wrote it reads it.
    release: String,
    config: BoardConfig,
    /// All changes up to here are in it; of later ones, any.
    pub(super) position: Position,
}

impl Head {
    pub(super) fn new(config: &BoardConfig, position: Position) -> Self {
        let release = env!("CARGO_PKG_VERSION").to_owned();
        Self { format: FORMAT, release, config: config.clone(), position }
    }

    pub(super) fn put(&self, out: &mut Writer<'_>) -> io::Result<()> {
        let json = serde_json::to_vec(self)?;
        out.add(|out| out.extend_from_slice(&json))?;
        out.close()
    }

    /// Reads it; what is no snapshot of this board by this release is damage.
    pub(super) fn take(from: &mut Reader, config: &BoardConfig) -> io::Result<Self> {
        let mut content = Vec::new();
        from.next(&mut content)?;
        let unfit = |what: &str| Err(io::Error::new(io::ErrorKind::InvalidData, what.to_owned()));
        let Ok(head) = serde_json::from_slice::<Self>(&content) else {
            return unfit("it is of another format");
        };
        if (head.format, head.release.as_str()) != (FORMAT, env!("CARGO_PKG_VERSION")) {
            return unfit("another release wrote it");
        }
        if head.config != *config {
            return unfit("it is of a board that was defined otherwise");
        }
        Ok(head)
    }
}

/// Appends a player: id, columns, time, version, deviation, games, whether ranked.
pub(super) fn put(out: &mut Vec<u8>, columns: usize, player: PlayerId, mark: &Mark, fact: Fact) {
    out.extend_from_slice(&player.as_u128().to_le_bytes());
    for column in mark.keys.columns().iter().take(columns) {
        out.extend_from_slice(&column.to_le_bytes());
    }
    out.extend_from_slice(&mark.reached_at.as_millis().to_le_bytes());
    out.extend_from_slice(&mark.version.to_le_bytes());
    out.extend_from_slice(&fact.deviation.to_le_bytes());
    out.extend_from_slice(&fact.games.to_le_bytes());
    out.push(mark.eligible.into());
}

const fn record_bytes(columns: usize) -> usize {
    16 + 8 * columns + 8 + 8 + 4 + 4 + 1
}

fn cut<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*head)
}

fn record(mut bytes: &[u8], columns: usize) -> Option<(PlayerId, Mark, Fact)> {
    let bytes = &mut bytes;
    let player = PlayerId::from_u128(u128::from_le_bytes(cut(bytes)?));
    let mut keys = [0; COLUMNS_MAX];
    for key in keys.iter_mut().take(columns) {
        *key = i64::from_le_bytes(cut(bytes)?);
    }
    let reached_at = Timestamp::from_millis(i64::from_le_bytes(cut(bytes)?));
    let version = u64::from_le_bytes(cut(bytes)?);
    let (deviation, games) = (f32::from_le_bytes(cut(bytes)?), u32::from_le_bytes(cut(bytes)?));
    let [eligible] = cut(bytes)?;
    let mark = Mark { eligible: eligible == 1, ..Mark::new(keys, reached_at, version) };
    Some((player, mark, Fact { deviation, games }))
}

/// Gives every player of the frames after the head; some may have been given before an error. Reads and checks in a
/// thread of its own, ahead of `take`.
pub(super) fn players(
    mut from: Reader,
    columns: usize,
    mut take: impl FnMut(PlayerId, &Mark, Fact),
) -> io::Result<()> {
    thread::scope(|scope| {
        let (give, frames) = sync_channel::<Vec<u8>>(AHEAD);
        let reading = scope.spawn(move || {
            loop {
                let mut content = Vec::new();
                from.next(&mut content)?;
                if content.is_empty() || give.send(content).is_err() {
                    return Ok(());
                }
            }
        });
        for frame in frames {
            for (player, mark, fact) in
                frame.chunks(record_bytes(columns)).filter_map(|row| record(row, columns))
            {
                take(player, &mark, fact);
            }
        }
        reading.join().unwrap_or_else(|_| Err(io::Error::other("a reading thread panicked")))
    })
}
