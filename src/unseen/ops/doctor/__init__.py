"""Names the failure mode of a run or a service, with its evidence, its cause and the next command.

================  ==========================================================================================
``diagnosis``     what a diagnosis says, and of what; the modes themselves stand in ``watch.modes``
``examine``       all examinations of a case: ``convergence`` F1 F2, ``estimates`` F3 F4 F5 F8, ``memory`` F6 and
                  how much of it a retrain will need, ``around`` F7 F10, ``leaks`` F9 and personal data
================  ==========================================================================================
"""

from unseen.ops.doctor.diagnosis import Case, Diagnosis
from unseen.ops.doctor.examine import case_of, diagnose, failing, modes_of
from unseen.ops.doctor.leaks import identifying
from unseen.ops.doctor.memory import predict_memory

__all__ = ["Case", "Diagnosis", "case_of", "diagnose", "failing", "identifying", "modes_of", "predict_memory"]
