//! The real binary, as operators and scripts see it: exit codes, messages, JSON, signals.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, missing_docs)]
mod admin;
mod audit;
mod authz;
mod bench;
mod boards;
mod config;
mod doctor;
#[cfg(feature = "sagemaker")]
mod endpoint;
mod eval;
mod firewall;
mod gamelift;
mod gamelift_rust;
mod gsm;
mod key;
mod model;
mod output;
#[cfg(feature = "sagemaker")]
mod predictor;
mod privacy;
mod rating;
mod readme;
mod redis;
mod replay;
mod rules;
mod sagemaker;
mod serve;
mod ship;
#[cfg(feature = "s3")]
mod ship_s3;
mod simulate;
