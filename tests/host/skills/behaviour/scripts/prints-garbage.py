"""Prints bytes that are no text, then more that look like the start of a document."""
import sys

if __name__ == "__main__":
    sys.stdout.buffer.write(bytes(range(128, 256)) * 100 + b'\x1b[2J\x00{"a":')
