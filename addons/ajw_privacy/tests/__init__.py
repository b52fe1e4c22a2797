from . import test_batch
from . import test_classify
from . import test_data_map
from . import test_policy
from . import test_run
from . import test_security
from . import test_vocabulary
