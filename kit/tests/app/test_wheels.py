from __future__ import annotations

from pathlib import Path

import pytest

from gombus_kit.app import archive
from gombus_kit.app.wheels import WheelError, read
from wheelhouse import wheel


def test_what_a_wheel_says_of_itself(tmp_path: Path) -> None:
    made = wheel(
        tmp_path,
        "Acme.Import",
        "2.1",
        requires=["gombus>=0.1", "tomli; python_version < '3.11'"],
        tag="cp39-cp39-win_amd64",
        plugins={"acme": "acme_import", "100%": "acme_percent"},
        lines=["Author: Jo", "License-Expression: MIT"],
    )
    assert (made.name, str(made.version), made.pure) == ("acme-import", "2.1", False)
    assert [str(need) for need in made.requires] == ["gombus>=0.1", 'tomli; python_version < "3.11"']
    assert made.plugins == ("acme_import", "acme_percent")
    assert made.author == "Jo"
    assert made.licence.startswith("Acme.Import 2.1\nLicence: MIT\n")


def test_a_wheel_of_pure_python(tmp_path: Path) -> None:
    made = wheel(tmp_path, "acme", tag="py2.py3-none-any")
    assert (made.pure, made.plugins, made.requires, made.author) == (True, (), (), "")


def test_all_its_licences_are_told(tmp_path: Path) -> None:
    made = wheel(
        tmp_path,
        "acme",
        files={
            "INFO/licenses/LICENSE.txt": "Do as you like.",
            "INFO/licenses/vendored/COPYING": "Copy it.",
            "INFO/licenses/TERMS": "And more.",
            "INFO/RECORD": "nothing of it",
            "acme/LICENSE": "of something else",
        },
        lines=["License-File: TERMS", "Classifier: License :: OSI Approved :: BSD License"],
    )
    assert made.licence == (
        "acme 1.0\nLicence: BSD License\n\nLICENSE.txt\n\nDo as you like.\n\n"
        "TERMS\n\nAnd more.\n\nvendored/COPYING\n\nCopy it.\n"
    )


def test_an_old_wheel_with_its_licence_in_the_metadata(tmp_path: Path) -> None:
    assert "Licence: Apache 2" in wheel(tmp_path, "acme", lines=["License: Apache 2"]).licence


def test_a_wheel_that_names_no_licence(tmp_path: Path) -> None:
    assert wheel(tmp_path, "acme").licence == "acme 1.0\nLicence: it names none\n"
    (tmp_path / "more").mkdir()
    made = wheel(tmp_path / "more", "acme", files={"INFO/LICENSE": "Do as you like."})
    assert made.licence == "acme 1.0\nLicence: see below\n\nLICENSE\n\nDo as you like.\n"


def test_a_licence_of_many_lines_in_the_metadata_is_told_whole(tmp_path: Path) -> None:
    made = wheel(tmp_path, "acme", lines=["License: Do as you like,", "        and say so."])
    assert "Do as you like,\n        and say so." in made.licence


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("acme.whl", b"", "is no wheel's name"),
        ("acme-1.0-py3-none-any.whl", b"no zip", "BadZipFile"),
        ("acme-1.0-py3-none-any.whl", b"PK\x05\x06" + bytes(18), "it has no .dist-info folder"),
    ],
)
def test_what_is_no_wheel_is_named(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(WheelError, match=f"{name}: .*{says}"):
        read(path)


def test_a_requirement_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(WheelError, match="InvalidRequirement"):
        wheel(tmp_path, "acme", requires=["???"])


def test_a_wheel_that_says_that_it_is_another_is_none(tmp_path: Path) -> None:
    path = wheel(tmp_path, "acme").path
    for name in ("other-1.0-py3-none-any.whl", "acme-2.0-py3-none-any.whl"):
        with pytest.raises(WheelError, match=r"it says that it is acme 1\.0, and its name is another"):
            read(path.rename(tmp_path / name))
        path = tmp_path / name


@pytest.mark.parametrize("name", ["INFO/RECORD", "acme/big.bin"])
def test_a_wheel_that_is_small_and_unpacks_to_much_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(archive, "MAX_TEXT_BYTES", 1024**2)
    monkeypatch.setattr(archive, "MAX_BYTES", 2 * 1024**2)
    with pytest.raises(WheelError, match="unpacks to more than"):
        wheel(tmp_path, "acme", files={name: "x" * 3 * 1024**2})


def test_a_damaged_wheel_is_named(tmp_path: Path) -> None:
    path = wheel(tmp_path, "acme").path
    path.write_bytes(path.read_bytes().replace(b"Metadata", b"METADATA"))
    with pytest.raises(WheelError, match="METADATA is damaged"):
        read(path)
