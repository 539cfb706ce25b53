//! The past of a board: `cargo bench -p gsm-ranking --bench past`, at 10^6 and 10^7 steps or as many millions as
//! `GSM_BENCH_PAST` names (`GSM_BENCH_PAST=1,10,100`). Throughput is by CPU time, so that a busy machine distorts it less.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench prints, and reads clock and settings"
)]
use gsm_core::Timestamp;
use gsm_ranking::{Past, Step};
use std::{
    alloc::{GlobalAlloc, Layout, System},
    hint::black_box,
    sync::atomic::{AtomicI64, Ordering::Relaxed},
    time::Instant,
};

static BYTES: AtomicI64 = AtomicI64::new(0);

struct Counting;

// SAFETY: passes everything on to the system's allocator unchanged.
#[expect(unsafe_code, reason = "a counting allocator cannot be written without; benches only")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BYTES.fetch_add(layout.size() as i64, Relaxed);
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size() as i64, Relaxed);
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// One player for so many steps.
const STEPS_PER_PLAYER: u64 = 10;
const QUERIES: u64 = 200_000;
const SAMPLES: u64 = 100;

/// A fixed scramble (splitmix64).
fn mix(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

/// Matches of two, 10 ms apart on average: players join at 1500 points and move by up to 40, in thousandths.
fn steps(count: u64) -> impl Iterator<Item = Step> {
    let players = count / STEPS_PER_PLAYER;
    let mut scores = vec![i64::MIN; players as usize];
    let mut now = 1_700_000_000_000;
    (0..count).map(move |turn| {
        if turn % 2 == 0 {
            now += (mix(turn) % 20) as i64;
        }
        let player = mix(!turn) % players;
        let Some(score) = scores.get_mut(player as usize) else { unreachable!() };
        let before = (*score != i64::MIN).then_some(*score);
        // Stronger players rise: scores spread to about N(1500, 350).
        let skill = (0..4).map(|k| mix(player * 4 + k) % 600_000).sum::<u64>() as i64 + 300_000;
        let from = before.unwrap_or(1_500_000);
        *score = from + (skill - from) / 12 + (mix(turn ^ 0xabcd) % 40_001) as i64 - 20_000;
        Step { at: Timestamp::from_millis(now), before, after: Some(*score) }
    })
}

/// Bytes of memory that the process has from the system, what was freed and not given back included.
fn resident() -> f64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<f64>().ok());
    pages.unwrap_or(f64::NAN) * 4_096.0
}

/// The middle, the 99th in 100, and the greatest of these times, in microseconds.
fn spread(mut times: Vec<f64>) -> [f64; 3] {
    times.sort_by(f64::total_cmp);
    [0.5, 0.99, 1.0].map(|part| {
        times.get((times.len() as f64 * part) as usize).or(times.last()).copied().unwrap_or(f64::NAN)
    })
}

fn micros(work: impl FnOnce()) -> f64 {
    let begin = Instant::now();
    work();
    begin.elapsed().as_secs_f64() * 1e6
}

fn ignore<T>(answer: T) {
    let _ = black_box(answer);
}

/// Microseconds of CPU that the only thread has had: what a busy machine does not distort.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1e3
}

fn cpu_micros(work: impl FnOnce()) -> f64 {
    let begin = cpu();
    work();
    cpu() - begin
}

fn run(count: u64) {
    // What making the steps costs by itself.
    let making = cpu_micros(|| steps(count).for_each(ignore));
    let (held, allocated) = (resident(), BYTES.load(Relaxed));
    let mut past = Past::new();
    let building = cpu_micros(|| past.extend(steps(count))) - making;
    let allocated = (BYTES.load(Relaxed) - allocated) as f64 / count as f64;
    let resident = (resident() - held) / count as f64;
    println!(
        "{count} steps, {} segments, {allocated:.1} B a step, {resident:.1} of resident memory",
        past.segments()
    );
    println!("  build {:.2} M steps/s of CPU", count as f64 / building);

    let (first, span) = (1_700_000_000_000, count as i64 * 19 / 4);
    let instant = |n: u64| Timestamp::from_millis(first + (mix(n) % span as u64) as i64);
    let score = |n: u64| 900_000 + (mix(n ^ 0x77) % 1_200_000) as i64;
    let recent = |n: u64| Timestamp::from_millis(first + span - (mix(n) % (span as u64 / 1_000 + 1)) as i64);
    let query = |past: &Past, at: Timestamp, n: u64| {
        let own = Step { at: Timestamp::from_millis(first), before: None, after: Some(score(n)) };
        micros(|| ignore(past.series(&[own], &[at])))
    };
    let [p50, p99, _] = spread((0..QUERIES).map(|n| query(&past, instant(n), n)).collect());
    println!("  one instant anywhere: p50 {p50:.2} us, p99 {p99:.2} us");
    let [p50, p99, _] = spread((0..QUERIES).map(|n| query(&past, recent(n), n)).collect());
    println!("  one instant in the newest thousandth: p50 {p50:.2} us, p99 {p99:.2} us");

    let series = |n: u64| {
        let steps: Vec<Step> = (0..10)
            .map(|k| Step {
                at: Timestamp::from_millis(first + span / 10 * k as i64),
                before: None,
                after: Some(score(n * 10 + k)),
            })
            .collect();
        let times: Vec<Timestamp> =
            (0..SAMPLES).map(|k| Timestamp::from_millis(first + span / SAMPLES as i64 * k as i64)).collect();
        let day: Vec<Timestamp> =
            (0..SAMPLES).map(|k| Timestamp::from_millis(first + span / 2 + 5_000 * k as i64)).collect();
        let all = micros(|| ignore(past.series(&steps, &times)));
        let near = micros(|| ignore(past.series(&steps, &day)));
        [all / SAMPLES as f64, near / SAMPLES as f64]
    };
    let times: Vec<[f64; 2]> = (0..2_000).map(series).collect();
    for (part, name) in ["over all of the past", "over some minutes"].iter().enumerate() {
        let [p50, p99, _] = spread(times.iter().filter_map(|times| times.get(part).copied()).collect());
        println!("  series of {SAMPLES} {name}: p50 {p50:.2} us a sample, p99 {p99:.2} us");
    }

    let late: Vec<Step> = steps(count).step_by(1_000.max(count as usize / 10_000)).collect();
    for step in &late {
        past.append(Step { before: step.after, after: step.before, ..*step });
        past.append(*step);
    }
    let [p50, p99, _] = spread((0..QUERIES).map(|n| query(&past, instant(n), n)).collect());
    println!("  one instant with {} late: p50 {p50:.2} us, p99 {p99:.2} us", 2 * late.len());
    drop(past);

    let mut past = Past::new();
    let appending = cpu_micros(|| steps(count).for_each(|step| past.append(step))) - making;
    println!("  append {:.2} M steps/s of CPU", count as f64 / appending);
    let mut past = Past::new();
    let [p50, p99, most] =
        spread(steps(count.min(2_000_000)).map(|step| micros(|| past.append(step))).collect());
    println!("  append: p50 {p50:.2} us, p99 {p99:.2} us, at most {:.1} ms", most / 1e3);
}

fn main() {
    let asked = std::env::var("GSM_BENCH_PAST").unwrap_or_else(|_| "1,10".into());
    for millions in asked.split(',').filter_map(|number| number.trim().parse::<u64>().ok()) {
        run(millions * 1_000_000);
    }
}
