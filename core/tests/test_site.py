"""What the settings of a site make of the files of requests: mapped, inside certain folders, settled, copied."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest

from desk import Desk, desk
from gombus import errors
from gombus.config import load
from gombus.files import Files, settling, site
from gombus.files.pathmap import PathMap
from gombus.files.rules import open_files
from gombus.files.settling import Settling
from gombus.files.site import SiteFiles
from gombus.files.spool import LOCK, Spool
from gombus.model import CANCELLED, QUEUED
from gombus.refusals import code_of
from gombus.tasks import task_of
from gombus.validation import shown
from support import WAIT_S, request, say

LONG_AGO_S = 1_600_000_000.25
SENT = "Z:/Parts/a/x.jpg"


class Seen:
    """A handler that keeps what it was given, and what was in the file then."""

    def __init__(self, fail: bool = False) -> None:
        self.params: list[Any] = []
        self.content: list[bytes] = []
        self._fail = fail

    def __call__(self, params: Any, context: Any) -> Any:
        """The handler."""
        self.params.append(params)
        named = [params["file"]] if "file" in params else params["files"]
        if not context.planning:
            self.content += [Path(path).read_bytes() for path in named]
        result = say(params, context)
        if self._fail:
            raise errors.Refusal("It failed.")
        return result

    @property
    def path(self) -> str:
        """The one file that it was given."""
        (params,) = self.params
        return str(params["file"])


@pytest.fixture
def exchange(tmp_path: Path) -> Path:
    """The folder in which clients put their files, and one of these: ``a/x.jpg``."""
    folder = tmp_path / "exchange"
    write(folder / "a" / "x.jpg", b"picture")
    return folder


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (LONG_AGO_S, LONG_AGO_S))
    return path


@pytest.fixture
def files_of() -> Iterator[Callable[..., Files]]:
    """Makes what settings say; let go at the end."""
    made: list[Files] = []

    def make(**options: Any) -> Files:
        made.append(open_files(load(options, environ={})))
        return made[-1]

    yield make
    for files in made:
        files.close()


def spooled(folder: Path) -> list[str]:
    """What is in the spool folder beside its lock."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith(LOCK))


def file_of(outcome: Any) -> dict[str, Any]:
    """The one file of a receipt."""
    (file,) = outcome.receipt.members()["files"]
    return dict(file)


def link(path: Path, target: Path) -> Path:
    try:
        path.symlink_to(target)
    except OSError:
        pytest.skip("no right to make links")
    return path


# The map.


def test_a_handler_gets_the_local_path_and_the_receipt_says_both(
    exchange: Path, files_of: Callable[..., Files]
) -> None:
    seen, local = Seen(), f"{exchange.as_posix()}/a/x.jpg"
    files = files_of(paths={"z:/parts": exchange.as_posix()})
    with desk(request(handler=seen, files=("file", "files")), files=files) as made:
        sent = {"file": SENT, "files": [SENT, local], "word": "w"}
        outcome = made.run(params=sent)
        assert seen.params == [{"file": local, "files": [local, local], "word": "w"}]
        named = [(file["path"], file.get("sent")) for file in outcome.receipt.members()["files"]]
        # What was sent is said where it is another path.
        assert named == [(local, SENT), (local, SENT), (local, None)]
        assert sent == {"file": SENT, "files": [SENT, local], "word": "w"}


@pytest.mark.parametrize(
    "options", [{}, {"paths": {"Q:/": "/q"}}, {"settle_s": 0.5}], ids=["none", "a map", "settling"]
)
def test_what_needs_no_other_path_is_given_exactly_as_it_came(
    options: dict[str, Any], exchange: Path, files_of: Callable[..., Files], monkeypatch: pytest.MonkeyPatch
) -> None:
    if "paths" in options:
        options = {"paths": {"Q:/": str(exchange)}}
    monkeypatch.setattr(Settling, "_age_s", lambda self, status: 1000.0)
    seen = Seen()
    sent = f"{exchange}//./a/x.jpg"
    with desk(request(handler=seen, files=("file",)), files=files_of(**options)) as made:
        assert "sent" not in file_of(made.run(params={"file": sent}))
    assert seen.path == sent


def test_an_unreadable_file_is_named_as_it_was_sent(exchange: Path, files_of: Callable[..., Files]) -> None:
    with desk(request(files=("file",)), files=files_of(paths={"Z:/Parts": str(exchange)})) as made:
        error = made.run(params={"file": "Z:/Parts/nope.jpg"}).error
    assert isinstance(error, errors.FileUnreadable)
    assert str(error) == "File Z:/Parts/nope.jpg could not be read: there is no such file."


