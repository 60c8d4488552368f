#!/bin/bash
# Makes a job.
usage() { echo "Usage: place_then_flags.sh <label> <program> [--system] [--every SECONDS]" >&2; exit 1; }
[ $# -ge 2 ] || usage
LABEL="$1"; PROGRAM="$2"; shift 2
SYSTEM=false
EVERY=60
while [ $# -gt 0 ]; do
  case "$1" in
    --system) SYSTEM=true ;;
    --every) EVERY="$2"; shift ;;
    *) usage ;;
  esac
  shift
done
sleep_for=$((EVERY + 0))
python3 -c 'import json, sys; print(json.dumps(dict(zip(sys.argv[1::2], sys.argv[2::2]))))' \
  label "$LEFT$LABEL" program "$PROGRAM" system "$SYSTEM" every "$sleep_for"
