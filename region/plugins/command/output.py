"""What a command writes: kept for the state and for its failure, and shown line by line while it runs."""

import codecs
from dataclasses import dataclass, field
from typing import Literal

from region.plugins.base import Call, Properties

Stream = Literal["stdout", "stderr"]
SHOWN = {"stdout": {"stdout"}, "stderr": {"stderr"}, "none": set()}


@dataclass
class Output:
    """Both streams of one command. `logging` is the resource's: which of them is shown (default both)."""

    call: Call
    logging: str | None = None
    stdout: str = ""
    stderr: str = ""
    both: str = ""
    _decoders: dict[Stream, codecs.IncrementalDecoder] = field(
        default_factory=lambda: {name: codecs.getincrementaldecoder("utf-8")("replace") for name in STREAMS}
    )
    _unfinished: dict[Stream, str] = field(default_factory=lambda: dict.fromkeys(STREAMS, ""))

    def add(self, stream: Stream, data: bytes, *, final: bool = False) -> None:
        text = self._decoders[stream].decode(data, final)
        setattr(self, stream, getattr(self, stream) + text)
        self.both += text
        if stream in SHOWN.get(self.logging or "", STREAMS):
            *lines, self._unfinished[stream] = (self._unfinished[stream] + text).split("\n")
            for line in lines:
                self.call.log(line)

    def finish(self) -> None:
        for stream in STREAMS:
            self.add(stream, b"", final=True)
            if self._unfinished[stream]:
                self.call.log(self._unfinished[stream])

    def properties(self) -> Properties:
        return {"stdout": self.stdout.removesuffix("\n"), "stderr": self.stderr.removesuffix("\n")}


STREAMS: tuple[Stream, ...] = ("stdout", "stderr")
