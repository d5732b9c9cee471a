"""Where a workspace keeps what; nothing of the files' content."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """The folders of DESIGN.md under one root."""

    root: Path
    """The folder given by --workspace."""

    @property
    def benchmark_data(self) -> Path:
        """Recipes, sources and built benchmarks."""
        return self.root / "benchmark_data"

    @property
    def recipes(self) -> Path:
        """The recipes and their locks."""
        return self.benchmark_data / "recipes"

    @property
    def submissions(self) -> Path:
        """One folder a submission."""
        return self.root / "submissions"

    @property
    def leaderboard(self) -> Path:
        """The results database, the runs' records and the site."""
        return self.root / "leaderboard"

    @property
    def database(self) -> Path:
        """The results database."""
        return self.leaderboard / "results.duckdb"

    @property
    def runs(self) -> Path:
        """One folder a run."""
        return self.leaderboard / "runs"

    @property
    def cache(self) -> Path:
        """Wheels and weights that were fetched; safe to delete."""
        return self.root / ".cache"

    def scan_memory(self, recipe: str) -> Path:
        """Return where it is remembered what `recipe` takes of its sources."""
        return self.cache / "scans" / f"{recipe}.json"

    def benchmark(self, name: str) -> Path:
        """Return the folder of the built benchmark `name`."""
        return self.benchmark_data / name
