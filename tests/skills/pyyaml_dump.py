"""Reads SKILL.md paths on stdin, one a line; prints {path: {"front": {...}, "runtime": {...}} | {"error": "..."}} as PyYAML reads them."""
import json
import re
import sys

import yaml


def plain(value):
    """JSON as a reader of YAML sees it: dates as they are written, keys as text."""
    if isinstance(value, dict):
        return {key if isinstance(key, str) else json.dumps(key, default=str): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def read(path):
    with open(path, encoding="utf-8-sig", newline="") as file:
        text = file.read()
    front = re.match(r"\s*---[ \t]*\r?\n(.*?)^(---|\.\.\.)[ \t]*\r?$", text, re.S | re.M)
    if front is None:
        return {"error": "no front matter"}
    runtime = re.search(r"^#+ Runtime[ \t]*\r?\n(?:\s*\r?\n)?```ya?ml\r?\n(.*?)^```", text[front.end() :], re.S | re.M)
    try:
        fields = yaml.safe_load(front.group(1))
        extra = yaml.safe_load(runtime.group(1)) if runtime else {}
    except yaml.YAMLError as error:
        return {"error": str(error)}
    if not isinstance(fields, dict):
        return {"error": "not a mapping"}
    return {"front": plain(fields), "runtime": plain(extra)}


print(json.dumps({path: read(path) for path in sys.stdin.read().splitlines()}))
