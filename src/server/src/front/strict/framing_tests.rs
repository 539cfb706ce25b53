use super::*;
use proptest::prelude::*;

/// What the validator made of an input shown in pieces that end at `cuts`.
#[derive(Debug, PartialEq)]
struct Outcome {
    released: Vec<u8>,
    fault: Option<WireFault>,
    phase: Phase,
}

fn run(input: &[u8], cuts: &[usize]) -> Outcome {
    let mut framing = Framing::new(WireLimits::default());
    let (mut released, mut held) = (Vec::new(), Vec::new());
    let mut from = 0;
    for to in cuts.iter().copied().chain([input.len()]) {
        held.extend_from_slice(&input[from..to]);
        from = to;
        loop {
            match framing.feed(&held) {
                Verdict::More => break,
                Verdict::Skip(n) => drop(held.drain(..n)),
                Verdict::Release(n) => released.extend(held.drain(..n)),
                Verdict::Fault(fault) => {
                    return Outcome { released, fault: Some(fault), phase: framing.phase() };
                }
            }
        }
    }
    Outcome { released, fault: None, phase: framing.phase() }
}

fn check_good(input: &str, phase: Phase) {
    let outcome = run(input.as_bytes(), &[]);
    assert_eq!(outcome.fault, None, "{input:?}");
    assert_eq!(outcome.phase, phase, "{input:?}");
    assert_eq!(outcome.released, input.trim_start().as_bytes(), "{input:?}");
}

fn check_bad(input: impl AsRef<[u8]>, status: u16) {
    let input = input.as_ref();
    let shown = String::from_utf8_lossy(&input[..input.len().min(120)]).into_owned();
    let fault = run(input, &[]).fault.unwrap_or_else(|| panic!("passed: {shown:?}"));
    assert_eq!(fault.status().as_u16(), status, "{shown:?}: {fault}");
}

fn with(header: &str) -> String {
    format!("POST /v1/tickets HTTP/1.1\r\nHost: a\r\n{header}\r\n\r\n")
}

#[test]
fn good_requests_pass_whole() {
    check_good("GET / HTTP/1.1\r\nHost: a\r\n\r\n", Phase::Between);
    check_good("\r\nGET / HTTP/1.1\r\nhost:a:80\r\n\r\n", Phase::Between);
    check_good("GET /a?b=[c]&d=%20 HTTP/1.0\r\n\r\n", Phase::Between);
    check_good("FOO / HTTP/1.1\r\nHost: [::1]:80\r\nX:\r\nY: \ta\tb \r\nZ: \u{e9}\r\n\r\n", Phase::Between);
    check_good(&(with("Content-Length: 2") + "{}" + &with("Content-Length: 0")), Phase::Between);
    check_good(&(with("Content-Length: 3") + "{}"), Phase::Body);
    check_good(
        &(with("transfer-encoding: Chunked") + "2;a=b\r\n{}\r\n00a\r\n0123456789\r\n0\r\n\r\n"),
        Phase::Between,
    );
    check_good(&with("Expect: 100-continue"), Phase::Between);
    check_good(&with("Upgrade: h2c\r\nConnection: Upgrade"), Phase::Between);
    let upgrade =
        "GET /s HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\r\n";
    check_good(upgrade, Phase::Upgrade);
}

