import sys

if __name__ == "__main__":
    sys.stdout.buffer.write(bytes(range(256)))
