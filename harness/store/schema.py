"""Which schema a database has and how it becomes this version's; nothing of its rows."""

import importlib.resources
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import duckdb

from harness.errors import DatabaseError
from harness.store.connection import transaction

VERSION_TABLE = """
    CREATE TABLE harness_schema (version INTEGER PRIMARY KEY, migration VARCHAR NOT NULL);
    COMMENT ON TABLE harness_schema IS 'The migrations that made this database; the largest version is its own.';
    COMMENT ON COLUMN harness_schema.version IS 'The number of the migration.';
    COMMENT ON COLUMN harness_schema.migration IS 'The name of its file.';
"""  # noqa: E501 - one comment a line


@dataclass(frozen=True, kw_only=True)
class Migration:
    """One numbered step from an older schema to a newer one."""

    version: int
    """The schema's version after it."""
    name: str
    """The name of its file."""
    sql: str
    """Its statements."""


@cache
def migrations() -> tuple[Migration, ...]:
    """Return the migrations, oldest first; they are never changed once released."""
    folder = importlib.resources.files("harness.store") / "migrations"
    files = sorted(file.name for file in folder.iterdir() if file.name.endswith(".sql"))
    return tuple(
        Migration(
            version=int(name.split("_", maxsplit=1)[0]),
            name=name,
            sql=(folder / name).read_text(encoding="utf-8"),
        )
        for name in files
    )


def newest_version() -> int:
    """Return the schema version that this harness writes."""
    return migrations()[-1].version


def schema_version(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    """Return the version of the database's schema, 0 where it is empty.

    Raises:
        DatabaseError: It is another program's database, or of a newer harness.
    """
    rows = connection.execute("SELECT table_name FROM information_schema.tables").fetchall()
    tables = {name for (name,) in rows}
    if not tables:
        return 0
    if "harness_schema" not in tables:
        msg = f"{path} is another program's database: it holds {', '.join(sorted(tables)[:3])}"
        raise DatabaseError(
            msg,
            remedy="Name another file by --database, or choose another --workspace.",
        )
    row = connection.execute("SELECT max(version) FROM harness_schema").fetchone()
    version = int(row[0]) if row and row[0] is not None else 0
    if version > newest_version():
        msg = f"{path} has schema version {version}; this harness knows up to {newest_version()}"
        raise DatabaseError(
            msg,
            remedy="Update the harness, or move the database away and evaluate again.",
        )
    return version


def migrate(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Bring the database to the newest schema, all steps or none.

    Raises:
        DatabaseError: It is another program's database, or of a newer harness.
    """
    version = schema_version(connection, path)
    pending = [migration for migration in migrations() if migration.version > version]
    if not pending:
        return
    with transaction(connection):
        if version == 0:
            connection.execute(VERSION_TABLE)
        for migration in pending:
            connection.execute(migration.sql)
            connection.execute(
                "INSERT INTO harness_schema VALUES (?, ?)", [migration.version, migration.name]
            )
