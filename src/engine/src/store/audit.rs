//! What a change set says of who made it: the leaf of the audit log.
use gsm_core::EventId;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Who did what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// Its own id.
    pub event_id: EventId,
    /// The action, as in `x-gsm-action`.
    pub action: String,
    /// Who asked.
    pub principal: String,
    /// The request's id.
    pub request_id: String,
    /// What it was about.
    pub resources: Vec<String>,
    /// Why, where the caller had to say.
    pub reason: Option<String>,
    /// Where the call came from.
    pub origin: Origin,
}

/// Where a call came from and what it asked for, in the words of the audit log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The address, as a keyed hash.
    pub source: Option<Arc<str>>,
    /// What the client calls itself.
    pub agent: Option<Arc<str>>,
    /// Parameters without names, secrets and players' own ids: JSON in one line.
    pub parameters: Option<Arc<str>>,
    /// Why, in the words of the operator who sent them beside the call.
    pub reason: Option<Arc<str>>,
    /// The policies that let it through.
    pub policies: Arc<[String]>,
    /// Whether a change of the call was committed with its record.
    #[serde(skip)]
    pub recorded: Recorded,
}

/// Whether a change of a call was committed with its record: one record names the request, however many changes it needs.
#[derive(Debug, Clone, Default)]
pub struct Recorded(Option<Arc<AtomicBool>>);

impl Recorded {
    /// Of a call that is to be recorded once.
    #[must_use]
    pub fn not_yet() -> Self {
        Self(Some(Arc::default()))
    }
    /// Whether it is.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.0.as_ref().is_some_and(|done| done.load(Ordering::Acquire))
    }
    pub(crate) fn done(&self) {
        if let Some(done) = &self.0 {
            done.store(true, Ordering::Release);
        }
    }
}

/// It says nothing about what a record says.
impl PartialEq for Recorded {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
impl Eq for Recorded {}

/// As the first releases stored it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstAuditRecord {
    event_id: EventId,
    action: String,
    principal: String,
    request_id: String,
    resources: Vec<String>,
    reason: Option<String>,
}

impl From<FirstAuditRecord> for AuditRecord {
    fn from(first: FirstAuditRecord) -> Self {
        let FirstAuditRecord { event_id, action, principal, request_id, resources, reason } = first;
        Self { event_id, action, principal, request_id, resources, reason, origin: Origin::default() }
    }
}

/// The stored forms. The first two are those of an `Option`, which the first releases wrote.
#[derive(Deserialize)]
enum Stored {
    None,
    First(FirstAuditRecord),
    Second(AuditRecord),
}

/// For `#[serde(with)]` of what is stored.
pub mod stored_audit {
    use super::{AuditRecord, Deserialize, Deserializer, Serializer, Stored};

    /// Writes the newest form.
    pub fn serialize<S: Serializer>(record: &Option<AuditRecord>, s: S) -> Result<S::Ok, S::Error> {
        match record {
            None => s.serialize_unit_variant("Stored", 0, "None"),
            Some(record) => s.serialize_newtype_variant("Stored", 2, "Second", record),
        }
    }

    /// Reads any.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<AuditRecord>, D::Error> {
        Ok(match Stored::deserialize(d)? {
            Stored::None => None,
            Stored::First(record) => Some(record.into()),
            Stored::Second(record) => Some(record),
        })
    }
}
