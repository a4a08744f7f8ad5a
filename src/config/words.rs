//! Options whose value is several words: `save`, `bind`, `client-output-buffer-limit` and others.
//! Each reader takes the value so far and the words of one line or of one `CONFIG SET`.

use holdfast_engine::notify::NotifyClasses;

use super::kind::{Origin, integer, memory, one_of, quoted};
use crate::connection::{OutputLimit, OutputLimits};

/// Addresses one may listen on.
const ADDRESSES_MAX: usize = 16;
/// The classes of clients, as `CONFIG GET` names them.
const CLIENT_CLASSES: [&str; 3] = ["normal", "slave", "pubsub"];

fn joined(words: &[&[u8]]) -> Vec<u8> {
    words.join(&b' ')
}

/// The lines of the file that say a value of several words.
pub(super) fn lines(name: &str, text: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(text);
    let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    let per_line = match name {
        "save" => 2,
        "client-output-buffer-limit" => 4,
        _ => words.len().max(1),
    };
    if words.is_empty() {
        return vec![format!("{name} \"\"")];
    }
    let line = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(|word| quoted(word.as_bytes())).collect();
        format!("{name} {}", words.join(" "))
    };
    words.chunks(per_line).map(line).collect()
}

/// `bind`: addresses, at most sixteen.
pub(super) fn bind(_: &[u8], words: &[&[u8]], _: Origin) -> Result<Vec<u8>, String> {
    if words.len() > ADDRESSES_MAX {
        return Err("Too many bind addresses specified.".to_owned());
    }
    Ok(joined(words))
}

/// `save`: pairs of seconds and changes; a file's lines add up.
pub(super) fn save(before: &[u8], words: &[&[u8]], origin: Origin) -> Result<Vec<u8>, String> {
    let refused = || "Invalid save parameters".to_owned();
    if words.is_empty() {
        return Ok(Vec::new());
    }
    if !words.len().is_multiple_of(2) {
        return Err(refused());
    }
    for (at, word) in words.iter().enumerate() {
        let least = i64::from(at % 2 == 0);
        let number = integer(&String::from_utf8_lossy(word)).ok_or_else(refused)?;
        if number < least {
            return Err(refused());
        }
    }
    let mut all = joined(words);
    if origin == Origin::Further && !before.is_empty() {
        all = [before, b" ", &all].concat();
    }
    Ok(all)
}

/// `client-output-buffer-limit`: classes not named keep their limits.
pub(super) fn output_limits(before: &[u8], words: &[&[u8]], _: Origin) -> Result<Vec<u8>, String> {
    if words.is_empty() || !words.len().is_multiple_of(4) {
        return Err("Wrong number of arguments in buffer limit configuration.".to_owned());
    }
    let mut limits = parse_output_limits(before);
    for group in words.chunks(4) {
        let [class, hard, soft, seconds] = group else {
            continue; // chunks of four, as checked above
        };
        let number = |word: &[u8]| memory(&String::from_utf8_lossy(word));
        let limit = (|| {
            Some(OutputLimit {
                hard_bytes: usize::try_from(number(hard)?).ok()?,
                soft_bytes: usize::try_from(number(soft)?).ok()?,
                soft_seconds: u64::try_from(integer(&String::from_utf8_lossy(seconds))?).ok()?,
            })
        })();
        let place = match class.to_ascii_lowercase().as_slice() {
            b"normal" => &mut limits.normal,
            b"slave" | b"replica" => &mut limits.replica,
            b"pubsub" => &mut limits.pubsub,
            _ => {
                return Err(
                    "Invalid client class specified in buffer limit configuration.".to_owned(),
                );
            }
        };
        *place = limit.ok_or_else(|| {
            "Error in hard, soft or soft_seconds setting in buffer limit configuration.".to_owned()
        })?;
    }
    let all = [limits.normal, limits.replica, limits.pubsub];
    let texts = CLIENT_CLASSES.iter().zip(all).map(|(class, limit)| {
        let (hard, soft) = (limit.hard_bytes, limit.soft_bytes);
        format!("{class} {hard} {soft} {}", limit.soft_seconds)
    });
    Ok(texts.collect::<Vec<_>>().join(" ").into_bytes())
}

/// The limits that a checked value means.
pub(super) fn parse_output_limits(text: &[u8]) -> OutputLimits {
    let text = String::from_utf8_lossy(text);
    let words: Vec<&str> = text.split(' ').collect();
    let mut limits = OutputLimits::default();
    for group in words.chunks_exact(4) {
        let number = |at: usize| {
            group
                .get(at)
                .and_then(|word| word.parse().ok())
                .unwrap_or(0)
        };
        let limit = OutputLimit {
            hard_bytes: number(1),
            soft_bytes: number(2),
            soft_seconds: number(3) as u64,
        };
        match group.first() {
            Some(&"normal") => limits.normal = limit,
            Some(&"pubsub") => limits.pubsub = limit,
            _ => limits.replica = limit,
        }
    }
    limits
}

