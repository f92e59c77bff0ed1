"""The command line as a Spark application: spark-submit nightly.py retrain, or fit, or any other command."""

from unseen.cli import main

if __name__ == "__main__":
    main()
