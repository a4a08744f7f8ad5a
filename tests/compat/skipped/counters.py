"""What INFO counts: commands, errors, latencies. Caller: `__main__.py`."""

import threading
import time

from place import error_of, expect, expect_like, raw, raw_info, stat


def _command(link, name):
    return stat(link, "commandstats", f"cmdstat_{name}")


def _error(link, name):
    return stat(link, "errorstats", f"errorstat_{name}")


def _errors(link):
    return int(stat(link, "stats", "total_error_replies"))


def failed_and_rejected_calls(place):
    """A call that fails and a call that is refused are counted apart, each error by its code."""
    with place.server() as (_, link):
        link.config_resetstat()
        expect((_error(link, "ERR"), _errors(link)), ("", 0), "errors after a reset")
        error_of(link, "AUTH", "k")
        expect_like(_error(link, "ERR"), "count=1*", "errors after a failed AUTH")
        expect_like(_command(link, "auth"), "calls=1,*,rejected_calls=0,failed_calls=1", "AUTH")
        error_of(link, "SET", "k")
        expect_like(_command(link, "set"), "calls=0,*,rejected_calls=1,failed_calls=0", "SET with a word too few")
        link.set("k", "v")
        expect_like(_command(link, "set"), "calls=1,*,rejected_calls=1,failed_calls=0", "SET after that")
        error_of(link, "NOSUCHCOMMAND")
        error_of(link, "LPUSH", "k", "v")
        expect_like(_error(link, "WRONGTYPE"), "count=1*", "errors of type")
        expect(_errors(link), 4, "all errors")
        link.config_resetstat()
        expect((_error(link, "ERR"), _errors(link)), ("", 0), "errors after another reset")


def errors_in_transactions(place):
    """Errors within MULTI are those of the command, and of EXEC if it is given up."""
    with place.server() as (server, link):
        link.config_resetstat()
        # In plain words: some releases of redis-py give up a connection for an error of AUTH in a reply.
        answer = raw(server, b"MULTI\r\nSET a b\r\nAUTH x\r\nEXEC\r\nQUIT\r\n")
        expect_like(answer.decode(), "+OK*+QUEUED*+QUEUED*[*]2*+OK*-ERR AUTH*", "the replies of a transaction")
        client = link.client()
        expect_like(_command(link, "exec"), "calls=1,*,rejected_calls=0,failed_calls=0", "EXEC")
        expect_like(_command(link, "auth"), "calls=1,*,rejected_calls=0,failed_calls=1", "AUTH")
        link.config_resetstat()
        error_of(client, "MULTI")
        error_of(client, "SET")
        expect_like(error_of(client, "EXEC"), "*discarded*", "EXEC after a refused command")
        expect_like(_error(link, "EXECABORT"), "count=1*", "transactions given up")
        expect_like(_command(link, "set"), "calls=0,*,rejected_calls=1,failed_calls=0", "SET")
        expect_like(_command(link, "exec"), "calls=1,*,rejected_calls=0,failed_calls=1", "EXEC given up")
        client.close()


def errors_of_memory(place):
    """A write that is refused for lack of memory counts as rejected."""
    with place.server() as (_, link):
        link.config_resetstat()
        link.config_set("maxmemory", 1)
        expect_like(error_of(link, "SET", "a", "b"), "*when used memory > 'maxmemory'*", "SET")
        expect_like(_error(link, "OOM"), "count=1*", "errors of memory")
        expect_like(_command(link, "set"), "calls=0,*,rejected_calls=1,failed_calls=0", "SET")
        link.config_set("maxmemory", 0)


def errors_of_blocked_clients(place):
    """A blocked client that is unblocked with an error counts as one failed call."""
    with place.server() as (server, link):
        link.config_resetstat()
        blocked = place.client(server).client()
        number = blocked.client_id()
        answers = []
        thread = threading.Thread(target=lambda: answers.append(error_of(blocked, "BLPOP", "list", "0")))
        thread.start()
        while stat(link, "clients", "blocked_clients") != "1":
            time.sleep(0.01)
        expect(link.client_unblock(number, error=True), 1, "CLIENT UNBLOCK")
        thread.join(10)
        expect_like(answers[0], "*UNBLOCKED*", "the blocked client's reply")
        expect_like(_error(link, "UNBLOCKED"), "count=1*", "errors of blocked clients")
        expect_like(_command(link, "blpop"), "calls=1,*,rejected_calls=0,failed_calls=1", "BLPOP")
        blocked.close()


def latencies(place):
    """Percentiles of each command's time, which can be chosen, reset and switched off."""
    with place.server() as (_, link):

        def of(name):
            return stat(link, "latencystats", f"latency_percentiles_usec_{name}")

        link.config_resetstat()
        link.config_set("latency-tracking", "no")
        link.set("a", "b")
        expect(of("set"), "", "SET while nothing is tracked")
        link.config_set("latency-tracking", "yes")
        link.set("a", "b")
        expect_like(of("set"), "p50=*,p99=*,p99.9=*", "SET")
        expect_like(of("config|set"), "p50=*", "a subcommand")
        link.config_set("latency-tracking-info-percentiles", "0.0 50.0 100.0")
        expect_like(of("set"), "p0=*,p50=*,p100=*", "SET with other percentiles")
        for wrong in ("10.0 50.0 a", "10.0 101.0"):
            text = error_of(link, "CONFIG", "SET", "latency-tracking-info-percentiles", wrong)
            expect_like(text, "*CONFIG SET failed*", "percentiles that are none")
        expect(link.config_get("latency-tracking-info-percentiles"), {"latency-tracking-info-percentiles": "0 50 100"}, "CONFIG GET")
        link.config_resetstat()
        expect(of("set"), "", "SET after a reset")
        if not error_of(link, "DEBUG", "SLEEP", "0.05"):
            expect(float(of("debug").split("p50=")[1].split(",")[0]) >= 50_000, True, "DEBUG SLEEP's median")


def sections(place):
    """INFO's sections by name, several at once, and the fields that tools read."""
    with place.server() as (_, link):
        for section, fields in {
            "server": ["redis_version", "process_id", "tcp_port", "uptime_in_seconds", "run_id", "redis_mode"],
            "clients": ["connected_clients", "blocked_clients", "maxclients"],
            "memory": ["used_memory", "used_memory_rss", "used_memory_peak", "maxmemory", "maxmemory_policy"],
            "persistence": ["loading", "rdb_last_save_time", "rdb_bgsave_in_progress", "aof_enabled"],
            "stats": ["total_connections_received", "total_commands_processed", "keyspace_hits", "evicted_keys", "expired_keys"],
            "replication": ["role", "connected_slaves", "master_repl_offset"],
            "cpu": ["used_cpu_sys", "used_cpu_user"],
        }.items():
            for field in fields:
                expect(stat(link, section, field) != "", True, f"{field} in INFO {section}")
        link.set("a", "b", ex=100)
        expect_like(stat(link, "keyspace", "db0"), "keys=1,expires=1,avg_ttl=*", "INFO keyspace")
        expect("# Commandstats" in raw_info(link, "everything"), True, "INFO everything")
        expect("# Commandstats" in raw_info(link, "default"), False, "INFO default")
        both = link.execute_command("INFO", "server", "clients")
        expect("redis_version" in both and "connected_clients" in both and "used_memory" not in both, True, "two sections")


TESTS = [failed_and_rejected_calls, errors_in_transactions, errors_of_memory, errors_of_blocked_clients, latencies, sections]
