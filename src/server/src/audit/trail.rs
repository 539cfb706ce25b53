//! What is known of a call for the audit log, from the door on.
use super::{HANDED_OUT, OPENINGS};
use axum::http::StatusCode;
use gsm_core::Timestamp;
use gsm_engine::{Principal, store::Recorded};
use parking_lot::Mutex;
use std::{
    net::IpAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

/// Refusals of the GameLift wire that say who may not, all of them with the status 400 or 403.
const NOT_ALLOWED: [&str; 4] = ["AccessDenied", "Throttling", "Signature", "Token"];

/// A call on its way. Left in the request by the door; what is learnt later is told by whoever learns it.
pub(crate) struct Trail {
    pub(super) action: &'static str,
    pub(super) read_only: bool,
    pub(super) address: IpAddr,
    pub(super) agent: Option<Arc<str>>,
    pub(super) at: Timestamp,
    pub(super) recorded: Recorded,
    /// Whether the call opens a stream.
    opens: AtomicBool,
    /// Whether the call begins to read what is read in parts.
    begins: AtomicBool,
    principal: OnceLock<Arc<str>>,
    parameters: OnceLock<Arc<str>>,
    resources: OnceLock<Arc<[String]>>,
    reason: OnceLock<Arc<str>>,
    policies: Mutex<Arc<[String]>>,
}

impl Trail {
    pub(super) fn new(
        action: &'static str,
        read_only: bool,
        address: IpAddr,
        agent: Option<Arc<str>>,
        at: Timestamp,
    ) -> Self {
        Self {
            action,
            read_only,
            address,
            agent,
            at,
            recorded: Recorded::not_yet(),
            opens: AtomicBool::new(false),
            begins: AtomicBool::new(false),
            principal: OnceLock::new(),
            parameters: OnceLock::new(),
            resources: OnceLock::new(),
            reason: OnceLock::new(),
            policies: Mutex::default(),
        }
    }

    /// It is known who calls.
    pub(crate) fn is_by(&self, principal: &Principal) {
        self.principal.get_or_init(|| principal.to_string().into());
    }

    /// It is known whether the caller may, by which policies, and why he says he does it. Of a call that is about several
    /// things that is known several times; then the refusal counts, or all that permitted it.
    pub(crate) fn is_decided(&self, allowed: bool, policies: &[String], reason: Option<&str>) {
        // Of calls that read few are written down where they may.
        if allowed && self.read_only && !OPENINGS.contains(&self.action) && !self.hands_out() {
            return;
        }
        let mut known = self.policies.lock();
        *known = if allowed && !known.is_empty() {
            known.iter().chain(policies.iter().filter(|policy| !known.contains(policy))).cloned().collect()
        } else {
            policies.into()
        };
        drop(known);
        if let Some(reason) = reason {
            self.reason.get_or_init(|| reason.into());
        }
    }

    /// The call opens a stream, which is told although it changes nothing.
    pub(crate) fn opens(&self) {
        self.opens.store(true, Ordering::Relaxed);
    }

    /// Whether the call hands out what is somebody's, which is told although it changes nothing.
    pub(super) fn hands_out(&self) -> bool {
        HANDED_OUT.contains(&self.action)
    }

    /// The call begins to read what is read in parts.
    pub(crate) fn begins(&self) {
        self.begins.store(true, Ordering::Relaxed);
    }
    pub(super) fn is_begun(&self) -> bool {
        self.begins.load(Ordering::Relaxed)
    }

    /// It is known which things a call is about that changes none of them.
    pub(super) fn is_about(&self, things: Arc<[String]>) {
        self.resources.get_or_init(|| things);
    }

    pub(super) fn asks(&self, parameters: Option<Arc<str>>) {
        if let Some(parameters) = parameters {
            self.parameters.get_or_init(|| parameters);
        }
    }

    pub(super) fn principal(&self) -> Arc<str> {
        self.principal.get().cloned().unwrap_or_else(|| "anonymous".into())
    }
    pub(super) fn parameters(&self) -> Option<Arc<str>> {
        self.parameters.get().cloned()
    }

    pub(super) fn resources(&self) -> Arc<[String]> {
        self.resources.get().cloned().unwrap_or_default()
    }
    pub(super) fn reason(&self) -> Option<Arc<str>> {
        self.reason.get().cloned()
    }
    pub(super) fn policies(&self) -> Arc<[String]> {
        self.policies.lock().clone()
    }

    /// Whether there is anything to tell of its answer.
    pub(super) fn is_told(&self, refused: bool, status: StatusCode, code: Option<&str>) -> bool {
        let not_allowed = matches!(
            status,
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS
        ) || code.is_some_and(|code| NOT_ALLOWED.iter().any(|name| code.contains(name)));
        if self.read_only {
            // What is not there, or was asked in the wrong way, tells nothing of a reader.
            return if refused {
                not_allowed
            } else {
                self.hands_out() || self.opens.load(Ordering::Relaxed)
            };
        }
        true
    }
}
