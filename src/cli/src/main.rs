//! `gsm`: the one binary. Each command has a file of its own; exit code 0 is success, 1 failure, 2 bad usage or input.
#![allow(
    clippy::disallowed_types,
    reason = "hash maps decide nothing here: no order of theirs is ever shown"
)]
mod admin;
mod audit;
mod authz;
mod bench;
mod boards;
mod bots;
mod config;
mod doctor;
mod eval;
mod external;
mod firewall;
mod flags;
mod history;
mod key;
mod model;
mod offline;
mod output;
mod privacy;
mod rating;
mod remote;
mod replay;
mod resp;
mod rules;
mod run;
mod sagemaker;
mod simulate;

use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;
use output::{Failure, Outcome, note};
use std::process::ExitCode;

/// A quarter of the time of a commit, and a tenth of that of a read, went into the system's allocator.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Matchmaking, ratings and exact rankings for ranked multiplayer games, in one binary.
#[derive(Parser)]
#[command(
    name = "gsm",
    version,
    after_help = "Examples:
  gsm dev                              a server with 200 simulated players on http://127.0.0.1:8080
  gsm serve --config gsm.toml          the production server
  gsm replay history.csv.gz            rate a match history and show the top 20
  gsm eval history.csv.gz --tune       which rating system predicts it best
  gsm rules validate duel.json         what is wrong with a rule set, line by line
  gsm simulate --rules duel.json --synthetic      who would wait how long under it
  gsm firewall export > waf.tf         the limits of callers, for AWS WAF
  gsm config show                      every setting and where it comes from
  gsm audit verify --dir gsm-data/audit --vkey gsm.vkey      is the audit log whole
  gsm doctor                           is this machine fit for it?"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server for production
    Serve(run::Serve),
    /// Run a development server: queues, keys and simulated players included
    Dev(run::Dev),
    /// Check or show the configuration
    Config(config::Command),
    /// Check the machine, the data directory and the files that the server needs
    Doctor(doctor::Command),
    /// Rate a match history; with --data-dir, for a server to show
    Replay(replay::Command),
    /// How well each rating system predicts match histories: a table and a calibration plot
    Eval(eval::Command),
    /// Boards in and out of a data directory
    Boards(boards::Command),
    /// What ratings are made of
    Rating(rating::Command),
    /// Models that predict matches: train, judge, promote, roll back, explain
    Model(Box<model::Command>),
    /// A SageMaker container: train and serve a model as the platform asks
    Sagemaker(sagemaker::Command),
    /// Rule sets: what is wrong with them, and how they are answered
    Rules(rules::Command),
    /// What rule sets make of traffic: the real matcher under a virtual clock
    Simulate(Box<simulate::Command>),
    /// The request firewall: check its rules, explain them, export them for AWS WAF
    Firewall(firewall::Command),
    /// What an operator does by hand
    Admin(admin::Command),
    /// The audit log: check it, prove it, read it
    Audit(audit::Command),
    /// Who may do what: explain, check and print policies
    Authz(authz::Command),
    /// What is kept of a player: export it, erase it, check the receipt
    Privacy(privacy::Command),
    /// Change keys of a running server
    Key(key::Command),
    /// Measure what this machine does with it
    Bench(bench::Command),
}

fn main() -> ExitCode {
    let done = match Cli::try_parse() {
        Ok(Cli { command }) => run(command),
        // Help and version are output like any other.
        Err(told) if !told.use_stderr() => {
            output::remember(told.print());
            Ok(())
        }
        // Bad usage: exit code 2.
        Err(fault) => fault.exit(),
    };
    match done.and_then(|()| output::all_written()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { text, code }) => {
            if !text.is_empty() {
                note(format_args!("gsm: {text}"));
            }
            ExitCode::from(code)
        }
    }
}

fn run(command: Command) -> Outcome {
    match command {
        Command::Serve(command) => command.run(),
        Command::Dev(command) => command.run(),
        Command::Config(command) => command.run(),
        Command::Doctor(command) => command.run(),
        Command::Replay(command) => command.run(),
        Command::Eval(command) => command.run(),
        Command::Boards(command) => command.run(),
        Command::Rating(command) => command.run(),
        Command::Model(command) => command.run(),
        Command::Sagemaker(command) => command.run(),
        Command::Rules(command) => command.run(),
        Command::Simulate(command) => command.run(),
        Command::Firewall(command) => command.run(),
        Command::Admin(command) => command.run(),
        Command::Audit(command) => command.run(),
        Command::Authz(command) => command.run(),
        Command::Privacy(command) => command.run(),
        Command::Key(command) => command.run(),
        Command::Bench(command) => command.run(),
    }
}
