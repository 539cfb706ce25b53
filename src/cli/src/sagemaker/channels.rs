//! The input channels of a training job.
use super::{Layout, config};
use crate::output::note;
use serde_json::{Map, Value};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The channel with the matches; the second name is what the platform's own examples use.
const TRAIN: [&str; 2] = ["train", "training"];
/// The channel with later matches that the model is judged by.
const VALIDATION: &str = "validation";
/// Folders of a channel go no deeper.
const DEPTH_MAX: usize = 8;

/// The files of a job.
#[derive(Debug)]
pub(super) struct Channels {
    pub(super) train: Vec<PathBuf>,
    pub(super) validation: Vec<PathBuf>,
}

impl Channels {
    pub(super) fn find(layout: &Layout) -> Result<Self, String> {
        let told = config(&layout.at("input/config/inputdataconfig.json"))?;
        check_hosts(config(&layout.at("input/config/resourceconfig.json"))?.as_ref())?;
        let told = told.as_ref().and_then(Value::as_object);
        let data = layout.at("input/data");
        let there = |name: &&&str| match told {
            Some(told) => told.contains_key(**name),
            None => data.join(name).is_dir(),
        };
        let train = TRAIN.iter().find(there).ok_or_else(|| {
            format!(
                "there is no channel `train`: name one in InputDataConfig; `{}` is where it is looked for",
                data.display()
            )
        })?;
        let known = [*train, VALIDATION];
        for name in names(told, &data)?.iter().filter(|name| !known.contains(&name.as_str())) {
            let beside = if TRAIN.contains(&name.as_str()) { ": the channel `train` is read" } else { "" };
            note(format_args!(
                "channel `{name}` is left out{beside}; known are train (or training) and validation"
            ));
        }
        let files = |name: &str| -> Result<Vec<PathBuf>, String> {
            if let Some(channel) = told.and_then(|told| told.get(name)) {
                check_channel(name, channel)?;
            }
            let mut files = Vec::new();
            walk(&data.join(name), DEPTH_MAX, &mut files)?;
            files.sort();
            Ok(files)
        };
        Ok(Self { train: files(train)?, validation: files(VALIDATION)? })
    }
}

/// All channels that there are, by name: those that are told, or the folders.
fn names(told: Option<&Map<String, Value>>, data: &Path) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    if let Some(told) = told {
        names.extend(told.keys().cloned());
    } else {
        let wrong = |error: std::io::Error| format!("cannot read `{}`: {error}", data.display());
        for entry in fs::read_dir(data).map_err(wrong)? {
            let path = entry.map_err(wrong)?.path();
            let name = path.file_name().filter(|_| path.is_dir()).map(|name| name.to_string_lossy());
            names.extend(name.filter(|name| !is_mark(name)).map(String::from));
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Whether a name is a hidden one, or a mark of those who wrote files (`_SUCCESS`).
fn is_mark(name: &str) -> bool {
    name.starts_with(['.', '_'])
}

fn check_channel(name: &str, channel: &Value) -> Result<(), String> {
    let told = |field: &str| channel.get(field).and_then(Value::as_str);
    match told("TrainingInputMode") {
        None | Some("File" | "FastFile") => {}
        Some(mode) => {
            return Err(format!("channel `{name}` has the input mode {mode}: use File or FastFile"));
        }
    }
    match told("RecordWrapperType") {
        None | Some("None") => Ok(()),
        Some(wrapper) => Err(format!("channel `{name}` has records wrapped as {wrapper}: use None")),
    }
}

/// A model learns from each match in its order: there is nothing to share among hosts.
fn check_hosts(told: Option<&Value>) -> Result<(), String> {
    let hosts = told.and_then(|told| told.get("hosts")).and_then(Value::as_array).map_or(1, Vec::len);
    if hosts > 1 {
        Err(format!("the job has {hosts} instances: use one, matches are learnt in order"))
    } else {
        Ok(())
    }
}

/// All files of a folder and those in it, but hidden ones and marks; a folder that is not there has none. What is no file, nor a link to
/// one, is refused: whoever opened a pipe would wait for who writes into it.
fn walk(dir: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let wrong = |error: std::io::Error| format!("cannot read `{}`: {error}", dir.display());
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(wrong(error)),
    };
    for entry in entries {
        let path = entry.map_err(wrong)?.path();
        let hidden = path.file_name().is_some_and(|name| is_mark(&name.to_string_lossy()));
        if hidden {
            continue;
        }
        let unread = |why: &dyn std::fmt::Display| format!("cannot read `{}`: {why}", path.display());
        let kind = fs::metadata(&path).map_err(|error| unread(&error))?.file_type();
        if kind.is_file() {
            files.push(path);
        } else if !kind.is_dir() {
            return Err(unread(&"it is no regular file"));
        } else if depth > 0 {
            walk(&path, depth - 1, files)?;
        }
    }
    Ok(())
}
