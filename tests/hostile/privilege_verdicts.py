"""What becomes of attempts to be more than nobody: they stay nobody."""

from attack import Attack, Result, all_forbidden, all_refused, walls

from harness.records.run import FailureReason

MADE = "RUN mkdir /made && cp $(readlink -f $(command -v python3)) /made/"
"""How a hostile author copies an interpreter, as root."""
EVERY_CAPABILITY = (
    "RUN python3 -c \"import os, struct; os.setxattr('/made/capable', 'security.capability', "
    "struct.pack('<5I', 0x02000001, 2**32 - 1, 0, 2**32 - 1, 0))\""
)


def nobody(result: Result) -> None:
    assert set(result.findings["ids"]) == {65534}


ATTACKS = (
    Attack(
        name="privilege.setuid_program",
        tries="setuid and setgid programs",
        dockerfile=(
            f"{MADE}setuid && cp /made/setuid /made/setgid"
            " && chmod 4755 /made/setuid && chmod 2755 /made/setgid"
        ),
        check=all_refused,
    ),
    Attack(
        name="privilege.file_capabilities",
        tries="a program with capabilities",
        dockerfile=f"{MADE}capable\n{EVERY_CAPABILITY}",
        check=all_refused,
    ),
    Attack(name="privilege.identity", tries="another identity or priority", check=all_refused),
    Attack(name="privilege.mounts", tries="mount, pivot_root, chroot", check=all_forbidden),
    Attack(name="privilege.namespaces", tries="namespaces, old and new", check=all_forbidden),
    Attack(
        name="privilege.kernel_calls", tries="modules, clock, reboot, bpf ...", check=all_forbidden
    ),
    Attack(name="privilege.keyrings", tries="keys in the kernel", check=all_forbidden),
    Attack(
        name="privilege.take_over_init",
        tries="holding pid 1 still",
        limits=walls(exit_seconds=2),
        verdict=FailureReason.DID_NOT_EXIT,
    ),
    Attack(name="privilege.executing", tries="programs in /tmp and /dev/shm", check=all_refused),
    Attack(name="privilege.user_of_image", tries="USER root", dockerfile="USER 0:0", check=nobody),
)