def test_the_journal_keeps_what_was_sent_and_a_recovered_job_is_mapped_anew(
    tmp_path: Path, exchange: Path, files_of: Callable[..., Files]
) -> None:
    elsewhere = tmp_path / "elsewhere"
    write(elsewhere / "a" / "x.jpg", b"other")
    kind = request(files=("file",))
    with desk(request("hold"), kind, folder=tmp_path, files=files_of(paths={"Z:/Parts": str(exchange)})) as made:
        made.hold(name="hold")
        submitted = made.submit(params={"file": SENT}, key="k", task=True)
        made.until(lambda: bool(submitted))
        record = made.kept(key="k")
        assert json.loads(record.params) == {"file": SENT}
    seen = Seen()
    kind = request(handler=seen, files=("file",))
    with desk(
        request("hold"),
        kind,
        folder=tmp_path,
        files=files_of(paths={"Z:/": str(tmp_path / "no"), "z:/parts": str(elsewhere)}),
    ) as made:
        made.bus.recover(made.journal.queued)
        outcome = made.run(params={"file": SENT}, key="k")
        # It is the job of before: its payload is what was sent.
        assert outcome.job == record.id
        assert seen.content == [b"other"]
        assert file_of(outcome)["sent"] == SENT


# The folders in which files may lie.


def test_a_link_that_leads_out_is_refused_before_it_is_opened(
    tmp_path: Path, exchange: Path, files_of: Callable[..., Files]
) -> None:
    link(exchange / "link.jpg", write(tmp_path / "secret.jpg", b"secret"))
    seen = Seen()
    kind = request(handler=seen, files=("file",))
    sent = str(exchange / "link.jpg")
    with desk(kind, files=files_of(allowed_roots=(str(exchange),))) as made:
        error = made.run(params={"file": sent}).error
        assert isinstance(error, errors.PathRefused)
        (problem,) = error.problems
        assert problem.pointer == "/file"
        assert problem.message == (
            f"{shown(sent)} leads out of the folders in which files may lie; allowed: a whole path in {exchange}"
        )
        assert seen.params == []
        assert made.run(params={"file": str(exchange / "a" / "x.jpg")}).error is None
    # Without the folders it is imported.
    with desk(kind, files=files_of()) as made:
        assert made.run(params={"file": sent}).error is None
    assert seen.content[-1] == b"secret"


def test_what_is_outside_by_its_text_is_refused_before_it_is_queued(
    tmp_path: Path, exchange: Path, files_of: Callable[..., Files]
) -> None:
    secret = write(tmp_path / "exchange2" / "x.jpg", b"secret")
    with desk(request(files=("file",)), by_hand=True, files=files_of(allowed_roots=(str(exchange),))) as made:
        (outcome,) = made.submit(params={"file": str(secret)})
        assert isinstance(outcome.error, errors.PathRefused)
        assert made.bus.unfinished == 0


def test_a_recovered_job_is_held_against_the_folders_of_now(
    tmp_path: Path, exchange: Path, files_of: Callable[..., Files]
) -> None:
    kind, sent = request(files=("file",)), str(exchange / "a" / "x.jpg")
    with desk(request("hold"), kind, folder=tmp_path, files=files_of()) as made:
        made.hold(name="hold")
        submitted = made.submit(params={"file": sent}, key="k", task=True)
        made.until(lambda: bool(submitted))
    with desk(request("hold"), kind, folder=tmp_path, files=files_of(allowed_roots=(str(tmp_path / "b"),))) as made:
        made.bus.recover(made.journal.queued)
        made.settle()
        task = task_of(made.kept(key="k"))
        assert (task["status"], task["error"]["data"]["code"]) == (CANCELLED, "path_refused")


# Waiting.


