"""What every end-to-end test may ask for."""
import pytest

from house import Village


def pytest_configure(config):
    config.addinivalue_line("markers", "long: too slow for every day")


@pytest.fixture
def village():
    made = Village()
    yield made
    made.close()
