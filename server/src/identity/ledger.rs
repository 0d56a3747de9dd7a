//! The one who writes accounts down: a thread, so that nobody who serves waits for the disk.

use crate::store::{Accounts, StoreError};
use std::{
    fmt::{self, Debug},
    sync::mpsc::{self, Sender},
    thread::{self, JoinHandle},
};
use tertulia_shared::{Code, Reject};
use tokio::sync::oneshot;

type Job = Box<dyn FnOnce(&mut Accounts) + Send>;

/// Does what it is given in order. Dropping it does what waits.
pub(super) struct Ledger {
    running: Option<(Sender<Job>, JoinHandle<()>)>,
}

impl Ledger {
    /// Starts on these accounts.
    ///
    /// # Errors
    /// When the thread does not start.
    pub(super) fn start(mut accounts: Accounts) -> Result<Self, StoreError> {
        let (queue, jobs) = mpsc::channel::<Job>();
        let thread = thread::Builder::new().name("accounts".to_owned());
        let work = move || jobs.into_iter().for_each(|job| job(&mut accounts));
        let thread = thread.spawn(work).map_err(StoreError::Thread)?;
        Ok(Self {
            running: Some((queue, thread)),
        })
    }

    /// Has something done; what fails is logged.
    pub(super) fn tell(
        &self,
        job: impl FnOnce(&mut Accounts) -> Result<(), StoreError> + Send + 'static,
    ) {
        self.give(Box::new(|accounts| {
            if let Err(error) = job(accounts) {
                tracing::error!(%error, "an account's change is not kept");
            }
        }));
    }

    /// Has something done and waits for it.
    ///
    /// # Errors
    /// When it failed; why is logged.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Accounts) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Reject> {
        self.asking(job).await
    }

    /// As [`Self::ask`]; it is done also where nobody waits.
    pub(super) fn asking<T: Send + 'static, J>(
        &self,
        job: J,
    ) -> impl Future<Output = Result<T, Reject>> + Send + use<T, J>
    where
        J: FnOnce(&mut Accounts) -> Result<T, StoreError> + Send + 'static,
    {
        let (done, answer) = oneshot::channel();
        self.give(Box::new(|accounts| {
            // Whoever asked may have gone.
            drop(done.send(job(accounts)));
        }));
        async {
            match answer.await {
                Ok(Ok(answer)) => Ok(answer),
                Ok(Err(error)) => {
                    tracing::error!(%error, "the accounts cannot be used");
                    Err(failed())
                }
                Err(_) => Err(failed()),
            }
        }
    }

    fn give(&self, job: Job) {
        if let Some((queue, _)) = &self.running {
            // The thread ends only after this.
            drop(queue.send(job));
        }
    }
}

impl Debug for Ledger {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Ledger")
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        if let Some((queue, thread)) = self.running.take() {
            drop(queue);
            // What it panicked of was told.
            let _ = thread.join();
        }
    }
}

fn failed() -> Reject {
    let problem = "the server could not keep or find it; try again later";
    Reject::new(Code::StorageFailed, problem)
}
