"""Systems that raise when they are asked "hostile", and answer everything else."""

import asyncio


class UnprintableError(Exception):
    def __str__(self):
        raise RuntimeError("no text")


class OutsideError(BaseException):
    pass


RAISED = {
    "value_error": ValueError("schlecht"),
    "base_exception": OutsideError("außen"),
    "keyboard_interrupt": KeyboardInterrupt(),
    "system_exit": SystemExit(0),
    "system_exit_text": SystemExit("bye"),
    "generator_exit": GeneratorExit(),
    "stop_iteration": StopIteration(1),
    "unprintable": UnprintableError(),
    "endless_text": ValueError("ツ" * 5_000_000),
    "surrogate_text": ValueError("\ud800"),
    "group": ExceptionGroup("many", [ValueError("one"), KeyError("two")]),
    "own_timeout": TimeoutError("slow"),
    "cancelled": asyncio.CancelledError(),
}


def make(name, later=False):
    def ask(query):
        if query == "hostile":
            raise RAISED[name]
        return f"ok {query}"

    async def ask_later(query):
        await asyncio.sleep(0)
        return ask(query)

    return ask_later if later else ask


def recursion(query):
    return recursion(query) if query == "hostile" else f"ok {query}"


def memory_error(query):
    return bytearray(1 << 62) if query == "hostile" else f"ok {query}"


def reads_stdin(query):
    return input() if query == "hostile" else f"ok {query}"
