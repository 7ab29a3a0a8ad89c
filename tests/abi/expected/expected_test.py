#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Everyday programs see what a Linux guest with one vfio-pci device shows.

Each file beside this one is the output of a command, written in its first
line, with dates, sizes of directories, device and inode numbers of files, and
the names of the user and the group left out. A file that ends in ".lines"
holds lines that must be there, in this order. UPDATE=1 writes the others anew.
"""
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import unittest

HERE = pathlib.Path(__file__).resolve().parent
COMMAND = pathlib.Path(os.environ["IOMMUFD_USER_BUILD_DIR"]) / "iommufd-user"
DEVICE = "nvme,size=1G,addr=0000:01:00.0"

# What may differ from one machine to the next, and from day to day.
NORMAL = [
    # ls: owner and group, the size of a directory, the date
    (r"^([-dlc][-rwx]{9}) +(\d+) \S+ \S+ +", r"\1 \2 USER GROUP "),
    (r"^(d.* GROUP )\d+ ", r"\1SIZE "),
    (r"(GROUP (?:\d+, +)?(?:\d+|SIZE) )\w{3} +\d+ +[\d:]+ ", r"\1DATE "),
    # stat
    (r"Uid: \(.*", "Uid: USER"),
    (r"Device: \S+\s+Inode: \d+\s+Links: \d+", "Device: D Inode: I Links: L"),
    (r"Size: \d+\s+Blocks: \d+\s+IO Block: \d+", "Size: S Blocks: B IO: I"),
    (r"(Access|Modify|Change| Birth): [-\d].*", r"\1: DATE"),
    (r"^total \d+", "total N"),
]


def run(line):
    # These programs leave memory to exit(), which is no leak of ours.
    asan = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
    done = subprocess.run([COMMAND, "run", "-d", DEVICE, "--",
                           *shlex.split(line)], capture_output=True,
                          env={**os.environ, "LC_ALL": "C",
                               "ASAN_OPTIONS": asan}, text=True,
                          timeout=60, check=False)
    return done


def normal(text):
    for pattern, replacement in NORMAL:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return text


class Expected(unittest.TestCase):
    maxDiff = None

    def output(self, line):
        if not shutil.which(shlex.split(line)[0]):
            self.skipTest(f"{line}: not installed")
        done = run(line)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_outputs(self):
        for path in sorted(HERE.glob("*.out")):
            with self.subTest(path.name):
                line, expected = path.read_text().split("\n", 1)
                found = normal(self.output(line.removeprefix("$ ")))
                if os.environ.get("UPDATE"):
                    path.write_text(f"{line}\n{found}")
                self.assertEqual(found, expected)

    def test_lines(self):
        for path in sorted(HERE.glob("*.lines")):
            with self.subTest(path.name):
                line, *wanted = path.read_text().splitlines()
                found = iter(map(str.strip, self.output(
                    line.removeprefix("$ ")).splitlines()))
                for text in wanted:
                    self.assertIn(text.strip(), found, "in this order")

    def test_hosts_devices_are_hidden(self):
        """Of PCI there is the one device; /dev has ours added, no more."""
        devices = self.output("ls /sys/bus/pci/devices").split()
        self.assertEqual(devices, ["0000:01:00.0"])
        host = set(os.listdir("/dev"))
        seen = set(self.output("ls -A /dev").split())
        self.assertEqual(seen - host - {"iommu", "vfio"}, set())
        self.assertLessEqual({"iommu", "vfio", "null", "zero"}, seen)


if __name__ == "__main__":
    unittest.main()
