"""Damage a file's bytes, its lines or its tree, by a random generator alone."""

from __future__ import annotations

import copy
import gzip
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

# Cells, names and values that readers tend not to expect.
ODD_TEXTS = (
    *("", " ", "NA", "nan", "inf", "-inf", "-", "0", "-1", "1e400", "9" * 400, "1e-320", "1,5"),
    *("0x1F", "1_000", "TRUE", "None", "=1+1", "../../etc/passwd", "C:\\a", "<script>x</script>"),
    *("\x00", "\x1b[31m", "\u202e", "\ufeff", "\ud7ff", "é", "漢字", "e\u0301", '"', '""', '"a'),
    *("a" * 5000, "\t", ",", ";", "|", "\r", "\n", "{{x}}", "${x}", "`x`", "%s%n", "__class__"),
    *("1-Sep", "2024-99-99", "12:61", "&a [*a]", "*a", "!!python/name:os.system", "!!binary x"),
    *("ENSG00000163631.18", "GSM1", "TF", "Gene", "Interaction", "sample", "ALB", "1" * 4400),
)
ODD_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63, -(2**70), 10**400, 0.5, 1e308, -0.0),
    *(float("nan"), float("inf"), [], {}, [[]], [{}], {"": {}}, [None], ["a"], [1, "a"], {"a": 1}),
)
_JOINTS = (b"\t", b",", b";", b"\n", b"\r\n", b'"', b"\x00", b"\xff", b"\xef\xbb\xbf", b"\x1a")

