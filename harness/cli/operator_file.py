"""The operator's file: where it lies and what it says; nothing of who it is applied to."""

import os
from pathlib import Path

from harness.cli.workspace import Workspace
from harness.errors import OperatorError, PermissionRefusedError
from harness.records.limits import OPERATOR_FILE, OperatorSettings
from harness.records.toml_table import parse_toml_table

OPERATOR_VARIABLE = "HARNESS_OPERATOR"
"""The environment variable that names another file than the workspace's."""


def read_operator_settings(workspace: Workspace) -> OperatorSettings:
    """Return what the operator says: of HARNESS_OPERATOR's file, else of the workspace's.

    Raises:
        OperatorError: The file is missing where it is named, or says something that it can't.
        PermissionRefusedError: It can't be read.
    """
    named = os.environ.get(OPERATOR_VARIABLE)
    path = Path(named) if named else workspace.root / OPERATOR_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        if not named:
            return OperatorSettings()
        msg = f"there is no operator's file {path}, which {OPERATOR_VARIABLE} names"
        raise OperatorError(msg, remedy=f"Write it, or unset {OPERATOR_VARIABLE}.") from error
    except UnicodeDecodeError as error:
        msg = f"{path} is no UTF-8 text"
        raise OperatorError(msg, remedy="Save it as UTF-8.") from error
    except (PermissionError, IsADirectoryError) as error:
        msg = f"{path} can't be read"
        raise PermissionRefusedError(msg, remedy="Give this user the right to read it.") from error
    return parse_toml_table(text, OperatorSettings, origin=str(path), error_type=OperatorError)
