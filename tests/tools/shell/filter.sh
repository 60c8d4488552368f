#!/bin/sh
# Turns text into capitals.
[ "${1:-}" = "--reverse" ] && REVERSE=1
text=$(cat)
python3 -c 'import json, sys; print(json.dumps({"reverse": sys.argv[1], "stdin": sys.argv[2]}))' "${REVERSE:-0}" "$text"
