//! Tasks of workers that poll, in a process that nobody can poll.

use crate::support::Folder;

const FLOW: &str = r#"
id: render
version: 1.0.0
name: Render
type: AUTOMATED
executionConfig: {executor: "worker:gpu"}
---
id: film
version: 1.0.0
name: Film
steps: [{name: render, taskDefinitionId: render}]
"#;

#[test]
fn a_run_that_waits_for_a_worker_says_so_and_goes_on_waiting() {
    let folder = Folder::new(&[("film/film.yaml", FLOW)]);
    let ended = folder.run(&["run", "film", "--data", "data"]);
    ended.expect(4).says("render waits for a worker of gpu");
    // The queue of its group went with the process; its record did not.
    let again = folder.run(&["continue", "film", "--data", "data"]);
    again.expect(4).says("render waits for a worker of gpu");
}