#[test]
fn bad_request_lines_fall() {
    for line in [
        "GET / HTTP/1.1 ",
        " GET / HTTP/1.1",
        "GET  / HTTP/1.1",
        "GET /a b HTTP/1.1",
        "GET / http/1.1",
        "GET /",
        "PING",
        "G(T / HTTP/1.1",
        "GET /\u{e9} HTTP/1.1",
        "GET /a\tb HTTP/1.1",
        "GET http://a/ HTTP/1.1",
        "OPTIONS * HTTP/1.1",
        "GET /a#b HTTP/1.1",
        "GET /<> HTTP/1.1",
        "GET / HTTP/1.10",
        "GET / HTTP/1",
        "GET / HTTP/x.1",
    ] {
        check_bad(format!("{line}\r\nHost: a\r\n\r\n"), 400);
    }
    check_bad("CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: a\r\n\r\n", 405);
    check_bad("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405);
    check_bad("GET / HTTP/9.9\r\nHost: a\r\n\r\n", 505);
    check_bad("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505);
    check_bad(format!("{} / HTTP/1.1\r\n", "A".repeat(33)), 501);
    check_bad(
        format!("{FAULT} / HTTP/1.1\r\nHost: a\r\n\r\n", FAULT = crate::front::strict::FAULT_METHOD),
        501,
    );
    check_bad(b"\x16\x03\x01\x02", 400);
    check_bad("\r\n\r\n", 400);
    check_bad("GET / HTTP/1.1\nHost: a\n\n", 400);
    check_bad("GET / HTTP/1.1\rHost: a\r\r", 400);
}

#[test]
fn bad_headers_fall() {
    for header in [
        "X : a",
        "X\t: a",
        ": a",
        "garbage",
        "X: a\r\n b",
        "X: a\r\n\tb",
        "X: a\0b",
        "X\0: a",
        "X: \x01",
        "X: \x7f",
        "X\u{e9}: a",
        "Host: b",
        "Content-Length: 2\r\nContent-Length: 2",
        "Content-Length: 2, 2",
        "Content-Length: +2",
        "Content-Length: 0x2",
        "Content-Length: -1",
        "Content-Length: 2 2",
        "Content-Length:",
        "Content-Length: 18446744073709551618",
        "Content-Length: 6\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 4",
        "Transfer-Encoding: chunked\r\ntransfer-encoding: chunked",
        "Transfer-Encoding: \x0bchunked",
        "X: a\nY: b",
        "X: a\rY: b",
    ] {
        check_bad(with(header), 400);
    }
    check_bad(with("Transfer-Encoding: xchunked"), 501);
    check_bad(with("Transfer-Encoding: gzip, chunked"), 501);
    check_bad(with("Expect: 200-maybe"), 417);
    check_bad("GET / HTTP/1.1\r\n\r\n", 400);
    check_bad("GET / HTTP/1.1\r\nHost:\r\n\r\n", 400);
    check_bad("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400);
    check_bad("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400);
    check_bad(
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n\r\n",
        400,
    );
}

#[test]
fn bad_chunks_fall() {
    let head = with("Transfer-Encoding: chunked");
    for body in [
        "ffffffffffffffff\r\n",
        "10000000000000002\r\n",
        "00000000000000002\r\n",
        "-2\r\n",
        "zz\r\n",
        "0x2\r\n",
        "\r\n",
        "2 \r\n",
        " 2\r\n",
        "2\r\n{}XX",
        "2\n{}",
        "2\r\n{}\n0",
        "2;\rX",
        "2;a\0",
        "0\r\nX: y\r\n\r\n",
    ] {
        check_bad(format!("{head}{body}"), 400);
    }
    check_bad(format!("{head}2;{}\r\n", "a".repeat(256)), 400);
}

#[test]
fn limits_hold_at_their_edges() {
    let limits = WireLimits::default();
    let target = |bytes: usize| format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(bytes - 1));
    check_good(&target(limits.target_bytes_max), Phase::Between);
    check_bad(target(limits.target_bytes_max + 1), 414);
    check_bad("GET /".to_owned() + &"a".repeat(limits.target_bytes_max + 20), 414);
    let headers = |count: usize| format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "A: b\r\n".repeat(count - 1));
    check_good(&headers(limits.headers_max), Phase::Between);
    check_bad(headers(limits.headers_max + 1), 431);
    // "Host: a\r\n" is 9 bytes, "X: " 3, each CRLF 2; the end of the last line counts, the empty one does not.
    let total = |bytes: usize| format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "a".repeat(bytes - 14));
    check_good(&total(limits.header_bytes_max), Phase::Between);
    check_bad(total(limits.header_bytes_max + 3), 431);
    check_bad("GET / HTTP/1.1\r\nHost: a\r\n".to_owned() + &"a".repeat(limits.header_bytes_max), 431);
}

#[test]
fn every_byte_is_found_at_every_place() {
    for byte in 0..=255u8 {
        let stops = byte != b'\t' && (byte < b' ' || byte == 0x7f);
        for at in 0..20 {
            let mut line = vec![b'\xff'; 20];
            line[at] = byte;
            let found = crate::front::strict::head::line_stop(&line);
            assert_eq!(found, stops.then_some(at), "{byte:#x} at {at}");
        }
    }
}

fn piece() -> impl Strategy<Value = Vec<u8>> {
    let texts = prop::sample::select(vec![
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /x HTTP/1.1\r\nHost: a\r\n",
        "Content-Length: 5\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n",
        "5\r\nhello\r\n",
        "0\r\n\r\n",
        "hello",
        "\r\n",
        "\r",
        "\n",
        " ",
        "X: y\r\n",
        ": ",
        "Upgrade: websocket\r\nConnection: upgrade\r\n\r\n",
        "HTTP/1.0",
        "Host: b\r\n",
        "3;a=b\r\nabc\r\n",
        "Expect: x\r\n",
    ])
    .prop_map(|text| text.as_bytes().to_vec());
    let long = (prop::sample::select(vec![b'a', b' ', b'0', b'/', b'\t']), 0usize..20_000)
        .prop_map(|(b, n)| vec![b; n]);
    prop_oneof![8 => texts, 1 => prop::collection::vec(any::<u8>(), 0..8), 1 => long]
}

proptest! {
    #[test]
    fn cutting_the_input_changes_nothing(
        pieces in prop::collection::vec(piece(), 0..12),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
    ) {
        let input = pieces.concat();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(input.len() + 1)).collect();
        cuts.sort_unstable();
        prop_assert_eq!(run(&input, &cuts), run(&input, &[]));
    }

    #[test]
    fn cutting_everywhere_changes_nothing(pieces in prop::collection::vec(piece(), 0..6)) {
        let mut input = pieces.concat();
        input.truncate(2_000);
        let cuts: Vec<usize> = (0..input.len()).collect();
        prop_assert_eq!(run(&input, &cuts), run(&input, &[]));
    }
}
