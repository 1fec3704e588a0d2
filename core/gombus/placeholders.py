"""What a planned handler gets in place of gom's objects: it can be read and passed on, and cannot act."""

from __future__ import annotations

import operator
import os
import time
from collections.abc import Iterator
from typing import Any, Callable, NoReturn

from .rendering import name_of, noted

MAX_STEPS = 10_000
"""How often a handler may use what a plan gives it: as nothing is run, one that waits for a change would never end."""
LIMIT_S = 30.0
"""How long it may take, in s; real requests wait meanwhile."""
_VALUES = (str, int, float, bytes)


class CannotPlan(BaseException):
    """The plan ends here. No Exception: a handler that catches those must not go on with what is made up."""


class Notes:
    """What was noted while one handler ran.

    :param refusal: gom.RequestError.
    """

    def __init__(self, refusal: type[Exception]) -> None:
        self.calls: list[dict[str, Any]] = []
        """Each ``{"command": path, "arguments": JSON object}``."""
        self._given: set[str] = set()
        self._stand_ins: dict[str, type] = {}
        self._steps = 0
        self._end_s = time.monotonic() + LIMIT_S
        # What a plan reads may exist only once its commands have run.
        self._missing = (refusal, AttributeError, LookupError)

    def step(self) -> None:
        """Count one use of what the plan gives.

        :raises CannotPlan: there were too many.
        """
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise CannotPlan(f"its handler did not end within {MAX_STEPS} steps")
        if time.monotonic() > self._end_s:
            raise CannotPlan(f"its handler did not end within {LIMIT_S:g} s")

    def note(self, path: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Placeholder:
        """Note a call, and give what stands for its result."""
        self.step()
        self.calls.append(noted(path, args, kwargs))
        self._given.update(_texts((args, kwargs)))
        return Placeholder(f"{path}(…)", self)

    def read(self, path: str, reading: Callable[[], Any], key: Any = None) -> Any:
        """Read something of gom.app for real; what is not there after a noted command may come with it.

        :param key: what it is looked up by; None where it is an attribute.
        """
        self.step()
        try:
            value = reading()
        except self._missing:
            # A name that no command was given is of nothing that they make.
            if not self.calls or (isinstance(key, str) and key not in self._given):
                raise
            return Placeholder(path, self)
        return self.shown(path, value)

    def shown(self, path: str, value: Any) -> Any:
        """Plain values as they are, also in lists, and all else as something that cannot act."""
        if value is None or isinstance(value, _VALUES):
            return value
        if type(value) in (list, tuple):
            return type(value)(self.shown(f"{path}[{index}]", item) for index, item in enumerate(value))
        if type(value) is dict:
            return {key: self.shown(f"{path}[{_word(key)}]", item) for key, item in value.items()}
        return Read(path, value, self)

    def stand_in(self, name: str, real: type) -> type:
        """A class for one of gom's types: making a real one would be a call. Always the same, for isinstance."""
        if name not in self._stand_ins:

            def keep(made: Placeholder, /, *args: Any, **kwargs: Any) -> None:
                made.__dict__.update(__args__=args, __kwargs__=kwargs)
                Placeholder.__init__(made, name_of(made), self)

            self._stand_ins[name] = _StandIn(name, (Placeholder,), {"__init__": keep, "__real__": real})
        return self._stand_ins[name]


class _StandIn(type):
    """The class of those classes."""

    __real__: type

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(_real(instance), cls.__real__) if isinstance(instance, Read) else cls is type(instance)


_Method = Callable[..., Any]


def _operator(sign: str, act: Callable[[Any, Any], Any]) -> tuple[_Method, _Method]:
    """An operator, and the same from the right; of what is not known it gives a placeholder."""

    def compute(self: Placeholder, one: Any, two: Any) -> Any:
        _notes(self).step()
        path = f"({_word(one)} {sign} {_word(two)})"
        if _made_up(one) or _made_up(two):
            return Placeholder(path, _notes(self))
        return _notes(self).shown(path, act(_real(one), _real(two)))

    return lambda self, other: compute(self, self, other), lambda self, other: compute(self, other, self)


def _asks(act: Callable[..., Any]) -> _Method:
    """What Python takes nothing but a value for."""

    def ask(self: Placeholder, *others: Any) -> Any:
        _notes(self).step()
        for value in filter(_made_up, (self, *others)):
            _unknown(value)
        return _notes(self).shown(f"{act.__name__}({_word(self)})", act(_real(self), *map(_real, others)))

    return ask


class Placeholder:
    """Stands for what is there only once the planned commands have run. It can be passed on; its value is not known."""

    def __init__(self, path: str, notes: Notes) -> None:
        # Names with underscores at both ends: what a handler asks for must lead on, not here.
        self.__dict__.update(__gom_name__=path, __path__=path, __notes__=notes)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            # Python itself asks, such as `copy`; nothing of INSPECT's has such a name.
            raise AttributeError(name)
        return self._at(f".{name}", lambda real: getattr(real, name))

    def __getitem__(self, key: Any) -> Any:
        return self._at(f"[{_word(key)}]", lambda real: real[_real(key)], key)

    def __setattr__(self, name: str, value: Any) -> None:
        self._note(f".{name} = …", (), {"value": value})

    def __setitem__(self, key: Any, value: Any) -> None:
        self._note(f"[{_word(key)}] = …", (), {"value": value})

    def __call__(self, *args: Any, **kwargs: Any) -> Placeholder:
        return self._note("", args, kwargs)

    def __enter__(self) -> Placeholder:
        return self

    def __exit__(self, *raised: object) -> None:
        """Nothing was opened."""

    def __iter__(self) -> Iterator[Any]:
        _unknown(self)

    def __bool__(self) -> bool:
        _notes(self).step()
        return True

    def __eq__(self, other: object) -> bool:
        _notes(self).step()
        if isinstance(other, _VALUES):
            _unknown(self)
        return self is other

    __hash__ = object.__hash__

    def __contains__(self, item: object) -> bool:
        _unknown(self)

    def __repr__(self) -> str:
        return name_of(self)

    def __format__(self, spec: str) -> str:
        return str(self)

    __add__, __radd__ = _operator("+", operator.add)
    __sub__, __rsub__ = _operator("-", operator.sub)
    __mul__, __rmul__ = _operator("*", operator.mul)
    __truediv__, __rtruediv__ = _operator("/", operator.truediv)
    __floordiv__, __rfloordiv__ = _operator("//", operator.floordiv)
    __mod__, __rmod__ = _operator("%", operator.mod)
    __pow__, __rpow__ = _operator("**", operator.pow)
    __neg__, __abs__, __round__ = _asks(operator.neg), _asks(abs), _asks(round)
    __int__, __float__, __index__ = _asks(int), _asks(float), _asks(operator.index)
    __len__, __fspath__ = _asks(len), _asks(os.fspath)
    __lt__, __le__, __gt__, __ge__ = map(_asks, (operator.lt, operator.le, operator.gt, operator.ge))

    def _at(self, step: str, reading: Callable[[Any], Any], key: Any = None) -> Any:
        _notes(self).step()
        return Placeholder(f"{_path(self)}{step}", _notes(self))

    def _note(self, step: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Placeholder:
        return _notes(self).note(f"{_path(self)}{step}", args, kwargs)


class Read(Placeholder):
    """Something that was read of gom.app: it can be read further and computed with, and cannot act."""

    def __init__(self, path: str, value: Any, notes: Notes) -> None:
        super().__init__(path, notes)
        # Its name in a receipt, which knows no path.
        self.__dict__.update(__gom_name__=name_of(value), __value__=value)

    def __iter__(self) -> Iterator[Any]:
        for index, value in enumerate(_real(self)):
            _notes(self).step()
            yield _notes(self).shown(f"{_path(self)}[{index}]", value)

    def __bool__(self) -> bool:
        _notes(self).step()
        return bool(_real(self))

    def __eq__(self, other: object) -> bool:
        _notes(self).step()
        # The real client would ask INSPECT to compare with anything, and INSPECT knows no placeholder.
        return not _made_up(other) and bool(_real(self) == _real(other))

    def __hash__(self) -> int:
        return hash(_real(self))

    def __contains__(self, item: object) -> bool:
        _notes(self).step()
        return not _made_up(item) and _real(item) in _real(self)

    def __repr__(self) -> str:
        return repr(_real(self))

    def __str__(self) -> str:
        return str(_real(self))

    def __format__(self, spec: str) -> str:
        return format(_real(self), spec)

    def _at(self, step: str, reading: Callable[[Any], Any], key: Any = None) -> Any:
        if _made_up(key):
            # INSPECT does not know it, so it is not asked.
            return super()._at(step, reading)
        return _notes(self).read(f"{_path(self)}{step}", lambda: reading(_real(self)), key)


def _notes(value: Placeholder) -> Notes:
    notes: Notes = value.__dict__["__notes__"]
    return notes


def _path(value: Placeholder) -> str:
    return str(value.__dict__["__path__"])


def _made_up(value: object) -> bool:
    return isinstance(value, Placeholder) and not isinstance(value, Read)


def _real(value: Any) -> Any:
    return value.__dict__["__value__"] if isinstance(value, Read) else value


def _unknown(value: Placeholder) -> NoReturn:
    raise CannotPlan(f"its handler needs the value of {name_of(value)}, which is there only once the commands have run")


def _word(value: Any) -> str:
    return repr(value) if value is None or isinstance(value, _VALUES) else name_of(value)


def _texts(value: Any) -> Iterator[str]:
    """Every text in it, however deep, as far as it can be walked in a moment."""
    left = [value]
    for _ in range(MAX_STEPS):
        if not left:
            return
        inner = left.pop()
        if isinstance(inner, str):
            yield inner
        elif isinstance(inner, (list, tuple)):
            left.extend(inner)
        elif isinstance(inner, dict):
            left.extend(inner.values())
