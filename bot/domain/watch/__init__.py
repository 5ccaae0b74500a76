"""What is known between two polls, and what moves it. Pure: whoever fetches, stores and notifies is elsewhere.

From the ground:

    known.py     what is known, what of it outlives a restart, and what a move of it changes in storage
    poll.py      one poll: a reading, or a failure to get one
    testing.py   a test of the way to a person, which no reading moves
    schedule.py  the time alone: silences and windows that begin and end, reminders, polls that do not come
    response.py  people: who acknowledges, silences, sets a rule, or takes that back
"""
