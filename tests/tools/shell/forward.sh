#!/bin/bash
# Starts the real program.
exec python3 "$(dirname "$0")/real.py" "$@"
