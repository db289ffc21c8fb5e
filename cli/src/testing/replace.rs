//! Writing a file anew without ever leaving half of it: the new text is written beside it, and
//! takes its place as a whole.

use std::fs;
use std::io::{Error, Write};
use std::path::Path;

use tempfile::NamedTempFile;

/// Gives a file another text. A link still leads to it, and its permissions stay.
///
/// # Errors
/// The text cannot be written; the file is as it was.
pub fn replace(path: &Path, text: &str) -> Result<(), Error> {
    let path = path.canonicalize()?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    let mut beside = NamedTempFile::new_in(folder)?;
    beside.write_all(text.as_bytes())?;
    let file = beside.as_file();
    file.set_permissions(fs::metadata(&path)?.permissions())?;
    file.sync_all()?;
    beside.persist(&path).map_err(Error::from)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_through_its_link() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("a"), "old").unwrap();
        fs::hard_link(path("a"), path("before")).unwrap();
        std::os::unix::fs::symlink(path("a"), path("link")).unwrap();
        let mut permissions = fs::metadata(path("a")).unwrap().permissions();
        std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o640);
        fs::set_permissions(path("a"), permissions).unwrap();
        let permissions = fs::metadata(path("a")).unwrap().permissions();
        replace(&path("link"), "new").unwrap();
        assert_eq!(fs::read_to_string(path("a")).unwrap(), "new");
        assert_eq!(fs::metadata(path("a")).unwrap().permissions(), permissions);
        assert!(fs::symlink_metadata(path("link")).unwrap().is_symlink());
        // Whoever had opened it reads what there was, to its end.
        assert_eq!(fs::read_to_string(path("before")).unwrap(), "old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }
}
