# /// script
# requires-python = ">=3.9"
# dependencies = ["pandas>=2"]
# ///
"""The data analyzer over pandas: JSON in, JSON out."""

import io
import json
import sys

import pandas

request = json.load(sys.stdin)
frame = pandas.read_json(io.StringIO(request["data"]))
numbers = frame.select_dtypes("number")
operation = request["operation"]
if operation == "describe":
    result = json.loads(numbers.describe().to_json())
else:
    result = json.loads(getattr(numbers, operation)().to_json())
print(json.dumps({"operation": operation, "result": result, "shape": list(frame.shape), "pandas": pandas.__version__}))
