#!/usr/bin/env python3
"""Adds numbers.

Reads one JSON document."""
import json
import sys

SCALE = 2


def calculate(data):
    operation = data["operation"]
    a, b = float(data["a"]), float(data["b"])
    digits = int(data.get("digits", 3))
    label = data.get("label", "").strip()
    names = data.get("names") or []
    for item in data.get("items", []):
        label += str(item)
    if "scale" in data:
        a *= data["scale"]
    for key in data["table"].keys():
        label += key
    return {"operation": operation, "sum": round(a + b, digits), "label": label, "names": names}


def main():
    raw = sys.stdin.read().strip()
    payload = json.loads(raw) if raw else {}
    print(json.dumps(calculate(payload)))


if __name__ == "__main__":
    main()
