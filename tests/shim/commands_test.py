#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Programs as the distribution has them, in a run.

To be run by run_in_tree.py with STATIC REFUSE PROCESS; STATIC is a statically linked program that
exits with 0, REFUSE is tests/harness/refuse, PROCESS is process_test.
"""
import glob
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

VFIO0 = "/dev/vfio/devices/vfio0"
BDF = "0000:00:04.0"
DEVICE = "/sys/devices/pci0000:00/" + BDF
RUN = os.environ["IOMMUFD_USER_RUN"]
STATIC = REFUSE = PROCESS = None


def output(*command, **more):
    """What a command writes; it must succeed and not mention the run."""
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE,
                          text=True, **more)
    assert RUN not in done.stdout, done.stdout
    return done.stdout


class Coreutils(unittest.TestCase):
    """The tools that look at files."""

    def test_ls(self):
        lines = output("ls", "-lR", "/dev/vfio").splitlines()
        line = [line for line in lines if line.endswith("vfio0")][0]
        self.assertTrue(line.startswith("crw-------"), line)
        self.assertIn("511, 0", line)
        self.assertIn("/dev/vfio/devices:", lines)
        names = output("ls", "/dev").split()
        self.assertEqual(names.count("iommu"), 1)
        self.assertIn("null", names)

    def test_find(self):
        found = output("find", "/sys/kernel/iommu_groups").split()
        top = "/sys/kernel/iommu_groups"
        self.assertEqual(sorted(found),
                         [top, top + "/0", top + "/0/devices",
                          top + "/0/devices/" + BDF])
        found = output("find", "/dev", "-maxdepth", "1", "-name", "iomm*",
                       "-type", "c").split()
        self.assertEqual(found, ["/dev/iommu"])
        found = output("find", "-L", "/sys/bus/pci/devices", "-maxdepth", "2",
                       "-name", "vendor").split()
        self.assertEqual(found, [f"/sys/bus/pci/devices/{BDF}/vendor"])

    def test_stat(self):
        text = output("stat", "-c", "%F %t:%T %a %s", VFIO0)
        self.assertEqual(text, "character special file 1ff:0 600 0\n")
        text = output("stat", "-L", "-c", "%F", "/dev/char/511:0")
        self.assertEqual(text, "character special file\n")

    def test_links(self):
        link = f"/sys/bus/pci/devices/{BDF}/iommu_group"
        self.assertEqual(output("readlink", "-f", link),
                         "/sys/kernel/iommu_groups/0\n")
        self.assertEqual(output("realpath", link),
                         "/sys/kernel/iommu_groups/0\n")
        self.assertEqual(output("realpath", f"/sys/bus/pci/devices/{BDF}/.."),
                         "/sys/devices/pci0000:00\n")
        self.assertEqual(output("readlink", link),
                         "../../../kernel/iommu_groups/0\n")

    def test_cat(self):
        self.assertEqual(output("cat", f"/sys/bus/pci/devices/{BDF}/vendor"),
                         "0x1b36\n")
        self.assertIn("511 vfio", output("cat", "/proc/devices"))
        self.assertEqual(output("cat", "devices/" + BDF + "/vendor",
                                cwd="/sys/bus/pci"), "0x1b36\n")

    def test_dd(self):
        text = subprocess.run(["dd", "if=" + VFIO0, "bs=4", "count=2",
                               "skip=1", "status=none"], check=True,
                              stdout=subprocess.PIPE).stdout
        self.assertEqual(text, bytes(range(4, 12)))


class Shell(unittest.TestCase):
    """What a shell does itself."""

    def test_working_directory(self):
        text = output("bash", "-c",
                      f"cd /sys/bus/pci/devices/{BDF} && pwd -P && cat vendor"
                      " && cd .. && cat */vendor && cd - > /dev/null &&"
                      " cd -P .. && pwd")
        self.assertEqual(text.splitlines(),
                         [DEVICE, "0x1b36", "0x1b36",
                          "/sys/devices/pci0000:00"])

    def test_tests(self):
        output("sh", "-c", f"test -c {VFIO0} && test -r {VFIO0} &&"
               f" test -w {VFIO0} && test ! -x {VFIO0} &&"
               " test -d /dev/vfio && test ! -e /dev/vfio/9 &&"
               f" test -L /sys/bus/pci/devices/{BDF}")

    def test_redirection(self):
        text = output("sh", "-c", f"exec 7<>{VFIO0} && readlink /proc/self/fd/7"
                      " && head -c 3 <&7 | wc -c && exec 7>&-"
                      " && ! readlink /proc/self/fd/7",
                      stderr=subprocess.DEVNULL)
        self.assertEqual(text.splitlines()[0], VFIO0)


class Python(unittest.TestCase):
    """This interpreter itself runs under the preload library."""

    def test_walk(self):
        self.assertEqual(list(os.walk("/dev/vfio/devices")),
                         [("/dev/vfio/devices", [], ["vfio0"])])
        self.assertEqual(sorted(os.listdir(DEVICE)),
                         ["driver", "iommu_group", "subsystem", "vendor",
                          "vfio-dev"])

    def test_scandir(self):
        with os.scandir("/dev/vfio") as entries:
            kinds = {entry.name: entry.is_dir() for entry in entries}
        self.assertEqual(kinds, {"vfio": False, "devices": True})

    def test_glob(self):
        self.assertEqual(glob.glob("/sys/bus/pci/devices/*/vfio-dev/vfio*"),
                         [f"/sys/bus/pci/devices/{BDF}/vfio-dev/vfio0"])

    def test_relative(self):
        top = os.open("/dev", os.O_RDONLY)
        self.assertTrue(stat.S_ISCHR(os.stat("iommu", dir_fd=top).st_mode))
        self.assertIn("vfio", os.listdir(top))
        os.close(top)
        self.assertEqual(os.path.realpath("/dev/char/511:0"), VFIO0)

    def test_children(self):
        code = f"import os; os.close(os.open('{VFIO0}', os.O_RDWR))"
        subprocess.run([sys.executable, "-c", code], check=True, env={})
        subprocess.run([sys.executable, "-c", code], check=True,
                       close_fds=True, start_new_session=True)


class Targets(unittest.TestCase):
    """Programs that cannot be preloaded run, and it is said."""

    def setUp(self):
        self.dir = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.dir)

    def said_of(self, path):
        """What is written when a shell executes @path."""
        done = subprocess.run(["sh", "-c", f"{path}; exit 5"], check=False,
                              stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 5)
        return done.stderr

    def changed(self, change):
        """A copy of a program with a change in its bytes."""
        path = self.dir + "/program"
        with open("/bin/true", "rb") as file:
            image = bytearray(file.read())
        change(image)
        with open(path, "wb") as file:
            file.write(image)
        os.chmod(path, 0o755)
        return path

    def test_static(self):
        self.assertEqual(
            self.said_of(STATIC),
            f"iommufd-user: {STATIC} is statically linked: it cannot be given "
            "the served devices; link it dynamically\n")
        self.assertEqual(subprocess.run([STATIC], check=False).returncode, 0)

    def test_dynamic(self):
        self.assertEqual(self.said_of("/bin/true"), "")

    def test_script(self):
        path = self.dir + "/script"
        with open(path, "w", encoding="ascii") as file:
            file.write(f"#! {STATIC} argument\n")
        os.chmod(path, 0o755)
        self.assertIn(f"{STATIC} is statically linked", self.said_of(path))
        with open(path, "w", encoding="ascii") as file:
            file.write("#!/bin/sh\nexit 0\n")
        self.assertEqual(self.said_of(path), "")

    def test_32_bit(self):
        def change(image):
            image[4] = 1
        self.assertIn("is a 32-bit program", self.said_of(self.changed(change)))

    def test_other_library(self):
        def change(image):
            at = image.index(b"/lib64/ld-linux-x86-64.so.2\0")
            image[at:at + 28] = b"/lib/ld-musl-x86_64.so.1\0\0\0\0"
        self.assertIn("uses another C library", self.said_of(
            self.changed(change)))

    @unittest.skipUnless(os.geteuid() == 0, "needs root to make such a file")
    def test_set_user(self):
        path = self.changed(lambda image: None)
        os.chown(path, 65534, 65534)
        os.chmod(path, 0o4755)
        self.assertIn("is set-user-ID", self.said_of(path))


class Surroundings(unittest.TestCase):
    """Less rights, fewer system calls."""

    # Opens, uses, forks, lists, closes.
    CODE = f"""
