# SPDX-License-Identifier: BSD-2-Clause
"""What the commands say of command lines, test files and captures that are wrong, word for word.

messages/*.t are transcripts for cram(1): commands, and what each prints. After a wanted change,
`PATH=$PWD/build:$PATH cram3 -i --shell=/bin/bash tests/cli/messages/*.t` writes them anew: read the diff.
"""
import os
import subprocess
import unittest

import ks
from messages import unseen

TRANSCRIPTS = sorted((ks.ROOT / "tests" / "cli" / "messages").glob("*.t"))
SOURCES = [path for part in ("capture", "cli", "event", "trial")
           for path in (ks.ROOT / "detector" / part).glob("*.c")]
# What no command line and no file provokes, or only as root (test_record has that).
NOT_PROVOKED = {"the daemon does not answer", "cannot write %s: %s", "nothing: this field is computed"}


class Messages(unittest.TestCase):
    def test_the_commands_say_what_the_transcripts_say(self):
        environment = dict(os.environ, PATH=f"{ks.PROGRAM.resolve().parent}:{os.environ['PATH']}")
        for path in TRANSCRIPTS:
            with self.subTest(path.name):
                done = subprocess.run(["cram3", "--shell=/bin/bash", path], env=environment,
                                      capture_output=True, text=True, timeout=60 * ks.PATIENCE)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_every_message_is_in_a_transcript(self):
        said = "".join(path.read_text() for path in TRANSCRIPTS)
        self.assertEqual(unseen(SOURCES, said) - NOT_PROVOKED, set())


if __name__ == "__main__":
    unittest.main()
