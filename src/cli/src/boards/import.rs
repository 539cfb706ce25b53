//! `gsm boards import`.
use super::{board, records, redis};
use crate::{
    external::external_id,
    history::drawn,
    offline::{Offline, existing_dir},
    output::{Failure, Outcome, grouped, note, say},
};
use clap::{Args, ValueEnum};
use gsm_core::{BoardName, Label, PlayerId, Timestamp, limits};
use gsm_engine::{BoardRef, Call, ImportPlayer, Submission, Visibility};
use indicatif::ProgressBar;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

/// How ids that this server gave to players begin.
const OWN_PREFIX: &str = "plr-";
/// Of names that were left out so many are shown.
const FAULTS_SHOWN: usize = 10;
/// What the audit log says of players whom an import hides.
const HIDDEN_BEFORE: &str = "was so on the board that this one was imported from";

/// What a file is.
#[derive(Clone, Copy, ValueEnum)]
enum From {
    /// A head with player_id and score, or value_1, value_2, ..
    Csv,
    /// Lines as `gsm boards export --format jsonl` writes them
    Jsonl,
    /// What Nakama answers when leaderboard records are listed
    Nakama,
    /// What PlayFab answers to GetLeaderboard
    Playfab,
}

/// `gsm boards import`
#[derive(Args)]
#[command(after_help = "Examples:
  gsm boards import --data-dir gsm-data --board laps laps.csv
  gsm boards import --data-dir gsm-data --board points --from nakama page1.json page2.json
  gsm boards import --data-dir gsm-data --board points --from-redis redis://localhost/0 --key points

The board must be defined, for submissions; its operators count, so that a board of best scores can be given a file
twice; who has no score there yet has the one of the file. Where a file has a column games, its counts hold, however often it is
given; without one each line counts as a game more, which matters where the board's eligibility asks for games_min. Equals
keep their order by timestamp; those of one millisecond stand by the ids of their players here, which are in the order of
the files for players whom the import makes. Players are those of the ids in the file, made where new; an id that this server gave (plr- and 32 digits) is the
player who has it, one of another server a player of its own. CSV may have display_name, timestamp (milliseconds since
1970; reached_at without), games and metadata as well: an export of a board of submissions is read back as it is, as CSV or JSON
lines, with who was hidden (visibility). A board with cohorts is given the lines of a season by cohort, then by timestamp, as players took their
seats; of lines whose level and cohort the board could not give again it says how many. A member of a sorted set is an id,
and its score must be a whole number; equals stand as Redis lists them. No server may run on the directory.

All files are checked before anything of them is taken. Only a sum that would leave what a board holds is found later:
then the records before it, by the thousand, are taken, and the message says from where on none was.

Exit code 0: done; 1: the data directory or Redis failed; 2: a file, the sorted set or the board makes no sense.")]
pub(super) struct Import {
    /// The data directory
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// The board
    #[arg(long, value_name = "BOARD")]
    board: String,
    /// What the files are
    #[arg(long, value_enum, default_value = "csv")]
    from: From,
    /// The files
    #[arg(value_name = "FILE", required_unless_present = "from_redis")]
    files: Vec<PathBuf>,
    /// A Redis instead of files, such as `redis://:password@host:6379/0`
    #[arg(long, value_name = "URL", requires = "key",
        conflicts_with_all = ["files", "from"])]
    from_redis: Option<redis::Url>,
    /// Its password, where the URL has none
    #[arg(long, value_name = "TEXT", env = "REDISCLI_AUTH", hide_env_values = true)]
    redis_password: Option<String>,
    /// The sorted set
    #[arg(long, value_name = "KEY", requires = "from_redis")]
    key: Option<String>,
    /// Leave out display names that cannot be shown instead of stopping there; the scores are taken
    #[arg(long)]
    skip_bad: bool,
}