import fcntl, os, sys
fd = os.open('{VFIO0}', os.O_RDWR)
assert fcntl.ioctl(fd, 0x3b01, 33) == 33
assert os.pread(fd, 3, 1) == bytes([1, 2, 3])
assert os.readlink('/proc/self/fd/%d' % fd) == '{VFIO0}'
pid = os.fork()
if not pid:
    again = os.open('{VFIO0}', os.O_RDWR)
    os._exit(fcntl.ioctl(again, 0x3b01, 4) != 4)
assert os.waitpid(pid, 0)[1] == 0
assert os.listdir('/dev/vfio/devices') == ['vfio0']
os.close(fd)
print('well')
"""

    def test_container(self):
        self.assertEqual(output(REFUSE, sys.executable, "-c", self.CODE),
                         "well\n")

    def test_refuse_refuses(self):
        code = ("import ctypes, errno; libc = ctypes.CDLL(None,"
                " use_errno=True); assert libc.syscall(425, 1, 0) == -1;"
                " assert ctypes.get_errno() == errno.EPERM")
        subprocess.run([REFUSE, sys.executable, "-c", code], check=True)

    @unittest.skipUnless(os.geteuid() == 0, "needs root to become nobody")
    def test_nobody(self):
        for path, _, _ in os.walk(RUN):
            os.chmod(path, 0o755)
        environment = dict(os.environ)
        environment.pop("FAKE_CORE_LOG", None)
        # Where the build is, and Python, may be closed to others.
        programs = [shutil.copy(path, RUN + "/lib")
                    for path in (REFUSE, PROCESS)]
        nobody = ["setpriv", "--reuid=65534", "--regid=65534",
                  "--clear-groups"]
        output(*nobody, *programs, "fresh", env=environment, cwd="/")
        text = output(*nobody, "stat", "-c", "%u %g", VFIO0,
                      env=environment, cwd="/")
        self.assertEqual(text, "65534 65534\n")


class Environment(unittest.TestCase):
    """The run is carried on, whatever a program makes of its environment."""

    def test_other_run(self):
        text = output("env", "IOMMUFD_USER_RUN=/nonexistent", "ls", "/dev")
        self.assertIn("iommu", text.split())

    def test_no_preload(self):
        text = output("env", "-i", "LD_PRELOAD=", "/bin/ls", "/dev/vfio")
        self.assertEqual(text.split(), ["devices", "vfio"])


if __name__ == "__main__":
    STATIC, REFUSE, PROCESS = map(os.path.abspath, sys.argv[1:4])
    unittest.main(argv=sys.argv[:1])
