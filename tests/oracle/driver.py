"""Runs one script up to the moment at which it parses its command line, and prints its live argparse parser as JSON.

Reads {"script": PATH, "root": PATH, "argv": [...]} from stdin. Imports that cannot be resolved are replaced by hollow
modules, so that a script can be asked without its dependencies. Nothing of the script runs after it has a parser.
"""
import argparse
import datetime
import enum
import importlib.abc
import importlib.machinery
import json
import math
import os
import pathlib
import runpy
import sys
import tempfile
import types

OUT = os.dup(1)
os.dup2(2, 1)
HERE = pathlib.Path(__file__).resolve().parent
PARSER = argparse.ArgumentParser
candidates = []


class Hollow(type):
    """What a missing module gives: usable as a class, a decorator, an exception and a value; true to nobody."""

    def __getattr__(cls, name):
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return cls

    def __call__(cls, *args, **kwargs):
        if cls is not Thing:
            return type.__call__(cls, *args, **kwargs)
        if len(args) == 1 and not kwargs and isinstance(args[0], (types.FunctionType, type)) and args[0] is not cls:
            return args[0]
        return cls

    def __iter__(cls):
        return iter(())

    def __getitem__(cls, key):
        return cls

    def __enter__(cls):
        return cls

    def __exit__(cls, *error):
        return False

    def __or__(cls, other):
        return cls

    __ror__ = __truediv__ = __add__ = __or__


class Thing(Exception, metaclass=Hollow):
    def __getattr__(self, name):
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return Thing


class HollowModules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def __init__(self, root):
        # What the skill has itself must be found under another name, or not at all.
        self.own = {path.stem for path in root.rglob("*.py")} | {path.name for path in root.rglob("*") if path.is_dir()}

    def find_spec(self, fullname, path, target=None):
        if fullname.split(".")[0] in self.own:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec):
        module = types.ModuleType(spec.name)
        module.__path__ = []
        module.__getattr__ = lambda name: getattr(Thing, name)
        return module

    def exec_module(self, module):
        pass


def of_this_moment(value):
    """Whether a default is made of today's date: no schema can say it."""
    today = datetime.date.today()
    days = [today + datetime.timedelta(days=days) for days in (-1, 0, 1)]
    if isinstance(value, str):
        return any(day.isoformat() in value or day.strftime("%Y%m%d") in value for day in days)
    return type(value) is int and value == today.year


def of_this_machine(text):
    """Whether a text names a place that is another one elsewhere: no schema can say it."""
    places = {os.getcwd(), str(HERE), os.path.expanduser("~"), tempfile.gettempdir()} - {"/"}
    return any(place in text for place in places) or text == "/"


def plain(value):
    """A value as JSON; what JSON cannot say is marked."""
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if isinstance(value, str) and of_this_machine(value):
        return {"opaque": "a path of this machine"}
    if value is None or isinstance(value, (bool, str)) and not isinstance(value, enum.Enum):
        return value
    if isinstance(value, enum.Enum):
        return plain(value.value)
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"opaque": repr(value)}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)) or type(value).__name__ in ("dict_keys", "dict_values"):
        return sorted((plain(item) for item in value), key=str)
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    return {"opaque": type(value).__name__}


def attempt(convert, word):
    try:
        return convert(word)
    except BaseException:
        return None


def kind(convert):
    """What a type makes of words, found by trying it."""
    name = getattr(convert, "__name__", type(convert).__name__)
    if convert is None or convert is str or name in ("eval", "literal_eval") or isinstance(convert, argparse.FileType):
        return "text"
    if convert is bool:
        return "truth"
    if isinstance(attempt(convert, '{"a": 1}'), dict):
        return "json"
    yes, no = attempt(convert, "true"), attempt(convert, "false")
    if isinstance(yes, (bool, int)) and isinstance(no, (bool, int)) and yes and not no:
        return "boolean"
    for word in ("7", "1", "0", "50", "1000", "0.5", "0.05"):
        made = attempt(convert, word)
        if isinstance(made, enum.Enum):
            return "text"
        if type(made) is int:
            return "integer"
        if type(made) is float:
            return "number"
    return "text"


