#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What is built needs and exports what it should, and no more.

usage: binaries_test.py LIBRARY PRELOAD EXAMPLE
"""
import re
import subprocess
import sys

LIBC = {"libc.so.6", "ld-linux-x86-64.so.2"}


def needed(path):
    out = subprocess.run(["readelf", "-dW", path], check=True, text=True,
                         capture_output=True).stdout
    return set(re.findall(r"\(NEEDED\).*\[(.*)\]", out))


def exported(path):
    out = subprocess.run(["nm", "-D", "--defined-only", path], check=True,
                         text=True, capture_output=True).stdout
    return {line.split()[-1].split("@")[0] for line in out.splitlines()
            if " A " not in line}


def main():
    library, preload, example = sys.argv[1:]
    errors = []
    for path in (preload, example):
        more = needed(path) - LIBC
        if more:
            errors.append(f"{path} needs more than libc: {sorted(more)}")
    public = exported(library)
    private = [name for name in public
               if not re.match(r"iommufd_(?!ctx|object|ioas|hwpt)", name)]
    if private or "iommufd_machine_create" not in public:
        errors.append(f"{library} exports {sorted(private)} and has "
                      f"{len(public)} symbols")
    ours = [name for name in exported(preload) if name.startswith("iommufd")]
    if ours or "ioctl" not in exported(preload):
        errors.append(f"{preload} exports {ours}; ioctl must be among its "
                      "symbols, and none of its own")
    print("\n".join(errors))
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
