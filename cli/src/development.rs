//! The key of development tokens: of a data folder, drawn once and kept there; without one, drawn
//! anew for each process.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use taskmill_api::DevelopmentKey;
use taskmill_api::development::SECRET_BYTES;

use crate::exit::Error;

/// The file of the key in a data folder.
const FILE: &str = "development.key";

/// The key of a service on this folder.
///
/// # Errors
/// The file cannot be used.
pub fn key(data: Option<&Path>) -> Result<DevelopmentKey, Error> {
    let Some(data) = data else {
        return draw().map(DevelopmentKey::new);
    };
    let path = data.join(FILE);
    match keep(&path, &draw()?) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => {
            let path = path.display();
            return Err(Error::Usage(format!("{path} cannot be written: {error}")));
        }
    }
    kept(data)
}

/// The key that is kept in a folder.
///
/// # Errors
/// There is none, or it cannot be used.
pub fn kept(data: &Path) -> Result<DevelopmentKey, Error> {
    let path = data.join(FILE);
    let read = std::fs::read(&path);
    let bytes = read.map_err(|source| Error::Unreadable {
        path: path.clone(),
        source,
    })?;
    let secret = <[u8; SECRET_BYTES]>::try_from(bytes);
    secret.map(DevelopmentKey::new).map_err(|_| broken(path))
}

fn broken(path: PathBuf) -> Error {
    let path = path.display();
    Error::Usage(format!("{path} is no key: delete it, and start dev again"))
}

fn draw() -> Result<[u8; SECRET_BYTES], Error> {
    let mut secret = [0; SECRET_BYTES];
    getrandom::fill(&mut secret)
        .map_err(|error| Error::Unexpected(format!("no key can be drawn: {error}")))?;
    Ok(secret)
}

/// Keeps a secret where none is, for the eyes of its owner alone.
fn keep(path: &Path, secret: &[u8]) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(key: &DevelopmentKey) -> String {
        let caller = taskmill::security::Caller {
            tenant_id: taskmill::ids::TenantId::new("acme").unwrap(),
            user_id: "ann".to_owned(),
            roles: Vec::new(),
            permissions: Vec::new(),
            environment_id: None,
        };
        key.token(&caller, taskmill::Timestamp::default(), 1)
    }

    #[test]
    fn a_folder_keeps_its_key_and_memory_has_a_new_one_each_time() {
        let folder = tempfile::tempdir().unwrap();
        assert!(kept(folder.path()).is_err());
        let first = key(Some(folder.path())).unwrap();
        let again = key(Some(folder.path())).unwrap();
        assert_eq!(text(&first), text(&again));
        assert_eq!(text(&first), text(&kept(folder.path()).unwrap()));
        assert_ne!(text(&key(None).unwrap()), text(&key(None).unwrap()));
        std::fs::write(folder.path().join(FILE), "short").unwrap();
        assert!(key(Some(folder.path())).is_err());
    }
}
