"""Where a host's etcdctl comes from: the function of its preparation, run by a real bash where containerd is played."""

import os
import re
from pathlib import Path

import pytest
from played_commands import run_with

from components.host.script import SCRIPTS

FAKES = {
    "crictl": """
case "$*" in
  "inspecti "*) [[ -e $FAKE/image ]] ;;
  "pull "*) touch "$FAKE/image" && echo "${@: -1}" >>"$FAKE/pulled" ;;
esac
""",
    "ctr": """
case "$*" in
  *" images mount registry.k8s.io/etcd:3.7.0-0 "*)
    [[ -e $FAKE/image ]] && mkdir -p "${@: -1}/usr/local/bin" &&
      for tool in etcdctl etcdutl; do echo "the image's" >"${@: -1}/usr/local/bin/$tool"; done ;;
  *" images unmount --rm "*) rm -r "${@: -1}/usr" ;;
esac
""",
}


def install_etcd_tools(folder: Path, *, in_use: bool) -> str:
    """The function and its call, with what it needs, on a host whose programs are below `folder`."""
    script = (SCRIPTS / "host/prepare-node.sh").read_text()
    functions = re.findall(r"^(?:pull_image|install_etcd_tools)\(\) \{\n.*?^\}\n", script, re.M | re.S)
    text = "".join([(SCRIPTS / "lib/common.sh").read_text(), *functions])
    text = re.sub(r"(?<!\$IMAGE)/usr/local/bin/", f"{folder}/usr/local/bin/", text)
    text = text.replace("root:root", f"{os.getuid()}:{os.getgid()}")
    settings = f"STEP=trial MIRROR='' ETCD_IMAGE=registry.k8s.io/etcd:3.7.0-0\nis_in_use() {{ {str(in_use).lower()}; }}"
    return f"{settings}\n{text}\ntell_failures\ninstall_etcd_tools"


@pytest.mark.parametrize(
    ("in_use", "has_tools", "has_image", "tool", "pulled"),
    [
        (False, False, True, "the image's", False),
        (False, True, True, "the image's", False),
        (True, True, False, "older", False),
        (True, False, True, "the image's", False),
        (True, False, False, "the image's", True),
    ],
    ids=["new", "wiped", "member, and a later image", "member of an older program", "that, and a later image"],
)
def test_a_members_tools_are_of_the_version_that_began_to_run(
    tmp_path: Path, in_use: bool, has_tools: bool, has_image: bool, tool: str, pulled: bool
) -> None:
    (tmp_path / "usr/local/bin").mkdir(parents=True)
    tools = [tmp_path / "usr/local/bin" / name for name in ("etcdctl", "etcdutl")]
    for file in tools if has_tools else []:
        file.write_text("older\n")
        file.chmod(0o755)
    if has_image:
        (tmp_path / "image").touch()
    done = run_with(FAKES, install_etcd_tools(tmp_path, in_use=in_use), tmp_path)
    assert done.returncode == 0, done.stderr
    assert [file.read_text().strip() for file in tools] == [tool, tool]
    assert (tmp_path / "pulled").exists() == pulled


@pytest.mark.parametrize("end", ["return 1", "kill -TERM $$"], ids=["fails", "killed"])
def test_the_image_does_not_stay_mounted(tmp_path: Path, end: str) -> None:
    (tmp_path / "usr/local/bin").mkdir(parents=True)
    (tmp_path / "image").touch()
    text = install_etcd_tools(tmp_path, in_use=False).replace(
        "install_file()", "install_file() { " + end + "; }\nreal()"
    )
    done = run_with(FAKES, text, tmp_path, TMPDIR=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.count("FAILED: ") == 1
    assert not list(tmp_path.glob("tmp.*")), done.stderr
