"""Prints its words."""
import sys

print(" ".join(sys.argv[1:]))
