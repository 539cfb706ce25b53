use super::*;
use std::io::Write as _;

fn text(rows: &[&str]) -> String {
    format!("{HEADER}\n{}\n", rows.join("\n"))
}

fn read_rows(rows: &[&str], how: Reading) -> Result<Chronicle, Fault> {
    read(text(rows).as_bytes(), how)
}

/// A match's number, and of each side its place and its players.
type Shape<'a> = (u64, Vec<(u32, Vec<&'a str>)>);

fn shape(read: &Chronicle) -> Vec<Shape<'_>> {
    let name = |number: &u32| read.names[*number as usize].as_str();
    let sides =
        |i| read.history.sides(i).map(|side| (side.place, side.players.iter().map(name).collect())).collect();
    read.numbers.iter().enumerate().map(|(i, number)| (*number, sides(i))).collect()
}

const DUEL: [&str; 2] = ["1,5,0,ann,2,0,", "1,5,1,bob,1,3,x"];

#[test]
fn plain_and_packed_files_read_the_same() {
    let rows = [DUEL[0], DUEL[1], "3,6,1,bob,4,,", "3,6,0,ann,4,,", "3,6,0,eve,4,,", "3,6,2,zoe,7,,"];
    let plain = read_rows(&rows, Reading::default()).unwrap();
    let wanted = vec![
        (1, vec![(2, vec!["ann"]), (1, vec!["bob"])]),
        (3, vec![(1, vec!["ann", "eve"]), (1, vec!["bob"]), (3, vec!["zoe"])]),
    ];
    assert_eq!(shape(&plain), wanted);
    assert!(!plain.history.is_two_sided());
    assert_eq!(plain.history.sides(0).map(|side| side.score).collect::<Vec<_>>(), [Some(0.0), Some(3.0)]);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(text(&rows).replace('\n', "\r\n").as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    assert_eq!(shape(&read(&packed[..], Reading::default()).unwrap()), wanted);
    let cut =
        read(&packed[..packed.len() - 12], Reading { skip_bad: true, ..Reading::default() }).unwrap_err();
    assert!(cut.what.contains("cannot be read"), "{cut:?}");
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    let json =
        r#"{"match_id":1,"timestamp":5,"teams":[{"players":["ann"],"rank":2},{"players":["bob"],"rank":1}]}"#;
    for plain in [text(&DUEL), json.to_owned()] {
        let marked = format!("\u{feff}{plain}");
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(marked.as_bytes()).unwrap();
        let packed = packed.finish().unwrap();
        for file in [marked.as_bytes(), &packed] {
            let read = read(file, Reading::default()).unwrap();
            assert_eq!(shape(&read), [(1, vec![(2, vec!["ann"]), (1, vec!["bob"])])]);
        }
    }
}

/// Of each match how many of a side came together with each player.
fn parties(read: &Chronicle) -> Vec<Vec<Vec<u32>>> {
    let sides = |index| read.history.party_sizes(index).map(<[u32]>::to_vec).collect();
    (0..read.history.len()).map(sides).collect()
}

#[test]
fn who_came_together_may_be_told() {
    let rows = [
        "1,5,0,ann,2,,,a",
        "1,5,0,bob,2,,,a",
        "1,5,0,cid,2,,,",
        "1,5,1,dee,1,,,a",
        "1,5,1,eve,1,,,b",
        "1,5,1,fay,1,,,b",
        "2,6,0,ann,1,,,",
        "2,6,1,bob,2,,,",
    ];
    let csv = format!("{HEADER},party\n{}\n", rows.join("\n"));
    let read_all = |text: &str| read(text.as_bytes(), Reading::default());
    let told = read_all(&csv).unwrap();
    let wanted = vec![vec![vec![2, 2, 1], vec![1, 2, 2]], vec![vec![], vec![]]];
    assert_eq!(parties(&told), wanted);
    let json = r#"{"match_id":1,"timestamp":5,"teams":[{"players":["ann","bob","cid"],"rank":2},
        {"players":["dee","eve","fay"],"rank":1}],"parties":[["bob","ann"],["fay","eve"]]}
{"match_id":2,"timestamp":6,"teams":[{"players":["ann"],"rank":1},{"players":["bob"],"rank":2}]}"#;
    let json = json.replace("\n        ", "");
    let of_json = read_all(&json).unwrap();
    assert_eq!((parties(&of_json), shape(&of_json)), (wanted.clone(), shape(&told)));
    assert_eq!(parties(&merged(vec![of_json, Chronicle::default()])), wanted);
    let wrong = |text: &str, part: &str| {
        let fault = read_all(text).unwrap_err();
        assert!(fault.what.contains(part), "{fault:?}");
    };
    wrong(&csv.replace(",party", ",parties"), "header");
    wrong(&csv.replace("ann,2,,,a", "ann,2,,"), "7 fields, a row has 8");
    wrong(&json.replace(r#"["fay","eve"]"#, r#"["zoe"]"#), "`zoe` in `parties`, who is in no team");
    wrong(&json.replace(r#"["fay","eve"]"#, r#"["fay","ann"]"#), "`ann` in `parties` a second time");
    // A data directory takes parties as a server does.
    let many = |n: usize| {
        let rows = (0..n).map(|nth| format!("1,5,0,p{nth},1,,,x\n")).collect::<String>();
        let text = format!("{HEADER},party\n{rows}1,5,1,q,2,,,\n");
        read(text.as_bytes(), Reading { is_kept: true, ..Reading::default() })
    };
    assert!(many(40).is_ok() && many(41).unwrap_err().what.contains("a party of 41"));
    assert!(!read_rows(&DUEL, Reading::default()).unwrap().history.has_parties());
}

#[test]
fn the_limit_takes_the_first_matches() {
    let rows = [DUEL[0], DUEL[1], "2,6,0,a,1,,", "2,6,1,b,2,,", "nonsense"];
    let take = |limit| read_rows(&rows, Reading { limit: Some(limit), ..Reading::default() });
    assert_eq!(take(1).unwrap().history.len(), 1);
    assert!(take(1).unwrap().history.is_two_sided());
    assert_eq!(take(2).unwrap_err().line, 6);
}

#[test]
fn a_match_that_two_files_have_at_one_moment_counts_once() {
    let file = |from: u64| {
        let rows = (from..from + 200)
            .flat_map(|n| [format!("{n},5,0,p{},1,,", n % 7), format!("{n},5,1,q{},{},,", n % 5, 2 + n % 2)]);
        let rows: Vec<String> = rows.collect();
        read_rows(&rows.iter().map(String::as_str).collect::<Vec<_>>(), Reading::default()).unwrap()
    };
    let both = merged(vec![file(1), file(151)]);
    assert_eq!((both.history.len(), both.repeated), (350, 50));
    // Of one number and moment, and others played: none is the other.
    let other = read_rows(&["1,5,0,ann,2,0,", "1,5,1,zoe,1,3,x"], Reading::default()).unwrap();
    let both = merged(vec![read_rows(&DUEL, Reading::default()).unwrap(), other]);
    assert_eq!((both.history.len(), both.repeated), (2, 0));
}

#[track_caller]
fn check(rows: &[&str], line: u64, part: &str) {
    let fault = read_rows(rows, Reading::default()).unwrap_err();
    assert!(fault.line == line && fault.what.contains(part), "{fault:?}");
}

#[test]
fn a_fault_names_its_line() {
    check(&[], 1, "no match follows");
    check(&[DUEL[0], DUEL[1], "2,6,0,a,1,,"], 4, "1 teams");
    check(&[DUEL[0], "2,6,0,a,1,,", "2,6,1,b,2,,"], 2, "1 teams");
    check(&[DUEL[0], "1,5,2,b,1,,"], 3, "no team 1");
    check(&[DUEL[0], DUEL[1], "1,5,1,c,2,,"], 4, "second rank");
    check(&[DUEL[0], "1,5,1,ann,1,,"], 3, "second time");
    check(&[DUEL[0], "1,6,1,bob,1,,"], 3, "another timestamp");
    check(&["1,5,0,ann,2,,clay", "1,5,1,bob,1,,grass"], 3, "another mode");
    check(&["1,5,0,ann,2,,", "1,5,1,bob,1,,clay", "1,5,2,cid,3,,", "1,5,3,dee,4,,grass"], 5, "another mode");
    check(&["2,5,0,a,1,,", "2,5,1,b,2,,", DUEL[0], DUEL[1]], 4, "match 1 after match 2");
    check(&[DUEL[0], DUEL[1], "2,4,0,a,1,,", "2,4,1,b,2,,"], 4, "back in time");
    let header =
        read("match,time\n".as_bytes(), Reading { skip_bad: true, ..Reading::default() }).unwrap_err();
    assert!(header.line == 1 && header.what.contains("hint"), "{header:?}");
    assert!(read(&b""[..], Reading::default()).is_err());
    assert!(read(&[b'x'; 9_000][..], Reading::default()).unwrap_err().what.contains("longer"));
}

#[test]
fn the_first_row_that_names_a_mode_names_that_of_the_match() {
    let mode = |rows: &[&str]| {
        let history = read_rows(rows, Reading::default()).unwrap().history;
        (0..history.len())
            .map(|index| history.variant_name(history.variant_of(index)).to_owned())
            .collect::<Vec<_>>()
    };
    // Whichever row that is, and in whatever order the teams come.
    assert_eq!(mode(&["1,5,0,ann,2,,", "1,5,1,bob,1,,clay"]), ["clay"]);
    assert_eq!(mode(&["1,5,1,bob,1,,clay", "1,5,0,ann,2,,"]), ["clay"]);
    assert_eq!(mode(&["1,5,1,bob,1,,", "1,5,0,ann,2,,clay"]), ["clay"]);
    let next = ["1,5,0,ann,2,,clay", "1,5,1,bob,1,,", "2,6,0,ann,2,,", "2,6,1,bob,1,,"];
    assert_eq!(mode(&next), ["clay", ""]);
}

#[test]
fn a_match_with_a_bad_line_is_left_out_whole() {
    let rows = [
        DUEL[0],
        DUEL[1],
        "2,6,0,a,1,,",
        "2,6,1,b,zero,,",
        "2,6,2,c,2,,",
        "3,6,0,a,1,,",
        "3,6,1,b,2,,",
        "4,6,0,a,1,,",
        "5,6,0,a,1,,",
        "5,6,1,b,2,,",
        "rubbish",
    ];
    let history = read_rows(&rows, Reading { skip_bad: true, ..Reading::default() }).unwrap();
    let numbers: Vec<u64> = history.numbers.clone();
    // The last line may have been one of match 5.
    assert_eq!(numbers, [1, 3]);
    assert_eq!(history.skipped, 3);
    assert_eq!(history.faults.iter().map(|fault| fault.line).collect::<Vec<_>>(), [5, 9, 12]);
    let none = read_rows(&["rubbish"], Reading { skip_bad: true, ..Reading::default() }).unwrap();
    assert_eq!((none.history.len(), none.skipped), (0, 1));
}

/// By time, and of one time by number: ids need not grow with time, as those that are drawn by several servers do not.
#[test]
fn numbers_grow_within_a_timestamp_and_come_once() {
    let pair = |number: u64, at: i64| [format!("{number},{at},0,a,1,,"), format!("{number},{at},1,b,2,,")];
    let rows =
        |all: &[(u64, i64)]| all.iter().flat_map(|(number, at)| pair(*number, *at)).collect::<Vec<_>>();
    let of = |all: &[(u64, i64)], how: Reading| {
        let rows = rows(all);
        read_rows(&rows.iter().map(String::as_str).collect::<Vec<_>>(), how)
    };
    let strict = |all: &[(u64, i64)]| of(all, Reading::default()).map(|read| read.numbers);
    assert_eq!(strict(&[(5, 100), (3, 200), (4, 200), (9, 200), (1, 300)]), Ok(vec![5, 3, 4, 9, 1]));
    let refused = |all: &[(u64, i64)], line: u64, part: &str| {
        let fault = strict(all).unwrap_err();
        assert!(fault.line == line && fault.what.contains(part), "{fault:?}");
    };
    refused(&[(5, 100), (3, 100)], 4, "those of one timestamp are sorted by match_id");
    refused(&[(5, 100), (3, 200), (5, 200)], 6, "match 5 a second time");
    refused(&[(5, 100), (7, 150), (5, 200)], 6, "match 5 a second time");
    refused(&[(5, 100), (3, 200), (8, 250), (3, 300)], 8, "match 3 a second time");
    refused(&[(5, 100), (3, 200), (8, 250), (8, 300)], 8, "another timestamp");
    // Left out is what comes again, and nothing else.
    let left = |all: &[(u64, i64)]| {
        let read = of(all, Reading { skip_bad: true, ..Reading::default() }).unwrap();
        (read.numbers, read.skipped)
    };
    assert_eq!(left(&[(5, 100), (3, 200), (5, 200), (2, 300)]), (vec![5, 3, 2], 2));
    // A bad line tells of its match also where that comes after smaller numbers, or goes on after larger ones.
    let [four, three, two] = [pair(4, 6), pair(3, 7), pair(2, 8)];
    let rows = ["2,six,0,x,1,,", &four[0], &four[1], &three[0], &three[1], &two[0], &two[1]];
    check_left(&text(&rows), &[4, 3], 1);
    let rows =
        ["3,six,0,x,1,,", &three[0], &three[1], "5,8,0,a,1,,", "5,8,1,b,2,,", "3,9,0,c,1,,", "3,9,1,d,2,,"];
    check_left(&text(&rows), &[5], 1);
    let line = |number: u64, at: i64| {
        format!(
            r#"{{"match_id":{number},"timestamp":{at},"teams":[{{"players":["a"],"rank":1}},{{"players":["b"],"rank":2}}]}}"#
        )
    };
    check_left(&[line(5, 1), line(3, 2), line(5, 3), line(4, 4)].join("\n"), &[5, 3, 4], 1);
}

/// Reads on after bad lines: the matches that are left, and how many lines were bad.
#[track_caller]
fn check_left(text: &str, numbers: &[u64], bad: u64) {
    let left = read(text.as_bytes(), Reading { skip_bad: true, ..Reading::default() }).unwrap();
    assert_eq!((left.numbers.as_slice(), left.skipped), (numbers, bad), "{:?}", left.faults);
}

#[test]
fn a_bad_line_spoils_its_own_match_and_no_other() {
    let two = ["2,6,0,a,1,,", "2,6,0,b,1,,", "2,6,1,c,2,,", "2,6,1,d,2,,"];
    let three = ["3,7,0,a,1,,", "3,7,1,b,2,,"];
    // Any line of it, the first one too, after which its others would make a smaller match.
    for bad in 0..two.len() {
        let worse = two[bad].replace(",6,", ",six,");
        let rows = two.iter().enumerate().map(|(at, row)| if at == bad { worse.as_str() } else { *row });
        let rows: Vec<&str> = DUEL.into_iter().chain(rows).chain(three).collect();
        check_left(&text(&rows), &[1, 3], 1);
    }
    // All of them.
    let worse = two.map(|row| row.replace(",6,", ",six,"));
    let rows: Vec<&str> = DUEL.into_iter().chain(worse.iter().map(String::as_str)).chain(three).collect();
    check_left(&text(&rows), &[1, 3], 4);
    // A line in the wrong place takes nothing from the match around it.
    let rows =
        ["2,6,0,a,1,,", DUEL[0], "2,6,1,b,2,,", "4,5,0,a,1,,", "4,7,1,b,2,,", "5,8,0,a,1,,", "5,8,1,b,2,,"];
    check_left(&text(&rows), &[2, 5], 2);
}

#[test]
fn every_match_that_had_a_bad_line_before_its_place_is_left_out() {
    let bad = |number: u64| format!("{number},six,0,x,1,,");
    let (two, three, four) = (bad(2), bad(3), bad(4));
    let good = ["2,6,0,a,1,,", "2,6,1,b,2,,", "3,7,0,a,1,,", "3,7,1,b,2,,", "4,8,0,a,1,,", "4,8,1,b,2,,"];
    let mut rows = DUEL.to_vec();
    rows.extend([two.as_str(), &four, &three]);
    rows.extend(good);
    rows.extend(["5,9,0,a,1,,", "5,9,1,b,2,,"]);
    check_left(&text(&rows), &[1, 5], 3);
    // A line that nobody knows the match of takes no doom from those whose it is known.
    let mut rows = vec![four.as_str(), "rubbish"];
    rows.extend(DUEL);
    rows.extend(good);
    check_left(&text(&rows), &[2, 3], 2);
}

#[test]
fn a_line_of_an_unknown_match_spoils_those_it_may_be_of() {
    let four = ["4,8,0,a,1,,", "4,8,1,b,2,,"];
    // Between two matches it is of either.
    let rows = [DUEL[0], DUEL[1], "two,6,0,a,1,,", "2,6,1,b,2,,", "3,7,0,a,1,,", "3,7,1,b,2,,"];
    check_left(&text(&rows), &[3], 1);
    // Within one it is of that.
    let rows = [DUEL[0], DUEL[1], "2,6,0,a,1,,", "\"2,6,0,b,1,,", "2,6,1,c,2,,", four[0], four[1]];
    check_left(&text(&rows), &[1, 4], 1);
    // Before all it is of the first.
    check_left(&text(&["rubbish", DUEL[0], DUEL[1], four[0], four[1]]), &[4], 1);
}

#[test]
fn of_json_a_bad_line_is_a_bad_match() {
    let line = |number: u64, at: i64| {
        format!(
            r#"{{"match_id":{number},"timestamp":{at},"teams":[{{"players":["a"],"rank":1}},{{"players":["b"],"rank":2}}]}}"#
        )
    };
    let lines = |all: &[&str]| all.join("\n");
    let [one, two, four] = [line(1, 5), line(2, 6), line(4, 8)];
    check_left(&lines(&[&one, &two, r#"{"match_id":3}"#, &four]), &[1, 2, 4], 1);
    check_left(&lines(&[&one, "rubbish"]), &[1], 1);
    check_left(&lines(&[&one, &line(2, 4), &two]), &[1, 2], 1);
    check_left(&lines(&[&one, &line(2, 6).replace("\"b\"", "\"a\""), &four]), &[1, 4], 1);
    check_left(&lines(&[&one, &one, &four]), &[1, 4], 1);
    let fault = read(lines(&[&one, &one]).as_bytes(), Reading::default()).unwrap_err();
    assert!(fault.line == 2 && fault.what.contains("match 1 a second time"), "{fault:?}");
    let take = |limit| {
        let how = Reading { limit: Some(limit), ..Reading::default() };
        read(lines(&[&one, &two, "rubbish"]).as_bytes(), how).map(|read| read.numbers)
    };
    assert_eq!((take(1), take(2)), (Ok(vec![1]), Ok(vec![1, 2])));
}
