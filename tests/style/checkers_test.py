#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The checkers of tools/ find what they are there to find.

usage: checkers_test.py SOURCE_ROOT
"""
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(sys.argv.pop(1)).resolve()

# A small tree in order: each floor with its door.
GOOD = {
    "include/uapi/linux/iommufd.h": "",
    "include/iommufd-user/iommufd.h": "",
    "src/base/list.h": "#include <stddef.h>\n",
    "src/base/slab.h": "",
    "src/mm/mm.h": '#include "base/list.h"\n',
    "src/mm/vma.h": "",
    "src/iommu/iommu.h": "",
    "src/iommu/driver.h": '#include "iommu/iommu.h"\n',
    "src/iommu/vtd/vtd.h": '#include "iommu/driver.h"\n',
    "src/iommufd/framework.h": '#include "iommu/iommu.h"\n',
    "src/iommufd/ioas.h": "",
    "src/vfio/pci.h": '#include "iommufd/framework.h"\n',
    "src/devices/model.h": '#include "vfio/pci.h"\n',
    "src/devices/nvme/nvme.h": '#include "devices/model.h"\n',
    "src/machine/machine.h": '#include "iommu/vtd/vtd.h"\n',
    "src/shim/door.h": '#include "base/list.h"\n',
    "tests/harness/harness.h": "",
    "tests/unit/iommufd/ioas_test.c": '#include "iommufd/ioas.h"\n',
}


class Tree(unittest.TestCase):
    def run_tool(self, tool, files):
        with tempfile.TemporaryDirectory() as name:
            root = pathlib.Path(name)
            for path, text in files.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text)
            run = subprocess.run([ROOT / "tools" / tool, name], text=True,
                                 capture_output=True, check=False)
            return run.returncode, run.stdout + run.stderr


class CheckLayers(Tree):
    def refused(self, path, text, because):
        code, out = self.run_tool("check-layers", {**GOOD, path: text})
        self.assertEqual(code, 1, out)
        self.assertIn(because, out)

    def test_tree_in_order_passes(self):
        code, out = self.run_tool("check-layers", GOOD)
        self.assertEqual(code, 0, out)

    def test_floor_looks_up(self):
        self.refused("src/mm/a.c", '#include "iommu/iommu.h"\n',
                     "src/mm may not include src/iommu/iommu.h")

    def test_base_knows_nothing(self):
        self.refused("src/base/a.c", '#include "mm/mm.h"\n',
                     "src/base may not include src/mm/mm.h")

    def test_private_header(self):
        self.refused("src/iommufd/a.c", '#include "mm/vma.h"\n',
                     "src/mm/vma.h is private to src/mm")

    def test_private_header_of_base(self):
        self.refused("src/mm/a.c", '#include "base/slab.h"\n',
                     "src/base/slab.h is private to src/base")

    def test_half_a_folder(self):
        self.refused("src/iommu/vtd/a.c", '#include "iommu/iommu.h"\n',
                     "src/iommu/vtd may not include src/iommu/iommu.h")
        self.refused("src/iommufd/a.c", '#include "iommu/driver.h"\n',
                     "src/iommufd may not include src/iommu/driver.h")

    def test_unit_test_sees_one_folder(self):
        self.refused("tests/unit/vfio/a.c", '#include "iommufd/ioas.h"\n',
                     "tests/unit/vfio may not include src/iommufd/ioas.h")

    def test_abi_test_sees_the_abi(self):
        self.refused("tests/abi/a.c", '#include "base/list.h"\n',
                     "tests/abi may not include src/base/list.h")

    def test_served_abi_is_ours(self):
        self.refused("src/mm/a.c", "#include <linux/iommufd.h>\n",
                     "src/mm may not include include/uapi/linux/iommufd.h")

    def test_packaged_library(self):
        self.refused("src/mm/a.c", "#include <liburing.h>\n",
                     "<liburing.h> belongs to src/devices/nvme")
        self.refused("src/mm/a.c", "#include <json-c/json.h>\n",
                     "neither the C library's")

    def test_new_folder(self):
        self.refused("src/other/a.c", "int other;\n", "has no row")

    def test_cycle(self):
        self.refused("src/base/list.h", '#include "base/ring.h"\n',
                     '"base/ring.h" is no header of the tree')
        code, out = self.run_tool("check-layers", {
            **GOOD, "src/base/list.h": '#include "base/ring.h"\n',
            "src/base/ring.h": '#include "base/list.h"\n'})
        self.assertEqual(code, 1, out)
        self.assertIn("cycle: ", out)

    def test_assert_in_a_test(self):
        self.refused("tests/harness/a.c", "#include <assert.h>\n",
                     "assert() is off")

    def test_comment_is_no_include(self):
        code, out = self.run_tool("check-layers", {
            **GOOD, "src/base/a.c": '/*\n#include "mm/mm.h"\n*/\n'})
        self.assertEqual(code, 0, out)


class CheckSize(Tree):
    @staticmethod
    def function(n_lines, parameters="void"):
        body = "\treturn;\n" * (n_lines - 3)
        return f"static void f({parameters})\n{{\n{body}}}\n"

    def verdict(self, text):
        return self.run_tool("check-size", {"src/base/a.c": text})

    def test_stops(self):
        self.assertEqual(self.verdict(self.function(100))[0], 0)
        code, out = self.verdict(self.function(101))
        self.assertEqual(code, 1)
        self.assertIn("f() has 101 lines", out)

    def test_parameters(self):
        six = ", ".join(f"int a{i}" for i in range(5)) + ", int (*f)(int, int)"
        self.assertEqual(self.verdict(self.function(9, six))[0], 0)
        code, out = self.verdict(self.function(9, six + ",\n\t\tint last"))
        self.assertEqual(code, 1)
        self.assertIn("f() has 7 parameters", out)

    def test_file(self):
        code, out = self.verdict(self.function(9) * 112)
        self.assertEqual(code, 1)
        self.assertIn("1008 lines", out)

    def test_line(self):
        self.assertEqual(
            self.verdict("/*" + "x" * 79 + "*/\n" + self.function(9))[0], 1)


class CheckText(Tree):
    SPDX = "/* SPDX-License-Identifier: BSD-3-Clause */\n"

    def verdict(self, text):
        return self.run_tool("check-text", {"src/base/a.c": text})[0]

    def test_heads(self):
        self.assertEqual(self.verdict(self.SPDX + "/* A thing. */\n"), 0)
        self.assertEqual(self.verdict("/* A thing. */\n"), 1)
        self.assertEqual(self.verdict(self.SPDX + "int a;\n"), 1)

    def test_nothing_left_for_later(self):
        self.assertEqual(
            self.verdict(self.SPDX + "/* TO" "DO: the rest */\n"), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
