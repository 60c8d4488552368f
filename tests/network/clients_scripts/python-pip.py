import os
import subprocess
import sys

# A name for the index in HTTPS: pip 25.3 itself fails where a tunnel leads to an address (check_hostname).
for name, base in ("http", sys.argv[1]), ("https", sys.argv[2].replace("127.0.0.1", "localhost")):
    folder = os.path.join(os.environ["TMPDIR"], f"{name}-packages")
    options = ["--quiet", "--disable-pip-version-check", "--index-url", f"{base}/simple/", "--target", folder]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, "tiny-package"], check=True)
    word = subprocess.check_output([sys.executable, "-c", "import tiny_package; print(tiny_package.WORD)"], cwd=folder)
    print(f"{name}: {word.decode().strip()}")
