#!/bin/sh
# As benign.py, in shell.
set -e
echo "BEGIN B3"
mkdir -p results/deep
echo forty-two | tr -d '\n' > results/deep/answer.txt
test "$(cat results/deep/answer.txt | wc -c)" -eq 9
echo "ANSWER 42"
echo "END B3"
