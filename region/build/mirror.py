"""Everything a node installs, at one address in the region: apt repositories, etcd's archive, an image registry."""

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from region.build import debian_repository, etcd_archive, image, images, kubernetes_repository, registry, toolchain
from region.build.cache import content_key, made_once
from region.build.signing import signing_key
from region.build.toolchain import Toolchain
from region.errors import ExpectedError
from region.fabric.namespaces import INTERNET, MIRROR_ADDRESS
from region.fabric.processes import Process
from region.paths import CACHE, LOGS, RUN
from region.progress import Progress, Reach

START_SECONDS = 20
PARTS = ("debian", "kubernetes", "etcd", "images")
_SOURCES = Path(__file__).parent
_PUBLISHED = CACHE / "mirror"


class MirrorError(ExpectedError):
    """The mirror does not answer; the message names its log."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of the tree, made once and whole."""

    name: str
    key: list[str | bytes | Path]
    make: Callable[[Path, Reach], None]

    @property
    def folder(self) -> Path:
        return _PUBLISHED / f"{self.name}-{content_key(*self.key)}"

    def build(self, progress: Progress) -> Path:
        def announced(folder: Path) -> None:
            with progress.part(title(self.name)) as reach:
                self.make(folder, reach)

        return made_once(self.folder, announced)


def lacking() -> list[str]:
    """The titles of the parts that the cache does not hold."""
    if image.lacking():
        return [title(name) for name in PARTS]
    return [title(part.name) for part in (_debian(), *_parts(Toolchain())) if not part.folder.exists()]


def title(name: str) -> str:
    return f"mirror of {name}"


def build_debian(progress: Progress) -> Path:
    """The part of the tree that needs the image and no tool. Raises DebianMirrorError."""
    image.build(progress)
    return _debian().build(progress)


def build(tools: Toolchain, progress: Progress) -> Path:
    """The mirror's tree in the cache: `www` is served as it is, `registry` is docker-registry's data.

    Each part is made once and whole; interrupted, the next call goes on with the part that was in the making.
    """
    debian = build_debian(progress)
    kubernetes, etcd, pulled = (part.build(progress) for part in _parts(tools))

    def link(tree: Path) -> None:
        www = tree / "www"
        for path, part in (
            ("debian", debian),
            (kubernetes_repository.repository_path(), kubernetes),
            (f"etcd/{etcd_archive.etcd_version()}", etcd),
        ):
            (www / path).parent.mkdir(parents=True, exist_ok=True)
            (www / path).symlink_to(part)
        (tree / "registry").symlink_to(pulled)

    names = [part.name for part in (debian, kubernetes, etcd, pulled)]
    return made_once(_PUBLISHED / content_key(*names, *_code("mirror")), link)


def _debian() -> Part:
    return Part(
        name="debian",
        key=[
            *(image.image_key(), " ".join(debian_repository.node_packages())),
            *_code("apt_repository", "debian_mirror", "debian_repository", "deb_package", "signing"),
        ],
        make=lambda folder, _: debian_repository.build(folder, image.folder(), signing_key()),
    )


def _parts(tools: Toolchain) -> tuple[Part, Part, Part]:
    """Those that the tools are in: Kubernetes' packages, etcd's archive, the images."""
    key, debian = signing_key(), _debian().folder
    kubernetes = Part(
        name="kubernetes",
        key=[
            *(key.armored, _tools("kubernetes", "cni", "crictl"), _SOURCES / "packaging"),
            *_code("apt_repository", "kubernetes_repository", "deb_package", "signing"),
        ],
        make=lambda folder, _: kubernetes_repository.build(folder, tools, key),
    )
    etcd = Part(
        name="etcd",
        key=[_tools("etcd"), *_code("etcd_archive")],
        make=lambda folder, _: etcd_archive.build(folder, tools),
    )
    pulled = Part(
        name="images",
        key=[
            *(debian.name, _tools("kubernetes", "etcd", "coredns", "flannel", "flannel-cni")),
            *(_SOURCES / "packaging", *_code("firewall_tools", "images", "oci", "registry")),
        ],
        make=lambda folder, reach: images.build(folder, tools, image.folder(), debian / "pool", reach),
    )
    return kubernetes, etcd, pulled


def _code(*modules: str) -> list[Path]:
    return [_SOURCES / f"{module}.py" for module in modules]


def _tools(*modules: str) -> str:
    return " ".join(toolchain.directory(module).parent.name for module in modules)


def start(tree: Path) -> None:
    """Serve the tree on the mirror's address; one that is running goes on. Raises MirrorError after 20 s of silence."""
    folder = RUN / "mirror"
    folder.mkdir(parents=True, exist_ok=True)
    LOGS.mkdir(parents=True, exist_ok=True)
    (folder / "registry.json").write_text(registry.configuration(tree / "registry", writable=False))
    (folder / "nginx.conf").write_text(nginx_configuration(tree / "www", folder))
    for process in _processes(folder):
        process.start()
    deadline = time.monotonic() + START_SECONDS
    while not answers():
        if time.monotonic() > deadline:
            logs = " and ".join(str(process.log) for process in _processes(folder))
            raise MirrorError(f"the mirror at http://{MIRROR_ADDRESS} does not answer: see {logs}")
        time.sleep(0.05)


def stop() -> None:
    for process in _processes(RUN / "mirror"):
        process.stop()


def answers() -> bool:
    """Whether the mirror gives files and images, asked from the operator's place."""
    addresses = [f"http://{MIRROR_ADDRESS}/{path}" for path in ("debian/dists/", "v2/")]
    argv = ["nsenter", f"--net=/run/netns/{INTERNET}", "--", "curl", "-sf", "--max-time", "5", "-o", "/dev/null"]
    return all(subprocess.run([*argv, address]).returncode == 0 for address in addresses)


def _processes(folder: Path) -> tuple[Process, Process]:
    return (
        Process(
            name="mirror-registry",
            argv=["docker-registry", "serve", str(folder / "registry.json")],
            netns=INTERNET,
        ),
        Process(
            name="mirror-web",
            argv=["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"],
            netns=INTERNET,
        ),
    )


def nginx_configuration(www: Path, folder: Path) -> str:
    """Files as they are, /v2/ to the registry; blobs of any size pass without being kept."""
    return f"""\
daemon off;
user root;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 1024; }}
http {{
  types {{ }}
  default_type application/octet-stream;
  sendfile on;
  access_log {LOGS}/mirror-access.log;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen {MIRROR_ADDRESS}:80;
    root {www};
    autoindex on;
    location /v2/ {{
      proxy_pass http://127.0.0.1:{registry.PORT};
      proxy_set_header Host $http_host;
      proxy_buffering off;
    }}
  }}
}}
"""
