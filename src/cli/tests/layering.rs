//! Which crate may import which: the level table of ARCHITECTURE.md, compared with every manifest under `src/`.
//!
//! A crate imports only crates of a strictly lower level. Dev-dependencies count like any other, with one
//! exception: nobody depends on the simulator, but the tests of the binary (`gsm-cli`) may run it.

use std::fs;
use std::path::{Path, PathBuf};

const ARCHITECTURE: &str = include_str!("../../../ARCHITECTURE.md");
/// The simulator has none in the table: it stands beside the adapters, so that it can import neither them nor the server.
const SIM_LEVEL: u8 = 5;
/// Levels up to here take time, ids and chance as arguments.
const PURE_LEVEL_MAX: u8 = 3;
const NOT_IN_PURE: &[&str] = &["tokio", "async-trait", "tracing", "rand", "getrandom", "redb", "reqwest"];
/// Each of these crates (and its `<name>-*` family) has one home.
const ONE_HOME: &[(&str, &str)] = &[
    ("axum", "gsm-server"),
    ("redb", "gsm-adapters"),
    ("redis", "gsm-adapters"),
    ("mongodb", "gsm-adapters"),
    ("aws-sdk", "gsm-adapters"),
];

/// The one file that takes one of a higher level, and that: what is drawn for the bench of ratings is drawn by the peers as well,
/// whom nothing else should have to be built for.
const TAKES_HIGHER: (&str, &str) = ("src/rating/examples/peers.rs", "src/cli/src/bench/rating/draw.rs");

/// The one exception: the tests of the binary speak with it as an unmodified client of the GameLift wire does.
const TEST_CLIENT: (&str, &str) = ("gsm-cli", "aws-sdk-gamelift");

fn level(krate: &str) -> Option<u8> {
    let folder = krate.strip_prefix("gsm-")?;
    table().into_iter().find(|(name, _)| *name == folder).map(|(_, level)| level)
}

/// Folders under `src/` and their levels; crate names are `gsm-<folder>`.
fn table() -> Vec<(&'static str, u8)> {
    let row = |line: &'static str| {
        let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
        let (level, folder) = (cells.next()?, cells.next()?.strip_prefix('`')?.strip_suffix('`')?);
        Some((folder, if level == "–" { SIM_LEVEL } else { level.parse().ok()? }))
    };
    ARCHITECTURE.lines().filter_map(row).collect()
}

/// Files in `dir` and below that are Rust.
fn sources(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The files that a source takes by `#[path]`, from the root of the tree as it is.
fn taken(root: &Path, source: &Path) -> Vec<String> {
    let text = fs::read_to_string(source).unwrap();
    let named = text.lines().filter_map(|line| line.trim().strip_prefix("#[path = \"")?.split('"').next());
    let from_root = |named: &str| {
        let mut parts: Vec<&str> = Vec::new();
        let dir = source.parent().unwrap().strip_prefix(root).unwrap().to_str().unwrap();
        for part in dir.split('/').chain(named.split('/')) {
            if part == ".." {
                parts.pop();
            } else {
                parts.push(part);
            }
        }
        parts.join("/")
    };
    named.map(from_root).collect()
}

/// What of a crate of another level than a lower one is taken in by the back door.
fn offending_files(root: &Path, folder: &str, own_level: u8) -> Vec<String> {
    let mut wrong = Vec::new();
    for source in sources(&root.join("src").join(folder)) {
        let own = source.strip_prefix(root).unwrap().to_str().unwrap();
        for path in taken(root, &source) {
            let of = path.split('/').nth(1).unwrap_or_default();
            let is_lower = level(&format!("gsm-{of}")).is_some_and(|level| level < own_level);
            if of != folder && !is_lower && (own, path.as_str()) != TAKES_HIGHER {
                wrong.push(format!("{own} must not take {path}"));
            }
        }
    }
    wrong
}

fn is_of_family(krate: &str, family: &str) -> bool {
    krate.strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// Every dependency a manifest names, as (crate, is it a dev-dependency), in the order of the file. Reads the
/// two forms cargo has: `name = ..` (or `name.workspace = ..`) in a `[..dependencies]` table, and a table of its own.
fn dependencies(manifest: &str) -> Vec<(String, bool)> {
    let (mut found, mut section) = (Vec::new(), "");
    for line in manifest.lines().map(|line| line.split('#').next().unwrap_or_default().trim()) {
        let named = if let Some(header) = line.strip_prefix('[').filter(|rest| rest.ends_with(']')) {
            section = header.trim_end_matches(']');
            section.rsplit_once("dependencies.").map(|(_, name)| name)
        } else if section.ends_with("dependencies") {
            line.split_once('=').map(|(key, _)| key.split('.').next().unwrap_or_default())
        } else {
            None
        };
        if let Some(name) = named {
            let is_dev = section.split('.').any(|part| part == "dev-dependencies");
            found.push((name.trim().trim_matches('"').to_owned(), is_dev));
        }
    }
    found
}

/// What is wrong with one crate's dependencies.
fn offending_edges(krate: &str, own_level: u8, manifest: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for (dep, is_dev) in dependencies(manifest) {
        let is_tested_sim = krate == "gsm-cli" && dep == "gsm-sim" && is_dev;
        let is_lower = dep != "gsm-sim" && level(&dep).is_some_and(|level| level < own_level);
        if dep.starts_with("gsm-") && !is_lower && !is_tested_sim {
            wrong.push(format!("{krate} must not import {dep}"));
        }
        if own_level <= PURE_LEVEL_MAX && NOT_IN_PURE.iter().any(|family| is_of_family(&dep, family)) {
            wrong.push(format!("{krate} is pure and must not name {dep}"));
        }
        for (family, home) in ONE_HOME {
            let is_test_client = is_dev && (krate, dep.as_str()) == TEST_CLIENT;
            if is_of_family(&dep, family) && krate != *home && !is_test_client {
                wrong.push(format!("only {home} may name {dep}, {krate} does too"));
            }
        }
    }
    wrong
}

/// All `clippy.toml` files under `dir`; build folders (tagged by cargo) and hidden folders are passed over.
fn clippy_files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if entry.file_type().unwrap().is_dir() {
            if !name.starts_with('.') && !path.join("CACHEDIR.TAG").exists() {
                found.extend(clippy_files(&path));
            }
        } else if name.trim_start_matches('.') == "clippy.toml" {
            found.push(path);
        }
    }
    found
}

