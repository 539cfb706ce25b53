//! The audit log of a running server: what each call says of itself, what is refused, and the thread that writes it all.
//!
//! A change brings its record along in its change set; what changes nothing (refusals, repeats, openings of streams, reads that
//! hand out what is somebody's) is noted at the door. The sequencer appends both to the Merkle log in `<data>/audit` (`gsm_audit`),
//! within a second.
mod address;
mod checking;
mod floods;
mod keys;
mod made;
mod parameters;
mod readers;
mod reading;
mod sequencer;
mod shipping;
mod trail;
mod turns;

pub use address::gone as address_key_gone;
pub use checking::{Looked, look};
pub(crate) use keys::{KEYS_MAX, Rotated};
pub use keys::{fault as key_fault, gone as key_gone};
pub(crate) use parameters::Sent;
pub(crate) use reading::{Filter, Reading};
pub(crate) use sequencer::Sequencer;
pub(crate) use shipping::Shipping;
pub(crate) use trail::Trail;

use address::Addresses;
use axum::http::{HeaderMap, StatusCode, header};
use floods::Floods;
use gsm_adapters::AuditDir;
use gsm_audit::{LogError, Standing, VerifierKey};
use gsm_core::{EventId, IdSource, Millis, Timestamp};
use gsm_engine::store::Origin;
use keys::Keys;
use parking_lot::{Condvar, Mutex, RwLock};
use std::{
    net::IpAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

/// Notes that wait for the sequencer; what comes above is counted.
const NOTES_MAX: usize = 65_536;
/// Characters of what a client calls itself.
const AGENT_CHARS_MAX: usize = 200;
/// The parameter of paths that is somebody's address.
const ADDRESS: &str = "address";
/// The actions of calls that may open a stream, and are written down if they do although they change nothing.
const OPENINGS: [&str; 1] = ["gsm:Subscribe"];
/// The actions of reads that hand out what is somebody's: they are written down although they change nothing.
const HANDED_OUT: [&str; 3] = ["gsm:ExportPlayer", "gsm:ListAuditEvents", "gsm:ReadAuditRecords"];
/// What a call of no operation is called.
const UNKNOWN: &str = "gsm:Unknown";

/// A record that comes with no change set.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Note {
    event_id: String,
    at: Timestamp,
    name: &'static str,
    principal: Arc<str>,
    source: Option<Arc<str>>,
    agent: Option<Arc<str>>,
    request_id: Arc<str>,
    read_only: bool,
    error: Option<Arc<str>>,
    parameters: Option<Arc<str>>,
    resources: Arc<[String]>,
    reason: Option<Arc<str>>,
    policies: Arc<[String]>,
    folded: Option<(u64, Timestamp)>,
}

impl Note {
    fn new(name: &'static str, at: Timestamp) -> Self {
        Self {
            event_id: String::new(),
            at,
            name,
            principal: "anonymous".into(),
            source: None,
            agent: None,
            request_id: "".into(),
            read_only: false,
            error: None,
            parameters: None,
            resources: Arc::default(),
            reason: None,
            policies: Arc::default(),
            folded: None,
        }
    }
}

/// What waits for the sequencer.
struct Waiting {
    notes: Vec<Note>,
    floods: Floods,
    reads: Floods,
    /// The keys have changed.
    rekey: bool,
    /// The newest key, where no record names it and none is under way.
    unnamed: Option<VerifierKey>,
    closing: bool,
}

impl Default for Waiting {
    fn default() -> Self {
        Self {
            notes: Vec::new(),
            floods: Floods::within(floods::OF_REFUSALS),
            reads: Floods::within(floods::OF_READS),
            rekey: false,
            unnamed: None,
            closing: false,
        }
    }
}

impl Waiting {
    /// Takes back what could not be written, before what has come since. What is above [`NOTES_MAX`] is counted.
    fn put_back(&mut self, notes: Vec<Note>) {
        self.notes.splice(0..0, notes);
        let above = self.notes.split_off(NOTES_MAX.min(self.notes.len()));
        for note in above {
            self.floods.other(note);
        }
    }
}

