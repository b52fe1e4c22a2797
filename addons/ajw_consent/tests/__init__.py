from . import (
    test_access_matrix,
    test_event,
    test_gate,
    test_invitation,
    test_invitation_answer,
    test_invitation_page,
    test_keyring,
    test_ledger,
    test_notice,
    test_proof_export,
    test_record_wizard,
    test_security,
)
