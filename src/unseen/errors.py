"""Every exception that unseen raises.

UnseenError
├── DataError        the data cannot be used as given (a column, a weight, a label)
│   └── SchemaError  the columns differ from those of the fit
├── ModelError       the model, or a pair of model and algorithm, is impossible
├── NumericalError   a computation left the finite numbers (a singular component, a non-finite density)
├── EngineError      blocks could not be summed
├── RunError         a run on disk cannot be read or written
│   └── NotInstalledError  a whole run needs a newer unseen, or another package
└── OpsError         the production loop cannot go on
    ├── ConfigError    unseen.yaml is broken: line, key, nearest known key
    ├── ReadError      a read failed in a way that can pass (`unseen.ops.ingest`)
    ├── RegistryError  the registry, the log or a version in it cannot be read or written
    ├── ConflictError  someone else was first: the champion is no longer the one that was compared with
    └── LimitError     over a configured limit of time, memory or cost

Messages say what, where, why and which knob to turn; they never contain data values.
"""


class UnseenError(Exception):
    """Base of all errors of this package."""


class DataError(UnseenError, ValueError):
    """The data cannot be used as given."""


class SchemaError(DataError):
    """The columns differ from those the model was fitted on."""


class ModelError(UnseenError, ValueError):
    """The model, or the combination of model, algorithm and engine, is impossible."""


class NumericalError(UnseenError, ArithmeticError):
    """A computation left the finite numbers."""


class EngineError(UnseenError, RuntimeError):
    """Blocks could not be summed."""


class RunError(UnseenError, RuntimeError):
    """A run on disk cannot be read or written."""


class NotInstalledError(RunError):
    """A run is whole, and needs something that is not installed here: a newer unseen, or the package of a kind."""


class OpsError(UnseenError, RuntimeError):
    """The production loop cannot go on."""


class ConfigError(OpsError, ValueError):
    """unseen.yaml cannot be used."""


class RegistryError(OpsError):
    """The registry, the log or a version in it cannot be read or written."""


class ConflictError(OpsError):
    """Someone else was first."""


class LimitError(OpsError):
    """A configured limit would be or was passed."""
