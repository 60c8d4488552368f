import argparse
import json
import sys

parser = argparse.ArgumentParser(description="Counts the words of a text.")
parser.add_argument("--upper", action="store_true")
args = parser.parse_args()
text = sys.stdin.read()
print(json.dumps({"upper": args.upper, "stdin": text}))
