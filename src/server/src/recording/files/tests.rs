use super::*;
use crate::recording::tests::config;

#[test]
fn files_have_their_size_and_the_oldest_go() {
    let dir = tempfile::tempdir().unwrap();
    let now = Timestamp::EPOCH;
    let mut files = Files::open(dir.path(), &config(3)).unwrap();
    let ticket = "t".repeat(200_000);
    for at_ms in 0..30 {
        files.write(&[Line::Proposed { at_ms, ticket: ticket.clone() }], now).1.unwrap();
    }
    let names = names(dir.path());
    assert_eq!(names, ["tickets.1.jsonl", "tickets.2.jsonl", "tickets.jsonl"]);
    for name in names {
        let path = dir.path().join(name);
        assert!(fs::metadata(&path).unwrap().len() < (1 << 20) + 300_000);
        assert!(fs::read_to_string(&path).unwrap().starts_with("{\"type\":\"recording\",\"version\":1"));
    }
    assert!(Files::open(Path::new("/dev/null/x"), &config(3)).is_err());
}

fn proposed(ticket: &str) -> Line {
    Line::Proposed { at_ms: 1, ticket: ticket.to_owned() }
}

/// The tickets that the lines of a file are about; each is whole.
fn tickets(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.ends_with('\n') && text.starts_with("{\"type\":\"recording\""), "{text}");
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    lines
        .filter_map(|line| if let Line::Proposed { ticket, .. } = line { Some(ticket) } else { None })
        .collect()
}

fn names(dir: &Path) -> Vec<String> {
    let names = fs::read_dir(dir).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn a_start_goes_on_in_the_newest_file() {
    let dir = tempfile::tempdir().unwrap();
    let (now, path) = (Timestamp::EPOCH, dir.path().join("tickets.jsonl"));
    let open = || Files::open(dir.path(), &config(3)).unwrap();
    for ticket in ["a", "b"] {
        open().write(&[proposed(ticket)], now).1.unwrap();
        // Starts that write nothing leave nothing.
        for _ in 0..5 {
            open().write(&[], now).1.unwrap();
        }
    }
    assert_eq!((tickets(&path), names(dir.path()).len()), (vec!["a".to_owned(), "b".to_owned()], 1));
    // What a server that was killed left of a line goes, however long it is.
    let torn = "x".repeat(3 * BLOCK_BYTES as usize);
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    io::Write::write_all(&mut file, torn.as_bytes()).unwrap();
    open().write(&[proposed("c")], now).1.unwrap();
    assert_eq!(tickets(&path), ["a", "b", "c"]);
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.matches("\"start\":true").count(), 3, "{text}");
    // A file that is full stays as it is.
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    io::Write::write_all(&mut file, format!("{}\n", " ".repeat(1 << 20)).as_bytes()).unwrap();
    open().write(&[proposed("d")], now).1.unwrap();
    assert_eq!(tickets(&path), ["d"]);
    // So does one that another version wrote.
    fs::write(&path, "{\"type\":\"recording\",\"version\":0,\"at_ms\":1}\n").unwrap();
    open().write(&[proposed("e")], now).1.unwrap();
    assert_eq!(tickets(&path), ["e"]);
    assert_eq!(names(dir.path()), ["tickets.1.jsonl", "tickets.2.jsonl", "tickets.jsonl"]);
}

#[test]
fn no_file_of_others_is_cut() {
    let head = "{\"type\":\"recording\",\"version\":1,\"at_ms\":17";
    for (there, is_ours) in [
        ("", true),
        ("{\"type\":", true),
        (head, true),
        ("notes of somebody, without an end of a line", false),
        ("{\"type\":\"report\"}", false),
        (&head.replace('1', "9"), false),
        (&format!("{head}{}", "x".repeat(HEAD_BYTES_MAX)), false),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tickets.jsonl");
        fs::write(&path, there).unwrap();
        let mut files = Files::open(dir.path(), &config(3)).unwrap();
        files.write(&[proposed("a")], Timestamp::EPOCH).1.unwrap();
        assert_eq!(tickets(&path), ["a"], "{there}");
        let older = fs::read_to_string(dir.path().join("tickets.1.jsonl")).ok();
        assert_eq!(older.as_deref(), (!is_ours).then_some(there));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_was_full_loses_lines_and_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let now = Timestamp::EPOCH;
    let mut files = Files::open(dir.path(), &config(3)).unwrap();
    files.write(&[proposed("a")], now).1.unwrap();
    let full = OpenOptions::new().append(true).open("/dev/full").unwrap();
    let there = std::mem::replace(&mut files.file, full);
    let (lost, done) = files.write(&[proposed("b"), proposed("c")], now);
    assert_eq!((lost, done.unwrap_err().kind()), (2, io::ErrorKind::StorageFull));
    files.file = there;
    let whole = files.written;
    io::Write::write_all(&mut files.file, b"{\"type\":\"prop").unwrap();
    files.is_torn = true;
    assert_eq!((files.written, files.write(&[proposed("d")], now).0), (whole, 0));
    assert_eq!(tickets(&dir.path().join("tickets.jsonl")), ["a", "d"]);
}

#[test]
fn a_next_file_that_cannot_be_begun_takes_no_older_one_away() {
    let (dir, away) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (now, here) = (Timestamp::EPOCH, dir.path().join("recorded"));
    let mut files = Files::open(&here, &RecordingConfig { file_mib: 0, ..config(3) }).unwrap();
    for ticket in ["a", "b", "c"] {
        assert_eq!(files.write(&[proposed(ticket)], now).0, 0);
    }
    fs::rename(&here, away.path().join("x")).unwrap();
    for ticket in ["d", "e", "f"] {
        let (lost, done) = files.write(&[proposed(ticket)], now);
        assert!(lost == 1 && done.is_err(), "{ticket}");
    }
    fs::rename(away.path().join("x"), &here).unwrap();
    // Half a rotation was done when it failed.
    fs::rename(here.join("tickets.jsonl"), here.join("tickets.moved")).unwrap();
    assert_eq!(files.write(&[proposed("g")], now).0, 0);
    assert_eq!(tickets(&here.join("tickets.jsonl")), ["g"]);
    assert_eq!(tickets(&here.join("tickets.1.jsonl")), ["b"], "nothing went");
    assert_eq!(tickets(&here.join("tickets.2.jsonl")), ["a"]);
}

#[test]
fn as_much_is_written_as_there_is_room_for() {
    let mut room = [0; 5];
    let (done, result) = write_some(&mut &mut room[..], b"12345678");
    assert_eq!((done, result.unwrap_err().kind(), &room), (5, io::ErrorKind::WriteZero, b"12345"));
    assert_eq!(write_some(&mut Vec::new(), b"12").0, 2);
}
