//! What a server stops for by itself: its store has failed, or somebody has died who works until the stop. It would go on
//! answering as if all were well: tickets would be taken that nobody ever matches.
use crate::StartError;
use futures::FutureExt as _;
use parking_lot::Mutex;
use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};
use tokio_util::sync::CancellationToken;

/// Hears of it, and stops the server.
#[derive(Clone)]
pub(crate) struct Fatal {
    stop: CancellationToken,
    first: Arc<Mutex<Option<StartError>>>,
}

impl Fatal {
    /// Cancels `stop`.
    pub(crate) fn new(stop: CancellationToken) -> Self {
        Self { stop, first: Arc::default() }
    }

    /// Cancelled when the server begins to stop, for whatever reason.
    pub(crate) fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Stops the server. What came before it stays the reason.
    pub(crate) fn stop_for(&self, why: StartError) {
        self.first.lock().get_or_insert(why);
        self.stop.cancel();
    }

    /// Whether there is a reason.
    pub(crate) fn has_come(&self) -> bool {
        self.first.lock().is_some()
    }

    /// The first reason.
    pub(crate) fn take(&self) -> Option<StartError> {
        self.first.lock().take()
    }

    /// Does a task that ends with the stop: where it panics, or ends before that, the server stops.
    pub(crate) async fn task(self, name: &'static str, task: impl Future<Output = ()>) {
        match AssertUnwindSafe(task).catch_unwind().await {
            Ok(()) if self.stop.is_cancelled() => {}
            Ok(()) => self.died(name, "it ended before its time"),
            Err(panic) => self.died(name, told(&*panic)),
        }
    }

    /// Does the work of a thread, which ends when it is asked to: where it panics, the server stops.
    pub(crate) fn thread(&self, name: &'static str, work: impl FnOnce()) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(work)) {
            self.died(name, told(&*panic));
        }
    }

    fn died(&self, task: &'static str, why: &str) {
        tracing::error!(task, why, "a task of the server has died, the server stops");
        self.stop_for(StartError::Died { task, why: why.to_owned() });
    }
}

/// What a panic says.
fn told(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no reason told")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fatal() -> Fatal {
        Fatal::new(CancellationToken::new())
    }

    fn check_stops(fatal: &Fatal, expected: &str) {
        assert!(fatal.stop().is_cancelled() && fatal.has_come());
        assert_eq!(fatal.take().unwrap().to_string(), expected);
    }

    #[tokio::test]
    async fn a_task_that_dies_stops_the_server_and_is_named() {
        let one = fatal();
        one.clone().task("matcher", async { panic!("no such {}", "seat") }).await;
        // The others end with the stop then; the first is the reason.
        one.clone().task("upkeep", async { panic!("later") }).await;
        check_stops(&one, "the task `matcher` died and the server stopped: no such seat");
        let one = fatal();
        one.clone().task("matcher", async {}).await;
        check_stops(&one, "the task `matcher` died and the server stopped: it ended before its time");
        let one = fatal();
        one.thread("audit log", || panic!("torn"));
        check_stops(&one, "the task `audit log` died and the server stopped: torn");
    }

    #[tokio::test]
    async fn what_ends_with_the_stop_is_no_reason_for_one() {
        let one = fatal();
        let (task, stop) = (one.clone(), one.stop().clone());
        let ended = task.task("matcher", stop.cancelled());
        one.thread("audit log", || {});
        assert!(!one.stop().is_cancelled());
        one.stop().cancel();
        ended.await;
        assert!(!one.has_come());
    }
}
