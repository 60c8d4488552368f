#!/bin/bash
export GIT_TERMINAL_PROMPT=0
for base in "$1" "$2"; do
  name=${base%%:*}
  git clone --quiet "$base/git/tiny.git" "$TMPDIR/$name"
  echo "$name: $(cat "$TMPDIR/$name/file.txt")"
done
echo "unknown authority: $(git ls-remote "$3/git/tiny.git" 2>&1 | tail -n 1)"
echo "forbidden: $(git ls-remote "http://$4/tiny.git" 2>&1 | tail -n 1)"
