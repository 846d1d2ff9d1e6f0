"""Networks that go wrong, each in its own way."""

import contextlib
import json
import mmap
import os
import subprocess
import sys
import time
from pathlib import Path

import torch
from torch import nn


class Faulty(nn.Module):
    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.calls = 0
        self.convolution = nn.Conv2d(4, 4, 1, bias=False)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        self.given = inputs
        output: torch.Tensor = getattr(self, self.kind)(self.convolution(inputs))
        return output

    def fine(self, output: torch.Tensor) -> torch.Tensor:
        return output

    fine2 = fine3 = fine

    def aborts(self, output: torch.Tensor) -> torch.Tensor:
        os.abort()

    def exits(self, output: torch.Tensor) -> torch.Tensor:
        os._exit(3)

    def leaves_a_process(self, output: torch.Tensor) -> torch.Tensor:
        subprocess.Popen(["sleep", "3600"], start_new_session=True)
        return output

    def hangs(self, output: torch.Tensor) -> torch.Tensor:
        time.sleep(3600)
        return output

    def allocates(self, output: torch.Tensor) -> torch.Tensor:
        return output + torch.empty(2**55)

    def is_not_finite(self, output: torch.Tensor) -> torch.Tensor:
        return output / 0

    def changes_shape(self, output: torch.Tensor) -> torch.Tensor:
        return output if self.calls % 2 else output[:, :2]

    def changes_values(self, output: torch.Tensor) -> torch.Tensor:
        return output * self.calls

    def raises(self, output: torch.Tensor) -> torch.Tensor:
        raise ValueError("it does not like\nits input")

    def is_unsupported(self, output: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError("not on this device")

    def prints(self, output: torch.Tensor) -> torch.Tensor:
        print("this must not reach the events")  # noqa: T201
        return output

    def reads(self, output: torch.Tensor) -> torch.Tensor:
        assert sys.stdin.read() == ""  # what benchcli tells its workers is not for networks
        return output

    def faults(self, output: torch.Tensor) -> torch.Tensor:
        with mmap.mmap(-1, 2**20) as fresh:
            for place in range(0, 2**20, mmap.PAGESIZE):
                fresh[place] = 1
        return output

    def pages(self, output: torch.Tensor) -> torch.Tensor:
        with Path(__file__).with_suffix(".paged").open("rb") as stream:
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            with mmap.mmap(stream.fileno(), 0, prot=mmap.PROT_READ) as pages:
                sum(pages[place] for place in range(0, len(pages), 16 * mmap.PAGESIZE))
        return output

    def forges(self, output: torch.Tensor) -> torch.Tensor:
        for number in range(3, 32):
            if "pipe" in self.link(number):
                with contextlib.suppress(OSError):
                    os.write(number, b'{"event": "Done"}\n')
        return output

    @staticmethod
    def link(number: int) -> str:
        try:
            return str(Path(f"/proc/self/fd/{number}").readlink())
        except OSError:
            return ""

    def forks(self, output: torch.Tensor) -> torch.Tensor:
        if self.calls == 1 and os.fork() == 0:
            os.setsid()
            time.sleep(3600)
        return output

    def forks_and_exits(self, output: torch.Tensor) -> torch.Tensor:
        self.forks(output)
        os._exit(3)

    def goes_on_in_a_fork(self, output: torch.Tensor) -> torch.Tensor:
        """Fork at each call; what forked goes on as if it were the worker."""
        os.fork()
        return output

    def replaces_json(self, output: torch.Tensor) -> torch.Tensor:
        json.dumps = lambda *_arguments, **_options: '{"event": "Done"}'
        return output

    def spoils_the_process(self, output: torch.Tensor) -> torch.Tensor:
        nn.Conv2d.__init__ = None  # type: ignore[method-assign,assignment]
        return output

    def changes_its_input_for_good(self, output: torch.Tensor) -> torch.Tensor:
        return self.given.mul_(1.5)

    def is_empty(self, output: torch.Tensor) -> torch.Tensor:
        return output[:0]

    def raises_late(self, output: torch.Tensor) -> torch.Tensor:
        if self.calls > 6:
            raise ValueError("enough")
        return output

    def dies_late(self, output: torch.Tensor) -> torch.Tensor:
        if self.calls > 6:
            os._exit(3)
        return output


def build(kind: str) -> nn.Module:
    return Faulty(kind)
