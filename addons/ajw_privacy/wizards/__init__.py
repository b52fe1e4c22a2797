from . import ajw_privacy_dry_run
