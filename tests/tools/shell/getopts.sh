#!/usr/bin/env bash
# Archives a folder.
#
# Usage: getopts.sh [-q] [-l level] [-o file] [-x pattern]... <folder> [name]
#   -q          say nothing
#   -l level    how hard to compress
#   -o file     where to write
#   -x pattern  leave out; may be repeated
#   -v          say more
set -euo pipefail

level=6
output=archive.tar
quiet=0
excludes=()
verbosity=0

usage() {
  sed -n '2,10p' "$0" >&2
  exit "${1:-2}"
}

while getopts ":ql:o:x:vh" option; do
  case "$option" in
    q) quiet=1 ;;
    l) level="$OPTARG" ;;
    o) output=$OPTARG ;;
    x) excludes+=("$OPTARG") ;;
    v) verbosity=$((verbosity + 1)) ;;
    h) usage 0 ;;
    *) usage ;;
  esac
done
shift $((OPTIND - 1))

folder="${1:?a folder is needed}"
name="${2:-backup}"
if ((level > 9)); then usage; fi

show() { python3 -c 'import json, sys; print(json.dumps(dict(zip(sys.argv[1::2], sys.argv[2::2]))))' "$@"; }
show quiet "$quiet" level "$level" output "$output" excludes "${excludes[*]+${excludes[*]}}" verbosity "$verbosity" \
  folder "$folder" name "$name"
