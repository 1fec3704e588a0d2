"""What handlers know as gom: commands, faults, delays, and the one thread."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any, Callable

import pytest

import gombus_kit.twin.twin as twin_module
from gombus_kit.twin import BreakError, Faults, File, Project, RequestError, Twin, errors

ADD = "gom.script.test.add"


class Taught:
    """A twin that knows one command, and what the command did."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.twin = Twin(faults)
        self.done: list[int] = []

        @self.twin.command(ADD)
        def add(number: int, times: int = 1) -> int:
            self.done.append(number * times)
            return sum(self.done)


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the twin waits each time; nothing really sleeps."""
    waits: list[float] = []
    monkeypatch.setattr(twin_module, "time", SimpleNamespace(sleep=waits.append))
    return waits


def raised_elsewhere(action: Callable[[], Any]) -> BaseException | None:
    """What the action raises on a thread that is not this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(action).exception()


def test_a_command_gets_its_keyword_arguments_and_gives_its_result() -> None:
    taught = Taught()
    assert taught.twin.script.test.add(number=2, times=3) == 6
    assert taught.done == [6]


@pytest.mark.parametrize("root", ["script", "interactive", "api"])
def test_commands_can_be_taught_under_every_root(root: str) -> None:
    twin = Twin()
    twin.command(f"gom.{root}.group.part.act")(lambda: root)
    assert getattr(twin, root).group.part.act() == root
    assert twin.commands == (f"gom.{root}.group.part.act",)


def test_teaching_leaves_the_function_as_it_is() -> None:
    def act() -> int:
        return 5

    assert Twin().command("gom.script.test.act")(act) is act


def test_a_new_twin_knows_no_command_and_has_an_empty_project() -> None:
    twin = Twin()
    assert twin.commands == ()
    assert isinstance(twin.project, Project)
    assert twin.app.project is twin.project
    assert len(twin.project.measurement_series) == 0


def test_two_twins_share_nothing() -> None:
    one, two = Twin(), Twin()
    one.command(ADD)(lambda: None)
    one.faults.delay_s = 5
    one.project.create_series("one", 50)
    assert two.commands == ()
    assert two.faults == Faults()
    assert len(two.project.measurement_series) == 0


@pytest.mark.parametrize(
    ("act", "name"),
    [
        pytest.param(lambda gom: gom.script.test.subtract(number=1), "gom.script.test.subtract", id="not taught"),
        pytest.param(lambda gom: gom.interactive.test.add(number=1), "gom.interactive.test.add", id="another root"),
        pytest.param(lambda gom: gom.script.test(number=1), "gom.script.test", id="a group"),
        pytest.param(lambda gom: gom.script.test.add.more(), "gom.script.test.add.more", id="below a command"),
    ],
)
def test_an_unknown_command_is_refused(act: Callable[[Any], Any], name: str) -> None:
    taught = Taught()
    with pytest.raises(RequestError, match=f"There is no command {name}") as caught:
        act(taught.twin)
    assert caught.value.error_code == errors.UNKNOWN_COMMAND
    assert taught.done == []
    assert [call.command for call in taught.twin.calls] == [name]


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({}, id="one is missing"),
        pytest.param({"number": 1, "colour": "red"}, id="one is not known"),
        pytest.param({"Number": 1}, id="misspelled"),
    ],
)
def test_keyword_arguments_that_the_command_does_not_have_are_refused_as_inspect_does(
    arguments: Mapping[str, Any],
) -> None:
    taught = Taught()
    with pytest.raises(RequestError) as caught:
        taught.twin.script.test.add(**arguments)
    assert caught.value.error_code == errors.BAD_ARGUMENT
    assert ADD in caught.value.description
    assert taught.done == []
    assert list(taught.twin.calls) == [(ADD, dict(arguments))]


def test_a_bug_in_a_taught_command_is_not_hidden_as_a_refusal() -> None:
    twin = Twin()

    @twin.command(ADD)
    def add(number: Any) -> Any:
        return number + "text"

    with pytest.raises(TypeError, match="unsupported operand"):
        twin.script.test.add(number=1)


def test_positional_arguments_are_not_taken() -> None:
    # The real client drops them without a word; here it shows at the desk.
    taught = Taught()
    with pytest.raises(TypeError):
        taught.twin.script.test.add(1)
    assert taught.done == []
    assert list(taught.twin.calls) == []


def test_what_the_command_refuses_comes_through() -> None:
    twin = Twin()
    twin.command(ADD)(lambda name: twin.project.create_series(name, 50))
    with pytest.raises(twin.RequestError) as caught:
        twin.script.test.add(name="")
    assert caught.value.error_code == errors.BAD_ARGUMENT


def test_calls_are_remembered_with_their_arguments_in_order_refused_ones_too() -> None:
    taught = Taught()
    taught.twin.script.test.add(number=1)
    with pytest.raises(RequestError):
        taught.twin.script.test.unknown(text="50.0")
    taught.twin.script.test.add(times=2, number=3)
    assert list(taught.twin.calls) == [
        (ADD, {"number": 1}),
        ("gom.script.test.unknown", {"text": "50.0"}),
        (ADD, {"number": 3, "times": 2}),
    ]


