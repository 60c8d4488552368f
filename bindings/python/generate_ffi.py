#!/usr/bin/env python3
"""Writes src/skilllite/_ffi.py and src/skilllite/errors.py from include/skilllite.h.

The header is itself generated and regular, so the parser is small and strict: a declaration that it does not understand
is an error, never left out. Run it after a change of the header; `--check` only compares, and fails if a file is stale.
"""

from __future__ import annotations

import re
import sys
import textwrap
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
HEADER = HERE.parent.parent / "include" / "skilllite.h"
PACKAGE = HERE / "src" / "skilllite"

# C type -> (ctypes expression, type for the type checker).
SCALARS = {
    "bool": ("ctypes.c_bool", "bool"),
    "int": ("ctypes.c_int", "int"),
    "int32_t": ("ctypes.c_int32", "int"),
    "int64_t": ("ctypes.c_int64", "int"),
    "size_t": ("ctypes.c_size_t", "int"),
    "skl_status": ("ctypes.c_int32", "int"),
    "uint32_t": ("ctypes.c_uint32", "int"),
    "uint64_t": ("ctypes.c_uint64", "int"),
    "const char *": ("ctypes.c_char_p", "Optional[bytes]"),
    "void": ("None", "None"),
}

# The area that a status number belongs to: its class and what it is about.
AREAS = {
    0: ("GeneralError", "The use of the library itself, or the host it runs on."),
    1: ("SkillError", "A folder of skills, a skill, or a file of one."),
    2: ("ToolError", "A tool's name, its arguments, or the document that asks for it."),
    3: ("SandboxError", "The isolation that a call runs in."),
    4: ("CallError", "The life of a call."),
    5: ("AgentError", "The order of a conversation."),
    6: ("DependencyError", "What a skill needs to have installed."),
}

# Statuses that Python has a built-in idea of.
BUILTIN_BASES = {
    "INVALID_UTF8": "ValueError",
    "INVALID_JSON": "ValueError",
    "INVALID_CONFIG": "ValueError",
    "INVALID_ARGUMENTS": "ValueError",
    "WAIT_TIMEOUT": "TimeoutError",
    "ALREADY_EXISTS": "FileExistsError",
}


DECLARE = '''
def declare(library: ctypes.CDLL) -> Functions:
    """Gives each function of a loaded library its types; AttributeError names one that it does not have."""
    for name, (result, *arguments) in PROTOTYPES.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
    return cast(Functions, library)
'''.strip()


class Function(NamedTuple):
    """A function of the header: its name, its return type and its (type, name) arguments."""

    name: str
    result: str
    arguments: list[tuple[str, str]]


class Header(NamedTuple):
    """What the header declares, in its order. Documentation is one paragraph without line breaks."""

    constants: dict[str, int]
    statuses: list[tuple[str, int, str]]
    handles: list[tuple[str, str]]
    functions: list[Function]


def parse(text: str) -> Header:
    """Reads the header; raises ValueError for what it does not understand."""
    constants = {name: int(value) for name, value in re.findall(r"^#define SKL_(\w+) (\d+)$", text, re.M)}
    # Prose of each comment by the declaration after it; then the comments and the preprocessor go.
    docs = {after.strip(): prose(comment) for comment, after in re.findall(r"/\*\*\n(.*?)\*/\n *([^\n]+)", text, re.S)}
    code = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    enum = re.search(
        r"enum skl_status\n#if.*?#endif[^\n]*\n \{\n(.*?)\n\};\n#ifndef.*?#endif // __cplusplus\n", code, re.S
    )
    if enum is None:
        raise ValueError("the header has no enum skl_status")
    statuses = []
    for line in filter(None, map(str.strip, enum[1].splitlines())):
        match = re.fullmatch(r"SKL_(\w+) = (\d+),", line)
        if match is None:
            raise ValueError(f"not a status: {line}")
        statuses.append((match[1], int(match[2]), docs[line]))
    code = code.replace(enum[0], "")
    code = re.sub(r"#ifdef __cplusplus\n.*?#endif[^\n]*\n", "", code, flags=re.S)
    code = re.sub(r"^#.*$", "", code, flags=re.M)
    handles, functions = [], []
    for declaration in filter(None, (" ".join(part.split()) for part in code.split(";"))):
        handle = re.fullmatch(r"typedef struct (\w+) (\w+)", declaration)
        if handle and handle[1] == handle[2]:
            handles.append((handle[1], docs[declaration + ";"]))
            continue
        match = re.fullmatch(r"(.+?)(\bskl_\w+)\((.*)\)", declaration)
        if match is None:
            raise ValueError(f"not understood: {declaration}")
        arguments = [] if match[3] == "void" else [argument(part) for part in match[3].split(",")]
        functions.append(Function(match[2], match[1].strip(), arguments))
    return Header(constants, statuses, handles, functions)


