//! Pairs who meet too often: they may be trading wins.
//!
//! Whom a player met of late is remembered with the rating where a mode damps repeated pairs, so a result tells at once
//! which of its pairs meet often. For those alone histories are read, a turn later, and the figures are kept as a flag
//! for an operator to look at. Nothing follows from a flag by itself.
use crate::{
    Call, Engine, EngineError,
    store::{Expect, FlagRow, HistoryRow, Home, Key, KeyRange, Op, ResultRow, Row, Step, remembered_as},
};
use gsm_core::{Map, MatchId, Millis, Mode, PlayerId, Timestamp, limits};
use gsm_rating::options::RepeatedPair;
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Meetings are counted over so long.
const WINDOW: Millis = Millis::from_secs(7 * 24 * 3_600);
/// Fewer meetings are never too many.
const MEETINGS_MIN: u32 = 8;
/// So many times as often as to be expected is too often.
const TIMES_EXPECTED: f64 = 4.0;
/// Steps of a history that are looked at.
const STEPS_MAX: usize = 256;
/// Pairs of greater matches are not looked at.
const PLAYERS_MAX: usize = 16;
/// Pairs that wait to be looked at; more are left out until they meet again.
const SUSPECTS_MAX: usize = 1_024;
/// Pairs looked at in one turn.
const TURN_MAX: usize = 16;
/// Players of a mode that are told apart in half a window; there may be more.
const ACTIVE_MAX: usize = 65_536;
/// A flag is kept for so long after the last meeting that was too many.
const RETENTION: Millis = Millis::from_secs(30 * 24 * 3_600);

/// A pair in a mode, the lesser id first.
pub(crate) type Pair = (Mode, PlayerId, PlayerId);

/// A flag with the pair that it is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Flag {
    /// Where they met.
    pub mode: Mode,
    /// Who, the lesser id first.
    pub players: [PlayerId; 2],
    /// The figures.
    pub row: FlagRow,
}

impl FlagRow {
    /// The share of the decided meetings that went to the one who won more of them, `0.5..=1.0`; none where none was
    /// decided.
    #[must_use]
    pub fn one_way(&self) -> Option<f64> {
        let [one, other] = self.wins;
        let decided = f64::from(one) + f64::from(other);
        (decided > 0.0).then(|| f64::from(one.max(other)) / decided)
    }

    /// The figures in words.
    #[must_use]
    pub fn reason(&self) -> String {
        let [one, other] = self.wins;
        let (meetings, expected) = (self.meetings, self.expected);
        format!("met {meetings} times in 7 days, {expected:.1} to be expected; won {one} to {other}")
    }
}

/// Who plays a mode of late, and which pairs are to be looked at.
#[derive(Default)]
pub(crate) struct Pairs(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    modes: BTreeMap<Mode, Active>,
    suspects: BTreeSet<Pair>,
}

/// Players of a mode since half a window ago, and in the half before.
#[derive(Default)]
struct Active {
    began: Option<Timestamp>,
    now: Map<u32, ()>,
    before: Map<u32, ()>,
}

impl Active {
    fn saw(&mut self, players: impl Iterator<Item = PlayerId>, now: Timestamp) {
        let began = *self.began.get_or_insert(now);
        if now.since(began).get() >= WINDOW.get() / 2 {
            self.before = std::mem::take(&mut self.now);
            self.began = Some(now);
        }
        for player in players {
            if self.now.len() < ACTIVE_MAX {
                self.now.insert(remembered_as(player), ());
            }
        }
    }

    fn players(&self) -> usize {
        self.now.len() + self.before.keys().filter(|player| !self.now.contains_key(*player)).count()
    }
}

impl Pairs {
    /// Takes in a new result of a mode that remembers opponents.
    pub(crate) fn counted(&self, row: &ResultRow, option: &RepeatedPair, now: Timestamp) {
        // An imported history is not what is being played.
        if !row.counts() || now.since(row.at) >= WINDOW {
            return;
        }
        let mut seen = self.0.lock();
        seen.modes.entry(row.mode.clone()).or_default().saw(row.roster.players(), now);
        let players: Vec<PlayerId> = row.roster.players().collect();
        if players.len() > PLAYERS_MAX {
            return;
        }
        let often = MEETINGS_MIN.min(option.remembered) as usize;
        let met = |at: usize, other: PlayerId| {
            let carried = row.from.get(at).and_then(|from| from.as_ref()?.rating.as_ref()?.carried.as_ref());
            carried.map_or(0, |carried| carried.recent.times_met(option, remembered_as(other)))
        };
        for (at, one) in players.iter().enumerate() {
            for (of, other) in players.iter().enumerate().skip(at + 1) {
                let apart = row.roster.side_of(*one) != row.roster.side_of(*other);
                // With this one.
                if apart
                    && met(at, *other).max(met(of, *one)) + 1 >= often
                    && seen.suspects.len() < SUSPECTS_MAX
                {
                    seen.suspects.insert((row.mode.clone(), (*one).min(*other), (*one).max(*other)));
                }
            }
        }
    }

    /// Some pairs to look at, and how many players their modes have.
    fn take(&self) -> Vec<(Pair, usize)> {
        let mut seen = self.0.lock();
        let pairs: Vec<Pair> = seen.suspects.iter().take(TURN_MAX).cloned().collect();
        let mut taken = Vec::with_capacity(pairs.len());
        for pair in pairs {
            seen.suspects.remove(&pair);
            let active = seen.modes.get(&pair.0).map_or(0, Active::players);
            taken.push((pair, active));
        }
        taken
    }

