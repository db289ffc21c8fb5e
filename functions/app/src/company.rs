//! Who runs beside whom in this process: attempts run together, and one that may take its worker
//! down runs alone. Places are given in the order in which they are asked for.

use tokio::sync::{Semaphore, SemaphorePermit};

/// Shares of the whole: more than attempts that a process can have.
const ALL: u32 = 1 << 20;

/// The attempts of a process. Each holds one share, and one that runs alone holds them all.
#[derive(Debug)]
pub(crate) struct Company(Semaphore);

/// An attempt's place among the others, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    _shares: SemaphorePermit<'a>,
    /// Whether others had to be waited for: what was decided before may hold no longer.
    pub(crate) waited: bool,
}

impl Default for Company {
    fn default() -> Self {
        Self(Semaphore::new(ALL as usize))
    }
}

impl Company {
    /// A place beside all others that do not run alone.
    pub(crate) async fn together(&self) -> Place<'_> {
        self.place(1).await
    }

    /// A place without anybody else.
    pub(crate) async fn alone(&self) -> Place<'_> {
        self.place(ALL).await
    }

    async fn place(&self, shares: u32) -> Place<'_> {
        if let Ok(shares) = self.0.try_acquire_many(shares) {
            return Place {
                _shares: shares,
                waited: false,
            };
        }
        let shares = self.0.acquire_many(shares).await;
        Place {
            _shares: shares.expect("nobody closes it"),
            waited: true,
        }
    }
}
