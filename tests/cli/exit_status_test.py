#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The program is itself: its status, signals, streams, ID and arguments."""
import os
import signal
import subprocess
import sys
import unittest

from cli import BUILD, COMMAND, NVME, CliTest

# A driver that has the device read what is not mapped.
STRAY = [str(BUILD / "tests" / "isolation" / "nvme_tool"), "stray:0x666000"]


class ExitStatus(CliTest):
    def test_status(self):
        for status in (0, 1, 2, 77, 255):
            done = self.run_program("/bin/sh", "-c", f"exit {status}")
            self.assertEqual(done.returncode, status)
            self.assertEqual(done.stderr, "")

    def test_signals(self):
        for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV,
                       signal.SIGABRT, signal.SIGBUS):
            done = self.run_program("/bin/sh", "-c", f"kill -{int(number)} $$")
            self.assertEqual(done.returncode, -number)

    def test_streams(self):
        done = subprocess.run([COMMAND, "run", *NVME, "--", "/bin/sh", "-c",
                               "cat; echo err >&2"], input="in\n",
                              env=self.env, capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual((done.stdout, done.stderr), ("in\n", "err\n"))

    def test_process_id(self):
        with subprocess.Popen([COMMAND, "run", *NVME, "--", "/bin/sh", "-c",
                               "echo $$"], env=self.env, text=True,
                              stdout=subprocess.PIPE) as child:
            out, _ = child.communicate(timeout=60)
            self.assertEqual(int(out), child.pid)

    def test_arguments(self):
        words = ["a b", "", "--sync", "-d", "'\"$x", "é"]
        done = self.run_program("/usr/bin/printf", "%s|", *words)
        self.assertEqual(done.stdout, "".join(word + "|" for word in words))

    def test_options_end_at_the_program(self):
        done = self.command("run", *NVME, "/bin/echo", "--sync", "-d")
        self.assertEqual(done.stdout, "--sync -d\n")

    def test_found_in_path(self):
        program = self.files / "found-in-path"
        program.write_text("#!/bin/sh\necho \"found $1\"\n")
        program.chmod(0o755)
        self.env["PATH"] = f"/nowhere:{self.files}:{os.environ['PATH']}"
        done = self.run_program("found-in-path", "it")
        self.assertEqual(done.stdout, "found it\n", done.stderr)

    def test_preloads_of_the_user_stay(self):
        first = os.environ.get("IOMMUFD_USER_SANITIZER_LIB")
        self.env["LD_PRELOAD"] = f"{first}:libc.so.6" if first else "libc.so.6"
        done = self.run_program(sys.executable, "-c",
                                "print(open('/proc/self/maps').read())")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("libiommufd-user-preload.so", done.stdout)

    def test_error_exitcode(self):
        """Only a refused DMA of a program that exits 0 changes the status."""
        rows = [
            ([], 0),
            (["--error-exitcode=42"], 42),
            (["--error-exitcode=42", "--on-fault=ignore"], 42),
        ]
        for options, status in rows:
            done = self.run_program(*STRAY, options=options)
            self.assertEqual(done.returncode, status, done)
        done = self.run_program(*STRAY, "exit:3",
                                options=["--error-exitcode=42"])
        self.assertEqual(done.returncode, 3, done)
        done = self.run_program("/bin/true", options=["--error-exitcode=42"])
        self.assertEqual(done.returncode, 0, done)

    def test_on_fault(self):
        report = "DMA read of 512 bytes at IOVA 0x666000 refused"
        done = self.run_program(*STRAY)
        self.assertEqual(done.returncode, 0, done)
        self.assertIn(report, done.stderr)
        done = self.run_program(*STRAY, options=["--on-fault=ignore"])
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        done = self.run_program(*STRAY, options=["--on-fault=abort"])
        self.assertEqual(done.returncode, -signal.SIGABRT, done)
        self.assertIn(report, done.stderr)


if __name__ == "__main__":
    unittest.main()
