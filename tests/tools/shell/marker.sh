#!/bin/sh
# Runs something later.
delay=5
label=
while [ $# -gt 0 ]; do
  case $1 in
    --delay) delay=$2; shift 2 ;;
    --delay=*) delay=${1#--delay=}; shift ;;
    --label) label=${2:?--label needs a text}; shift 2 ;;
    --) shift; break ;;
    -*) echo "unknown option $1" >&2; exit 2 ;;
    *) break ;;
  esac
done
if [ $# -lt 1 ]; then
  echo "Usage: marker.sh [--delay N] [--label TEXT] [--] <program> [argument]" >&2
  exit 2
fi
program=$1
argument=${2:-none}
python3 -c 'import json, sys; print(json.dumps(dict(zip(sys.argv[1::2], sys.argv[2::2]))))' \
  delay "$delay" label "$label" program "$program" argument "$argument"
