"""The binaries the region needs, built from pinned Go modules into a cache keyed by their content.

Each directory of `tools/` is a Go module of its own: version selection never mixes the dependencies of two
tools.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from region.errors import ExpectedError
from region.paths import CACHE
from region.report import Report

MODULES = Path(__file__).parent / "tools"
CACHED = CACHE / "toolchain"
PARALLEL = 2  # a link step leaves all but one core idle: a second build fills them

KUBERNETES = "1.37.2"
PULUMI = "3.276.0"


class ToolchainError(ExpectedError):
    """A tool did not build, or was asked for and never built."""


@dataclass(frozen=True, kw_only=True)
class Binary:
    """One binary: the package it is built from (`.` is a main of our own in the tool's folder), and how."""

    package: str
    variables: Mapping[str, str] = field(default_factory=dict)  # -X, what upstream's release build stamps
    tags: str = ""
    cgo: bool = False

    @property
    def linker_flags(self) -> str:
        stamps = [f"-X {name}={value}" for name, value in self.variables.items()]
        static = ["-linkmode external -extldflags -static"] if self.cgo else []
        return " ".join(["-s -w", *static, *stamps])


def _kubernetes(*names: str) -> dict[str, Binary]:
    major, minor, _ = KUBERNETES.split(".")
    version = {"gitVersion": f"v{KUBERNETES}", "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    # kubeadm's version-skew logic reads the stamp; without it every version is v1.0.0 (reference: constants.go).
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    stamps = {f"{package}.{name}": value for package in packages for name, value in version.items()}
    return {name: Binary(package=f"k8s.io/kubernetes/cmd/{name}", variables=stamps) for name in names}


def _plugins(prefix: str, *paths: str) -> dict[str, Binary]:
    return {path.rsplit("/", 1)[1]: Binary(package=f"{prefix}/{path}") for path in paths}


RECIPES: Mapping[str, Mapping[str, Binary]] = {
    "pulumi": {
        "pulumi": Binary(
            package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
            tags="osusergo,grpcnotrace",
            variables={"github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": f"v{PULUMI}"},
        )
    },
    "pulumi-language-python": {
        "pulumi-language-python": Binary(package="github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python")
    },
    "kubernetes": {
        **_kubernetes("kubeadm", "kubelet", "kubectl"),
        **_kubernetes("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"),
    },
    "etcd": {
        "etcd": Binary(package="go.etcd.io/etcd/server/v3"),
        "etcdctl": Binary(package="go.etcd.io/etcd/etcdctl/v3"),
        "etcdutl": Binary(package="go.etcd.io/etcd/etcdutl/v3"),
    },
    "coredns": {"coredns": Binary(package=".", tags="grpcnotrace")},
    "flannel": {
        "flanneld": Binary(package="github.com/flannel-io/flannel", cgo=True),
        "install-conf": Binary(package="github.com/flannel-io/flannel/cmd/install_conf"),
    },
    "cni": _plugins(
        "github.com/containernetworking/plugins/plugins",
        *("main/bridge", "main/loopback", "ipam/host-local", "meta/portmap", "meta/bandwidth"),
    ),
    "flannel-cni": _plugins("github.com/containernetworking/plugins/plugins", "meta/flannel"),
    "crictl": {
        "crictl": Binary(
            package="sigs.k8s.io/cri-tools/cmd/crictl",
            variables={"sigs.k8s.io/cri-tools/pkg/version.Version": "v1.37.0"},
        )
    },
}

EXECUTOR = "pulumi-language-python-exec"
"""A script of Pulumi's SDK module, not built but copied: what the language host runs a program with."""
EXECUTOR_MODULE = "github.com/pulumi/pulumi/sdk/v3"


class Toolchain:
    """What has been built, by name."""

    def path(self, name: str) -> Path:
        """The binary of this name. Raises ToolchainError when it is not part of the toolchain or not built yet."""
        module = (
            "pulumi" if name == EXECUTOR else next((m for m, binaries in RECIPES.items() if name in binaries), None)
        )
        if module is None:
            raise ToolchainError(f"{name} is no tool of region/build/tools")
        binary = directory(module) / name
        if not binary.exists():
            raise ToolchainError(f"{name} has not been built: run `python -m region prepare`")
        return binary


def directory(module: str) -> Path:
    """Where a module's binaries are, named by all that decides what they become."""
    source = MODULES / module
    digest = hashlib.sha256()
    recipe = repr(RECIPES[module]).encode()
    own = (file.read_bytes() for file in sorted(source.glob("*.go")))
    for part in ((source / "go.mod").read_bytes(), (source / "go.sum").read_bytes(), recipe, *own):
        digest.update(part)
    return CACHED / f"{module}-{digest.hexdigest()[:16]}" / "bin"


def build(report: Report, modules: Sequence[str] | None = None) -> Toolchain:
    """Build what the cache does not hold, two binaries at a time; interrupted, it goes on where it was.

    Raises ToolchainError with the end of the compiler's output and the place of all of it.
    """
    with _lock():
        names = list(RECIPES) if modules is None else list(modules)
        missing = [(m, n) for m in names for n in RECIPES[m] if not (directory(m) / n).exists()]
        started = count(1)

        def one(item: tuple[str, str]) -> None:
            module, name = item
            report(f"toolchain: building {name} ({next(started)} of {len(missing)})")
            begin = time.monotonic()
            _build(module, name)
            report(f"toolchain: {name} built in {time.monotonic() - begin:.0f} s")

        with ThreadPoolExecutor(PARALLEL) as pool:
            try:
                list(pool.map(one, missing))
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        if "pulumi" in names:
            _copy_executor()
    return Toolchain()


def _build(module: str, name: str) -> None:
    recipe, target = RECIPES[module][name], directory(module) / name
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{name}.unfinished")
    flags = ["-mod=readonly", "-trimpath", "-buildvcs=false", f"-ldflags={recipe.linker_flags}", f"-tags={recipe.tags}"]
    log = CACHED / "logs" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        done = subprocess.run(
            ["go", "build", *flags, "-o", str(unfinished), recipe.package],
            cwd=MODULES / module,
            env={**os.environ, "CGO_ENABLED": "1" if recipe.cgo else "0", "GOTOOLCHAIN": "local", "GOWORK": "off"},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    if done.returncode:
        end = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise ToolchainError(f"{name} did not build from {recipe.package} (whole output: {log}):\n{end}")
    unfinished.rename(target)


def _copy_executor() -> None:
    target = directory("pulumi") / EXECUTOR
    if target.exists():
        return
    found = subprocess.run(
        ["go", "list", "-m", "-f", "{{.Dir}}", EXECUTOR_MODULE],
        cwd=MODULES / "pulumi",
        check=True,
        capture_output=True,
        text=True,
    )
    unfinished = target.with_name(f".{EXECUTOR}.unfinished")
    shutil.copyfile(Path(found.stdout.strip()) / "python" / "cmd" / EXECUTOR, unfinished)
    unfinished.chmod(0o755)
    unfinished.rename(target)


@contextmanager
def _lock() -> Iterator[None]:
    CACHED.mkdir(parents=True, exist_ok=True)
    with (CACHED / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
