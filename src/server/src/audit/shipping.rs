//! Shipping the log while the server runs: its records to a copy that nobody here can change, its checkpoints to syslog.
//!
//! Each goes by a thread of its own, since what it does may take long and is never waited for: the log stays where it is until
//! it is shipped.
use super::Audit;
use crate::{StartError, config::ShipSettings};
use gsm_adapters::{CopyOptions, CopyPlace, Receiver, checkpoint_line};
use gsm_audit::{ShipError, Vault, VerifierKey, ship};
use gsm_core::{Clock, Millis, Timestamp};
use parking_lot::{Condvar, Mutex};
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

/// Between looks at whether there is something new.
const LOOK: Duration = Duration::from_secs(1);
/// What a stop waits for a last shipment; the next start ships what is left.
const LAST: Duration = Duration::from_secs(10);

/// Where it is shipped to, and how far that came.
pub(crate) struct Shipping {
    audit: Arc<Audit>,
    clock: Arc<dyn Clock>,
    lines: Vec<Arc<Line>>,
}

/// One way on which it is shipped.
struct Line {
    /// `copy` or `syslog`.
    to: &'static str,
    state: Mutex<State>,
    /// Rung at the stop, and by the thread when it ends.
    bell: Condvar,
    /// Records of the log that arrived.
    shipped: AtomicU64,
    failures: AtomicU64,
    /// It is to end in the middle of a shipment.
    abandoned: AtomicBool,
}

struct State {
    /// When it last had everything.
    level_at: Timestamp,
    closing: bool,
    ended: bool,
}

/// How far one way is behind.
pub(crate) struct Lag {
    pub(crate) to: &'static str,
    pub(crate) records: u64,
    /// Since it last had everything; zero where it has.
    pub(crate) since: Millis,
    pub(crate) failures: u64,
}

/// What is done on a way: told which records the log has, it answers how many have arrived.
trait Carrier {
    fn carry(&mut self, audit: &Audit, line: &Line) -> Result<u64, ShipError>;
}

/// Records into a copy.
struct Copying {
    place: CopyPlace,
    options: CopyOptions,
    clock: Arc<dyn Clock>,
    vault: Option<Box<dyn Vault + Send>>,
}

impl Carrier for Copying {
    fn carry(&mut self, audit: &Audit, line: &Line) -> Result<u64, ShipError> {
        let vault = match &mut self.vault {
            Some(vault) => vault,
            none => {
                none.insert(self.place.open(&self.options, self.clock.clone()).map_err(failed(&self.place))?)
            }
        };
        let keys: Vec<VerifierKey> = audit.verifiers();
        let shipped = ship(audit.files(), &mut **vault, &keys, &mut |size| {
            line.shipped.store(size, Ordering::Release);
            !line.abandoned.load(Ordering::Acquire)
        })?;
        if shipped.size > shipped.before {
            tracing::debug!(to = %self.place, size = shipped.size, "the audit log is shipped");
        }
        Ok(shipped.size)
    }
}

/// Checkpoints to a receiver of syslog.
struct Telling {
    receiver: Receiver,
    node: String,
    clock: Arc<dyn Clock>,
}

impl Carrier for Telling {
    fn carry(&mut self, audit: &Audit, _: &Line) -> Result<u64, ShipError> {
        let standing = audit.standing();
        let line = checkpoint_line(&self.node, self.clock.wall(), &standing.note);
        self.receiver.send(&line).map_err(failed(&self.receiver))?;
        Ok(standing.rows.size())
    }
}

fn failed(to: &impl ToString) -> impl FnOnce(io::Error) -> ShipError {
    let path = to.to_string();
    move |source| ShipError::Copy { path, source }
}

