"""Examples of properties: the same ones in every run, so that a change is judged by itself; new ones in `make explore`.

None has a deadline: how long it takes depends on the machine and on what else it does.
"""

import os

from hypothesis import settings

settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("other", deadline=None, print_blob=True)
settings.load_profile("other" if os.environ.get("EXPLORE") else "same")
