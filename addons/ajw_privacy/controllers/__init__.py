from . import departure
from . import privacy
