#!/usr/bin/env python3
"""Scales a number."""
import json
import sys


def main():
    if len(sys.argv) < 3:
        print(f"Usage: {sys.argv[0]} <number> <unit> [digits] [--json]")
        sys.exit(1)
    number = float(sys.argv[1])
    unit = sys.argv[2]
    digits = int(sys.argv[3]) if len(sys.argv) > 3 and not sys.argv[3].startswith("--") else 2
    print(json.dumps({"number": number, "unit": unit, "digits": digits, "json": "--json" in sys.argv}))


if __name__ == "__main__":
    main()
