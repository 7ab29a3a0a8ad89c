#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Run directories: live ones stay, those of ended runs are swept."""
import os
import signal
import subprocess
import unittest

from cli import COMMAND, NVME, CliTest


class RunDir(CliTest):
    def start(self, *program):
        child = subprocess.Popen([COMMAND, "run", *NVME, "--", *program],
                                 env=self.env, stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, text=True)
        self.addCleanup(child.stdout.close)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        self.addCleanup(child.stdin.close)
        return child

    def test_live_ones_stay_and_dead_ones_go(self):
        live = self.start("/bin/cat")
        dead = self.start("/bin/cat")
        for child in (live, dead):
            child.stdin.write("up\n")
            child.stdin.flush()
            self.assertEqual(child.stdout.readline(), "up\n")
        self.assertEqual(len(self.run_dirs()), 2)
        os.kill(dead.pid, signal.SIGKILL)
        dead.wait()
        self.assertEqual(self.run_program("/bin/true").returncode, 0)
        self.assertEqual(len(self.run_dirs()), 2)  # the live and the last
        os.kill(live.pid, signal.SIGTERM)
        live.wait()
        self.run_program("/bin/true")
        self.assertEqual(len(self.run_dirs()), 1)

    def test_a_child_that_stays_keeps_the_run(self):
        """The daemon that a program leaves behind still has its devices."""
        done = self.start("/bin/sh", "-c", "sleep 30 >/dev/null & echo $!")
        daemon = int(done.stdout.readline())
        self.addCleanup(os.kill, daemon, signal.SIGKILL)
        done.wait()
        before = self.run_dirs()
        self.assertEqual(len(before), 1)
        self.run_program("/bin/true")
        self.assertLessEqual(set(before), set(self.run_dirs()))

    def test_a_run_that_ended_is_not_around_us(self):
        """Its name may be left in an environment that somebody saved."""
        self.run_program("/bin/true")
        for path in (self.runtime / self.run_dirs()[0], "/no/run"):
            self.env["IOMMUFD_USER_RUN"] = str(path)
            done = self.run_program("/bin/ls", "/dev/iommu")
            self.assertEqual((done.returncode, done.stdout),
                             (0, "/dev/iommu\n"), done.stderr)
        done = self.run_program(COMMAND, "run", *NVME, "--", "/bin/true")
        self.assertEqual(done.returncode, 2)
        self.assertIn("inside a run already", done.stderr)

    def test_strangers_stay(self):
        names = ["iommufd-user-run.mine", "other"]
        (self.runtime / names[0]).write_text("a file, no directory")
        (self.runtime / names[1]).mkdir()
        target = self.files / "kept"
        target.mkdir()
        (self.runtime / "iommufd-user-run.link").symlink_to(target)
        self.run_program("/bin/true")
        for name in [*names, "iommufd-user-run.link"]:
            self.assertIn(name, self.run_dirs())
        self.assertTrue(target.exists())

    def test_only_its_owner_can_look_in(self):
        self.run_program("/bin/true")
        (name,) = self.run_dirs()
        self.assertEqual((self.runtime / name).stat().st_mode & 0o777, 0o700)

    def test_next_place_when_the_first_is_not_writable(self):
        self.env["XDG_RUNTIME_DIR"] = "/no/such/directory"
        done = self.run_program("/bin/sh", "-c", "echo $IOMMUFD_USER_RUN")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_the_lock_is_no_descriptor_of_the_program(self):
        done = self.run_program("/bin/ls", "/proc/self/fd")
        self.assertEqual(done.stdout.split(), ["0", "1", "2", "3"])


if __name__ == "__main__":
    unittest.main()
