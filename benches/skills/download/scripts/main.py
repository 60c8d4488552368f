"""usage: main.py PORT MIB: fetches MIB mebibytes from 127.0.0.1:PORT and prints what that took."""

import sys
import time
from urllib.request import urlopen

port, mib = sys.argv[1:]
start = time.perf_counter()
body = urlopen(f"http://127.0.0.1:{port}/{mib}").read()
assert len(body) == int(mib) << 20
print(f"{(time.perf_counter() - start) * 1000:.6f}")
