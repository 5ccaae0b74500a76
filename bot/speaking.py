"""What is said beside the ops channel, to people and in threads, wired: loaded once there is something to say."""

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.asides import Asides
from bot.chat.alerts import Alert
from bot.chat.alerts.asides import aside
from bot.chat.alerts.personal import personal
from bot.chat.beside import Beside
from bot.chat.client import ChatClient
from bot.delivery.handover import Handover
from bot.domain.asides import Bundle, Place
from bot.domain.watch import hearing, threads
from bot.domain.wishes import wish_id
from bot.monitor import Monitor
from bot.storage.store import Store


async def speak(
    client: ChatClient,
    monitor: Monitor,
    store: Store,
    clock: Callable[[], datetime],
    handover: Handover,
    zone: ZoneInfo,
) -> None:
    """Say what waits for people and threads, for ever.

    Args:
        client: By which it is said.
        monitor: What is known, and its way into the database.
        store: The rows.
        clock: The time of day.
        handover: Wakes it, and knows when the ops channel is at rest.
        zone: Whose days are meant, of what is to come.
    """

    async def rendered(bundle: Bundle) -> Alert:
        known = monitor.known
        if bundle.place is Place.PERSON:
            open_ = [each.key for each in bundle.incidents if each.open]
            shown, place = await store.shown_at(open_), client.place
            links = {key: place.link(shown[key]) if key in shown else place.home for key in open_}
            wish = known.decisions.wishes.get(wish_id(bundle.to))
            return personal(bundle, known.fleet, wish, links, known.troubled, zone)
        together = [key for key, each in known.incidents.items() if each.thread == bundle.to]
        return aside(bundle, known.fleet, together, known.troubled, zone)

    async def closed(to: int, place: Place) -> None:
        if place is Place.THREAD:
            await monitor.move(lambda known, _: threads.gone(known, to))
        else:
            why = hearing.lost if to in voice.lost else hearing.refused
            await monitor.move(lambda known, now: why(known, to, now))

    async def join() -> None:
        """What came to a card after its thread was opened belongs there, too: it has the id of the card."""
        there, bare = threads.apart(monitor.known)
        if bare:
            shown = {key: card for key, card in (await store.shown_at(bare)).items() if card in there}
            if shown:
                await monitor.move(lambda known, now: threads.join(known, shown, now))

    voice = Beside(client, client.logged_in, rendered, guild_id=client.place.guild_id, may_hear=client.access.hears)
    await Asides(store, voice, clock, handover, closed, join).run()
