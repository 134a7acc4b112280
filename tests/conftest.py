"""The order of a run: the files that take longest begin first, so that no worker is left alone with one at the end."""
import pathlib

# By what they took on two cores; the files that are not named come after them, as they are collected.
LONGEST = ("test_looks", "test_panel", "test_api_schema", "test_sends_storms", "test_first_run", "test_sends_days",
           "test_browser", "test_kill", "test_import_kills", "test_stop", "test_people", "test_settings_file", "test_alerts",
           "test_sweeps", "test_forecast", "test_backup", "test_backup_kills", "test_reports_kills", "test_sends_kills",
           "test_import_any", "test_doors_table", "test_sends_sending", "test_people_edges", "test_renewal_pages", "test_acceptance")


def pytest_collection_modifyitems(items):
    place = {name: n for n, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(pathlib.Path(item.fspath).stem, len(LONGEST)))
