#!/bin/bash
# Counts files.
if [ $# -eq 0 ]; then
  echo "Usage: each.sh <path>..."
  exit 1
fi
for path in "$@"; do
  test -n "$path"
done
python3 -c 'import json, sys; print(json.dumps({"path": sys.argv[1:]}))' "$@"
