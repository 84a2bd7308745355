"""Fine-tuning: is the training data ready, would more of it help, and what did the tuning break."""
