//! LATENCY: what took longer than `latency-monitor-threshold`, and how long each command takes.

use holdfast_engine::command::Arity::{AtLeast, Exactly};
use holdfast_engine::command::{Argument, Command, Flags, Group};
use holdfast_engine::{Args, CommandError};
use holdfast_resp::Reply;

use super::{ServerHandler, no_subcommand, write_help};
use crate::core::Core;
use crate::latency::{Event, History, LatencyMonitor, Summary};
use crate::registry::Registered;
use crate::session::Session;

/// The family.
pub const COMMANDS: &[Command<ServerHandler>] = &[LATENCY];

const FLAGS: Flags = super::ANYTIME.with(Flags::ADMIN);
/// Rows of a graph.
const GRAPH_ROWS: usize = 4;
/// Columns of a graph: the newest samples.
const GRAPH_COLUMNS_MAX: usize = 80;

const fn command(name: &'static str, run: ServerHandler) -> Command<ServerHandler> {
    Command::new(name, Group::Server, run).flags(FLAGS)
}

const LATENCY: Command<ServerHandler> =
    Command::<ServerHandler>::new("latency", Group::Server, no_subcommand)
        .arity(AtLeast(2))
        .doc(
            "2.8.13",
            "Depends on the subcommand",
            "What took long in the server.",
            &[],
        )
        .subcommands(&[LATEST, HISTORY, GRAPH, DOCTOR, RESET, HISTOGRAM, HELP]);

const LATEST: Command<ServerHandler> = command("latest", latest).arity(Exactly(2)).doc(
    "2.8.13",
    "O(1)",
    "Returns the newest sample of each event.",
    &[],
);

const HISTORY: Command<ServerHandler> = command("history", history).arity(Exactly(3)).doc(
    "2.8.13",
    "O(1)",
    "Returns the samples of an event.",
    &[Argument::string("event")],
);

const GRAPH: Command<ServerHandler> = command("graph", graph).arity(Exactly(3)).doc(
    "2.8.13",
    "O(1)",
    "Draws the samples of an event.",
    &[Argument::string("event")],
);

const DOCTOR: Command<ServerHandler> = command("doctor", doctor).arity(Exactly(2)).doc(
    "2.8.13",
    "O(1)",
    "Returns a report on all events.",
    &[],
);

const RESET: Command<ServerHandler> = command("reset", reset).arity(AtLeast(2)).doc(
    "2.8.13",
    "O(1)",
    "Forgets some events, or all.",
    &[Argument::string("event").optional().multiple()],
);

const HISTOGRAM: Command<ServerHandler> = command("histogram", histogram).arity(AtLeast(2)).doc(
    "7.0.0",
    "O(N) where N is the number of commands",
    "Returns how the durations of commands are distributed.",
    &[Argument::string("command").optional().multiple()],
);

const HELP: Command<ServerHandler> = Command::<ServerHandler>::new("help", Group::Server, help)
    .arity(Exactly(2))
    .flags(Flags::LOADING.with(Flags::STALE).with(Flags::LOCAL))
    .doc("2.8.13", "O(1)", "Explains the subcommands.", &[]);

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn latest(
    core: &mut Core,
    session: &mut Session,
    _args: &mut Args<'_>,
) -> Result<(), CommandError> {
    let reply = &mut session.out.reply;
    reply.array(core.latency.iter().len());
    for (event, history) in core.latency.iter() {
        let last = history.samples.back();
        reply.array(4);
        reply.bulk(event.name().as_bytes());
        reply.integer(last.map_or(0, |sample| sample.at_seconds));
        reply.integer(last.map_or(0, |sample| signed(sample.ms)));
        reply.integer(signed(history.max_ms));
    }
    Ok(())
}

fn history(
    core: &mut Core,
    session: &mut Session,
    args: &mut Args<'_>,
) -> Result<(), CommandError> {
    let reply = &mut session.out.reply;
    let event = Event::from_name(args.next()?);
    let Some(history) = event.and_then(|event| core.latency.history(event)) else {
        reply.array(0);
        return Ok(());
    };
    reply.array(history.samples.len());
    for sample in &history.samples {
        reply.array(2);
        reply.integer(sample.at_seconds);
        reply.integer(signed(sample.ms));
    }
    Ok(())
}

