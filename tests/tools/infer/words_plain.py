import json
import sys

path = sys.argv[1]
mode = sys.argv[2] if len(sys.argv) > 2 else "fast"
print(json.dumps({"path": path, "mode": mode}))
