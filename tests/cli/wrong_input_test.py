#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Wrong input: one line that names cause and way out, status 2, no traces."""
import os
import pathlib
import unittest

from cli import COMMAND, NVME, CliTest

TRUE = ["--", "/bin/true"]
RUN = ["run", *NVME]


def device(*options):
    """A run with a -d for each of @options."""
    return ["run", *(word for text in options for word in ("-d", text)), *TRUE]


# What is wrong: the arguments, the cause, the way out.
TABLE = {
    "no verb": ([], "no verb", "--help"),
    "unknown verb": (["walk"], "'walk'", "run and devices"),
    "argument too many": (["devices", "x"], "'x'", "no arguments"),
    "no program": (["run", *NVME], "no program", "-- PROGRAM"),
    "no program behind --": ([*RUN, "--"], "no program", "-- PROGRAM"),
    "unknown option": (["run", "--fast", *TRUE], "'--fast'", "--help"),
    "unknown short option": (["run", "-x", *TRUE], "'-x'", "--help"),
    "option without value": (["run", "-d"], "-d", "value"),
    "value of a flag": (["run", "--sync=1", *TRUE], "--sync=1", "--help"),
    "unknown model": (device("floppy"), "floppy", "there is nvme"),
    "empty model": (device(""), "nothing", "there is nvme"),
    "unknown key": (device("nvme,size=1M,colour=red"), "'colour'",
                    "iommufd-user devices"),
    "key without value": (device("nvme,size"), "size", "size=SIZE"),
    "key with empty value": (device("nvme,size="), "size", "size=SIZE"),
    "flag with value": (device("nvme,size=1M,ro=1"), "ro", "without"),
    "missing size": (device("nvme"), "size", "size="),
    "malformed size": (device("nvme,size=lots"), "size=lots", "K, M, G or T"),
    "negative size": (device("nvme,size=-1"), "size=-1", "K, M, G or T"),
    "size of half a block": (device("nvme,size=100"), "100", "multiple"),
    "size of nothing": (device("nvme,size=0"), "size=0", "1M"),
    "size that overflows": (device("nvme,size=99999999T"), "99999999T",
                            "use"),
    "too many queues": (device("nvme,size=1M,queues=99"), "queues=99", "1 to"),
    "long serial": (device("nvme,size=1M,serial=" + "x" * 21), "serial",
                    "1 to 20"),
    "unknown backend": (device("nvme,size=1M,io=tape"), "tape",
                        "uring or threads"),
    "malformed address": (device("nvme,size=1M,addr=1:2"), "addr=1:2",
                          "0000:01:00.0"),
    "address of no slot": (device("nvme,size=1M,addr=0000:01:20.0"),
                           "0000:01:20.0", "00 to 1f"),
    "address of no function": (device("nvme,size=1M,addr=0000:01:00.8"),
                               "0000:01:00.8", "0 to 7"),
    "address with a tail": (device("nvme,size=1M,addr=0000:01:00.0x"),
                            "0000:01:00.0x", "write it as"),
    "address with signs": (device("nvme,size=1M,addr=-1:01:00.0"),
                           "-1:01:00.0", "write it as"),
    "address in use": (device("nvme,size=1M,addr=0000:01:00.0",
                              "nvme,size=1M,addr=01:00.0"), "0000:01:00.0",
                       "choose another"),
    "id in use": (device("nvme,size=1M,id=a", "nvme,size=1M,id=a"), "id=a",
                  "choose another"),
    "malformed group": (device("nvme,size=1M,group=x"), "group=x", "0, 1, 2"),
    "unknown mmio": (device("nvme,size=1M,mmio=dance"), "mmio=dance", "trap"),
    "unknown iommu": ([*RUN, "--iommu=magic", *TRUE], "magic", "vtd"),
    "unknown memlock": ([*RUN, "--memlock=maybe", *TRUE], "maybe", "kernel"),
    "unknown on-fault": ([*RUN, "--on-fault=cry", *TRUE], "cry", "report"),
    "exit code 0": ([*RUN, "--error-exitcode=0", *TRUE], "=0", "1 to 255"),
    "exit code 256": ([*RUN, "--error-exitcode=256", *TRUE], "=256",
                      "1 to 255"),
    "line break": (device("nvme,size=1M,serial=a\nb"), "line break",
                   "not allowed"),
    "program not found": ([*RUN, "--", "no-such-program-anywhere"],
                          "no-such-program-anywhere", "check"),
    "path not found": ([*RUN, "--", "/no/such/program"], "/no/such/program",
                       "check the path"),
    "directory": ([*RUN, "--", "/tmp"], "/tmp", "executable file"),
}