/// What the door, the handlers and the sequencer share.
pub(crate) struct Audit {
    addresses: Addresses,
    ids: Arc<dyn IdSource>,
    waiting: Mutex<Waiting>,
    /// Rung when something waits.
    bell: Condvar,
    /// Whether commits wait: what rings for them looks here first.
    rung: AtomicBool,
    keys: Mutex<Keys>,
    /// Those who make keys wait here.
    pub(crate) turns: turns::Turns,
    /// Those who read the log wait here.
    pub(crate) readers: readers::Readers,
    standing: RwLock<Arc<Standing>>,
    files: AuditDir,
    /// What is wrong with the log, once it is known.
    damage: OnceLock<String>,
}

impl Audit {
    /// A call as it comes in.
    pub(crate) fn begin(
        &self,
        action: Option<&'static str>,
        read_only: bool,
        address: IpAddr,
        headers: &HeaderMap,
        at: Timestamp,
    ) -> Arc<Trail> {
        let agent = headers.get(header::USER_AGENT).map(|value| {
            let text = String::from_utf8_lossy(value.as_bytes());
            text.chars().take(AGENT_CHARS_MAX).collect::<String>().into()
        });
        Arc::new(Trail::new(action.unwrap_or(UNKNOWN), read_only, address, agent, at))
    }

