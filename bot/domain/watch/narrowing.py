"""What is known of one group of tokens, for those who look at no others."""

from bot.domain.groups import Group
from bot.domain.incidents import Key, Rule
from bot.domain.rules.table import FLEET_RULES
from bot.domain.value import replace
from bot.domain.watch.known import Known


def narrowed(known: Known, group: Group) -> Known:
    """The group's tokens, what is open of them, and what keeps anybody from reading them.

    That the whole fleet, or another group, is short is left out.
    """

    def is_about(key: Key) -> bool:
        if key.rule is Rule.POOL:
            return key.group == group.name
        return key.rule in FLEET_RULES or group.holds(key.token)

    return replace(
        known,
        fleet=replace(known.fleet, tokens=group.among(known.fleet.tokens)),
        incidents={key: each for key, each in known.incidents.items() if is_about(key)},
    )
