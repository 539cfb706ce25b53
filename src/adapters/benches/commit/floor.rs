use parking_lot::{Condvar, Mutex};
use std::{
    fs::File,
    io::Write,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// The least that group commit can cost: what waits is appended to one file, synced, and answered.
pub(crate) struct Floor {
    queue: Arc<Queue>,
    thread: Option<std::thread::JoinHandle<()>>,
}

#[derive(Default)]
struct Waiting {
    sets: Vec<(usize, oneshot::Sender<()>)>,
    closing: bool,
}

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    work: Condvar,
    took: Mutex<Vec<Duration>>,
}

impl Floor {
    pub(crate) fn new(path: &Path) -> Self {
        let (queue, file) = (Arc::new(Queue::default()), File::create(path).expect("a file"));
        let thread = std::thread::spawn({
            let queue = queue.clone();
            move || queue.run(file)
        });
        Self { queue, thread: Some(thread) }
    }

    /// Returns when so many bytes more are durable.
    pub(crate) async fn append(self: Arc<Self>, bytes: usize) {
        let (answer, done) = oneshot::channel();
        self.queue.waiting.lock().sets.push((bytes, answer));
        self.queue.work.notify_one();
        done.await.expect("answered");
    }

    /// Half of the syncs took at most so many microseconds.
    pub(crate) fn sync_us_p50(&self) -> u128 {
        let mut took = self.queue.took.lock().clone();
        took.sort_unstable();
        took.get(took.len() / 2).map_or(0, Duration::as_micros)
    }
}

impl Queue {
    fn run(&self, mut file: File) {
        loop {
            let group = {
                let mut waiting = self.waiting.lock();
                while waiting.sets.is_empty() {
                    if waiting.closing {
                        return;
                    }
                    self.work.wait(&mut waiting);
                }
                std::mem::take(&mut waiting.sets)
            };
            file.write_all(&vec![7; group.iter().map(|(bytes, _)| bytes).sum()]).expect("written");
            let begin = Instant::now();
            file.sync_data().expect("synced");
            self.took.lock().push(begin.elapsed());
            for (_, answer) in group {
                let _ = answer.send(());
            }
        }
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        self.queue.waiting.lock().closing = true;
        self.queue.work.notify_one();
        let _ = self.thread.take().map(std::thread::JoinHandle::join);
    }
}
