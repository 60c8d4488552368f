#!/bin/bash
# Publishes a page.
set -e

TITLE=""
FORMAT="html"
WIDTH=800
DRY_RUN=false
TAGS=()
SOURCE=""
TARGET="out.html"

print_help() {
  cat <<EOF
Usage: $(basename "$0") [options] <source> [target]

Options:
  -t, --title TEXT     Title of the page
      --format FORMAT  What to write
      --width=PIXELS   How wide it is
      --tag TAG        A tag; may be repeated
  -n, --dry-run        Write nothing
  -h, --help           Show this
EOF
}

while [[ $# -gt 0 ]]; do
  case "$1" in
    -t|--title)
      TITLE="$2"
      shift 2
      ;;
    --format)
      [[ $# -ge 2 ]] || { echo "--format needs a value" >&2; exit 1; }
      case "$2" in
        html|pdf) FORMAT="$2" ;;
        *) echo "unknown format" >&2; exit 1 ;;
      esac
      shift 2
      ;;
    --width=*)
      WIDTH="${1#*=}"
      shift
      ;;
    --tag)
      shift
      TAGS+=("$1")
      shift
      ;;
    -n|--dry-run)
      DRY_RUN=true
      shift
      ;;
    -h|--help)
      print_help
      exit 0
      ;;
    -*)
      echo "unknown option: $1" >&2
      exit 1
      ;;
    *)
      if [[ -z "$SOURCE" ]]; then
        SOURCE="$1"
      else
        TARGET="$1"
      fi
      shift
      ;;
  esac
done

if [[ -z "$SOURCE" ]]; then
  print_help >&2
  exit 1
fi
if [[ "$WIDTH" -lt 1 ]]; then exit 1; fi

python3 -c 'import json, sys; print(json.dumps(dict(zip(sys.argv[1::2], sys.argv[2::2]))))' \
  title "$TITLE" format "$FORMAT" width "$WIDTH" dry_run "$DRY_RUN" tag "${TAGS[*]}" source "$SOURCE" target "$TARGET"
