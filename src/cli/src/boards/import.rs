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
use gsm_engine::{Call, ImportPlayer, Submission};
use indicatif::ProgressBar;
use std::{collections::BTreeSet, path::PathBuf, vec::IntoIter};

/// How ids that this server gave to players begin.
const OWN_PREFIX: &str = "plr-";
/// Of names that were left out so many are shown.
const FAULTS_SHOWN: usize = 10;

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
1970; reached_at without), games and metadata as well: an export is read back as it is, as CSV or JSON lines. A member of a sorted set is an id, and its score must be a whole number. No server may run
on the directory.

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
        let columns = offline.engine.board_config(name).map_err(Failure::usage)?.columns.len();
        let mut sources = Vec::new();
        if let (Some(url), Some(key)) = (&self.from_redis, &self.key) {
            let records = redis::read(url, self.redis_password.as_deref(), key)?;
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
        // Players who are new have ids in the order of the files.
        let records = sources.iter().map(|source| source.records.len()).sum();
        let mut fresh = offline.engine.fresh_players(records).into_iter();
        let mut taken = 0;
        for source in &sources {
            taken += source.take(offline, name, &mut fresh).await?;
        }
        Ok(taken)
    }
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

    /// Takes them; `fresh` has an id for each.
    async fn take(
        &self,
        offline: &Offline,
        name: &BoardName,
        fresh: &mut IntoIter<PlayerId>,
    ) -> Result<u64, Failure> {
        let Self { shown, word, records } = self;
        let bar =
            drawn(ProgressBar::new(records.len() as u64), "{bar:40} {human_pos}/{human_len}, {eta} to go");
        let mut taken = 0;
        let mut strangers = BTreeSet::new();
        let mut rest = records.as_slice();
        while !rest.is_empty() {
            let next = rest.get(..limits::PAGE_SIZE_MAX).unwrap_or(rest);
            let nobody = PlayerId::from_u128(0);
            let submissions: Vec<Submission> = next.iter().map(|of| submission(of, nobody)).collect();
            let fits = offline.engine.scores_at_once(name, &submissions).map_err(Failure::usage)?;
            let (part, others) = rest.split_at(fits.clamp(1, next.len()));
            rest = others;
            taken += submit(offline, name, part, fresh, &mut strangers).await.map_err(|failure| {
                let first = part.first().map_or(0, |record| record.number);
                let text =
                    format!("{shown}, from {word} {first} on: {}; what came before was taken", failure.text);
                Failure { text, ..failure }
            })?;
            bar.inc(part.len() as u64);
        }
        bar.finish_and_clear();
        if !strangers.is_empty() {
            let players = grouped(strangers.len() as u64);
            note(format_args!(
                "{shown}: ids that another server gave, each a player of its own here: {players}"
            ));
        }
        Ok(taken)
    }
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

/// Takes records, and adds to `strangers` the players of ids that another server gave.
async fn submit(
    offline: &Offline,
    name: &BoardName,
    records: &[records::Record],
    fresh: &mut IntoIter<PlayerId>,
    strangers: &mut BTreeSet<PlayerId>,
) -> Result<u64, Failure> {
    let engine = &offline.engine;
    let now = engine.clock().now();
    let players = records.iter().map(|record| player(record, fresh.next(), now));
    let players: Vec<ImportPlayer> = players.collect::<Result<_, Failure>>()?;
    let ids =
        offline.patiently(async || engine.import_players(&players).await).await.map_err(Failure::failed)?;
    let own = |record: &records::Record| record.player.parse::<PlayerId>().ok();
    strangers.extend(
        records.iter().zip(&ids).filter(|(of, id)| own(of).is_some_and(|own| own != **id)).map(|(_, id)| *id),
    );
    let submissions: Vec<Submission> =
        records.iter().zip(ids).map(|(record, player)| submission(record, player)).collect();
    let games: Vec<Option<u32>> = records.iter().map(|record| record.games).collect();
    let call = Call::system("gsm:SubmitScores", now);
    let taken =
        offline.patiently(async || engine.import_scores(&call, name, &submissions, &games).await).await;
    let taken = taken.map_err(|error| match error {
        gsm_engine::EngineError::Invalid { .. } => Failure::usage(error),
        other => Failure::failed(other),
    })?;
    Ok(taken.len() as u64)
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
