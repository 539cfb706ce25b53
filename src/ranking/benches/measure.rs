//! What a board costs, without a library between: `cargo bench -p gsm-ranking --bench measure`.
//!
//! `GSM_BENCH_PLAYERS=1000000,100000000` names the sizes, `GSM_BENCH_KINDS=dense,"ids tied"` the fields. Each is measured
//! in a process of its own. Times are CPU time of the measuring thread; memory is the resident set of the process with
//! mimalloc, less what it was before.
#![allow(missing_docs, clippy::print_stdout, reason = "a bench prints a table")]
#[path = "workload/mod.rs"]
mod workload;

use gsm_ranking::{Change, DenseIds, Order, PlayerIds, Ranked, Shared};
use std::{
    hint::black_box,
    sync::atomic::{AtomicBool, Ordering},
};
use workload::{Field, Named, mix};

#[global_allocator]
static MIMALLOC: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Tells a child what to measure.
const TASK: &str = "GSM_BENCH_TASK";
/// Operations of one figure.
const TURNS: u64 = 1_000_000;

/// Nanoseconds this thread has run.
fn cpu_ns() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Bytes resident.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4_096
}

/// CPU nanoseconds of each of `turns` turns; the middle of three rounds.
fn each(turns: u64, mut turn: impl FnMut(u64)) -> f64 {
    let mut rounds = [0.0; 3];
    for (number, round) in (0..).zip(&mut rounds) {
        let before = cpu_ns();
        (number * turns..(number + 1) * turns).for_each(&mut turn);
        *round = (cpu_ns() - before) as f64 / turns as f64;
    }
    rounds.sort_by(f64::total_cmp);
    rounds[1]
}

/// Nanoseconds of a read that depends on the one before, in a heap of so many bytes.
fn miss(bytes: u64) -> f64 {
    let lines = (bytes / 64).next_power_of_two() / 2;
    // A full cycle: Knuth, TAOCP 2, 3.2.1.2, theorem A.
    let next = |at: u64| (at.wrapping_mul(0xd134_2543_de82_ef95).wrapping_add(0x9e37_79b9)) & (lines - 1);
    let mut heap = vec![[0u64; 8]; lines as usize];
    for at in 0..lines {
        heap[at as usize][0] = next(at);
    }
    let mut at = 1;
    each(TURNS, |_| at = heap[at as usize][0]) + (black_box(at) & 1) as f64 * 1e-9
}

fn row(what: &str, value: f64, unit: &str) {
    println!("  {what:<34} {value:>9.1} {unit}");
}

