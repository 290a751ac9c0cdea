"""The chapters as notebooks: found, executed, read, written and shown as pages."""
