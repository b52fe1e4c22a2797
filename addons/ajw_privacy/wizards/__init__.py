from . import ajw_privacy_dry_run
from . import ajw_privacy_step
from . import base_partner_merge
