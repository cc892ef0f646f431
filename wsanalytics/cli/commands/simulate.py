"""The commands from samples to charges: columns, sessions, simulate.

Each reads its inputs, calls the public functions, and writes its outputs. An output is checked
before any work is done, and written when all work is done.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from datetime import timedelta

import pandas as pd

from wsanalytics.billing import bill
from wsanalytics.cli.inputs import Fleet, fleet_of, tell_defaults
from wsanalytics.cli.printing import fleet as terminal
from wsanalytics.files import check_output, together
from wsanalytics.formatting import counted
from wsanalytics.history import Store, read_samples
from wsanalytics.sessions import Found, find_gaps, find_sessions, find_stored
from wsanalytics.settings import setting_grid
from wsanalytics.simulation import replay
from wsanalytics.tables import (
    CHARGES,
    GAPS,
    SESSIONS,
    TABLES,
    as_markdown,
    table_named,
    write_table,
)


def columns(args: Namespace) -> None:
    """Print the contract of one table, or of all."""
    if args.markdown:
        sys.stdout.write(as_markdown())
        return
    for table in [table_named(args.table)] if args.table else TABLES.values():
        terminal.print_contract(table)


def sessions(args: Namespace) -> None:
    """Samples to sessions."""
    for path in filter(None, (args.output, args.gaps)):
        check_output(path)
    bridge = None if args.bridge_gaps is None else timedelta(minutes=args.bridge_gaps)
    with terminal.progress(3) as step:
        step("reading samples, finding sessions")
        found = _found(args, bridge)
        step("writing")
        with together() as batch:
            if args.gaps:
                write_table(found.gaps, args.gaps, GAPS, batch=batch)
            write_table(found.sessions, args.output, SESSIONS, batch=batch)
    terminal.tell(
        f"{counted(found.samples, 'sample')}, {counted(len(found.sessions), 'session')} "
        f"({int(found.sessions['revealed'].sum()):,} revealed), "
        f"{counted(len(found.gaps), 'gap')}; written to {args.output}")


def _found(args: Namespace, bridge: timedelta | None) -> Found:
    """Sessions and gaps from a store or from a samples file."""
    if args.store is not None:
        store = Store(args.store)
        return find_stored(store, store.inventory(), store.window(), bridge_gaps=bridge)
    samples = read_samples(args.samples)
    return Found(find_sessions(samples, bridge_gaps=bridge),
                 find_gaps(samples, bridge_gaps=bridge), len(samples))


def simulate(args: Namespace) -> None:
    """Sessions to charges, under the settings that were named."""
    check_output(args.output)
    settings = setting_grid(auto_stop_minutes=(), always_on=False, include=args.setting)
    with terminal.progress(4) as step:
        step("reading")
        fleet = fleet_of(args)
        if fleet.note:
            terminal.tell_when_done(fleet.note)
        step("replaying")
        replayed = replay(
            fleet.sessions, settings, window=fleet.window, resume_seconds=args.resume_seconds,
            network_grace_minutes=args.network_grace_minutes, orders=fleet.orders,
        )
        step("billing")
        charges = bill(replayed, fleet.workspaces, fleet.prices, hour_rule=args.hour_rule,
                       maintenance_hours=args.maintenance_hours)
        step("writing")
        write_table(charges, args.output, CHARGES)
    _print_charges(charges, fleet)
    tell_defaults(fleet.defaults)
    terminal.tell(f"{counted(len(charges), 'row')} written to {args.output}")


def _print_charges(charges: pd.DataFrame, fleet: Fleet) -> None:
    empty = charges["total_usd"].isna()
    unpriced = charges["workspace_id"].isin(charges.loc[empty, "workspace_id"])
    priced = charges[~unpriced]
    sums = priced.groupby("setting", observed=False)[
        ["billed_hours", "fixed_usd", "hourly_usd", "cold_starts"]].sum()
    left_out = charges.loc[unpriced, "workspace_id"].nunique()
    title = (f"{counted(priced['workspace_id'].nunique(), 'WorkSpace')}, {fleet.window}"
             + (f"; {counted(left_out, 'WorkSpace')} without a price left out" if left_out else ""))
    terminal.print_totals(sums, title)
    terminal.console().print(f"Prices: {fleet.prices.origin}, {fleet.prices.dates}.")
