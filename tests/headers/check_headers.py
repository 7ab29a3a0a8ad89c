#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Every header compiles alone, twice in a row, and has a guard of its name.

usage: check_headers.py ROOT COMPILER [ARG]...
"""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

# Where headers live, and what their names are relative to.
BASES = ("src", "include/uapi", "include", "tests", "bench", "examples")
# Installed for C++ programs too.
PUBLIC = "include/iommufd-user"


def headers(root):
    found = {}
    for base in BASES:
        for path in sorted((root / base).rglob("*.h")):
            found.setdefault(path, root / base)
    return found


def guard_error(path, base):
    """The guard is the path in capitals; folders may be left out, but not all
    of them: shim/preload/fds.h has SHIM_PRELOAD_FDS_H or PRELOAD_FDS_H."""
    words = [re.sub(r"[^A-Z0-9]", "_", part.upper())
             for part in (base.name,) + path.relative_to(base).parts]
    pattern = "".join(f"({word}_)?" for word in words[:-1]) + words[-1]
    code = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
    lines = [line.split() for line in code.split("\n") if line.strip()]
    guard = lines[0][-1]
    if (lines[:2] == [["#ifndef", guard], ["#define", guard]] and
            lines[-1] == ["#endif"] and re.fullmatch(pattern, guard) and
            guard != words[-1]):
        return None
    return f"{path}: no guard {'_'.join(words[-2:])} around all but comments"


def compile_error(command, root, path, language):
    flags = ["-D_GNU_SOURCE", "-Werror", "-fsyntax-only", "-x", language, "-"]
    includes = ["-I" + str(root / d)
                for d in ("src", "include", "include/uapi", "tests")]
    text = f'#include "{path}"\n#include "{path}"\nextern int not_empty;\n'
    if language == "c++":
        command = [command[0], "-std=c++17", "-Wall"]
    run = subprocess.run(command + includes + flags, input=text, text=True,
                         capture_output=True, check=False)
    if run.returncode:
        return f"{path}: does not compile alone as {language}\n{run.stderr}"
    return None


def check(command, root, path, base):
    errors = [guard_error(path, base),
              compile_error(command, root, path, "c")]
    if str(path.relative_to(root)).startswith(PUBLIC):
        if subprocess.run([command[0], "-x", "c++", "-fsyntax-only",
                           "/dev/null"], capture_output=True,
                          check=False).returncode == 0:
            errors.append(compile_error(command, root, path, "c++"))
        else:
            print(f"note: no C++ compiler: {path} is checked as C alone")
    return [error for error in errors if error]


def main():
    root = pathlib.Path(sys.argv[1])
    command = sys.argv[2:]
    found = headers(root)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda item: check(command, root, *item),
                           found.items())
        errors = [error for result in results for error in result]
    print("\n".join(errors))
    print(f"{len(found)} headers, {len(errors)} errors")
    return 1 if errors or not found else 0


if __name__ == "__main__":
    sys.exit(main())
