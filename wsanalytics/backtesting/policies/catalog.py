"""Policies by their names, as they are written on the command line."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

from wsanalytics.backtesting.clairvoyant.policy import Clairvoyant
from wsanalytics.backtesting.policies.break_even import BreakEven
from wsanalytics.backtesting.policies.cheapest_fixed import CheapestFixed
from wsanalytics.backtesting.policies.cost_optimizer import CostOptimizer
from wsanalytics.backtesting.policies.fixed import Fixed, Hold
from wsanalytics.backtesting.policies.forecast import Forecast
from wsanalytics.backtesting.policies.informed import Informed
from wsanalytics.backtesting.policies.rule import Rule
from wsanalytics.backtesting.policies.start_before_work import StartBeforeWork
from wsanalytics.backtesting.policies.stop_when_idle import StopWhenIdle
from wsanalytics.errors import InputError, did_you_mean
from wsanalytics.settings import ALWAYS_ON, Setting

POLICIES: dict[str, Callable[..., Rule]] = {
    "hold": Hold,
    "cost_optimizer": CostOptimizer,
    "break_even": BreakEven,
    "forecast": Forecast,
    "cheapest_fixed": CheapestFixed,
    "clairvoyant": Clairvoyant,
    "informed": Informed,
    "stop_when_idle": StopWhenIdle,
    "start_before_work": StartBeforeWork,
}
"""Makers by name; parameters that are numbers, texts or flags can be written behind the name."""
UNWRITTEN = {"name", "thresholds"}
"""Parameters that are for Python alone."""
RULE = "a policy is written NAME or NAME:PARAM=VALUE,PARAM=VALUE"


def policy_named(text: str) -> Rule:
    """Return the policy that *text* writes, which becomes its name; :class:`InputError` for none.

    >>> policy_named("auto_stop:120")
    <policy auto_stop:120>
    >>> policy_named("stop_when_idle:minutes=15").idle_stop_minutes
    15
    """
    name, _, written = text.partition(":")
    if name == "auto_stop":
        return Fixed(Setting.parse(f"AUTO_STOP:{written}", where=f"the policy {text!r}"), text)
    if name == "always_on" and not written and ":" not in text:
        return Fixed(ALWAYS_ON, text)
    if name not in POLICIES:
        names = ["always_on", "auto_stop:60", *POLICIES]
        raise _refused(text, f"there is no policy {text!r}", did_you_mean(
            text.lower(), names, otherwise=f"use one of {', '.join(names)}"))
    if text.endswith(":"):
        raise _refused(text, "nothing stands behind the colon", f"write {name}")
    maker = POLICIES[name]
    rule = maker(**_parameters(text, written, maker))
    rule.name = text
    return rule


def _parameters(text: str, written: str, maker: Callable[..., Rule]) -> dict[str, Any]:
    """Return the parameters that are written behind a policy's name, as its maker takes them."""
    takes = {name: parameter for name, parameter in inspect.signature(maker).parameters.items()
             if name not in UNWRITTEN and parameter.default is not inspect.Parameter.empty}
    parameters: dict[str, Any] = {}
    for part in filter(None, written.split(",")):
        name, equals, value = part.partition("=")
        if not equals or name not in takes or name in parameters:
            raise _refused(text, f"{part!r} is no parameter of it" if name not in parameters
                           else f"{name} is there twice",
                           f"it takes {', '.join(takes) or 'none'}")
        parameters[name] = _value(text, name, value, takes[name].default)
    return parameters


def _value(text: str, name: str, value: str, default: object) -> object:
    if isinstance(default, bool):
        if value.lower() not in {"true", "false"}:
            raise _refused(text, f"{name} is {value!r}", f"write {name}=true or {name}=false")
        return value.lower() == "true"
    if isinstance(default, str):
        return value
    if re.fullmatch(r"\d{1,9}", value):
        return int(value)
    if re.fullmatch(r"\d{1,9}\.\d{1,9}", value):
        return float(value)
    raise _refused(text, f"{name} is {value!r}", f"write a number, such as {name}=30")


def _refused(text: str, what: str, fix: str) -> InputError:
    return InputError(what, where=f"the policy {text!r}", rule=RULE, fix=fix)
