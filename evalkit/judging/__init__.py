"""Who judges the judge: agreement with people, biases, corrected rates, and a queue for reviewers."""
