#!/bin/bash
# Compares two folders.
# Usage: place.sh LEFT RIGHT [DEPTH]
#   LEFT   the older folder
#   RIGHT  the newer folder
#   DEPTH  how deep to look
: "${2:?Usage: place.sh LEFT RIGHT [DEPTH]}"
LEFT="$1"
RIGHT="$2"
DEPTH="${3:-2}"
if ! [[ "$DEPTH" =~ ^[0-9]+$ ]]; then
  echo "DEPTH is a number" >&2
  exit 1
fi
python3 -c 'import json, sys; print(json.dumps(dict(zip(sys.argv[1::2], sys.argv[2::2]))))' \
  left "$LEFT" right "$RIGHT" depth "$DEPTH"
