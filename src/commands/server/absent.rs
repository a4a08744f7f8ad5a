//! Commands of parts that are not offered yet, as far as clients ask for them on any server:
//! ACL WHOAMI, CLUSTER.

use holdfast_engine::command::Arity::{AtLeast, Exactly};
use holdfast_engine::command::{Arity, Command, Flags, Group};
use holdfast_engine::{Args, CommandError};

use crate::commands::{ANYTIME, ServerHandler, no_subcommand, write_help};
use crate::core::Core;
use crate::session::Session;

const fn command(name: &'static str, group: Group, run: ServerHandler) -> Command<ServerHandler> {
    Command::new(name, group, run)
}

const fn container(
    name: &'static str,
    group: Group,
    since: &'static str,
    summary: &'static str,
) -> Command<ServerHandler> {
    command(name, group, no_subcommand).arity(AtLeast(2)).doc(
        since,
        "Depends on subcommand.",
        summary,
        &[],
    )
}

pub(super) const ACL: Command<ServerHandler> =
    container("acl", Group::Server, "6.0.0", "Users and what they may do.").subcommands(&[WHOAMI]);

const WHOAMI: Command<ServerHandler> = command("whoami", Group::Server, who_am_i)
    .arity(Exactly(2))
    .flags(ANYTIME)
    .doc("6.0.0", "O(1)", "Answers the user of this connection.", &[]);

pub(super) const CLUSTER: Command<ServerHandler> = container(
    "cluster",
    Group::Cluster,
    "3.0.0",
    "Redis Cluster: not enabled.",
)
.subcommands(&[
    of_cluster("info", Exactly(2), Flags::STALE),
    of_cluster("nodes", Exactly(2), Flags::STALE),
    of_cluster("slots", Exactly(2), Flags::STALE),
    of_cluster("shards", Exactly(2), Flags::STALE),
    of_cluster("myid", Exactly(2), Flags::STALE),
    of_cluster("keyslot", Exactly(3), Flags::STALE),
    of_cluster(
        "reset",
        AtLeast(2),
        Flags::STALE.with(Flags::ADMIN).with(Flags::NO_SCRIPT),
    ),
    CLUSTER_HELP,
]);

const fn of_cluster(name: &'static str, arity: Arity, flags: Flags) -> Command<ServerHandler> {
    command(name, Group::Cluster, no_cluster)
        .arity(arity)
        .flags(flags.with(Flags::LOCAL))
        .doc(
            "3.0.0",
            "O(1)",
            "Answers that Redis Cluster is not enabled.",
            &[],
        )
}

const CLUSTER_HELP: Command<ServerHandler> = command("help", Group::Cluster, cluster_help)
    .arity(Exactly(2))
    .flags(Flags::LOADING.with(Flags::STALE).with(Flags::LOCAL))
    .doc("5.0.0", "O(1)", "Lists the subcommands.", &[]);

fn who_am_i(
    _core: &mut Core,
    session: &mut Session,
    _args: &mut Args<'_>,
) -> Result<(), CommandError> {
    session.out.reply.bulk(b"default");
    Ok(())
}

fn no_cluster(_: &mut Core, _: &mut Session, _: &mut Args<'_>) -> Result<(), CommandError> {
    Err(CommandError::ClusterDisabled)
}

fn cluster_help(
    _core: &mut Core,
    session: &mut Session,
    _args: &mut Args<'_>,
) -> Result<(), CommandError> {
    write_help(
        session,
        "CLUSTER",
        &[
            "INFO, NODES, SLOTS, SHARDS, MYID, KEYSLOT",
            "    Answer that Redis Cluster is not enabled.",
        ],
    );
    Ok(())
}
