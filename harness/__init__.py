"""A benchmark leaderboard harness for mask-preserved attribute editing."""

__version__ = "0.1.0"
