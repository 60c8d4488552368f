#!/usr/bin/env python3
"""The shortest agent: a question, a model, a folder of skills.

python3 simple_demo_minimal.py [QUESTION]
"""

import sys

from endpoint import connect
from settings import Settings

from skilllite import AgenticLoop, SkillManager

settings = Settings.read()
question = " ".join(sys.argv[1:]) or "What is 15 times 27?"
with (
    connect(settings) as model,
    SkillManager(settings.skills_dir, policy=settings.policy) as manager,
    AgenticLoop(manager, model.client, model.name) as loop,
):
    print(loop.run(question))
