from . import test_access_matrix, test_sms_mailing
