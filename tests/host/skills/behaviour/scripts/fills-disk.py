"""Writes until the disk is full, and says what the system said."""
import sys

if __name__ == "__main__":
    parts = 0
    try:
        while parts < 1000:
            with open("part-%d" % parts, "wb") as part:
                part.write(b"x" * (1 << 16))
            parts += 1
    except OSError as error:
        print(error.strerror, "after", parts, "parts", file=sys.stderr)
        sys.exit(1)
    print(parts)
