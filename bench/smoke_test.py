#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""All benchmarks run at their smallest, and every row is there.

usage: bench/smoke_test.py BENCH_RUN BUILD_DIR

No time is judged. The programs themselves fail when a checksum is wrong, or
when an access that must be refused is not.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

# The beginning of a row's name: how many there are at least.
ROWS = {
    "A1 map 4 KiB": 6, "A2 unmap 4 KiB": 3, "A4 map 4 KiB": 1,
    "A5 map and unmap": 6, "A5 map and unmap 4 KiB, n": 1,
    "A5 map and unmap: time": 1, "A7 copy": 2, "A1 map, n": 6, "A2 unmap, n": 6,
    "B1 DMA": 18, "B2 DMA": 12, "B6 ": 3, "DMA 64 B": 1, "same, in a": 1,
    "D1 ioctl": 3, "D3 ": 18, "E1 ": 6, "E2 ": 4, "E3 ": 3, "E4 ": 10,
    "idle device": 1, "memory: 4 KiB": 8, "memory: IOAS": 2,
    "memory: above": 2, "map and unmap": 9,
}
# Counted by callgrind, which may not be there.
COUNTED = {"A1 map 4 KiB", "A2 unmap 4 KiB", "A4 map 4 KiB",
           "A5 map and unmap", "A7 copy"}


def check_row(row):
    """What is wrong with a row, or None."""
    if set(row) < {"name", "value", "unit", "target", "met"}:
        return "a key is missing"
    if row.get("absent"):
        return None if row["met"] is None else "absent, but judged"
    if not isinstance(row["value"], (int, float)):
        return "no value"
    if (row["target"] is None) != (row["met"] is None):
        return "judged without a target, or not judged"
    return None


def main():
    run, build = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "bench.json"
        subprocess.run([run, build, "--smoke", "--out", out], check=True,
                       stdout=subprocess.DEVNULL)
        rows = json.loads(out.read_text())
    errors = [f"{row['name']}: {wrong}" for row in rows
              if (wrong := check_row(row))]
    is_counted = not any(row.get("absent") == "valgrind is not installed"
                         for row in rows)
    for prefix, least in ROWS.items():
        found = sum(row["name"].startswith(prefix) for row in rows)
        if found < least and (is_counted or prefix not in COUNTED):
            errors.append(f"{prefix}: {found} rows, not {least}")
    print("\n".join(errors))
    print(f"{len(rows)} rows, {len(errors)} errors")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