    /// What a read asks for that is written down: the parameters of its path, and which things of ours they are.
    pub(crate) fn read<'a>(&self, trail: &Trail, path: impl Fn() -> Vec<(&'a str, &'a str)>) {
        if trail.hands_out() {
            let path = path();
            let things = path.iter().map(|(_, value)| *value).filter(|value| parameters::is_id(value));
            trail.is_about(things.map(str::to_owned).collect());
            self.origin(trail, path.into_iter(), Sent::NOTHING);
        }
    }

    /// What a change set of the call says of where it came from, and what it asked for.
    pub(crate) fn origin<'a>(
        &self,
        trail: &Trail,
        path: impl Iterator<Item = (&'a str, &'a str)>,
        body: Sent<'_>,
    ) -> Origin {
        // An address is somebody's, also where it stands in a path.
        let path: Vec<(&str, Arc<str>)> = path
            .map(|(name, value)| match value.parse::<IpAddr>() {
                Ok(address) if name == ADDRESS => (name, self.addresses.shown(address, trail.at)),
                _ => (name, value.into()),
            })
            .collect();
        let path = path.iter().map(|(name, value)| (*name, &**value));
        let keyed = |bytes: &[u8]| self.addresses.of_bytes(bytes, trail.at);
        let parameters = parameters::shown(path, body, keyed).map(Arc::from);
        trail.asks(parameters.clone());
        Origin {
            source: Some(self.addresses.shown(trail.address, trail.at)),
            agent: trail.agent.clone(),
            parameters,
            reason: trail.reason(),
            policies: trail.policies(),
            recorded: trail.recorded.clone(),
        }
    }

    /// A call as it was answered: written down unless its change was, or there is nothing to tell.
    pub(crate) fn answered(
        &self,
        trail: &Trail,
        request_id: &Arc<str>,
        status: StatusCode,
        code: Option<&str>,
    ) {
        let refused = status.is_client_error() || status.is_server_error();
        if trail.recorded.is_done() || !trail.is_told(refused, status, code) {
            return;
        }
        let error: Option<Arc<str>> = refused.then(|| code.unwrap_or(status.as_str()).into());
        let note = Note {
            principal: trail.principal(),
            source: Some(self.addresses.shown(trail.address, trail.at)),
            agent: trail.agent.clone(),
            request_id: request_id.clone(),
            read_only: trail.read_only,
            error,
            parameters: trail.parameters(),
            resources: trail.resources(),
            reason: trail.reason(),
            policies: trail.policies(),
            ..Note::new(trail.action, trail.at)
        };
        let mut waiting = self.waiting.lock();
        let told = match refused {
            true => waiting.floods.first(note),
            false if trail.hands_out() => waiting.reads.first_read(note, !trail.is_begun()),
            false => Some(note),
        };
        let Some(mut note) = told else { return };
        if waiting.notes.len() >= NOTES_MAX {
            waiting.floods.other(note);
            return;
        }
        note.event_id = EventId::fresh(&*self.ids).to_string();
        waiting.notes.push(note);
        self.bell.notify_one();
    }

    /// Makes another key that signs from now on; the one before signs beside it for a while.
    /// `None` where as many sign already as may.
    pub(crate) fn rotate(&self, now: Timestamp) -> Result<Option<Rotated>, LogError> {
        let rotated = self.keys.lock().rotate(now, &*self.ids)?;
        if rotated.is_some() {
            self.waiting.lock().rekey = true;
            self.bell.notify_one();
        }
        Ok(rotated)
    }

    /// The key that was made last has no record: the log is to say itself that it signs.
    pub(crate) fn has_no_record(&self, key: VerifierKey) {
        self.waiting.lock().unnamed = Some(key);
    }

    /// Deletes the keys of addresses whose year ended so long ago; how many there were.
    pub(crate) fn drop_address_keys(&self, now: Timestamp, keep: Millis) -> usize {
        self.addresses.drop_keys(now, keep)
    }

    /// The keys that sign the log, for what else this server vouches for.
    pub(crate) fn signing_keys(&self) -> Vec<gsm_audit::SigningKey> {
        self.keys.lock().signing()
    }

    /// What the last checkpoint says.
    pub(crate) fn standing(&self) -> Arc<Standing> {
        self.standing.read().clone()
    }

    /// The keys that sign at present.
    fn verifiers(&self) -> Vec<VerifierKey> {
        self.keys.lock().signing().iter().map(|key| key.verifier().clone()).collect()
    }

    /// Whether something is wrong with the log that the last checkpoint covers.
    pub(crate) fn is_damaged(&self) -> bool {
        self.damage.get().is_some()
    }

    /// The log's files.
    pub(crate) fn files(&self) -> &AuditDir {
        &self.files
    }

    /// A change set with a record was committed.
    fn ring(&self) {
        if !self.rung.swap(true, Ordering::AcqRel) {
            // The sequencer looks before it sleeps, under the same lock.
            drop(self.waiting.lock());
            self.bell.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reads_that_are_told_are_those_of_the_table_of_operations() {
        let operations = crate::api::operations();
        for action in OPENINGS.iter().chain(&HANDED_OUT) {
            let mut found = operations.all().filter(|(.., known)| known == action).peekable();
            assert!(found.peek().is_some(), "{action}");
            for (path, method, _) in found {
                assert!(!operations.get(path, method).unwrap().mutating, "{method} {path}");
            }
        }
    }

    #[test]
    fn no_more_notes_wait_than_may_however_often_they_cannot_be_written() {
        let note = |at: usize| Note::new("gsm:CreateTicket", Timestamp::from_millis(at as i64));
        let mut waiting = Waiting::default();
        for round in 0..3 {
            let taken = std::mem::take(&mut waiting.notes);
            waiting.notes = (0..NOTES_MAX).map(|at| note(at + round * NOTES_MAX)).collect();
            waiting.put_back(taken);
            assert_eq!(waiting.notes.len(), NOTES_MAX);
            assert_eq!(waiting.notes[0].at, Timestamp::EPOCH, "the first stay");
        }
        // The rest is counted, also where one stands for many.
        let folded = Note { folded: Some((5, Timestamp::EPOCH)), ..note(7) };
        waiting.floods.other(folded);
        let told = waiting.floods.over(Timestamp::EPOCH, true);
        assert_eq!(told[0].folded, Some((2 * NOTES_MAX as u64 + 5, Timestamp::EPOCH)));
    }
}
