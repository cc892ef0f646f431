"""The command ``verify``: what applied changes have saved, against what was promised."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from wsanalytics.cli.options import (
    HOUR_RULES,
    LIMITS,
    OUTPUT,
    RULES,
    StoreFolder,
    command,
    option,
    subject,
)
from wsanalytics.cli.results import is_json
from wsanalytics.cli.value_kinds import PATH, SHARE, SOME_DAYS


@command("Replay what users really did since each change under the old setting and the new one: "
         "promised, realised, and the changes that were wrong. Asks no AWS.",
         "wsanalytics verify plan.journal.jsonl --store fleet --output verified.csv")
def verify(
    journal: Annotated[Path, subject("the journal of the changes", "JOURNAL", PATH)], /, *,
    store: StoreFolder,
    days: Annotated[float, option("only changes that are at least so old (default: 7)", SOME_DAYS,
                                  metavar="N", group=LIMITS)] = 7.0,
    hour_rule: Annotated[str | None, option(
        "how hours are counted (default: as in the plan)", metavar="R", group=RULES,
        choices=HOUR_RULES)] = None,
    prices: Annotated[Path | None, option("your own prices table", PATH, metavar="F",
                                          group=RULES)] = None,
    discount: Annotated[float | None, option(
        "the share taken off all prices (default: as in the plan)", SHARE, metavar="X",
        group=RULES)] = None,
    output: Annotated[Path | None, option("write the table to a .csv or .parquet file as well",
                                          PATH, metavar="F", group=OUTPUT)] = None,
) -> None:
    """Print what the changes of a journal have saved, against what was promised."""
    from wsanalytics.actions import verify as verify_changes
    from wsanalytics.cli.printing.actions import print_verified
    from wsanalytics.cli.printing.as_json import print_json, records
    from wsanalytics.cli.printing.console import next_steps, note_written
    from wsanalytics.files import check_output
    from wsanalytics.history import Store
    from wsanalytics.prices import load_prices
    from wsanalytics.progress import step_bar
    from wsanalytics.tables import VERIFIED, write_table

    if output:
        check_output(output)
    samples = Store(store)
    if prices is not None:
        load_prices(path=prices)  # it may be that no change is to be priced, but it was named
    with step_bar(1) as step:
        step("replaying what users did since")
        frame = verify_changes(journal, samples, min_days=days, hour_rule=hour_rule, prices=prices,
                               discount=discount)
    if is_json():
        print_json("verify", journal=journal, verdicts=frame["verdict"].value_counts(),
                   changes=records(frame, VERIFIED))
    print_verified(frame)
    if output:
        write_table(frame, output, VERIFIED)
        note_written("the table is in", output)
    if wrong := frame.loc[frame["verdict"] == "wrong", "workspace_id"].tolist():
        next_steps(["undo", str(journal), "--workspace", *wrong])
