//! One call in flight: waited for, cancelled, watched by a descriptor, and asked for its result as often as one likes.
//!
//! The result is computed once, by whoever waits first, and shared. Dropping the last owner of a call that still runs
//! cancels the run; its resources are released when it has ended, and nobody waits for that.

use std::os::fd::{AsFd, RawFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::copies;
use super::origin::Origin;
use super::outputs;
use super::result::{Subject, render};
use crate::error::{Error, Result, Status};
use crate::sandbox::{Bell, Hold, Run, Sandbox, WorkDirectory};

/// A started call. All methods may be called from any thread, concurrently.
pub struct Call {
    origin: Origin,
    subject: Subject,
    run: Arc<Run>,
    finished: Mutex<Option<Finished>>,
    /// Runs end when their sandbox goes; a call keeps it, so an engine may go first.
    _sandbox: Arc<Sandbox>,
}

struct Finished {
    document: Arc<Value>,
    work: Option<Arc<WorkDirectory>>,
}

impl Call {
    pub(super) fn new(subject: Subject, run: Arc<Run>, sandbox: Arc<Sandbox>) -> Arc<Self> {
        Arc::new(Self { origin: Origin::here(), subject, run, finished: Mutex::new(None), _sandbox: sandbox })
    }

    /// A call that needed no run: its result is there. Where it is streamed, its `text` is what was written.
    pub(super) fn answered(subject: Subject, document: Value, is_streamed: bool, sandbox: Arc<Sandbox>) -> Arc<Self> {
        let run = Run::needless(document["text"].as_str().filter(|_| is_streamed));
        let finished = Mutex::new(Some(Finished { document: Arc::new(document), work: None }));
        Arc::new(Self { origin: Origin::here(), subject, run, finished, _sandbox: sandbox })
    }

    /// The result document, once the run has ended. Waits at most `timeout` (forever when `None`), then
    /// [`Status::WaitTimeout`]; the call goes on and can be waited for again. [`Status::Forked`] in a forked child.
    pub fn wait(&self, timeout: Option<Duration>) -> Result<Arc<Value>> {
        self.with_finished(timeout, |finished| Ok(finished.document.clone()))
    }

    /// A file that the finished run left in its work directory, at most `max_bytes` long. `path` is one of the
    /// result's `files`. Errors: [`Status::WaitTimeout`] while it runs, [`Status::PathEscape`],
    /// [`Status::ResourceNotFound`], [`Status::ResourceTooLarge`], [`Status::Io`], [`Status::Forked`].
    pub fn read_file(&self, path: &str, max_bytes: u64) -> Result<Vec<u8>> {
        let work = self.with_finished(Some(Duration::ZERO), |finished| Ok(finished.work.clone()))?;
        outputs::read(work.as_deref().map(AsFd::as_fd), path, max_bytes)
    }

    /// Copies a file that the finished run left to the same path below a folder of the host's, or with an empty `path`
    /// every one of the result's `files`; see [`copies`]. Errors: [`Status::AlreadyExists`], [`Status::Resources`], and
    /// those of [`Call::read_file`].
    pub fn keep(&self, path: &str, folder: &str) -> Result<()> {
        let (document, work) = self
            .with_finished(Some(Duration::ZERO), |finished| Ok((finished.document.clone(), finished.work.clone())))?;
        let listed = document["files"].as_array().into_iter().flatten().filter_map(|file| file["path"].as_str());
        let paths: Vec<&str> = if path.is_empty() { listed.collect() } else { vec![path] };
        copies::keep(work.as_deref().map(AsFd::as_fd), &paths, folder, self.subject.disk_bytes)
    }

    /// Whether the run has ended.
    pub fn is_finished(&self) -> Result<bool> {
        self.origin.check()?;
        Ok(self.run.is_finished())
    }

    /// Ends the run. Returns at once; the result then says `cancelled`, unless the run had ended before. Repeating it
    /// does nothing. [`Status::Forked`] in a forked child.
    pub fn cancel(&self) -> Result<()> {
        self.origin.check()?;
        self.run.cancel();
        Ok(())
    }

    /// A pipe or socket that becomes readable when the run has ended; it belongs to the call and is only to be
    /// polled. [`Status::Resources`] when no descriptor is left, [`Status::Forked`] in a forked child.
    pub fn fd(&self) -> Result<RawFd> {
        self.origin.check()?;
        self.run.fd()
    }

    /// Lets the run keep its end of a pipe until it has ended.
    pub(super) fn hold(&self, hold: Hold) {
        self.run.hold(hold);
    }

    /// Lets the call ring when it has ended, at once if it has, and when there is output to read, if it is streamed.
    pub(crate) fn set_bell(&self, bell: Arc<Bell>) {
        self.run.set_bell(bell);
    }

    /// What the script has written and nobody has read yet: see [`Run::read_output`]. [`Status::InvalidConfig`] for a
    /// stream that is neither 1 nor 2, [`Status::Unsupported`] for a call without `stream`, [`Status::Forked`].
    pub fn read(&self, stream: u32, timeout: Option<Duration>) -> Result<Option<Vec<u8>>> {
        self.origin.check()?;
        match stream {
            1 | 2 => self.run.read_output(stream as usize - 1, timeout),
            _ => Err(Error::new(
                Status::InvalidConfig,
                format!("there is no output stream {stream}: 1 is stdout, 2 is stderr"),
            )),
        }
    }

    /// Whether its output can be read while it runs.
    pub(crate) fn is_streamed(&self) -> bool {
        self.run.is_followed()
    }

    /// A pipe that is readable while there is output to read, and at its end. [`Status::Unsupported`] for a call without
    /// `stream`, [`Status::Resources`], [`Status::Forked`].
    pub fn output_fd(&self) -> Result<RawFd> {
        self.origin.check()?;
        self.run.output_fd()
    }

    fn with_finished<T>(&self, timeout: Option<Duration>, use_it: impl FnOnce(&Finished) -> Result<T>) -> Result<T> {
        self.origin.check()?;
        if !self.run.wait(timeout) {
            return Err(Error::new(
                Status::WaitTimeout,
                format!("call '{}' of tool '{}' has not finished", self.subject.call_id, self.subject.tool),
            ));
        }
        let mut finished = self.finished.lock().unwrap_or_else(PoisonError::into_inner);
        if finished.is_none() {
            let outcome = self.run.take_outcome().unwrap_or_else(|| {
                Err(Error::new(Status::Internal, "the outcome of the run is gone; reading it failed before"))
            });
            let (document, work) = render(&self.subject, outcome);
            *finished = Some(Finished { document: Arc::new(document), work: work.map(Arc::new) });
        }
        match &*finished {
            Some(finished) => use_it(finished),
            None => Err(Error::new(Status::Internal, "a finished call has no result")),
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if self.origin.is_here() && !self.run.is_finished() {
            self.run.cancel();
        }
    }
}
