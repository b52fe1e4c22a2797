"""The seals in a proof, and the events they cover. See :mod:`.proof`."""

import sqlite3

from .seal import read_seal
from .verify import verify_seals


class Places:
    """Which seal covers which event, in a database of its own on disk: memory stays flat."""

    def __init__(self):
        self.unsealed = 0
        self._db = sqlite3.connect("")
        self._db.execute(
            "CREATE TABLE place (controller, seal, position, hash, event, "
            "PRIMARY KEY (controller, seal, position)) WITHOUT ROWID"
        )

    def add(self, content, digest, place):
        """Note an event; return what is wrong with its place (list of sentences).

        :param content: :class:`~.canonical.EventContent`
        :param place: ``(number of the seal, position in it)``; ``None`` when it is not sealed yet
        """
        if not place:
            self.unsealed += 1
            return []
        try:
            row = (content.controller, *place, digest, content.uuid)
            self._db.execute("INSERT INTO place VALUES (?, ?, ?, ?, ?)", row)
        except sqlite3.Error:
            return [f"Event {content.uuid}: its place in a seal is taken, or is no place."]
        return []

    def members(self, controller, seal):
        """Yield ``(position, hash)`` of a seal's events."""
        return self._db.execute(
            "SELECT position, hash FROM place WHERE controller = ? AND seal = ? ORDER BY position",
            (controller, seal),
        )

    def event(self, controller, seal, position):
        """Return the identifier of the event in a place, ``""`` if there is none."""
        row = self._db.execute(
            "SELECT event FROM place WHERE controller = ? AND seal = ? AND position = ?",
            (controller, seal, position),
        ).fetchone()
        return row[0] if row else ""

    def seals(self):
        """Return the ``(controller, seal)`` that events name."""
        return self._db.execute("SELECT DISTINCT controller, seal FROM place").fetchall()

    def close(self):
        self._db.close()


def check_seals(archive, places, mailed, problems):
    """Verify the seals of an archive, against the events in it and against mailed ones.

    :return: number of seals
    """
    by_controller = {}
    if "seals.jsonl" in archive.namelist():
        with archive.open("seals.jsonl") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    seal = read_seal(line)
                except ValueError as error:
                    problems.append(f"Seal in line {number}: {error}")
                    continue
                by_controller.setdefault(seal.content.controller, []).append(seal)
    seals = [seal for group in by_controller.values() for seal in group]
    known = {(seal.content.controller, seal.content.sequence) for seal in seals}
    for controller, number in places.seals():
        if (controller, number) not in known:
            problems.append(f"Seal {number} of controller {controller} is not in this file.")
    for controller in sorted({*by_controller, *(seal.content.controller for seal in mailed)}):
        stored = [
            (seal, lambda c=controller, n=seal.content.sequence: places.members(c, n))
            for seal in by_controller.get(controller, ())
        ]
        kept = [seal for seal in mailed if seal.content.controller == controller]
        for broken in verify_seals(stored, kept):
            sentence = f"Seal {broken.sequence} of controller {controller}: {broken.reason}"
            event = places.event(controller, broken.sequence, broken.first)
            if broken.first:
                sentence += f", among its events {broken.first} to {broken.last}"
            problems.append(f"{sentence}{event and f', event {event}'}.")
    return len(seals)
