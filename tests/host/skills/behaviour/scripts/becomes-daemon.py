"""Forks twice, makes a session of its own, and stays: argv[1] is a mark by which it can be found."""
import os
import signal
import sys
import time

if __name__ == "__main__":
    if os.fork() == 0:
        os.setsid()
        if os.fork() > 0:
            os._exit(0)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        for descriptor in (0, 1, 2):
            os.close(descriptor)
        while True:
            time.sleep(1000)
    os.wait()
    print("left", *sys.argv[2:])
