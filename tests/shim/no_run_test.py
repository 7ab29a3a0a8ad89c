#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""no_run_test.py PRELOAD_LIBRARY: outside of a run nothing is changed."""
import os
import subprocess
import sys


def listing(preload, run):
    """What is at the places that a run serves, as a program sees it."""
    environment = dict(os.environ, LD_PRELOAD=preload)
    sanitizer = os.environ.get("IOMMUFD_USER_SANITIZER_LIB")
    if sanitizer:
        environment["LD_PRELOAD"] = f"{sanitizer}:{preload}".rstrip(":")
    environment.pop("IOMMUFD_USER_RUN", None)
    if run:
        environment["IOMMUFD_USER_RUN"] = run
    done = subprocess.run(
        ["ls", "-ld", "/dev/iommu", "/dev/vfio", "/sys/bus/pci",
         "/sys/kernel/iommu_groups", "/proc/devices", "/dev/null"],
        env=environment, check=False, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True)
    return done.stdout, done.stderr, done.returncode


def main():
    """Compare with what is seen without the library."""
    preload = os.path.abspath(sys.argv[1])
    plain = listing("", None)
    for run in (None, "", "/nonexistent", "relative", "/" + 600 * "x"):
        if listing(preload, run) != plain:
            print(f"IOMMUFD_USER_RUN={run}: {listing(preload, run)} "
                  f"instead of {plain}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
