//! The input of a run: JSON in the argument, or in a file, or on standard input. A file may be
//! YAML as well. Whether the definition accepts it is not known here.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde_json::Value;
use taskmill::codes::registration;
use taskmill::document::{self, Document};
use taskmill::problem::Problem;
use taskmill_app::Refusal;

use crate::exit::Error;
use crate::problems::{Located, Severity};

/// Where an input comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The argument is the input.
    Argument(String),
    /// A file.
    File(PathBuf),
    /// Standard input.
    Stdin,
}

impl Source {
    /// What an argument names: `-` is standard input; what begins as a JSON object or array does,
    /// or what no file is called, is the input itself.
    #[must_use]
    pub fn of(argument: &str) -> Self {
        let trimmed = argument.trim_start();
        if argument == "-" {
            Self::Stdin
        } else if !trimmed.starts_with(['{', '[']) && Path::new(argument).is_file() {
            Self::File(PathBuf::from(argument))
        } else {
            Self::Argument(argument.to_owned())
        }
    }

    /// The file that it is in.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Argument(_) | Self::Stdin => None,
        }
    }

    /// Reads the input.
    ///
    /// # Errors
    /// The file cannot be read, or the text is neither JSON nor, in a file of that name, YAML.
    pub fn read(&self) -> Result<Value, Error> {
        match self {
            Self::Argument(text) => serde_json::from_str(text).map_err(|error| {
                Error::Usage(format!("{text:?} is neither a file nor JSON: {error}"))
            }),
            Self::Stdin => {
                let name = Path::new("standard input");
                let text = io::read_to_string(io::stdin().lock());
                json(name, &text.map_err(|source| unreadable(name, source))?)
            }
            Self::File(path) => {
                let mut text = String::new();
                fs::File::open(path)
                    .and_then(|mut file| file.read_to_string(&mut text))
                    .map_err(|source| unreadable(path, source))?;
                let yaml = path
                    .extension()
                    .is_some_and(|extension| extension == "yaml" || extension == "yml");
                if yaml {
                    one_document(path, &text)
                } else {
                    json(path, &text)
                }
            }
        }
    }
}

impl Source {
    /// What a refusal of this input says: of a schema, each violation with its place.
    #[must_use]
    pub fn explain(&self, error: impl Into<Error>) -> Error {
        let error = error.into();
        let Error::Refused(Refusal::Refused { code, details, .. }) = &error else {
            return error;
        };
        let Some(violations) = details.get("violations").and_then(Value::as_array) else {
            return error;
        };
        let problem = |violation: &Value| {
            let text = |name: &str| violation[name].as_str().unwrap_or_default();
            Problem::new(code, text("pointer"), text("message"))
        };
        let problems = violations.iter().map(problem).collect();
        let problems = match self.document() {
            None => problems,
            Some(document) => document.locate(problems),
        };
        Error::Problems(Located::all(self.name(), Severity::Error, problems))
    }

    fn name(&self) -> &Path {
        match self {
            Self::Argument(_) => Path::new("--input"),
            Self::File(path) => path,
            Self::Stdin => Path::new("standard input"),
        }
    }

    /// The lines of the input, where they are of use and can be had.
    fn document(&self) -> Option<Document> {
        let text = fs::read_to_string(self.file()?).ok()?;
        document::read(&text).ok()?.into_iter().next()
    }
}

fn unreadable(path: &Path, source: io::Error) -> Error {
    Error::Unreadable {
        path: path.to_owned(),
        source,
    }
}

fn json(path: &Path, text: &str) -> Result<Value, Error> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    serde_json::from_str(text).map_err(|error| {
        let line = u32::try_from(error.line()).ok().filter(|line| *line > 0);
        malformed(path, error.to_string(), line)
    })
}

fn one_document(path: &Path, text: &str) -> Result<Value, Error> {
    let documents = document::read(text).map_err(|unreadable| {
        Error::Problems(Located::all(path, Severity::Error, unreadable.problems))
    })?;
    match <[_; 1]>::try_from(documents) {
        Ok([document]) => Ok(document.value),
        Err(documents) => {
            let message = format!("an input is one document, not {}", documents.len());
            Err(malformed(path, message, None))
        }
    }
}

fn malformed(path: &Path, message: String, line: Option<u32>) -> Error {
    let problem = Problem::new(registration::MALFORMED, "", message).with_line(line);
    Error::Problems(Located::all(path, Severity::Error, [problem]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(name: &str, text: &str, expected: Result<Value, &str>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        let source = Source::of(path.to_str().unwrap());
        assert_eq!(source.file(), Some(path.as_path()));
        match (source.read(), expected) {
            (Ok(value), Ok(expected)) => assert_eq!(value, expected),
            (Err(error), Err(expected)) => {
                assert!(error.report().contains(expected), "{}", error.report());
            }
            (read, expected) => panic!("{read:?} is not {expected:?}"),
        }
    }

    #[test]
    fn is_read_from_a_file_by_its_name() {
        check(
            "i.json",
            "{\"a\": 9007199254740993}",
            Ok(json!({"a": 9_007_199_254_740_993_u64})),
        );
        check("i.yaml", "a: [1, two]", Ok(json!({"a": [1, "two"]})));
        check("i.txt", "\u{feff}[1]", Ok(json!([1])));
        check("i.json", "{\n \"a\": }", Err("i.json:2: MALFORMED"));
        check("i.yaml", "a: 1\na: 2", Err("i.yaml:2: DUPLICATE_NAME"));
        check("i.yaml", "a: 1\n---\na: 2", Err("one document, not 2"));
    }

    #[test]
    fn is_the_argument_itself_when_no_file_is_called_so() {
        let read = |argument: &str| Source::of(argument).read();
        assert_eq!(read("{\"a\": 1}").unwrap(), json!({"a": 1}));
        assert_eq!(read("7").unwrap(), json!(7));
        let error = read("no/such/file.json").unwrap_err().report();
        assert!(error.contains("neither a file nor JSON"), "{error}");
    }
}
