"""Whatever single thing is tampered with, verification finds it, and names the first place."""

import hashlib
import json
import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plain.packages import load

ledger = load("ajw_consent", "ledger")
canonical, merkle, seals, verify = (
    __import__(f"ajw_consent_ledger.{name}", fromlist=["x"])
    for name in ("canonical", "merkle", "seal", "verify")
)

T0 = datetime(2026, 1, 1, 9, 0)
NOBODY = "0" * 64


def digest_of(value):
    return hashlib.sha256(str(value).encode()).hexdigest()


def chain_of(number, length):
    """A chain of events as rows: what verification reads of each."""
    rows, prev = [], canonical.GENESIS_HASH
    for sequence in range(1, length + 1):
        content = ledger.EventContent(
            uuid=f"event-{number}-{sequence}",
            controller=1,
            subject=f"subject-{number}",
            purpose="invoice",
            channel="whatsapp",
            sequence=sequence,
            kind=("given", "withdrawn")[sequence % 2],
            method="paper",
            occurred_at=T0 + timedelta(minutes=sequence),
            recorded_at=T0 + timedelta(minutes=sequence),
            needs_confirmation=bool(sequence % 3),
            expires_at=T0 if sequence % 4 else None,
            notice_digest=digest_of("notice"),
            address_ref="ab12",
            address_commitment=digest_of("address"),
            name_commitment=digest_of("name"),
            ip_commitment=digest_of("ip"),
            actor_commitment=digest_of("actor"),
            evidence_commitment=digest_of("evidence"),
        )
        if "given_by" in content._fields:
            content = content._replace(given_by="self")
        digest = ledger.event_hash(content, prev)
        rows.append([content.uuid, content, prev, digest, ledger.HASH_VERSION])
        prev = digest
    return rows


def sealed(groups):
    """Seals over lists of hashes, each with its members."""
    found, previous, total = [], seals.GENESIS_SEAL, 0
    for sequence, hashes in enumerate(groups, start=1):
        tree = merkle.MerkleTree()
        for digest in hashes:
            tree.add(digest)
        total += len(hashes)
        content = seals.SealContent(
            "database", 1, sequence, T0 + timedelta(days=sequence), len(hashes), total,
            tree.root(), previous,
        )  # fmt: skip
        previous = seals.seal_hash(content)
        seal = seals.Seal(content, seals.SEAL_VERSION, previous, tree.level, tree.nodes())
        found.append((seal, list(enumerate(hashes, start=1))))
    return found


def problems(stored, mailed=()):
    pairs = [(seal, lambda members=members: iter(members)) for seal, members in stored]
    return list(verify.verify_seals(pairs, mailed))


def other_byte(text, at, shift):
    """The text with one byte changed to another printable one."""
    at %= len(text)
    code = 33 + (ord(text[at]) - 33 + 1 + shift % 93) % 94
    return text[:at] + chr(code) + text[at + 1 :]