def argument(text: str) -> tuple[str, str]:
    """Splits `const char *name` into its type and its name."""
    match = re.fullmatch(r"(.*?)(\w+)", text.strip())
    if match is None:
        raise ValueError(f"not an argument: {text}")
    return match[1].strip(), match[2]


def prose(comment: str) -> str:
    """The first paragraph of a comment, in one line."""
    lines = [line.strip().lstrip("*").strip() for line in comment.splitlines()]
    return " ".join("\n".join(lines).split("\n\n")[0].split())


def types(c_type: str, handles: set[str]) -> tuple[str, str]:
    """The ctypes expression and the checker's type of a C type; handles are classes of their own."""
    if c_type in SCALARS:
        return SCALARS[c_type]
    match = re.fullmatch(r"(?:const )?(skl_\w+) (\*\*?)", c_type)
    if match is None or match[1] not in handles:
        raise ValueError(f"no Python type for {c_type!r}")
    return (match[1], match[1]) if match[2] == "*" else (f"ctypes.POINTER({match[1]})", "Any")


def ffi(header: Header) -> str:
    """The text of _ffi.py."""
    handles = {name for name, _ in header.handles}
    numbers = header.constants
    version = ".".join(str(numbers[f"VERSION_{part}"]) for part in ("MAJOR", "MINOR", "PATCH"))
    out = [
        '"""The C types and functions of include/skilllite.h. Generated by generate_ffi.py; do not edit."""',
        "",
        "from __future__ import annotations",
        "",
        "import ctypes",
        "import enum",
        "from typing import Any, Final, Optional, Protocol, cast",
        "",
        "# The version of the header, and the ABI that a library must at least have.",
        f'VERSION: Final = "{version}"',
        f"ABI_VERSION: Final = {numbers['ABI_VERSION']}",
        "",
        "",
        "class Status(enum.IntEnum):",
        '    """What a function of the library returns; `OK`, or why it failed."""',
        "",
    ]
    for name, number, doc in header.statuses:
        out += [f"    {name.removeprefix('ERR_')} = {number}", f'    """{doc}"""']
    for name, doc in header.handles:
        out += ["", "", f"class {name}(ctypes.c_void_p):", *wrapped(f'"""{doc}"""', "    ")]
    signatures, prototypes = [], []
    for function in header.functions:
        result, hint = types(function.result, handles)
        if function.name.endswith("_data"):
            # Bytes with a length of their own; c_char_p would stop at the first NUL.
            result, hint = "ctypes.c_void_p", "Optional[int]"
        pairs = [types(c_type, handles) for c_type, _ in function.arguments]
        named = [f"{name}: {pair[1]}" for pair, (_, name) in zip(pairs, function.arguments)]
        signatures += listed(f"    def {function.name}(", ["self", *named], f") -> {hint}: ...")
        prototypes += listed(f'    "{function.name}": (', [result, *(expression for expression, _ in pairs)], "),")
    out += [
        "",
        "",
        "class Functions(Protocol):",
        '    """Every function of the header, as a type checker sees it."""',
        "",
    ]
    out += signatures
    out += [
        "",
        "",
        "# What each function returns, then what it takes.",
        "PROTOTYPES: Final[dict[str, tuple[Any, ...]]] = {",
    ]
    out += [*prototypes, "}", "", "", *DECLARE.splitlines()]
    return "\n".join(out) + "\n"


