use crate::gsm::{Ran, command, eventually, gsm_in, write};
use crate::model::league;
use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// What the platform puts under /opt/ml.
pub(crate) struct Job(tempfile::TempDir);

impl Job {
    pub(crate) fn new(hyperparameters: &str, channels: &[(&str, &str)]) -> Self {
        let job = Self(tempfile::tempdir().unwrap());
        for dir in ["input/config", "model", "output/data"] {
            fs::create_dir_all(job.at(dir)).unwrap();
        }
        write(&job.at("input/config/hyperparameters.json"), hyperparameters);
        let channel = |name: &str| {
            format!("\"{name}\":{{\"TrainingInputMode\":\"File\",\"RecordWrapperType\":\"None\"}}")
        };
        let told: Vec<String> = channels.iter().map(|(name, _)| channel(name)).collect();
        write(&job.at("input/config/inputdataconfig.json"), &format!("{{{}}}", told.join(",")));
        let hosts = r#"{"current_host":"algo-1","hosts":["algo-1"],"network_interface_name":"eth0"}"#;
        write(&job.at("input/config/resourceconfig.json"), hosts);
        for (name, text) in channels {
            let dir = job.at("input/data").join(name);
            fs::create_dir_all(&dir).unwrap();
            if !text.is_empty() {
                write(&dir.join("matches.csv"), text);
            }
        }
        job
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    pub(crate) fn train(&self) -> Ran {
        let prefix = self.0.path().to_str().unwrap();
        gsm_in(&["sagemaker", "train"], &[("GSM_ML_PREFIX", prefix), ("TRAINING_JOB_NAME", "job-1")])
    }

    #[track_caller]
    fn fails(&self, part: &str) {
        let ran = self.train();
        assert!(ran.code.is_some_and(|code| code != 0), "{ran:?}");
        let failure = fs::read_to_string(self.at("output/failure")).unwrap();
        assert!(failure.contains(part) && failure.chars().count() <= 1_024, "{failure}");
        assert!(fs::read_dir(self.at("model")).unwrap().next().is_none());
    }
}

/// An endpoint; killed when it goes out of sight.
pub(crate) struct Serving {
    child: Child,
    pub(crate) addr: String,
}

impl Serving {
    pub(crate) fn start(prefix: &Path) -> Self {
        let env = [("GSM_ML_PREFIX", prefix.to_str().unwrap())];
        let mut child = command(&["sagemaker", "serve", "--port", "0", "--host", "127.0.0.1"], &env)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("http://") {
            line.clear();
            assert!(said.read_line(&mut line).unwrap() > 0, "it ended");
        }
        let addr = line.trim().rsplit_once("http://").unwrap().1.to_owned();
        // Somebody has to read on, or the log would fill the pipe.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        Self { child, addr }
    }