/// Everything in the tree at `root` that breaks the table, one sentence each, sorted.
fn offences(root: &Path) -> Vec<String> {
    let mut wrong = Vec::new();
    for entry in fs::read_dir(root.join("src")).unwrap().map(Result::unwrap) {
        let krate = format!("gsm-{}", entry.file_name().to_string_lossy());
        let Some(own_level) = level(&krate) else {
            wrong.push(format!("src/{} is not in the level table", entry.file_name().display()));
            continue;
        };
        let manifest = fs::read_to_string(entry.path().join("Cargo.toml")).unwrap();
        if !manifest.lines().any(|line| line == format!("name = \"{krate}\"")) {
            wrong.push(format!("src/{} must hold {krate}", entry.file_name().display()));
        }
        if has_rename(&manifest) {
            wrong.push(format!("{krate} renames a dependency, which hides it from this test"));
        }
        wrong.extend(offending_edges(&krate, own_level, &manifest));
        wrong.extend(offending_files(root, &entry.file_name().to_string_lossy(), own_level));
    }
    if has_rename(&fs::read_to_string(root.join("Cargo.toml")).unwrap()) {
        wrong.push("the workspace renames a dependency, which hides it from this test".to_owned());
    }
    let clippy = clippy_files(root);
    if clippy != [root.join("clippy.toml")] {
        wrong.push(format!("{} clippy.toml: a second one replaces the root's silently", clippy.len()));
    }
    wrong.sort();
    wrong
}

fn has_rename(manifest: &str) -> bool {
    manifest.lines().any(|line| line.replace(' ', "").contains("package=\""))
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

#[test]
fn every_manifest_keeps_the_level_table() {
    let wrong = offences(&repository());
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_level_table_names_each_crate_once_and_no_other() {
    let (mut named, mut there) = (table(), Vec::new());
    for entry in fs::read_dir(repository().join("src")).unwrap().map(Result::unwrap) {
        there.push(entry.file_name().into_string().unwrap());
    }
    named.sort_unstable();
    there.sort_unstable();
    assert_eq!(named.iter().map(|(folder, _)| *folder).collect::<Vec<_>>(), there);
}

#[test]
fn what_is_excepted_is_there() {
    let (from, to) = TAKES_HIGHER;
    assert_eq!(taken(&repository(), &repository().join(from)), [to]);
}

#[test]
fn no_file_is_taken_from_a_higher_level() {
    let root = lay_tree("files", &[("rules", ""), ("matchmaking", "")]);
    let take = |from: &str, path: &str| {
        fs::create_dir_all(root.join(from).parent().unwrap()).unwrap();
        fs::write(root.join(from), format!("#[path = \"{path}\"]\nmod taken;\n")).unwrap();
    };
    take("src/matchmaking/tests/main.rs", "../../rules/tests/make.rs");
    take("src/rules/src/lib.rs", "../tests/make.rs");
    assert_eq!(offences(&root), Vec::<String>::new());
    take("src/rules/src/lib.rs", "../../matchmaking/src/pool.rs");
    assert_eq!(offences(&root), ["src/rules/src/lib.rs must not take src/matchmaking/src/pool.rs"]);
    fs::remove_dir_all(root).unwrap();
}

/// Lays a tree of the given crates (folder, dependency lines), a root manifest and a root `clippy.toml`.
fn lay_tree(name: &str, crates: &[(&str, &str)]) -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("layering-{name}-{}", std::process::id()));
    for (folder, edges) in crates {
        fs::create_dir_all(root.join("src").join(folder)).unwrap();
        let manifest = format!("[package]\nname = \"gsm-{folder}\"\n\n{edges}\n");
        fs::write(root.join("src").join(folder).join("Cargo.toml"), manifest).unwrap();
    }
    fs::write(root.join("Cargo.toml"), "[workspace]\n").unwrap();
    fs::write(root.join("clippy.toml"), "").unwrap();
    root
}

