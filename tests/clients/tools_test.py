#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Interpreters and tools as they are: what they see is one Linux machine."""
import os
import pathlib
import shutil
import tempfile
import unittest

from cli import CliTest

PCI = "/sys/bus/pci/devices"
BDF = "0000:01:00.0"

IOAS_ALLOC = """
import fcntl, os, struct
def alloc(fd):
    ioas = bytearray(struct.pack("III", 12, 0, 0))
    fcntl.ioctl(fd, 0x3b81, ioas, True)
    return struct.unpack("III", ioas)[2]
"""


class Tools(CliTest):
    def output(self, *program):
        done = self.run_program(*program)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def shell(self, script):
        return self.output("/bin/sh", "-c", script)

    def python(self, script):
        return self.output("python3", "-c", IOAS_ALLOC + script)

    def test_walks(self):
        out = self.python(f"""
import glob, pathlib
print(sorted(glob.glob("/dev/vfio/**", recursive=True)))
print([d for d, _, _ in os.walk("/sys/bus/pci")][0], os.listdir("{PCI}"))
print(pathlib.Path("{PCI}/{BDF}").resolve())
print([(e.name, e.is_dir()) for e in os.scandir("{PCI}/{BDF}/vfio-dev")])
""").splitlines()
        self.assertEqual(out[0], "['/dev/vfio/', '/dev/vfio/devices', "
                                 "'/dev/vfio/devices/vfio0']")
        self.assertEqual(out[1], f"/sys/bus/pci ['{BDF}']")
        self.assertEqual(out[2], f"/sys/devices/pci0000:01/{BDF}")
        self.assertEqual(out[3], "[('vfio0', True)]")
        self.assertEqual(self.output("find", "/dev/vfio", "-type", "c"),
                         "/dev/vfio/devices/vfio0\n")
        self.assertIn(f"{BDF} -> ", self.shell(f"ls -lR {PCI}"))

    def test_copies(self):
        self.shell(f"cp -r {PCI}/{BDF}/ {self.files}/copy")
        self.assertEqual((self.files / "copy/class").read_text(),
                         "0x010802\n")
        self.assertIn("sys/kernel/iommu_groups/0/type\n", self.shell(
            "tar cf - -C / sys/kernel/iommu_groups | tar tf -"))

    def test_numbers(self):
        """A number is moved to 0, and all others are closed at every turn."""
        out = self.python("""
os.closerange(3, 1 << 20)
fd = os.open("/dev/iommu", os.O_RDWR)
os.dup2(fd, 0)
os.closerange(3, 1 << 20)
print(alloc(0), os.readlink("/proc/self/fd/0"), os.path.exists("/dev/fd/3"))
""")
        self.assertEqual(out, "1 /dev/iommu False\n")

    def test_bash_redirection(self):
        out = self.output("bash", "-c", "exec 3<>/dev/iommu; "
                          "[ -c /dev/fd/3 ] && readlink /proc/self/fd/3")
        self.assertEqual(out, "/dev/iommu\n")

    def test_wrappers(self):
        """Whatever stands between the run and the program, it is served."""
        for words in (["env", "-i"], ["timeout", "20"], ["nohup"],
                      ["setsid", "-w"], ["nice"], ["env", "-u", "LD_PRELOAD"],
                      ["sh", "-c", 'exec "$@"', "sh"]):
            self.assertEqual(self.output(*words, "/bin/ls", "/dev/vfio"),
                             "devices\n", words)

    def test_program_names(self):
        with tempfile.TemporaryDirectory(prefix="with space ") as there:
            shutil.copy("/bin/ls", pathlib.Path(there) / "my ls")
            script = pathlib.Path(there) / "script"
            script.write_text("#!/bin/sh\nls /dev/vfio\n")
            script.chmod(0o755)
            for program in (str(pathlib.Path(there) / "my ls"),
                            os.path.relpath(pathlib.Path(there) / "my ls")):
                self.assertEqual(self.output(program, "/dev/vfio"),
                                 "devices\n")
            self.assertEqual(self.output(str(script)), "devices\n")

    def test_few_descriptors(self):
        out = self.shell("ulimit -n 32; ls /dev/vfio")
        self.assertEqual(out, "devices\n")

    def test_working_directory_that_is_gone(self):
        out = self.shell(f"mkdir {self.files}/gone; cd {self.files}/gone; "
                         f"rmdir {self.files}/gone; ls /dev/vfio")
        self.assertEqual(out, "devices\n")

    def test_two_programs_one_device(self):
        """One of them has it; the other is told, and neither hangs."""
        bind = IOAS_ALLOC + """
import sys, time
iommu = os.open("/dev/iommu", os.O_RDWR)
device = os.open("/dev/vfio/devices/vfio0", os.O_RDWR)
bind = bytearray(struct.pack("IIiIQ", 24, 0, iommu, 0, 0))
def tell(what):
    os.write(1, what)
try:
    fcntl.ioctl(device, 0x3b76, bind, True)
    tell(b"bound\\n")
    time.sleep(1.5)
except OSError as error:
    tell(b"refused\\n")
"""
        script = self.files / "bind.py"
        script.write_text(bind)
        out = self.shell(f"python3 {script} & python3 {script}; wait")
        self.assertEqual(sorted(out.split()), ["bound", "refused"])


if __name__ == "__main__":
    unittest.main()