    fn call(&self, request: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.addr).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    fn invoke(&self, body: &str) -> (u16, String) {
        self.call(&format!(
            "POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n\
             X-Amzn-SageMaker-Custom-Attributes: trace=1\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ))
    }

    /// Until the model is loaded.
    pub(crate) fn healthy(&self) {
        let ping = "GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        eventually(|| (self.call(ping).0 == 200).then_some(()));
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_job_trains_and_its_endpoint_serves() {
    let told = r#"{"mode":"duel","epochs":"5","learning_rate":"0.1","sagemaker_region":"eu-west-1"}"#;
    let job = Job::new(told, &[("train", &league(1, 500)), ("validation", &league(501, 200))]);
    let ran = job.train();
    ran.told(0, &["`epochs` is not known", "`learning_rate` is not known"]);
    let printed = |name: &str| ran.out.lines().any(|line| line.starts_with(&format!("validation:{name}=")));
    assert!(printed("log_loss") && printed("accuracy"), "{ran:?}");
    assert!(ran.out.contains("validation:matches=200") && ran.out.contains("of 700 matches"), "{ran:?}");
    assert!(!job.at("output/failure").exists());
    let about: serde_json::Value =
        serde_json::from_slice(&fs::read(job.at("output/data/metrics.json")).unwrap()).unwrap();
    assert_eq!((&about["name"], &about["mode"]), (&"job-1".into(), &"duel".into()));
    assert_eq!(fs::read_dir(job.at("model")).unwrap().count(), 1);

    let serving = Serving::start(job.0.path());
    serving.healthy();
    let (status, bare) = serving.invoke(r#"{"player1":"p0","player2":"p11"}"#);
    let quality: f64 = bare.parse().unwrap();
    assert!(status == 200 && quality > 0.0 && quality < 0.95, "{bare}");
    let (status, full) = serving.invoke(r#"{"teams":[["p0"],["p11"]],"explain":true}"#);
    let full: serde_json::Value = serde_json::from_str(&full).unwrap();
    // A little later, so that the players have rested a little longer.
    let again = full["quality"].as_f64().unwrap();
    assert!(status == 200 && (again - quality).abs() < 1e-9, "{quality} {full}");
    assert_eq!(full["model"]["name"], "job-1");
    assert_eq!(serving.invoke("{bad").0, 400);
    let mut serving = serving;
    let pid = serving.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert_eq!(serving.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_job_that_fails_says_why_in_its_file() {
    let good = league(1, 50);
    Job::new("{", &[("train", &good)]).fails("hyperparameters.json");
    Job::new(r#"{"holdout":"2"}"#, &[("train", &good)]).fails("`holdout`");
    Job::new("{}", &[("test", &good)]).fails("no channel `train`");
    Job::new("{}", &[("train", "nonsense\n")]).fails("matches.csv:line 1");
    Job::new("{}", &[("train", &league(100, 50)), ("validation", &good)]).fails("`validation`");
    // Files without a match are no judges, nor is what was learnt.
    let head = good.lines().next().unwrap();
    let empty = Job::new("{}", &[("train", &good), ("validation", head)]);
    empty.fails("no match follows");
    write(&empty.at("input/data/validation/more.csv"), "");
    empty.fails("`validation` have no match");
    let first = league(1, 1);
    Job::new("{}", &[("train", &first), ("validation", &first)]).fails("`validation` have no match");
    let piped = Job::new("{}", &[("train", &good)]);
    write(&piped.at("input/config/inputdataconfig.json"), r#"{"train":{"TrainingInputMode":"Pipe"}}"#);
    piped.fails("Pipe");
    let two = Job::new("{}", &[("train", &good)]);
    write(&two.at("input/config/resourceconfig.json"), r#"{"hosts":["algo-1","algo-2"]}"#);
    two.fails("2 instances");
    // The next job of the directory has no failure of its own.
    fs::remove_file(two.at("input/config/resourceconfig.json")).unwrap();
    two.train().ok();
    assert!(!two.at("output/failure").exists());
}

#[test]
fn a_channel_without_files_gives_what_games_have_in_common() {
    let job = Job::new(r#"{"players":"false"}"#, &[("training", "")]);
    job.train().told(0, &["has no files"]);
    let serving = Serving::start(job.0.path());
    serving.healthy();
    assert_eq!(serving.invoke(r#"{"instances":[{"team_a":[1500],"team_b":[1510]}]}"#).0, 200);
}

#[test]
fn a_model_that_cannot_be_used_ends_the_endpoint() {
    let job = Job::new("{}", &[("train", "")]);
    let serve = |part: &str| {
        let prefix = job.0.path().to_str().unwrap();
        let args = ["sagemaker", "serve", "--port", "0", "--host", "127.0.0.1"];
        gsm_in(&args, &[("GSM_ML_PREFIX", prefix)]).told(1, &[part]);
    };
    serve("has 0 files");
    job.train().ok();
    let path = job.at("model/default.gsmmodel");
    let mut bytes = fs::read(&path).unwrap();
    bytes[900] ^= 1;
    fs::write(&path, &bytes).unwrap();
    serve("default.gsmmodel");
    fs::copy(&path, job.at("model/second.gsmmodel")).unwrap();
    serve("has 2 files");
    gsm_in(&["sagemaker", "serve", "--port", "99999"], &[]).told(2, &["--port"]);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let there = gsm_in(&["sagemaker", "serve", "--host", "127.0.0.1", "--port", &port], &[]);
    there.told(1, &["another address with --host and --port"]);
}

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Nobody writes into it: whoever opened it would wait for ever.
#[test]
fn a_pipe_in_a_channel_is_refused() {
    let job = Job::new("{}", &[("train", &league(1, 50))]);
    let file = job.at("input/data/train/matches.csv");
    fs::rename(&file, job.at("kept.csv")).unwrap();
    pipe(&file);
    let failed = job.train();
    failed.told(2, &["matches.csv`: it is no regular file"]);
    job.fails("no regular file");
    // A link to a file is one.
    fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink(job.at("kept.csv"), &file).unwrap();
    job.train().ok();
}

/// A model that is not there yet holds nobody up.
#[test]
fn an_endpoint_ends_while_it_reads_its_model() {
    let job = Job::new("{}", &[("train", "")]);
    pipe(&job.at("model/default.gsmmodel"));
    let mut serving = Serving::start(&job.at(""));
    assert_eq!(serving.call("GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").0, 503);
    let pid = serving.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert_eq!(serving.child.wait().unwrap().code(), Some(0));
}

/// What is not read is told: both names of the channel at once, and channels of other names.
#[test]
fn channels_that_are_left_out_are_named() {
    let job = Job::new("{}", &[("train", &league(1, 120)), ("training", &league(1, 60)), ("test", "")]);
    let ran = job.train();
    ran.told(
        0,
        &["channel `training` is left out: the channel `train` is read", "channel `test` is left out"],
    );
    assert!(ran.out.contains("of 120 matches"), "{ran:?}");
    // Without the platform's file the folders are the channels.
    fs::remove_file(job.at("input/config/inputdataconfig.json")).unwrap();
    fs::create_dir_all(job.at("input/data/.hidden")).unwrap();
    let ran = job.train();
    ran.told(0, &["channel `training` is left out", "channel `test` is left out"]);
    assert!(!ran.err.contains("hidden") && !ran.err.contains("channel `train` is left out"), "{ran:?}");
}

/// Marks of who wrote the files, empty parts and parts that come twice are no matches; and no flag is named that a job has not.
#[test]
fn the_files_of_a_channel_are_read_as_they_are_written() {
    let text = league(1, 120);
    let job = Job::new("{}", &[("train", &text)]);
    let dir = job.at("input/data/train");
    write(&dir.join("_SUCCESS"), "");
    write(&dir.join("empty.csv"), "");
    write(&dir.join("head.csv"), text.lines().next().unwrap());
    write(&dir.join("again.csv"), &text);
    let said = job.train().ok();
    assert!(said.contains("of 120 matches"), "{said}");
    write(&dir.join("bad.csv"), &(text + "rubbish\n"));
    let job = Job::new("{}", &[("train", "match_id,timestamp\n")]);
    job.fails("header");
    assert!(!fs::read_to_string(job.at("output/failure")).unwrap().contains("--skip-bad"));
}
