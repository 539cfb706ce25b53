//! The usual way to serve a model: Python, with LightGBM.
use crate::output::{Failure, note};
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Both servers; each imports what it needs.
const PEER: &str = include_str!("peer.py");
const PACKAGES: [&str; 6] = [
    "fastapi==0.121.3",
    "uvicorn[standard]==0.38.0",
    "flask==3.1.2",
    "gunicorn==23.0.0",
    "lightgbm==4.6.0",
    "numpy",
];

/// A Python that has all of it: `python`, or an environment of its own, made in `dir` by pip.
pub(super) fn python(python: &Path, dir: &Path) -> Result<PathBuf, Failure> {
    std::fs::write(dir.join("peer.py"), PEER).map_err(Failure::failed)?;
    let imports = "import fastapi, uvicorn, uvloop, httptools, flask, gunicorn, lightgbm, numpy";
    if ran(Command::new(python).args(["-c", imports])).is_ok() {
        return Ok(python.to_owned());
    }
    note(format_args!("installing {} by pip, for this run", PACKAGES.join(" ")));
    let home = dir.join("peers");
    ran(Command::new(python).args(["-m", "venv"]).arg(&home))?;
    let python = home.join("bin/python");
    ran(Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .args(PACKAGES))?;
    Ok(python)
}

fn ran(command: &mut Command) -> Result<(), Failure> {
    let failed = |what: String| Failure::failed(format!("the servers in Python: {what}"));
    let out = command.stdin(Stdio::null()).output().map_err(|error| failed(error.to_string()))?;
    if out.status.success() {
        return Ok(());
    }
    let err = String::from_utf8_lossy(&out.stderr);
    let last = err.lines().last().unwrap_or("it says nothing");
    Err(failed(last.to_owned()))
}

/// FastAPI on uvicorn, one process.
pub(super) fn fastapi(python: &Path, dir: &Path, port: u16) -> Command {
    let mut command = Command::new(python);
    let port = port.to_string();
    command.current_dir(dir).args([
        "-m",
        "uvicorn",
        "peer:fast",
        "--factory",
        "--workers",
        "1",
        "--port",
        &port,
    ]);
    command.args(["--log-level", "error", "--no-access-log", "--loop", "uvloop", "--http", "httptools"]);
    command
}

/// Flask on gunicorn, one worker that keeps its connections.
pub(super) fn flask(python: &Path, dir: &Path, port: u16) -> Command {
    let mut command = Command::new(python);
    let bind = format!("127.0.0.1:{port}");
    command.current_dir(dir).args(["-m", "gunicorn", "peer:flask_app()", "--workers", "1", "--bind", &bind]);
    command.args(["--worker-class", "gthread", "--threads", "2", "--log-level", "error"]);
    command
}
