//! Match histories as files: the format of the evaluation protocol (docs/replay.md), checked line by line.
mod jsonl;
mod kept;
mod line;
mod merge;

use crate::output::{Failure, note};
use gsm_core::Timestamp;
use gsm_rating::{
    evaluation::Unrated,
    history::{History, Lineup},
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jsonl::parse_match;
pub(crate) use line::Fault;
use line::{Row, number_of, parse_row};
pub(crate) use merge::merged;
use std::{
    collections::{HashMap, HashSet},
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
};

/// The first line of every history.
pub(crate) const HEADER: &str = "match_id,timestamp,team,player_id,rank,score,mode";
/// What it may have behind that.
const PARTY: &str = ",party";
/// Longest line; beyond, this is no match history.
const LINE_BYTES_MAX: usize = 4_096;
/// Of JSON, where a line is a whole match.
const JSON_LINE_BYTES_MAX: usize = 1 << 20;
/// Sides of one match; a contest of more is cut up before it gets here.
const SIDES_MAX: usize = 10_000;
/// Faults that are told in full; the others are counted.
const FAULTS_SHOWN: usize = 5;
/// Matches of one file: what the counters of this module hold.
const MATCHES_MAX: usize = 1 << 28;

/// A whole history as it was read, in the order of the file. Players are numbered by their first appearance.
#[derive(Debug, Default)]
pub(crate) struct Chronicle {
    /// The matches.
    pub(crate) history: History,
    /// The number that the file gives each match.
    pub(crate) numbers: Vec<u64>,
    /// The id of each player.
    pub(crate) names: Vec<String>,
    known: HashMap<String, u32>,
    variants: HashMap<String, u16>,
    /// Lines that were left out, and what is wrong with the first of them.
    pub(crate) skipped: u64,
    /// Matches that an earlier file had as well.
    pub(crate) repeated: u64,
    pub(crate) faults: Vec<Fault>,
}

impl Chronicle {
    /// Says which match a system could not rate, and why.
    pub(crate) fn blame(&self, unrated: Unrated) -> Failure {
        let number = self.numbers.get(unrated.index).copied().unwrap_or_default();
        Failure::usage(format!("match {number} cannot be rated: {}", unrated.error))
    }

    fn number_of(&mut self, id: String) -> u32 {
        if let Some(number) = self.known.get(&id) {
            return *number;
        }
        let number = as_u32(self.names.len());
        self.names.push(id.clone());
        self.known.insert(id, number);
        number
    }

    fn variant_of(&mut self, name: &str) -> u16 {
        if let Some(number) = self.variants.get(name) {
            return *number;
        }
        let number = self.history.variant(name);
        self.variants.insert(name.to_owned(), number);
        number
    }
}

/// Below [`MATCHES_MAX`] matches of [`SIDES_MAX`] sides this can only be short of room for files that no memory holds.
fn as_u32(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// How a file is read.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Reading {
    /// Matches that are taken, from the beginning; `None` takes all.
    pub(crate) limit: Option<u64>,
    /// Leave out matches with a bad line instead of stopping there.
    pub(crate) skip_bad: bool,
    /// One of several: it may have no match.
    pub(crate) is_part: bool,
    /// A data directory is to keep the matches: what it does not take is a bad line.
    pub(crate) is_kept: bool,
    /// There is no flag that could be named: a job reads it.
    pub(crate) by_job: bool,
}

/// Reads a history, plain or gzip, whatever the name says.
///
/// # Errors
/// The first line that is wrong, unless those are to be skipped; a wrong header and a file that ends in the middle of
/// its compression are never skipped.
pub(crate) fn read(input: impl Read, how: Reading) -> Result<Chronicle, Fault> {
    let mut plain = BufReader::with_capacity(1 << 16, input);
    let head = plain.fill_buf().map_err(|e| Fault::new(1, format!("cannot be read: {e}")))?;
    if head.starts_with(&[0x1f, 0x8b]) {
        let unpacked = BufReader::with_capacity(1 << 16, flate2::bufread::MultiGzDecoder::new(plain));
        Reader::new(how).read(unpacked)
    } else {
        Reader::new(how).read(plain)
    }
}

/// Reads a history from a file, with a progress bar; tells what was left out.
pub(crate) fn read_file(path: &Path, how: Reading) -> Result<Chronicle, Failure> {
    let shown = path.display();
    let wrong = |error: std::io::Error| Failure::usage(format!("cannot read `{shown}`: {error}"));
    let file = File::open(path).map_err(wrong)?;
    let about = file.metadata().map_err(wrong)?;
    if about.is_dir() {
        return Err(Failure::usage(format!("`{shown}` is a directory\nhint: name the history in it")));
    }
    let bar = drawn(ProgressBar::new(about.len()), "reading  {bar:40} {percent}%, {eta} to go");
    let read = read(bar.wrap_read(file), how);
    bar.finish_and_clear();
    let read = read.map_err(|fault| {
        let hint = if how.skip_bad || how.by_job {
            ""
        } else {
            "\nhint: --skip-bad leaves out matches with bad lines"
        };
        let hint = if fault.what.contains("\nhint: ") { "" } else { hint };
        Failure::usage(format!("{shown}:line {}: {}{hint}", fault.line, fault.what))
    })?;
    if read.skipped > 0 {
        note(format_args!("{shown}: {} bad lines were left out", read.skipped));
        for fault in &read.faults {
            note(format_args!("{shown}:line {}: {}", fault.line, fault.what));
        }
    }
    Ok(read)
}

/// Progress is redrawn so often in a second.
const DRAWS_PER_SECOND: u8 = 8;

/// On standard error, and only where that is a terminal.
pub(crate) fn drawn(bar: ProgressBar, template: &str) -> ProgressBar {
    bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND));
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.set_style(style),
        Err(error) => note(format_args!("no progress bar: {error}")),
    }
    bar
}