impl Import {
    pub(super) fn run(self) -> Outcome {
        let name = board(&self.board)?;
        existing_dir(&self.data_dir)?;
        let runtime = tokio::runtime::Runtime::new().map_err(Failure::failed)?;
        let taken = runtime.block_on(self.import(&name))?;
        say(format_args!("{} scores taken by `{name}`", grouped(taken)));
        Ok(())
    }

    async fn import(&self, name: &BoardName) -> Result<u64, Failure> {
        let offline = Offline::existing(&self.data_dir, "an import").await?;
        let taken = self.all(&offline, name).await;
        offline.close().await?;
        taken
    }

    async fn all(&self, offline: &Offline, name: &BoardName) -> Result<u64, Failure> {
        let config = offline.engine.board_config(name).map_err(Failure::usage)?;
        let columns = config.columns.len();
        let mut sources = Vec::new();
        if let (Some(url), Some(key)) = (&self.from_redis, &self.key) {
            let direction = config.columns.first().map(|column| column.direction).unwrap_or_default();
            let records = redis::read(url, self.redis_password.as_deref(), key, direction)?;
            sources.push(Source { shown: key.clone(), word: "member", records });
        }
        for file in &self.files {
            let shown = file.display().to_string();
            let text = std::fs::read_to_string(file)
                .map_err(|e| Failure::usage(format!("cannot read `{shown}`: {e}")))?;
            let (records, word) = match self.from {
                From::Csv => (records::csv(&text), "line"),
                From::Jsonl => (records::jsonl(&text), "line"),
                From::Nakama => (records::nakama(&text, columns), "record"),
                From::Playfab => (records::playfab(&text), "record"),
            };
            let records = records.map_err(|what| Failure::usage(format!("{shown}: {what}")))?;
            sources.push(Source { shown, word, records });
        }
        // All of it is looked at before anything of it is taken.
        for source in &mut sources {
            source.check_names(self.skip_bad)?;
            source.check(offline, name).await?;
        }
        let mut lines = lines(offline, &sources);
        if config.grouping.is_some() {
            by_seat(offline, name, &mut lines)?;
        }
        let mut players = Vec::with_capacity(lines.len());
        let taken = take(offline, name, &lines, &mut players).await;
        // Only now: seats were given while the players were seen. Of what was taken before a failure too.
        hide(offline, name, &lines, &players).await?;
        taken?;
        if config.grouping.is_some() {
            compare_seats(offline, name, &lines, &players).await?;
        }
        Ok(players.len() as u64)
    }
}

/// A record on its way, and the id that its player gets if new.
struct Line<'a> {
    source: &'a Source,
    record: &'a records::Record,
    fresh: PlayerId,
}

/// All records in the order of the files, in which players who are new have their ids.
fn lines<'a>(offline: &Offline, sources: &'a [Source]) -> Vec<Line<'a>> {
    let records = sources.iter().map(|source| source.records.len()).sum();
    let fresh = offline.engine.fresh_players(records);
    let all = sources.iter().flat_map(|source| source.records.iter().map(move |record| (source, record)));
    all.zip(fresh).map(|((source, record), fresh)| Line { source, record, fresh }).collect()
}

