"""The numbers: intervals, paired tests, power, many tests at once, two samples."""
