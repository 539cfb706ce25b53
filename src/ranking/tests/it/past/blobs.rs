use super::world::at;
use gsm_ranking::{Absent, BlobError, Past, Step};
use std::{fs, path::PathBuf};

/// Segments even as shipped.
fn past(by: i64) -> Past {
    let scores = |n: i64| (n % 13 + by, (n + 1) % 13 + by);
    (0..300_000)
        .map(|n| Step { at: at(n), before: (n > 0).then_some(scores(n).0), after: Some(scores(n).1) })
        .collect()
}

#[test]
fn an_absent_segment_is_named_and_asked_for() {
    let past = past(0);
    let mut thin = Past::from_index(&past.index_blob()).unwrap();
    assert_eq!(thin.better_at(at(0), 0), Err(Absent { segment: 0 }));
    assert_eq!(thin.better_at(at(i64::MAX), -1), Ok(1), "the newest steps are in the index");
    assert_eq!(thin.better_at(at(-1), -1), Ok(0), "before the first step nothing is needed");
    assert_eq!((thin.segment_blob(0), thin.segment_blob(9_999)), (None, None));
    thin.provide(0, &past.segment_blob(0).unwrap()).unwrap();
    assert_eq!(thin.better_at(at(0), 0), Ok(1));
    assert_eq!(thin.segment_blob(0), past.segment_blob(0));
    thin.evict(0);
    thin.evict(9_999);
    assert_eq!(thin.better_at(at(0), 0), Err(Absent { segment: 0 }));
}

#[test]
fn a_compaction_without_its_segments_changes_nothing() {
    let mut past = past(0);
    past.append(Step { at: at(0), before: None, after: Some(99) });
    past.evict(0);
    let before = past.index_blob();
    assert_eq!(past.compact(), Err(Absent { segment: 0 }));
    assert_eq!(past.index_blob(), before);
}

#[test]
fn every_damaged_byte_is_noticed() {
    let past = past(0);
    let (index, segment) = (past.index_blob(), past.segment_blob(0).unwrap());
    let mut thin = Past::from_index(&index).unwrap();
    for (blob, name) in [(&index, "index"), (&segment, "segment")] {
        let mut open = |blob: &[u8]| match name {
            "index" => Past::from_index(blob).map(|_| ()),
            _ => thin.provide(0, blob),
        };
        let mut bad = blob.clone();
        for place in (0..blob.len()).step_by(1 + blob.len() / 900) {
            bad[place] ^= 1 << (place % 8);
            assert!(open(&bad).is_err(), "{name} {place}");
            bad[place] = blob[place];
        }
        for len in [0, 1, 2, 17, 18, 30, blob.len() - 1] {
            assert_eq!(open(&blob[..len]), Err(BlobError::Damaged), "{name} cut to {len}");
        }
        bad.push(0);
        assert_eq!(open(&bad), Err(BlobError::Damaged));
        bad[0] = 2;
        assert_eq!(open(&bad), Err(BlobError::Format { found: 2 }));
    }
}

#[test]
fn a_sound_blob_of_another_place_is_refused() {
    let (mut one, other) = (past(0), past(1));
    let old = one.segment_blob(0).unwrap();
    assert_eq!(one.provide(0, &other.segment_blob(0).unwrap()), Err(BlobError::Other));
    assert_eq!(one.provide(0, &one.index_blob()), Err(BlobError::Other));
    assert_eq!(one.provide(9_999, &old), Err(BlobError::Other));
    assert_eq!(Past::from_index(&old).map(|_| ()), Err(BlobError::Other));
    one.append(Step { at: at(0), before: None, after: Some(99) });
    assert_eq!(one.compact(), Ok(0));
    assert_eq!(one.provide(0, &old), Err(BlobError::Other), "from before the compaction");
    assert_eq!(one.better_at(at(1), 50), Ok(1), "a refused blob changes nothing");
}

/// Written by the first version of format 1, with segments of 40 steps.
fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/ranking/past_1").join(name)
}

#[test]
fn blobs_of_format_1_are_read() {
    let step = |n: i64| Step {
        at: at(n * n),
        before: (n % 7 > 0).then_some(n % 5 - 1),
        after: (n % 11 > 0).then_some(n % 5),
    };
    let written: Past = (0..100).map(step).collect();
    let mut read = Past::from_index(&fs::read(fixture("index.bin")).unwrap()).unwrap();
    for segment in 0..read.segments() {
        read.provide(segment, &fs::read(fixture(&format!("segment_{segment}.bin"))).unwrap()).unwrap();
    }
    assert_eq!((read.segments(), read.steps()), (2, 98));
    for time in (0..9_900).step_by(37) {
        assert_eq!(read.players_at(at(time)), written.players_at(at(time)));
        for score in -2..6 {
            assert_eq!(read.better_at(at(time), score), written.better_at(at(time), score));
        }
    }
}