/// Matches that have a bad line, wherever it stands. No more than two for each bad line.
#[derive(Debug, Default)]
struct Doomed {
    /// Those of these numbers.
    matches: HashSet<u64>,
    /// Whichever begins next: the number cannot be read.
    next: bool,
}

impl Doomed {
    /// A match begins; whether it is one of them.
    fn begins(&mut self, number: u64) -> bool {
        std::mem::take(&mut self.next) || self.matches.contains(&number)
    }
}

struct Reader {
    how: Reading,
    read: Chronicle,
    /// Rows of the match that is being read.
    rows: Vec<Row>,
    /// The mode that the first of them names which names one; else empty.
    mode: String,
    /// Whether a line of that match was bad.
    spoilt: bool,
    /// Of which matches a line was bad.
    doomed: Doomed,
    /// Number and time of the last match that began.
    last: Option<(u64, i64)>,
    /// The numbers of all that began, from where they fell for the first time: as long as they grow, none comes twice.
    began: Option<HashSet<u64>>,
    line: u64,
    /// Whether each line is a match, as JSON.
    json: bool,
    /// Whether rows tell of parties.
    has_party: bool,
}

impl Reader {
    fn new(how: Reading) -> Self {
        Self {
            how,
            read: Chronicle::default(),
            rows: Vec::new(),
            mode: String::new(),
            spoilt: false,
            doomed: Doomed::default(),
            last: None,
            began: None,
            line: 0,
            json: false,
            has_party: false,
        }
    }

    fn read(mut self, mut input: impl BufRead) -> Result<Chronicle, Fault> {
        let mut buffer = Vec::new();
        let begin = input.fill_buf().map_err(|e| Fault::new(1, format!("cannot be read: {e}")))?;
        // The byte order mark that some editors and spreadsheets put before a text.
        let text = begin.strip_prefix("\u{feff}".as_bytes()).unwrap_or(begin);
        self.json = text.first() == Some(&b'{');
        let mark = begin.len() - text.len();
        input.consume(mark);
        if self.json {
            return self.read_matches(input);
        }
        let header = self.next_line(&mut input, &mut buffer)?;
        if !header && self.how.is_part {
            return self.complete();
        }
        let text = header.then(|| std::str::from_utf8(&buffer).ok()).flatten();
        let behind = text.and_then(|text| text.strip_prefix(HEADER));
        let Some(behind) = behind.filter(|behind| ["", PARTY].contains(behind)) else {
            let what = format!(
                "is not the header of a match history\nhint: the first line must be `{HEADER}`, if wanted with `{PARTY}`, or a \
                 match as JSON"
            );
            return Err(Fault::new(1, what));
        };
        self.has_party = behind == PARTY;
        while !self.is_full() && self.next_line(&mut input, &mut buffer)? {
            if buffer.is_empty() {
                continue;
            }
            let taken = parse_row(&buffer, self.line, self.has_party).and_then(|row| self.take(row));
            if let Err(fault) = taken {
                self.fault(fault)?;
                self.spoil(number_of(&buffer));
            }
        }
        self.complete()
    }

