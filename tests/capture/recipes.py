# SPDX-License-Identifier: GPL-2.0-or-later
"""The commands of doc/many-machines.md, for the tests to run as they stand there."""

import re
import shlex

from conftest import ROOT

DOCUMENT = (ROOT / "doc/many-machines.md").read_text()
RECIPES = dict(re.findall(r"<!-- run: ([\w-]+) -->\n```sh\n(.*?)```", DOCUMENT, re.DOTALL))


def recipe(name, **places):
    """A recipe with other places for /archive and /audit."""
    text = RECIPES[name]
    for place, path in places.items():
        assert f"/{place}" in text
        text = re.sub(rf"(?<=\s)/{place}\b", shlex.quote(str(path)).replace("\\", "\\\\"), text)
    return text
