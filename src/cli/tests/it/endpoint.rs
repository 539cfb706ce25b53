//! The predictor of SageMaker endpoints, end to end: the binary asks by the AWS SDK, a small runtime front speaks its wire
//! form and passes calls on to the project's own container.
use crate::gsm::{Ran, gsm_in};
use crate::model::league;
use crate::sagemaker::{Job, Serving};
use serde_json::Value;
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

/// The runtime: endpoints that differ by what goes wrong; `live` is as whichever it was told.
pub(crate) struct Front {
    pub(crate) url: String,
    pub(crate) calls: Arc<AtomicUsize>,
    /// Bytes of answers without an end that somebody took.
    pub(crate) taken: Arc<AtomicUsize>,
    live: Arc<Mutex<String>>,
}

/// What is long enough to be without an end.
pub(crate) const ENDLESS: usize = 400 << 20;

/// What the AWS SDK takes from its environment.
pub(crate) const ENV: [(&str, &str); 4] = [
    ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "secret"),
    ("AWS_EC2_METADATA_DISABLED", "true"),
    ("HOME", "/nonexistent"),
];

impl Front {
    pub(crate) fn start(container: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let calls = Arc::new(AtomicUsize::new(0));
        let taken = Arc::new(AtomicUsize::new(0));
        let live = Arc::new(Mutex::new("good".to_owned()));
        let (counted, told, into) = (calls.clone(), live.clone(), taken.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                counted.fetch_add(1, Ordering::SeqCst);
                let (container, told, into) = (container.clone(), told.clone(), into.clone());
                std::thread::spawn(move || answer(stream, &container, &told, &into));
            }
        });
        Self { url, calls, taken, live }
    }

    /// From now on `live` is as this one.
    pub(crate) fn be(&self, endpoint: &str) {
        *self.live.lock().unwrap() = endpoint.to_owned();
    }

    fn ask(&self, endpoint: &str, more: &[&str]) -> Ran {
        let mut args = vec![
            "sagemaker",
            "ask",
            "--endpoint",
            endpoint,
            "--url",
            &self.url,
            "--region",
            "eu-west-1",
            "--json",
        ];
        args.extend_from_slice(more);
        gsm_in(&args, &ENV)
    }
}

/// Head and body of a request.
fn read(stream: &mut BufReader<TcpStream>) -> (Vec<String>, Vec<u8>) {
    let mut head: Vec<String> = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        head.push(line.trim().to_owned());
    }
    let length = head
        .iter()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned));
    let mut body = vec![0; length.and_then(|length| length.parse().ok()).unwrap_or(0)];
    stream.read_exact(&mut body).unwrap();
    (head, body)
}

