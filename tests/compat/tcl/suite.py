"""Fetches Redis's own Tcl suite from Debian's source package into a cache, and lists its units.

Caller: `__main__.py`. Nothing of the suite is ever inside the repository: it is unpacked below
cargo's target directory (or HOLDFAST_COMPAT_CACHE), and each job runs in a copy of its own, because
a unit's run cleans up `tests/tmp` for everybody.
"""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from servers import target_directory

VERSION = "7.0.15"


class SuiteMissing(RuntimeError):
    """The suite or a tool that it needs cannot be had here; the message says what to install."""


def cache_directory():
    """Where the suite is unpacked."""
    return pathlib.Path(os.environ.get("HOLDFAST_COMPAT_CACHE", target_directory() / "compat"))


def fetch():
    """The path of the unpacked suite, downloaded first if it is not in the cache."""
    for tool in ("tclsh", "redis-cli"):
        if shutil.which(tool) is None:
            raise SuiteMissing(f"{tool} is not installed (Debian: tcl, redis-tools)")
    place = cache_directory() / f"redis-{VERSION}"
    if not (place / "tests" / "test_helper.tcl").exists():
        cache_directory().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache_directory()) as scratch:
            unpacked = _download(pathlib.Path(scratch))
            shutil.rmtree(place, ignore_errors=True)
            unpacked.rename(place)
    _link_tools(place)
    return place


def _link_tools(place):
    for tool in ("redis-cli", "redis-benchmark"):
        link = place / "src" / tool
        link.unlink(missing_ok=True)
        if shutil.which(tool):
            link.symlink_to(shutil.which(tool))


def _download(scratch):
    """Fetches and unpacks the source package; only the package manager knows from which host."""
    if shutil.which("apt-get") is None:
        raise SuiteMissing("apt-get is needed to download the source package redis")
    sources, lists = scratch / "sources", scratch / "lists"
    sources.mkdir()
    lists.mkdir()
    _source_entries(sources)
    apt = ["apt-get", "-q", "-o", f"Dir::Etc::SourceParts={sources}", "-o", "Dir::Etc::SourceList=/dev/null"]
    apt += ["-o", f"Dir::State::Lists={lists}", "-o", "APT::Sandbox::User=root"]
    _run([*apt, "update"], scratch)
    _run([*apt, "source", "--download-only", "redis"], scratch)
    descriptions = list(scratch.glob(f"redis_{VERSION}*.dsc"))
    if not descriptions:
        found = [path.name for path in scratch.glob("*.dsc")]
        raise SuiteMissing(f"the package manager offers {found}, not redis {VERSION}")
    unpacked = scratch / "unpacked"
    if shutil.which("dpkg-source"):
        _run(["dpkg-source", "--no-check", "-x", str(descriptions[0]), str(unpacked)], scratch)
    else:
        unpacked.mkdir()
        archive = next(scratch.glob("redis_*.orig.tar.*"))
        _run(["tar", "xf", str(archive), "-C", str(unpacked), "--strip-components=1"], scratch)
    return unpacked


def _source_entries(sources):
    """Writes the machine's own Debian sources again, as sources of source packages."""
    configured = pathlib.Path("/etc/apt")
    written = 0
    for path in configured.glob("sources.list.d/*.sources"):
        text = path.read_text()
        if "debian" in text:
            (sources / path.name).write_text(re.sub(r"(?m)^Types:.*$", "Types: deb-src", text))
            written += 1
    for path in [configured / "sources.list", *configured.glob("sources.list.d/*.list")]:
        if path.exists() and "debian" in path.read_text():
            lines = [line for line in path.read_text().splitlines() if re.match(r"deb\s.*debian", line)]
            (sources / path.name).with_suffix(".list").write_text(
                "".join(re.sub(r"^deb\s", "deb-src ", line) + "\n" for line in lines)
            )
            written += 1
    if not written:
        raise SuiteMissing("no Debian package source is configured on this machine")


def _run(command, directory):
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise SuiteMissing(f"{' '.join(command[:1] + command[-2:])} failed:\n{done.stderr[-2000:]}")


def units(place):
    """All unit names, in the suite's order."""
    text = (place / "tests" / "test_helper.tcl").read_text()
    found = re.search(r"set ::all_tests \{(.*?)\}", text, re.DOTALL)
    return found.group(1).split()


def working_copy(place, scratch):
    """A copy of the suite for one job."""
    copy = pathlib.Path(scratch) / "suite"
    (copy / "src").mkdir(parents=True)
    shutil.copytree(place / "tests", copy / "tests", symlinks=True)
    for name in ("redis.conf",):
        shutil.copy(place / name, copy / name)
    for tool in ("redis-cli", "redis-benchmark"):
        if (place / "src" / tool).is_symlink():
            (copy / "src" / tool).symlink_to(os.readlink(place / "src" / tool))
    for extra in ("commands", "commands.c"):
        source = place / "src" / extra
        if source.is_dir():
            shutil.copytree(source, copy / "src" / extra)
        elif source.exists():
            shutil.copy(source, copy / "src" / extra)
    (copy / "utils").symlink_to(place / "utils")
    return copy
