//! A board as a Parquet file.
use super::export::{Entry, Table, has_metadata, values};
use gsm_engine::{BoardConfig, SeatRef};
use parquet::{
    basic::Compression,
    data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type},
    errors::Result,
    file::{
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::parser::parse_message_type,
};
use std::{
    io::{self, Write},
    sync::Arc,
};

/// Rows of a row group: what is held in memory before it is written.
const GROUP_ROWS: usize = 100_000;

/// The file, and the rows of its next group by columns.
pub(super) struct Parquet<W: Write + Send> {
    file: SerializedFileWriter<W>,
    config: Arc<BoardConfig>,
    ranks: Vec<i64>,
    /// Of each row 1 where it has a rank, 0 where not.
    has_rank: Vec<i16>,
    players: Vec<ByteArray>,
    names: Texts,
    /// Of each column of the board.
    values: Vec<Vec<f64>>,
    reached_at: Vec<i64>,
    games: Vec<i32>,
    /// Where the board has cohorts.
    seats: Option<Seats>,
    /// Where games give entries texts of their own.
    metadata: Option<Texts>,
    /// Where somebody is not seen by everybody.
    visibility: Option<Texts>,
}

/// Texts of rows; of each row 1 where it has one, 0 where not.
#[derive(Default)]
struct Texts {
    texts: Vec<ByteArray>,
    has_text: Vec<i16>,
}

impl Texts {
    fn add(&mut self, text: Option<&str>) {
        self.has_text.push(i16::from(text.is_some()));
        self.texts.extend(text.map(ByteArray::from));
    }

    /// Writes them as the next column of a group.
    fn write<W: Write + Send>(&mut self, group: &mut SerializedRowGroupWriter<'_, W>) -> Result<()> {
        column::<ByteArrayType, W>(group, &mut self.texts, Some(&self.has_text))?;
        self.has_text.clear();
        Ok(())
    }
}

/// Levels and cohorts of rows; of each row 1 where it has one, 0 where not.
#[derive(Default)]
struct Seats {
    levels: Vec<i32>,
    has_level: Vec<i16>,
    cohorts: Vec<i64>,
    has_cohort: Vec<i16>,
}

impl Seats {
    fn add(&mut self, seat: Option<SeatRef>) {
        let level = seat.and_then(|of| of.level);
        self.has_level.push(i16::from(level.is_some()));
        self.levels.extend(level.map(i32::from));
        self.has_cohort.push(i16::from(seat.is_some()));
        self.cohorts.extend(seat.map(|of| of.seat.cohort.cast_signed()));
    }
}

impl<W: Write + Send> Parquet<W> {
    pub(super) fn new(out: W, config: Arc<BoardConfig>, has_visibility: bool) -> io::Result<Self> {
        let columns = config.columns.len();
        let values: Vec<String> = (1..=columns).map(|nth| format!("required double value_{nth};")).collect();
        let schema = format!(
            "message board {{
                optional int64 rank;
                required binary player_id (UTF8);
                optional binary display_name (UTF8);
                {}
                required int64 reached_at (TIMESTAMP(MILLIS,true));
                required int32 games (INTEGER(32,false));
                {}
                {}
                {}
            }}",
            values.join("\n"),
            if config.grouping.is_some() {
                "optional int32 level (INTEGER(8,false)); optional int64 cohort (INTEGER(64,false));"
            } else {
                ""
            },
            if has_metadata(&config) { "optional binary metadata (UTF8);" } else { "" },
            if has_visibility { "optional binary visibility (UTF8);" } else { "" }
        );
        let schema = Arc::new(parse_message_type(&schema)?);
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        Ok(Self {
            file: SerializedFileWriter::new(out, schema, Arc::new(properties))?,
            seats: config.grouping.is_some().then(Seats::default),
            metadata: has_metadata(&config).then(Texts::default),
            visibility: has_visibility.then(Texts::default),
            config,
            ranks: Vec::new(),
            has_rank: Vec::new(),
            players: Vec::new(),
            names: Texts::default(),
            values: vec![Vec::new(); columns],
            reached_at: Vec::new(),
            games: Vec::new(),
        })
    }

    fn group(&mut self) -> Result<()> {
        if self.has_rank.is_empty() {
            return Ok(());
        }
        let mut group = self.file.next_row_group()?;
        column::<Int64Type, W>(&mut group, &mut self.ranks, Some(&self.has_rank))?;
        self.has_rank.clear();
        column::<ByteArrayType, W>(&mut group, &mut self.players, None)?;
        self.names.write(&mut group)?;
        for values in &mut self.values {
            column::<DoubleType, W>(&mut group, values, None)?;
        }
        column::<Int64Type, W>(&mut group, &mut self.reached_at, None)?;
        column::<Int32Type, W>(&mut group, &mut self.games, None)?;
        if let Some(Seats { levels, has_level, cohorts, has_cohort }) = &mut self.seats {
            column::<Int32Type, W>(&mut group, levels, Some(has_level))?;
            column::<Int64Type, W>(&mut group, cohorts, Some(has_cohort))?;
            has_level.clear();
            has_cohort.clear();
        }
        for texts in [&mut self.metadata, &mut self.visibility].into_iter().flatten() {
            texts.write(&mut group)?;
        }
        group.close().map(drop)
    }
}

