//! A data directory and its lock: one process at a time, until that process ends, however it ends.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use crate::Error;

/// A directory that this process alone may use while the value lives.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    /// The operating system releases the lock when the file is closed, also by a kill.
    _lock: File,
}

impl DataDir {
    pub fn open(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::DataDir {
            path: path.to_owned(),
            source,
        };
        fs::create_dir_all(path).map_err(failed)?;
        let mut options = File::options();
        let options = options.create(true).truncate(false).write(true);
        let lock = options.open(path.join("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(Error::InUse {
                path: path.to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    pub fn database(&self) -> PathBuf {
        self.path.join("tables.sqlite")
    }

    pub fn objects(&self) -> PathBuf {
        self.path.join("objects")
    }
}
