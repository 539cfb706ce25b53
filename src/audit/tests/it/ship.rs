//! A copy of a log is whole at any moment, goes on from wherever it was interrupted, and holds nothing that was not signed.
use crate::disk::{LIMITS, Memory, ids, key, lines, open, record, trusted};
use gsm_audit::{Files, Log, Record, ShipError, Shipped, Vault, Verdict, copy_is_whole, ship, verify};
use std::io;

/// A copy in memory that breaks after some puts: before the last one had its effect, or after.
#[derive(Clone, Default)]
struct Copy {
    of: Memory,
    left: Option<usize>,
    lands: bool,
}

impl Copy {
    fn breaks(&mut self) -> Option<io::Result<bool>> {
        match &mut self.left {
            Some(0) => Some(Err(io::Error::other("broken"))),
            Some(left) => {
                *left -= 1;
                None
            }
            None => None,
        }
    }
}

impl Files for Copy {
    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.of.list(dir)
    }
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        self.of.read(path)
    }
}

impl Vault for Copy {
    fn put_new(&mut self, path: &str, bytes: &[u8]) -> io::Result<bool> {
        let broken = self.breaks();
        let is_new = !self.of.files.borrow().contains_key(path);
        if is_new && (broken.is_none() || self.lands) {
            self.of.files.borrow_mut().insert(path.to_owned(), bytes.to_vec());
        }
        broken.unwrap_or(Ok(is_new))
    }
    fn put(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let broken = self.breaks();
        if broken.is_none() || self.lands {
            self.of.files.borrow_mut().insert(path.to_owned(), bytes.to_vec());
        }
        broken.unwrap_or(Ok(true)).map(drop)
    }
}

fn shipped(disk: &Memory, copy: &mut Copy) -> Result<Shipped, ShipError> {
    ship(disk, copy, &trusted(), &mut |_| true)
}

/// The whole log of `count` records must be in the copy, as it is.
fn check(disk: &Memory, copy: &Copy, count: u64) {
    match verify(copy, &trusted(), None) {
        Verdict::Whole(whole) => assert_eq!((whole.checkpoint.size, whole.behind), (count, 0)),
        bad => panic!("{bad:?}"),
    }
    assert_eq!(lines(&copy.of), lines(disk));
}

/// It must be whole, or not begun.
fn check_on_the_way(copy: &Copy, what: &str) {
    match verify(copy, &trusted(), None) {
        Verdict::Whole(_) => {}
        Verdict::Unchecked(_) if !copy.of.files.borrow().contains_key("checkpoint") => {}
        Verdict::Damaged(bad) if !copy.of.files.borrow().contains_key("checkpoint") => {
            // The very first records are there, and no checkpoint yet.
            assert_eq!((bad.first_bad, bad.findings.len()), (Some(0), 1), "{what}: {bad:?}");
        }
        bad => panic!("{what}: {bad:?}"),
    }
}

/// Appends the records from what is there up to `to`.
fn grown(disk: &Memory, to: u64) {
    let mut log = open(disk);
    let (from, ids) = (log.size(), ids(to));
    let records: Vec<Record<'_>> = (from..to).map(|n| record(&ids, n)).collect();
    records.chunks(90).for_each(|batch| log.append(batch).unwrap());
}

