//! A log that is stopped at any step goes on with every record once.
use crate::disk::{LIMITS, Memory, ids, key, lines, open, record, trusted, written};
use gsm_audit::{Limits, Log, LogError, Record, Unwritten, Verdict, last_commit, verify};

/// Writes `count` records onto a disk that breaks after `left` steps; whether it came to the end.
fn written_until(disk: &Memory, left: usize, count: u64, step: usize) -> bool {
    written_within(LIMITS, disk, left, count, step)
}

fn written_within(limits: Limits, disk: &Memory, left: usize, count: u64, step: usize) -> bool {
    *disk.left.borrow_mut() = Some(left);
    let ids = ids(count);
    let all: Vec<Record<'_>> = (0..count).map(|n| record(&ids, n)).collect();
    let done = Log::open(disk.clone(), vec![key(7)], limits).is_ok_and(|mut log| {
        let from = log.commit() as usize;
        all[from..].chunks(step).all(|batch| log.append(batch).is_ok())
    });
    *disk.left.borrow_mut() = None;
    done
}

#[test]
fn stopped_anywhere_it_is_whole_and_goes_on_with_each_record_once() {
    let (count, step) = (700, 90);
    let whole = Memory::default();
    written(&whole, count, step);
    for left in 0.. {
        let disk = Memory::default();
        let done = written_until(&disk, left, count, step);
        match verify(&disk, &trusted(), None) {
            Verdict::Whole(_) => {}
            Verdict::Unchecked(_) if left <= 1 => {}
            bad => panic!("after {left} steps: {bad:?}"),
        }
        // Stopped again while it recovers.
        written_until(&disk, left % 5, count, step);
        // What is looked at stays as it is.
        let (files, told) = (disk.files.borrow().clone(), last_commit(&disk).unwrap());
        let looked = Log::open(Unwritten(disk.clone()), vec![key(7)], LIMITS).unwrap();
        assert_eq!(*disk.files.borrow(), files, "after {left} steps");
        let mut log = open(&disk);
        assert_eq!((looked.size(), looked.commit()), (log.size(), log.commit()), "after {left} steps");
        assert_eq!(told, log.commit(), "after {left} steps");
        let (from, ids) = (log.commit(), ids(count));
        let rest: Vec<Record<'_>> = (from..count).map(|n| record(&ids, n)).collect();
        rest.chunks(step).for_each(|batch| log.append(batch).unwrap());
        assert_eq!(lines(&disk), lines(&whole), "after {left} steps");
        assert!(
            matches!(verify(&disk, &trusted(), None), Verdict::Whole(found) if found.checkpoint.size == count)
        );
        if done {
            assert!(left > 40, "{left}");
            return;
        }
    }
}

#[test]
fn what_was_begun_is_finished_where_it_was_begun_whatever_the_limits_are_now() {
    let (count, step) = (700, 64);
    let wide = Limits { segment_records: 4_096, ..LIMITS };
    for (before, now) in [(wide, LIMITS), (LIMITS, wide)] {
        for left in 0.. {
            let disk = Memory::default();
            let done = written_within(before, &disk, left, count, step);
            assert!(written_within(now, &disk, usize::MAX, count, step));
            let found = verify(&disk, &trusted(), None);
            assert!(
                matches!(&found, Verdict::Whole(found) if found.checkpoint.size == count),
                "after {left} steps: {found:?}"
            );
            if done {
                break;
            }
        }
    }
}

#[test]
fn segments_end_at_a_multiple_of_256_and_checkpoints_are_thinned_out() {
    let disk = Memory::default();
    written(&disk, 1_000, 7);
    let names: Vec<String> = disk.files.borrow().keys().cloned().collect();
    let of = |dir: &str| names.iter().filter_map(|name| name.strip_prefix(dir)).collect::<Vec<_>>();
    let expected: Vec<String> = [0, 256, 512, 768].iter().map(|first| format!("{first:020}.jsonl")).collect();
    assert_eq!(of("segments/"), expected);
    assert_eq!(of("checkpoints/"), ["1000"]);
    assert_eq!(of("tile/"), ["0/000", "0/001", "0/002", "0/003.p/232", "1/000.p/3"]);
    assert_eq!(of("log."), ["vkey"]);
}

#[test]
fn another_key_signs_from_then_on_and_both_are_good_meanwhile() {
    let disk = Memory::default();
    let ids = ids(10);
    let mut log = open(&disk);
    log.append(&[record(&ids, 0)]).unwrap();
    log.sign_with(vec![key(8), key(7)]).unwrap();
    log.append(&[record(&ids, 1)]).unwrap();
    for seed in [7, 8] {
        assert!(matches!(verify(&disk, &[key(seed).verifier().clone()], None), Verdict::Whole(_)), "{seed}");
    }
    let mut log = Log::open(disk.clone(), vec![key(8)], LIMITS).unwrap();
    log.append(&[record(&ids, 2)]).unwrap();
    assert!(matches!(verify(&disk, &[key(8).verifier().clone()], None), Verdict::Whole(_)));
    assert!(matches!(verify(&disk, &[key(7).verifier().clone()], None), Verdict::Damaged(_)));
    assert!(matches!(Log::open(disk, vec![key(7)], LIMITS), Err(LogError::Damaged { .. })));
}

#[test]
fn a_damaged_log_is_not_written_on() {
    let whole = Memory::default();
    written(&whole, 600, 50);
    let check = |path: &str, change: fn(&mut Vec<u8>)| {
        let disk = whole.copy();
        disk.edit(path, change);
        match Log::open(disk, vec![key(7)], LIMITS).map(drop) {
            Err(LogError::Damaged { path: named, .. }) => assert!(!named.is_empty()),
            other => panic!("{path}: {other:?}"),
        }
    };
    let last = "segments/00000000000000000512.jsonl";
    check(last, |text| text.truncate(text.len() - 1));
    check(last, |text| text[30] ^= 1);
    check(last, |text| text.extend_from_slice(b"{}\n"));
    check(last, Vec::clear);
    check("checkpoint", |note| note[40] ^= 1);
    check("tile/0/001", |row| row[0] ^= 1);
    check("tile/0/000", |row| row.truncate(32));
    for path in ["checkpoint", last, "tile/0/000"] {
        let disk = whole.copy();
        disk.files.borrow_mut().remove(path);
        assert!(Log::open(disk, vec![key(7)], LIMITS).is_err(), "{path}");
    }
    assert!(Log::open(whole.copy(), vec![key(9)], LIMITS).is_err(), "another's log");
    assert!(Log::open(whole, vec![key(7)], LIMITS).is_ok());
}
