"""Names the failure mode of a run or a service, with its evidence, its cause and the next command.

================  ==========================================================================================
``diagnosis``     what a diagnosis says, and of what; the modes themselves stand in ``watch.modes``
``examine``       all examinations of a case; ``convergence`` F1 F2, ``stability`` F3 F5, ``answers`` F4 F8,
                  ``memory_use`` F6, ``around`` F7 F10, ``exposure`` F9
``memory``        how much memory a retrain will need, before it starts
``leaks``         what personal data looks like, and files that hold some
================  ==========================================================================================
"""

from unseen.ops.doctor.diagnosis import Case, Diagnosis
from unseen.ops.doctor.examine import case_of, diagnose, failing, modes_of
from unseen.ops.doctor.exposure import identifying
from unseen.ops.doctor.memory import predict_memory

__all__ = ["Case", "Diagnosis", "case_of", "diagnose", "failing", "identifying", "modes_of", "predict_memory"]
