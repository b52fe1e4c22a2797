from . import test_access_matrix, test_mailing, test_withdrawal
