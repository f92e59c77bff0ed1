"""Stories on real data: flights of a year, living with them in production, and an ordinary table.

``flights`` fits the 336,776 flights that left New York in 2013, ``production`` lives with them month by month, and
``table`` fits 4,454 applications for credit without an option.
"""