    /// The same of JSON, one match a line.
    fn read_matches(mut self, mut input: impl BufRead) -> Result<Chronicle, Fault> {
        let mut buffer = Vec::new();
        while !self.is_full() && self.next_line(&mut input, &mut buffer)? {
            if buffer.is_empty() {
                continue;
            }
            let rows = parse_match(&buffer, self.line);
            if let Err(fault) = rows.and_then(|rows| rows.into_iter().try_for_each(|row| self.take(row))) {
                self.fault(fault)?;
            }
            self.finish()?;
        }
        self.complete()
    }

    fn complete(mut self) -> Result<Chronicle, Fault> {
        if !self.is_full() {
            self.finish()?;
        }
        if self.read.history.is_empty() && self.read.skipped == 0 && !self.how.is_part {
            return Err(Fault::new(1, "is all there is: no match follows".to_owned()));
        }
        self.read.known = HashMap::new();
        Ok(self.read)
    }

    fn is_full(&self) -> bool {
        let taken = self.read.history.len();
        taken >= MATCHES_MAX || self.how.limit.is_some_and(|limit| taken as u64 >= limit)
    }

    /// The next line without its end; `false` where there is none.
    fn next_line(&mut self, input: &mut impl BufRead, buffer: &mut Vec<u8>) -> Result<bool, Fault> {
        buffer.clear();
        self.line += 1;
        let line = self.line;
        let bytes_max = if self.json { JSON_LINE_BYTES_MAX } else { LINE_BYTES_MAX };
        let mut bounded = input.take(bytes_max as u64 + 1);
        let read = bounded.read_until(b'\n', buffer).map_err(|error| {
            let cut = error.kind() == std::io::ErrorKind::UnexpectedEof;
            let hint = if cut { "\nhint: the file is cut off; fetch it again" } else { "" };
            Fault::new(line, format!("cannot be read: {error}{hint}"))
        })?;
        if read > bytes_max {
            return Err(Fault::new(
                line,
                format!("is longer than {bytes_max} bytes: this is no match history"),
            ));
        }
        while buffer.last().is_some_and(|end| matches!(end, b'\n' | b'\r')) {
            buffer.pop();
        }
        Ok(read > 0)
    }

    /// A line is wrong, or the match that ended before it.
    fn fault(&mut self, fault: Fault) -> Result<(), Fault> {
        if !self.how.skip_bad {
            return Err(fault);
        }
        self.read.skipped += 1;
        if self.read.faults.len() < FAULTS_SHOWN {
            self.read.faults.push(fault);
        }
        Ok(())
    }

    /// A row was left out: so is its match, which is that of `number` or, where no number can be read, the one that is being
    /// read or the one that follows.
    fn spoil(&mut self, number: Option<u64>) {
        match (number, self.last) {
            (Some(number), Some((last, _))) if number == last => self.spoilt = true,
            (Some(number), _) => {
                self.doomed.matches.insert(number);
            }
            (None, _) => (self.spoilt, self.doomed.next) = (true, true),
        }
    }

    /// A row in its place: of the match that is being read, or the first of the next.
    fn take(&mut self, row: Row) -> Result<(), Fault> {
        if self.last.is_some_and(|(number, _)| number == row.number) {
            // Of JSON a line is a whole match, which has been taken then.
            if self.rows.is_empty() {
                return Err(Fault::new(row.line, format!("has match {} a second time", row.number)));
            }
            if self.last.is_some_and(|(_, at)| at != row.at_s) {
                return Err(Fault::new(row.line, format!("gives match {} another timestamp", row.number)));
            }
            // A row may leave it out.
            if self.mode.is_empty() {
                self.mode.clone_from(&row.mode);
            } else if !row.mode.is_empty() && self.mode != row.mode {
                return Err(Fault::new(row.line, format!("gives match {} another mode", row.number)));
            }
            // Whose number could not be read stood between rows of this match, and so was one of them.
            self.doomed.next = false;
            self.rows.push(row);
            return Ok(());
        }
        if let Some(what) = self.misplaced(&row) {
            // A fault of the match before it comes first.
            if !self.how.skip_bad {
                self.finish()?;
            }
            return Err(Fault::new(row.line, what));
        }
        self.finish()?;
        if self.is_full() {
            return Ok(());
        }
        self.spoilt = self.doomed.begins(row.number);
        self.last = Some((row.number, row.at_s));
        if let Some(began) = &mut self.began {
            began.insert(row.number);
        }
        self.mode.clone_from(&row.mode);
        self.rows.push(row);
        Ok(())
    }

