"""What leaves written tables for other programs and pages; every number is read from a table's CSV file."""
