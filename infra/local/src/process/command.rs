//! The command line of a program: split, its program found, its limits put around it.
//!
//! Limits are set by a shell that then becomes the program, because a limit can only be set from
//! inside a process, and doing that between fork and exec takes unsafe code. There is no shell
//! where there is no limit. `memory` limits the address space, `cpu` the processor time to that
//! share of the attempt's time (at least a second; SIGXCPU, and a second later SIGKILL), `disk`
//! the size of each file that is written. Where the machine already limits further, that stays.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use taskmill::codes::failure::EXECUTOR_NOT_FOUND;
use taskmill::task::timeouts;
use taskmill::{Timestamp, limits};
use taskmill_aws::executor::{Call, Failure};

/// The unit of the address space in `ulimit -v`.
const KIB: u64 = 1024;
/// The unit of a file's size in `ulimit -f` (POSIX).
const BLOCK: u64 = 512;
/// The largest number of a limit: shells read them as signed.
const LARGEST: u64 = i64::MAX as u64 / KIB;

/// What one attempt may use; none is without limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Limits {
    memory_kib: Option<u64>,
    cpu_seconds: Option<u64>,
    file_blocks: Option<u64>,
}

impl Limits {
    /// The limits that the call's definition demands of an attempt that begins now.
    pub(super) fn of(call: &Call, now: Timestamp) -> Self {
        let Some(resources) = &call.definition.execution_config.resource_requirements else {
            return Self::default();
        };
        let millis = call.deadline.map(|deadline| deadline.millis_since(now));
        let millis = millis.or_else(|| timeouts::attempt(&call.definition));
        let millis = millis.unwrap_or(limits::TIMER_MILLIS);
        let seconds = |share: u32| {
            millis
                .saturating_mul(share.into())
                .div_ceil(1_000_000)
                .max(1)
        };
        Self {
            memory_kib: resources
                .memory
                .as_ref()
                .map(|size| size.value().div_ceil(KIB)),
            cpu_seconds: resources.cpu.as_ref().map(|cpu| seconds(cpu.value())),
            file_blocks: resources
                .disk
                .as_ref()
                .map(|size| size.value().div_ceil(BLOCK)),
        }
    }

    /// The shell's commands that set the limits; empty when there are none.
    fn script(&self) -> String {
        let limit =
            |flag: &str, value: u64| format!("ulimit {flag} {} 2>/dev/null; ", value.min(LARGEST));
        let mut script = String::new();
        if let Some(seconds) = self.cpu_seconds {
            script += &limit("-S -t", seconds);
            script += &limit("-H -t", seconds.saturating_add(1));
        }
        if let Some(blocks) = self.file_blocks {
            script += &limit("-f", blocks);
        }
        if let Some(kib) = self.memory_kib {
            script += &limit("-v", kib);
        }
        script
    }
}

/// The command of this line. A program without `/` is looked for in the `PATH` of its own
/// environment, one with `/` is relative to `root`.
pub(super) fn build(
    line: &str,
    root: &Path,
    variables: &BTreeMap<OsString, OsString>,
    limits: &Limits,
) -> Result<Command, Failure> {
    let not_found = |why: String| Failure::permanent(EXECUTOR_NOT_FOUND, why);
    let words = shell_words::split(line)
        .map_err(|error| not_found(format!("the command line cannot be split: {error}")))?;
    let Some((name, arguments)) = words.split_first() else {
        return Err(not_found("the command line is empty".to_owned()));
    };
    let path = variables.get(OsStr::new("PATH"));
    let program = find(name, root, path)
        .ok_or_else(|| not_found(format!("there is no program {name:?} that can be run")))?;
    let script = limits.script();
    if script.is_empty() {
        let mut command = Command::new(program);
        command.arg0(name).args(arguments);
        return Ok(command);
    }
    let mut command = Command::new("/bin/sh");
    command
        .arg("-c")
        .arg(format!("{script}exec \"$@\""))
        .arg("sh");
    command.arg(program).args(arguments);
    Ok(command)
}

fn find(name: &str, root: &Path, path: Option<&OsString>) -> Option<PathBuf> {
    if name.contains('/') {
        return Some(root.join(name)).filter(|program| is_program(program));
    }
    std::env::split_paths(path?)
        .map(|folder| root.join(folder).join(name))
        .find(|program| is_program(program))
}

fn is_program(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::super::tests::call;
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn requirements_become_limits_in_the_shells_units() {
        #[track_caller]
        fn check(requirements: Value, millis: u64, script: &str) {
            let now = Timestamp::default();
            let mut call = call(
                "true",
                json!({}),
                &json!({"resourceRequirements": requirements}),
            );
            call.deadline = Some(now.plus_millis(millis));
            assert_eq!(Limits::of(&call, now).script(), script);
        }
        check(json!({}), 1, "");
        check(json!({"timeoutSeconds": 5}), 5000, "");
        check(
            json!({"memory": "512Mi"}),
            1,
            "ulimit -v 524288 2>/dev/null; ",
        );
        check(json!({"memory": "1025"}), 1, "ulimit -v 2 2>/dev/null; ");
        check(json!({"disk": "513"}), 1, "ulimit -f 2 2>/dev/null; ");
        let cpu = |soft, hard| {
            format!("ulimit -S -t {soft} 2>/dev/null; ulimit -H -t {hard} 2>/dev/null; ")
        };
        check(json!({"cpu": "0.5"}), 60_000, &cpu(30, 31));
        check(json!({"cpu": "2"}), 60_000, &cpu(120, 121));
        check(json!({"cpu": "1m"}), 1, &cpu(1, 2));
        check(json!({"cpu": "1"}), 1001, &cpu(2, 3));
    }

    #[test]
    fn programs_are_found_in_the_path_or_under_the_root() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::create_dir(root.join("bin")).unwrap();
        for (name, mode) in [("bin/tool", 0o755), ("bin/text", 0o644)] {
            std::fs::write(root.join(name), "#!/bin/sh\n").unwrap();
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(root.join(name), mode).unwrap();
        }
        let path = OsString::from("/nowhere:bin");
        let found = |name: &str| find(name, root, Some(&path)).is_some();
        assert!(found("tool"));
        assert!(found("./bin/tool"));
        assert!(found("/bin/sh"));
        for missing in [
            "text",
            "bin/text",
            "bin",
            "./bin",
            "sh",
            "./tool",
            "/nowhere/tool",
        ] {
            assert!(!found(missing), "{missing}");
        }
        assert_eq!(find("tool", root, None), None);
    }
}
