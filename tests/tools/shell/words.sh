#!/bin/bash
# Greets everybody.
loud=no
main() {
  local names=()
  for arg in "$@"; do
    case $arg in
      --loud) loud=yes ;;
      --greeting=*) greeting="${arg#*=}" ;;
      *) names+=("$arg") ;;
    esac
  done
  python3 -c 'import json, sys; print(json.dumps({"loud": sys.argv[1], "greeting": sys.argv[2], "names": sys.argv[3:]}))' \
    "$loud" "${greeting:-Hello}" "${names[@]}"
}
main "$@"