Change = Callable[[bytes, random.Random], bytes]


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Change some bytes: flips, cuts, splices, repetitions, other encodings."""
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        content = rng.choice(_BYTE_CHANGES)(content, rng)
    return content


def damaged_text(content: bytes, rng: random.Random) -> bytes:
    """Change lines and cells of delimited text; one in four times its bytes."""
    packed = content.startswith(b"\x1f\x8b")
    if rng.random() < 0.25:
        return damaged(content, rng)
    text = gzip.decompress(content) if packed else content
    for _ in range(rng.choice((1, 1, 2, 3))):
        text = rng.choice(_LINE_CHANGES)(text, rng)
    return gzip.compress(text, 1) if packed else text


def damaged_tree(tree: Any, rng: random.Random) -> Any:
    """Change some parts of nested mappings and lists."""
    tree = copy.deepcopy(tree)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        places = list(_places(tree))
        if not places:
            return odd_value(rng)
        parent, key = rng.choice(places)
        _change_place(parent, key, rng)
    return odd_value(rng) if rng.random() < 0.01 else tree


def damaged_json(content: bytes, rng: random.Random) -> bytes:
    """Change the tree of a JSON text; one in four times its bytes."""
    if rng.random() < 0.25:
        return damaged(content, rng)
    try:
        return json.dumps(damaged_tree(json.loads(content), rng)).encode()
    except RecursionError:  # too deep to be written so
        return b'{"a":' * 3000 + b"1" + b"}" * 3000


def odd_value(rng: random.Random) -> Any:
    """Draw a value that is rarely expected; now and then one nested deep."""
    if rng.random() < 0.02:
        deep: Any = 1
        for _ in range(rng.choice((50, 3000))):
            deep = [deep] if rng.random() < 0.5 else {"a": deep}
        return deep
    return copy.deepcopy(rng.choice((*ODD_VALUES, *ODD_TEXTS)))


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in items:
        yield tree, key
        if isinstance(value, dict | list) and value:
            yield from _places(value)


def _change_place(parent: Any, key: Any, rng: random.Random) -> None:
    kind = rng.randrange(5)
    if kind == 0:
        del parent[key]
    elif kind == 1:
        parent[key] = odd_value(rng)
    elif kind == 2:
        parent[key] = [parent[key]] if rng.random() < 0.5 else {"a": parent[key]}
    elif kind == 3 and isinstance(parent, dict):
        parent[rng.choice(ODD_TEXTS)] = parent[key] if rng.random() < 0.5 else odd_value(rng)
    else:
        other = parent if isinstance(parent, list) else list(parent.values())
        value = copy.deepcopy(rng.choice(other))
        if isinstance(parent, list):
            parent.insert(key, value)
        else:
            parent[key] = value


def _cut(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(len(content) + 1)]


def _flip(content: bytes, rng: random.Random) -> bytes:
    if not content:
        return content
    new = bytearray(content)
    for _ in range(rng.choice((1, 1, 3, 20))):
        new[rng.randrange(len(new))] ^= 1 << rng.randrange(8)
    return bytes(new)


def _insert(content: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(content) + 1)
    new = rng.choice((rng.randbytes(rng.randrange(1, 40)), rng.choice(_JOINTS), b"\x00" * 64))
    return content[:at] + new + content[at:]


def _repeat(content: bytes, rng: random.Random) -> bytes:
    start, stop = sorted(rng.randrange(len(content) + 1) for _ in range(2))
    return content[:stop] + content[start : min(stop, start + 4096)] + content[stop:]


def _leave_out(content: bytes, rng: random.Random) -> bytes:
    start, stop = sorted(rng.randrange(len(content) + 1) for _ in range(2))
    return content[:start] + content[min(stop, start + rng.choice((1, 8, 512))) :]


def _splice(content: bytes, rng: random.Random) -> bytes:
    at, other = (rng.randrange(len(content) + 1) for _ in range(2))
    return content[:at] + content[other:]


def _overwrite(content: bytes, rng: random.Random) -> bytes:
    at, size = rng.randrange(len(content) + 1), rng.choice((1, 4, 8))
    value = rng.choice((0, 1, (1 << 8 * size) - 1, 1 << (8 * size - 1), (1 << 8 * size) - 2))
    return content[:at] + value.to_bytes(size, "little") + content[at + size :]


def _encode(content: bytes, rng: random.Random) -> bytes:
    text = content.decode("utf-8", "replace")
    codec = rng.choice(("utf-16", "utf-16-le", "utf-8-sig", "utf-32", "cp500", "utf-7"))
    return text.encode(codec, "replace")


def _pack(content: bytes, rng: random.Random) -> bytes:
    return gzip.compress(content, 1) if rng.random() < 0.7 else b"PK\x03\x04" + content


_BYTE_CHANGES: tuple[Change, ...] = (
    *(_cut, _flip, _flip, _insert, _repeat, _leave_out, _splice, _overwrite, _overwrite),
    *(_encode, _pack),
)


def _lines(text: bytes) -> tuple[list[bytes], bytes]:
    return text.split(b"\n"), b"," if text.count(b",") > text.count(b"\t") else b"\t"


def _change_cells(text: bytes, rng: random.Random) -> bytes:
    lines, mark = _lines(text)
    # The header is one of two lines that are changed.
    for _ in range(rng.choice((1, 2, 10))):
        at = 0 if rng.random() < 0.4 else rng.randrange(len(lines))
        cells = lines[at].split(mark)
        new = rng.choice(ODD_TEXTS).encode("utf-8", "replace")
        cells[rng.randrange(len(cells))] = rng.choice((new, rng.choice(cells)))
        lines[at] = mark.join(cells)
    return b"\n".join(lines)


def _change_columns(text: bytes, rng: random.Random) -> bytes:
    lines, mark = _lines(text)
    new = rng.choice(ODD_TEXTS).encode("utf-8", "replace")
    at = rng.randrange(1 + lines[0].count(mark))
    lines = [
        mark.join(new if i == at and cell else cell for i, cell in enumerate(line.split(mark)))
        for line in lines
    ]
    return b"\n".join(lines)


def _change_lines(text: bytes, rng: random.Random) -> bytes:
    lines, mark = _lines(text)
    at, other = (rng.randrange(len(lines)) for _ in range(2))
    kind = rng.randrange(6)
    if kind == 0:
        lines.insert(at, lines[other])
    elif kind == 1:
        del lines[at]
    elif kind == 2:
        rng.shuffle(lines)
    elif kind == 3:
        lines.insert(at, rng.choice((b"", mark * 3, b"# comment", b'"', b"\x00", b" " * 3)))
    elif kind == 4:
        lines[at] += mark + rng.choice(ODD_TEXTS).encode("utf-8", "replace")
    else:
        lines[at] = lines[at].partition(mark)[rng.choice((0, 2))]
    return b"\n".join(lines)


def _change_marks(text: bytes, rng: random.Random) -> bytes:
    mark = _lines(text)[1]
    return text.replace(mark, rng.choice((b"\t", b",", b";", b" ", b"|", b"\t\t", b"")))


def _change_ends(text: bytes, rng: random.Random) -> bytes:
    return text.replace(
        b"\n", rng.choice((b"\r\n", b"\r", b"\n\n", b"\n\r", b"\x0b", b"\x85", b""))
    )


def _change_number(text: bytes, rng: random.Random) -> bytes:
    new = rng.choice(ODD_TEXTS).encode("utf-8", "replace")
    digit = str(rng.randrange(10)).encode()
    return text.replace(digit, new, rng.choice((1, 5, 100)))


_LINE_CHANGES: tuple[Change, ...] = (
    *(_change_cells, _change_cells, _change_lines, _change_lines, _change_columns),
    *(_change_marks, _change_ends, _change_number, damaged),
)
