from .registry import COMMANDS, command
