//! Everything that somebody with access to the files could do.
use crate::disk::{LIMITS, Memory, ids, key, lines, open, record, trusted, written};
use gsm_audit::{Checkpoint, Damage, Log, Record, Rows, Verdict, leaf_hash, verify, verify_own};
use proptest::prelude::*;

const FIRST: &str = "segments/00000000000000000000.jsonl";
const SECOND: &str = "segments/00000000000000000256.jsonl";
const LAST: &str = "segments/00000000000000000512.jsonl";

fn log() -> Memory {
    let disk = Memory::default();
    written(&disk, 600, 50);
    disk
}

fn damage(disk: &Memory, anchor: Option<&[u8]>) -> Damage {
    match verify(disk, &trusted(), anchor) {
        Verdict::Damaged(damage) => damage,
        other => panic!("{other:?}"),
    }
}

/// Changes the lines of a segment.
fn relined(disk: &Memory, path: &str, change: impl FnOnce(&mut Vec<Vec<u8>>)) {
    disk.edit(path, |text| {
        let mut lines: Vec<Vec<u8>> =
            text.split_inclusive(|b| *b == b'\n').map(|line| line[..line.len() - 1].to_vec()).collect();
        change(&mut lines);
        *text = lines.iter().flat_map(|line| line.iter().copied().chain([b'\n'])).collect();
    });
}

#[test]
fn what_was_done_to_records_is_found_and_named() {
    type Change = fn(&mut Vec<Vec<u8>>);
    let cases: [(&str, u64, &str, Change); 16] = [
        ("edited", 17, FIRST, |l| l[17][40] ^= 1),
        ("edited in a later segment", 300, SECOND, |l| l[44][40] ^= 1),
        ("edited behind the last tile", 590, LAST, |l| l[78][40] ^= 1),
        ("a space behind it", 3, FIRST, |l| l[3].push(b' ')),
        ("a carriage return behind it", 3, FIRST, |l| l[3].push(b'\r')),
        ("emptied", 9, FIRST, |l| l[9].clear()),
        ("deleted at the front", 0, FIRST, |l| drop(l.remove(0))),
        ("deleted inside", 100, FIRST, |l| drop(l.remove(100))),
        ("deleted at the end", 597, LAST, |l| l.truncate(85)),
        ("all of the last segment deleted", 512, LAST, Vec::clear),
        ("inserted", 4, FIRST, |l| l.insert(4, b"{\"seq\":4,}".to_vec())),
        ("doubled", 5, FIRST, |l| l.insert(5, l[4].clone())),
        ("swapped", 40, FIRST, |l| l.swap(40, 41)),
        ("appended", 600, LAST, |l| l.push(b"{\"seq\":600,}".to_vec())),
        ("appended a copy", 600, LAST, |l| l.push(l[87].clone())),
        ("turned round", 512, LAST, |l| l.reverse()),
    ];
    for (name, first_bad, path, change) in cases {
        let disk = log();
        relined(&disk, path, change);
        let found = damage(&disk, None);
        assert_eq!((found.first_bad, found.exact), (Some(first_bad), true), "{name}: {:?}", found.findings);
    }
}

