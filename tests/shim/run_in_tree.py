#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Make a run directory with two devices and run a program in it.

run_in_tree.py PRELOAD_LIBRARY CORE_LIBRARY PROGRAM [ARG]...

What "iommufd-user run" does, with a core that is made for tests behind it.
The program finds the run directory in IOMMUFD_USER_RUN and a file that the
core writes its log to in FAKE_CORE_LOG.
"""
import os
import shutil
import subprocess
import sys
import tempfile

DEVICE = "/sys/devices/pci0000:00/0000:00:04.0"

FILES = {
    "/dev/iommu": "",
    "/dev/vfio/vfio": "",
    "/dev/vfio/devices/vfio0": "",
    DEVICE + "/vendor": "0x1b36\n",
    DEVICE + "/vfio-dev/vfio0/dev": "511:0\n",
    "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode": "N\n",
    "/proc/devices": "Character devices:\n511 vfio\n",
}

LINKS = {
    "/dev/char/511:0": "../vfio/devices/vfio0",
    DEVICE + "/iommu_group": "../../../kernel/iommu_groups/0",
    DEVICE + "/driver": "../../../bus/pci/drivers/vfio-pci",
    DEVICE + "/subsystem": "../../../bus/pci",
    "/sys/bus/pci/devices/0000:00:04.0":
        "../../../devices/pci0000:00/0000:00:04.0",
    "/sys/bus/pci/drivers/vfio-pci/0000:00:04.0":
        "../../../../devices/pci0000:00/0000:00:04.0",
    "/sys/kernel/iommu_groups/0/devices/0000:00:04.0":
        "../../../../devices/pci0000:00/0000:00:04.0",
    "/sys/class/vfio-dev/vfio0":
        "../../devices/pci0000:00/0000:00:04.0/vfio-dev/vfio0",
}

NODES = """\
/dev/iommu 10 125 666
/dev/vfio/vfio 10 196 666
/dev/vfio/devices/vfio0 511 0 600
"""


def make_run_dir(run):
    """Lay out the run directory."""
    tree = run + "/tree"
    for path, text in FILES.items():
        os.makedirs(os.path.dirname(tree + path), exist_ok=True)
        with open(tree + path, "w", encoding="ascii") as file:
            file.write(text)
    for path, target in LINKS.items():
        os.makedirs(os.path.dirname(tree + path), exist_ok=True)
        os.symlink(target, tree + path)
    with open(run + "/nodes", "w", encoding="ascii") as file:
        file.write(NODES)
    with open(run + "/lock", "w", encoding="ascii"):
        pass


def put_beside(run, preload, core):
    """Install both libraries as one release; the preload library's path."""
    os.mkdir(run + "/lib")
    shutil.copy(preload, run + "/lib/libiommufd-user-preload.so")
    shutil.copy(core, run + "/lib/libiommufd-user.so.0")
    return run + "/lib/libiommufd-user-preload.so"


def environment(run, preload):
    """The environment of a program in the run."""
    libraries = [os.environ.get("IOMMUFD_USER_SANITIZER_LIB"), preload]
    return dict(os.environ,
                LD_PRELOAD=":".join(name for name in libraries if name),
                IOMMUFD_USER_RUN=run,
                FAKE_CORE_LOG=run + "/core.log",
                LC_ALL="C")


def main():
    """Run the program; its exit status is ours."""
    preload, core, *program = sys.argv[1:]
    run = tempfile.mkdtemp(prefix="iommufd-user-test.")
    os.chmod(run, 0o755)
    try:
        make_run_dir(run)
        preload = put_beside(run, preload, core)
        lock = os.open(run + "/lock", os.O_RDONLY)
        status = subprocess.run(program, pass_fds=[lock], check=False,
                                env=environment(run, preload))
        return status.returncode if status.returncode >= 0 else 99
    finally:
        shutil.rmtree(run)


if __name__ == "__main__":
    sys.exit(main())