class WrongInput(CliTest):
    def check(self, args, cause, way_out):
        done = self.command(*args)
        self.assertEqual(done.returncode, 2, done)
        self.assertEqual(done.stdout, "")
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertTrue(done.stderr.startswith("iommufd-user: "), done.stderr)
        self.assertIn(cause, done.stderr)
        self.assertIn(way_out, done.stderr)
        self.assertEqual(self.run_dirs(), [])

    def test_table(self):
        for name, row in TABLE.items():
            with self.subTest(name):
                self.check(*row)

    def test_too_many_devices(self):
        self.check(device(*["nvme,size=1M"] * 65), "more than 64", "devices")

    def file(self, name, content=b"", mode=0o644):
        path = self.files / name
        path.write_bytes(content)
        path.chmod(mode)
        return path

    def test_image(self):
        """Missing, unusable, too short, and a size that does not fit."""
        image = self.file("image", bytes(1 << 20))
        short = self.file("short", bytes(100))
        rows = {
            "missing": ("/no/image", "", "no such file", "truncate"),
            "directory": ("/tmp", "", "/tmp", "name one"),
            "empty": (self.file("empty"), "", "empty", ";"),
            "short": (short, "", "short", ";"),
            "longer size": (image, ",size=2M", "shorter than size=",
                            "truncate"),
            "device": ("/dev/null", "", "/dev/null", "name one"),
        }
        for name, (path, more, cause, way_out) in rows.items():
            with self.subTest(name):
                self.check(device(f"nvme,image={path}{more}"), cause, way_out)

    @unittest.skipIf(os.geteuid() == 0, "root may write everything")
    def test_image_not_writable(self):
        image = self.file("image", bytes(1 << 20), 0o444)
        self.check(device(f"nvme,image={image}"), "not writable", "add ro")

    def test_not_executable(self):
        self.check([*RUN, "--", str(self.file("text", b"text"))],
                   "not an executable", "chmod +x")

    def test_programs_that_cannot_be_preloaded(self):
        """Copies of a program of this system, changed where it matters."""
        true = pathlib.Path("/bin/true").read_bytes()
        glibc = b"/lib64/ld-linux-x86-64.so.2"
        musl = b"/lib/ld-musl-x86_64.so.1"
        at = true.index(b"\x03\0\0\0\x04\0\0\0", 64)  # PT_INTERP, readable
        static = true[:at] + bytes(4) + true[at + 4:]
        narrow = true[:4] + b"\x01" + true[5:]
        other = true[:18] + b"\xb7\0" + true[20:]
        self.file("static", static, 0o755)
        script = f"#!{self.files}/static\n".encode()
        rows = {
            "static": (static, "statically linked", "link it dynamically"),
            "musl": (true.replace(glibc, musl.ljust(len(glibc), b"\0")),
                     "another C library", "glibc"),
            "narrow": (narrow, "32-bit", "64-bit form"),
            "arm": (other, "another machine", "x86-64 form"),
            "script": (script, f"{self.files}/static", "link it dynamically"),
        }
        for name, (content, cause, way_out) in rows.items():
            with self.subTest(name):
                path = self.file(name, content, 0o755)
                self.check([*RUN, "--", str(path)], cause, way_out)

    def test_inside_a_run(self):
        done = self.run_program(COMMAND, "run", *NVME, *TRUE)
        self.assertEqual(done.returncode, 2, done)
        self.assertIn("inside a run already", done.stderr)
        self.assertIn("directly", done.stderr)


if __name__ == "__main__":
    unittest.main()
