//! Models that outlive the process: saved beside the store, so that a start learns only from what came since.
//!
//! A snapshot holds all models, with the store's position before they were copied. A model may have learnt more than that by
//! then, and knows how much. What was saved can make a start faster and never a model another: where anything does not fit,
//! all lessons are read.
use super::{
    Forecasts,
    league::{League, Saved},
    lesson,
};
use crate::{
    Engine, EngineError, Snapshots,
    frames::{Reader, Writer},
    store::{Home, Key, KeyRange, Position, Row},
};
use gsm_core::{BoardName, Mode};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
    sync::{Arc, atomic::Ordering},
};

/// Changes with everything that a snapshot says, and with how models learn.
const FORMAT: u32 = 11;
/// The one name that is written.
const NAME: &str = "models";
/// Bytes that are added to a frame at once.
const PIECE: usize = 1 << 13;

/// What a snapshot begins with.
#[derive(Serialize, Deserialize)]
struct Head {
    format: u32,
    /// Only the release that wrote it reads it.
    release: String,
    /// All lessons up to here are in it; of later ones, any.
    position: Position,
}

impl Head {
    fn new(position: Position) -> Self {
        Self { format: FORMAT, release: env!("CARGO_PKG_VERSION").to_owned(), position }
    }
}

fn unfit(what: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_string())
}

fn write(sink: &mut dyn Write, head: &Head, saved: &[(Mode, Saved)]) -> io::Result<()> {
    let mut out = Writer::new(sink);
    let head = postcard::to_stdvec(head).map_err(unfit)?;
    out.add(|frame| frame.extend_from_slice(&head))?;
    out.close()?;
    for one in saved {
        let bytes = postcard::to_stdvec(one).map_err(unfit)?;
        let length = (bytes.len() as u64).to_le_bytes();
        out.add(|frame| frame.extend_from_slice(&length))?;
        for piece in bytes.chunks(PIECE) {
            out.add(|frame| frame.extend_from_slice(piece))?;
        }
    }
    out.end()
}

fn read(
    source: Box<dyn Read + Send>,
    forecasts: &Forecasts,
) -> io::Result<(Position, BTreeMap<Mode, League>)> {
    let mut source = Reader::new(source);
    let mut frame = Vec::new();
    source.next(&mut frame)?;
    let head: Head = postcard::from_bytes(&frame).map_err(|_| unfit("it is of another format"))?;
    if (head.format, head.release.as_str()) != (FORMAT, env!("CARGO_PKG_VERSION")) {
        return Err(unfit("another release wrote it"));
    }
    let (mut bytes, mut leagues) = (Vec::new(), BTreeMap::new());
    loop {
        source.next(&mut frame)?;
        if frame.is_empty() {
            break;
        }
        bytes.extend_from_slice(&frame);
        while let Some((length, rest)) = bytes.split_first_chunk::<8>() {
            let length = usize::try_from(u64::from_le_bytes(*length)).map_err(unfit)?;
            let Some(own) = rest.get(..length) else { break };
            let (mode, saved): (Mode, Saved) = postcard::from_bytes(own).map_err(unfit)?;
            let league = League::restored(saved, forecasts.beginning(&mode)).map_err(unfit)?;
            leagues.insert(mode, league.ok_or_else(|| unfit("another model was trained or promoted since"))?);
            bytes.drain(..8 + length);
        }
    }
    if bytes.is_empty() { Ok((head.position, leagues)) } else { Err(unfit("it ends within a model")) }
}

impl Forecasts {
    /// How many lessons were learnt, of all modes.
    fn learnt(&self) -> u64 {
        self.all().into_iter().map(|(_, league)| league.lock().learnt()).sum()
    }
}

impl Engine {
    /// Saves all models, unless fewer than `lessons_min` results were learnt from since they were last saved; whether it did.
    /// Results are taken meanwhile; predictions of a mode wait for the moment in which its model is copied. Blocks the thread that
    /// calls.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn save_models(&self, to: &dyn Snapshots, lessons_min: u64) -> io::Result<bool> {
        let forecasts = &self.views.forecasts;
        let learnt = forecasts.learnt();
        let since = learnt.saturating_sub(forecasts.saved.load(Ordering::Relaxed));
        // Before any is copied: what is in the store by then is learnt.
        let Some(position) = self.store(Home::Record).position().filter(|_| since >= lessons_min.max(1))
        else {
            return Ok(false);
        };
        let mut saved = Vec::new();
        for (mode, league) in forecasts.all() {
            let copy = league.lock().clone();
            // What came meanwhile.
            drop(league.lock());
            saved.push((mode, copy.saved().map_err(unfit)?));
        }
        let name = BoardName::new(NAME).map_err(unfit)?;
        to.replace(&name, &mut |sink| write(sink, &Head::new(position), &saved))?;
        forecasts.saved.store(learnt, Ordering::Relaxed);
        tracing::info!(models = saved.len(), learnt, sequence = position.sequence, "models saved");
        Ok(true)
    }

    /// The models of a snapshot, with what came since; none where there is no snapshot that could be brought up to date.
    pub(super) async fn restore_models(
        &self,
        from: &dyn Snapshots,
    ) -> Result<Option<BTreeMap<Mode, League>>, EngineError> {
        let unused = |why: &dyn std::fmt::Display| {
            tracing::warn!(%why, "snapshot of the models is not used, all lessons are read");
        };
        let found = BoardName::new(NAME).map_err(unfit).and_then(|name| from.read(&name));
        let (position, mut leagues) = match found
            .and_then(|source| source.map(|source| read(source, &self.views.forecasts)).transpose())
        {
            Ok(Some(read)) => read,
            Ok(None) => return Ok(None),
            Err(error) => {
                unused(&error);
                return Ok(None);
            }
        };
        let mut since = Vec::new();
        let mut take = |key: Key, version, row: Option<Arc<Row>>| {
            if let (Key::Lesson(mode, id), Some(row)) = (key, row) {
                since.push((version, id, mode, row));
            }
        };
        if !self.store(Home::Record).changed(&KeyRange::AllLessons, position, &mut take).await? {
            unused(&"the store does not know what has changed since");
            return Ok(None);
        }
        since.sort_by_key(|(version, id, _, row)| (*version, lesson(row).map(|of| (of.at, of.depth)), *id));
        let known: BTreeMap<Mode, u64> =
            leagues.iter().map(|(mode, league)| (mode.clone(), league.sequence())).collect();
        for (version, _, mode, row) in &since {
            if *version > known.get(mode).copied().unwrap_or_default()
                && let Some(lesson) = lesson(row)
            {
                let begun = || self.views.forecasts.begun(mode);
                leagues.entry(mode.clone()).or_insert_with(begun).learn(*version, lesson);
            }
        }
        let learnt: u64 = leagues.values().map(League::learnt).sum();
        self.views.forecasts.saved.store(learnt - (since.len() as u64).min(learnt), Ordering::Relaxed);
        tracing::info!(models = leagues.len(), learnt, since = since.len(), "models from their snapshot");
        Ok(Some(leagues))
    }
}