impl Shipping {
    /// Begins to ship as it is set.
    ///
    /// # Errors
    /// Where no thread can be had; then none goes on.
    pub(crate) fn start(
        settings: &ShipSettings,
        node: &str,
        audit: &Arc<Audit>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, StartError> {
        let mut carriers: Vec<(&'static str, Box<dyn Carrier + Send>)> = Vec::new();
        if let Some((place, options)) = &settings.copy {
            let (place, options) = (place.clone(), options.clone());
            carriers.push(("copy", Box::new(Copying { place, options, clock: clock.clone(), vault: None })));
        }
        if let Some(receiver) = settings.syslog.clone() {
            carriers.push((
                "syslog",
                Box::new(Telling { receiver, node: node.to_owned(), clock: clock.clone() }),
            ));
        }
        let mut shipping = Self { audit: audit.clone(), clock: clock.clone(), lines: Vec::new() };
        for (to, carrier) in carriers {
            let state = State { level_at: clock.now(), closing: false, ended: false };
            let line = Arc::new(Line {
                to,
                state: Mutex::new(state),
                bell: Condvar::new(),
                shipped: 0.into(),
                failures: 0.into(),
                abandoned: false.into(),
            });
            let begun = line.clone();
            let (audit, clock, every) = (audit.clone(), clock.clone(), settings.every);
            let name = format!("gsm-ship-{to}");
            let thread = std::thread::Builder::new().name(name.clone());
            if let Err(source) = thread.spawn(move || line.run(carrier, &audit, &*clock, every)) {
                shipping.stop();
                return Err(StartError::File { path: format!("the thread `{name}`"), source });
            }
            shipping.lines.push(begun);
        }
        Ok(shipping)
    }

    /// How far each way is behind.
    pub(crate) fn lags(&self) -> impl Iterator<Item = Lag> {
        let (size, now) = (self.audit.standing().rows.size(), self.clock.now());
        self.lines.iter().map(move |line| {
            let records = size.saturating_sub(line.shipped.load(Ordering::Acquire));
            let since = if records == 0 { Millis::ZERO } else { now.since(line.state.lock().level_at) };
            Lag { to: line.to, records, since, failures: line.failures.load(Ordering::Relaxed) }
        })
    }

    /// Ships once more, if that is soon done, and ends. Blocks.
    pub(crate) fn stop(&self) {
        for line in &self.lines {
            line.state.lock().closing = true;
            line.bell.notify_all();
        }
        for line in &self.lines {
            let mut state = line.state.lock();
            if line.bell.wait_while_for(&mut state, |state| !state.ended, LAST).timed_out() {
                tracing::warn!(
                    to = line.to,
                    "the audit log is not shipped to its end; the next start goes on"
                );
                line.abandoned.store(true, Ordering::Release);
            }
        }
    }
}

impl Line {
    fn run(&self, mut carrier: Box<dyn Carrier + Send>, audit: &Audit, clock: &dyn Clock, every: Duration) {
        // What arrived before this start is not known before the first look.
        let (mut since, mut is_known) = (every, false);
        loop {
            let closing = self.state.lock().closing;
            let (size, now) = (audit.standing().rows.size(), clock.now());
            let is_new = !is_known || size != self.shipped.load(Ordering::Acquire);
            if !is_new {
                self.state.lock().level_at = now;
            } else if since >= every || closing {
                since = Duration::ZERO;
                match carrier.carry(audit, self) {
                    Ok(arrived) => {
                        is_known = true;
                        self.shipped.store(arrived, Ordering::Release);
                        if arrived >= size {
                            self.state.lock().level_at = now;
                        }
                    }
                    Err(error) => self.complain(&error),
                }
            }
            let mut state = self.state.lock();
            if closing {
                state.ended = true;
                self.bell.notify_all();
                return;
            }
            if self.bell.wait_while_for(&mut state, |state| !state.closing, LOOK).timed_out() {
                since = since.saturating_add(LOOK);
            }
        }
    }

    fn complain(&self, error: &ShipError) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        let to = self.to;
        match error {
            ShipError::Copy { .. } => {
                tracing::warn!(to, %error, "the audit log is not shipped; it is tried again")
            }
            _ => tracing::error!(to, %error, "the audit log is not shipped: it or its copy was changed"),
        }
    }
}
