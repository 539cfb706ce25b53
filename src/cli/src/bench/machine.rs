//! What this process and this machine say of themselves.
use std::time::Duration;

/// Processor time of this thread so far, in nanoseconds.
pub(crate) fn cpu_ns() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).map_or(0, |time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
}

/// A figure of `/proc/PID/status` in bytes: `VmRSS` is resident, `VmHWM` the most that ever was.
pub(crate) fn memory(process: &str, figure: &str) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(figure)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse::<f64>().ok().map(|kib| kib * 1_024.0)
}

/// What this process holds, in bytes, when the allocator has given back what growing left behind.
pub(crate) fn settled_memory() -> f64 {
    std::thread::sleep(Duration::from_millis(100));
    for _ in 0..100 {
        drop(std::hint::black_box(vec![0_u8; 100_000]));
    }
    memory("self", "VmRSS").unwrap_or(f64::NAN)
}

/// The processors, as a note below a table: `2 × Intel(R) Xeon(R) Processor`.
pub(crate) fn processors() -> String {
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    format!("{count} × {}", model.map_or(std::env::consts::ARCH, |(_, name)| name.trim()))
}