    fn put_back(&self, pair: Pair) {
        let mut seen = self.0.lock();
        if seen.suspects.len() < SUSPECTS_MAX {
            seen.suspects.insert(pair);
        }
    }
}

impl Engine {
    /// Looks at pairs who met often of late.
    pub(crate) async fn look_at_pairs(&self) {
        for (pair, active) in self.views.pairs.take() {
            match self.look_at_pair(&pair, active).await {
                // Or another node was first.
                Ok(()) | Err(EngineError::Raced(_)) => {}
                Err(error) => {
                    tracing::warn!(mode = %pair.0, %error, "a pair that meets often is looked at later");
                    self.views.pairs.put_back(pair);
                }
            }
        }
    }

    async fn look_at_pair(&self, pair: &Pair, active: usize) -> Result<(), EngineError> {
        let now = self.clock.now();
        let (mode, one, other) = pair;
        let [first, second] = [self.played(mode, *one, now).await?, self.played(mode, *other, now).await?];
        let both: Vec<Key> = first.intersection(&second).copied().map(Key::Result).collect();
        let (mut meetings, mut opponents, mut wins) = (0u32, 0usize, [0u32; 2]);
        for (key, found) in both.iter().zip(self.get(Home::Record, &both).await?) {
            let Some(found) = found else { continue };
            let Row::Result(row) = &*found.row else { return Err(EngineError::damaged(key)) };
            let sides = [row.roster.side_of(*one), row.roster.side_of(*other)];
            if !row.counts() || sides[0] == sides[1] {
                continue;
            }
            let places = sides.map(|side| side.and_then(|side| row.result.places().get(side)));
            meetings += 1;
            opponents +=
                row.roster.players().filter(|player| row.roster.side_of(*player) != sides[0]).count();
            // Who quit has lost to every other side, as ratings take it.
            let quit = [one, other].map(|player| row.result.quits().binary_search(player).is_ok());
            wins[0] += u32::from(!quit[0] && (quit[1] || places[0] < places[1]));
            wins[1] += u32::from(!quit[1] && (quit[0] || places[1] < places[0]));
        }
        let matches = [first.len(), second.len()].map(|n| u32::try_from(n).unwrap_or(u32::MAX));
        // Whoever plays more might have met the other as often as anybody else who plays.
        let others = active.saturating_sub(1).max(1) as f64;
        let each = opponents as f64 / f64::from(meetings.max(1));
        let expected = f64::from(matches[0].max(matches[1])) * (each / others).min(1.0);
        if meetings < MEETINGS_MIN || f64::from(meetings) < TIMES_EXPECTED * expected {
            return Ok(());
        }
        let players = u32::try_from(active).unwrap_or(u32::MAX);
        let flag = FlagRow { raised_at: now, at: now, meetings, expected, matches, wins, players };
        self.raise_flag(pair, flag).await
    }

    /// The matches of a player within the window, the last so many.
    async fn played(
        &self,
        mode: &Mode,
        player: PlayerId,
        now: Timestamp,
    ) -> Result<BTreeSet<MatchId>, EngineError> {
        let range = KeyRange::History(mode.clone(), player);
        let steps = self.store(Home::Record).list(&range, None, STEPS_MAX, true).await?;
        let played = steps.iter().filter_map(|(_, found)| match &*found.row {
            Row::History(HistoryRow { at, step: Step::Match { match_id, .. }, .. })
                if now.since(*at) < WINDOW =>
            {
                Some(*match_id)
            }
            _ => None,
        });
        Ok(played.collect())
    }

    /// Keeps a flag. That it was raised is in the audit log, and not that it still stands.
    async fn raise_flag(&self, (mode, one, other): &Pair, mut flag: FlagRow) -> Result<(), EngineError> {
        let key = Key::Flag(mode.clone(), *one, *other);
        let found = self.get_one(&key).await?;
        let call = Call::system("gsm:RaiseFlag", flag.at);
        let mut changes = self.changes(&call, &[mode, one, other]);
        match &found {
            None => {
                changes.because(flag.reason());
            }
            Some(found) => {
                let Row::Flag(old) = &*found.row else { return Err(EngineError::damaged(&key)) };
                flag.raised_at = old.raised_at;
                changes.audit = None;
            }
        }
        let expect = found.as_ref().map_or(Expect::Absent, |found| Expect::At(found.version));
        let expires_at = Some(flag.at.saturating_add(RETENTION));
        let row = Arc::new(Row::Flag(Box::new(flag)));
        changes.write(key, expect, Op::Put { row, expires_at });
        self.commit(Home::Record, changes).await.map(drop)
    }

    /// Pairs who met too often, by mode and ids, at most a page of them after `after`.
    pub async fn flags(
        &self,
        mode: Option<&Mode>,
        after: Option<(Mode, PlayerId, PlayerId)>,
        limit: usize,
    ) -> Result<Vec<Flag>, EngineError> {
        let range = mode.map_or(KeyRange::AllFlags, |mode| KeyRange::Flags(mode.clone()));
        let after = after.map(|(mode, one, other)| Key::Flag(mode, one, other));
        let limit = limit.min(limits::PAGE_SIZE_MAX);
        let page = self.store(Home::Record).list(&range, after.as_ref(), limit, false).await?;
        page.into_iter()
            .map(|(key, found)| match (&key, &*found.row) {
                (Key::Flag(mode, one, other), Row::Flag(row)) => {
                    Ok(Flag { mode: mode.clone(), players: [*one, *other], row: (**row).clone() })
                }
                _ => Err(EngineError::damaged(&key)),
            })
            .collect()
    }
}