/// Writes the next column of a group and empties it.
fn column<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: &mut Vec<T::T>,
    levels: Option<&[i16]>,
) -> Result<()> {
    if let Some(mut column) = group.next_column()? {
        column.typed::<T>().write_batch(values, levels, None)?;
        column.close()?;
    }
    values.clear();
    Ok(())
}

impl<W: Write + Send> Table for Parquet<W> {
    fn add(&mut self, row: &Entry) -> io::Result<()> {
        self.has_rank.push(i16::from(row.rank.is_some()));
        self.ranks.extend(row.rank.map(u64::cast_signed));
        self.players.push(row.player.to_string().into_bytes().into());
        self.names.add(row.name.as_ref().map(|name| name.as_str()));
        for (column, value) in self.values.iter_mut().zip(values(&self.config, row)) {
            column.push(value);
        }
        self.reached_at.push(row.reached_at.as_millis());
        // Parquet keeps an unsigned number in the bits of a signed one.
        self.games.push(row.games.cast_signed());
        self.seats.iter_mut().for_each(|seats| seats.add(row.seat));
        self.metadata.iter_mut().for_each(|texts| texts.add(row.metadata.as_deref()));
        self.visibility.iter_mut().for_each(|texts| texts.add(row.seen()));
        if self.has_rank.len() == GROUP_ROWS { self.group().map_err(Into::into) } else { Ok(()) }
    }

    fn end(mut self: Box<Self>) -> io::Result<()> {
        self.group()?;
        self.file.close()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gsm_core::{BoardName, Label, PlayerId, Rank, Timestamp};
    use gsm_engine::{
        BoardRow, CohortConfig, CohortRule, Column, Direction, Eligibility, Grouping, Operator, Seat, Source,
        Ties, UnrankedRow, Value, Visibility,
    };
    use parquet::{
        file::reader::{FileReader as _, SerializedFileReader},
        record::RowAccessor as _,
    };

    fn row(n: u64) -> BoardRow {
        BoardRow {
            player: PlayerId::from_u128(u128::from(n)),
            name: n.is_multiple_of(2).then(|| Label::new(&format!("player {n}")).unwrap()),
            rank: Rank::after(n),
            percentile: 100.0,
            keys: [-(n as i64), 7, 0, 0, 0].into(),
            reached_at: Timestamp::from_millis(n as i64 - 5),
            deviation: 0.0,
            games: u32::MAX,
            // In cohorts of seven; who is third in each has no seat.
            seat: (n % 7 != 2).then_some(SeatRef {
                seat: Seat { cohort: n / 7 + 1, number: 1 },
                level: n.is_multiple_of(2).then_some(3),
            }),
            metadata: n.is_multiple_of(3).then(|| format!("run {n}")),
        }
    }

    /// One who is in the shadow, and has no rank.
    fn unranked(n: u64) -> UnrankedRow {
        let BoardRow { player, name, keys, reached_at, games, seat, metadata, .. } = row(n);
        let visibility = Visibility::Shadow;
        UnrankedRow { player, name, visibility, keys, reached_at, games, seat, metadata }
    }

    #[test]
    fn rows_read_back_over_the_edge_of_a_group() {
        let column =
            Column { value: Value::Submitted, direction: Direction::default(), operator: Operator::Set };
        let config = Arc::new(BoardConfig {
            name: BoardName::new("b").unwrap(),
            source: Source::Submissions,
            columns: vec![column; 2],
            ties: Ties::default(),
            by: Vec::new(),
            eligibility: Eligibility::default(),
            season: None,
            tiers: None,
            grouping: Some(Grouping::Cohorts(CohortConfig { size: 7, rule: CohortRule::default() })),
            past: false,
        });
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut table = Box::new(Parquet::new(file.reopen().unwrap(), config, true).unwrap());
        let count = GROUP_ROWS as u64 + 1;
        (0..count - 1).try_for_each(|n| table.add(&row(n).into())).unwrap();
        table.add(&unranked(count - 1).into()).unwrap();
        table.end().unwrap();
        let read = SerializedFileReader::new(file.reopen().unwrap()).unwrap();
        assert_eq!(read.num_row_groups(), 2);
        let mut rows = 0;
        for (n, found) in (0..).zip(read.get_row_iter(None).unwrap()) {
            let (found, expected) = (found.unwrap(), row(n));
            let is_ranked = n < count - 1;
            assert_eq!(found.get_long(0).ok(), is_ranked.then(|| expected.rank.get() as i64));
            assert_eq!(
                found.get_string(10).ok().map(|seen| seen.as_bytes()),
                (!is_ranked).then_some(&b"shadow"[..])
            );
            assert_eq!(found.get_string(1).unwrap(), &expected.player.to_string());
            let name = found.get_string(2).ok().map(|name| name.as_bytes().to_vec());
            assert_eq!(name, expected.name.map(|name| name.as_str().as_bytes().to_vec()));
            assert_eq!((found.get_double(3).unwrap(), found.get_double(4).unwrap()), (-(n as f64), 7.0));
            assert_eq!(found.get_timestamp_millis(5).unwrap(), n as i64 - 5);
            assert_eq!(found.get_uint(6).unwrap(), u32::MAX);
            let level = found.get_ubyte(7).ok();
            assert_eq!(
                (level, found.get_ulong(8).ok()),
                expected.seat.map_or((None, None), |of| (of.level, Some(of.seat.cohort)))
            );
            assert_eq!(found.get_string(9).ok().cloned(), expected.metadata);
            rows += 1;
        }
        assert_eq!(rows, count);
    }
}