def tampered(value, at, shift):
    """A value of a column after one byte of it was changed."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value ^ (1 << (at % 31))
    if isinstance(value, datetime):
        return value + timedelta(seconds=1 << (at % 24))
    if value is None:
        return T0
    return other_byte(value, at, shift) if value else chr(33 + shift % 94)


@settings(max_examples=400)
@given(
    st.integers(1, 6),
    st.data(),
    st.integers(0, 400),
    st.integers(0, 92),
)
def test_A2_a_single_tampered_byte_of_an_event_is_found(length, data, at, shift):
    rows = chain_of(1, length)
    assert ledger.verify_chain(rows) is None
    which = data.draw(st.integers(0, length - 1))
    names = [*ledger.EventContent._fields, "prev_hash", "hash", "hash_version"]
    name = data.draw(st.sampled_from(names))
    row = rows[which]
    if name in ledger.EventContent._fields:
        row[1] = row[1]._replace(**{name: tampered(getattr(row[1], name), at, shift)})
    else:
        column = names.index(name) - len(ledger.EventContent._fields) + 2
        row[column] = tampered(row[column], at, shift)
    broken = ledger.verify_chain(rows)
    assert broken is not None
    assert broken.event == row[0], "the first broken link is the one that was touched"


@settings(max_examples=200)
@given(st.integers(2, 8), st.data())
def test_A2_an_event_removed_or_exchanged_is_found(length, data):
    rows = chain_of(1, length)
    which = data.draw(st.integers(0, length - 2))
    assert ledger.verify_chain(rows[:which] + rows[which + 1 :]).event == rows[which + 1][0]
    swapped = list(rows)
    swapped[which], swapped[which + 1] = swapped[which + 1], swapped[which]
    assert ledger.verify_chain(swapped).event == rows[which + 1][0]


groups_of_hashes = st.lists(
    st.lists(st.integers(0, 10**6).map(digest_of), max_size=9, unique=True), min_size=1, max_size=5
)


@settings(max_examples=400)
@given(groups_of_hashes, st.data(), st.integers(0, 400), st.integers(0, 92))
def test_A2_a_single_tampered_byte_of_a_seal_is_found(groups, data, at, shift):
    stored = sealed(groups)
    assert problems(stored, [seal for seal, _members in stored]) == []
    which = data.draw(st.integers(0, len(stored) - 1))
    seal, members = stored[which]
    names = [*seals.SealContent._fields, "version", "hash", "level", "nodes"]
    name = data.draw(st.sampled_from(names))
    if name in seals.SealContent._fields:
        changed = tampered(getattr(seal.content, name), at, shift)
        seal = seal._replace(content=seal.content._replace(**{name: changed}))
    elif name == "nodes":
        if not seal.nodes:
            return
        node = at % len(seal.nodes)
        nodes = list(seal.nodes)
        nodes[node] = other_byte(nodes[node], at, shift)
        if nodes[node].lower() == seal.nodes[node]:
            return  # the same digest in capitals
        seal = seal._replace(nodes=nodes)
    else:
        seal = seal._replace(**{name: tampered(getattr(seal, name), at, shift)})
        # One digest is the same on every level.
        if name == "level" and merkle_nodes(members, seal.level) == seal.nodes:
            return
    stored[which] = (seal, members)
    found = problems(stored)
    assert found
    assert found[0].sequence == seal.content.sequence or found[0].sequence == which + 2


def merkle_nodes(members, level):
    if not 0 <= level < 64:
        return None
    tree = merkle.MerkleTree(level)
    for _position, digest in members:
        tree.add(digest)
    return tree.nodes()


@settings(max_examples=300)
@given(groups_of_hashes.filter(any), st.data())
def test_A2_memberships_changed_are_found_where_they_were_changed(groups, data):
    stored = sealed(groups)
    which = data.draw(st.sampled_from([n for n, (_s, members) in enumerate(stored) if members]))
    seal, members = stored[which]
    at = data.draw(st.integers(0, len(members) - 1))
    deed = data.draw(st.sampled_from(("remove", "gone", "exchange", "add", "move")))
    changed = list(members)
    if deed == "remove":
        del changed[at]
    elif deed == "gone":
        changed[at] = (at + 1, None)
    elif deed == "exchange":
        changed[at] = (at + 1, digest_of("another"))
    elif deed == "add":
        changed.append((len(changed) + 1, digest_of("another")))
        at = len(members)
    else:
        changed[at] = (at + 1000, changed[at][1])
    stored[which] = (seal, changed)
    broken = problems(stored)[0]
    assert broken.sequence == seal.content.sequence
    assert broken.first <= at + 1 <= broken.last or (deed == "remove" and broken.first == at + 1)


@settings(max_examples=200)
@given(groups_of_hashes.filter(any), st.data())
def test_A2_a_history_recomputed_as_a_whole_differs_from_a_mailed_seal(groups, data):
    kept = [seal for seal, _members in sealed(groups)]
    which = data.draw(st.sampled_from([n for n, group in enumerate(groups) if group]))
    at = data.draw(st.integers(0, len(groups[which]) - 1))
    deed = data.draw(st.sampled_from(("exchange", "remove", "insert")))
    forged = [list(group) for group in groups]
    if deed == "exchange":
        forged[which][at] = digest_of("forged")
    elif deed == "remove":
        del forged[which][at]
    else:
        forged[which].insert(at, digest_of("forged"))
    stored = sealed(forged)
    assert problems(stored) == [], "the database alone cannot tell"
    later = data.draw(st.integers(which, len(kept) - 1))
    found = problems(stored, [kept[later]])
    assert [broken.reason for broken in found] == ["mailed"]
    first = problems(stored, kept)[0]
    assert first.sequence == which + 1
    assert first.first <= at + 1 <= first.last


def test_A2_seals_cut_off_are_missed():
    stored = sealed([[digest_of(1)], [digest_of(2)], []])
    kept = [seal for seal, _members in stored]
    assert problems(stored[:2], kept) == [(3, "missing", 0, 0)]
    assert problems([], kept[1:2]) == [(2, "missing", 0, 0)]
    assert problems(stored[1:], kept)[0] == (1, "missing", 0, 0)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 8, 255, 256, 257, 1000, 4097])
def test_the_tree_is_the_one_of_rfc_6962(count):
    """Section 2.1, by its recursive definition."""

    def root(leaves):
        if not leaves:
            return hashlib.sha256(b"").digest()
        if len(leaves) == 1:
            return hashlib.sha256(b"\0" + leaves[0]).digest()
        split = 1
        while split * 2 < len(leaves):
            split *= 2
        return hashlib.sha256(b"\1" + root(leaves[:split]) + root(leaves[split:])).digest()

    hashes = [digest_of(number) for number in range(count)]
    expected = root([digest.encode() for digest in hashes]).hex()
    tree = merkle.MerkleTree()
    for digest in hashes:
        tree.add(digest)
    assert tree.root() == expected
    assert len(tree.nodes()) < merkle.MAX_NODES
    for level in (0, 1, 3):
        nodes = merkle_nodes(list(enumerate(hashes)), level)
        assert merkle.root_of(nodes) == expected
        assert len(nodes) == -(-count // 2**level)


def test_A2_a_tree_of_many_leaves_needs_no_more_memory():
    tree = merkle.MerkleTree()
    tracemalloc.start()
    for number in range(200_000):
        tree.add(f"{number:064x}")
        if number == 20_000:
            tracemalloc.reset_peak()
            small = tracemalloc.get_traced_memory()[1]
    large = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert large < small + 32_000


@settings(max_examples=300)
@given(st.integers(0, 5000), st.integers(0, 92))
def test_A2_a_seals_file_with_a_tampered_byte_is_refused(at, shift):
    seal, _members = sealed([[digest_of(number) for number in range(20)]])[0]
    data = seals.write_seal(seal)
    assert seals.read_seal(data)._replace(content=None) == seal._replace(content=None)
    assert seals.read_seal(data).hash == seal.hash
    text = data.decode()
    changed = other_byte(text, at, shift) if text[at % len(text)] not in "\n " else text
    if changed == text:
        return
    try:
        read = seals.read_seal(changed.encode())
    except ValueError:
        return
    # The sentence for people, and the names of its key, are not sealed; capitals are the same hex.
    assert read.hash == seal.hash
    assert [node.lower() for node in read.nodes] == seal.nodes


@pytest.mark.parametrize(
    "data",
    [b"", b"null", b"[]", b"{}", b"\xff\xfe", b"[" * 9000, json.dumps({"format": 1}).encode()],
)
def test_what_is_no_seal_is_refused_with_a_sentence(data):
    with pytest.raises(ValueError, match="no seal"):
        seals.read_seal(data)


def test_the_hash_of_a_seal_is_final():
    """The bytes that are hashed can never change: this value was computed once and stays."""
    content = seals.SealContent("db", 1, 1, T0.replace(tzinfo=UTC), 2, 2, "ab", NOBODY)
    expected = hashlib.sha256(
        b'{"controller":1,"count":2,"ledger":"db","previous":"' + NOBODY.encode() + b'",'
        b'"root":"ab","sealed_at":"2026-01-01T09:00:00Z","sequence":1,"total":2,"version":1}'
    ).hexdigest()
    assert seals.seal_hash(content) == expected
    with pytest.raises(ValueError):
        seals.seal_hash(content, 2)


def test_the_program_says_which_seal_is_forged(tmp_path, capsys):
    stored = sealed([[digest_of(1)], [digest_of(2)]])
    forged = sealed([[digest_of(3)], [digest_of(2)]])
    for name, seal in (("1", stored[0][0]), ("2", stored[1][0]), ("f", forged[0][0])):
        (tmp_path / name).write_bytes(seals.write_seal(seal))
    assert seals.main([str(tmp_path / "1"), str(tmp_path / "2")]) == 0
    assert seals.main([str(tmp_path / "f"), str(tmp_path / "2")]) == 1
    assert "one of the two is forged" in capsys.readouterr().out
    (tmp_path / "2").write_bytes(b"{}")
    assert seals.main([str(tmp_path / "2")]) == 1
    assert seals.main([]) == 2


def test_A2_a_link_that_fits_itself_but_not_the_one_before():
    """Only its own hash was recomputed: what it says of the one before betrays it."""
    rows = chain_of(1, 3)
    for name, value, reason in (("sequence", 7, "sequence"), (None, NOBODY, "prev_hash")):
        uuid, content, prev, _digest, version = rows[1]
        content = content._replace(**{name: value}) if name else content
        prev = prev if name else value
        forged = [uuid, content, prev, ledger.event_hash(content, prev), version]
        assert ledger.verify_chain([rows[0], forged, rows[2]]) == (uuid, reason)
    stored = sealed([[digest_of(1)], [digest_of(2)]])
    seal, members = stored[1]
    for name, value, reason in (
        ("previous", NOBODY, "previous"),
        ("total", 9, "total"),
        ("sequence", 5, "sequence"),
    ):
        content = seal.content._replace(**{name: value})
        forged = seal._replace(content=content, hash=seals.seal_hash(content))
        assert [b.reason for b in problems([stored[0], (forged, members)])] == [reason]
    assert problems([(stored[0][0], [(1, None)])])[0].reason == "event"


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=6),
    st.data(),
)
def test_A2_seals_verified_step_by_step_are_verified_as_at_once(sizes, data):
    stored = sealed([[digest_of((n, at)) for at in range(size)] for n, size in enumerate(sizes)])
    mailed = [seal for seal, _members in stored if data.draw(st.booleans())]
    if data.draw(st.booleans()):
        del stored[data.draw(st.integers(0, len(stored) - 1))]
    for number, (seal, members) in enumerate(stored):
        if data.draw(st.booleans()):
            changed = seal._replace(hash=other_byte(seal.hash, number, 1))
            stored[number] = (changed, members[:-1])
    found, known = [], ()
    for seal, members in stored:
        # Another object each time, which knows what can be written down.
        verifier = verify.SealVerifier(mailed, *known)
        found += verifier.check(seal, lambda members=members: iter(members))
        known = (verifier.position, verifier.previous, verifier.total)
    found += verify.SealVerifier(mailed, *known).missing()
    assert found == problems(stored, mailed)
