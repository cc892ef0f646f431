"""Whether somebody sits before a notebook."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from wsanalytics.kernel import in_batch, in_kernel
from wsanalytics.progress import in_notebook


@pytest.mark.parametrize(("shell", "software", "expected"), [
    (None, "", (False, False, False)),
    (SimpleNamespace(), "", (False, False, False)),  # IPython in a terminal
    (SimpleNamespace(kernel=SimpleNamespace(_allow_stdin=True)), "", (True, False, True)),
    (SimpleNamespace(kernel=SimpleNamespace(_allow_stdin=False)), "", (True, True, False)),
    (SimpleNamespace(kernel=SimpleNamespace(_allow_stdin=False)), "voila/0.5.8",
     (True, False, True)),
], ids=["Python", "IPython", "JupyterLab", "nbconvert", "Voila"])
def test_where_this_runs(
    monkeypatch: pytest.MonkeyPatch, shell: object, software: str,
    expected: tuple[bool, bool, bool],
) -> None:
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setenv("SERVER_SOFTWARE", software)
    assert (in_kernel(), in_batch(), in_notebook()) == expected
