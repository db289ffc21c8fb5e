//! A process group: watched until its leader ends, killed whole when it is dropped.
//!
//! A process id may be given to another process as soon as it is reaped, and with it the
//! group's. So the leader is waited for without reaping it, the group is killed while the dead
//! leader still holds the id, and only then is it reaped.

use std::io;
use std::process::Child;
use std::sync::mpsc;

use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitIdStatus, kill_process_group, waitid,
};
use tokio::sync::oneshot;

use super::usage;

/// A group whose leader is a child of this process.
#[derive(Debug)]
pub(super) struct Group {
    leader: Pid,
    ended: oneshot::Receiver<io::Result<Ended>>,
    /// Held until the group was killed; dropping it lets the leader be reaped.
    _unreaped: mpsc::Sender<()>,
}

/// The end of a leader.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ended {
    pub(super) exit: Exit,
    /// Milliseconds of processor time of it and of those of its children that it waited for.
    pub(super) cpu_millis: u64,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// By itself, with this status.
    Status(i32),
    /// By this signal.
    Signal(i32),
}

impl Group {
    /// Watches over a child that was started as the leader of its own group.
    pub(super) fn watch(mut child: Child) -> Self {
        let leader = Pid::from_child(&child);
        let (tell, ended) = oneshot::channel();
        let (unreaped, killed) = mpsc::channel::<()>();
        tokio::task::spawn_blocking(move || {
            // Nobody may be listening any more, and nothing is ever sent over the other
            // channel: that it closes is the message. A child cannot be reaped twice.
            let _ = tell.send(wait_without_reaping(leader));
            let _ = killed.recv();
            let _ = child.wait();
        });
        Self {
            leader,
            ended,
            _unreaped: unreaped,
        }
    }

    pub(super) fn leader(&self) -> Pid {
        self.leader
    }

    /// Waits for the leader's end. May be dropped and called again until it gave an answer.
    pub(super) async fn ended(&mut self) -> io::Result<Ended> {
        let gone = |_| io::Error::other("the runtime is shutting down");
        (&mut self.ended).await.map_err(gone)?
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Fails only where nobody of the group is left.
        let _ = kill_process_group(self.leader, Signal::KILL);
    }
}

fn wait_without_reaping(leader: Pid) -> io::Result<Ended> {
    let status = loop {
        match waitid(
            WaitId::Pid(leader),
            WaitIdOptions::EXITED | WaitIdOptions::NOWAIT,
        ) {
            Ok(Some(status)) => break status,
            Ok(None) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    };
    Ok(Ended {
        exit: exit(&status),
        cpu_millis: usage::cpu_millis(leader),
    })
}

fn exit(status: &WaitIdStatus) -> Exit {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Exit::Status(code),
        (None, signal) => Exit::Signal(signal.unwrap_or_default()),
    }
}
