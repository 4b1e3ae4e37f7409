"""iptables, nft and getent out of Debian's packages, with every library they need, as a layer for container images."""

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from region.build.oci import Layer, LayerFile, Link
from region.errors import ExpectedError

PACKAGES = ("iptables", "libip4tc2", "libip6tc2", "libnetfilter-conntrack3", "libnfnetlink0")
"""Beyond what the image has: nft, libxtables, libmnl, libnftnl and the C library come from there."""

_LIBRARIES = "usr/lib/x86_64-linux-gnu"
_LOADER = "ld-linux-x86-64.so.2"
_PROGRAMS = {"xtables-nft-multi": ("", "-nft"), "xtables-legacy-multi": ("-legacy",)}
_OTHERS = ("usr/sbin/nft", "usr/bin/getent")
_COMMANDS = ("iptables{}", "iptables{}-save", "iptables{}-restore")


class FirewallToolsError(ExpectedError):
    """A library is neither in the packages nor in the image; the message names it and who needs it."""


def layer(image: Path, pool: Path, scratch: Path) -> Layer:
    """The programs and iptables' extensions with their libraries, looked up in the packages, then in the image."""
    for package in PACKAGES:
        (archive,) = pool.glob(f"{package}_*.deb")
        subprocess.run(["dpkg-deb", "--extract", str(archive), str(scratch)], check=True)
    places = (scratch, image)
    programs = {path: _find(path, places) for path in (*(f"usr/sbin/{name}" for name in _PROGRAMS), *_OTHERS)}
    extensions = sorted((scratch / _LIBRARIES / "xtables").glob("*.so"))
    libraries = _libraries([*programs.values(), *extensions], places)
    return {
        **{path: LayerFile(source=found) for path, found in programs.items()},
        **{f"{_LIBRARIES}/xtables/{path.name}": LayerFile(source=path, mode=0o644) for path in extensions},
        **{f"{_LIBRARIES}/{name}": LayerFile(source=path) for name, path in libraries.items()},
        f"usr/lib64/{_LOADER}": Link(target=f"../lib/x86_64-linux-gnu/{_LOADER}"),
        **{f"usr/sbin/{command}": Link(target=program) for command, program in _commands().items()},
    }


def _commands() -> dict[str, str]:
    """Debian's default: the plain names are nft's, as on the hosts, so that containers and hosts share one ruleset."""
    return {
        command.format(variant).replace("ip", family, 1): program
        for program, variants in _PROGRAMS.items()
        for variant in variants
        for command in _COMMANDS
        for family in ("ip", "ip6")
    }


def _libraries(files: Iterable[Path], places: Iterable[Path]) -> dict[str, Path]:
    """What the files link to, and what that links to; extensions need libraries that no program does (libm)."""
    found: dict[str, Path] = {_LOADER: _find(f"{_LIBRARIES}/{_LOADER}", places)}
    waiting = list(files)
    while waiting:
        for name in needed(waiting.pop()):
            if name not in found:
                found[name] = _find(f"{_LIBRARIES}/{name}", places)
                waiting.append(found[name])
    return found


def needed(file: Path) -> list[str]:
    """Names of the libraries that an ELF file links to."""
    dynamic = subprocess.run(["readelf", "--dynamic", str(file)], check=True, capture_output=True, text=True).stdout
    return re.findall(r"\(NEEDED\)\s+Shared library: \[(.+)\]", dynamic)


def _find(path: str, places: Iterable[Path]) -> Path:
    for place in places:
        if (place / path).exists():
            return (place / path).resolve()
    raise FirewallToolsError(f"no {path} in {' nor '.join(map(str, places))}")