fn measure<I: Named>(field: Field) {
    let n = field.players;
    println!("{n} players, {}{}", I::NAME, if field.tied { ", 30 % tied" } else { "" });
    let before = resident();
    let per_player = || (resident() as f64 - before as f64) / n as f64;
    let start = cpu_ns();
    let mut board: Ranked<I> = Ranked::with_marks(Order::SCORE, field.marks::<I>());
    row("build from unsorted rows", (cpu_ns() - start) as f64 / 1e9, "s");
    row("memory, built", per_player(), "B/player");
    let reads = |board: &Ranked<I>, when: &str| {
        let id = |turn| I::named(field.player(turn));
        row(&format!("rank{when}"), each(TURNS, |turn| _ = black_box(board.standing(id(turn)))), "ns");
        let mut ids = Vec::new();
        let batched = each(TURNS / 64, |turn| {
            ids.clear();
            ids.extend((0..64).map(|k| id(turn * 64 + k)));
            drop(black_box(board.standings(&ids)));
        });
        row(&format!("rank, 64 at once{when}"), batched / 64.0, "ns");
        row(
            &format!("around, 5 on either side{when}"),
            each(TURNS, |turn| drop(black_box(board.around(id(turn), 5)))),
            "ns",
        );
        row(&format!("top 100{when}"), each(TURNS / 100, |_| drop(black_box(board.top(0, 100)))), "ns");
        let deep = |turn| field.player(turn);
        row(
            &format!("100 from anywhere{when}"),
            each(TURNS / 100, |turn| drop(black_box(board.top(deep(turn), 100)))),
            "ns",
        );
    };
    reads(&board, ", built");
    let mut base = 0;
    let set = |board: &mut Ranked<I>, player: u64, mark| {
        assert_eq!(board.set(I::named(player), mark), Change::Applied);
    };
    for turn in 0..3 * n {
        let (player, mark) = if mix(turn).is_multiple_of(2) { field.step(turn) } else { field.jump(turn) };
        set(&mut board, player, mark);
    }
    base += 3 * n;
    row("memory after 3 moves a player", per_player(), "B/player");
    row(
        "update by 20 points",
        each(TURNS, |turn| {
            let (player, mark) = field.step(base + turn);
            set(&mut board, player, mark);
        }),
        "ns",
    );
    base += 3 * TURNS;
    row(
        "update to anywhere",
        each(TURNS, |turn| {
            let (player, mark) = field.jump(base + turn);
            set(&mut board, player, mark);
        }),
        "ns",
    );
    reads(&board, "");
    let mut bytes = Vec::with_capacity(48 * n as usize);
    let start = cpu_ns();
    let written: Result<(), ()> = board.write_snapshot(|part| {
        bytes.extend_from_slice(part);
        Ok(())
    });
    assert!(written.is_ok());
    row("snapshot written", (cpu_ns() - start) as f64 / 1e9, "s");
    let mut rest = bytes.as_slice();
    let start = cpu_ns();
    let again: Result<Ranked<I>, _> = Ranked::read_snapshot(|part: &mut [u8]| {
        let (taken, left) = rest.split_at_checked(part.len()).ok_or(())?;
        part.copy_from_slice(taken);
        rest = left;
        Ok::<_, ()>(())
    });
    row("snapshot read", (cpu_ns() - start) as f64 / 1e9, "s");
    assert!(again.is_ok_and(|again| again.len() == n));
    drop(bytes);
    latencies(board, field, base + 3 * TURNS);
    row("four dependent misses", 4.0 * miss(resident()), "ns");
}

/// How long one rank takes, by the wall, alone and beside a thread that changes without a pause.
fn latencies<I: Named>(board: Ranked<I>, field: Field, base: u64) {
    let (shared, is_done) = (Shared::new(board), AtomicBool::new(false));
    let read = |what: &str| {
        let mut times: Vec<u64> = (0..TURNS)
            .map(|turn| {
                let id = I::named(field.player(turn));
                let start = now();
                let _ = black_box(shared.read(|board| board.standing(id)));
                start.elapsed().as_nanos() as u64
            })
            .collect();
        times.sort_unstable();
        for (name, part) in [("p50", 50), ("p99", 99)] {
            row(
                &format!("{name} of a rank, {what}"),
                times[times.len() * part / 100] as f64,
                "ns by the wall",
            );
        }
    };
    read("alone");
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut turns = base..;
            while !is_done.load(Ordering::Relaxed) {
                let (player, mark) = field.step(turns.next().unwrap_or(base));
                let _ = shared.change(|board| board.set(I::named(player), mark));
            }
            turns.start - base
        });
        read("beside a writer");
        is_done.store(true, Ordering::Relaxed);
        row("changes meanwhile", writer.join().unwrap_or(0) as f64, "");
    });
}

#[expect(clippy::disallowed_methods, reason = "a bench measures")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "a bench has no configuration but this")]
fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Measures one field in this process, which holds nothing else.
fn one(task: &str) {
    let (players, kind) = task.split_once(' ').unwrap_or_default();
    let field = Field { players: players.parse().unwrap_or(0), tied: kind.ends_with("tied") };
    if kind.starts_with("dense") { measure::<DenseIds>(field) } else { measure::<PlayerIds>(field) }
}

fn main() {
    if let Some(task) = env(TASK) {
        return one(&task);
    }
    let sizes = env("GSM_BENCH_PLAYERS").unwrap_or_else(|| "1000000,10000000".to_owned());
    let kinds = env("GSM_BENCH_KINDS").unwrap_or_else(|| "dense,ids,dense tied,ids tied".to_owned());
    for size in sizes.split(',') {
        for kind in kinds.split(',') {
            let this = std::env::current_exe().expect("a bench is a file");
            let task = format!("{} {}", size.trim(), kind.trim());
            let done = std::process::Command::new(this).env(TASK, task).status();
            assert!(done.is_ok_and(|status| status.success()), "a measurement failed");
        }
    }
}
