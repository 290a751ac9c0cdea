"""What runs in the process that runs a submission. It imports nothing of the course but `homework.calls`."""
