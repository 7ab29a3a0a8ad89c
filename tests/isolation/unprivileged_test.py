#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""All of it once more as nobody, in what a container leaves of Linux.

usage: unprivileged_test.py REFUSE: the wrapper that refuses io_uring,
userfaultfd and pidfd_getfd.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

from cli import BUILD, CliTest

REFUSE = pathlib.Path(sys.argv.pop())
NOBODY = 65534
DEVICES = ["-d", "nvme,size=16M", "-d", "nvme,size=16M"]


class Unprivileged(CliTest):
    """What is run is copied to where nobody may read it."""

    def setUp(self):
        super().setUp()
        for path in (self.files, self.runtime):
            path.chmod(0o755)
            if os.geteuid() == 0:
                os.chown(path, NOBODY, NOBODY)
        files = [BUILD / "iommufd-user", REFUSE,
                 *BUILD.glob("lib*.so*"),
                 *(path for path in (BUILD / "tests/isolation").iterdir()
                   if path.is_file())]
        for path in files:
            if path.is_file():
                shutil.copy(path, self.files)
        self.env["LD_LIBRARY_PATH"] = str(self.files)

    def refused(self, *words):
        """Run, as nobody when that can be."""
        other = {}
        if os.geteuid() == 0:
            other = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        return subprocess.run([self.files / REFUSE.name, *words],
                              env=self.env, capture_output=True, text=True,
                              cwd=self.files, timeout=60, check=False,
                              **other)

    def run_refused(self, *words, devices=DEVICES, on_fault="ignore"):
        return self.refused(self.files / "iommufd-user", "run",
                            f"--on-fault={on_fault}", *devices, "--",
                            self.files / words[0], *words[1:])

    def image(self):
        path = self.files / "image"
        path.write_bytes(bytes(4 << 20))
        path.chmod(0o666)
        return path

    def test_the_wrapper_refuses(self):
        """Else this test proves nothing."""
        code = ("import ctypes, errno; c = ctypes.CDLL(None, use_errno=True);"
                "print([(c.syscall(n, 0, 0, 0), ctypes.get_errno())"
                " for n in (425, 323, 438)])")
        done = self.refused(sys.executable, "-c", code)
        if done.returncode == 126 or "Permission" in done.stderr:
            done = self.refused("/usr/bin/python3", "-c", code)
        self.assertEqual(done.stdout.strip(), str([(-1, 1)] * 3), done.stderr)

    def test_programs(self):
        for words in (["two_spaces"], ["processes"], ["many_threads"],
                      ["under_load", "unmap", "20000"],
                      ["under_load", "detach", "2000"],
                      ["under_load", "close", "2000"],
                      ["under_load", "bus-master", "2000"]):
            with self.subTest(words):
                done = self.run_refused(*words)
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_image_by_threads(self):
        """Threads take over where io_uring is refused."""
        image = self.image()
        for more in ("", ",io=threads"):
            with self.subTest(more):
                done = self.run_refused(
                    "nvme_tool", "write:1:7", "flush", "read:1",
                    devices=["-d", f"nvme,image={image}{more}"])
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(done.stdout.count("status 0x000"), 3)
                self.assertEqual(done.stderr, "")
                done = self.run_refused(
                    "under_load", "unmap", "20000",
                    devices=["-d", f"nvme,image={image}{more}"])
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_io_uring_that_was_asked_for(self):
        done = self.run_refused("nvme_tool", "read:0", on_fault="report",
                                devices=["-d", f"nvme,image={self.image()},"
                                         "io=uring"])
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("io_uring is refused", done.stderr)
        self.assertIn("use io=threads", done.stderr)

    def test_image_of_somebody_else(self):
        image = self.image()
        image.chmod(0o444)
        done = self.run_refused("nvme_tool", "read:0", devices=[
            "-d", f"nvme,image={image}"])
        self.assertEqual(done.returncode, 2, done)
        self.assertIn("not writable", done.stderr)
        self.assertIn("add ro", done.stderr)
        done = self.run_refused("nvme_tool", "read:0", devices=[
            "-d", f"nvme,image={image},ro"])
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
