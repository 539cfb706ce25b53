//! Calls that do something after their commit: what follows is done also where the client has gone meanwhile, whose handler is
//! dropped then.
use super::App;
use crate::problem::ApiError;
use tokio_util::task::TaskTracker;

impl App {
    /// Does `work` to its end, whoever waits for it; a stop of the server does.
    pub(super) async fn to_the_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, ApiError>> + Send + 'static,
    ) -> Result<T, ApiError> {
        tracked(&self.tasks, work).await
    }
}

async fn tracked<T: Send + 'static>(
    tasks: &TaskTracker,
    work: impl Future<Output = Result<T, ApiError>> + Send + 'static,
) -> Result<T, ApiError> {
    tasks.spawn(work).await.unwrap_or_else(|error| Err(ApiError::internal(error.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{pin::pin, sync::Arc};
    use tokio::sync::Notify;

    #[tokio::test]
    async fn what_was_begun_is_done_although_nobody_waits_for_it() {
        let (tasks, commit, followed) =
            (TaskTracker::new(), Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (committed, follows) = (commit.clone(), followed.clone());
        {
            let mut handler = pin!(tracked(&tasks, async move {
                committed.notified().await;
                follows.notify_one();
                Ok(())
            }));
            assert!(futures::poll!(&mut handler).is_pending());
        }
        commit.notify_one();
        followed.notified().await;
        tasks.close();
        tasks.wait().await;
        assert_eq!(tracked(&tasks, async { Ok(7) }).await.ok(), Some(7));
    }
}
