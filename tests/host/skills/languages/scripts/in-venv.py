"""Needs a module that only the virtual environment has."""
import json
import sys

import from_venv

if __name__ == "__main__":
    print(json.dumps({"language": from_venv.LANGUAGE, "arguments": len(sys.argv) - 1}))
