"""What is doubtful about a suite, before its systems are blamed."""
