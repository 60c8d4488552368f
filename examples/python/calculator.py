"""One call in Python.

python3 calculator.py ../../skills
"""

import sys

from skilllite import SkillManager

with SkillManager(sys.argv[1]) as manager:
    result = manager.execute("calculator", {"operation": "multiply", "a": 15, "b": 27})
    print(result.text, end="")
