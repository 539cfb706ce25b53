//! What a store does after a kill, with a flipped bit, and with a cut tail.
use crate::engines::{Db, Res, open};
use crate::load::{Rng, record, records, run};
use std::collections::HashSet;
use std::fs;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Collects the ids in a journal, the number of damaged records, and the last sequence.
fn collect(db: &dyn Db) -> Res<(HashSet<u128>, usize, u64)> {
    let (mut ids, mut bad, mut last) = (HashSet::new(), 0, 0);
    db.journal(&mut |seq, blob| {
        last = seq;
        records(blob).for_each(|id| match id {
            Some(id) => drop(ids.insert(id)),
            None => bad += 1,
        });
    })?;
    Ok((ids, bad, last))
}

/// The child that gets killed: 64 writers, and checkpoints into the tables, until the end comes.
pub fn victim(engine: &str, dir: &Path) -> Res<()> {
    let (journal, tables) = (open(engine, dir, "killed", 32)?, open(engine, dir, "tables", 256)?);
    let last = collect(journal.as_ref())?.2;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            loop {
                let rows: Vec<_> =
                    (0..20_000).map(|i| (crate::load::player_key(i * 37), vec![9; 120])).collect();
                tables.put(&rows).expect("checkpoint");
                std::thread::sleep(Duration::from_millis(200));
            }
        });
        run(journal.as_ref(), None, 64, 60.0, last + 1_000_000, true).map(drop)
    })
}

fn kill(engine: &str, dir: &Path) -> Res<()> {
    let mut acked = HashSet::new();
    for round in 0..3u64 {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--phase", "victim", "--engine", engine, "--dir"])
            .arg(dir)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut pipe = child.stdout.take().ok_or("no pipe")?;
        let reader = std::thread::spawn(move || {
            let mut all = Vec::new();
            pipe.read_to_end(&mut all).map(|_| all)
        });
        std::thread::sleep(Duration::from_millis(2_300 + 370 * round));
        child.kill()?;
        child.wait()?;
        let bytes = reader.join().expect("reader")?;
        acked.extend(bytes.chunks_exact(16).map(|id| u128::from_le_bytes(id.try_into().expect("16"))));
        let begin = Instant::now();
        let tables = open(engine, dir, "tables", 256)?;
        let opened_tables = begin.elapsed();
        let begin = Instant::now();
        let journal = open(engine, dir, "killed", 32)?;
        let opened = begin.elapsed();
        let found = if engine == "file" { tolerant(dir)? } else { collect(journal.as_ref())? };
        println!(
            "{engine}: kill -9 round {round}: acknowledged {} lost {} damaged {}; reopen journal {opened:.1?}, tables {opened_tables:.1?}",
            acked.len(),
            acked.difference(&found.0).count(),
            found.1
        );
        drop(tables);
    }
    Ok(())
}

/// The plain file has no recovery of its own: drop a torn last frame, as a real journal would.
fn tolerant(dir: &Path) -> Res<(HashSet<u128>, usize, u64)> {
    let path = dir.join("killed/log");
    let (all, mut at) = (fs::read(&path)?, 0);
    while let Some(len) = all.get(at + 8..at + 12) {
        let end = at + 20 + u32::from_le_bytes(len.try_into()?) as usize;
        if end > all.len() {
            break;
        }
        at = end;
    }
    fs::OpenOptions::new().write(true).open(&path)?.set_len(at as u64)?;
    collect(open("file", dir, "killed", 32)?.as_ref())
}

fn copy(from: &Path, to: &Path) -> Res<()> {
    fs::create_dir_all(to)?;
    for item in fs::read_dir(from)?.flatten() {
        let target = to.join(item.file_name());
        if item.path().is_dir() {
            copy(&item.path(), &target)?
        } else {
            fs::copy(item.path(), target).map(drop)?
        }
    }
    Ok(())
}

