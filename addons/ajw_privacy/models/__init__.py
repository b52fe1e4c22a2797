from . import ajw_privacy_classification
from . import ajw_privacy_data_line
from . import ajw_privacy_data_override
from . import ajw_privacy_data_map
from . import ajw_privacy_policy
from . import ajw_privacy_run