#[test]
fn what_was_done_to_files_is_found() {
    type Change = fn(&Memory);
    let gone = |disk: &Memory, path: &str| drop(disk.files.borrow_mut().remove(path).unwrap());
    let cases: [(&str, Change); 16] = [
        ("segments swapped", |d| {
            let (a, b) = (d.files.borrow()[FIRST].clone(), d.files.borrow()[SECOND].clone());
            d.edit(FIRST, |text| *text = b);
            d.edit(SECOND, |text| *text = a);
        }),
        ("records moved to the next segment", |d| {
            let mut moved = Vec::new();
            relined(d, FIRST, |l| moved = l.split_off(250));
            relined(d, SECOND, |l| drop(l.splice(0..0, moved)));
        }),
        ("torn", |d| d.edit(LAST, |text| text.truncate(text.len() - 7))),
        ("zeros behind it", |d| d.edit(LAST, |text| text.extend_from_slice(&[0; 512]))),
        ("a segment more", |d| {
            d.files
                .borrow_mut()
                .insert("segments/00000000000000000600.jsonl".into(), b"{\"seq\":600,}\n".to_vec());
        }),
        ("a segment of a strange name", |d| {
            d.files.borrow_mut().insert("segments/x.jsonl".into(), Vec::new());
        }),
        ("a tile changed", |d| d.edit("tile/0/001", |row| row[77] ^= 1)),
        ("a tile cut", |d| d.edit("tile/0/001", |row| row.truncate(8_160))),
        ("an unfinished tile changed", |d| d.edit("tile/0/002.p/88", |row| row[77] ^= 1)),
        ("an upper tile changed", |d| d.edit("tile/1/000.p/2", |row| row[7] ^= 1)),
        ("the checkpoint changed", |d| d.edit("checkpoint", |note| note[17] ^= 1)),
        ("the checkpoint of an older state", |d| {
            let older = Checkpoint { origin: "gsm/audit/test".into(), size: 256, root: root(d, 256) };
            d.edit("checkpoint", |note| *note = older.signed(&[&key(7)]).to_string().into_bytes());
        }),
        ("an older checkpoint changed", |d| d.edit("checkpoints/600", |note| note[17] ^= 1)),
        ("another key beside it", |d| {
            d.edit("log.vkey", |text| *text = key(9).verifier().to_string().into_bytes());
        }),
        ("signed by another key", |d| {
            let forged = Checkpoint { origin: "gsm/audit/test".into(), size: 600, root: root(d, 600) };
            d.edit("checkpoint", |note| *note = forged.signed(&[&key(9)]).to_string().into_bytes());
        }),
        ("what is pending changed", |d| d.edit("pending", |note| note[17] ^= 1)),
    ];
    for (name, change) in cases {
        let disk = log();
        assert!(matches!(verify(&disk, &trusted(), None), Verdict::Whole(_)));
        change(&disk);
        assert!(!damage(&disk, None).findings.is_empty(), "{name}");
    }
    for path in ["checkpoint", FIRST, SECOND, LAST, "tile/0/000", "tile/0/001"] {
        let disk = log();
        gone(&disk, path);
        damage(&disk, None);
    }
}

/// Whoever trusts the first key alone finds what was done to the signatures of those that came after it.
#[test]
fn signatures_of_successors_are_looked_at() {
    let disk = Memory::default();
    written(&disk, 40, 10);
    let ids = ids(80);
    let mut log = open(&disk);
    for (seq, seed) in [(40, 8), (60, 9)] {
        log.sign_with((7..=seed).rev().map(key).collect()).unwrap();
        let made = [key(seed).verifier().to_string()];
        let of_key = Record { name: "gsm:RotateAuditKey", resources: &made, ..record(&ids, seq) };
        log.append(&[of_key]).unwrap();
        let more: Vec<Record<'_>> = (seq + 1..seq + 20).map(|n| record(&ids, n)).collect();
        log.append(&more).unwrap();
    }
    drop(log);
    let whole = |disk: &Memory| matches!(verify(disk, &trusted(), None), Verdict::Whole(_));
    assert!(whole(&disk));
    let note = String::from_utf8(disk.files.borrow()["checkpoint"].clone()).unwrap();
    let lines: Vec<&str> = note.lines().collect();
    assert_eq!(lines.len(), 4 + 3, "{note}");
    let with = |change: &dyn Fn(&mut Vec<String>), path: &str| {
        let disk = disk.copy();
        let mut changed: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        change(&mut changed);
        disk.files.borrow_mut().insert(path.to_owned(), (changed.join("\n") + "\n").into_bytes());
        disk
    };
    for path in ["checkpoint", "checkpoints/80"] {
        assert!(whole(&with(&|_| {}, path)));
        for at in 4..7 {
            let from = lines[at].len() - 40;
            let changed = with(&|lines| lines[at].replace_range(from..from + 12, "AAAAAAAAAAAA"), path);
            assert!(damage(&changed, None).findings[0].contains(path), "{at} of {path}");
        }
    }
    let deleted = damage(&with(&|lines| drop(lines.remove(4)), "checkpoint"), None);
    assert!(deleted.findings[0].contains("record 60"), "{deleted:?}");
    assert_eq!(deleted.first_bad, None, "no record is in doubt");
}

