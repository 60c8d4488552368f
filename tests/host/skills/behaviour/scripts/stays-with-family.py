"""Ignores signals, has a child, and a grandchild that became a daemon; none of them ever ends. argv[1] is a mark."""
import os
import signal
import time

if __name__ == "__main__":
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    if os.fork() == 0:
        os.setsid()
        os.fork()
    open("here-%d" % os.getpid(), "w").close()
    while True:
        time.sleep(1000)
