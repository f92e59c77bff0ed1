"""What the tabular sources share: Arrow data to columns, blocks of a table, row groups on disk, filling cells."""
