# SPDX-License-Identifier: BSD-2-Clause
"""The messages in the C sources, to find those that no test has seen."""
import re

# The functions that take them.
CALL = re.compile(r"\b(node_error\w*|node_warning\w*|\w*fail\w*|expected|wrong_type|xasprintf|diag_add|usage_error)\(")
LITERAL = re.compile(r'(?:"(?:[^"\\]|\\.)*"\s*)+')


def arguments(source, start):
    """The text between the bracket before `start` and the one that closes it."""
    depth, quoted, at = 1, False, start
    while depth:
        c = source[at]
        if quoted:
            at += c == "\\"
            quoted = c != '"'
        elif c == '"':
            quoted = True
        else:
            depth += (c == "(") - (c == ")")
        at += 1
    return source[start:at - 1]


def message_formats(paths):
    """The texts of all messages in the files, as regular expressions by text."""
    formats = {}
    for path in paths:
        source = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
        for call in CALL.finditer(source):
            for literal in LITERAL.findall(arguments(source, call.end())):
                text = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', literal))
                text = re.sub(r"\\(.)", r"\1", text)
                if " " in text:
                    parts = re.split(r"%[-.*0-9]*(?:ll|z)?[a-z]", text)
                    formats[text] = ".*".join(re.escape(part.replace("%%", "%"))
                                              for part in parts)
    return formats


def unseen(paths, said):
    """Those messages of the files that are not in the text `said`."""
    return {text for text, pattern in message_formats(paths).items() if not re.search(pattern, said)}
