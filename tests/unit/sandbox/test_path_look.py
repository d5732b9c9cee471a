"""What stands at a path, from headers as Docker 20.10.24 and Podman 4.3.1 gave them."""

import base64
import json
from typing import Any

import pytest
import requests

from harness.sandbox.path_look import PathLook, look


class FakeApi:
    """Answers for paths with a status and what its header says."""

    base_url, api_version, timeout = "http://engine", "1.41", 7

    def __init__(self, answers: dict[str, tuple[int, dict[str, Any] | None]]) -> None:
        self.answers = answers

    def head(self, url: str, *, params: dict[str, str], timeout: int) -> Any:
        assert (url, timeout) == ("http://engine/v1.41/containers/abc/archive", 7)
        status, stat = self.answers[params["path"]]
        answer = requests.Response()
        answer.status_code = status
        if stat is not None:
            text = base64.b64encode(json.dumps(stat).encode()).decode()
            answer.headers["X-Docker-Container-Path-Stat"] = text
        return answer


ROOT = (200, {"mode": 0o755 | 1 << 31, "linkTarget": ""})


@pytest.mark.parametrize(
    ("answer", "seen"),
    [
        ((200, {"mode": 2148532735, "linkTarget": ""}), PathLook(folder=True, target=None)),
        ((200, {"mode": 2148532735, "linkTarget": "/tmp"}), PathLook(folder=True, target=None)),  # noqa: S108
        ((200, {"mode": 134218239, "linkTarget": "/etc"}), PathLook(folder=False, target="/etc")),
        ((200, {"mode": 2147484141, "linkTarget": "/etc"}), PathLook(folder=True, target="/etc")),
        ((404, {"mode": 134218239, "linkTarget": "/no"}), PathLook(folder=False, target="/no")),
        ((200, {"mode": 420, "linkTarget": ""}), PathLook(folder=False, target=None)),
        ((500, None), PathLook(folder=False, target=None)),
        ((404, None), None),
    ],
    ids=[
        *("docker-folder", "podman-folder", "docker-link", "podman-link", "podman-dangling"),
        *("file", "endless", "nothing"),
    ],
)
def test_each_answer_has_its_meaning(
    answer: tuple[int, dict[str, Any] | None], seen: PathLook | None
) -> None:
    api: Any = FakeApi({"/tmp": answer, "/": ROOT})  # noqa: S108
    assert look(api, "abc", "/tmp") == seen  # noqa: S108


def test_an_engine_that_can_look_at_nothing_is_not_the_images_fault() -> None:
    api: Any = FakeApi({"/tmp": (500, None), "/": (500, None)})  # noqa: S108
    with pytest.raises(requests.RequestException):
        look(api, "abc", "/tmp")  # noqa: S108