fn root(disk: &Memory, size: usize) -> gsm_audit::Hash {
    let mut rows = Rows::default();
    lines(disk).iter().take(size).for_each(|line| rows.push(leaf_hash(line), &mut |_, _| {}));
    rows.root()
}

#[test]
fn an_anchor_finds_what_the_files_cannot_tell() {
    let disk = Memory::default();
    written(&disk, 300, 50);
    let older = disk.copy();
    let ids = ids(600);
    let mut log = open(&disk);
    let rest: Vec<Record<'_>> = (300..600).map(|n| record(&ids, n)).collect();
    log.append(&rest).unwrap();
    let anchor = |disk: &Memory| disk.files.borrow()["checkpoint"].clone();
    let whole = |disk: &Memory, with: &Memory| {
        assert!(matches!(verify(disk, &trusted(), Some(&anchor(with))), Verdict::Whole(_)));
    };
    whole(&disk, &older);
    whole(&disk, &disk);
    // Rolled back as a whole: nothing in it is wrong.
    assert!(matches!(verify(&older, &trusted(), None), Verdict::Whole(_)));
    let found = damage(&older, Some(&anchor(&disk)));
    assert_eq!((found.first_bad, found.exact), (Some(300), false), "{:?}", found.findings);
    // Built anew with the stolen key, one record changed.
    let rebuilt = Memory::default();
    let mut log = open(&rebuilt);
    let mut all: Vec<Record<'_>> = (0..600).map(|n| record(&ids, n)).collect();
    all[20].principal = "server:nobody";
    log.append(&all).unwrap();
    assert!(matches!(verify(&rebuilt, &trusted(), None), Verdict::Whole(_)));
    assert_eq!(
        damage(&rebuilt, Some(&anchor(&older))).first_bad,
        Some(600),
        "only the anchor speaks against it"
    );
    // An anchor that nobody trusted has signed tells nothing.
    let forged =
        Checkpoint { origin: "gsm/audit/test".into(), size: 1, root: [0; 32] }.signed(&[&key(9)]).to_string();
    assert!(matches!(verify(&disk, &trusted(), Some(forged.as_bytes())), Verdict::Unchecked(_)));
    assert!(matches!(verify(&Memory::default(), &trusted(), None), Verdict::Unchecked(_)));
}

#[test]
fn a_changed_record_whose_tile_was_changed_with_it_is_found() {
    let disk = log();
    relined(&disk, FIRST, |l| l[17][40] ^= 1);
    let row: Vec<u8> = lines(&disk).iter().take(256).flat_map(|line| leaf_hash(line)).collect();
    disk.edit("tile/0/000", |tile| *tile = row);
    let found = damage(&disk, None);
    assert!(found.first_bad.is_some_and(|first| first <= 17), "{found:?}");
}

/// A log that grows whenever one of its segments is read.
struct Growing {
    disk: Memory,
    log: std::cell::RefCell<Log<Memory>>,
    left: std::cell::Cell<u64>,
}

impl gsm_audit::Files for Growing {
    fn list(&self, dir: &str) -> std::io::Result<Vec<String>> {
        self.disk.list(dir)
    }
    fn read(&self, path: &str) -> std::io::Result<Option<Vec<u8>>> {
        if path.starts_with("segments/") && self.left.get() > 0 {
            self.left.set(self.left.get() - 1);
            let ids = ids(600);
            let more: Vec<Record<'_>> = (500..530).map(|n| record(&ids, n)).collect();
            self.log.borrow_mut().append(&more).unwrap();
        }
        self.disk.read(path)
    }
}

