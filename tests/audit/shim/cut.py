"""Applies a power cut to a data directory: takes back writes and names that were never synced.

Caller: `rounds.py`, after it killed the server. Three kinds of cut, chosen at random: everything
unsynced is lost; the writes are kept up to some point; each 512-byte sector independently shows any
of the versions that it had since its last sync. Names are kept up to some point of their order, as
a file system's journal does.
"""

import mmap
import os
import shutil
import struct
from dataclasses import dataclass

SECTOR_BYTES = 512
KINDS = ("lose", "prefix", "tear")

_HEADER = struct.Struct("<IIQQQQQII")
_MAGIC = 0x70637574
_WRITE, _SIZE, _SYNC, _SYNC_WRITE, _NAME_NEW, _NAME_GONE, _RENAME, _DIR_NEW, _DIR_GONE, _CANCEL, _SYNC_ALL = range(1, 12)
# Placed behind what a running server has logged so far, it covers all of that: see `unsynced`.
SYNC_ALL_RECORD = _HEADER.pack(_MAGIC, _SYNC_ALL, 0, 0, 0, 0, 0, 0, 0)
_NAMES = (_NAME_NEW, _NAME_GONE, _RENAME, _DIR_NEW, _DIR_GONE)


@dataclass
class Record:
    """One record of the undo log."""

    kind: int
    seq: int
    inode: int
    offset: int
    length: int
    old_size: int
    path: bytes
    payload: memoryview


@dataclass
class Cut:
    """What one cut took away, for the report."""

    kind: str = "none"
    syncs: int = 0
    writes_undone: int = 0
    sectors_undone: int = 0
    sectors_kept: int = 0
    names_undone: int = 0


def read_log(path):
    """The records of an undo log; a half record at its end was never acted upon."""
    if not path.exists() or path.stat().st_size == 0:
        return
    with open(path, "rb") as file:
        data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    position = 0
    while position + _HEADER.size <= len(data):
        magic, kind, seq, inode, offset, length, old_size, path_bytes, payload_bytes = _HEADER.unpack_from(data, position)
        if magic != _MAGIC:
            raise ValueError(f"{path}: no record at {position}")
        start = position + _HEADER.size
        position = start + path_bytes + payload_bytes
        if position > len(data):
            return
        name = bytes(data[start : start + path_bytes])
        yield Record(kind, seq, inode, offset, length, old_size, name, data[start + path_bytes : position])


def unsynced(log):
    """The changes that no sync covers, as (data changes by inode, name changes in order, syncs seen)."""
    through, whole, done, changes, syncs = {}, 0, set(), [], 0
    highest = 0
    for record in read_log(log):
        highest = max(highest, record.seq)
        if record.kind == _SYNC:
            through[record.inode] = max(through.get(record.inode, 0), record.offset)
            syncs += 1
        elif record.kind == _SYNC_ALL:
            # The driver's own record has no number: it covers what stands before it.
            whole = max(whole, record.offset or highest)
        elif record.kind in (_SYNC_WRITE, _CANCEL):
            done.add(record.offset)
            syncs += record.kind == _SYNC_WRITE
        else:
            changes.append(record)
    data, names = {}, []
    for record in sorted(changes, key=lambda record: record.seq):
        inodes = (record.inode, record.offset) if record.kind == _RENAME else (record.inode,)
        if record.seq <= whole or record.seq in done or all(record.seq <= through.get(i, 0) for i in inodes):
            continue
        if record.kind in _NAMES:
            names.append(record)
        else:
            data.setdefault(record.inode, []).append(record)
    return data, names, syncs


def cut(shim, random):
    """Applies one power cut to the directory of `shim`."""
    data, names, syncs = unsynced(shim.log)
    kind = random.choice(shim.kinds)
    result = Cut(kind, syncs)
    places = _places(shim)
    end = random.random()
    for inode, changes in data.items():
        if inode in places:
            _cut_file(places[inode], changes, kind, end, random, result)
    kept = 0 if kind == "lose" else random.randint(0, len(names))
    for record in reversed(names[kept:]):
        _undo_name(record, shim)
        result.names_undone += 1
    return result


def _places(shim):
    """Where each inode is now, in the directory or in limbo."""
    places = {}
    for root in (shim.directory, shim.limbo):
        for folder, _, files in os.walk(root):
            for name in files:
                path = os.path.join(folder, name)
                places[os.lstat(path).st_ino] = path
    return places


def _cut_file(path, changes, kind, end, random, result):
    shrinks = any(change.kind == _SIZE and len(change.payload) for change in changes)
    with open(path, "r+b", buffering=0) as file:
        if kind == "tear" and not shrinks:
            _tear(file, changes, random, result)
            return
        kept = 0 if kind == "lose" else int(end * (len(changes) + 1))
        for change in reversed(changes[kept:]):
            _undo(file, change)
            result.writes_undone += 1


def _undo(file, change):
    """Takes back one change wholly; only right in reverse order."""
    at = change.offset
    if len(change.payload):
        os.pwrite(file.fileno(), change.payload, at)
    if change.kind == _SIZE or os.fstat(file.fileno()).st_size > change.old_size:
        # The payload of a shrink stands at the new end and has brought the old size back already.
        os.ftruncate(file.fileno(), change.old_size)


def _tear(file, changes, random, result):
    """Each sector shows any of its versions since the last sync."""
    versions = {}
    old_size = changes[0].old_size
    for change in changes:
        if change.kind == _WRITE:
            first, last = change.offset // SECTOR_BYTES, (change.offset + max(change.length, 1) - 1) // SECTOR_BYTES
            for sector in range(first, last + 1):
                versions.setdefault(sector, []).append(change)
    size = os.fstat(file.fileno()).st_size
    for sector, writes in versions.items():
        kept = random.randint(0, len(writes))
        result.sectors_kept += kept == len(writes)
        result.sectors_undone += kept < len(writes)
        for change in reversed(writes[kept:]):
            _undo_sector(file, change, sector, size)
    if size > old_size:
        os.ftruncate(file.fileno(), random.choice((old_size, size, random.randint(old_size, size))))


def _undo_sector(file, change, sector, size):
    start = max(change.offset, sector * SECTOR_BYTES)
    stop = min(change.offset + change.length, (sector + 1) * SECTOR_BYTES, size)
    if stop <= start:
        return
    old = bytes(change.payload[start - change.offset : stop - change.offset])
    # Past the old end of the file there were no bytes: the file system shows zeros there.
    os.pwrite(file.fileno(), old.ljust(stop - start, b"\0"), start)


def _undo_name(record, shim):
    kept = shim.limbo / str(record.seq)
    if record.kind == _RENAME:
        old, new = (os.fsdecode(part) for part in record.path.split(b"\0"))
        if os.path.lexists(new) and os.lstat(new).st_ino == record.length:
            os.rename(new, old)
        if kept.exists() and not os.path.lexists(new):
            os.rename(kept, new)
        return
    path = os.fsdecode(record.path)
    if record.kind == _NAME_NEW:
        if os.path.lexists(path):
            os.unlink(path)
    elif record.kind == _NAME_GONE:
        if kept.exists() and not os.path.lexists(path):
            os.rename(kept, path)
    elif record.kind == _DIR_NEW:
        shutil.rmtree(path, ignore_errors=True)
    elif record.kind == _DIR_GONE:
        os.makedirs(path, exist_ok=True)
