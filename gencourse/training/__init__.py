"""The training loop: `fit`, what it shows and what it saves, batches, and small helpers of a step."""
