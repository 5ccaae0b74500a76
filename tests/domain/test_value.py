"""What values are made of."""

import gc
import sys

from bot.domain.incidents import Incident
from tests.domain.fleets import record
from tests.domain.stories import watching


def test_the_garbage_collector_does_not_look_at_what_is_known_of_a_fleet() -> None:
    story = watching(record(status="BANNED"))
    story.read(1, record(status="BANNED"))
    (incident, *_) = story.known.incidents.values()
    assert isinstance(incident, Incident)
    known = (*story.known.remembered.values(), *(each.record for each in story.known.remembered.values()), incident)
    assert not any(gc.is_tracked(each) for each in known)
    if sys.version_info < (3, 14):  # which looks at every dictionary
        assert not gc.is_tracked(story.known.remembered), "a dictionary of nothing but values is none of its business"
