#!/bin/bash
# Says where it is.
helper() { echo "$1"; }
awk 'BEGIN { print $1 }' </dev/null
printf '{"here": "%s"}\n' "$(helper yes)"
