//! What a program uses, as far as `/proc` tells; 0 where it does not, as on other systems.
//!
//! Processor time of a program that ended is exact: a dead process that nobody has reaped still
//! shows its total. Peak memory is gone by then, so it is looked at while the program lives: a
//! program that ends within a millisecond or two shows none, and what it used after the last look
//! is missed. Of a program that is killed, the last look before that tells both.

use std::fs;

use rustix::process::Pid;
use taskmill::metrics::ExecutionMetrics;

/// Ticks of the times in `/proc/<pid>/stat`, a second: fixed on Linux for programs, whatever the
/// kernel's own frequency.
const TICKS_A_SECOND: u64 = 100;
/// Processes of a group that are looked at.
const PROCESSES: usize = 64;

/// Milliseconds of processor time of a process, with those of its children that it waited for.
pub(super) fn cpu_millis(process: Pid) -> u64 {
    cpu_time(&process.as_raw_pid().to_string())
}

fn cpu_time(pid: &str) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    ticks(&stat).saturating_mul(1000 / TICKS_A_SECOND)
}

/// What a process and its living descendants have used, memory of each at its own peak.
pub(super) fn so_far(process: Pid) -> ExecutionMetrics {
    let mut processes = vec![process.as_raw_pid().to_string()];
    let mut looked_at = 0;
    let mut used = ExecutionMetrics::default();
    while let Some(pid) = processes.pop() {
        used = used.plus(ExecutionMetrics {
            execution_time: 0,
            cpu_time: cpu_time(&pid),
            memory_usage: high_water_mark(&pid),
        });
        looked_at += 1;
        if looked_at + processes.len() < PROCESSES {
            processes.extend(children(&pid));
        }
    }
    used
}

/// `utime`, `stime`, `cutime` and `cstime`: the 14th to 17th field. The second, the name in
/// parentheses, may hold blanks and parentheses itself.
fn ticks(stat: &str) -> u64 {
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let times = after_name.split_whitespace().skip(11).take(4);
    times.filter_map(|field| field.parse::<u64>().ok()).sum()
}

fn high_water_mark(pid: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0).saturating_mul(1024)
}

fn children(pid: &str) -> Vec<String> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let children = fs::read_to_string(path).unwrap_or_default();
    children.split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_read_whatever_the_program_is_called() {
        let stat = |name: &str| format!("7 ({name}) Z 1 7 7 0 -1 4 9 9 9 9 25 10 3 2 20 0 1 0 99");
        assert_eq!(ticks(&stat("sh")), 40);
        assert_eq!(ticks(&stat("a ) b (c")), 40);
        assert_eq!(ticks(""), 0);
        assert_eq!(ticks("7 (sh) Z 1"), 0);
    }
}