/// The file that holds the most data, and where its data ends (stores pre-allocate with zeros).
fn biggest(dir: &Path, best: &mut (usize, PathBuf)) -> Res<()> {
    for item in fs::read_dir(dir)?.flatten() {
        if item.path().is_dir() {
            biggest(&item.path(), best)?;
        } else if !item.path().to_string_lossy().ends_with("-shm") {
            let end = fs::read(item.path())?.iter().rposition(|b| *b != 0).map_or(0, |p| p + 1);
            if end > best.0 {
                *best = (end, item.path());
            }
        }
    }
    Ok(())
}

fn verdict(engine: &str, dir: &Path, want: usize) -> String {
    let mut opened = false;
    let result = catch_unwind(AssertUnwindSafe(|| -> Res<_> {
        let db = open(engine, dir, "image", 32)?;
        opened = true;
        collect(db.as_ref())
    }));
    let short = |text: String| text.chars().take(90).collect::<String>();
    match result {
        Err(_) => format!("panic (opened={opened})"),
        Ok(Err(e)) if opened => format!("read error: {}", short(e.to_string())),
        Ok(Err(e)) => format!("open error: {}", short(e.to_string())),
        Ok(Ok((ids, bad, _))) if bad + ids.len() == want && bad == 0 => "nothing lost".into(),
        Ok(Ok((_, bad, _))) if bad > 0 => format!("SERVES BAD DATA ({bad} records)"),
        Ok(Ok((ids, _, last))) if want - ids.len() <= 4 && last >= 399 => {
            "loses the tail only, silently".into()
        }
        Ok(Ok((ids, _, last))) if ids.len() as u64 == last * 4 => {
            "SILENTLY LOSES all records after the damage".into()
        }
        Ok(Ok((ids, ..))) => format!("SILENTLY LOSES {} of {want} records", want - ids.len()),
    }
}

pub fn all(engine: &str, dir: &Path) -> Res<()> {
    kill(engine, dir)?;
    std::panic::set_hook(Box::new(|_| {}));
    let (mut rng, want) = (Rng(9), 1_600); // few enough for SQLite to leave all of it in its WAL
    let db = open(engine, dir, "whole", 32)?;
    for seq in 0..400u64 {
        let blob: Vec<u8> = (0..4).flat_map(|i| record(u128::from(seq * 4 + i), &mut rng)).collect();
        db.append(seq + 1, &blob)?;
    }
    copy(&dir.join("whole"), &dir.join("crashed"))?;
    drop(db);
    copy(&dir.join("whole"), &dir.join("closed"))?;
    let readers: &[&str] = if engine == "redb" { &["redb", "redb-check"] } else { &[engine] };
    for (state, reader) in ["crashed", "closed"].iter().flat_map(|s| readers.iter().map(move |r| (s, r))) {
        let mut tally = std::collections::BTreeMap::<String, u32>::new();
        for case in 0..43u64 {
            let image = dir.join("image");
            let _ = fs::remove_dir_all(&image);
            copy(&dir.join(state), &image)?;
            let mut best = (0, PathBuf::new());
            biggest(&image, &mut best)?;
            let length = fs::metadata(&best.1)?.len();
            let name = match case {
                0..40 => {
                    let mut bytes = fs::read(&best.1)?;
                    // Anywhere in the data; even steps would hit record boundaries only.
                    bytes[(rng.step() % best.0 as u64) as usize] ^= 4;
                    fs::write(&best.1, bytes)?;
                    "bit flip"
                }
                42 => {
                    // All records are equally long: half the data is where one ends and one begins.
                    let mut bytes = fs::read(&best.1)?;
                    bytes[best.0 / 2] ^= 4;
                    fs::write(&best.1, bytes)?;
                    "bit flip in a frame's first byte"
                }
                40 => "cut 7 bytes off the file",
                _ => "cut 7 bytes off the data",
            };
            if (40..42).contains(&case) {
                let to = if case == 40 { length } else { best.0 as u64 } - 7;
                fs::OpenOptions::new().write(true).open(&best.1)?.set_len(to)?;
            }
            *tally.entry(format!("{name}: {}", verdict(reader, dir, want))).or_default() += 1;
        }
        for (what, times) in tally {
            println!("{reader}: {state} image, {what} (x{times})");
        }
    }
    Ok(())
}
