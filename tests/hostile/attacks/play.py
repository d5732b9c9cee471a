"""Plays one attack inside a container: `python3 play.py TOPIC.NAME`; nothing of what it does."""

import importlib
import sys

topic, _, name = sys.argv[1].partition(".")
getattr(importlib.import_module(topic), name)()