/// `notify-keyspace-events`: letters, shown in Redis's order.
pub(super) fn notify(_: &[u8], words: &[&[u8]], _: Origin) -> Result<Vec<u8>, String> {
    let letters = String::from_utf8_lossy(&words.concat()).into_owned();
    let classes = NotifyClasses::parse(&letters)
        .ok_or_else(|| "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.".to_owned())?;
    Ok(classes.letters().into_bytes())
}

/// `latency-tracking-info-percentiles`.
pub(super) fn percentiles(_: &[u8], words: &[&[u8]], _: Origin) -> Result<Vec<u8>, String> {
    let mut texts = Vec::new();
    for word in words {
        let percentile = holdfast_engine::number::parse_f64(word)
            .ok_or_else(|| "Invalid latency-tracking-info-percentiles parameters".to_owned())?;
        if !(0.0..=100.0).contains(&percentile) {
            return Err(
                "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]"
                    .to_owned(),
            );
        }
        texts.push(percentile.to_string());
    }
    Ok(texts.join(" ").into_bytes())
}

/// `oom-score-adj-values`: three numbers.
pub(super) fn oom_scores(_: &[u8], words: &[&[u8]], _: Origin) -> Result<Vec<u8>, String> {
    if words.len() != 3 {
        return Err("wrong number of arguments".to_owned());
    }
    for word in words {
        let score = integer(&String::from_utf8_lossy(word));
        if !score.is_some_and(|score| (-2000..=2000).contains(&score)) {
            return Err(
                "Invalid oom-score-adj-values, elements must be between -2000 and 2000.".to_owned(),
            );
        }
    }
    Ok(joined(words))
}

/// `shutdown-on-sigterm`, `shutdown-on-sigint`.
pub(super) fn shutdown_flags(_: &[u8], words: &[&[u8]], _: Origin) -> Result<Vec<u8>, String> {
    const FLAGS: [&str; 5] = ["default", "save", "nosave", "now", "force"];
    let known = |word: &&[u8]| {
        let flag = FLAGS
            .iter()
            .find(|flag| word.eq_ignore_ascii_case(flag.as_bytes()));
        flag.map(|flag| flag.as_bytes())
    };
    let flags: Option<Vec<&[u8]>> = words.iter().map(known).collect();
    match flags {
        Some(flags) if !flags.is_empty() => Ok(joined(&flags)),
        _ => Err(one_of(&FLAGS)),
    }
}

/// `proc-title-template`: text with variables in braces.
pub(super) fn title(_: &[u8], words: &[&[u8]], _: Origin) -> Result<Vec<u8>, String> {
    const VARIABLES: [&str; 6] = [
        "title",
        "listen-addr",
        "server-mode",
        "port",
        "tls-port",
        "config-file",
    ];
    let refused = || "template format is invalid or contains unknown variables".to_owned();
    let text = joined(words);
    let shown = String::from_utf8_lossy(&text).into_owned();
    for part in shown.split('{').skip(1) {
        let (variable, _) = part.split_once('}').ok_or_else(refused)?;
        let is_known = VARIABLES.contains(&variable) || variable == "unixsocket";
        is_known.then_some(()).ok_or_else(refused)?;
    }
    Ok(text)
}

/// `replicaof`: a host and a port, or `no one`.
pub(super) fn replica_of(_: &[u8], words: &[&[u8]], _: Origin) -> Result<Vec<u8>, String> {
    match words {
        [] => Ok(Vec::new()),
        [no, one] if no.eq_ignore_ascii_case(b"no") && one.eq_ignore_ascii_case(b"one") => {
            Ok(Vec::new())
        }
        [_, _] => Ok(joined(words)),
        _ => Err("wrong number of arguments".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_save_add_up_and_an_empty_one_clears() {
        let first = save(b"3600 1", &[b"900", b"1"], Origin::First).expect("valid");
        assert_eq!(first, b"900 1");
        let both = save(&first, &[b"100", b"10"], Origin::Further).expect("valid");
        assert_eq!(both, b"900 1 100 10");
        assert_eq!(lines("save", &both), ["save 900 1", "save 100 10"]);
        assert_eq!(save(&both, &[], Origin::Further), Ok(Vec::new()));
        assert!(save(b"", &[b"900"], Origin::Command).is_err());
    }

    #[test]
    fn classes_of_clients_keep_the_limits_that_are_not_named() {
        let text = output_limits(
            b"normal 1 2 3 slave 4 5 6 pubsub 7 8 9",
            &[b"replica", b"1kb", b"2", b"3"],
            Origin::Command,
        )
        .expect("valid");
        assert_eq!(text, b"normal 1 2 3 slave 1024 2 3 pubsub 7 8 9");
        assert_eq!(parse_output_limits(&text).replica.hard_bytes, 1024);
    }
}
