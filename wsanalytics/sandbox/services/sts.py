"""The STS service: who calls, and keys for roles in the sandbox's other accounts."""

from __future__ import annotations

import re
from datetime import timedelta

from wsanalytics.sandbox.faults import denial
from wsanalytics.sandbox.keys import SECRET
from wsanalytics.sandbox.services.protocol import ApiError, Call, Members
from wsanalytics.sandbox.world import Handlers, World

HOUR_SECONDS = 3600


def get_caller_identity(_world: World, call: Call) -> Members:
    """GetCallerIdentity: by the access key."""
    return {"UserId": call.key or "AIDASANDBOX", "Account": call.account, "Arn": call.caller}


def assume_role(world: World, call: Call) -> Members:
    """AssumeRole: a key of the role's account; accounts without a fleet trust nobody."""
    arn, name = call.params["RoleArn"], call.params["RoleSessionName"]
    match = re.fullmatch(r"arn:aws[a-z-]*:iam::(\d{12}):role/([\w+=,.@/-]+)", arn)
    if match is None:
        raise ApiError("ValidationError", f"{arn} is invalid")
    account, role = match[1], match[2].rpartition("/")[2]
    if account not in world.keys.accounts or account in world.faults.denied_accounts:
        raise denial(call, arn)
    seconds = call.params.get("DurationSeconds", HOUR_SECONDS)
    lasts = world.faults.role_seconds if world.faults.role_seconds is not None else seconds
    key, ends_at = world.keys.lend(account, timedelta(seconds=lasts))
    return {
        "Credentials": {
            "AccessKeyId": key,
            "SecretAccessKey": SECRET,
            "SessionToken": f"sandbox-{key}",
            "Expiration": ends_at,
        },
        "AssumedRoleUser": {
            "AssumedRoleId": f"AROA{account}:{name}",
            "Arn": f"arn:aws:sts::{account}:assumed-role/{role}/{name}",
        },
        "PackedPolicySize": 0,
    }


HANDLERS: Handlers = {
    ("sts", "GetCallerIdentity"): get_caller_identity,
    ("sts", "AssumeRole"): assume_role,
}
"""The actions answered here."""
