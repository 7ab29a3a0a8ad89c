#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The top version of CHANGES.md is the project's, and says how compatible.

usage: version_test.py SOURCE_ROOT VERSION
"""
import pathlib
import re
import sys


def main():
    text = (pathlib.Path(sys.argv[1]) / "CHANGES.md").read_text()
    heads = re.findall(r"^## (.*)$", text, re.M)
    want = re.escape(sys.argv[2])
    kinds = "breaking|source-compatible|binary-compatible"
    if heads and re.fullmatch(rf"{want} \((?:{kinds})\)", heads[0]):
        return 0
    print(f"CHANGES.md: its first \"## \" is {heads[:1]}, not "
          f"\"## {sys.argv[2]} ({kinds})\"")
    return 1


if __name__ == "__main__":
    sys.exit(main())
