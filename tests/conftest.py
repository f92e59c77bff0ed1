"""No example of a property has a deadline: how long it takes depends on the machine and on what else it does."""

from hypothesis import settings

settings.register_profile("suite", deadline=None)
settings.load_profile("suite")
