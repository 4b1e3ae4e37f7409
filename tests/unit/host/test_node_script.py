"""The text of a step, run by a real bash: quoting, files, time limit, waiting, verbs."""

import getpass
import grp
import os
import stat
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from components.host import script as node_script
from components.host.script import File, render

OWNER = f"{getpass.getuser()}:{grp.getgrgid(os.getgid()).gr_name}"
HOSTILE = [
    "",
    " ",
    "a'b\"c`id`$(id)$HOME\\",
    "line one\nline two\n\n",
    "'; touch /tmp/pwned; '",
    "END_OF_FILE\n",
    "!history ~ * ? [x] {a,b} #comment ; & | < >",
    "-n -e",
    "größe \u2603 \x01\x7f",
]


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of scripts with the real common.sh, whose locks go to the test's own folder."""
    folder = tmp_path / "scripts"
    (folder / "lib").mkdir(parents=True)
    common = node_script.read_script("lib/common.sh").replace("/run/lock/", f"{tmp_path}/")
    (folder / "lib/common.sh").write_text(common)
    monkeypatch.setattr(node_script, "SCRIPTS", folder)
    return folder


def run(text: str, *arguments: str, prefix: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*prefix, "bash", "-s", *arguments], input=text, capture_output=True, text=True, timeout=30, check=False
    )


@pytest.mark.parametrize("value", HOSTILE)
def test_settings_arrive_as_given(scripts: Path, tmp_path: Path, value: str) -> None:
    (scripts / "say.sh").write_text('printf %s "$VALUE" >"$PLACE"\n')
    done = run(render("say", "say.sh", settings={"VALUE": value, "PLACE": str(tmp_path / "out")}))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out").read_text() == value


@pytest.mark.parametrize("content", [*HOSTILE, "x" * 200_000])
def test_files_arrive_as_given(scripts: Path, tmp_path: Path, content: str) -> None:
    (scripts / "nothing.sh").write_text("true\n")
    path = tmp_path / "a b'c" / "$file"
    done = run(render("place", "nothing.sh", files=[File(path=str(path), content=content, mode="0640", owner=OWNER)]))
    assert done.returncode == 0, done.stderr
    assert path.read_text() == content
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert os.listdir(path.parent) == ["$file"]


@pytest.mark.parametrize("name", ["lower", "A-B", "A B", "1A", "A=1;id"])
def test_bad_setting_names_are_refused(scripts: Path, name: str) -> None:
    (scripts / "nothing.sh").write_text("true\n")
    with pytest.raises(ValueError, match="node script"):
        render("place", "nothing.sh", settings={name: "x"})


def test_installing_twice_leaves_the_file_alone_and_a_change_of_mode_does_not(scripts: Path, tmp_path: Path) -> None:
    (scripts / "nothing.sh").write_text("true\n")
    path = tmp_path / "file"

    def install(mode: str, content: str = "text") -> int:
        file = File(path=str(path), content=content, mode=mode, owner=OWNER)
        done = run(render("place", "nothing.sh", files=[file]))
        assert done.returncode == 0, done.stderr
        return path.stat().st_ino

    first = install("0600")
    assert install("0600") == first
    install("0644")
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    install("0644", "other")
    assert path.read_text() == "other"


def test_a_leftover_of_a_killed_run_does_not_lend_its_mode_to_a_secret(scripts: Path, tmp_path: Path) -> None:
    (scripts / "nothing.sh").write_text("true\n")
    path = tmp_path / "key"
    leftover = tmp_path / "key.new"
    leftover.write_text("old")
    leftover.chmod(0o666)
    seen = run(
        render("place", "nothing.sh", files=[File(path=str(path), content="secret", mode="0600", owner=OWNER)]).replace(
            "chown", 'stat --format %a "$path.new"; chown'
        )
    )
    assert seen.stdout == "600\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_text_cut_short_runs_nothing(scripts: Path, tmp_path: Path) -> None:
    (scripts / "touch.sh").write_text('touch "$PLACE"\ntrue\ntrue\n')
    text = render("touch", "touch.sh", settings={"PLACE": str(tmp_path / "out")})
    assert run(text[:-20]).returncode != 0
    assert not (tmp_path / "out").exists()


def test_a_command_that_reads_its_input_does_not_eat_the_script(scripts: Path) -> None:
    (scripts / "cat.sh").write_text("cat\necho after\n")
    assert run(render("cat", "cat.sh")).stdout == "after\n"


