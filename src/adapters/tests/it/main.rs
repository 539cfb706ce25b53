//! The embedded store against its suite, its twin in memory, and a disk that falls ill.
mod board_crash;
mod damage;
mod disk_full;
mod faults;
mod gap;
mod kill;
mod kit;
mod models;
mod power_cut;
mod snapshots;
mod store_suite;
mod twin;
mod waits;
