"""The command ``simulate``: sessions to charges under any settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from wsanalytics.cli.options import FLEET, LIMITS, OUTPUT, RULES, FleetOptions, command, option
from wsanalytics.cli.results import is_json
from wsanalytics.cli.value_kinds import MINUTES, PATH, SECONDS, TEXTS

if TYPE_CHECKING:
    import pandas as pd

    from wsanalytics.cli.inputs import Fleet


@command("Replay sessions under each setting and bill them by month.",
         "wsanalytics simulate --store fleet --setting ALWAYS_ON AUTO_STOP:60 --output charges.csv",
         "wsanalytics simulate --sessions s.csv --workspaces w.csv --setting AUTO_STOP:120 "
         "--hour-rule exact --output charges.parquet")
def simulate(
    *,
    fleet: FleetOptions = FLEET,
    setting: Annotated[list[str], option(
        "ALWAYS_ON or AUTO_STOP:MINUTES; may be repeated", TEXTS, metavar="S", group=LIMITS)],
    resume_seconds: Annotated[float, option(
        "a stopped WorkSpace is switched on that long before its user is connected (default: 0)",
        SECONDS, metavar="N", group=RULES)] = 0.0,
    network_grace_minutes: Annotated[float, option(
        "AWS notices a disconnect that much later (default: 0)", MINUTES, metavar="N",
        group=RULES)] = 0.0,
    output: Annotated[Path, option("where the charges go, .csv or .parquet", PATH, metavar="F",
                                   group=OUTPUT)],
) -> None:
    """Write what the fleet would have cost under the settings that are named."""
    from wsanalytics.billing import bill
    from wsanalytics.cli.inputs import fleet_of, note_defaults, same_inputs
    from wsanalytics.cli.printing.as_json import print_json, records
    from wsanalytics.cli.printing.console import next_steps, note_written
    from wsanalytics.files import check_output
    from wsanalytics.formatting import counted
    from wsanalytics.progress import step_bar
    from wsanalytics.settings import setting_grid
    from wsanalytics.simulation import replay
    from wsanalytics.tables import CHARGES, write_table

    check_output(output)
    settings = setting_grid(auto_stop_minutes=(), always_on=False, include=setting)
    with step_bar(4) as step:
        step("reading")
        data = fleet_of(fleet)
        step("replaying")
        replayed = replay(
            data.sessions, settings, window=data.window, resume_seconds=resume_seconds,
            network_grace_minutes=network_grace_minutes, commands=data.commands,
        )
        step("billing")
        charges = bill(replayed, data.workspaces, data.prices, hour_rule=fleet.hour_rule,
                       maintenance_hours=fleet.maintenance_hours)
        step("writing")
        write_table(charges, output, CHARGES)
    if is_json():
        print_json("simulate", window={"start": data.window.start, "end": data.window.end},
                   output=output, charges=records(charges, CHARGES))
    _print_charges(charges, data)
    note_defaults(data.defaults)
    note_written(f"{counted(len(charges), 'row')} written to", output)
    next_steps(["recommend", *same_inputs(fleet), "--output", "plan.json"])


def _print_charges(charges: pd.DataFrame, fleet: Fleet) -> None:
    """Print the sums by setting, without the WorkSpaces that have no price."""
    from wsanalytics.cli.printing.console import console
    from wsanalytics.cli.printing.fleet import print_totals
    from wsanalytics.formatting import counted

    empty = charges["total_usd"].isna()
    unpriced = charges["workspace_id"].isin(charges.loc[empty, "workspace_id"])
    priced = charges[~unpriced]
    sums = priced.groupby("setting", observed=False)[
        ["billed_hours", "fixed_usd", "hourly_usd", "cold_starts"]].sum()
    left_out = charges.loc[unpriced, "workspace_id"].nunique()
    title = (f"{counted(priced['workspace_id'].nunique(), 'WorkSpace')}, {fleet.window}"
             + (f"; {counted(left_out, 'WorkSpace')} without a price left out" if left_out else ""))
    print_totals(sums, title)
    console().print(f"Prices: {fleet.prices.origin}, {fleet.prices.dates}.")
