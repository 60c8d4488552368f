"""Two stages: a first parser reads the configuration's name."""
import argparse
import os

first = argparse.ArgumentParser(add_help=False)
first.add_argument("-c", "--config", default=os.environ.get("STAGES_CONFIG", "stages.toml"))
known, rest = first.parse_known_args()

second = argparse.ArgumentParser(parents=[first], fromfile_prefix_chars="@")
second.set_defaults(port=9000, host="nowhere")
second.add_argument("--host", default=os.getenv("STAGES_HOST") or "localhost")
second.add_argument("--port", type=int)
second.add_argument("--workers", type=int, default=int(os.environ.get("STAGES_WORKERS", "4")))
second.set_defaults(workers=8, unused=1)
args = second.parse_args(rest)
