//! The configuration file: places by name, so that nobody types an address and a token twice.
//!
//! It says where and in whose name, and nothing about what runs. Which of its profiles is meant is
//! up to [`crate::place`].

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use taskmill::ids::TenantId;
use taskmill::problem::nearest;

use crate::exit::Error;

/// The variable of the environment that names the file.
const FILE: &str = "TASKMILL_CONFIG";

/// What the file says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The profile that is meant when nobody names a place.
    pub default: Option<String>,
    /// The profiles by their names.
    #[serde(default)]
    profiles: BTreeMap<String, Profile>,
    /// The file.
    #[serde(skip)]
    path: PathBuf,
}

/// A place of the file: a service, a stack or a folder.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The address of a service.
    pub url: Option<String>,
    /// The token that tells it who asks.
    pub token: Option<String>,
    /// The program, with its arguments, that prints such a token.
    pub token_command: Option<Vec<String>>,
    /// The name of a stack.
    pub stack: Option<String>,
    /// A folder; one that does not begin at the root is looked for beside the file.
    pub data: Option<PathBuf>,
    /// The tenant, in a stack or a folder.
    #[serde(default, deserialize_with = "tenant")]
    pub tenant: Option<TenantId>,
}

fn tenant<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<TenantId>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let tenant = TenantId::new(text).map_err(serde::de::Error::custom)?;
    Ok(Some(tenant))
}

impl Config {
    /// Reads the file: the one that `TASKMILL_CONFIG` names, else `taskmill/config.toml` in
    /// `XDG_CONFIG_HOME`, by default `~/.config`. Without a file it says nothing.
    ///
    /// # Errors
    /// The file that is named cannot be read, or says what nobody understands.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let Some(path) = path(&variable) else {
            return Ok(Self::default());
        };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if is_missing(&error) && variable(FILE).is_none() => {
                return Ok(Self::default());
            }
            Err(source) => return Err(Error::Unreadable { path, source }),
        };
        let config = toml::from_str(&text);
        let config: Self = config.map_err(|error| {
            let error = error.to_string();
            Error::Usage(format!("{}: {}", path.display(), error.trim_end()))
        })?;
        Ok(Self { path, ..config })
    }

    /// The profile of this name.
    ///
    /// # Errors
    /// There is none.
    pub fn profile(&self, name: &str) -> Result<Profile, Error> {
        let found = self.profiles.get(name).cloned();
        let profile = found.ok_or_else(|| Error::Usage(self.no_profile(name)))?;
        let beside = self.path.parent().unwrap_or(Path::new("."));
        Ok(Profile {
            data: profile.data.map(|data| beside.join(data)),
            ..profile
        })
    }

    fn no_profile(&self, name: &str) -> String {
        let names = self.profiles.keys().map(String::as_str);
        let meant = nearest(name, names)
            .map_or_else(String::new, |meant| format!(" (did you mean {meant:?}?)"));
        match self.path.as_os_str().is_empty() {
            true => format!("there is no profile {name}, and no configuration file"),
            false => {
                let path = self.path.display();
                format!("there is no profile {name} in {path}{meant}")
            }
        }
    }
}

fn path(variable: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let named = variable(FILE).map(PathBuf::from);
    let of_home = || variable("HOME").map(|home| Path::new(&home).join(".config"));
    named.or_else(|| {
        let folder = variable("XDG_CONFIG_HOME").map(PathBuf::from);
        let folder = folder.or_else(of_home)?;
        Some(folder.join("taskmill").join("config.toml"))
    })
}

fn is_missing(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read of a file with this text that is found by this variable, at this path.
    fn read(variable: &str, path: &str, text: &str) -> Result<Config, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
        let value = match variable {
            FILE => file,
            _ => folder.path().to_owned(),
        };
        let value = value.display().to_string();
        let read = Config::read(|name| (name == variable).then(|| value.clone()));
        read.map_err(|error| error.report())
    }

    #[test]
    fn is_where_it_is_said_to_be_or_where_others_have_theirs() {
        let text = "default = \"a\"\n[profiles.a]\nstack = \"prod\"\ntenant = \"acme\"\n";
        for (variable, path) in [
            (FILE, "own.toml"),
            ("XDG_CONFIG_HOME", "taskmill/config.toml"),
            ("HOME", ".config/taskmill/config.toml"),
        ] {
            let config = read(variable, path, text).unwrap();
            assert_eq!(config.default.as_deref(), Some("a"), "{variable}");
            let profile = config.profile("a").unwrap();
            assert_eq!(profile.stack.as_deref(), Some("prod"));
            assert_eq!(profile.tenant.unwrap().as_str(), "acme");
        }
    }

    #[test]
    fn says_nothing_where_there_is_none_unless_it_was_named() {
        let none = |name: &str| (name == "HOME").then(|| "/nowhere/at/all".to_owned());
        let config = Config::read(none).unwrap();
        let missing = config.profile("dev").unwrap_err().report();
        assert!(missing.contains("no configuration file"), "{missing}");
        let named = |name: &str| (name == FILE).then(|| "/nowhere/at/all".to_owned());
        let error = Config::read(named).unwrap_err().report();
        assert!(error.contains("/nowhere/at/all cannot be read"), "{error}");
    }

    #[test]
    fn a_folder_is_looked_for_beside_it() {
        let config = read(FILE, "own.toml", "[profiles.here]\ndata = \"kept\"\n").unwrap();
        let data = config.profile("here").unwrap().data.unwrap();
        assert!(data.is_absolute() && data.ends_with("kept"), "{data:?}");
    }

    #[test]
    fn what_nobody_understands_is_told_with_its_place() {
        for (text, expected) in [
            ("[profiles.a]\nurll = \"x\"\n", "unknown field `urll`"),
            ("[profiles.a]\ntenant = \"a b\"\n", "own.toml"),
            ("default = 7\n", "line 1"),
        ] {
            let error = read(FILE, "own.toml", text).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
        let config = read(FILE, "own.toml", "[profiles.prod]\nstack = \"p\"\n").unwrap();
        let error = config.profile("prd").unwrap_err().report();
        assert!(error.contains("did you mean \"prod\"?"), "{error}");
    }
}
