# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of the command share: a place of their own, and a run."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

BUILD = pathlib.Path(os.environ["IOMMUFD_USER_BUILD_DIR"])
COMMAND = BUILD / "iommufd-user"
NVME = ["-d", "nvme,size=16M"]


class CliTest(unittest.TestCase):
    """Each test has a directory for run directories, and one for files."""

    def setUp(self):
        self.runtime = pathlib.Path(tempfile.mkdtemp(prefix="cli-runtime-"))
        self.files = pathlib.Path(tempfile.mkdtemp(prefix="cli-files-"))
        self.addCleanup(shutil.rmtree, self.runtime)
        self.addCleanup(shutil.rmtree, self.files)
        self.env = {**os.environ, "XDG_RUNTIME_DIR": str(self.runtime)}
        self.env.pop("LD_PRELOAD", None)

    def command(self, *args):
        """The command, with text output, and at most a minute of time."""
        return subprocess.run([COMMAND, *args], env=self.env, timeout=60,
                              stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False)

    def run_program(self, *program, options=()):
        return self.command("run", *NVME, *options, "--", *program)

    def run_dirs(self):
        return sorted(path.name for path in self.runtime.iterdir())
