#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What "make install" leaves is whole: man pages, and a library that a
program finds by pkg-config, is compiled with, and runs with.

usage: install_test.py COMPILER...
"""
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile
import unittest

BUILD = os.environ["IOMMUFD_USER_BUILD_DIR"]
WANTED = ["bin/iommufd-user", "include/iommufd-user/iommufd.h",
          "share/man/man1/iommufd-user.1", "share/man/man3/iommufd-user.3"]
PROGRAM = r"""
#include <fcntl.h>
#include <iommufd-user/iommufd.h>

int main(void)
{
	static const char *const options[] = { "-d nvme,size=16M" };
	struct iommufd_machine *machine =
		iommufd_machine_create(options, 1, NULL, 0);
	int fd = machine ? iommufd_open(machine, "/dev/iommu", O_RDWR) : -1;

	if (fd < 0 || iommufd_close(fd))
		return 1;
	iommufd_machine_destroy(machine);
	return 0;
}
"""


def output(*args, **env):
    done = subprocess.run(args, env={**os.environ, **env}, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=60, check=False)
    if done.returncode:
        raise AssertionError(f"{shlex.join(args)}: {done.stdout}")
    return done.stdout


class Install(unittest.TestCase):
    def test_install(self):
        with tempfile.TemporaryDirectory() as name:
            output("meson", "install", "-C", BUILD, "--no-rebuild",
                   "--destdir", name)
            pc = next(pathlib.Path(name).rglob("iommufd-user.pc"))
            for path in WANTED:
                self.assertTrue(list(pathlib.Path(name).rglob(path)), path)
            self.compile_and_run(name, pc)

    def compile_and_run(self, name, pc):
        flags = output("pkg-config", "--cflags", "--libs", "iommufd-user",
                       PKG_CONFIG_SYSROOT_DIR=name,
                       PKG_CONFIG_LIBDIR=str(pc.parent))
        source = pathlib.Path(name) / "program.c"
        source.write_text(PROGRAM)
        program = str(source.with_suffix(""))
        output(*COMPILER, "-Wall", "-Werror", "-o", program, str(source),
               *shlex.split(flags))
        # The library of the build directory must not help out.
        output(program, LD_LIBRARY_PATH=str(pc.parent.parent))


if __name__ == "__main__":
    COMPILER = sys.argv[1:]
    unittest.main(argv=sys.argv[:1])
