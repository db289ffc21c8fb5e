//! The `taskmill` command from its outside: arguments in; output, errors and exit status out.

mod bench;
mod resume;
mod run;
mod support;
mod task;
mod validate;
