"""State: what outlives an exchange. Plain synchronous code without trio: on the loop it is called in a thread."""
