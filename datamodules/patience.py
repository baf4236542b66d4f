"""Work that may not come to an end, as a decoder's that loops, and is waited for no longer than so long."""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

Found = TypeVar("Found")


class Patience:
    """Does one piece of work after the other, in a thread, for nothing else can be waited for so long and no longer.

    What does not end is left alone, and another thread does what comes next; the program's end waits for none of them.
    seconds: a piece of work.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._start()

    def __call__(self, work: Callable[[], Found]) -> Found:
        """What `work` gives, or raises. Raises TimeoutError where it does not end."""
        self._asked.put(work)
        try:
            done, found = self._answers.get(timeout=self.seconds)
        except Empty:
            self._start()
            raise TimeoutError(f"did not end within {self.seconds:g} s") from None
        if not done:
            raise found
        result: Found = found
        return result

    def end(self) -> None:
        """Let the thread go."""
        self._asked.put(None)

    def _start(self) -> None:
        self._asked, self._answers = SimpleQueue[Callable[[], Any] | None](), SimpleQueue[tuple[bool, Any]]()
        threading.Thread(target=_work, args=(self._asked, self._answers), daemon=True).start()


def _work(asked: SimpleQueue[Callable[[], Any] | None], answers: SimpleQueue[tuple[bool, Any]]) -> None:
    while (work := asked.get()) is not None:
        try:
            answers.put((True, work()))
        except Exception as error:
            answers.put((False, error))
