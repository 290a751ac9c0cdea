"""The training loop: `fit`, what it shows and what it saves, and small helpers of a step."""
