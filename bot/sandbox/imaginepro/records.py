"""Records of tokens as the list has them."""

from typing import Any, TypeAlias

TokenRecord: TypeAlias = dict[str, Any]
"""A record as the JSON has it, less its `token`; change it as you like."""


def token_record(
    identity: int,
    *,
    status: str = "FAST",
    plan: str = "Standard",
    fast: str = "13.47/15.0 hours (89.78%)",
    renews: int = 1893456000,
    active: bool = True,
    **info: object,
) -> TokenRecord:
    """A record as the list has it.

    Args:
        identity: Its id.
        status: FAST, RELAX, VERIFYING, BANNED, or any other word.
        plan: Basic, Standard, Pro or Mega, paid monthly; the word None makes the trial.
        fast: Its `fastTimeRemaining`.
        renews: When the plan renews, in Unix seconds.
        active: Whether ImaginePro sends it jobs.
        info: Other keys of its `info`, by their names in the JSON.
    """
    subscription = "None (Trial)" if plan == "None" else f"{plan} (Active monthly, renews next on <t:{renews}>)"
    return {
        "id": identity,
        "channelId": str(1000000000000000000 + identity),
        "serverId": "1000000000000000000",
        "isActive": active,
        "status": status,
        "info": {
            "jobMode": "",
            "runningJobs": "None",
            "relaxedUsage": "0 images",
            "subscription": subscription,
            "lifetimeUsage": "674 images",
            "queuedJobsFast": "0",
            "visibilityMode": "Public",
            "queuedJobsRelax": "0",
            "fastTimeRemaining": fast,
            **info,
        },
        "concurrency": 3,
    }
