//! A caller that waits for each answer before it asks again: one thread that blocks, as the one that asks Redis does.
use crate::output::Failure;
use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
};

/// Gets each path over one connection; how many there were.
pub(super) fn ask(addr: SocketAddr, key: &str, paths: &[String]) -> Result<usize, Failure> {
    let mut stream = TcpStream::connect(addr).map_err(Failure::failed)?;
    stream.set_nodelay(true).map_err(Failure::failed)?;
    let mut buffer = Vec::with_capacity(8_192);
    for path in paths {
        let request = format!("GET {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {key}\r\n\r\n");
        stream.write_all(request.as_bytes()).map_err(Failure::failed)?;
        buffer.clear();
        while !is_whole(&buffer)? {
            let mut piece = [0; 8_192];
            let read = stream.read(&mut piece).map_err(Failure::failed)?;
            match piece.get(..read) {
                None | Some([]) => return Err(Failure::failed("the measured server closed a connection")),
                Some(piece) => buffer.extend_from_slice(piece),
            }
        }
    }
    Ok(paths.len())
}

/// Whether the answer is there with its whole body; an error where it is no good one.
fn is_whole(answer: &[u8]) -> Result<bool, Failure> {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(false) };
    let head = String::from_utf8_lossy(answer.get(..end).unwrap_or_default());
    if !head.starts_with("HTTP/1.1 200") {
        return Err(Failure::failed(format!("the measured server answered `{head}`")));
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let length = length.ok_or_else(|| Failure::failed("the measured server told no length"))?;
    Ok(answer.len() >= end + 4 + length)
}