#[test]
fn a_log_that_is_written_on_meanwhile_is_whole() {
    let disk = Memory::default();
    written(&disk, 900, 50);
    let log = open(&disk).into();
    let growing = Growing { disk, log, left: 40.into() };
    let Verdict::Whole(found) = verify(&growing, &trusted(), None) else {
        panic!("{:?}", verify(&growing, &trusted(), None))
    };
    assert_eq!((found.checkpoint.size, growing.left.get()), (900 + 40 * 30, 0));
}

/// Of what is written on faster than it is read nothing is known, but for what is wrong with it each time.
#[test]
fn a_log_that_is_written_on_all_the_time_is_not_damaged_by_that() {
    let growing = |change: &dyn Fn(&Memory)| {
        let disk = Memory::default();
        written(&disk, 900, 50);
        let log = open(&disk).into();
        change(&disk);
        Growing { disk, log, left: u64::MAX.into() }
    };
    let found = verify(&growing(&|_| {}), &trusted(), None);
    assert!(matches!(&found, Verdict::Unchecked(why) if why.contains("all the time")), "{found:?}");
    let edited = growing(&|disk| disk.edit("segments/00000000000000000256.jsonl", |text| text[100] ^= 1));
    let found = verify(&edited, &trusted(), None);
    assert!(matches!(&found, Verdict::Damaged(damage) if !damage.findings.is_empty()), "{found:?}");
}

type Disks = std::rc::Rc<std::cell::RefCell<Vec<Memory>>>;

/// Remembers what was there after each step of a writer.
struct Remembering {
    disk: Memory,
    states: Disks,
}

impl Remembering {
    fn then<T>(&mut self, step: impl FnOnce(&mut Memory) -> std::io::Result<T>) -> std::io::Result<T> {
        let done = step(&mut self.disk);
        self.states.borrow_mut().push(self.disk.copy());
        done
    }
}

impl gsm_audit::Files for Remembering {
    fn list(&self, dir: &str) -> std::io::Result<Vec<String>> {
        self.disk.list(dir)
    }
    fn read(&self, path: &str) -> std::io::Result<Option<Vec<u8>>> {
        self.disk.read(path)
    }
}

impl gsm_audit::Disk for Remembering {
    fn replace(&mut self, path: &str, bytes: &[u8]) -> std::io::Result<()> {
        self.then(|disk| disk.replace(path, bytes))
    }
    fn append(&mut self, path: &str, at: u64, bytes: &[u8]) -> std::io::Result<()> {
        self.then(|disk| disk.append(path, at, bytes))
    }
    fn remove(&mut self, path: &str) -> std::io::Result<()> {
        self.then(|disk| disk.remove(path))
    }
}

/// What a writer left, read while it goes on: some of its steps pass before one look.
struct Passing {
    states: Disks,
    at: std::cell::Cell<usize>,
    looks: std::cell::Cell<usize>,
    /// Before which look, and how many.
    pass: (usize, usize),
}

impl Passing {
    fn now(&self) -> Memory {
        let states = self.states.borrow();
        if self.looks.get() == self.pass.0 {
            self.at.set(self.at.get() + self.pass.1);
        }
        self.looks.set(self.looks.get() + 1);
        states[self.at.get().min(states.len() - 1)].clone()
    }
}

impl gsm_audit::Files for Passing {
    fn list(&self, dir: &str) -> std::io::Result<Vec<String>> {
        self.now().list(dir)
    }
    fn read(&self, path: &str) -> std::io::Result<Option<Vec<u8>>> {
        self.now().read(path)
    }
}