fn graph(core: &mut Core, session: &mut Session, args: &mut Args<'_>) -> Result<(), CommandError> {
    let name = args.next()?;
    let known = Event::from_name(name);
    let found = known.and_then(|event| core.latency.history(event).map(|history| (event, history)));
    let (event, history) = found
        .ok_or_else(|| CommandError::NoLatencySamples(String::from_utf8_lossy(name).into()))?;
    let drawn = draw(event, history, crate::clock::wall_ms() / 1000);
    session.out.reply.verbatim(*b"txt", drawn.as_bytes());
    Ok(())
}

/// Draws the newest samples as columns, the highest as high as the drawing, each with its age.
fn draw(event: Event, history: &History, now_seconds: i64) -> String {
    let skipped = history.samples.len().saturating_sub(GRAPH_COLUMNS_MAX);
    let samples: Vec<_> = history.samples.iter().skip(skipped).collect();
    let all = || samples.iter().map(|sample| sample.ms);
    let (low, high) = (all().min().unwrap_or(0), all().max().unwrap_or(0));
    let mut text = format!(
        "{} - high {high} ms, low {low} ms (all time high {} ms)\n{}\n",
        event.name(),
        history.max_ms,
        "-".repeat(GRAPH_COLUMNS_MAX)
    );
    let height = |ms: u64| 1 + (ms - low) * (GRAPH_ROWS as u64 * 2 - 1) / (high - low).max(1);
    for row in (0..GRAPH_ROWS as u64).rev() {
        text.extend(all().map(|ms| match height(ms).saturating_sub(row * 2) {
            0 => ' ',
            1 => '_',
            _ if height(ms) <= row * 2 + 2 => '#',
            _ => '|',
        }));
        text.push('\n');
    }
    // The ages stand below their columns, from top to bottom.
    let ages: Vec<Vec<char>> = samples
        .iter()
        .map(|sample| age(now_seconds - sample.at_seconds).chars().collect())
        .collect();
    text.push('\n');
    for row in 0..ages.iter().map(Vec::len).max().unwrap_or(0) {
        text.extend(ages.iter().map(|age| age.get(row).copied().unwrap_or(' ')));
        text.push('\n');
    }
    text
}

