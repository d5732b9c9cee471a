"""What becomes of images that are built against the walls: these stand, or nothing starts."""

from attack import Attack, Result

from harness.records.run import FailureReason

DID_NOT_START = FailureReason.DID_NOT_START
HONEST = "images.honest"


def never_checked(result: Result) -> None:
    assert result.findings == {"left": False}


ATTACKS = (
    Attack(
        name="images.health_check",
        tries="a second program beside its own",
        dockerfile="HEALTHCHECK --interval=1s CMD touch /tmp/checked",
        check=never_checked,
    ),
    Attack(
        name="images.init_is_link",
        plays=HONEST,
        tries="init leading to another file",
        dockerfile="RUN ln -sf /etc/passwd /sbin/docker-init",
    ),
    Attack(
        name="images.working_folder_away",
        plays=HONEST,
        tries="a folder to work in of the runtime's own",
        dockerfile="RUN ln -s /proc/self/fd/7 /away\nWORKDIR /away",
        verdict=DID_NOT_START,
    ),
    Attack(
        name="images.environment",
        plays=HONEST,
        tries="variables of the loader and the harness",
        dockerfile="ENV LD_PRELOAD=/evil.so HOME=/root TMPDIR=/root HARNESS_MAX_IN_FLIGHT=999999",
    ),
    Attack(
        name="images.no_path",
        plays=HONEST,
        tries="a PATH without programs",
        dockerfile="ENV PATH=/nowhere",
        verdict=DID_NOT_START,
    ),
    Attack(
        name="images.unknown_user",
        plays=HONEST,
        tries="a user who is not there",
        dockerfile="USER ghost:ghost",
    ),
    Attack(
        name="images.labels",
        plays=HONEST,
        tries="passing for another process's container",
        dockerfile="LABEL harness.run=0 harness.host=x harness.process=1/1/1 harness.expires=1"
        " harness.container=./x",
    ),
    Attack(
        name="images.stop_signal",
        plays=HONEST,
        tries="SIGSTOP as what stops it",
        dockerfile="STOPSIGNAL 19",
    ),
)
