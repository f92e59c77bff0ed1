"""The production loop: retrain, judge, register, promote, serve, watch, roll back, from one file (``unseen.yaml``).

=============  ==========================================================================================
``config``     ``unseen.yaml`` as typed settings, with errors that name line, key and the nearest known key
``ingest``     partitions of the data, their identity, and the schema gate that a failing batch never passes
``judge``      held-out comparison with the champion, alignment of components, calibration, gates
``registry``   the append-only log that says what is in production, and MLflow, which mirrors it
``retrain``    the stages from a batch to a promoted or held version, resumable and idempotent
``drift``      sequential tests of new data against what the champion was trained on
``watch``      metrics, service levels, alert rules, dashboards
``doctor``     failure modes F1 to F10: evidence, cause, next command
=============  ==========================================================================================

Everything here imports the fit and is imported by the command line alone.
"""
