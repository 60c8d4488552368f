#!/bin/bash
# Keeps a list of hosts.
set -euo pipefail

show() { python3 -c 'import json, sys; print(json.dumps(dict(zip(sys.argv[1::2], sys.argv[2::2]))))' "$@"; }

add() {
  local name="${1:?a name is needed}"
  local port="${2:-22}"
  show command add name "$name" port "$port"
}

remove() {
  local force=false name=""
  while [ $# -gt 0 ]; do
    case "$1" in
      --force) force=true; shift ;;
      *) name="$1"; shift ;;
    esac
  done
  [ -n "$name" ] || { echo "a name is needed" >&2; exit 1; }
  show command remove name "$name" force "$force"
}

command="${1:-}"
[ $# -gt 0 ] && shift
case "$command" in
  add) add "$@" ;;
  remove|rm) remove "$@" ;;
  list) show command list ;;
  *)
    echo "Usage: commands.sh <add|remove|list>" >&2
    exit 1
    ;;
esac
