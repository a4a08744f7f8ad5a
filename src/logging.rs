//! The process's own log: where it goes, in which form, and how much of it. Set up once by `main`,
//! before anything else can have something to say.

use std::fs::OpenOptions;
use std::io;
use std::sync::{Arc, Mutex};

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{Config, LogFormat, LogLevel};

/// Changes how much is logged while the process runs.
#[derive(Clone, Default)]
pub struct LevelControl(Option<Arc<dyn Fn(Targets) + Send + Sync>>);

impl std::fmt::Debug for LevelControl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "set up" } else { "none" })
    }
}

impl LevelControl {
    /// Logs from this level on.
    pub fn set(&self, level: LogLevel) {
        if let Some(change) = &self.0 {
            change(filter(level));
        }
    }
}

/// Openraft's own lines are for its developers: they show when debugging only.
fn filter(level: LogLevel) -> Targets {
    let (own, openraft) = match level {
        LogLevel::Debug | LogLevel::Verbose => (LevelFilter::DEBUG, LevelFilter::DEBUG),
        LogLevel::Notice => (LevelFilter::INFO, LevelFilter::ERROR),
        LogLevel::Warning => (LevelFilter::WARN, LevelFilter::ERROR),
    };
    Targets::new()
        .with_default(own)
        .with_target("openraft", openraft)
}

/// Sets the log up as configured.
///
/// # Errors
/// The log file cannot be opened.
pub fn set_up(config: &Config) -> io::Result<LevelControl> {
    let writer = match &config.log_file {
        None => BoxMakeWriter::new(io::stderr),
        Some(path) => {
            let file = OpenOptions::new().create(true).append(true).open(path)?;
            BoxMakeWriter::new(Mutex::new(file))
        }
    };
    let to_terminal = config.log_file.is_none() && io::IsTerminal::is_terminal(&io::stderr());
    let (level, handle) = reload::Layer::new(filter(config.log_level));
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let all = tracing_subscriber::registry().with(level);
    match config.log_format {
        LogFormat::Json => all.with(lines.json()).init(),
        LogFormat::Human => all.with(lines.with_ansi(to_terminal)).init(),
    }
    let change = move |filter| drop(handle.reload(filter));
    Ok(LevelControl(Some(Arc::new(change))))
}
