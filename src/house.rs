//! The rules of the house that a compiler does not keep: which crate may build on which.
//!
//! Imports run one way, `functions/*` to `functions/app` to `infra/aws` to the core, the command
//! and the tests to the router of the API as well, nothing that is deployed builds on the embedded
//! AWS, and the library for workers knows the HTTP API alone. What a crate may call is kept by `clippy.toml`.

use std::collections::{BTreeMap, BTreeSet};

/// The workspace's manifests, by folder.
const MANIFESTS: [(&str, &str); 15] = [
    (".", include_str!("../Cargo.toml")),
    ("cli", include_str!("../cli/Cargo.toml")),
    ("functions/api", include_str!("../functions/api/Cargo.toml")),
    (
        "functions/api-operations",
        include_str!("../functions/api-operations/Cargo.toml"),
    ),
    ("functions/app", include_str!("../functions/app/Cargo.toml")),
    (
        "functions/create-task",
        include_str!("../functions/create-task/Cargo.toml"),
    ),
    (
        "functions/execute-task",
        include_str!("../functions/execute-task/Cargo.toml"),
    ),
    (
        "functions/process-result",
        include_str!("../functions/process-result/Cargo.toml"),
    ),
    (
        "functions/schedule-retry",
        include_str!("../functions/schedule-retry/Cargo.toml"),
    ),
    (
        "functions/sweep",
        include_str!("../functions/sweep/Cargo.toml"),
    ),
    ("infra/aws", include_str!("../infra/aws/Cargo.toml")),
    ("infra/local", include_str!("../infra/local/Cargo.toml")),
    ("tests", include_str!("../tests/Cargo.toml")),
    ("worker", include_str!("../worker/Cargo.toml")),
    ("xtask", include_str!("../xtask/Cargo.toml")),
];

/// The members of the workspace that a member may build on, at run time and in its tests.
fn may_build_on(folder: &str) -> &'static [&'static str] {
    match folder {
        "." | "worker" | "xtask" => &[],
        "infra/aws" => &["taskmill"],
        "functions/app" => &["taskmill", "taskmill-aws"],
        "functions/api-operations" => &["taskmill-api"],
        "infra/local" => &["taskmill", "taskmill-aws", "taskmill-app"],
        "cli" => &[
            "taskmill",
            "taskmill-api",
            "taskmill-app",
            "taskmill-aws",
            "taskmill-local",
        ],
        "tests" => &[
            "taskmill",
            "taskmill-api",
            "taskmill-app",
            "taskmill-aws",
            "taskmill-local",
            "taskmill-worker",
        ],
        _ => &["taskmill", "taskmill-aws", "taskmill-app"],
    }
}

/// Beginnings of names of crates that look at the world, and have no place in the core.
const WORLDLY: [&str; 16] = [
    "async-std",
    "aws",
    "axum",
    "dynoxide",
    "fastrand",
    "futures",
    "getrandom",
    "hyper",
    "lambda",
    "mio",
    "rand",
    "reqwest",
    "rustix",
    "smol",
    "tokio",
    "tracing-subscriber",
];

/// A dependency, as a manifest states it.
#[derive(Debug, PartialEq, Eq)]
struct Dependency {
    name: String,
    purpose: Purpose,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// It is built into what is shipped, or builds it.
    Shipping,
    /// It serves tests.
    Testing,
}

/// The dependencies of a manifest, in every kind of section that Cargo knows.
fn dependencies(manifest: &str) -> Vec<Dependency> {
    let mut found = Vec::new();
    let mut section = String::new();
    for line in manifest.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[') {
            section = header.trim_end_matches(']').to_owned();
            found.extend(in_header(&section));
        } else if let Some(purpose) = purpose_of(&section)
            && let Some(name) = named_by(line)
        {
            found.push(Dependency { name, purpose });
        } else if let Some(package) = package_of(line) {
            // The rest of a `[dependencies.alias]` section.
            let purpose = in_header(&section).map(|dependency| dependency.purpose);
            found.extend(purpose.map(|purpose| Dependency {
                name: package,
                purpose,
            }));
        }
    }
    found
}

fn purpose_of(section: &str) -> Option<Purpose> {
    match section.rsplit('.').next() {
        _ if section.starts_with("workspace.") => None,
        Some("dependencies" | "build-dependencies") => Some(Purpose::Shipping),
        Some("dev-dependencies") => Some(Purpose::Testing),
        _ => None,
    }
}

/// The dependency of a header such as `dependencies.serde`.
fn in_header(section: &str) -> Option<Dependency> {
    let (table, name) = section.rsplit_once('.')?;
    let purpose = purpose_of(table)?;
    Some(Dependency {
        name: name.trim_matches('"').to_owned(),
        purpose,
    })
}

/// The crate that a line such as `alias = { package = "name" }` names.
fn named_by(line: &str) -> Option<String> {
    let (key, _) = line.split_once('=')?;
    if line.starts_with('#') {
        return None;
    }
    let alias = key.split('.').next().unwrap_or(key);
    let alias = alias.trim().trim_matches('"').to_owned();
    Some(package_of(line).unwrap_or(alias))
}

fn package_of(line: &str) -> Option<String> {
    let (_, after) = line.split_once("package")?;
    let value = after.trim_start().strip_prefix('=')?.trim_start();
    Some(value.strip_prefix('"')?.split('"').next()?.to_owned())
}

