"""What becomes of attacks on the machine beneath: it is not there, or can't be changed."""

from pathlib import Path

from attack import Attack, Result, all_refused

HARMLESS = {"console", "full", "null", "ptmx", "random", "tty", "urandom", "zero"}
OF_THE_ENGINE = {"docker-init", "podman-init", "hostname", "hosts", "resolv.conf", ".containerenv"}
"""Files of the machine that an engine shows inside, none of them writable."""


def only_harmless_devices(result: Result) -> None:
    assert result.findings["blocks"] == []
    characters = {name for name in result.findings["characters"] if not name.isdecimal()}
    assert characters <= HARMLESS, characters


def only_itself(result: Result) -> None:
    # init, the attack, and nobody else
    assert result.findings["processes"] == 2
    mounted = {Path(mount).name for mount in result.findings["mounts"]}
    assert mounted <= OF_THE_ENGINE, mounted


ATTACKS = (
    Attack(name="host.engine_socket", tries="the engine's socket", check=all_refused),
    Attack(name="host.files", tries="the machine's files, and root's", check=all_refused),
    Attack(name="host.neighbours", tries="other processes and foreign mounts", check=only_itself),
    Attack(name="host.devices", tries="opening and making devices", check=all_refused),
    Attack(name="host.device_list", tries="finding a device", check=only_harmless_devices),
    Attack(name="host.handles", tries="files by inode number (shocker)", check=all_refused),
    Attack(name="host.proc_writes", tries="settings of the kernel", check=all_refused),
    Attack(name="host.sys_writes", tries="settings of devices and limits", check=all_refused),
    Attack(
        name="host.image_writes",
        tries="changing its own image",
        dockerfile="RUN mkdir /open && echo x > /open/file && chmod -R a+rwX /open",
        check=all_refused,
    ),
    Attack(name="host.masked", tries="what the kernel tells of the machine", check=all_refused),
)
