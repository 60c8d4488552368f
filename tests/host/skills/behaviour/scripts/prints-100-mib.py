"""Prints 100 MiB between a first and a last line."""
import sys

if __name__ == "__main__":
    out = sys.stdout.buffer
    out.write(b"the first line\n")
    for _ in range(100):
        out.write(b"x" * (1 << 20))
    out.write(b"\nthe last line\n")
