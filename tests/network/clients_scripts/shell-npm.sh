#!/bin/bash
for base in "$1" "$2"; do
  folder=$TMPDIR/${base%%:*}-packages
  options=(--silent --no-audit --no-fund --no-update-notifier --cache "$folder/cache" --prefix "$folder")
  mkdir "$folder"
  npm install "${options[@]}" --registry "$base/npm/" tiny-package
  echo "${base%%:*}: $(node -p "require('$folder/node_modules/tiny-package')")"
done