fn answer(stream: TcpStream, container: &str, live: &Mutex<String>, taken: &AtomicUsize) {
    let mut stream = BufReader::new(stream);
    let (head, body) = read(&mut stream);
    let path = head[0].split(' ').nth(1).unwrap();
    let endpoint =
        path.strip_prefix("/endpoints/").and_then(|rest| rest.strip_suffix("/invocations")).unwrap();
    let has = |start: &str| head.iter().any(|line| line.to_ascii_lowercase().starts_with(start));
    assert!(has("authorization: aws4-hmac-sha256") && has("x-amzn-sagemaker-inference-id: gsm-"), "{head:?}");
    let error = |status: &str, kind: &str, body: &str| {
        format!(
            "HTTP/1.1 {status}\r\nx-amzn-ErrorType: {kind}\r\nContent-Type: application/json\r\nConnection: close\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let good = |body: &str| {
        format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nx-Amzn-Invoked-Production-Variant: AllTraffic\r\n\
             Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let live = live.lock().unwrap().clone();
    let endpoint = if endpoint == "live" { &live } else { endpoint };
    let text = match endpoint {
        "good" => good(&passed_on(container, &body)),
        // Until the caller gives up.
        "slow" => {
            let _ = stream.read(&mut [0]);
            return;
        }
        "cut" => return,
        "endless" => {
            let head =
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
            let _ = stream.get_mut().write_all(head.as_bytes());
            let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
            while taken.load(Ordering::SeqCst) < ENDLESS
                && stream.get_mut().write_all(chunk.as_bytes()).is_ok()
            {
                taken.fetch_add(chunk.len(), Ordering::SeqCst);
            }
            return;
        }
        "huge" => good(" ").replace("Content-Length: 1", "Content-Length: 400000000"),
        "half" => good("{\"predictions\":[").replace("Content-Length: ", "Content-Length: 9"),
        "garbage" => good("<html>a proxy</html>"),
        "liar" => good(&passed_on(container, &body).replacen("\"win\":", "\"win\":1.5,\"was\":", 1)),
        "model_error" => error(
            "424 Failed Dependency",
            "ModelError",
            r#"{"Message":"Received server error (500)","OriginalMessage":"x","OriginalStatusCode":500,"LogStreamArn":"arn"}"#,
        ),
        "down" => error("503 Service Unavailable", "ServiceUnavailable", r#"{"Message":"x"}"#),
        _ => error("400 Bad Request", "ValidationError", r#"{"Message":"Endpoint not found."}"#),
    };
    let _ = stream.get_mut().write_all(text.as_bytes());
}

fn passed_on(container: &str, body: &[u8]) -> String {
    let mut stream = TcpStream::connect(container).unwrap();
    let head = format!(
        "POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
    body.to_owned()
}

fn lines(ran: Ran) -> Vec<Value> {
    ran.ok().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn an_endpoint_speaks_as_the_local_model_and_is_spoken_for_when_it_fails() {
    let job = Job::new(r#"{"mode":"duel","trees":"20"}"#, &[("train", &league(1, 2_400))]);
    job.train().ok();
    let container = Serving::start(&job.at(""));
    container.healthy();
    let front = Front::start(container.addr.clone());
    let model = job.at("model/duel.gsmmodel");
    let of = |model: &str| front.ask("good", &["--team", "a", "--team", "b", "--model", model]);
    of("/nowhere/a.gsmmodel").told(2, &["--model", "/nowhere/a.gsmmodel"]);
    of(job.at("input/config/hyperparameters.json").to_str().unwrap()).told(1, &["hyperparameters.json"]);
    let asked = ["--team", "p0=1600,p3", "--team", "p9,p11=1400", "--at", "1700000000000"];
    let long = [&asked[..], &["--budget-ms", "60000"]].concat();
    let with_model = [&long[..], &["--model", model.to_str().unwrap()]].concat();

    let spoken = lines(front.ask("good", &with_model)).remove(0);
    assert_eq!(
        (&spoken["speaker"], &spoken["production_variant"]),
        (&"endpoint".into(), &"AllTraffic".into())
    );
    let call = spoken["inference_id"].as_str().unwrap();
    assert!(call.strip_prefix("gsm-").is_some_and(|id| id.len() == 32), "{spoken}");
    for (endpoint, part) in [
        ("cut", "cannot be reached"),
        ("half", ""),
        ("garbage", "makes no sense"),
        ("endless", "it is longer than"),
        ("huge", "it is longer than"),
        ("liar", "cannot be true"),
        ("model_error", "the container answered 500"),
        ("down", "the platform answered ServiceUnavailable"),
        ("other", "the platform answered ValidationError"),
    ] {
        let instead = lines(front.ask(endpoint, &with_model)).remove(0);
        assert_eq!(instead["speaker"], "local", "{endpoint}: {instead}");
        let why = instead["why"].as_str().unwrap();
        assert!(
            why.contains(part) && !why.contains(['{', '\n']) && why.chars().count() < 400,
            "{endpoint}: {why}"
        );
        for name in ["win", "draw", "loss", "expected", "low", "high", "quality"] {
            let [there, here] = [&spoken, &instead].map(|of| of[name].as_f64().unwrap());
            assert!((there - here).abs() <= 1e-9, "{name}: {there} {here}");
        }
        let without = lines(front.ask(endpoint, &long)).remove(0);
        assert_eq!((&without["speaker"], &without["draw"]), (&"rating".into(), &0.0.into()));
    }
    // What is on its way fills the buffers of two sockets, twice.
    let taken = front.taken.load(Ordering::SeqCst);
    assert!((1..64 << 20).contains(&taken), "{taken} bytes of an answer without an end");
    let slow = lines(front.ask("slow", &[&asked[..], &["--budget-ms", "50"]].concat())).remove(0);
    assert_eq!((&slow["speaker"], &slow["why"]), (&"rating".into(), &"no answer within the budget".into()));

    // Whom the model does not know is as good as the rating beside the id, whoever speaks.
    let expected = |endpoint: &str, one: &str, other: &str| {
        let told = ["--team", one, "--team", other, "--at", "1700000000000", "--budget-ms", "60000"];
        let told = [&told[..], &["--model", model.to_str().unwrap()]].concat();
        let spoken = lines(front.ask(endpoint, &told)).remove(0);
        assert_eq!(spoken["speaker"] == "endpoint", endpoint == "good", "{spoken}");
        spoken["expected"].as_f64().unwrap()
    };
    let [there, here] = ["good", "cut"].map(|endpoint| {
        let told = [("zz=2500", "yy=1500"), ("zz", "yy"), ("zz=1500", "yy=2500")];
        told.map(|(one, other)| expected(endpoint, one, other))
    });
    assert!(there[0] > there[1] + 0.01 && there[1] > there[2] + 0.01, "{there:?}");
    assert!(there.iter().zip(here).all(|(there, here)| (there - here).abs() <= 1e-9), "{there:?} {here:?}");

    // After five failures it is left alone.
    let before = front.calls.load(Ordering::SeqCst);
    let many = lines(front.ask("down", &[&with_model[..], &["--count", "9"]].concat()));
    assert_eq!(front.calls.load(Ordering::SeqCst) - before, 5);
    assert!(many[5..].iter().all(|of| of["why"].as_str().unwrap().contains("left alone")), "{many:?}");
    front.ask("good", &["--team", "ann"]).told(2, &["--team comes twice"]);
    // What `gsm model explain` refuses of a match is refused here.
    let many: String = (0..200).map(|n| format!("p{n},")).collect();
    for (asked, part) in [
        (&["--team", "ann", "--team", "bob,ann=1600"][..], "`ann` comes twice"),
        (&["--team", "ann,=1600", "--team", "bob"], "without a name"),
        (&["--team", &format!("{many}ann"), "--team", "bob"], "at most 200"),
        (&["--team", "ann,kim", "--team", "bob", "--party", "ann,eve"], "`eve` is in no team"),
        (
            &["--team", "ann,kim", "--team", "bob", "--party", "ann,kim", "--party", "kim"],
            "`kim` comes twice",
        ),
    ] {
        front.ask("good", asked).told(2, &[part]);
    }
    front.ask("good", &["--team", "ann=x", "--team", "bob"]).told(2, &["no number"]);
    for rating in ["1e9", "-1000001", "inf", "NaN"] {
        let beyond = format!("ann={rating}");
        front.ask("good", &["--team", &beyond, "--team", "bob"]).told(2, &[&beyond, "rating"]);
    }
}
