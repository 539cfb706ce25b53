//! What a record costs to write and to check. `cargo bench -p gsm-audit`; per core, files in memory.
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gsm_audit::{Disk, Files, Limits, Log, Record, SigningKey, Verdict, verify};
use gsm_core::Timestamp;
use std::{cell::RefCell, collections::BTreeMap, hint::black_box, io, rc::Rc};

const RECORDS: usize = 200_000;

#[derive(Clone, Default)]
struct Memory(Rc<RefCell<BTreeMap<String, Vec<u8>>>>);

impl Files for Memory {
    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let files = self.0.borrow();
        let names = files.keys().filter_map(|path| path.strip_prefix(dir)?.strip_prefix('/'));
        Ok(names.filter(|name| !name.contains('/')).map(str::to_owned).collect())
    }
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.0.borrow().get(path).cloned())
    }
}

impl Disk for Memory {
    fn replace(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.0.borrow_mut().insert(path.to_owned(), bytes.to_vec());
        Ok(())
    }
    fn append(&mut self, path: &str, at: u64, bytes: &[u8]) -> io::Result<()> {
        let mut files = self.0.borrow_mut();
        let file = files.entry(path.to_owned()).or_default();
        file.truncate(at as usize);
        file.extend_from_slice(bytes);
        Ok(())
    }
    fn remove(&mut self, path: &str) -> io::Result<()> {
        self.0.borrow_mut().remove(path);
        Ok(())
    }
}

/// A result as a game server reports it.
fn record(resources: &[String], n: usize) -> Record<'_> {
    Record {
        event_id: "evt-0123456789abcdef0123456789abcdef",
        at: Timestamp::from_millis(1_795_764_600_000 + n as i64),
        node: "gsm-1",
        name: "gsm:ReportResult",
        principal: "server:key-0123456789abcdef0123456789abcdef",
        source: Some("hmac-2026-0123456789abcdef0123456789abcdef"),
        agent: Some("arena/3.1"),
        request_id: "req-0123456789abcdef",
        parameters: Some(
            r#"{"match_id":"mch-0123456789abcdef0123456789abcdef","placements":[{"player_id":"plr-0123456789abcdef0123456789abcdef","place":1},{"player_id":"plr-0123456789abcdef0123456789abcdef","place":2}]}"#,
        ),
        resources,
        commit: Some(n as u64 + 1),
        ..Record::default()
    }
}

fn log(c: &mut Criterion) {
    let resources = ["mch-0123456789abcdef0123456789abcdef".to_owned(), "duel".to_owned()];
    let records: Vec<Record<'_>> = (0..RECORDS).map(|n| record(&resources, n)).collect();
    let key = || SigningKey::of("gsm/audit/bench", [7; 32]).expect("a key");
    let trusted = [key().verifier().clone()];
    let written = || {
        let disk = Memory::default();
        let mut log = Log::open(disk.clone(), vec![key()], Limits::default()).expect("opens");
        for batch in records.chunks(1_000) {
            log.append(batch).expect("appends");
        }
        disk
    };
    let mut group = c.benchmark_group("audit");
    group.sample_size(10).throughput(Throughput::Elements(RECORDS as u64));
    let disk = written();
    group.bench_function("verify", |b| {
        b.iter(|| assert!(matches!(black_box(verify(&disk, &trusted, None)), Verdict::Whole(_))));
    });
    group.bench_function("append", |b| b.iter(written));
    group.finish();
}

criterion_group!(benches, log);
criterion_main!(benches);
