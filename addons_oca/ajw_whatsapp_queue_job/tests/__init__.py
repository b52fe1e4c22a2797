from . import test_access_matrix, test_job, test_uninstall
