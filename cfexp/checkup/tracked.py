"""Where runs are tracked: whether it answers, and what it holds."""

from cfexp.checkup.finding import Finding, note, wrong
from cfexp.errors import NoRunsError, TrackingError, masked
from cfexp.tracking.preflight import check_reachable
from cfexp.tracking.settings import Tracking


def tracked(tracking: Tracking, *, quick: bool) -> Finding:
    """Looks at the tracking server or database.

    Args:
        tracking: Where to track.
        quick: Look whether it answers only, without importing MLflow.
    """
    uri = masked(tracking.absolute_uri)
    if not tracking.enabled:
        return note("tracking", "off, by tracking=none")
    try:
        check_reachable(tracking.uri)
        check_reachable(tracking.uri, existing=True)
    except NoRunsError:
        return Finding("tracking", f"{uri}, made by the first run")
    except TrackingError as error:
        return wrong("tracking", masked(str(error)), "see docs/mlflow.md")
    return Finding("tracking", f"{uri} answers") if quick else _opened(tracking, uri)


def _opened(tracking: Tracking, uri: str) -> Finding:
    from cfexp.tracking.connect import NO_EXPERIMENT, connect
    from cfexp.tracking.listing import Wanted, list_runs

    try:
        experiment_id = connect(tracking, existing=True, searched=False)
    except TrackingError as error:
        fix = "start or upgrade the server"
        if "schema" in str(error):
            fix = f"back the file up, then: mlflow db upgrade {uri}"
        return wrong("tracking", masked(str(error)), fix)
    if experiment_id == NO_EXPERIMENT:
        return Finding("tracking", f"{uri}, no experiment {tracking.experiment} yet")
    newest = list_runs(experiment_id, Wanted(limit=1))
    said = f"newest run: {newest[0].name}" if newest else "no run yet"
    return Finding("tracking", f"{uri}, experiment {tracking.experiment}, {said}")