#[test]
fn whenever_one_looks_while_it_is_written_it_is_whole() {
    let disk = Memory::default();
    written(&disk, 240, 60);
    let states = Disks::default();
    let writer = Remembering { disk, states: states.clone() };
    let mut log = Log::open(writer, vec![key(7)], LIMITS).unwrap();
    let ids = ids(300);
    for n in (240..280).step_by(8) {
        let more: Vec<Record<'_>> = (n..n + 8).map(|n| record(&ids, n)).collect();
        log.append(&more).unwrap();
    }
    let steps = states.borrow().len();
    for first in 0..steps {
        for pass in (0..16).flat_map(|look| (1..8).map(move |steps| (look, steps))) {
            let passing = Passing { states: states.clone(), at: first.into(), looks: 0.into(), pass };
            let found = verify(&passing, &trusted(), None);
            assert!(matches!(found, Verdict::Whole(_)), "from step {first}, {pass:?}: {found:?}");
        }
    }
}

#[test]
fn an_older_checkpoint_names_who_signed_it() {
    let disk = log();
    let older = disk.files.borrow().keys().find(|path| path.starts_with("checkpoints/")).cloned().unwrap();
    // The last letter of the name in the line of the signature.
    let at = String::from_utf8(disk.files.borrow()[&older].clone()).unwrap().rfind(' ').unwrap() - 1;
    disk.edit(&older, |note| note[at] = b'~');
    let found = damage(&disk, None).findings;
    assert!(found.iter().any(|what| what.contains(&older) && what.contains("did not")), "{found:?}");
}

#[test]
fn a_longer_log_reads_the_same() {
    let disk = Memory::default();
    let ids = ids(70_000);
    let all: Vec<Record<'_>> = (0..70_000).map(|n| record(&ids, n)).collect();
    let mut log = Log::open(disk.clone(), vec![key(7)], gsm_audit::Limits::default()).unwrap();
    log.append(&all).unwrap();
    assert!(
        matches!(verify(&disk, &trusted(), None), Verdict::Whole(found) if found.checkpoint.size == 70_000)
    );
    let log = Log::open(disk.clone(), vec![key(7)], LIMITS).unwrap();
    assert_eq!((log.size(), log.commit()), (70_000, 70_000));
    disk.edit("tile/1/000", |row| row[100] ^= 1);
    assert_eq!(damage(&disk, None).first_bad, Some(3 * 256));
}

/// A checkpoint by a key before those that are trusted is one from before a record that made one of these the log's; any other is
/// a stranger's, also where it is the oldest of all.
#[test]
fn an_older_checkpoint_is_by_a_key_that_a_trusted_one_came_after() {
    let disk = Memory::default();
    written(&disk, 40, 10);
    let (ids, made) = (ids(60), [key(8).verifier().to_string()]);
    let mut log = open(&disk);
    log.sign_with(vec![key(8), key(7)]).unwrap();
    log.append(&[Record { name: "gsm:RotateAuditKey", resources: &made, ..record(&ids, 40) }]).unwrap();
    log.append(&(41..60).map(|n| record(&ids, n)).collect::<Vec<_>>()).unwrap();
    drop(log);
    let with = |size: usize, seed| {
        let disk = disk.copy();
        let older =
            Checkpoint { origin: "gsm/audit/test".into(), size: size as u64, root: root(&disk, size) };
        let note = older.signed(&[&key(seed)]).to_string().into_bytes();
        disk.files.borrow_mut().insert(format!("checkpoints/{size}"), note);
        disk
    };
    let found = |disk: &Memory, seed| verify(disk, &[key(seed).verifier().clone()], None);
    for (size, by, trusted) in [(30, 7, 7), (30, 7, 8), (40, 7, 8), (50, 8, 8)] {
        let found = found(&with(size, by), trusted);
        assert!(matches!(found, Verdict::Whole(_)), "{size} by {by}: {found:?}");
    }
    for (size, by, trusted) in [(30, 9, 7), (50, 7, 8), (50, 9, 8)] {
        let Verdict::Damaged(damage) = found(&with(size, by), trusted) else { panic!("{size} by {by}") };
        assert!(damage.findings[0].contains("nobody who is trusted"), "{damage:?}");
    }
}

