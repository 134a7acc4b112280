#!/usr/bin/python3
"""wrap.py -- wraps overlong lines of block comments whose lines start with ** (clang-format cannot),
and one-line comments that are too long.

Usage: wrap.py FILE.c...   `make format` runs it before clang-format. Words that do not fit move to the start
of the next line of the same paragraph; lists and drawings are left alone but for the overflow.
"""
import re
import sys

COLUMNS = 110


def wrap(lines):
    """The lines with overlong ** lines wrapped; also mends *word, what clang-format leaves of one."""
    out, i = [], 0
    joined = []
    for line in lines:
        if joined and re.match(r"\*[^*/\s]", line) and joined[-1].startswith(("** ", "/* ")):
            joined[-1] += " " + line[1:]
        else:
            joined.append(line)
    lines = joined
    while i < len(lines):
        line = lines[i]
        opens = line.startswith("/* ") and "*/" not in line
        if not (line.startswith("** ") or opens) or len(line) <= COLUMNS or " " not in line[3:].strip():
            out.append(line)
            i += 1
            continue
        indent = len(line[2:]) - len(line[2:].lstrip())
        cut = line.rfind(" ", 0, COLUMNS + 1)
        if cut <= 2 + indent:
            out.append(line)
            i += 1
            continue
        head, tail = line[:cut].rstrip(), line[cut:].strip()
        out.append(head)
        nxt = lines[i + 1] if i + 1 < len(lines) else ""
        nxt_indent = len(nxt[2:]) - len(nxt[2:].lstrip()) if nxt.startswith("** ") else -1
        text = nxt[2:].lstrip()
        if indent <= nxt_indent <= indent + 16 and text and text[0] not in "-*(":
            lines[i + 1] = "**" + " " * nxt_indent + tail + " " + nxt[2:].strip()
        else:
            lines.insert(i + 1, "**" + " " * indent + tail)
        i += 1
    return out


def width(line):
    return len(line.expandtabs(8))


def alone(indent, text):
    """A comment as lines of its own, in the house's shape."""
    out, line = [], indent + "/*"
    for word in text.split():
        if width(line + " " + word) > COLUMNS - 3:
            out.append(line)
            line = indent + "**"
        line += " " + word
    return out + [line + " */"]


def split_comments(lines):
    """Wraps a one-line comment that is too long; one behind code moves above it."""
    out = []
    for line in lines:
        found = re.match(r"(\s*)(.*?)\s*/\* (.*) \*/\s*(\\?)$", line)
        if width(line) <= COLUMNS or not found or found.group(4) or "*/" in found.group(3) or '"' in found.group(3):
            out.append(line)
            continue
        indent, code, text = found.group(1), found.group(2), found.group(3)
        out += alone(indent, text)
        if code:
            out.append(indent + code)
    return out


for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as f:
        old = f.read()
    new = "\n".join(split_comments(wrap(old.split("\n"))))
    if new != old:
        with open(path, "w", encoding="utf-8") as f:
            f.write(new)
