//! A socket that shows hyper only well-framed HTTP/1.
//!
//! hyper is lenient where two readers of one stream may disagree (a Transfer-Encoding beside a Content-Length, folded
//! lines, bare LF). [`Strict`] reads the socket first: a head is held back until [`Framing`] has seen all of it, a body
//! is passed on as it is checked, and every wait has a clock.
//!
//! A fault in a head becomes a request of ours with the method [`FAULT_METHOD`], which the service answers with the
//! canned document: so the answers owed before it go out first, in order, and hyper closes behind it. A fault in a
//! body becomes an error of that body ([`WireFault::find`]), which the handler's extractor answers.
//!
//! After an answer 101 to a request for a WebSocket the bytes pass unread. While a stream of events is sent, which may
//! have nothing to say for long, the socket is read ahead by one buffer: a client that has gone is noticed at once.
//!
//! A connection says in its [`Pass`] when the client keeps it waiting, so that slow ones can be shed.
mod chunk;
mod clock;
pub(crate) mod fault;
mod framing;
mod head;
mod link;

pub use fault::WireFault;
pub use framing::{Framing, Phase, Verdict};
pub use link::{Link, Tail};

use crate::front::gate::Pass;
use crate::front::limits::{LINGER_BYTES_MAX, LINGER_MAX, SHED_GRACE, WireLimits};
use crate::front::refused::READS_NOTHING;
use clock::{Clock, Expiry, Timer};
use hyper::rt::ReadBufCursor;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// The method of the request that stands for a faulty one. No client can send it: the validator refuses it.
pub const FAULT_METHOD: &str = "GSM-WIRE-FAULT";
const FAULT_REQUEST: &[u8] = b"GSM-WIRE-FAULT / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

const BUFFER_BYTES: usize = 4 * 1024;
const BUFFER_BYTES_BULK: usize = 16 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Checking,
    Upgraded,
    Closed,
}

#[derive(Debug)]
struct Linger {
    deadline: Instant,
    bytes_left: usize,
}

