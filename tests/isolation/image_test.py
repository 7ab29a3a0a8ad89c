#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A namespace in a file: what is flushed stays, whatever happens around it."""
import functools
import os
import resource
import struct
import subprocess
import unittest

from cli import BUILD, COMMAND, CliTest

PROGRAMS = BUILD / "tests" / "isolation"
TOOL = PROGRAMS / "nvme_tool"
BLOCK = 512
N_JOURNAL = 1024
BACKENDS = ("uring", "threads")


def each_backend(test):
    """Run @test with each backend, on an image of its own."""
    @functools.wraps(test)
    def run(self):
        for backend in BACKENDS:
            with self.subTest(io=backend):
                test(self, backend, self.image())
    return run


class Images(CliTest):
    def image(self, length=4 << 20, content=b""):
        path = self.files / "image"
        path.write_bytes(content)
        os.truncate(path, length)
        return path

    def start(self, image, *words, options=(), **more):
        """The tool on @image; its lines are read one by one."""
        device = ",".join([f"nvme,image={image}", *options])
        child = subprocess.Popen([COMMAND, "run", "-d", device, "--", TOOL,
                                  *words], env=self.env, text=True,
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, **more)
        for stream in (child.stdin, child.stdout, child.stderr):
            self.addCleanup(stream.close)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        return child

    def tool(self, image, *words, options=(), **more):
        child = self.start(image, *words, options=options, **more)
        out, err = child.communicate(timeout=60)
        self.assertEqual(child.returncode, 0, err)
        return [line.split("status ")[1].split()[0]
                for line in out.splitlines() if "status" in line], err

    @each_backend
    def test_what_is_written_is_in_the_file(self, backend, image):
        statuses, _ = self.tool(image, "write:3:0x41", "flush",
                                options=[f"io={backend}"])
        self.assertEqual(statuses, ["0x000", "0x000"])
        content = image.read_bytes()
        self.assertEqual(content[3 * BLOCK:4 * BLOCK], b"A" * BLOCK)
        self.assertEqual(content.strip(b"\0"), b"A" * BLOCK)
        child = self.start(image, "read:3", options=[f"io={backend}"])
        self.assertEqual(child.communicate(timeout=60)[0].split()[0], "65")

    @each_backend
    def test_killed_in_the_middle_of_writing(self, backend, image):
        """Flushed data is there, and the next run can have the image."""
        child = self.start(image, "journal", options=[f"io={backend}"])
        flushed = 0
        while flushed < 300:
            word, number = child.stdout.readline().split()
            self.assertEqual(word, "flushed")
            flushed = int(number)
        child.kill()
        rest = child.stdout.read().splitlines()
        child.wait()
        if rest and rest[-1].startswith("flushed ") and len(rest) > 1:
            flushed = int(rest[-2].split()[1])
        content = image.read_bytes()
        for number in range(max(1, flushed - N_JOURNAL + 2), flushed + 1):
            at = number % N_JOURNAL * BLOCK
            (found,) = struct.unpack_from("<Q", content, at)
            self.assertIn(found, (number, number + N_JOURNAL))
        statuses, _ = self.tool(image, "write:0:1", "flush",
                                options=[f"io={backend}"])
        self.assertEqual(statuses, ["0x000", "0x000"])
        self.assertEqual(len(self.run_dirs()), 1)  # the old one is swept

    def test_used_by_one_at_a_time(self):
        image = self.image()
        child = self.start(image, "wait")
        self.assertEqual(child.stdout.readline(), "waiting\n")
        done = self.command("run", "-d", f"nvme,image={image}", "--",
                            "/bin/true")
        self.assertEqual(done.returncode, 2, done)
        self.assertEqual(len(done.stderr.splitlines()), 1)
        self.assertIn("in use", done.stderr)
        child.communicate("\n", timeout=60)
        self.assertEqual(self.tool(image, "read:0")[0], ["0x000"])

    @each_backend
    def test_read_only(self, backend, image):
        before = image.read_bytes()
        statuses, _ = self.tool(image, "write:0:1", "read:0",
                                options=["ro", f"io={backend}"])
        self.assertEqual(statuses[1], "0x000")
        self.assertNotEqual(statuses[0], "0x000")
        self.assertEqual(image.read_bytes(), before)

    @each_backend
    def test_no_room_left(self, backend, image):
        """The limit on file sizes stands for a file system that is full."""
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

        statuses, err = self.tool(image, "write:0:1", "write:4096:1",
                                  "write:1:1", "flush", "read:1",
                                  options=[f"io={backend}"],
                                  preexec_fn=limit)
        self.assertEqual(statuses[:1] + statuses[2:], ["0x000"] * 4, err)
        self.assertNotEqual(statuses[1], "0x000", err)
        self.assertIn("image", err)

    @unittest.skipIf(os.geteuid(), "only root can mount")
    def test_full_file_system(self):
        mount = self.files / "full"
        mount.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1M",
                                  "none", mount], check=False)
        if mounted.returncode:
            self.skipTest("mount is refused here")
        self.addCleanup(subprocess.run, ["umount", mount], check=True)
        for backend in BACKENDS:
            with self.subTest(io=backend):
                image = mount / "image"
                image.touch()
                os.truncate(image, 4 << 20)
                (mount / "rest").write_bytes(bytes(768 << 10))
                words = [f"write:{lba}:1" for lba in range(0, 8192, 8)]
                statuses, err = self.tool(image, *words, "read:0",
                                          options=[f"io={backend}"])
                self.assertEqual(statuses[0], "0x000")
                self.assertEqual(statuses[-1], "0x000")
                self.assertNotIn("0x000", statuses[-3:-1])
                self.assertIn("image", err)
                image.unlink()

    @each_backend
    def test_shorter_than_before(self, backend, image):
        """Cut off in use: an error for what is gone, and no crash."""
        child = self.start(image, "wait", "read:4096", "read:0",
                           options=[f"io={backend}"])
        self.assertEqual(child.stdout.readline(), "waiting\n")
        os.truncate(image, 1 << 20)
        out, err = child.communicate("\n", timeout=60)
        self.assertEqual(child.returncode, 0, err)
        gone, there = out.splitlines()[-2:]
        self.assertNotIn("0x000", gone, err)
        self.assertIn("0x000", there, err)
        self.assertIn("image", err)

    @each_backend
    def test_unmap_under_load(self, backend, image):
        done = self.command("run", "--on-fault=ignore", "-d",
                            f"nvme,image={image},io={backend}", "--",
                            str(PROGRAMS / "under_load"), "unmap",
                            "10000")
        self.assertEqual(done.returncode, 0, done.stderr)

    @each_backend
    def test_close_under_load(self, backend, image):
        done = self.command("run", "--on-fault=ignore", "-d",
                            f"nvme,image={image},io={backend}", "--",
                            str(PROGRAMS / "under_load"), "close", "2000")
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
