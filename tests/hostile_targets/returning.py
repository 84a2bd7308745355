"""Systems that return what no system may return when they are asked "hostile"."""

from collections.abc import Mapping


class Grumpy(Mapping):
    def __getitem__(self, name):
        raise RuntimeError("not today")

    def __iter__(self):
        yield "response"

    def __len__(self):
        return 1


class Text(str):
    def encode(self, *_):
        raise RuntimeError("not today")


def nested(depth):
    inner = {}
    for _ in range(depth):
        inner = {"a": inner}
    return {"response": "x", "meta": inner}


def circular():
    found = {"response": "x", "meta": {}}
    found["meta"]["again"] = found["meta"]
    return found


RETURNED = {
    "none": lambda: None,
    "number": lambda: 3,
    "bytes": lambda: b"x",
    "generator": lambda: (letter for letter in "x"),
    "function": lambda: make,
    "empty": lambda: " \n",
    "nan": lambda: {"response": {"a": float("nan")}},
    "surrogate": lambda: "x\ud800",
    "unknown_field": lambda: {"respons": "x"},
    "wrong_passage": lambda: {"response": "x", "retrieved": [{"text": "no id"}]},
    "object_in_meta": lambda: {"response": "x", "meta": {"a": object()}},
    "endless_number": lambda: {"response": "x", "meta": {"a": 10**5000}},
    "deep": lambda: nested(100_000),
    "circular": circular,
    "grumpy_mapping": Grumpy,
    "grumpy_text": lambda: Text("x"),
    "huge": lambda: "x" * (70 * 2**20),
}


def make(name):
    return lambda query: RETURNED[name]() if query == "hostile" else f"ok {query}"
