import json
import sys

if __name__ == "__main__":
    sys.stdout.write(json.dumps({"language": "python", "arguments": len(sys.argv) - 1, "prefix": sys.prefix}))
