"""A copy of the checkout whose stacks have other settings, so that `make up` in it is the README's own command."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml

from region.paths import CHECKOUT


@dataclass(frozen=True)
class Checkout:
    """What `git` would commit of the checkout, in a directory of its own."""

    path: Path

    @classmethod
    def copy(cls, path: Path) -> "Checkout":
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True, text=True).stdout
        for name in filter(None, listed.split("\0")):
            if (CHECKOUT / name).exists():
                (path / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(CHECKOUT / name, path / name)
        return cls(path)

    def get(self, stack: str, key: str) -> object:
        """A setting of the program, as the stack's file has it."""
        return yaml.safe_load((self.path / f"Pulumi.{stack}.yaml").read_text())["config"][f"kubeadm-aws:{key}"]

    def set(self, stack: str, **settings: object) -> None:
        """Change settings of the program in the stack's file."""
        file = self.path / f"Pulumi.{stack}.yaml"
        content = yaml.safe_load(file.read_text())
        content["config"] |= {f"kubeadm-aws:{key}": value for key, value in settings.items()}
        file.write_text(yaml.safe_dump(content))
