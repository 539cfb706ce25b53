use crate::gsm::Served;
use std::process::Command;

/// The block of shell of a document that begins with `first`.
fn block(document: &str, first: &str) -> String {
    let blocks = document.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.into_iter().find(|block| block.starts_with(first)).unwrap().to_owned()
}

/// What a block says, run beside an empty server.
fn run(script: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let served = Served::start("dev", &dir.path().join("gsm-data"), &["--bots", "0"]);
    let script = script.replace("127.0.0.1:8080", &served.addr);
    let mut ran = Command::new("timeout");
    // What it waits for comes, or the test fails.
    ran.args(["60", "bash", "-euo", "pipefail", "-c", &script]).current_dir(dir.path());
    let ran = ran.output();
    let ran = ran.unwrap();
    let out = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success(), "{out}\n{}", String::from_utf8_lossy(&ran.stderr));
    out
}

#[test]
fn two_players_meet_as_the_readme_says() {
    let out = run(&block(include_str!("../../../../README.md"), "API="));
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

#[test]
fn attributes_reach_tickets_as_the_document_says() {
    let out = run(&block(include_str!("../../../../docs/rule-sets.md"), "API="));
    let matches = out.lines().find(|line| line.starts_with(r#"{"matches":"#)).unwrap();
    assert_eq!(matches.matches(r#""match_id""#).count(), 1, "{out}");
    let players: Vec<&str> = out.lines().filter(|line| line.starts_with(r#"{"ticket_id""#)).collect();
    let [ann, eve, bob] = players[..] else { panic!("{out}") };
    let meets = |ticket: &str| {
        let id = ticket.split_once(r#""player_id":""#).unwrap().1.split('"').next().unwrap();
        matches.contains(id)
    };
    assert_eq!((meets(ann), meets(eve), meets(bob)), (true, false, true), "{out}");
    let refused = out.lines().last().unwrap();
    assert!(refused.contains("attributes.skill") && refused.contains("`player_attributes`"), "{refused}");
}