/// A key of whose making no record was kept: who signs with it takes what came before for his own, and says then that it signs;
/// to all others what came before is a stranger's until he does.
#[test]
fn a_key_that_no_record_names_takes_nothing_from_its_own_log() {
    let disk = Memory::default();
    written(&disk, 40, 10);
    let (ids, new) = (ids(60), [key(8).verifier().clone()]);
    let before = disk.copy();
    let mut log = open(&disk);
    let restored = |disk: &Memory, path: &str| {
        disk.files.borrow_mut().insert(path.to_owned(), before.files.borrow()[path].clone());
    };
    let unnamed = |disk: &Memory, wanted: bool| match verify_own(disk, &new) {
        Verdict::Whole(whole) => assert_eq!(whole.is_unnamed, wanted),
        other => panic!("{other:?}"),
    };
    assert!(matches!(verify(&disk, &trusted(), None), Verdict::Whole(whole) if !whole.is_unnamed));
    // The key before is gone at once, and nothing was written since.
    log.sign_with(vec![key(8)]).unwrap();
    assert!(Log::open(disk.copy(), vec![key(8)], LIMITS).is_ok());
    restored(&disk, "checkpoints/40");
    unnamed(&disk, true);
    log.append(&(40..50).map(|n| record(&ids, n)).collect::<Vec<_>>()).unwrap();
    restored(&disk, "checkpoints/40");
    unnamed(&disk, true);
    let Verdict::Damaged(damage) = verify(&disk, &new, None) else { panic!("by a stranger") };
    assert!(damage.findings[0].contains("nobody who is trusted") && damage.first_bad.is_none(), "{damage:?}");
    // By whoever signed it, it says what is true.
    let lying = disk.copy();
    let lie = Checkpoint { origin: "gsm/audit/test".into(), size: 40, root: [0; 32] };
    lying.edit("checkpoints/40", |note| *note = lie.signed(&[&key(7)]).to_string().into_bytes());
    assert!(matches!(verify_own(&lying, &new), Verdict::Damaged(bad) if bad.first_bad.is_some()));
    // What came later than the key is by it.
    let later = disk.copy();
    let size = 50;
    let forged = Checkpoint { origin: "gsm/audit/test".into(), size, root: root(&disk, size as usize) };
    later.edit("checkpoints/50", |note| *note = forged.signed(&[&key(9)]).to_string().into_bytes());
    let older = Checkpoint { origin: "gsm/audit/test".into(), size: 45, root: root(&disk, 45) };
    let older = older.signed(&[&key(8)]).to_string().into_bytes();
    later.files.borrow_mut().insert("checkpoints/45".to_owned(), older);
    assert!(matches!(verify_own(&later, &new), Verdict::Damaged(_)));
    // Once it is named, everybody knows.
    let made = [new[0].to_string()];
    log.append(&[Record { name: "gsm:RotateAuditKey", resources: &made, ..record(&ids, 50) }]).unwrap();
    restored(&disk, "checkpoints/40");
    unnamed(&disk, false);
    assert!(matches!(verify(&disk, &new, None), Verdict::Whole(_)));
}

/// The one flip in a whole log that makes of a signature one by a key that nobody knows: both parts of it change at once.
#[test]
fn a_later_checkpoint_by_nobody_is_found() {
    let disk = log();
    disk.edit("checkpoints/600", |note| {
        let id = note.len() - 93;
        assert_eq!(note[id - 1], b' ');
        note[id + 5] ^= 1 << 5;
    });
    assert!(damage(&disk, None).findings[0].contains("nobody who is trusted"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_flipped_bit_of_what_matters_is_found(pick in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), bit in 0..8u8) {
        let disk = log();
        let paths: Vec<String> = disk.files.borrow().keys().filter(|p| *p != "log.vkey").cloned().collect();
        let path = pick.get(&paths);
        disk.edit(path, |bytes| { let at = at.index(bytes.len()); bytes[at] ^= 1 << bit; });
        // What was pending has landed: a changed record in it is of no account.
        prop_assert!(path == "pending" || matches!(verify(&disk, &trusted(), None), Verdict::Damaged(_)), "{}", path);
    }
}
