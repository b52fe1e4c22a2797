from . import test_access_matrix, test_pages, test_sms_mailing