    /// What is wrong with the place of a row that begins a match.
    fn misplaced(&mut self, row: &Row) -> Option<String> {
        let (number, at) = self.last?;
        if row.at_s < at {
            let what = "rows are sorted by timestamp";
            return Some(format!("goes back in time, from {at} to {}: {what}", row.at_s));
        }
        if row.number > number && self.began.is_none() {
            return None;
        }
        if row.number < number && row.at_s == at {
            let what = "those of one timestamp are sorted by match_id, and the rows of a match are adjacent";
            return Some(format!("has match {} after match {number}: {what}", row.number));
        }
        let numbers = &self.read.numbers;
        let began = self.began.get_or_insert_with(|| numbers.iter().copied().chain([number]).collect());
        let what = "the rows of a match are adjacent, and a match_id is that of one match";
        began.contains(&row.number).then(|| format!("has match {} a second time: {what}", row.number))
    }

    /// The match that was read is complete.
    fn finish(&mut self) -> Result<(), Fault> {
        let rows = std::mem::take(&mut self.rows);
        let is_spoilt = std::mem::take(&mut self.spoilt);
        let added = if is_spoilt { Ok(()) } else { self.add(rows) };
        // What is left out is so also where it goes on elsewhere.
        if is_spoilt || added.is_err() {
            self.doomed.matches.extend(self.last.map(|(number, _)| number));
        }
        added.or_else(|fault| self.fault(fault))
    }

    fn add(&mut self, mut rows: Vec<Row>) -> Result<(), Fault> {
        let Some((number, at_s, line)) = rows.first().map(|row| (row.number, row.at_s, row.line)) else {
            return Ok(());
        };
        rows.sort_by_key(|row| row.team);
        let sides: Vec<&[Row]> = rows.chunk_by(|a, b| a.team == b.team).collect();
        check_sides(number, line, &sides)?;
        if self.how.is_kept {
            kept::check(number, line, &sides, &party_sizes(&sides))?;
        }
        let mut order: Vec<u32> = sides.iter().filter_map(|side| side.first().map(|row| row.rank)).collect();
        let ranks = order.clone();
        order.sort_unstable();
        let variant = self.read.variant_of(&self.mode);
        let parties = party_sizes(&sides);
        let players: Vec<Vec<u32>> = sides
            .iter()
            .map(|side| side.iter().map(|row| self.read.number_of(row.player.clone())).collect())
            .collect();
        let lineups = sides.iter().zip(ranks).zip(&players).map(|((side, rank), players)| {
            let score = side.first().and_then(|row| row.score);
            Lineup {
                place: as_u32(order.partition_point(|other| *other < rank)) + 1,
                score: score.filter(|_| side.iter().all(|row| row.score == score)),
                players,
            }
        });
        let at = Timestamp::from_millis(at_s.saturating_mul(1_000));
        self.read.history.push(at, variant, lineups);
        self.read.history.came_together(&parties);
        self.read.numbers.push(number);
        Ok(())
    }
}

/// How many of the own side came together with each player, the player included; empty where nobody did.
fn party_sizes(sides: &[&[Row]]) -> Vec<u32> {
    if sides.iter().copied().flatten().all(|row| row.party.is_empty()) {
        return Vec::new();
    }
    let mut sizes = Vec::new();
    for side in sides {
        let mut of: HashMap<&str, u32> = HashMap::new();
        side.iter()
            .filter(|row| !row.party.is_empty())
            .for_each(|row| *of.entry(&row.party).or_default() += 1);
        sizes.extend(side.iter().map(|row| of.get(row.party.as_str()).copied().unwrap_or(1)));
    }
    sizes
}

fn check_sides(number: u64, line: u64, sides: &[&[Row]]) -> Result<(), Fault> {
    if !(2..=SIDES_MAX).contains(&sides.len()) {
        let what = format!("begins match {number} with {} teams; a match has 2 to {SIDES_MAX}", sides.len());
        return Err(Fault::new(line, what));
    }
    let mut seen: Vec<(&str, u64)> = Vec::new();
    for (team, rows) in sides.iter().enumerate() {
        for row in *rows {
            if row.team as usize != team {
                let what = format!(
                    "has team {}, but match {number} has no team {team}: teams count from 0",
                    row.team
                );
                return Err(Fault::new(row.line, what));
            }
            if rows.first().is_some_and(|first| first.rank != row.rank) {
                let what =
                    format!("gives team {team} of match {number} a second rank: players of a team share it");
                return Err(Fault::new(row.line, what));
            }
            seen.push((&row.player, row.line));
        }
    }
    seen.sort_unstable();
    match seen.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        Some(pair) => {
            Err(Fault::new(pair[1].1, format!("has player `{}` in match {number} a second time", pair[1].0)))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