class Waiting:
    """A settle gate that waits for the test, and not for time."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.go_on = threading.Event()
        self.stopping = False
        self.files = SiteFiles(PathMap({}), None, Settling(2.0, 30.0, self._wait, self._held), None, self._stop)
        self._holds = True

    def _held(self, path: str) -> bool:
        return self._holds

    def _wait(self, seconds: float) -> bool:
        self.entered.set()
        assert self.go_on.wait(WAIT_S)
        self._holds = False
        return self.stopping

    def _stop(self) -> None:
        self.stopping = True
        self.go_on.set()


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> Waiting:
    """Its files are as old as can be, and held by their writer until the test lets go."""
    monkeypatch.setattr(Settling, "_age_s", lambda self, status: 1000.0)
    return Waiting()


def test_a_file_that_is_still_written_is_waited_for_and_nothing_overtakes_it(exchange: Path, waiting: Waiting) -> None:
    with desk(request(files=("file",)), files=waiting.files) as made:
        first = made.submit(params={"file": str(exchange / "a" / "x.jpg"), "word": "first"})
        second = made.submit(params={"word": "second"})
        made.until(lambda: made.executor.unfinished > 0)
        assert waiting.entered.wait(WAIT_S)
        assert made.gom.words == []
        waiting.go_on.set()
        made.until(lambda: bool(first and second))
        assert made.gom.words == ["first", "second"]


def test_a_file_that_never_settles_is_refused(exchange: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Settling(2.0, 30.0, lambda seconds: False, lambda path: True)
    monkeypatch.setattr(gate, "end_s", lambda: 0.0)
    seen = Seen()
    sent = str(exchange / "a" / "x.jpg")
    with desk(
        request(handler=seen, files=("file",)), files=SiteFiles(PathMap({}), None, gate, None, lambda: None)
    ) as made:
        error = made.run(params={"file": sent}).error
    assert error is not None
    assert code_of(error) == "file_unsettled"
    assert str(error) == f"File {sent} was still held open by the program that writes it after 30 s."
    assert seen.params == []


def test_a_server_that_stops_keeps_what_waits_for_its_file(
    tmp_path: Path, exchange: Path, waiting: Waiting, files_of: Callable[..., Files]
) -> None:
    sent = {"file": str(exchange / "a" / "x.jpg"), "word": "w"}
    with desk(request(files=("file",)), folder=tmp_path, files=waiting.files) as made:
        answers = made.submit(params=sent, key="k")
        made.until(lambda: made.executor.unfinished > 0)
        assert waiting.entered.wait(WAIT_S)
        made.bus.stop()
        made.settle()
        assert isinstance(answers[0].error, errors.ServerStopping)
        record = made.kept(key="k")
        assert (record.state, record.started) == (QUEUED, None)
        assert made.gom.words == []
    with desk(request(files=("file",)), folder=tmp_path, files=files_of()) as made:
        made.bus.recover(made.journal.queued)
        assert made.run(params=sent, key="k").job == record.id
        assert made.gom.words == ["w"]
    # It was begun once.
    lines = (tmp_path / "receipts.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["receipt"]["job"] for line in lines] == [record.id]


def test_a_server_that_stops_refuses_what_waits_for_its_file_where_nobody_asks_again(
    tmp_path: Path, exchange: Path, waiting: Waiting
) -> None:
    with desk(request(files=("file",)), folder=tmp_path, files=waiting.files) as made:
        answers = made.submit(params={"file": str(exchange / "a" / "x.jpg")})
        made.until(lambda: made.executor.unfinished > 0)
        assert waiting.entered.wait(WAIT_S)
        made.bus.stop()
        made.settle()
        assert isinstance(answers[0].error, errors.ServerStopping)
        record = made.kept(id=answers[0].job)
        assert (record.state, record.started) == (CANCELLED, None)
    assert not (tmp_path / "receipts.jsonl").read_text(encoding="utf-8")


# Copies.


def test_a_handler_gets_a_copy_that_is_gone_when_it_has_returned(
    tmp_path: Path, exchange: Path, files_of: Callable[..., Files]
) -> None:
    spool, seen = tmp_path / "spool", Seen()
    files = files_of(spool=str(spool), paths={"Z:/Parts": str(exchange)})
    with desk(request(handler=seen, files=("file",)), files=files) as made:
        outcome = made.run(params={"file": SENT})
        assert spool in Path(seen.path).parents
        assert Path(seen.path).name == "x.jpg"
        assert seen.content == [b"picture"]
        assert file_of(outcome) == {
            "parameter": "/file",
            "path": seen.path,
            "sent": SENT,
            "source": str(exchange / "a" / "x.jpg"),
            "size": 7,
            "mtime": "2020-09-13T12:26:40.250Z",
            "sha256": hashlib.sha256(b"picture").hexdigest(),
            "changed": False,
        }
        assert outcome.job in Path(seen.path).parents[1].name
        assert spooled(spool) == []


def test_copies_of_two_files_of_one_name_are_two(
    tmp_path: Path, exchange: Path, files_of: Callable[..., Files]
) -> None:
    other = write(exchange / "b" / "x.jpg", b"other")
    seen = Seen()
    with desk(request(handler=seen, files=("files",)), files=files_of(spool=str(tmp_path / "spool"))) as made:
        assert made.run(params={"files": [str(exchange / "a" / "x.jpg"), str(other)]}).error is None
    assert seen.content == [b"picture", b"other"]


def test_copies_are_gone_when_the_handler_failed_and_when_another_file_cannot_be_copied(
    tmp_path: Path, exchange: Path, files_of: Callable[..., Files]
) -> None:
    spool, seen = tmp_path / "spool", Seen(fail=True)
    good = str(exchange / "a" / "x.jpg")
    with desk(request(handler=seen, files=("files",)), files=files_of(spool=str(spool))) as made:
        assert str(made.run(params={"files": [good]}).error) == "It failed."
        assert spooled(spool) == []
        outcome = made.run(params={"files": [good, str(exchange / "nope.jpg")]})
        assert isinstance(outcome.error, errors.FileUnreadable)
        assert spooled(spool) == []
        assert len(seen.params) == 1


def test_copies_stay_for_the_days_that_are_set(tmp_path: Path, exchange: Path, files_of: Callable[..., Files]) -> None:
    seen = Seen()
    files = files_of(spool=str(tmp_path / "spool"), spool_days=1)
    with desk(request(handler=seen, files=("file",)), files=files) as made:
        made.run(params={"file": str(exchange / "a" / "x.jpg")})
        assert Path(seen.path).read_bytes() == b"picture"


class Meddling:
    """A spool whose source another program writes to during the first so many copies."""

    def __init__(self, folder: Path, source: Path, times: int) -> None:
        self.left = times
        self._source = source
        self.spool = Spool(folder, 0, self._meddle)

    def _meddle(self) -> bool:
        if self.left:
            self.left -= 1
            # As long as it was, so that a copy meets it once.
            self._source.write_bytes(b"%07d" % self.left)
        return False


@pytest.mark.parametrize("gate", [False, True], ids=["at once", "when it has settled"])
def test_what_changes_while_it_is_copied_is_copied_again(
    gate: bool, tmp_path: Path, exchange: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Settling, "_age_s", lambda self, status: 1000.0)
    asked: list[str] = []
    settle = Settling(2.0, 30.0, lambda seconds: False, lambda path: bool(asked.append(path))) if gate else None
    path = exchange / "a" / "x.jpg"
    meddling, seen = Meddling(tmp_path / "spool", path, times=2), Seen()
    files = SiteFiles(PathMap({}), None, settle, meddling.spool, lambda: None)
    with desk(request(handler=seen, files=("file",)), files=files) as made:
        outcome = made.run(params={"file": str(path)})
        assert outcome.error is None
    files.close()
    assert seen.content == [b"0000000"]
    assert file_of(outcome)["sha256"] == hashlib.sha256(b"0000000").hexdigest()
    assert len(asked) == (3 if gate else 0)


def test_what_changes_each_time_that_it_is_copied_is_refused(tmp_path: Path, exchange: Path) -> None:
    path = exchange / "a" / "x.jpg"
    meddling, seen = Meddling(tmp_path / "spool", path, times=1000), Seen()
    files = SiteFiles(PathMap({}), None, None, meddling.spool, lambda: None)
    with desk(request(handler=seen, files=("file",)), files=files) as made:
        error = made.run(params={"file": str(path)}).error
        assert isinstance(error, errors.FileUnsettled)
        assert str(error) == f"File {path} changed each of the 3 times that it was copied."
        assert spooled(tmp_path / "spool") == []
    files.close()
    assert meddling.left == 1000 - site.TRIES
    assert seen.params == []


def test_a_link_that_is_put_in_after_the_check_is_not_copied(
    tmp_path: Path, exchange: Path, files_of: Callable[..., Files], monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = write(tmp_path / "secret.jpg", b"secret")
    path, seen = exchange / "a" / "x.jpg", Seen()
    files = files_of(spool=str(tmp_path / "spool"), allowed_roots=(str(exchange),))
    check = SiteFiles._check_links

    def check_and_lose_the_race(self: SiteFiles, file: Any) -> None:
        check(self, file)
        path.unlink(missing_ok=True)
        link(path, secret)

    monkeypatch.setattr(SiteFiles, "_check_links", check_and_lose_the_race)
    with desk(request(handler=seen, files=("file",)), files=files) as made:
        assert isinstance(made.run(params={"file": str(path)}).error, errors.PathRefused)
    assert seen.params == []


def test_a_server_that_stops_does_not_finish_a_copy(tmp_path: Path, exchange: Path) -> None:
    copying, go_on = threading.Event(), threading.Event()

    def stopping() -> bool:
        copying.set()
        assert go_on.wait(WAIT_S)
        return True

    seen = Seen()
    files = SiteFiles(PathMap({}), None, None, Spool(tmp_path / "spool", 0, stopping), go_on.set)
    with desk(request(handler=seen, files=("file",)), folder=tmp_path, files=files) as made:
        answers = made.submit(params={"file": str(exchange / "a" / "x.jpg")}, key="k")
        made.until(lambda: made.executor.unfinished > 0)
        assert copying.wait(WAIT_S)
        made.bus.stop()
        made.settle()
        assert isinstance(answers[0].error, errors.ServerStopping)
        assert made.kept(key="k").state == QUEUED
    files.close()
    assert seen.params == []
    assert spooled(tmp_path / "spool") == []


# Plans.


def plan_of(made: Desk, **params: Any) -> Any:
    return made.run(params=params, plan=True).result


def test_a_plan_shows_what_was_sent_where_it_is_whether_it_has_settled_and_that_it_would_be_copied(
    tmp_path: Path, exchange: Path, files_of: Callable[..., Files], monkeypatch: pytest.MonkeyPatch
) -> None:
    local = f"{exchange}/a/x.jpg"
    files = files_of(
        paths={"Z:/Parts": str(exchange)},
        allowed_roots=(str(exchange),),
        spool=str(tmp_path / "spool"),
        settle_s=2,
    )
    with desk(request(files=("file",), handler=Seen()), files=files) as made:
        for age_s, settled in ((1000.0, True), (0.0, False)):
            monkeypatch.setattr(Settling, "_age_s", lambda self, status, age_s=age_s: age_s)
            plan = plan_of(made, file=SENT)
            assert plan["files"] == [
                {
                    "parameter": "/file",
                    "path": local,
                    "sent": SENT,
                    "resolved": os.path.realpath(local),
                    "size": 7,
                    "mtime": "2020-09-13T12:26:40.250Z",
                    "settled": settled,
                    "copied": True,
                }
            ]
            # A run waits for it.
            assert plan["ok"]
    assert spooled(tmp_path / "spool") == []


def test_a_planned_handler_gets_the_local_path(exchange: Path, files_of: Callable[..., Files]) -> None:
    seen = Seen()
    with desk(request(files=("file",), handler=seen), files=files_of(paths={"Z:/Parts": str(exchange)})) as made:
        assert plan_of(made, file=SENT)["ok"]
        assert made.gom.words == []
    assert seen.path == f"{exchange}/a/x.jpg"


def test_a_plan_says_of_a_link_that_leads_out_only_that_it_does(
    tmp_path: Path, exchange: Path, files_of: Callable[..., Files]
) -> None:
    sent = str(link(exchange / "link.jpg", write(tmp_path / "secret.jpg", b"secret")))
    with desk(request(files=("file",)), files=files_of(allowed_roots=(str(exchange),), settle_s=2)) as made:
        plan = plan_of(made, file=sent)
        (failing,) = plan["failing"]
        assert failing["code"] == "path_refused"
        assert failing["errors"][0]["pointer"] == "/file"
        assert plan["files"] == [{"parameter": "/file", "path": sent, "resolved": None, "size": None, "mtime": None}]
        assert "secret" not in json.dumps(plan)


def test_a_plan_says_what_is_refused_by_its_text_or_unreadable(exchange: Path, files_of: Callable[..., Files]) -> None:
    files = files_of(allowed_roots=(str(exchange),), paths={"Z:/Parts": str(exchange)}, settle_s=2)
    with desk(request(files=("file",)), files=files) as made:
        assert plan_of(made, file="Z:/Other/x.jpg")["failing"][0]["code"] == "path_refused"
        (failing,) = plan_of(made, file="Z:/Parts/nope.jpg")["failing"]
        assert failing["message"] == "File Z:/Parts/nope.jpg could not be read: there is no such file."


def test_a_plan_of_a_file_that_goes_while_it_is_looked_at_says_so(
    exchange: Path, files_of: Callable[..., Files], monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(self: Settling, file: Any) -> bool:
        raise errors.FileUnreadable("It is gone.")

    monkeypatch.setattr(settling.Settling, "settled", gone)
    with desk(request(files=("file",)), files=files_of(settle_s=2)) as made:
        plan = plan_of(made, file=str(exchange / "a" / "x.jpg"))
    assert [failing["message"] for failing in plan["failing"]] == ["It is gone."]
