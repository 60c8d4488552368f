"""The generated files fit the header, and the header's functions and statuses are all there."""

from __future__ import annotations

import pickle
import re

import pytest

import generate_ffi
from skilllite import _ffi, _library, errors

HEADER = generate_ffi.HEADER.read_text("utf-8")


def test_files_are_current() -> None:
    assert generate_ffi.main(["--check"]) == 0


def test_every_function_of_the_header_is_declared_and_exported() -> None:
    # Counted by other means than the generator's parser: a name directly before a parenthesis, outside of comments.
    code = re.sub(r"/\*.*?\*/", "", HEADER, flags=re.S)
    names = set(re.findall(r"\b(skl_\w+)\(", code))
    assert len(names) > 20
    assert set(_ffi.PROTOTYPES) == names
    functions = _library.functions()
    assert all(getattr(functions, name) for name in names)
    assert {name for name in vars(_ffi.Functions) if name.startswith("skl_")} == names


def test_every_function_is_used_by_the_package() -> None:
    package = generate_ffi.PACKAGE
    used = "".join(path.read_text("utf-8") for path in package.glob("*.py") if path.name != "_ffi.py")
    # What was started can be left by Ctrl-C, which the two that block cannot; each function returns its error's status.
    unused = {name for name in _ffi.PROTOTYPES if not re.search(rf"\b{name}\b", used)}
    assert unused == {"skl_engine_execute", "skl_engine_handle", "skl_error_status"}


def test_every_status_of_the_header_has_a_class_of_its_own() -> None:
    numbers = {int(number) for number in re.findall(r"^ +SKL_ERR_\w+ = (\d+),", HEADER, re.M)}
    assert len(numbers) > 20
    assert set(errors.BY_STATUS) == numbers == {status.value for status in _ffi.Status} - {0}
    assert len(set(errors.BY_STATUS.values())) == len(numbers)
    areas = {
        0: errors.GeneralError,
        1: errors.SkillError,
        2: errors.ToolError,
        3: errors.SandboxError,
        4: errors.CallError,
        5: errors.AgentError,
        6: errors.DependencyError,
    }
    for number, kind in errors.BY_STATUS.items():
        assert issubclass(kind, areas[number // 100])
        assert kind.__name__ in errors.__all__


@pytest.mark.parametrize("status", list(errors.BY_STATUS))
def test_status_names_are_the_librarys(status: int) -> None:
    name = _library.functions().skl_status_name(status)
    assert name == b"SKL_ERR_" + _ffi.Status(status).name.encode()


@pytest.mark.parametrize("kind", errors.BY_STATUS.values())
def test_exceptions_survive_pickling(kind: type[errors.SkillLiteError]) -> None:
    copy = pickle.loads(pickle.dumps(kind(7, "SKL_ERR_X", "what is wrong")))
    assert type(copy) is kind
    assert (copy.status, copy.name, copy.message, str(copy)) == (7, "SKL_ERR_X", "what is wrong", "what is wrong")


@pytest.mark.parametrize("line", ["void skl_new_thing(struct other *x);", "union skl_u;", "SKL_STRANGE = 1,"])
def test_what_the_parser_does_not_know_is_an_error(line: str) -> None:
    text = HEADER.replace("void skl_call_free", f"{line}\nvoid skl_call_free")
    with pytest.raises(ValueError, match=r"no Python type|not understood"):
        generate_ffi.ffi(generate_ffi.parse(text))
