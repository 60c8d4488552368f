"""Walks its words by hand."""
import sys

args = sys.argv[1:]
while args:
    word = args.pop(0)
    if word == "--name":
        name = args.pop(0)
