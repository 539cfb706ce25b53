//! A Python with the packages that a peer needs.
use crate::output::{Failure, note};
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// What a peer in Python is made of.
pub(super) struct Peer {
    /// What it is called where it is missed.
    pub(super) name: &'static str,
    /// Python that only runs where all of it is there.
    pub(super) probe: &'static str,
    /// What is installed where it is not.
    pub(super) packages: &'static [&'static str],
}

impl Peer {
    /// `python`, where it has all of it; else an environment of its own, made in `dir` by pip.
    pub(super) fn python(&self, python: &Path, dir: &Path) -> Result<PathBuf, Failure> {
        if output(Command::new(python).args(["-c", self.probe]), self.name).is_ok() {
            return Ok(python.to_owned());
        }
        note(format_args!("installing {} by pip, for this run", self.packages.join(" ")));
        let home = dir.join("python");
        // Another peer of this run may have made it.
        if !home.exists() {
            output(Command::new(python).args(["-m", "venv"]).arg(&home), self.name)?;
        }
        let python = home.join("bin/python");
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        output(Command::new(&python).args(pip).args(self.packages), self.name)?;
        Ok(python)
    }
}

/// Runs a program to its end; what it printed.
pub(super) fn output(command: &mut Command, who: &str) -> Result<Vec<u8>, Failure> {
    let ran = command.stdin(Stdio::null()).output();
    let ran = ran.map_err(|error| Failure::failed(format!("{who}: {error}")))?;
    if ran.status.success() {
        return Ok(ran.stdout);
    }
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
    Err(Failure::failed(format!("{who}: {}: {last}", ran.status)))
}
