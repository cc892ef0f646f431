"""The command ``sessions``: samples to sessions."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from wsanalytics.cli.options import INPUT, LIMITS, OUTPUT, command, one_of, option
from wsanalytics.cli.results import is_json
from wsanalytics.cli.value_kinds import PATH, SOME_MINUTES

if TYPE_CHECKING:
    from wsanalytics.sessions import Found

FROM = one_of("samples or store", required=True)


@command("Find the sessions that samples of connection states show.",
         "wsanalytics sessions --store fleet --output sessions.csv",
         "wsanalytics sessions --samples samples.csv --output sessions.parquet --gaps gaps.csv")
def sessions(
    *,
    samples: Annotated[Path | None, option(
        "the samples table, .csv or .parquet, or the .json of 'aws workspaces "
        "describe-workspaces-connection-status' (or a folder of such files)", PATH,
        metavar="F", group=(INPUT, FROM))] = None,
    store: Annotated[Path | None, option(
        "the store of a collector, in place of --samples", PATH, metavar="DIR",
        group=(INPUT, FROM))] = None,
    output: Annotated[Path, option("where the sessions go, .csv or .parquet", PATH, metavar="F",
                                   group=OUTPUT)],
    gaps: Annotated[Path | None, option("where the gaps go: intervals that nobody observed", PATH,
                                        metavar="F", group=OUTPUT)] = None,
    bridge_gaps: Annotated[float | None, option(
        "the longest silence within one session (default: the larger of 20 minutes and three "
        "sampling intervals)", SOME_MINUTES, metavar="MINUTES", group=LIMITS)] = None,
) -> None:
    """Write the sessions that samples show, and the gaps between samples."""
    from wsanalytics.cli.printing.as_json import print_json, records
    from wsanalytics.cli.printing.console import next_steps, note
    from wsanalytics.files import STANDARD_OUTPUT, check_output, together
    from wsanalytics.formatting import counted
    from wsanalytics.progress import step_bar
    from wsanalytics.tables import GAPS, SESSIONS, write_table

    for path in filter(None, (output, gaps)):
        check_output(path)
    bridge = None if bridge_gaps is None else timedelta(minutes=bridge_gaps)
    with step_bar(3) as step:
        step("reading samples, finding sessions")
        found = _find(samples, store, bridge)
        step("writing")
        with together() as batch:
            if gaps:
                write_table(found.gaps, gaps, GAPS, batch=batch)
            write_table(found.sessions, output, SESSIONS, batch=batch)
    if is_json():
        print_json("sessions", samples=found.samples, output=output,
                   sessions=records(found.sessions, SESSIONS), gaps=records(found.gaps, GAPS))
    where = "" if output == STANDARD_OUTPUT else f"; written to {output}"
    note(f"{counted(found.samples, 'sample')}, {counted(len(found.sessions), 'session')} "
         f"({int(found.sessions['revealed'].sum()):,} revealed), "
         f"{counted(len(found.gaps), 'gap')}{where}")
    if store is not None:
        next_steps(["recommend", "--store", str(store), "--output", "plan.json"])


def _find(samples: Path | None, store: Path | None, bridge: timedelta | None) -> Found:
    """Find sessions and gaps in a store or in a samples file; one of the two is given."""
    from wsanalytics.collection import described_samples
    from wsanalytics.history import Store, read_samples
    from wsanalytics.sessions import Found, find_gaps, find_sessions, find_stored

    if store is not None:
        source = Store(store)
        return find_stored(source, source.inventory(), source.window(), bridge_gaps=bridge)
    assert samples is not None
    is_json_of_aws = samples.suffix == ".json" or samples.is_dir()
    frame = described_samples(samples) if is_json_of_aws else read_samples(samples)
    return Found(find_sessions(frame, bridge_gaps=bridge), find_gaps(frame, bridge_gaps=bridge),
                 len(frame))
