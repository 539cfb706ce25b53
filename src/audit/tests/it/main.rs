//! The log against published figures, another implementation, and everything that can befall its files.
mod crash;
mod disk;
mod oracle;
mod record;
mod ship;
mod tamper;
mod vectors;
