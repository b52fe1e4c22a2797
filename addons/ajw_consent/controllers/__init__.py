from . import invitation, notice, portal, preference
