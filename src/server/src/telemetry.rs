//! Logs: what operators read, as text or as JSON lines on standard error.
use crate::config::{LogFormat, Problem, Settings};
use std::io::IsTerminal as _;
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Starts logging for the process; a second call changes nothing.
pub(crate) fn init(format: LogFormat, level: &str) {
    let filter = EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("info"));
    let registry = tracing_subscriber::registry().with(filter);
    let started = match format {
        LogFormat::Text => {
            let colours = std::io::stderr().is_terminal();
            registry.with(fmt::layer().with_ansi(colours).with_writer(std::io::stderr)).try_init()
        }
        LogFormat::Json => registry.with(fmt::layer().json().with_writer(std::io::stderr)).try_init(),
    };
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
}

/// Says in the log of a server that is about to start what is lawful in its configuration and yet risky.
pub fn log_warnings(settings: &Settings, warnings: &[Problem]) {
    init(settings.log_format, &settings.log_level);
    for warning in warnings {
        tracing::warn!(key = warning.key, "{warning}");
    }
}