#[test]
fn a_copy_follows_the_log_and_nothing_is_put_twice() {
    let (disk, mut copy) = (Memory::default(), Copy::default());
    let mut before = 0;
    for size in [1, 2, 255, 256, 257, 700, 1_300] {
        grown(&disk, size);
        assert_eq!(shipped(&disk, &mut copy).unwrap(), Shipped { before, size });
        check(&disk, &copy, size);
        // Nothing is new: nothing is put.
        copy.left = Some(0);
        assert_eq!(shipped(&disk, &mut copy).unwrap(), Shipped { before: size, size });
        copy.left = None;
        before = size;
    }
    // A proof from the copy alone: it has every full tile.
    let tiles = |of: &Memory| {
        let files = of.files.borrow();
        files
            .keys()
            .filter(|path| path.starts_with("tile/") && !path.contains(".p/"))
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(tiles(&copy.of), tiles(&disk));
    assert_eq!(tiles(&disk).len(), 5);
}

#[test]
fn interrupted_at_any_put_it_is_whole_and_goes_on_also_when_the_log_has_grown() {
    for lands in [false, true] {
        for left in 0.. {
            let (disk, mut copy) = (Memory::default(), Copy { lands, ..Copy::default() });
            grown(&disk, 300);
            shipped(&disk, &mut copy).unwrap();
            grown(&disk, 900);
            copy.left = Some(left);
            let done = shipped(&disk, &mut copy).is_ok();
            check_on_the_way(&copy, &format!("after {left} puts"));
            grown(&disk, 1_000);
            // Again, while it goes on.
            copy.left = Some(left % 3);
            let _ = shipped(&disk, &mut copy);
            check_on_the_way(&copy, &format!("after {left} puts and more"));
            copy.left = None;
            shipped(&disk, &mut copy).unwrap();
            check(&disk, &copy, 1_000);
            if done {
                assert!(left >= 5, "{left}");
                break;
            }
        }
    }
}

/// Three hours of 300 records each: the log keeps the checkpoint of each hour.
fn three_hours() -> Memory {
    let disk = Memory::default();
    let ids = ids(900);
    let mut log = open(&disk);
    for hour in 0..3u64 {
        let at = |n: u64| gsm_core::Timestamp::from_millis((hour * 3_600_000 + n) as i64);
        let records: Vec<_> =
            (hour * 300..(hour + 1) * 300).map(|n| Record { at: at(n), ..record(&ids, n) }).collect();
        log.append(&records).unwrap();
    }
    disk
}

#[test]
fn it_goes_from_one_older_checkpoint_to_the_next_and_can_be_stopped_there() {
    let (disk, mut copy) = (three_hours(), Copy::default());
    let mut seen = Vec::new();
    let stopped = ship(&disk, &mut copy, &trusted(), &mut |size| {
        seen.push(size);
        seen.len() < 2
    });
    assert_eq!(stopped.unwrap(), Shipped { before: 0, size: 600 });
    assert_eq!(seen, [300, 600]);
    assert!(matches!(verify(&copy, &trusted(), None), Verdict::Whole(whole) if whole.checkpoint.size == 600));
    shipped(&disk, &mut copy).unwrap();
    check(&disk, &copy, 900);
}

#[test]
fn what_is_gone_or_changed_in_the_copy_is_told() {
    let (disk, mut copy) = (three_hours(), Copy::default());
    shipped(&disk, &mut copy).unwrap();
    copy_is_whole(&copy).unwrap();
    let differs = |change: &dyn Fn(&mut Copy), what: &str| {
        let mut changed = Copy { of: copy.of.copy(), ..Copy::default() };
        change(&mut changed);
        // The end of it is as it was, so that shipping has nothing to do.
        shipped(&disk, &mut changed).unwrap();
        let told = copy_is_whole(&changed).unwrap_err();
        assert!(matches!(told, ShipError::Differs { .. }), "{what}: {told}");
    };
    for first in [0, 300, 600] {
        let path = format!("segments/{first:020}.jsonl");
        differs(&|copy| drop(copy.of.files.borrow_mut().remove(&path)), &path);
        differs(&|copy| copy.of.edit(&path, |bytes| bytes[20] ^= 1), &path);
        differs(&|copy| copy.of.edit(&path, |bytes| bytes.truncate(bytes.len() / 2)), &path);
    }
}

#[test]
fn nothing_is_put_of_a_log_that_is_damaged_further_on() {
    for path in ["segments/00000000000000000768.jsonl", "checkpoints/600"] {
        let (disk, mut copy) = (three_hours(), Copy::default());
        disk.edit(path, |bytes| bytes[20] ^= 1);
        assert!(matches!(shipped(&disk, &mut copy), Err(ShipError::Log(_))), "{path}");
        assert!(copy.of.files.borrow().is_empty(), "{path}");
    }
}

#[test]
fn records_that_were_put_up_to_a_later_checkpoint_stay() {
    let (disk, mut copy) = (three_hours(), Copy::default());
    let fewer = disk.copy();
    fewer.files.borrow_mut().remove("checkpoints/300");
    copy.left = Some(2);
    assert!(shipped(&fewer, &mut copy).is_err());
    copy.of.files.borrow_mut().remove("pending");
    copy.left = None;
    shipped(&disk, &mut copy).unwrap();
    check(&disk, &copy, 900);
}

#[test]
fn what_was_changed_is_not_shipped() {
    let whole = Memory::default();
    grown(&whole, 900);
    let mut begun = Copy::default();
    let half = Memory::default();
    grown(&half, 450);
    shipped(&half, &mut begun).unwrap();
    let check = |path: &str, change: fn(&mut Vec<u8>)| {
        let (disk, mut copy) = (whole.copy(), Copy { of: begun.of.copy(), ..Copy::default() });
        disk.edit(path, change);
        match shipped(&disk, &mut copy) {
            Err(ShipError::Log(_) | ShipError::Differs { .. }) => {}
            other => panic!("{path}: {other:?}"),
        }
        assert_eq!(*copy.of.files.borrow(), *begun.of.files.borrow(), "{path}: something was put");
    };
    let last = "segments/00000000000000000768.jsonl";
    let middle = "segments/00000000000000000512.jsonl";
    check(last, |text| text[30] ^= 1);
    check(last, |text| text.truncate(text.len() - 1));
    check(last, Vec::clear);
    check(middle, |text| text[30] ^= 1);
    check(middle, |text| drop(text.drain(..10)));
    check("segments/00000000000000000256.jsonl", |text| text[40] ^= 1);
    check("checkpoint", |note| note[20] ^= 1);
    check("tile/0/000", |row| row[0] ^= 1);
}

#[test]
fn a_log_that_was_rolled_back_or_built_anew_and_anothers_are_not_shipped() {
    let (disk, mut copy) = (Memory::default(), Copy::default());
    grown(&disk, 300);
    let earlier = disk.copy();
    grown(&disk, 600);
    shipped(&disk, &mut copy).unwrap();
    let kept = copy.of.files.borrow().clone();
    // Built anew with the stolen key, longer than the copy.
    let anew = Memory::default();
    let mut log = open(&anew);
    let ids = ids(700);
    let other: Vec<Record<'_>> =
        (0..700).map(|n| Record { principal: "server:another", ..record(&ids, n) }).collect();
    other.chunks(90).for_each(|batch| log.append(batch).unwrap());
    // A log of another name.
    let another = Memory::default();
    let strange = || gsm_audit::SigningKey::of("gsm/audit/other", [3; 32]).unwrap();
    let mut log = Log::open(another.clone(), vec![strange()], LIMITS).unwrap();
    log.append(&[record(&ids, 0)]).unwrap();
    for (what, log) in [("rolled back", &earlier), ("built anew", &anew), ("another", &another)] {
        let keys = [trusted(), vec![strange().verifier().clone()]].concat();
        let refused = ship(log, &mut copy, &keys, &mut |_| true);
        assert!(matches!(refused, Err(ShipError::Differs { .. })), "{what}: {refused:?}");
        assert_eq!(*copy.of.files.borrow(), kept, "{what}: something was put");
    }
    assert!(matches!(
        ship(&disk, &mut copy, &[key(9).verifier().clone()], &mut |_| true),
        Err(ShipError::Log(_))
    ));
}

#[test]
fn what_another_put_into_the_copy_is_told_and_never_taken_for_the_log() {
    let disk = Memory::default();
    grown(&disk, 600);
    let begun = || {
        let (half, mut copy) = (Memory::default(), Copy::default());
        grown(&half, 300);
        shipped(&half, &mut copy).unwrap();
        copy
    };
    let refuses = |path: &str, bytes: &[u8]| {
        let mut copy = begun();
        copy.of.files.borrow_mut().insert(path.to_owned(), bytes.to_vec());
        let refused = shipped(&disk, &mut copy);
        assert!(matches!(refused, Err(ShipError::Differs { .. })), "{path}: {refused:?}");
        assert_eq!(copy.of.files.borrow()[path], bytes, "{path}");
    };
    let next = "segments/00000000000000000300.jsonl";
    refuses(next, b"{\"seq\":300,\"eventName\":\"gsm:Nothing\"}\n");
    refuses(next, b"");
    refuses("tile/0/001", &[0; 8_192]);
    refuses("checkpoint", b"not a note");
    // A checkpoint that is true, of a time before: the copy has more than it says.
    let (half, copy) = (Memory::default(), begun());
    grown(&half, 90);
    let old = half.files.borrow()["checkpoint"].clone();
    copy.of.files.borrow_mut().insert("checkpoint".to_owned(), old);
    let found = verify(&copy, &trusted(), None);
    assert!(
        matches!(&found, Verdict::Whole(whole) if (whole.checkpoint.size, whole.behind) == (90, 210)),
        "{found:?}"
    );
}

#[test]
fn two_who_ship_at_once_make_one_copy() {
    let disk = Memory::default();
    grown(&disk, 500);
    let longer = disk.copy();
    grown(&longer, 700);
    for (first, second, size) in [(&disk, &longer, 700), (&longer, &disk, 500)] {
        for left in 1..8 {
            let mut copy = Copy { left: Some(left), ..Copy::default() };
            let _ = shipped(first, &mut copy);
            copy.left = None;
            // The other one does not see what the first announced.
            copy.of.files.borrow_mut().remove("pending");
            match shipped(second, &mut copy) {
                Ok(done) => assert_eq!(done.size, size, "{left}"),
                Err(ShipError::Differs { .. }) => assert!(size == 500, "{left}"),
                Err(error) => panic!("{left}: {error}"),
            }
            grown(&longer, 700);
            shipped(&longer, &mut copy).unwrap();
            check(&longer, &copy, 700);
        }
    }
}

#[test]
fn after_a_change_of_keys_the_copy_goes_on() {
    let (disk, mut copy) = (Memory::default(), Copy::default());
    grown(&disk, 300);
    shipped(&disk, &mut copy).unwrap();
    let mut log = open(&disk);
    log.sign_with(vec![key(8)]).unwrap();
    let ids = ids(301);
    log.append(&[record(&ids, 300)]).unwrap();
    let new = [key(8).verifier().clone()];
    assert_eq!(ship(&disk, &mut copy, &new, &mut |_| true).unwrap(), Shipped { before: 300, size: 301 });
    assert!(matches!(verify(&copy, &new, None), Verdict::Whole(whole) if whole.checkpoint.size == 301));
}

#[test]
fn what_stands_behind_the_checkpoint_of_a_copy_is_what_was_announced_or_it_is_told() {
    let disk = Memory::default();
    grown(&disk, 300);
    let mut begun = Copy::default();
    shipped(&disk, &mut begun).unwrap();
    grown(&disk, 400);
    // Stopped behind the records, before the tiles and the checkpoint.
    begun.left = Some(2);
    assert!(shipped(&disk, &mut begun).is_err());
    let found = verify(&begun, &trusted(), None);
    assert!(
        matches!(&found, Verdict::Whole(whole) if (whole.checkpoint.size, whole.behind) == (300, 100)),
        "{found:?}"
    );
    let next = "segments/00000000000000000300.jsonl";
    let changes: [fn(&mut Vec<u8>); 5] = [
        |text| text[30] ^= 1,
        |text| text.truncate(text.len() - 1),
        |text| text.extend_from_slice(b"{\"seq\":400,}\n"),
        |text| text.extend_from_slice(b"{\"seq\":400"),
        |text| drop(text.drain(..text.len() / 2)),
    ];
    for change in changes {
        let copy = begun.of.copy();
        copy.edit(next, change);
        assert!(
            matches!(verify(&copy, &trusted(), None), Verdict::Damaged(bad) if bad.first_bad == Some(300))
        );
    }
    let copy = begun.of.copy();
    copy.files.borrow_mut().remove("pending");
    assert!(matches!(verify(&copy, &trusted(), None), Verdict::Damaged(_)), "not announced");
}