/// The adapter between a socket and hyper.
#[derive(Debug)]
pub struct Strict<T> {
    io: T,
    link: Arc<Link>,
    limits: WireLimits,
    framing: Framing,
    mode: Mode,
    /// `buffer[from..to]` came and is not passed on; its first `released` bytes may be.
    buffer: Vec<u8>,
    from: usize,
    to: usize,
    released: usize,
    requests: usize,
    eof: bool,
    clock: Clock,
    stall: Option<(Instant, Timer)>,
    linger: Option<Linger>,
    linger_timer: Timer,
    pass: Pass,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Strict<T> {
    /// Wraps a fresh connection; its first clock starts now.
    pub fn new(io: T, link: Arc<Link>, limits: WireLimits, pass: Pass) -> Self {
        Self {
            io,
            link,
            limits,
            framing: Framing::new(limits),
            mode: Mode::Checking,
            buffer: vec![0; BUFFER_BYTES],
            from: 0,
            to: 0,
            released: 0,
            requests: 0,
            eof: false,
            clock: Clock::new(Instant::now()),
            stall: None,
            linger: None,
            linger_timer: Timer::default(),
            pass,
        }
    }

    /// Reads more from the socket into the buffer; zero bytes mean that the client has finished.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.from == self.to {
            (self.from, self.to) = (0, 0);
        }
        if self.to == self.buffer.len() {
            self.buffer.copy_within(self.from..self.to, 0);
            (self.from, self.to) = (0, self.to - self.from);
        }
        if self.to == self.buffer.len() {
            // Only a head is ever held, and a head has a limit.
            let most = self.limits.head_bytes_max().max(BUFFER_BYTES) + BUFFER_BYTES;
            self.buffer.resize((self.buffer.len() * 2).min(most), 0);
        }
        let mut free = ReadBuf::new(self.buffer.get_mut(self.to..).unwrap_or_default());
        let (room, read) = (free.remaining(), Pin::new(&mut self.io).poll_read(cx, &mut free));
        ready!(read)?;
        let came = free.filled().len();
        self.to += came;
        if came == room && room >= BUFFER_BYTES && self.buffer.len() < BUFFER_BYTES_BULK {
            self.buffer.resize(BUFFER_BYTES_BULK, 0);
        }
        Poll::Ready(Ok(came))
    }

    /// Gives the room of a large request back while the connection rests.
    fn shrink(&mut self) {
        if self.from == self.to && self.buffer.len() > BUFFER_BYTES {
            (self.from, self.to) = (0, 0);
            self.buffer.truncate(BUFFER_BYTES);
            self.buffer.shrink_to_fit();
        }
    }

    /// Decides as much as the buffer allows. `true`: look again; `false`: more bytes are needed.
    fn check(&mut self) -> io::Result<bool> {
        let phase = self.framing.phase();
        if phase == Phase::Upgrade {
            if self.link.upgraded() {
                self.mode = Mode::Upgraded;
                self.pass.served();
                return Ok(true);
            }
            if self.link.answered() < self.requests {
                return Ok(false);
            }
            self.framing.resume();
        }
        match self.framing.feed(self.buffer.get(self.from..self.to).unwrap_or_default()) {
            Verdict::More => Ok(false),
            Verdict::Skip(bytes) => {
                self.from += bytes;
                Ok(true)
            }
            Verdict::Release(bytes) => {
                if phase != Phase::Body {
                    self.requests += 1;
                    self.clock.head_done();
                    self.pass.served();
                }
                self.released = bytes;
                Ok(true)
            }
            Verdict::Fault(fault) => self.fail(phase, fault).map(|()| true),
        }
    }

    fn fail(&mut self, phase: Phase, fault: WireFault) -> io::Result<()> {
        tracing::debug!(%fault, "request refused on the wire");
        self.pass.refused(fault.code());
        self.link.set_fault(fault);
        self.mode = Mode::Closed;
        (self.from, self.to, self.released) = (0, 0, 0);
        if phase == Phase::Body {
            return Err(io::Error::new(io::ErrorKind::InvalidData, fault));
        }
        if let Some(room) = self.buffer.get_mut(..FAULT_REQUEST.len()) {
            room.copy_from_slice(FAULT_REQUEST);
            self.to = FAULT_REQUEST.len();
            self.released = self.to;
            self.requests += 1;
        }
        Ok(())
    }

    /// Waits for bytes, no longer than the clock of this phase allows.
    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let phase = self.framing.phase();
        // Behind a request for a WebSocket only one buffer is read ahead.
        let read = if phase == Phase::Upgrade && self.to - self.from >= BUFFER_BYTES {
            Poll::Pending
        } else {
            self.poll_fill(cx)
        };
        if let Poll::Ready(came) = read {
            let came = came?;
            self.clock.arrived(came);
            self.eof = came == 0;
            return Poll::Ready(Ok(()));
        }
        if phase == Phase::Between {
            self.shrink();
        }
        let busy = phase == Phase::Upgrade || self.link.finished() < self.requests;
        let started = self.from < self.to && phase != Phase::Upgrade;
        let expiry = self.clock.poll(cx, phase, started, busy, &self.limits);
        // Where an answer is owed it is the writing that may wait.
        if let Some((since, grace)) = self.clock.waiting(phase, busy) {
            self.pass.waits(since, grace);
        }
        match ready!(expiry) {
            Expiry::Close => self.eof = true,
            Expiry::Fault(fault) => self.fail(phase, fault)?,
        }
        Poll::Ready(Ok(()))
    }

    /// Whether the client of a stream of events is still there. hyper reads nothing while it answers, and asks this each
    /// time that it has written all there is.
    fn poll_gone(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.mode != Mode::Checking || !self.link.streams() {
            return Ok(());
        }
        while !self.eof && self.to - self.from < BUFFER_BYTES {
            let Poll::Ready(came) = self.poll_fill(cx) else { return Ok(()) };
            let came = came?;
            self.clock.arrived(came);
            self.eof = came == 0;
        }
        if !self.eof {
            // So much behind a request waits in the socket.
            return Ok(());
        }
        Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the client of a stream has gone"))
    }

    fn poll_stall(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            if self.stall.take().is_some() {
                self.pass.served();
            }
            return written;
        }
        let (stall_max, pass) = (self.limits.stall_max, &self.pass);
        let (deadline, timer) = self.stall.get_or_insert_with(|| {
            let now = Instant::now();
            pass.waits(now, SHED_GRACE);
            (now + stall_max, Timer::default())
        });
        ready!(timer.poll(cx, *deadline));
        pass.refused(READS_NOTHING);
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client reads nothing of its answer")))
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> hyper::rt::Read for Strict<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut out: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if this.released > 0 {
                let end = this.from + this.released.min(out.remaining());
                let piece = this.buffer.get(this.from..end).unwrap_or_default();
                out.put_slice(piece);
                this.released -= piece.len();
                this.from = end;
                return Poll::Ready(Ok(()));
            }
            match this.mode {
                Mode::Checking => {
                    if this.check()? {
                        continue;
                    }
                    if this.eof {
                        return Poll::Ready(Ok(()));
                    }
                    ready!(this.poll_more(cx))?;
                }
                Mode::Upgraded if this.from < this.to => this.released = this.to - this.from,
                Mode::Upgraded if this.eof => return Poll::Ready(Ok(())),
                Mode::Upgraded => this.eof = ready!(this.poll_fill(cx))? == 0,
                Mode::Closed => return Poll::Ready(Ok(())),
            }
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> hyper::rt::Write for Strict<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.io).poll_write(cx, bytes);
        this.poll_stall(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.io).poll_write_vectored(cx, parts);
        this.poll_stall(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(Pin::new(&mut this.io).poll_flush(cx))?;
        Poll::Ready(this.poll_gone(cx))
    }

    /// Closes our half; where the client may still be sending, reads on for a moment, so that the kernel does not
    /// answer the rest with a reset that overtakes our answer.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.linger.is_none() {
            ready!(Pin::new(&mut this.io).poll_shutdown(cx))?;
            this.linger =
                Some(Linger { deadline: Instant::now() + LINGER_MAX, bytes_left: LINGER_BYTES_MAX });
        }
        let unread =
            this.mode == Mode::Closed || this.from < this.to || this.framing.phase() != Phase::Between;
        if this.eof || this.mode == Mode::Upgraded || !unread {
            return Poll::Ready(Ok(()));
        }
        loop {
            (this.from, this.to) = (0, 0);
            let came = match this.poll_fill(cx) {
                Poll::Ready(Ok(came)) => came,
                Poll::Ready(Err(_)) => 0,
                Poll::Pending => {
                    let Some(linger) = &this.linger else { return Poll::Ready(Ok(())) };
                    return this.linger_timer.poll(cx, linger.deadline).map(Ok);
                }
            };
            let Some(linger) = &mut this.linger else { return Poll::Ready(Ok(())) };
            linger.bytes_left = linger.bytes_left.saturating_sub(came);
            if came == 0 || linger.bytes_left == 0 {
                this.eof = true;
                return Poll::Ready(Ok(()));
            }
        }
    }
}

#[cfg(test)]
mod tests;
