"""Where a host's etcdctl comes from: the function of its preparation, run by a real bash where containerd is played."""

import os
import re
import subprocess
from pathlib import Path

import pytest

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
    for folder in ("bin", "usr/local/bin"):
        (tmp_path / folder).mkdir(parents=True)
    for name, fake in FAKES.items():
        (tmp_path / "bin" / name).write_text(f"#!/usr/bin/env bash\n{fake}")
        (tmp_path / "bin" / name).chmod(0o755)
    tools = [tmp_path / "usr/local/bin" / name for name in ("etcdctl", "etcdutl")]
    for file in tools if has_tools else []:
        file.write_text("older\n")
        file.chmod(0o755)
    if has_image:
        (tmp_path / "image").touch()
    script = (SCRIPTS / "host/prepare-node.sh").read_text()
    functions = re.findall(r"^(?:pull_image|install_etcd_tools)\(\) \{\n.*?^\}\n", script, re.M | re.S)
    text = "".join([(SCRIPTS / "lib/common.sh").read_text(), *functions])
    text = re.sub(r"(?<!\$image)/usr/local/bin/", f"{tmp_path}/usr/local/bin/", text)
    settings = f"STEP=trial MIRROR='' ETCD_IMAGE=registry.k8s.io/etcd:3.7.0-0\nis_in_use() {{ {str(in_use).lower()}; }}"
    done = subprocess.run(
        ["bash", "-c", f"{settings}\n{text.replace('root:root', f'{os.getuid()}:{os.getgid()}')}\ninstall_etcd_tools"],
        env={"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin", "FAKE": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [file.read_text().strip() for file in tools] == [tool, tool]
    assert (tmp_path / "pulled").exists() == pulled
