//! What happened, step by step, and one number for all of it.

/// Lines that a violation shows.
pub(crate) const TAIL: usize = 30;

/// The lines of a run.
#[derive(Default)]
pub(crate) struct Trace {
    pub(crate) lines: Vec<String>,
    hash: u64,
}

impl Trace {
    pub(crate) fn line(&mut self, line: String) {
        // FNV-1a, from another offset: only ever compared with itself.
        for byte in line.bytes().chain([b'\n']) {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
        self.lines.push(line);
    }
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }
    pub(crate) fn tail(&self) -> Vec<String> {
        self.lines[self.lines.len().saturating_sub(TAIL)..].to_vec()
    }
}
