//! The server binary: reads the command line, sets the log up, runs the node.

use std::io::Write;
use std::process::ExitCode;

use holdfast::allocator::Counting;
use holdfast::config::start::{Start, start};
use holdfast::config::{Config, descriptors};
use holdfast::logging;
use tracing::{error, warn};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> ExitCode {
    match start(std::env::args_os().skip(1)) {
        Ok(Start::Print(text)) => {
            // A reader that has gone away has seen enough.
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Ok(Start::Serve(config)) => serve(*config),
        Err(error) => refuse(&error.to_string()),
    }
}

/// There is no log yet: the reason goes to standard error as it is.
fn refuse(reason: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "holdfast: {reason}");
    ExitCode::FAILURE
}

fn serve(mut config: Config) -> ExitCode {
    match logging::set_up(&config) {
        Ok(control) => config.level_control = control,
        Err(error) => return refuse(&format!("cannot open the log file: {error}")),
    }
    for (option, meaning) in config.warnings() {
        warn!(
            option,
            meaning, "this option does not do what it does in Redis"
        );
    }
    if config.accept_data_loss {
        warn!("--accept-data-loss changes nothing yet: a damaged log is refused in any case");
    }
    descriptors::make_room_at_start(&mut config);
    let pid_file = config.pid_file.clone();
    if let Some(path) = &pid_file
        && let Err(error) = std::fs::write(path, format!("{}\n", std::process::id()))
    {
        warn!(path = %path.display(), %error, "cannot write the file with the process id");
    }
    let result = holdfast::server::run(config);
    if let Some(path) = &pid_file {
        // Best effort: a file that is left over names a process that is gone.
        let _ = std::fs::remove_file(path);
    }
    match result {
        Ok(code) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
        Err(error) => {
            error!(%error, "cannot start");
            ExitCode::FAILURE
        }
    }
}