/// Puts them as the players took their seats: season by season, where the file tells cohorts by these, and by time. A board gives
/// the next seat to who comes next.
fn by_seat(offline: &Offline, name: &BoardName, lines: &mut [Line<'_>]) -> Result<(), Failure> {
    // Whatever comes first of a player, his id is that of his first line.
    let mut first: BTreeMap<&str, PlayerId> = BTreeMap::new();
    for line in lines.iter_mut() {
        line.fresh = *first.entry(&line.record.player).or_insert(line.fresh);
    }
    // One that names no season is of none, and refused by now.
    offline.engine.season_at(name, None).map_err(Failure::usage)?;
    lines.sort_by_cached_key(|Line { record, .. }| {
        let season = offline.engine.season_at(name, record.at).ok().flatten();
        (season, record.seat.cohort.unwrap_or(u64::MAX), record.at.map_or(i64::MAX, Timestamp::as_millis))
    });
    Ok(())
}

/// Says of how many lines the board gave another seat than the file has.
async fn compare_seats(
    offline: &Offline,
    name: &BoardName,
    lines: &[Line<'_>],
    players: &[PlayerId],
) -> Result<(), Failure> {
    let (mut told, mut others) = (0_u64, 0_u64);
    let mut open: Option<(Option<u64>, gsm_engine::OpenBoard)> = None;
    for (Line { record, .. }, player) in lines.iter().zip(players) {
        if record.seat.cohort.is_none() {
            continue;
        }
        let season = offline.engine.season_at(name, record.at).map_err(Failure::failed)?;
        // They stand season by season.
        let board = match open.take_if(|(of, _)| *of == season) {
            Some((_, board)) => board,
            None => {
                let of = BoardRef { season, ..BoardRef::whole(name.clone()) };
                offline.engine.open_board(&of).await.map_err(Failure::failed)?
            }
        };
        let seat = board.seat_of(*player).map_err(Failure::failed)?;
        let given = records::Seat {
            level: seat.and_then(|of| of.level).map(u64::from),
            cohort: seat.map(|of| of.seat.cohort),
        };
        told += 1;
        others += u64::from(given != record.seat);
        open = Some((season, board));
    }
    if others > 0 {
        note(format_args!(
            "{} of {} lines have another level or cohort on the board than in the files: it gives seats as scores come, and by what it has of the seasons before",
            grouped(others),
            grouped(told)
        ));
    }
    Ok(())
}

/// Records from one place, which is `shown` to people as its records are by a `word`.
struct Source {
    shown: String,
    word: &'static str,
    records: Vec<records::Record>,
}

impl Source {
    fn wrong(&self, record: &records::Record, what: impl std::fmt::Display) -> String {
        format!("{}: {} {}: {what}", self.shown, self.word, record.number)
    }

    /// Refuses display names that cannot be shown, or leaves them out and says so. An empty one is none.
    fn check_names(&mut self, skip_bad: bool) -> Result<(), Failure> {
        for record in &mut self.records {
            record.name = record.name.take().filter(|name| !name.is_empty());
        }
        let mut bad = Vec::new();
        for (nth, record) in self.records.iter().enumerate() {
            if let Some(Err(error)) = record.name.as_deref().map(Label::new) {
                let what = self.wrong(record, format_args!("the display name: {error}"));
                if !skip_bad {
                    let hint = "hint: change the name, or leave it empty; --skip-bad takes the score without";
                    return Err(Failure::usage(format!("{what}\n{hint}")));
                }
                bad.push((nth, what));
            }
        }
        if !bad.is_empty() {
            note(format_args!("{}: display names that were left out: {}", self.shown, bad.len()));
            bad.iter().take(FAULTS_SHOWN).for_each(|(_, what)| note(what));
        }
        for (nth, _) in bad {
            if let Some(record) = self.records.get_mut(nth) {
                record.name = None;
            }
        }
        Ok(())
    }

    /// Refuses records that the board would not take whatever it holds.
    async fn check(&self, offline: &Offline, name: &BoardName) -> Result<(), Failure> {
        let at = |record: &records::Record, what: String| Failure::usage(self.wrong(record, what));
        for record in &self.records {
            check_player(&record.player).map_err(|what| at(record, what))?;
        }
        let nobody = PlayerId::from_u128(0);
        let submissions: Vec<Submission> =
            self.records.iter().map(|record| submission(record, nobody)).collect();
        let checked = offline.engine.check_scores(name, &submissions).await;
        checked.map_err(|(nth, error)| match self.records.get(nth) {
            Some(record) => at(record, error.to_string()),
            None => Failure::usage(format!("{}: {error}", self.shown)),
        })
    }
}

/// Takes them in this order, and adds to `players` whose each was.
async fn take(
    offline: &Offline,
    name: &BoardName,
    lines: &[Line<'_>],
    players: &mut Vec<PlayerId>,
) -> Result<(), Failure> {
    let bar = drawn(ProgressBar::new(lines.len() as u64), "{bar:40} {human_pos}/{human_len}, {eta} to go");
    let mut rest = lines;
    while let Some(Line { source: Source { shown, word, .. }, record, .. }) = rest.first() {
        let next = rest.get(..limits::PAGE_SIZE_MAX).unwrap_or(rest);
        let nobody = PlayerId::from_u128(0);
        let submissions: Vec<Submission> = next.iter().map(|of| submission(of.record, nobody)).collect();
        let fits = offline.engine.scores_at_once(name, &submissions).map_err(Failure::usage)?;
        let (part, others) = rest.split_at(fits.clamp(1, next.len()));
        rest = others;
        let taken = submit(offline, name, part).await.map_err(|failure| {
            let first = record.number;
            let text =
                format!("{shown}, from {word} {first} on: {}; what came before was taken", failure.text);
            Failure { text, ..failure }
        })?;
        players.extend(taken);
        bar.inc(part.len() as u64);
    }
    bar.finish_and_clear();
    // By where they came from: the ids that another server gave.
    let mut strangers: BTreeMap<&str, BTreeSet<PlayerId>> = BTreeMap::new();
    for (Line { source, record, .. }, player) in lines.iter().zip(players.iter()) {
        if record.player.parse::<PlayerId>().is_ok_and(|own| own != *player) {
            strangers.entry(&source.shown).or_default().insert(*player);
        }
    }
    for (shown, players) in strangers {
        let players = grouped(players.len() as u64);
        note(format_args!("{shown}: ids that another server gave, each a player of its own here: {players}"));
    }
    Ok(())
}

/// Hides on the board who was hidden where the lines come from.
async fn hide(
    offline: &Offline,
    name: &BoardName,
    lines: &[Line<'_>],
    players: &[PlayerId],
) -> Result<(), Failure> {
    let hidden: BTreeMap<PlayerId, Visibility> =
        lines.iter().zip(players).filter_map(|(line, id)| Some((*id, line.record.visibility?))).collect();
    let engine = &offline.engine;
    for (player, seen) in hidden {
        let call = Call::system("gsm:SetVisibility", engine.clock().now());
        let set = async || engine.set_visibility(&call, name, player, seen, HIDDEN_BEFORE).await;
        offline.patiently(set).await.map_err(Failure::failed)?;
    }
    Ok(())
}

/// What begins like an id of ours is one.
fn check_player(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("the player's id is empty".to_owned());
    }
    // In whatever letters: spreadsheets and databases change them, and then nobody of ours would be meant.
    if text.get(..OWN_PREFIX.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(OWN_PREFIX)) {
        text.parse::<PlayerId>().map_err(|e| {
            let small = text.to_ascii_lowercase();
            let hint = match small.parse::<PlayerId>() {
                Ok(_) if small != text => format!("; ids of this server have small letters: `{small}`"),
                _ => String::new(),
            };
            format!("player `{text}`: {e}{hint}")
        })?;
    }
    external_id(text).map(drop)
}

fn player(
    record: &records::Record,
    fresh: Option<PlayerId>,
    now: Timestamp,
) -> Result<ImportPlayer, Failure> {
    let external = external_id(&record.player).map_err(Failure::usage)?;
    // An id that cannot be kept as it is, is shown where there is no name.
    let id = Some(&record.player).filter(|id| external.as_str() != id.as_str());
    let name = record.name.as_ref().or(id).and_then(|name| Label::new(name).ok());
    Ok(ImportPlayer { external, id: fresh, name, at: record.at.unwrap_or(now) })
}

fn submission(record: &records::Record, player: PlayerId) -> Submission {
    Submission { player, values: record.values.clone(), at: record.at, metadata: record.metadata.clone() }
}

/// Takes lines; whose each was.
async fn submit(offline: &Offline, name: &BoardName, lines: &[Line<'_>]) -> Result<Vec<PlayerId>, Failure> {
    let engine = &offline.engine;
    let now = engine.clock().now();
    let players = lines.iter().map(|line| player(line.record, Some(line.fresh), now));
    let players: Vec<ImportPlayer> = players.collect::<Result<_, Failure>>()?;
    let ids =
        offline.patiently(async || engine.import_players(&players).await).await.map_err(Failure::failed)?;
    let submissions: Vec<Submission> =
        lines.iter().zip(&ids).map(|(line, player)| submission(line.record, *player)).collect();
    let games: Vec<Option<u32>> = lines.iter().map(|line| line.record.games).collect();
    let call = Call::system("gsm:SubmitScores", now);
    let taken =
        offline.patiently(async || engine.import_scores(&call, name, &submissions, &games).await).await;
    taken.map_err(|error| match error {
        gsm_engine::EngineError::Invalid { .. } => Failure::usage(error),
        other => Failure::failed(other),
    })?;
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_cannot_be_shown_is_refused_or_left_out() {
        let source = |name: &str| Source {
            shown: "laps.csv".to_owned(),
            word: "line",
            records: records::csv(&format!("player_id,score,display_name\na,1,ok\nb,2,{name}\n")).unwrap(),
        };
        for bad in ["n".repeat(limits::LABEL_CHARS_MAX + 1), "\"a\nb\"".to_owned(), "a\u{202e}b".to_owned()] {
            let refused = source(&bad).check_names(false).unwrap_err().text;
            assert!(refused.starts_with("laps.csv: line 3: the display name: a label"), "{refused}");
            assert!(refused.contains("--skip-bad"), "{refused}");
            let mut source = source(&bad);
            source.check_names(true).unwrap();
            let names: Vec<_> = source.records.iter().map(|record| record.name.as_deref()).collect();
            assert_eq!(names, [Some("ok"), None]);
        }
        source("").check_names(false).unwrap();
    }

    #[test]
    fn an_empty_name_is_none_so_that_an_escaped_id_is_shown() {
        let line = r#"{"player_id":"Smith J","display_name":"","values":[1],"reached_at":null,"games":null,"metadata":null}"#;
        let records = records::jsonl(line).unwrap();
        let mut source = Source { shown: "laps.jsonl".to_owned(), word: "line", records };
        source.check_names(false).unwrap();
        let made = player(&source.records[0], None, Timestamp::EPOCH).unwrap();
        assert_eq!(made.name.as_ref().map(Label::as_str), Some("Smith J"));
    }

    #[test]
    fn ids_beyond_the_plain_alphabet_are_escaped_as_a_replay_does() {
        let now = Timestamp::EPOCH;
        for (id, kept, shown) in [
            ("Smith J", "Smith%20J", Some("Smith J")),
            ("é", "%C3%A9", Some("é")),
            ("日本", "%E6%97%A5%E6%9C%AC", Some("日本")),
            ("plain", "plain", None),
        ] {
            assert_eq!(check_player(id), Ok(()));
            let of = records::Record {
                number: 1,
                player: id.to_owned(),
                name: None,
                values: vec![1],
                at: None,
                metadata: None,
                games: None,
                seat: records::Seat::default(),
                visibility: None,
            };
            let made = player(&of, None, now).unwrap();
            assert_eq!((made.external.as_str(), made.name.as_ref().map(Label::as_str)), (kept, shown));
        }
        assert!(check_player("").is_err() && check_player("plr-zz").is_err());
        let own = format!("plr-{:032x}", 0xab);
        assert_eq!(check_player(&own), Ok(()));
        for changed in [own.to_ascii_uppercase(), own.replace("plr", "Plr"), own.replace("ab", "AB")] {
            let refused = check_player(&changed).unwrap_err();
            assert!(refused.ends_with(&format!("small letters: `{own}`")), "{refused}");
        }
        assert!(check_player("PLR-zz").unwrap_err().contains("PLR-zz"));
        assert_eq!(check_player("plröger"), Ok(()));
        let long = check_player(&"é".repeat(limits::CALLER_ID_CHARS_MAX)).unwrap_err();
        assert!(long.contains("once escaped"), "{long}");
    }
}
