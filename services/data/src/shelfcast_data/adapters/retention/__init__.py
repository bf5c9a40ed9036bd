"""What is let go of after a time: files and rows that nothing needs any more."""