#[track_caller]
fn check_crate(folder: &str, edges: &str, expected: &[&str]) {
    let root = lay_tree(&format!("{folder}-{}", std::panic::Location::caller().line()), &[(folder, edges)]);
    assert_eq!(offences(&root), expected);
    fs::remove_dir_all(root).unwrap();
}

#[test]
fn a_crate_imports_only_lower_levels() {
    check_crate("ranking", "[dependencies]\ngsm-core.workspace = true\ngsm-rating.workspace = true", &[]);
    check_crate(
        "rating",
        "[dependencies]\ngsm-adapters.workspace = true",
        &["gsm-rating must not import gsm-adapters"],
    );
    check_crate(
        "rating",
        "[dependencies.gsm-session]\nworkspace = true",
        &["gsm-rating must not import gsm-session"],
    );
    check_crate(
        "rating",
        "[dev-dependencies]\ngsm-engine = { path = \"../engine\" }",
        &["gsm-rating must not import gsm-engine"],
    );
    check_crate("rating", "[dependencies]\ngsm-new = \"1\"", &["gsm-rating must not import gsm-new"]);
}

#[test]
fn the_sdk_of_gamelift_is_a_client_in_the_tests_of_the_binary() {
    check_crate("cli", "[dev-dependencies]\naws-sdk-gamelift = \"1\"", &[]);
    let wrong = |krate| format!("only gsm-adapters may name aws-sdk-gamelift, {krate} does too");
    check_crate("cli", "[dependencies]\naws-sdk-gamelift = \"1\"", &[&wrong("gsm-cli")]);
    check_crate("server", "[dev-dependencies]\naws-sdk-gamelift = \"1\"", &[&wrong("gsm-server")]);
    check_crate(
        "cli",
        "[dev-dependencies]\naws-sdk-s3 = \"1\"",
        &["only gsm-adapters may name aws-sdk-s3, gsm-cli does too"],
    );
}

#[test]
fn the_simulator_is_run_only_by_the_tests_of_the_binary() {
    check_crate("cli", "[dev-dependencies]\ngsm-sim.workspace = true", &[]);
    check_crate("cli", "[dependencies]\ngsm-sim.workspace = true", &["gsm-cli must not import gsm-sim"]);
    check_crate(
        "server",
        "[dev-dependencies]\ngsm-sim.workspace = true",
        &["gsm-server must not import gsm-sim"],
    );
    check_crate(
        "sim",
        "[dev-dependencies]\ngsm-adapters.workspace = true",
        &["gsm-sim must not import gsm-adapters"],
    );
}

#[test]
fn vendors_and_axum_have_one_home() {
    check_crate("server", "[dependencies]\naxum.workspace = true\naxum-server = \"0.8\"", &[]);
    check_crate("adapters", "[dependencies]\nredb = \"4\"\naws-sdk-s3 = { version = \"1\" }", &[]);
    check_crate(
        "engine",
        "[dependencies]\naxum.workspace = true",
        &["only gsm-server may name axum, gsm-engine does too"],
    );
    check_crate(
        "server",
        "[target.'cfg(unix)'.dependencies]\naws-sdk-s3 = \"1\"",
        &["only gsm-adapters may name aws-sdk-s3, gsm-server does too"],
    );
}

#[test]
fn pure_crates_have_no_runtime_and_no_chance() {
    check_crate("engine", "[dependencies]\ntokio.workspace = true", &[]);
    check_crate("rating", "[dependencies]\nserde.workspace = true # not tokio\n", &[]);
    check_crate(
        "ranking",
        "[dependencies]\nrand = \"0.9\"\n[dev-dependencies]\ntokio.workspace = true",
        &["gsm-ranking is pure and must not name rand", "gsm-ranking is pure and must not name tokio"],
    );
}

#[test]
fn nothing_hides_from_the_table() {
    check_crate("chat", "", &["src/chat is not in the level table"]);
    check_crate(
        "core",
        "[dependencies]\nweb = { package = \"axum\", version = \"0.8\" }",
        &["gsm-core renames a dependency, which hides it from this test"],
    );
    let root = lay_tree("clippy", &[("core", "")]);
    fs::write(root.join("src/core/clippy.toml"), "").unwrap();
    assert_eq!(offences(&root), ["2 clippy.toml: a second one replaces the root's silently"]);
    fs::remove_dir_all(root).unwrap();
}
