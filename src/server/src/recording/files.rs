//! The files of a recording: each of whole lines and of bounded size, of which a bounded number is kept.
use crate::config::RecordingConfig;
use gsm_core::Timestamp;
use gsm_traffic::{Line, VERSION};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

/// Bytes that are read at once of a file that was there before.
const BLOCK_BYTES: u64 = 64 * 1024;
/// Bytes of the first line of a file, at most.
const HEAD_BYTES_MAX: usize = 256;

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
    pub(super) fn write(&mut self, lines: &[Line], now: Timestamp) -> (usize, io::Result<()>) {
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

#[cfg(test)]
mod tests;
