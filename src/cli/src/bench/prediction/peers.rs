//! The usual way to serve a model: Python, with LightGBM.
use crate::{bench::python::Peer, output::Failure};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Both servers; each imports what it needs.
const PEER: &str = include_str!("peer.py");
const NEEDED: Peer = Peer {
    name: "the servers in Python",
    probe: "import fastapi, uvicorn, uvloop, httptools, flask, gunicorn, lightgbm, numpy",
    packages: &[
        "fastapi==0.121.3",
        "uvicorn[standard]==0.38.0",
        "flask==3.1.2",
        "gunicorn==23.0.0",
        "lightgbm==4.6.0",
        "numpy",
    ],
};

/// Predictions one by one.
const SINGLE: &str = include_str!("single.py");
const ONNX: Peer = Peer {
    name: "its packages for Python",
    probe: "import lightgbm, numpy, onnxmltools, onnxruntime",
    packages: &["lightgbm==4.6.0", "numpy", "onnxmltools==1.16.0", "onnxruntime==1.32.0"],
};

/// A Python that has all of it, and the servers in `dir`.
pub(super) fn python(python: &Path, dir: &Path) -> Result<PathBuf, Failure> {
    std::fs::write(dir.join("peer.py"), PEER).map_err(Failure::failed)?;
    std::fs::write(dir.join("single.py"), SINGLE).map_err(Failure::failed)?;
    NEEDED.python(python, dir)
}

/// A Python that has ONNX Runtime.
pub(super) fn onnx(python: &Path, dir: &Path) -> Result<PathBuf, Failure> {
    ONNX.python(python, dir)
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