def test_the_verb_chooses_the_script(scripts: Path, tmp_path: Path) -> None:
    (scripts / "join.sh").write_text("echo joined\n")
    (scripts / "leave.sh").write_text("echo left\n")
    file = File(path=str(tmp_path / "file"), content="x", owner=OWNER)
    text = render("join", "join.sh", files=[file], delete_script="leave.sh")
    assert run(text, "delete").stdout == "left\n"
    assert not (tmp_path / "file").exists()
    assert run(text).stdout == "joined\n"
    assert (tmp_path / "file").exists()


def test_a_failing_command_is_named_and_ends_the_step(scripts: Path) -> None:
    (scripts / "break.sh").write_text("helper() { ls /nowhere/at/all; }\nhelper\necho never\n")
    done = run(render("break on master-0", "break.sh"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "FAILED: break on master-0: status 2 from: ls /nowhere/at/all" in done.stderr


def test_no_content_of_a_file_is_printed_when_it_cannot_be_installed(scripts: Path, tmp_path: Path) -> None:
    (scripts / "nothing.sh").write_text("true\n")
    file = File(path=str(tmp_path / "file"), content="top secret", owner="nobody-at-all:nobody-at-all")
    done = run(render("place", "nothing.sh", files=[file]))
    assert done.returncode != 0
    assert "dG9wIHNlY3JldA" not in done.stderr + done.stdout
    assert not (tmp_path / "file").exists()


def test_the_time_limit_says_what_it_interrupted(scripts: Path) -> None:
    (scripts / "sleep.sh").write_text("sleep 20\n")
    started = time.monotonic()
    done = run(render("sleep on worker-1", "sleep.sh"), prefix=["timeout", "--kill-after=5", "1"])
    assert time.monotonic() - started < 5
    assert done.returncode == 124
    assert "FAILED: sleep on worker-1: stopped by its time limit, or from outside, during: sleep 20" in done.stderr


def test_waiting_tells_what_for_the_last_answer_and_the_log(scripts: Path) -> None:
    (scripts / "wait.sh").write_text(
        "answer() { echo 'connection refused' >&2; return 7; }\nlog() { echo 'the log'; }\n"
        "EXPLAIN=log wait_for 1 'the moon' answer\n"
    )
    done = run(render("wait", "wait.sh"))
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "--- last answer",
        "connection refused",
        "the log",
        "FAILED: wait: waited 1 s in vain for the moon",
    ]


def test_waiting_ends_when_the_command_succeeds(scripts: Path, tmp_path: Path) -> None:
    (scripts / "wait.sh").write_text(
        'again() { echo x >>"$PLACE"; (($(wc -l <"$PLACE") == 3)); }\nwait_for 20 it again\n'
    )
    done = run(render("wait", "wait.sh", settings={"PLACE": str(tmp_path / "count")}))
    assert (done.returncode, done.stderr) == (0, "")


def test_many_are_done_some_at_a_time_and_one_that_fails_ends_none_of_the_others(scripts: Path, tmp_path: Path) -> None:
    (scripts / "s.sh").write_text(
        'one() {\necho "$1" >>"$PLACE"\ntouch "$PLACE.$1"\nsleep 0.2\n'
        'find "${PLACE%/*}" -name "done.*" | wc -l >>"$PLACE.most"\nrm "$PLACE.$1"\n[[ $1 != 3 ]]\n}\n'
        "at_once one {1..25}\necho not here\n"
    )
    done = run(render("s", "s.sh", settings={"PLACE": str(tmp_path / "done")}))
    assert done.returncode == 1
    assert "not here" not in done.stdout
    assert len((tmp_path / "done").read_text().split()) == 25
    assert max(map(int, (tmp_path / "done.most").read_text().split())) <= 11, "ten, and this file"


def test_a_refused_port_is_told_from_others(scripts: Path) -> None:
    (scripts / "port.sh").write_text("explain_port 127.0.0.1 9 'etcd peers'\n")
    assert run(render("port", "port.sh")).stdout.startswith("127.0.0.1:9 refused: the host is there")


def test_two_runs_of_a_step_do_not_overlap(scripts: Path, tmp_path: Path) -> None:
    (scripts / "slow.sh").write_text('echo in >>"$PLACE"\nsleep 0.7\necho out >>"$PLACE"\n')
    text = render("slow", "slow.sh", settings={"PLACE": str(tmp_path / "trace")})
    both = [subprocess.Popen(["bash", "-s"], stdin=subprocess.PIPE, text=True) for _ in range(2)]
    for one in both:
        assert one.stdin
        one.stdin.write(text)
        one.stdin.close()
    assert [one.wait(10) for one in both] == [0, 0]
    assert (tmp_path / "trace").read_text().split() == ["in", "out", "in", "out"]
