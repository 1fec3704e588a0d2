"""Journals full of finished jobs, made with gombus's own code, for servers to find at their start."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from gombus.ids import JobIds
from gombus.journal.store import Store
from gombus.model import COMPLETED, Record
from gombus.receiptlog import ReceiptLog

JOURNAL, RECEIPTS = "journal.sqlite3", "receipts.jsonl"
FEW, MANY = 100, 100_000
_AT_ONCE = 5000
_EVERY_S = 20.0
"""Time between two of the jobs, in s: they were accepted within some weeks, so none of them is to be dropped."""

# On Linux /tmp may be in memory, where what a journal does costs nothing; /var/tmp outlasts a restart.
_ON_DISK = "/var/tmp" if Path("/var/tmp").is_dir() else None


class Filled(NamedTuple):
    """A journal and its receipt log."""

    folder: Path
    job: str
    """Id of the job in their middle."""


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder on a disk, while the block runs."""
    with tempfile.TemporaryDirectory(dir=_ON_DISK) as folder:
        yield Path(folder)


def fill(folder: Path, jobs: int) -> Filled:
    """Make a journal of finished image requests, each with an idempotency key and a receipt of some 1 KiB."""
    folder.mkdir()
    store, log = Store(folder / JOURNAL), ReceiptLog(folder / RECEIPTS)
    records = _records(jobs)
    middle, done = "", 0
    while some := list(islice(records, _AT_ONCE)):
        with store.transaction():
            store.add(some)
            store.keep_head(log.append([record.receipt or "" for record in some]), RECEIPTS)
        if done <= jobs // 2 < done + len(some):
            middle = some[jobs // 2 - done].id
        done += len(some)
    log.close()
    store.close()
    return Filled(folder, middle)


def copy(source: Path, to: Path) -> None:
    """Copy a journal to where a server will look for it. When this returns the disk has it and is at rest again."""
    for name in (JOURNAL, RECEIPTS):
        shutil.copy(source / name, to / name)
        with open(to / name, "rb+") as file:
            os.fsync(file.fileno())


def _records(jobs: int) -> Iterator[Record]:
    ids, begin = JobIds(), time.time() - jobs * _EVERY_S
    for index in range(jobs):
        name = f"series-{index // 50:05}"
        path = f"C:/measurements/2026/{name}/image-{index:06}.jpg"
        params = {"file": path, "name": name, "focal_length": "2.0", "pixel_size": 0.0016}
        digest = hashlib.sha256(path.encode()).hexdigest()
        accepted, client = begin + index * _EVERY_S, f"127.0.0.1:{40_000 + index % 20_000}"
        record = Record(ids.new(), "image", json.dumps(params), client, "twin", COMPLETED, accepted)
        yield record._replace(
            started=accepted + 0.002,
            finished=accepted + 0.250,
            key=str(uuid.uuid4()),
            digest=digest,
            receipt=_receipt(record, params, digest),
        )


def _receipt(record: Record, params: dict[str, object], digest: str) -> str:
    when = "2026-11-24T03:16:58.123Z"
    facts = {"parameter": "/file", "path": params["file"], "size": 2_481_733, "mtime": when, "sha256": digest}
    arguments = {"series_name": params["name"], "files": [params["file"]], "camera": {"focal_length": 2.0}}
    members = {
        "job": record.id,
        "request": record.request,
        "state": record.state,
        "accepted": when,
        "started": when,
        "finished": when,
        "client": record.client,
        "files": [{**facts, "changed": False}],
        "calls": [{"command": "gom.script.sys.import_other_images", "arguments": arguments}],
        "created": [{"kind": "measurement series", "name": params["name"]}],
        "value": None,
        "plugin": {"name": "image_import", "distribution": "gombus-image-import", "version": "0.1.0"},
        "schemaHash": digest,
        "backend": {"name": "twin", "version": "0.1.0"},
    }
    return json.dumps(members)
