use crate::gsm::Served;
use std::process::Command;

/// The block of shell of the README that begins with `first`.
fn block(first: &str) -> String {
    let readme = include_str!("../../../../README.md");
    let blocks = readme.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.into_iter().find(|block| block.starts_with(first)).unwrap().to_owned()
}

#[test]
fn two_players_meet_as_the_readme_says() {
    let dir = tempfile::tempdir().unwrap();
    let served = Served::start("dev", &dir.path().join("gsm-data"), &["--bots", "0"]);
    let script = block("API=").replace("127.0.0.1:8080", &served.addr);
    let ran = Command::new("bash").args(["-euo", "pipefail", "-c", &script]).current_dir(dir.path()).output();
    let ran = ran.unwrap();
    let out = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{out}\n{}", String::from_utf8_lossy(&ran.stderr));
    let board = out.rsplit_once(r#"{"mode":"duel""#).map(|(_, board)| board).unwrap_or_default();
    assert!(
        board.contains(r#""rank":1,"#) && board.contains(r#""display_name":"Ann","rating":1662.311"#),
        "{out}"
    );
    assert!(
        board.contains(r#""rank":2,"#) && board.contains(r#""display_name":"Bob","rating":1337.689"#),
        "{out}"
    );
}