fn name_of(manifest: &str) -> &str {
    let (_, package) = manifest.split_once("[package]").unwrap();
    let line = package
        .lines()
        .find(|line| line.starts_with("name"))
        .unwrap();
    line.split('"').nth(1).unwrap()
}

/// A list of strings of the root manifest, such as `members`.
fn list(name: &str) -> BTreeSet<&'static str> {
    let root = MANIFESTS[0].1;
    let (_, after) = root.split_once(&format!("\n{name} = [")).unwrap();
    let (items, _) = after.split_once(']').unwrap();
    items
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .filter_map(|line| line.split('"').nth(1))
        .collect()
}

/// The members that a manifest builds on although it may not.
fn turned_arrows(folder: &str, manifest: &str) -> Vec<String> {
    let members: BTreeSet<&str> = MANIFESTS.iter().map(|(_, text)| name_of(text)).collect();
    dependencies(manifest)
        .into_iter()
        .map(|dependency| dependency.name)
        .filter(|name| members.contains(name.as_str()))
        .filter(|name| !may_build_on(folder).contains(&name.as_str()))
        .collect()
}

fn worldly(manifest: &str) -> Vec<String> {
    dependencies(manifest)
        .into_iter()
        .map(|dependency| dependency.name)
        .filter(|name| WORLDLY.iter().any(|start| name.starts_with(start)))
        .collect()
}

/// Every crate that a member ships, as far as the workspace's own manifests tell.
fn shipped_by(folder: &str) -> BTreeSet<String> {
    let manifest_of: BTreeMap<&str, &str> = MANIFESTS
        .iter()
        .map(|(_, text)| (name_of(text), *text))
        .collect();
    let (_, text) = MANIFESTS.iter().find(|(path, _)| *path == folder).unwrap();
    let mut shipped = BTreeSet::new();
    let mut open = vec![*text];
    while let Some(manifest) = open.pop() {
        for dependency in dependencies(manifest) {
            if dependency.purpose == Purpose::Shipping && shipped.insert(dependency.name.clone()) {
                open.extend(manifest_of.get(dependency.name.as_str()));
            }
        }
    }
    shipped
}

#[test]
fn every_member_of_the_workspace_is_looked_at() {
    let mut expected = list("members");
    expected.insert(".");
    let looked_at: BTreeSet<&str> = MANIFESTS.iter().map(|(folder, _)| *folder).collect();
    assert_eq!(looked_at, expected);
}

#[test]
fn imports_run_one_way() {
    for (folder, manifest) in MANIFESTS {
        assert_eq!(turned_arrows(folder, manifest), [""; 0], "{folder}");
    }
}

#[test]
fn the_core_builds_on_nothing_that_looks_at_the_world() {
    assert_eq!(worldly(MANIFESTS[0].1), [""; 0]);
}

/// Features of everything that is built together are unified: what a default member reached
/// would end up in a Lambda.
#[test]
fn nothing_that_is_deployed_ships_the_embedded_aws() {
    let deployed = list("default-members");
    assert!(deployed.contains("functions/process-result"));
    for folder in deployed {
        let shipped = shipped_by(folder);
        for kept_out in [
            "taskmill-local",
            "dynoxide-rs",
            "taskmill-cli",
            "taskmill-tests",
        ] {
            assert!(!shipped.contains(kept_out), "{folder} ships {kept_out}");
        }
    }
}

/// Connections and signatures are those of `ring`: other libraries of C take minutes to build, and
/// megabytes of every function.
#[test]
fn no_other_library_of_cryptography_is_built() {
    let lock = include_str!("../Cargo.lock");
    assert!(lock.contains("name = \"ring\""));
    for other in ["aws-lc-sys", "boring-sys", "openssl-sys"] {
        assert!(!lock.contains(&format!("name = \"{other}\"")), "{other}");
    }
}

#[test]
fn a_turned_arrow_is_seen_however_it_is_written() {
    let spellings = [
        "[dependencies]\ntaskmill-app.workspace = true",
        "[dependencies]\n\"taskmill-app\" = { path = \"../functions/app\" }",
        "[dependencies]\nuse-cases = { package = \"taskmill-app\", version = \"1\" }",
        "[dev-dependencies]\ntaskmill-app = \"1\"",
        "[build-dependencies]\ntaskmill-app = \"1\"",
        "[dependencies.taskmill-app]\nworkspace = true",
        "[dependencies.alias]\nversion = \"1\"\npackage = \"taskmill-app\"",
        "[target.'cfg(unix)'.dependencies]\ntaskmill-app = \"1\"",
    ];
    for manifest in spellings {
        assert_eq!(
            turned_arrows("infra/aws", manifest),
            ["taskmill-app"],
            "{manifest}"
        );
        assert_eq!(turned_arrows("cli", manifest), [""; 0], "{manifest}");
    }
    assert_eq!(worldly("[dependencies]\ntokio.workspace = true"), ["tokio"]);
    assert_eq!(
        worldly("[dependencies]\n# tokio = \"1\"\nserde = \"1\""),
        [""; 0]
    );
}

#[test]
fn what_a_member_ships_is_followed_through_the_workspace() {
    let shipped = shipped_by("cli");
    for through in [
        "taskmill-local",
        "dynoxide-rs",
        "aws-sdk-sqs",
        "jsonata-core",
    ] {
        assert!(shipped.contains(through), "{through}");
    }
    assert!(!shipped.contains("proptest"), "tests are not shipped");
}