def choices(action):
    if isinstance(action.type, type) and issubclass(action.type, enum.Enum) and not action.choices:
        return [plain(member) for member in action.type]
    if action.choices is None:
        return None
    try:
        return [plain(item) for item in action.choices]
    except TypeError:
        return {"opaque": type(action.choices).__name__}


def default(parser, action):
    value = action.default
    if isinstance(value, str) and not isinstance(value, enum.Enum):
        value = attempt(lambda text: parser._get_value(action, text), value)
        if value is None:
            value = action.default
    if action.dest in parser._defaults and value is None:
        value = parser._defaults[action.dest]
    if of_this_moment(value):
        return {"opaque": "a date"}
    return None if value is argparse.SUPPRESS else plain(value)


def say(parser, depth=0):
    arguments, commands = [], None
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            known, listed = {}, []
            for name, child in action.choices.items():
                if id(child) in known:
                    known[id(child)][1].append(name)
                else:
                    known[id(child)] = entry = [name, [], say(child, depth + 1) if depth < 6 else None]
                    listed.append(entry)
            dest = None if action.dest is argparse.SUPPRESS else action.dest
            commands = {"dest": dest, "required": action.required, "commands": listed}
            continue
        is_base = type(action).__module__ == "argparse"
        arguments.append({
            "action": next(base.__name__ for base in type(action).__mro__ if base.__module__ == "argparse"),
            "own_action": not is_base,
            "flags": list(action.option_strings),
            "dest": action.dest,
            "nargs": action.nargs,
            "kind": kind(action.type),
            "type": getattr(action.type, "__name__", None if action.type is None else type(action.type).__name__),
            "choices": choices(action),
            "default": default(parser, action),
            "const": plain(action.const),
            "required": bool(action.required),
            "hidden": action.help is argparse.SUPPRESS,
            "help": action.help if isinstance(action.help, str) else None,
        })
    exclusive = [
        {"members": [action.dest for action in group._group_actions], "required": bool(group.required)}
        for group in parser._mutually_exclusive_groups
    ]
    return {
        "arguments": arguments,
        "commands": commands,
        "exclusive": exclusive,
        "prefixes": parser.prefix_chars,
        "file_prefixes": parser.fromfile_prefix_chars,
        "description": parser.description if isinstance(parser.description, str) else None,
    }


def answer(document):
    text = json.dumps(document).encode()
    while text:
        text = text[os.write(OUT, text):]
    os._exit(0)


def parses(self, *args, **kwargs):
    answer({"parser": say(self)})


def peeks(self, *args, **kwargs):
    candidates.append(say(self))
    values = {action.dest: action.default for action in self._actions if action.default is not argparse.SUPPRESS}
    return argparse.Namespace(**{**values, **self._defaults}), []


def shows(self, *args, **kwargs):
    candidates.append(say(self))
    return ""


def main():
    request = json.load(sys.stdin)
    script, root = HERE / request["script"], HERE / request["root"]
    PARSER.parse_args = PARSER.parse_intermixed_args = parses
    PARSER.parse_known_args = PARSER.parse_known_intermixed_args = peeks
    PARSER.print_help = PARSER.print_usage = PARSER.format_help = PARSER.format_usage = shows
    sys.path[:0] = [str(script.parent), str(root)]
    sys.meta_path.append(HollowModules(root))
    sys.argv = [str(script), *request["argv"]]
    end = "the script ended"
    try:
        runpy.run_path(str(script), run_name="__main__")
    except BaseException as error:
        end = f"{type(error).__name__}: {error}"
    answer({"parser": candidates[0]} if candidates else {"end": end[:200]})


main()
