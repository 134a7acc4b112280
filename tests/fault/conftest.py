"""The fault tests use the house of the end-to-end tests."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from house import Village  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "long: too slow for every day")


@pytest.fixture
def village():
    made = Village()
    yield made
    made.close()
