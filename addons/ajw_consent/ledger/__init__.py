"""The consent ledger without a database: canonical form, hashes, fold, verify.

Nothing here imports Odoo. The models hand over plain values and store what comes back.
"""

from .canonical import GENESIS_HASH, HASH_VERSION, EventContent, event_hash
from .commitment import commit, commit_evidence, evidence_text, matches, new_salt
from .fold import FoldedState, fold
from .verify import BrokenLink, verify_chain

__all__ = [
    "GENESIS_HASH",
    "HASH_VERSION",
    "BrokenLink",
    "EventContent",
    "FoldedState",
    "commit",
    "commit_evidence",
    "event_hash",
    "evidence_text",
    "fold",
    "matches",
    "new_salt",
    "verify_chain",
]
