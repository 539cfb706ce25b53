//! The server as its callers see it: over HTTP, on a port of its own, with a data directory of its own.
#![allow(clippy::disallowed_methods, reason = "tests have a clock and tasks of their own")]
#![allow(clippy::print_stderr, reason = "what is skipped is said aloud")]
mod audit;
mod authz;
mod bad_input;
mod bans;
mod boards;
mod browser;
mod client;
mod estimates;
mod firewall;
mod gamelift;
mod integrity;
mod jwt;
mod leftover;
mod metrics;
mod nulls;
mod once;
mod once_each;
mod page;
mod path;
mod penalties;
mod predictions;
mod privacy;
mod push;
mod reports;
mod roles;
mod rule_sets;
mod rulings;
mod several;
mod shapes;
mod sign_in;
mod tls;
mod watch;
mod webhooks;
mod why;
mod world;
