"""What every test of a plot needs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from matplotlib import pyplot as plt


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    plt.close("all")  # what other tests in this process left open
    yield
    plt.close("all")