fn age(seconds: i64) -> String {
    match seconds {
        ..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

fn doctor(
    core: &mut Core,
    session: &mut Session,
    _args: &mut Args<'_>,
) -> Result<(), CommandError> {
    let report = report(&core.latency, core.config.latency_threshold_ms);
    session.out.reply.verbatim(*b"txt", report.as_bytes());
    Ok(())
}

fn report(monitor: &LatencyMonitor, threshold_ms: u64) -> String {
    if monitor.iter().len() == 0 {
        return if threshold_ms == 0 {
            "The latency monitor is off. Turn it on with CONFIG SET latency-monitor-threshold <milliseconds>.\n"
                .to_owned()
        } else {
            format!("Nothing took {threshold_ms} ms or longer since the last LATENCY RESET.\n")
        };
    }
    let mut text = format!("Events of {threshold_ms} ms or longer:\n\n");
    for (number, (event, history)) in monitor.iter().enumerate() {
        let Summary {
            count,
            min_ms,
            max_ms,
            mean_ms,
            deviation_ms,
            period_seconds,
        } = history.summary();
        text.push_str(&format!(
            "{}. {}: {count} samples within {period_seconds} s, mean {mean_ms} ms, \
             mean deviation {deviation_ms} ms, shortest {min_ms} ms, longest ever {max_ms} ms. {}\n",
            number + 1,
            event.name(),
            advice(event)
        ));
    }
    text
}

const fn advice(event: Event) -> &'static str {
    match event {
        Event::Command => {
            "SLOWLOG GET shows which; those that visit many elements stop all others meanwhile."
        }
        Event::FastCommand => {
            "A fast command that takes long points at the machine: swapping, or too few cores."
        }
        Event::ExpireCycle => "Many keys expire at the same moment: spread their deadlines.",
        Event::EvictionCycle => "Memory is short: raise maxmemory, or write less.",
        Event::Fsync => {
            "The disk is slow at making writes durable: no write is answered meanwhile."
        }
    }
}

fn reset(core: &mut Core, session: &mut Session, args: &mut Args<'_>) -> Result<(), CommandError> {
    let count = match args.take_rest() {
        [] => core.latency.reset_all(),
        names => names
            .iter()
            .filter(|name| Event::from_name(name).is_some_and(|event| core.latency.reset(event)))
            .count(),
    };
    session.out.reply.integer(signed(count as u64));
    Ok(())
}

fn histogram(
    core: &mut Core,
    session: &mut Session,
    args: &mut Args<'_>,
) -> Result<(), CommandError> {
    let registry = std::rc::Rc::clone(&core.registry);
    let wanted = args.take_rest();
    let mut chosen: Vec<&Registered> = Vec::new();
    if wanted.is_empty() {
        registry
            .iter()
            .for_each(|command| with_subcommands(command, &mut chosen));
    }
    for name in wanted {
        match find(&registry, name) {
            Some(command) => with_subcommands(command, &mut chosen),
            // Names of commands that do not exist are passed over.
            None => continue,
        }
    }
    chosen.retain(|command| command.calls.durations.count() > 0);
    session.out.reply.map(chosen.len());
    for command in chosen {
        write_histogram(command, &mut session.out.reply);
    }
    Ok(())
}

/// A command by its name, or a subcommand by `container|name`.
fn find<'r>(registry: &'r crate::registry::Registry, name: &[u8]) -> Option<&'r Registered> {
    let mut words = name.splitn(2, |&byte| byte == b'|');
    let command = registry.command(words.next()?)?;
    match words.next() {
        None => Some(command),
        Some(wanted) => command
            .subcommands
            .iter()
            .find(|subcommand| wanted.eq_ignore_ascii_case(subcommand.spec.name.as_bytes())),
    }
}

fn with_subcommands<'r>(command: &'r Registered, chosen: &mut Vec<&'r Registered>) {
    chosen.push(command);
    chosen.extend(&command.subcommands);
}

fn write_histogram(command: &Registered, reply: &mut Reply) {
    let durations = &command.calls.durations;
    reply.bulk(command.full_name.as_bytes());
    reply.map(2);
    reply.bulk(b"calls");
    reply.integer(signed(durations.count()));
    reply.bulk(b"histogram_usec");
    let pairs = durations.cumulative();
    reply.map(pairs.len());
    for (micros, count) in pairs {
        reply.integer(signed(micros));
        reply.integer(signed(count));
    }
}

fn help(_core: &mut Core, session: &mut Session, _args: &mut Args<'_>) -> Result<(), CommandError> {
    write_help(
        session,
        "LATENCY",
        &[
            "DOCTOR",
            "    A report on all events, for people.",
            "GRAPH <event>",
            "    Draws the samples of an event.",
            "HISTORY <event>",
            "    The samples of an event: time and milliseconds.",
            "LATEST",
            "    Of each event the newest sample and the longest ever.",
            "RESET [<event> ...]",
            "    Forgets these events, or all.",
            "HISTOGRAM [COMMAND ...]",
            "    How the durations of these commands, or of all, are distributed.",
        ],
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latency::Sample;

    #[test]
    fn a_graph_has_a_column_for_each_sample() {
        let history = History {
            samples: [(100, 10), (150, 40), (159, 20)]
                .map(|(at_seconds, ms)| Sample { at_seconds, ms })
                .into(),
            max_ms: 50,
        };
        let drawn = draw(Event::Command, &history, 160);
        let lines: Vec<_> = drawn.lines().collect();
        assert_eq!(
            lines.first(),
            Some(&"command - high 40 ms, low 10 ms (all time high 50 ms)")
        );
        let columns = [" # ", " | ", " |_", "_||"];
        assert_eq!(lines.get(2..6), Some(&columns[..]));
        assert_eq!(lines.get(7..), Some(&["111", "m0s", " s "][..]));
    }
}