def errors(header: Header) -> str:
    """The text of errors.py."""
    failures = [(name.removeprefix("ERR_"), number, doc) for name, number, doc in header.statuses if number]
    names = {name: "".join(word.capitalize() for word in name.split("_")) for name, _, _ in failures}
    classes = {name: camel if camel.endswith("Error") else camel + "Error" for name, camel in names.items()}
    out = [
        '"""One exception for each status of the library. Generated by generate_ffi.py; do not edit.',
        "",
        "Each is a `SkillLiteError` and an error of its area, so a host catches as widely as it means to. A script",
        "that fails raises nothing: its exit code is in the result.",
        '"""',
        "",
        "from __future__ import annotations",
        "",
        "from typing import Any, Final",
        "",
        "",
        "class SkillLiteError(Exception):",
        '    """A function of the library failed. `str()` of it is one line: what failed, the limit, the remedy."""',
        "",
        "    status: int",
        '    """The number of the status; it never changes its meaning."""',
        "    name: str",
        '    """The name of the status in the C header, such as "SKL_ERR_CLOSED"."""',
        "    message: str",
        '    """The line for a person. Programs look at the class or the status; the text may change."""',
        "",
        "    def __init__(self, status: int, name: str, message: str) -> None:",
        "        super().__init__(message)",
        "        self.status = status",
        "        self.name = name",
        "        self.message = message",
        "",
        "    def __str__(self) -> str:",
        "        return self.message",
        "",
        "    def __reduce__(self) -> tuple[Any, ...]:",
        "        return type(self), (self.status, self.name, self.message)",
    ]
    for area, doc in AREAS.values():
        out += ["", "", f"class {area}(SkillLiteError):", f'    """{doc}"""']
    for name, number, doc in failures:
        bases = ", ".join(filter(None, [AREAS[number // 100][0], BUILTIN_BASES.get(name)]))
        out += ["", "", f"class {classes[name]}({bases}):", f'    """{doc}"""']
    out += ["", "", "BY_STATUS: Final[dict[int, type[SkillLiteError]]] = {"]
    out += [f"    {number}: {classes[name]}," for name, number, _ in failures]
    out += ["}", '"""The class of each status; a number that is not in it raises `SkillLiteError` itself."""']
    exported = ["BY_STATUS"]
    exported += sorted({"SkillLiteError", *classes.values(), *(area for area, _ in AREAS.values())})
    out += ["", "__all__ = [", *(f'    "{name}",' for name in exported), "]"]
    return "\n".join(out) + "\n"


def wrapped(text: str, indent: str) -> list[str]:
    """The text in lines of at most 120 columns."""
    return textwrap.wrap(text, 120, initial_indent=indent, subsequent_indent=indent, break_long_words=False)


def listed(head: str, items: list[str], tail: str) -> list[str]:
    """The items between head and tail in one line, or each in its own where that is wider than 120 columns."""
    line = head + ", ".join(items) + ("," if len(items) == 1 and tail == ")," else "") + tail
    if len(line) <= 120:
        return [line]
    indent = " " * (len(head) - len(head.lstrip()))
    return [head, *(f"{indent}    {item}," for item in items), indent + tail]


def main(arguments: list[str]) -> int:
    """Writes the files, or with `--check` says which are stale."""
    header = parse(HEADER.read_text("utf-8"))
    stale = False
    for name, text in (("_ffi.py", ffi(header)), ("errors.py", errors(header))):
        path = PACKAGE / name
        if path.is_file() and path.read_text("utf-8") == text:
            continue
        if arguments == ["--check"]:
            print(f"{path} does not fit {HEADER}; run {Path(__file__).name}", file=sys.stderr)
            stale = True
        else:
            path.write_text(text, "utf-8")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
