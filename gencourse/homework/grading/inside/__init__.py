"""What runs in the process that runs a submission. It imports no judge: of the course only how functions are called."""
