//! The command line: `holdfast [file] [--option value]…`, with the file's syntax and names.

use std::collections::HashSet;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::file::{self, FileError, Line};
use super::kind::Origin;
use super::{Config, SetError, help, options};

/// What the command line asks for.
#[derive(Debug)]
pub enum Start {
    /// To serve with this configuration.
    Serve(Box<Config>),
    /// To print this text and end.
    Print(String),
}

/// Why the process does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The configuration file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// An option is unknown, or its value is refused.
    #[error("{place}: {name}: {source}")]
    Option {
        /// File and line, or the command line.
        place: String,
        /// The option.
        name: String,
        /// What is wrong.
        source: SetError,
    },
    /// Not understood at all.
    #[error("{0}")]
    Arguments(String),
}

/// Reads the command line, without the program's name, and the file that it names.
///
/// # Errors
/// Something in it is not understood; nothing was done.
pub fn start(arguments: impl IntoIterator<Item = OsString>) -> Result<Start, StartError> {
    let arguments: Vec<Vec<u8>> = arguments.into_iter().map(OsString::into_vec).collect();
    match arguments.first().map(Vec::as_slice) {
        Some(b"--version" | b"-v") => return Ok(Start::Print(version())),
        Some(b"--help" | b"-h") => return Ok(Start::Print(help::text())),
        _ => {}
    }
    let (file, rest) = match arguments.split_first() {
        Some((first, rest)) if !first.starts_with(b"--") => (Some(first), rest),
        _ => (None, &arguments[..]),
    };
    let mut config = Config::default();
    let mut lines = Vec::new();
    if let Some(name) = file {
        let path = PathBuf::from(OsString::from_vec(name.clone()));
        lines = file::read(&path)?;
        if path != Path::new("-") {
            config.file = Some(std::path::absolute(&path).unwrap_or(path));
        }
    }
    lines.extend(option_lines(rest, &mut config)?);
    set_all(&mut config, &lines)?;
    if let Ok(dir) = std::path::absolute(&config.dir) {
        set_dir(&mut config, &dir)?;
    }
    config.is_running = true;
    Ok(Start::Serve(Box::new(config)))
}

/// What `--version` prints.
fn version() -> String {
    format!(
        "holdfast {} (speaks Redis {})\n",
        env!("CARGO_PKG_VERSION"),
        crate::REDIS_VERSION
    )
}

/// `CONFIG GET dir` answers where the directory is, wherever the process was started.
fn set_dir(config: &mut Config, dir: &Path) -> Result<(), StartError> {
    let words: [&[u8]; 1] = [dir.as_os_str().as_encoded_bytes()];
    config
        .set(b"dir", &words, Origin::First)
        .map_err(|source| StartError::Option {
            place: "data directory".to_owned(),
            name: dir.display().to_string(),
            source,
        })
}

/// The options of the command line, as lines of a file.
fn option_lines(arguments: &[Vec<u8>], config: &mut Config) -> Result<Vec<Line>, StartError> {
    let place = "command line";
    let mut lines: Vec<Line> = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument == b"--import" {
            let path = arguments
                .next()
                .cloned()
                .ok_or_else(|| StartError::Arguments("--import needs a path".to_owned()))?;
            config.import = Some(PathBuf::from(OsString::from_vec(path)));
            continue;
        }
        if argument == b"--accept-data-loss" {
            config.accept_data_loss = true;
            continue;
        }
        if let Some(option) = argument.strip_prefix(b"--") {
            // `"--save 60 1"` in one argument is an option with its words.
            let words = file::split_words(option).ok_or_else(|| FileError::Quotes {
                place: place.to_owned(),
            })?;
            let place = place.to_owned();
            lines.push(Line { words, place });
            continue;
        }
        let Some(line) = lines.last_mut() else {
            let shown = String::from_utf8_lossy(argument);
            return Err(StartError::Arguments(format!(
                "{shown:?} is no option; see --help"
            )));
        };
        line.words.push(argument.clone());
    }
    Ok(lines)
}

fn set_all(config: &mut Config, lines: &[Line]) -> Result<(), StartError> {
    let mut seen = HashSet::new();
    for line in lines {
        let Some((name, words)) = line.words.split_first() else {
            continue;
        };
        let origin = match options::find(name) {
            Some((place, _)) if !seen.insert(place) => Origin::Further,
            _ => Origin::First,
        };
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        let set = match refused_directive(name) {
            Some(why) => Err(SetError::Refused(why.to_owned())),
            None => config.set(name, &words, origin),
        };
        set.map_err(|source| StartError::Option {
            place: line.place.clone(),
            name: String::from_utf8_lossy(name).into_owned(),
            source,
        })?;
    }
    Ok(())
}

/// Lines of redis.conf that are no options, and that must not be passed over in silence.
fn refused_directive(name: &[u8]) -> Option<&'static str> {
    match name.to_ascii_lowercase().as_slice() {
        b"user" => Some("users are not offered yet; the default user may do everything"),
        b"rename-command" => Some("commands keep their names, so this would protect nothing"),
        b"loadmodule" => Some("there are no modules"),
        b"sentinel" => Some("this is no Sentinel"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serve(arguments: &[&str]) -> Result<Config, String> {
        match start(arguments.iter().map(OsString::from)) {
            Ok(Start::Serve(config)) => Ok(*config),
            Ok(Start::Print(text)) => Err(text),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn the_command_line_overrides_the_file() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("redis.conf");
        let text = "port 1\nhash-max-ziplist-entries 7\nsave 900 1\nsave 300 10\n\
                    client-output-buffer-limit pubsub 1mb 0 0\nappendfsync no\nmaxmemory 1gb\n";
        std::fs::write(&path, text).expect("written");
        let file = path.to_str().expect("UTF-8");
        let config = serve(&[
            file,
            "--port",
            "2",
            "--save",
            "60",
            "1",
            "--bind",
            "::1",
            "-127.0.0.1",
        ])
        .expect("valid");
        assert_eq!(config.port, 2);
        assert_eq!(config.encodings.hash_max_listpack_entries, 7);
        assert_eq!(config.output_limits.pubsub.hard_bytes, 1 << 20);
        assert_eq!(config.maxmemory, 1 << 30);
        assert_eq!(config.bind, ["::1", "-127.0.0.1"]);
        assert_eq!(
            config.settings.text("save"),
            Some(&b"900 1 300 10 60 1"[..])
        );
        let warned: Vec<_> = config.warnings().map(|(name, _)| name).collect();
        assert_eq!(warned, ["appendfsync"]);
    }

    #[test]
    fn what_is_unknown_or_would_break_a_promise_is_refused() {
        for arguments in [
            &["--no-such-option", "1"][..],
            &["--port", "abc"],
            &["--port"],
            &["--replicaof", "h", "1"],
            &["--aclfile", "x"],
            &["--rename-command", "CONFIG", ""],
            &["--cluster-enabled", "yes"],
        ] {
            assert!(serve(arguments).is_err(), "{arguments:?}");
        }
        assert!(serve(&["--save", ""]).is_ok());
        assert!(serve(&["--replicaof", "no", "one"]).is_ok());
        let config = serve(&["--requirepass", "a b\"", "--accept-data-loss"]).expect("valid");
        assert_eq!(config.passwords, [b"a b\""[..].into()]);
        assert!(config.accept_data_loss);
    }

    #[test]
    fn help_names_every_option() {
        let text = serve(&["--help"]).expect_err("printed");
        for definition in options::all().filter(|definition| !definition.is_hidden) {
            assert!(text.contains(definition.name), "{}", definition.name);
        }
    }
}
