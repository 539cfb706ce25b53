//! Predictions one by one as others make them, without a server: LightGBM's C API, and ONNX Runtime from Python.
use crate::{
    bench::python::output,
    output::{Failure, note},
};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// What a prediction takes somebody else.
pub(super) struct Theirs {
    /// Who, and with which trees.
    pub(super) name: String,
    pub(super) ns: f64,
    /// How many times better ours shall be.
    pub(super) goal: Option<f64>,
}

/// Two figures of each: with trees as LightGBM makes them, and with trees of the size of ours, which the goal is about.
pub(super) fn measure(
    lightgbm: &Result<PathBuf, Failure>,
    onnx: &Result<PathBuf, Failure>,
    dir: &Path,
    missing: &mut Vec<String>,
) -> Vec<Theirs> {
    let mut all = Vec::new();
    for (name, which, python, goal) in
        [("LightGBM's C API", "lightgbm", lightgbm, 3.0), ("ONNX Runtime", "onnx", onnx, 5.0)]
    {
        note(format_args!("asking {name}"));
        let asked = python.as_ref().map_err(|failure| failure.text.clone());
        match asked.and_then(|python| asked_by(python, which, dir).map_err(|failure| failure.text)) {
            Ok([own, same]) => all.extend([
                Theirs { name: format!("{name}, 31 leaves"), ns: own, goal: None },
                Theirs { name: format!("{name}, 16 leaves as ours"), ns: same, goal: Some(goal) },
            ]),
            Err(why) => missing.push(format!("{name}: {why}")),
        }
    }
    all
}

fn asked_by(python: &Path, which: &str, dir: &Path) -> Result<[f64; 2], Failure> {
    let told = output(Command::new(python).current_dir(dir).args(["single.py", which]), "Python")?;
    serde_json::from_slice(&told).map_err(Failure::failed)
}
