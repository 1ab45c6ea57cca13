"""What follows from the records, given a day: pure functions, no files, no HTML."""
