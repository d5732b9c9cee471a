"""The mark of one run of .ci/run, by which what its tests left can be removed; nothing of removing.

Images carry it as a label, which their containers inherit; images that the harness builds for a
test, and bridges, in their name; processes in their environment; files lie in a TMPDIR of its own.
"""

import os

RUN_MARK = os.environ.get("HARNESS_TEST_MARK", "")
"""Six hexadecimal digits; empty where the tests are run by hand."""
RUN_LABELS = {"org.harness.test.run": RUN_MARK} if RUN_MARK else {}
"""The labels of an image that a test builds."""
