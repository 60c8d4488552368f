#!/usr/bin/env bash
# Prints the path of a python3 that can import yaml; makes a virtual environment under the build directory where none can.
# usage: ensure-pyyaml.sh BUILD_DIR
set -euo pipefail
build_dir=${1:?usage: ensure-pyyaml.sh BUILD_DIR}
venv=$build_dir/pyyaml-venv
for python in "$venv/bin/python" python3 /usr/bin/python3; do
  if "$python" -c 'import yaml' 2>/dev/null; then
    echo "$python"
    exit 0
  fi
done
mkdir -p "$build_dir"
if ! { python3 -m venv "$venv" && "$venv/bin/python" -m pip install --quiet --disable-pip-version-check pyyaml; } >&2; then
  rm -rf "$venv"
  echo "ensure-pyyaml: PyYAML is missing and cannot be installed; install python3-yaml, or python3-venv and a package index" >&2
  exit 1
fi
echo "$venv/bin/python"
