//! Our board, measured in this process, which holds nothing else: times are processor time of the measuring thread, and
//! memory is what the process has, less what it had before.
use super::{
    super::{child::now, machine},
    workload::{Field, Named, Naming, moved},
};
use gsm_ranking::{DenseIds, Order, PlayerIds, Ranked, Shared};
use serde::{Deserialize, Serialize};
use std::{
    hint::black_box,
    sync::atomic::{AtomicBool, Ordering},
};

/// Moves before a board counts as lived in: so many a player, and no more than so many.
const MOVES_A_PLAYER: u64 = 3;
const MOVES_MAX: u64 = 60_000_000;
/// Players asked for in one batch.
const BATCH: u64 = 64;

/// What is to be measured in a process of its own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Task {
    pub(crate) field: Field,
    pub(crate) naming: Naming,
    /// Operations of one figure.
    pub(crate) operations: u64,
}

/// What was found. Times are of one operation in nanoseconds, where nothing else is said; memory is in bytes a player.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Readings {
    pub(crate) build_s: f64,
    pub(crate) built: f64,
    /// After moves and reads.
    pub(crate) lived_in: f64,
    /// The most that the process ever had, in bytes.
    pub(crate) peak: f64,
    pub(crate) update: f64,
    pub(crate) jump: f64,
    pub(crate) rank: f64,
    /// A rank, of [`BATCH`] asked for at once.
    pub(crate) batched: f64,
    pub(crate) around: f64,
    pub(crate) top: f64,
    /// By the wall: how long 99 of 100 reads of a rank take at most.
    pub(crate) alone: f64,
    /// The same beside a thread that changes without a pause.
    pub(crate) beside_writer: f64,
    /// Four reads of memory, each of which depends on the one before, in a heap as large as the board.
    pub(crate) four_misses: f64,
}

impl Task {
    /// Measures, in a process that has done nothing yet.
    pub(crate) fn measure(&self) -> Readings {
        match self.naming {
            Naming::Dense => measure::<DenseIds>(self),
            Naming::Bytes => measure::<PlayerIds>(self),
        }
    }
}

/// Processor nanoseconds of each of `turns` turns; the middle of three rounds.
fn each(turns: u64, mut turn: impl FnMut(u64)) -> f64 {
    let turns = turns.max(1);
    let mut rounds = [0.0; 3];
    for (number, round) in (0..).zip(&mut rounds) {
        let before = machine::cpu_ns();
        (number * turns..(number + 1) * turns).for_each(&mut turn);
        *round = (machine::cpu_ns() - before) as f64 / turns as f64;
    }
    rounds.sort_by(f64::total_cmp);
    rounds[1]
}

fn resident() -> f64 {
    machine::memory("self", "VmRSS").unwrap_or(f64::NAN)
}

fn measure<I: Named>(task: &Task) -> Readings {
    let Task { field, operations, .. } = *task;
    let before = resident();
    let bytes_a_player = || (resident() - before) / field.players as f64;
    let start = machine::cpu_ns();
    let mut board: Ranked<I> = Ranked::with_marks(Order::SCORE, field.marks::<I>());
    let build_s = (machine::cpu_ns() - start) as f64 / 1e9;
    let built = bytes_a_player();
    let moves = (MOVES_A_PLAYER * field.players).min(MOVES_MAX);
    for turn in 0..moves {
        let (player, score) = if turn % 2 == 0 { field.step(turn) } else { field.jump(turn) };
        let _ = board.set(I::named(player), moved(turn, score));
    }
    let update = each(operations, |turn| {
        let turn = moves + turn;
        let (player, score) = field.step(turn);
        let _ = black_box(board.set(I::named(player), moved(turn, score)));
    });
    let moves = moves + 3 * operations;
    let jump = each(operations, |turn| {
        let turn = moves + turn;
        let (player, score) = field.jump(turn);
        let _ = black_box(board.set(I::named(player), moved(turn, score)));
    });
    let moves = moves + 3 * operations;
    let id = |turn| I::named(field.player(turn));
    let rank = each(operations, |turn| _ = black_box(board.standing(id(turn))));
    let mut ids = Vec::new();
    let batched = each(operations / BATCH, |turn| {
        ids.clear();
        ids.extend((0..BATCH).map(|k| id(turn * BATCH + k)));
        drop(black_box(board.standings(&ids)));
    }) / BATCH as f64;
    let around = each(operations, |turn| drop(black_box(board.around(id(turn), 5))));
    let top = each(operations / 50, |_| drop(black_box(board.top(0, 100))));
    // By now the allocator has given back what the build took beside the board.
    let lived_in = bytes_a_player();
    let peak = machine::memory("self", "VmHWM").unwrap_or(f64::NAN);
    let (alone, beside_writer) = latencies(board, field, operations, moves);
    let four_misses = 4.0 * miss((lived_in * field.players as f64) as u64, operations);
    Readings {
        build_s,
        built,
        lived_in,
        peak,
        update,
        jump,
        rank,
        batched,
        around,
        top,
        alone,
        beside_writer,
        four_misses,
    }
}

/// Nanoseconds that 99 of 100 ranks take at most, by the wall: alone, and beside a thread that changes without a pause.
fn latencies<I: Named>(board: Ranked<I>, field: Field, operations: u64, moves: u64) -> (f64, f64) {
    let (shared, is_done) = (Shared::new(board), AtomicBool::new(false));
    let read = || {
        let mut times: Vec<u64> = (0..operations)
            .map(|turn| {
                let id = I::named(field.player(turn));
                let start = now();
                let _ = black_box(shared.read(|board| board.standing(id)));
                start.elapsed().as_nanos() as u64
            })
            .collect();
        times.sort_unstable();
        times.get(times.len() * 99 / 100).map_or(f64::NAN, |time| *time as f64)
    };
    let alone = read();
    let beside = std::thread::scope(|scope| {
        scope.spawn(|| {
            for turn in moves.. {
                if is_done.load(Ordering::Relaxed) {
                    break;
                }
                let (player, score) = field.step(turn);
                let (id, mark) = (I::named(player), moved(turn, score));
                // As the server does it.
                shared.read(|board| board.look_at(id, &mark));
                let _ = shared.change(|board| board.set(id, mark));
            }
        });
        let beside = read();
        is_done.store(true, Ordering::Relaxed);
        beside
    });
    (alone, beside)
}

/// Nanoseconds of a read that depends on the one before, in a heap of about so many bytes: the next power of two, or
/// half of it.
fn miss(bytes: u64, operations: u64) -> f64 {
    let lines = ((bytes / 64).next_power_of_two() / 2).max(2);
    // A full cycle: Knuth, TAOCP 2, 3.2.1.2, theorem A.
    let next = |at: u64| (at.wrapping_mul(0xd134_2543_de82_ef95).wrapping_add(0x9e37_79b9)) & (lines - 1);
    let heap: Vec<[u64; 8]> = (0..lines).map(|at| [next(at), 0, 0, 0, 0, 0, 0, 0]).collect();
    let mut at = 1u64;
    let took = each(operations, |_| {
        if let Some([next, ..]) = heap.get(at as usize) {
            at = *next;
        }
    });
    black_box(at);
    took
}