def test_only_the_last_calls_are_remembered() -> None:
    taught = Taught()
    for number in range(twin_module.MAX_CALLS + 3):
        taught.twin.script.test.add(number=number)
    assert len(taught.twin.calls) == twin_module.MAX_CALLS == 10_000
    assert taught.twin.calls[0].arguments == {"number": 3}
    assert taught.twin.calls[-1].arguments == {"number": twin_module.MAX_CALLS + 2}


@pytest.mark.parametrize(
    ("faults", "waited"),
    [
        pytest.param(Faults(), [], id="no delay"),
        pytest.param(Faults(delay_s=1.5), [1.5], id="of every command"),
        pytest.param(Faults(delays_s={ADD: 2.5}), [2.5], id="of this command"),
        pytest.param(Faults(delay_s=1.5, delays_s={ADD: 2.5}), [2.5], id="of this command in place of every command's"),
        pytest.param(Faults(delay_s=1.5, delays_s={ADD: 0}), [], id="of every command but this one"),
        pytest.param(Faults(delays_s={"gom.script.test.other": 2.5}), [], id="of another command"),
        pytest.param(Faults(delay_s=1.5, faults={"gom.script.test.other": "refuse"}), [1.5], id="beside a fault"),
    ],
)
def test_a_command_takes_as_long_as_it_is_told_to(faults: Faults, waited: list[float], slept: list[float]) -> None:
    taught = Taught(faults)
    assert taught.twin.script.test.add(number=1) == 1
    assert slept == waited


def test_a_delay_passes_before_the_command_does_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    taught = Taught(Faults(delay_s=1))
    seen: list[list[int]] = []
    monkeypatch.setattr(twin_module, "time", SimpleNamespace(sleep=lambda _: seen.append(list(taught.done))))
    taught.twin.script.test.add(number=1)
    assert seen == [[]]
    assert taught.done == [1]


def test_reading_the_project_takes_no_time(slept: list[float]) -> None:
    twin = Twin(Faults(delay_s=1))
    assert len(twin.app.project.measurement_series) == 0
    assert slept == []


FAULTS = [("refuse", RequestError), ("break", BreakError), ("error", RuntimeError)]


@pytest.mark.parametrize(("kind", "error"), FAULTS)
def test_a_fault_is_raised_after_the_delay_and_in_place_of_the_command(
    kind: str, error: type[Exception], slept: list[float]
) -> None:
    taught = Taught(Faults(delay_s=1.5, faults={ADD: kind}))
    with pytest.raises(error, match="the twin was told to") as caught:
        taught.twin.script.test.add(number=1)
    # A RequestError is a RuntimeError, too.
    assert caught.type is error
    assert taught.done == []
    assert slept == [1.5]
    assert list(taught.twin.calls) == [(ADD, {"number": 1})]


def test_a_refusal_that_was_ordered_has_a_code_of_its_own() -> None:
    taught = Taught(Faults(faults={ADD: "refuse"}))
    with pytest.raises(RequestError) as caught:
        taught.twin.script.test.add(number=1)
    assert caught.value.error_code == errors.FAULT


@pytest.mark.parametrize(("kind", "error"), FAULTS)
def test_faults_can_be_switched_on_and_off_while_the_twin_runs(kind: str, error: type[Exception]) -> None:
    taught = Taught()
    taught.twin.script.test.add(number=1)
    taught.twin.faults.faults[ADD] = kind
    with pytest.raises(error):
        taught.twin.script.test.add(number=2)
    del taught.twin.faults.faults[ADD]
    taught.twin.script.test.add(number=3)
    assert taught.done == [1, 3]


def test_another_command_is_not_touched_by_a_fault() -> None:
    taught = Taught(Faults(faults={"gom.script.test.other": "refuse"}))
    assert taught.twin.script.test.add(number=1) == 1


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda gom: gom.script.test.add(number=1), id="a command"),
        pytest.param(lambda gom: gom.script.test.unknown(), id="an unknown command"),
        pytest.param(lambda gom: gom.app, id="gom.app"),
    ],
)
def test_another_thread_is_turned_away_as_by_the_real_client(act: Callable[[Any], Any], slept: list[float]) -> None:
    taught = Taught(Faults(delay_s=1))
    error = raised_elsewhere(lambda: act(taught.twin))
    # A RequestError would be answered as INSPECT's refusal, and this is a bug of the caller's.
    assert type(error) is RuntimeError
    assert "only on the thread that opened it" in str(error)
    assert (taught.done, slept, list(taught.twin.calls)) == ([], [], [])


def test_the_thread_that_made_the_twin_is_the_one_that_may_use_it() -> None:
    with ThreadPoolExecutor(1) as pool:
        taught = pool.submit(Taught).result()
        assert pool.submit(lambda: taught.twin.script.test.add(number=1)).result() == 1
    with pytest.raises(RuntimeError):
        taught.twin.script.test.add(number=1)


def test_files_are_equal_where_their_paths_are() -> None:
    file = File("C:/temp/example.jpg")
    assert file.path == "C:/temp/example.jpg"
    assert file == File("C:/temp/example.jpg")
    assert len({file, File("C:/temp/example.jpg"), File("C:/temp/other.jpg")}) == 2
    assert file != "C:/temp/example.jpg"
    assert repr(file) == "gom.File('C:/temp/example.jpg')"


def test_a_twin_has_the_types_that_handlers_ask_gom_for() -> None:
    twin = Twin()
    assert (twin.RequestError, twin.BreakError, twin.File) == (RequestError, BreakError, File)
