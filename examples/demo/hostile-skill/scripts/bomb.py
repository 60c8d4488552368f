"""Starts processes that start processes, until it is stopped. Each prints a dot when it is refused the first time."""

import argparse
import os
import time


def main():
    argparse.ArgumentParser(description="Start processes without end").parse_args()
    is_refused = False
    while True:
        try:
            if os.fork() == 0:
                is_refused = False
        except OSError:
            if not is_refused:
                os.write(1, b".")
                is_refused = True
            time.sleep(0.01)


if __name__ == "__main__":
    main()
